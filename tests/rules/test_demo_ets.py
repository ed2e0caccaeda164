"""The demo's national ETS obeys the plan and the market: 8 % short, offset exactly up to the cap, the rest bought."""

from datetime import date, datetime, time, timedelta

import pytest

from services.issuance import allocation
from services.issuance.allocation_plans import Plan
from services.kernel.clocks import end_of, market_day
from services.kernel.money import price_fen
from services.settlement.terms import Method, read_terms
from services.tools.companies import SURPLUS, buyer_key, organisations
from services.tools.market_days import is_trading_day, next_trading_day
from services.tools.records import Records, load_records
from services.tools.stage import allowance_trades, offset_max
from services.tools.story import Emitter
from services.tools.tape import Instrument, Trade, build_tape, within_band


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


@pytest.fixture(scope="module")
def tape(records: Records) -> tuple[Trade, ...]:
    return build_tape(records)


@pytest.fixture(scope="module")
def plan(records: Records) -> Plan:
    [terms] = [one for one in records.allocation_plans if one.plan == records.story.ets.plan]
    return Plan(1, terms)


def held(tape: tuple[Trade, ...], buyer: str, instrument: Instrument, at: datetime) -> int:
    """What a buyer has bought of an instrument by then."""
    return sum(
        trade.tonnes
        for trade in tape
        if (trade.buyer, trade.instrument) == (buyer, instrument) and trade.executed_at < at
    )


def test_the_allocations_are_what_the_plans_formula_makes_of_the_units(
    records: Records, plan: Plan
) -> None:
    ets = records.story.ets

    def allocated(emitter: Emitter) -> int:
        return allocation.allocate(plan, ets.emission_year, [emitter.unit]).tonnes

    assert allocated(ets.short) == ets.short.allocated_tonnes == 920_017
    assert allocated(ets.surplus) == ets.surplus.allocated_tonnes > ets.surplus.due
    gap = allocation.gap_rate_percent(ets.short.due, ets.short.allocated_tonnes)
    assert f"{gap}" == "8.00"


def test_the_offsets_reach_the_cap_exactly_and_the_rest_is_bought(
    records: Records, plan: Plan
) -> None:
    ets = records.story.ets
    offset = sum(one.tonnes for one in ets.discharge.offsets)
    rejected, trade = allowance_trades(records)
    assert offset == offset_max(records) == allocation.offset_max(plan, ets.short.due) == 50_000
    assert ets.short.allocated_tonnes + offset + trade.tonnes == ets.short.due == 1_000_019
    assert rejected.tonnes == trade.tonnes == 30_002
    assert trade.tonnes <= ets.surplus.allocated_tonnes - ets.surplus.due
    assert trade.value_fen <= ets.sale.deposit_yuan * 100


def test_what_is_used_was_bought_on_the_tape_before(
    records: Records, tape: tuple[Trade, ...], plan: Plan
) -> None:
    ets, event = records.story.ets, records.story.event
    short, last = buyer_key(records, ets.short.name), ets.discharge.offsets[-1]
    after = plan.year(ets.emission_year).credits_registered_after
    registered_on = {project.code: project.registered_on for project in records.projects}
    for one in ets.discharge.offsets:
        instrument = Instrument(one.project, one.vintage)
        needed = one.tonnes + (one is last)
        assert held(tape, short, instrument, ets.discharge.moved_at) >= needed
        assert after is not None
        assert registered_on[one.project] > after
    neutral = Instrument(event.project, event.vintage)
    buyer = buyer_key(records, event.buyer)
    assert held(tape, buyer, neutral, event.moved_at) >= event.tonnes
    assert event.held_on < market_day(event.moved_at) <= market_day(event.retired_at)


def test_the_frozen_trade_breaks_no_other_rule_of_its_market(records: Records) -> None:
    ets, sale = records.story.ets, records.story.ets.sale
    [said] = [one for one in records.market_terms if one.venue == ets.venue]
    terms = read_terms(said)
    first_fen, listing = price_fen(sale.first_price_yuan), terms.methods[Method.LISTING]
    rejected, settled = allowance_trades(records)
    for trade in (rejected, settled):
        clock = trade.executed_at.time()
        assert is_trading_day(market_day(trade.executed_at))
        assert any(opens <= clock <= closes for opens, closes in terms.sessions)
        assert within_band(first_fen, trade.price_fen, trade.price_fen)
        assert listing.tonnes_max is not None
        assert trade.tonnes <= listing.tonnes_max
    assert market_day(rejected.executed_at) == next_trading_day(market_day(sale.moved_at))
    assert ets.freeze.frozen_at < rejected.executed_at < ets.freeze.released_at
    assert ets.freeze.released_at < settled.executed_at < ets.discharge.moved_at


def test_everything_lies_in_the_past_and_before_the_deadline(records: Records) -> None:
    """Nothing of it waits for a day that the calendar has not reached."""
    ets = records.story.ets
    days = [ets.published_on, ets.opened_on, ets.verified_on, ets.allocated_on]
    days += [
        market_day(at)
        for at in (ets.sale.moved_at, ets.discharge.offset_at, ets.discharge.surrendered_at)
    ]
    assert days == sorted(days)
    assert days[-1] <= records.days[-1].day
    deadline = end_of(date(ets.emission_year + 1, 12, 31))
    assert ets.discharge.surrendered_at + timedelta(days=1) < deadline
    assert ets.sale.moved_at.time() >= time(9)


def test_both_companies_are_emitters_and_called_invented(records: Records) -> None:
    ets = records.story.ets
    emitters = {one.key: one for one in organisations(records) if one.kind == "KEY_EMITTER"}
    assert emitters.keys() == {buyer_key(records, ets.short.name), SURPLUS}
    assert {one.name for one in emitters.values()} == {ets.short.name, ets.surplus.name}
    assert all(one.name.startswith("演示") and one.name_is_invented for one in emitters.values())
