"""What surrounds the demo's trade tape makes each trade possible and the figures come out."""

from collections import Counter
from dataclasses import asdict, fields
from datetime import date
from itertools import pairwise

import pytest

from services.tools.companies import (
    body_check_character,
    buyer_keys,
    code_check_character,
    organisations,
)
from services.tools.market_days import is_trading_day, previous_trading_day
from services.tools.records import Records, load_records
from services.tools.stage import (
    day_closes,
    deposits,
    expected_figures,
    listings,
    moves,
    next_trade,
    pilot_trade,
)
from services.tools.tape import Instrument, Trade, build_tape, stocks, within_band


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


@pytest.fixture(scope="module")
def tape(records: Records) -> tuple[Trade, ...]:
    return build_tape(records)


def day_of(trade: Trade) -> date:
    return trade.executed_at.date()


def test_the_records_add_up_to_the_published_totals(records: Records) -> None:
    tonnes, turnover_fen = 0, 0
    for row in records.days:
        tonnes, turnover_fen = tonnes + row.tonnes, turnover_fen + row.turnover_fen
        assert (row.cumulative_tonnes, row.cumulative_turnover_yuan * 100) == (tonnes, turnover_fen)
    assert len(records.in_application) == 7
    assert sum(row.tonnes for row in records.in_application) == 902_206
    assert len({(row.project, row.vintage) for row in records.issued}) == 72


