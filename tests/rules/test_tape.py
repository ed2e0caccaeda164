"""The demo's trade tape obeys the market's rules and equals what was disclosed."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

import pytest

from services.kernel.money import average_fen, price_fen, yuan
from services.tools.companies import buyer_keys, owner_keys
from services.tools.market_days import is_trading_day
from services.tools.records import Records, load_records
from services.tools.tape import (
    Board,
    Fill,
    Instrument,
    TapeStuckError,
    Trade,
    build_tape,
    fill,
    trade_body,
    within_band,
)


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


@pytest.fixture(scope="module")
def tape(records: Records) -> tuple[Trade, ...]:
    return build_tape(records)


def day_of(trade: Trade) -> date:
    return trade.executed_at.date()


def test_the_tape_equals_every_public_day_to_the_tonne_and_the_fen(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    tonnes: Counter[date] = Counter()
    turnover_fen: Counter[date] = Counter()
    for trade in tape:
        tonnes[day_of(trade)] += trade.tonnes
        turnover_fen[day_of(trade)] += trade.value_fen
    for row in records.days:
        assert (tonnes[row.day], turnover_fen[row.day]) == (row.tonnes, row.turnover_fen)
    assert tonnes.keys() <= {row.day for row in records.days}


def test_the_tape_has_at_least_5000_trades_of_at_least_one_tonne_each(
    tape: tuple[Trade, ...],
) -> None:
    assert len(tape) >= 5_000
    assert all(trade.tonnes >= 1 for trade in tape)


def test_nearly_every_instrument_is_traded(tape: tuple[Trade, ...]) -> None:
    instruments = {trade.instrument for trade in tape} - {Instrument("LEGACY-0001", 2015)}
    assert len(instruments) in (70, 71)


def test_the_same_records_give_the_same_tape(records: Records, tape: tuple[Trade, ...]) -> None:
    assert build_tape(records) == tape


def test_all_trade_ids_are_distinct_and_name_their_day(tape: tuple[Trade, ...]) -> None:
    assert len({trade.trade_id for trade in tape}) == len(tape)
    assert all(trade.trade_id.startswith(f"{day_of(trade):%Y%m%d}-") for trade in tape)


def test_every_trade_executes_later_than_the_one_before(tape: tuple[Trade, ...]) -> None:
    assert all(earlier.executed_at < later.executed_at for earlier, later in pairwise(tape))


def test_every_trade_lies_in_a_session_of_a_trading_day(tape: tuple[Trade, ...]) -> None:
    for trade in tape:
        clock = trade.executed_at.time()
        in_morning = time(9, 30) <= clock <= time(11, 30)
        assert in_morning or time(13) <= clock <= time(15)
        assert trade.executed_at.utcoffset() == timedelta(hours=8)
    assert all(is_trading_day(day) for day in {day_of(trade) for trade in tape})


def test_every_price_lies_on_a_tick_and_survives_the_wire(tape: tuple[Trade, ...]) -> None:
    assert all(price_fen(yuan(trade.price_fen)) == trade.price_fen > 0 for trade in tape)


def test_every_trade_lies_within_ten_percent_of_the_instruments_last_average(
    tape: tuple[Trade, ...],
) -> None:
    reference_fen: dict[Instrument, int] = {}
    for _, group in groupby(tape, key=day_of):
        days_trades: defaultdict[Instrument, list[Trade]] = defaultdict(list)
        for trade in group:
            days_trades[trade.instrument].append(trade)
        for instrument, trades in days_trades.items():
            known = reference_fen.get(instrument)
            for trade in trades:
                assert known is None or 90 * known <= 100 * trade.price_fen <= 110 * known
            tonnes = sum(trade.tonnes for trade in trades)
            reference_fen[instrument] = average_fen(sum(t.value_fen for t in trades), tonnes)


@pytest.mark.parametrize(
    ("price", "is_inside"), [(8534, False), (8535, True), (10431, True), (10432, False)]
)
def test_the_band_rounds_inward(price: int, is_inside: bool) -> None:
    assert within_band(9483, price, price) is is_inside


def test_owners_only_sell_their_own_and_buyers_only_buy(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    owners, buyers = owner_keys(records), set(buyer_keys(records))
    assert all(trade.seller == owners[trade.instrument.project] for trade in tape)
    assert {trade.buyer for trade in tape} == buyers
    assert buyers.isdisjoint(owners.values())


def test_the_first_day_is_traded_in_stock_from_before_2017(
    records: Records, tape: tuple[Trade, ...]
) -> None:
    opening = records.story.opening_batch
    stock = Instrument(opening.project, opening.vintage)
    sold = [trade for trade in tape if trade.instrument == stock]
    assert {day_of(trade) for trade in sold} == {date(2024, 1, 22)}
    assert sum(trade.tonnes for trade in sold) == opening.tonnes == records.days[0].tonnes
    assert opening.vintage < 2017


def test_a_day_that_nothing_can_fill_is_told(records: Records) -> None:
    with pytest.raises(TapeStuckError):
        list(fill(records.days[0], Board({}, {})))


def test_two_ticks_make_any_day_exact(records: Records) -> None:
    row = replace(records.days[0], tonnes=7, turnover_yuan=Decimal("5.24"))
    instrument = Instrument("A210001", 2024)
    fills = list(fill(row, Board({instrument: 7}, {})))
    assert fills == [Fill(row.day, instrument, 75, 6), Fill(row.day, instrument, 74, 1)]


def test_a_new_instrument_is_the_smallest_that_suffices_else_the_largest() -> None:
    small, large = Instrument("A210001", 2023), Instrument("A210001", 2024)
    board = Board({small: 10, large: 20}, {})
    assert board.newcomer(10) == small
    assert board.newcomer(11) == large
    assert board.newcomer(21) == large


def test_a_trade_is_published_in_the_words_of_the_contract(tape: tuple[Trade, ...]) -> None:
    trade = tape[0]
    body = trade_body(trade, {trade.seller: "ACC-1", trade.buyer: "ACC-2"})
    assert body == {
        "venue": "CBGEX",
        "trade_id": "20240122-000001",
        "method": "LISTING",
        "instrument": {"project": "LEGACY-0001", "vintage": 2015},
        "seller_account": "ACC-1",
        "buyer_account": "ACC-2",
        "quantity": trade.tonnes,
        "price": yuan(trade.price_fen),
        "currency": "CNY",
        "executed_at": trade.executed_at.isoformat(timespec="milliseconds"),
    }