def test_the_figures_are_those_that_must_come_out(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    assert asdict(expected_figures(records, tape)) == {
        "projects_registered": 41,
        "expected_annual_tonnes": 14_796_474,
        "batches_issued": 74,
        "tonnes_issued": 22_210_888,
        "trading_days": 356,
        "tonnes_traded": 20_473_612,
        "turnover_fen": 161_850_642_564,
        "trades_settled": len(tape),
        "trades_published": len(tape),
        "pilot_tonnes_traded": 10_000,
        "pilot_tonnes_retired": 10_000,
        "ets_due": 1_000_019,
        "ets_surrendered": 950_019,
        "ets_offset": 50_000,
        "certificates": 6,
        "invariants_broken": 0,
        "duplicates_sent": len(tape) // 10,
    }


def test_the_declared_first_price_would_itself_pass_the_band(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    declared = {row.instrument: row for row in listings(tape, moves(records, tape))}
    for trade in tape:
        listing = declared[trade.instrument]
        if day_of(trade) == listing.listed_on:
            assert within_band(listing.declared_fen, trade.price_fen, trade.price_fen)


def test_nothing_is_sold_before_it_was_issued_moved_and_listed(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    issued = {(row.instrument, row.monitoring_period): row for row in stocks(records)}
    orders = list(moves(records, tape))
    for move in orders:
        stock = issued[move.instrument, move.monitoring_period]
        assert stock.issued_on <= move.moved_at.date()
        assert is_trading_day(move.moved_at.date())
        assert (move.owner, move.tonnes) == (stock.seller, stock.tonnes)
    at_venue: Counter[Instrument] = Counter()
    for trade in tape:
        while orders and orders[0].moved_at.date() <= previous_trading_day(day_of(trade)):
            move = orders.pop(0)
            at_venue[move.instrument] += move.tonnes
        at_venue[trade.instrument] -= trade.tonnes
        assert at_venue[trade.instrument] >= 0
    assert not orders


def test_a_listing_starts_with_its_first_trade_and_keeps_what_is_not_sold(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    found = listings(tape, moves(records, tape))
    assert sum(row.sold_tonnes for row in found) == 20_473_612
    assert all(row.left_tonnes >= 0 for row in found)
    assert [row.listed_on for row in found] == sorted(row.listed_on for row in found)


def test_deposits_cover_every_purchase_before_it_is_made(tape: tuple[Trade, ...]) -> None:
    cash_fen: Counter[str] = Counter()
    waiting = list(deposits(tape))
    assert len({deposit.reference for deposit in waiting}) == len(waiting)
    for trade in tape:
        while waiting and waiting[0].reported_at < trade.executed_at:
            deposit = waiting.pop(0)
            assert deposit.amount_fen > 0
            cash_fen[deposit.buyer] += deposit.amount_fen
        cash_fen[trade.buyer] -= trade.value_fen
        assert cash_fen[trade.buyer] >= 0
    assert not waiting


def test_every_disclosed_day_is_closed_with_the_tapes_own_count(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    closes = day_closes(records, tape)
    assert [close.day for close in closes] == [row.day for row in records.days]
    assert sum(close.trades for close in closes) == len(tape)
    assert sum(close.tonnes == close.trades == close.turnover_fen == 0 for close in closes) == 6
    closed_at = {close.day: close.closed_at for close in closes}
    assert all(trade.executed_at < closed_at[day_of(trade)] for trade in tape)


def test_the_calendar_opens_on_exactly_the_disclosed_days(records: Records) -> None:
    for earlier, later in pairwise(row.day for row in records.days[1:]):
        assert previous_trading_day(later) == earlier


def test_one_more_trade_by_hand_is_covered_in_credits_and_cash(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    trade = next_trade(records, tape)
    (listing,) = (
        row for row in listings(tape, moves(records, tape)) if row.instrument == trade.instrument
    )
    deposited_fen = sum(row.amount_fen for row in deposits(tape) if row.buyer == trade.buyer)
    paid_fen = sum(row.value_fen for row in tape if row.buyer == trade.buyer)
    assert trade.tonnes <= listing.left_tonnes
    assert trade.price_fen == listing.last_reference_fen
    assert trade.value_fen <= deposited_fen - paid_fen
    assert day_of(trade) == date(2026, 8, 20)


def test_the_pilot_trade_is_bilateral_and_covered(records: Records) -> None:
    trade, pilot = pilot_trade(records.story), records.story.pilot
    (deposit,) = deposits([trade])
    assert (trade.venue, trade.method, trade.tonnes) == ("HZ-PILOT", "BILATERAL", 10_000)
    assert trade.tonnes <= pilot.issuance.tonnes
    assert trade.value_fen <= deposit.amount_fen
    assert deposit.reported_at < trade.executed_at < pilot.offset_attempt.requested_at
    assert pilot.retirement.maker != pilot.retirement.approver


def test_every_organisation_has_its_own_valid_code_of_a_place_that_does_not_exist(
    records: Records,
) -> None:
    found = organisations(records)
    assert len({row.key for row in found}) == len({row.name for row in found}) == len(found)
    assert len({row.credit_code for row in found}) == len(found)
    for row in found:
        assert row.credit_code.startswith("91000000")
        assert len(row.credit_code) == 18
        assert code_check_character(row.credit_code[:-1]) == row.credit_code[-1]
        assert body_check_character(row.credit_code[8:16]) == row.credit_code[16]


@pytest.mark.parametrize("code", ["9144030071526726XG", "91110000802100433B"])
def test_the_check_characters_are_those_of_real_published_codes(code: str) -> None:
    assert body_check_character(code[8:16]) == code[16]
    assert code_check_character(code[:17]) == code[17]


def test_every_party_of_the_tape_is_an_organisation(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    parties = {row.key: row for row in organisations(records)}
    assert all(trade.seller in parties and trade.buyer in parties for trade in tape)
    assert all(parties[key].name.startswith("演示买方") for key in buyer_keys(records))
    assert all(parties[key].name_is_invented for key in buyer_keys(records))


def test_what_the_story_calls_invented_are_fields_of_it(records: Records) -> None:
    story = records.story
    pilot, ets = story.pilot, story.ets
    parts = [
        *story.programmes,
        *story.venues,
        *(story.verifier, story.opening_batch, story.buyers, story.estimate),
        *(pilot, pilot.issuance, pilot.trade, pilot.offset_attempt, pilot.retirement),
        *(ets, ets.short, ets.surplus, ets.sale, ets.freeze),
    ]
    for part in parts:
        assert part.invented
        assert set(part.invented) < {field.name for field in fields(part)}
    for made_up in (ets.discharge, story.event):
        names = {field.name for field in fields(made_up)}
        assert {*made_up.invented, "invented"} == names


def test_the_sichuan_estimate_is_no_reduction(records: Records) -> None:
    estimate = records.story.estimate
    assert (estimate.project, estimate.tonnes) == ("N110003", 7_030)
    assert estimate.project in {project.code for project in records.projects}
    assert estimate.project not in {reduction.project for reduction in records.reductions}
