"""The market's rules, each with its boundary values and their neighbors (rules 13 to 18 of the rule book)."""

from datetime import date, datetime, timedelta

import pytest

from services.kernel.calendars import CHINA
from services.kernel.money import price_fen, yuan
from services.kernel.refusals import Refusal
from services.settlement.ledger import CashPosition
from services.settlement.listings import listed_on as first_trading_day
from services.settlement.market import DayTotals, LastTrade, MarketBooks, totals_of
from services.settlement.messages.market import MethodTerms
from services.settlement.terms import price_band, read_terms
from services.settlement.trades import FeeReceiverMayNotTrade
from tests import trading
from tests.trading import BUYER, BUYER_CASH, DAY, FEES, MARKET, SELLER, STRICT

OPEN = trading.terms(methods=(MethodTerms(method="LISTING"), MethodTerms(method="BULK")))
"""No band, so that a price may be any."""


def refused(
    market: MarketBooks, tonnes: int = 1_000_000, cash_fen: int = 10**12, **changed: object
) -> Refusal | None:
    """The refusal of a trade in this market, and that it changed nothing; None if it settles."""
    ledger = trading.books(cash_fen, tonnes)
    before = [*market.day_changes(), *market.last_changes()]
    try:
        trading.decided(trading.trade(**changed), market, ledger)
    except Refusal as refusal:
        assert trading.is_untouched(ledger)
        assert [*market.day_changes(), *market.last_changes()] == before
        return refusal
    return None


def code(refusal: Refusal | None) -> str:
    return refusal.code() if refusal else "SETTLED"


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("70.76", "SETTLED"),
        ("70.765", "PRICE_OFF_TICK"),
        ("70.77", "SETTLED"),
        ("70.760", "SETTLED"),
        ("0.01", "SETTLED"),
        ("0.00", "PRICE_OFF_TICK"),
        ("0.005", "PRICE_OFF_TICK"),
    ],
)
def test_rule_13_the_tick_is_one_fen(price: str, expected: str) -> None:
    assert code(refused(trading.market(OPEN), price=price)) == expected


@pytest.mark.parametrize(
    ("tick_fen", "price", "expected"),
    [
        (5, "70.75", "SETTLED"),
        (5, "70.74", "PRICE_OFF_TICK"),
        (5, "70.76", "PRICE_OFF_TICK"),
        (100, "70.00", "SETTLED"),
        (100, "70.99", "PRICE_OFF_TICK"),
    ],
)
def test_rule_13_another_market_has_another_tick(tick_fen: int, price: str, expected: str) -> None:
    market = trading.market(trading.terms(methods=OPEN.methods, tick_fen=tick_fen))
    assert code(refused(market, price=price)) == expected


@pytest.mark.parametrize(
    ("lot", "quantity", "expected"),
    [
        (1, 1, "SETTLED"),
        (1, 0, "QUANTITY_OUT_OF_RANGE"),
        (1, -1, "QUANTITY_OUT_OF_RANGE"),
        (10, 9, "QUANTITY_OUT_OF_RANGE"),
        (10, 10, "SETTLED"),
        (10, 11, "QUANTITY_OUT_OF_RANGE"),
        (10, 20, "SETTLED"),
    ],
)
def test_rule_13_a_quantity_is_a_number_of_lots(lot: int, quantity: int, expected: str) -> None:
    """Half a tonne cannot be read at all: ``test_settlement_rejections``."""
    market = trading.market(trading.terms(lot_tonnes=lot))
    assert code(refused(market, quantity=quantity)) == expected


@pytest.mark.parametrize(
    ("method", "quantity", "expected"),
    [
        ("LISTING", 1, "SETTLED"),
        ("LISTING", 99_999, "SETTLED"),
        ("LISTING", 100_000, "QUANTITY_OUT_OF_RANGE"),
        ("BULK", 99_999, "QUANTITY_OUT_OF_RANGE"),
        ("BULK", 100_000, "SETTLED"),
        ("BULK", 100_001, "SETTLED"),
        ("AUCTION", 1, "METHOD_NOT_OPEN"),
        ("BILATERAL", 1, "METHOD_NOT_OPEN"),
        ("listing", 1, "METHOD_NOT_OPEN"),
    ],
)
def test_rule_13_sizes_are_the_configuration_of_each_method(
    method: str, quantity: int, expected: str
) -> None:
    listing = MethodTerms(method="LISTING", tonnes_max=99_999)
    bulk = MethodTerms(method="BULK", tonnes_min=100_000)
    market = trading.market(trading.terms(methods=(listing, bulk)))
    assert code(refused(market, method=method, quantity=quantity)) == expected


@pytest.mark.parametrize(
    ("method", "price", "expected"),
    [
        ("LISTING", "85.34", "PRICE_OUTSIDE_BAND"),
        ("LISTING", "85.35", "SETTLED"),
        ("LISTING", "85.36", "SETTLED"),
        ("LISTING", "94.83", "SETTLED"),
        ("LISTING", "104.30", "SETTLED"),
        ("LISTING", "104.31", "SETTLED"),
        ("LISTING", "104.32", "PRICE_OUTSIDE_BAND"),
        ("BULK", "66.38", "PRICE_OUTSIDE_BAND"),
        ("BULK", "66.39", "SETTLED"),
        ("BULK", "66.40", "SETTLED"),
        ("BULK", "123.26", "SETTLED"),
        ("BULK", "123.27", "SETTLED"),
        ("BULK", "123.28", "PRICE_OUTSIDE_BAND"),
    ],
)
def test_rule_14_the_limits_of_the_band_are_rounded_inward_and_belong_to_it(
    method: str, price: str, expected: str
) -> None:
    """The lower limit rounded up and the upper one down: the exact ones are 85.347, 104.313, 66.381 and 123.279."""
    market = trading.market(first_price_fen=9483)
    assert code(refused(market, method=method, price=price)) == expected


@pytest.mark.parametrize(
    ("reference", "basis_points", "tick", "band"),
    [
        (9483, 1000, 1, (8535, 10431)),
        (9483, 3000, 1, (6639, 12327)),
        (10_000, 1000, 1, (9000, 11_000)),
        (9999, 1000, 1, (9000, 10_998)),
        (10_001, 1000, 1, (9001, 11_001)),
        (10_001, 1000, 5, (9005, 11_000)),
        (1, 1000, 1, (1, 1)),
        (1, 9999, 1, (1, 1)),
    ],
)
def test_rule_14_band(reference: int, basis_points: int, tick: int, band: tuple[int, int]) -> None:
    assert price_band(reference, basis_points, tick) == band


def test_rule_14_a_price_outside_is_told_with_the_limits_and_the_reference() -> None:
    refusal = refused(trading.market(first_price_fen=9483), price="104.32")
    assert refusal
    assert refusal.values == {
        "given": "104.32",
        "lowest": "85.35",
        "highest": "104.31",
        "reference": "94.83",
    }


def reference(
    trades: list[tuple[int, str, int, str]], days_later: int = 1, tick_fen: int = 1
) -> str | None:
    """The reference price after trades: on which day, by which method, tonnes, price."""
    market = trading.market(first_price_fen=None)
    for shift, method, tonnes, price in trades:
        totals = totals_of(method, tonnes, tonnes * price_fen(price))
        market.add(MARKET, DAY + timedelta(days=shift), totals)
    found = market.reference_fen(MARKET, DAY + timedelta(days=days_later), tick_fen)
    return None if found is None else yuan(found)


@pytest.mark.parametrize(
    ("trades", "days_later", "expected"),
    [
        ([(0, "LISTING", 100, "90.00"), (0, "LISTING", 200, "95.00")], 1, "93.33"),
        # No trade on the days after: carried over.
        ([(0, "LISTING", 100, "90.00"), (0, "LISTING", 200, "95.00")], 2, "93.33"),
        ([(0, "LISTING", 100, "90.00"), (0, "LISTING", 200, "95.00")], 100, "93.33"),
        # Of other methods' trades, and of those of the day itself and later, it knows nothing.
        ([(0, "LISTING", 300, "90.00"), (0, "BULK", 900, "120.00")], 1, "90.00"),
        ([(0, "LISTING", 300, "90.00"), (1, "BULK", 900, "120.00")], 2, "90.00"),
        ([(0, "LISTING", 300, "90.00"), (0, "AUCTION", 9, "1.00")], 1, "90.00"),
        ([(0, "LISTING", 300, "90.00"), (0, "BILATERAL", 9, "1.00")], 1, "90.00"),
        ([(0, "LISTING", 300, "90.00"), (1, "LISTING", 900, "95.00")], 1, "90.00"),
        ([(0, "LISTING", 300, "90.00"), (1, "LISTING", 900, "95.00")], 2, "95.00"),
        ([(0, "BULK", 300, "90.00")], 1, None),
        # Half a fen goes up, less than half goes down.
        ([(0, "LISTING", 1, "90.00"), (0, "LISTING", 1, "90.01")], 1, "90.01"),
        ([(0, "LISTING", 2, "90.00"), (0, "LISTING", 1, "90.01")], 1, "90.00"),
        ([(0, "LISTING", 1, "90.00"), (0, "LISTING", 2, "90.01")], 1, "90.01"),
        ([(0, "LISTING", 10_001, "90.00"), (0, "LISTING", 9_999, "90.01")], 1, "90.00"),
    ],
)
def test_rule_15_the_reference_is_the_average_of_the_last_day_with_listing_trades(
    trades: list[tuple[int, str, int, str]], days_later: int, expected: str | None
) -> None:
    assert reference(trades, days_later) == expected


@pytest.mark.parametrize(
    ("tick_fen", "expected"),
    [
        (1, "92.63"),  # the exact average is 92.625
        (2, "92.62"),  # and not 92.64, as the average rounded to the fen would be
        (5, "92.65"),
        (25, "92.75"),  # half a tick goes up
        (100, "93.00"),
        (10_000, "100.00"),
    ],
)
def test_rule_15_the_reference_is_rounded_half_up_to_the_tick(tick_fen: int, expected: str) -> None:
    trades = [(0, "LISTING", 5, "90.00"), (0, "LISTING", 3, "97.00")]
    assert reference(trades, tick_fen=tick_fen) == expected


def test_rule_15_the_reference_is_at_least_one_tick() -> None:
    """Around nothing nobody could trade."""
    assert reference([(0, "LISTING", 1, "0.04")], tick_fen=10) == "0.10"


def test_rule_15_the_band_lies_around_the_rounded_reference() -> None:
    """Of 92.00 exactly the upper limit were 101.20; the reference is 90.00 and it is 99.00."""
    market = trading.market(trading.terms(tick_fen=500))
    market.add(MARKET, DAY - timedelta(days=1), totals_of("LISTING", 1, 9200))
    assert code(refused(market, price="95.00")) == "SETTLED"
    assert code(refused(market, price="100.00")) == "PRICE_OUTSIDE_BAND"


def test_rule_15_the_first_reference_is_declared_and_listing_trades_replace_it() -> None:
    undeclared = trading.market(first_price_fen=None)
    assert code(refused(undeclared)) == "REFERENCE_PRICE_MISSING"
    declared = trading.market(first_price_fen=9000)
    assert code(refused(declared, price="99.00")) == "SETTLED"
    assert code(refused(declared, price="99.01")) == "PRICE_OUTSIDE_BAND"
    next_day = trading.AT + timedelta(days=1)
    assert code(refused(declared, price="108.90", executed_at=next_day)) == "SETTLED"
    assert code(refused(declared, price="108.91", executed_at=next_day)) == "PRICE_OUTSIDE_BAND"
    assert code(refused(trading.market(OPEN, first_price_fen=None))) == "SETTLED"


def beijing(clock: str, day: date = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+08:00")


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("09:29:59", "OUTSIDE_SESSION"),
        ("09:29:59.999999", "OUTSIDE_SESSION"),
        ("09:30:00", "SETTLED"),
        ("09:30:01", "SETTLED"),
        ("11:29:59.999", "SETTLED"),
        ("11:30:00", "SETTLED"),
        ("11:30:00.000001", "OUTSIDE_SESSION"),
        ("11:30:00.500", "OUTSIDE_SESSION"),
        ("11:30:01", "OUTSIDE_SESSION"),
        ("12:59:59", "OUTSIDE_SESSION"),
        ("12:59:59.999999", "OUTSIDE_SESSION"),
        ("13:00:00", "SETTLED"),
        ("15:00:00", "SETTLED"),
        ("15:00:00.001", "OUTSIDE_SESSION"),
        ("15:00:01", "OUTSIDE_SESSION"),
        ("00:00:00", "OUTSIDE_SESSION"),
        ("23:59:59", "OUTSIDE_SESSION"),
    ],
)
def test_rule_16_both_ends_of_a_session_belong_to_it(clock: str, expected: str) -> None:
    assert code(refused(trading.market(), executed_at=beijing(clock))) == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-08-20T01:30:00Z", "SETTLED"),
        ("2026-08-20T03:30:01Z", "OUTSIDE_SESSION"),
        ("2026-08-19T21:30:00-04:00", "SETTLED"),
        ("2026-08-20T09:30:00Z", "OUTSIDE_SESSION"),
    ],
)
def test_rule_16_the_clock_is_that_of_beijing_wherever_the_instant_was_written(
    instant: str, expected: str
) -> None:
    executed_at = datetime.fromisoformat(instant)
    assert code(refused(trading.market(), executed_at=executed_at)) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 9, 26), "SETTLED"),  # Friday
        (date(2025, 9, 27), "NOT_TRADING_DAY"),  # Saturday
        (date(2025, 9, 28), "NOT_TRADING_DAY"),  # Sunday, worked to make up
        (date(2025, 9, 30), "SETTLED"),
        (date(2025, 10, 1), "NOT_TRADING_DAY"),  # National Day
        (date(2025, 10, 8), "NOT_TRADING_DAY"),  # a Wednesday off
        (date(2025, 10, 9), "SETTLED"),
        (date(2025, 10, 10), "SETTLED"),
        (date(2025, 10, 11), "NOT_TRADING_DAY"),  # Saturday, worked to make up
        (date(2025, 10, 13), "SETTLED"),
        (date(2026, 1, 4), "NOT_TRADING_DAY"),  # Sunday, worked to make up
        (date(2026, 2, 14), "NOT_TRADING_DAY"),  # Saturday, worked to make up
    ],
)
def test_rule_16_a_weekend_day_that_is_made_up_for_is_worked_and_not_traded(
    day: date, expected: str
) -> None:
    assert code(refused(trading.market(), executed_at=beijing("10:00:00", day))) == expected
    everyday = trading.market(trading.terms(calendar="EVERY_DAY"))
    assert code(refused(everyday, executed_at=beijing("10:00:00", day))) == "SETTLED"


def test_rule_16_without_sessions_any_time_of_a_trading_day_will_do() -> None:
    market = trading.market(trading.terms(sessions=()))
    assert code(refused(market, executed_at=beijing("03:00:00"))) == "SETTLED"
    sunday = beijing("10:00:00", date(2025, 9, 28))
    assert code(refused(market, executed_at=sunday)) == "NOT_TRADING_DAY"


@pytest.mark.parametrize(
    ("tonnes", "quantity", "expected"),
    [(100, 99, "SETTLED"), (100, 100, "SETTLED"), (100, 101, "NOT_ENOUGH_CREDITS")],
)
@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_rule_17_what_is_sold_is_there(
    cycle: str, tonnes: int, quantity: int, expected: str
) -> None:
    market = trading.market(trading.terms(cycle=cycle))
    assert code(refused(market, tonnes, quantity=quantity)) == expected


@pytest.mark.parametrize(
    ("cash_fen", "expected"),
    [(999_999, "NOT_ENOUGH_CASH"), (1_000_000, "SETTLED"), (1_000_001, "SETTLED")],
)
@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_rule_17_100_t_at_100_yuan_cost_10000_yuan(
    cycle: str, cash_fen: int, expected: str
) -> None:
    refusal = refused(trading.market(trading.terms(cycle=cycle)), 100, cash_fen)
    assert code(refusal) == expected
    if refusal:
        assert refusal.values == {
            "account": BUYER,
            "given_fen": "1000000",
            "available_fen": "999999",
        }


@pytest.mark.parametrize(
    ("ppm", "cash_fen", "expected"),
    [
        (1_000, 1_000_999, "NOT_ENOUGH_CASH"),
        (1_000, 1_001_000, "SETTLED"),
        (1_000, 1_001_001, "SETTLED"),
        # 2.4 fen are 2, 2.5 fen are 3.
        (2, 1_000_001, "NOT_ENOUGH_CASH"),
        (2, 1_000_002, "SETTLED"),
        (0, 1_000_000, "SETTLED"),
    ],
)
@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_rule_17_the_buyers_commission_is_funded_too(
    cycle: str, ppm: int, cash_fen: int, expected: str
) -> None:
    terms = trading.terms(cycle=cycle, buyer_fee_ppm=ppm, seller_fee_ppm=ppm, fee_account=FEES)
    assert code(refused(trading.market(terms), 100, cash_fen)) == expected


def test_rule_17_commissions_go_from_both_parties_to_who_receives_them() -> None:
    terms = trading.terms(buyer_fee_ppm=1_000, seller_fee_ppm=500, fee_account=FEES)
    ledger = trading.books(1_001_000)

    outcome = trading.settled(trading.TRADE, trading.market(terms), ledger)

    assert (outcome.captured.buyer_fee_fen, outcome.captured.seller_fee_fen) == (1_000, 500)
    assert ledger.position(BUYER_CASH) == CashPosition(0)
    assert ledger.position(trading.SELLER_CASH) == CashPosition(999_500)
    assert ledger.position(trading.FEE_CASH) == CashPosition(1_500)


def test_rule_17_a_receiver_that_is_not_known_yet_is_waited_for() -> None:
    terms = trading.terms(buyer_fee_ppm=1, fee_account="ACC-NOWHERE")
    assert code(refused(trading.market(terms))) == "NOT_YET_KNOWN"


@pytest.mark.parametrize("party", [SELLER, BUYER])
def test_rule_12_who_receives_the_commissions_does_not_trade(party: str) -> None:
    refusal = refused(trading.market(trading.terms(fee_account=party)))
    assert isinstance(refusal, FeeReceiverMayNotTrade)


GAPS = [
    # Trading days of an ordinary week: bought on Monday the 10th, sold on the day.
    (date(2025, 3, 10), date(2025, 3, 10), "TOO_SOON"),
    (date(2025, 3, 10), date(2025, 3, 11), "TOO_SOON"),
    (date(2025, 3, 10), date(2025, 3, 14), "TOO_SOON"),  # trading day 5
    (date(2025, 3, 10), date(2025, 3, 17), "SETTLED"),  # trading day 6
    (date(2025, 3, 10), date(2025, 3, 18), "SETTLED"),
    (date(2025, 3, 12), date(2025, 3, 18), "TOO_SOON"),
    (date(2025, 3, 12), date(2025, 3, 19), "SETTLED"),
    # Across the holidays of October: 28 (Sunday) and 11 (Saturday) are worked, and not traded.
    (date(2025, 9, 26), date(2025, 10, 10), "TOO_SOON"),  # 26, 29, 30, 9, 10
    (date(2025, 9, 26), date(2025, 10, 13), "SETTLED"),
    (date(2025, 9, 30), date(2025, 10, 14), "TOO_SOON"),  # 30, 9, 10, 13, 14
    (date(2025, 9, 30), date(2025, 10, 15), "SETTLED"),
    # Across the Spring Festival of 2026: the 14th and the 28th of February are worked, and not traded.
    (date(2026, 2, 13), date(2026, 2, 27), "TOO_SOON"),  # 13, 24, 25, 26, 27
    (date(2026, 2, 13), date(2026, 3, 2), "SETTLED"),
    # Across the year.
    (date(2025, 12, 29), date(2026, 1, 5), "TOO_SOON"),  # 29, 30, 31, 5, 6
    (date(2025, 12, 29), date(2026, 1, 6), "TOO_SOON"),
    (date(2025, 12, 29), date(2026, 1, 7), "SETTLED"),
]


@pytest.mark.parametrize(("first", "opposite", "expected"), GAPS)
@pytest.mark.parametrize("is_sale", [True, False], ids=["buy then sell", "sell then buy"])
def test_rule_18_opposite_trades_lie_five_trading_days_apart(
    first: date, opposite: date, expected: str, is_sale: bool
) -> None:
    """Bought on trading day 1: sold on day 5 is too soon, on day 6 it is not; and the other way round."""
    lasts = {SELLER: LastTrade(bought_on=first)} if is_sale else {BUYER: LastTrade(sold_on=first)}

    refusal = refused(trading.market(lasts=lasts), executed_at=beijing("10:00:00", opposite))

    assert code(refusal) == {"TOO_SOON": "OPPOSITE_TRADE_TOO_SOON"}.get(expected, expected)
    if refusal:
        assert refusal.values == {
            "account": SELLER if is_sale else BUYER,
            "given": str(opposite),
            "opposite_on": str(first),
            "gap_trading_days": "5",
        }


@pytest.mark.parametrize(("later", "earlier", "expected"), [(b, a, e) for a, b, e in GAPS[:7]])
def test_rule_18_history_that_is_reported_late_keeps_the_gap_before_too(
    later: date, earlier: date, expected: str
) -> None:
    lasts = {SELLER: LastTrade(bought_on=later)}
    refusal = refused(trading.market(lasts=lasts), executed_at=beijing("10:00:00", earlier))
    assert (refusal is None) == (expected == "SETTLED")


def test_rule_18_who_trades_on_in_one_direction_keeps_no_gap() -> None:
    lasts = {SELLER: LastTrade(sold_on=DAY), BUYER: LastTrade(bought_on=DAY)}
    assert refused(trading.market(lasts=lasts)) is None


def test_rule_18_trades_of_one_batch_keep_the_gap_too() -> None:
    market, ledger = trading.market(), trading.books()
    trading.settled(trading.trade(quantity=50), market, ledger)
    back = trading.trade(trade_id="2", seller_account=BUYER, buyer_account=SELLER, quantity=1)

    with pytest.raises(Refusal) as refusal:
        trading.decided(back, market, ledger)

    assert refusal.value.code() == "OPPOSITE_TRADE_TOO_SOON"


@pytest.mark.parametrize("gap", [0, 1, 2, 5])
def test_rule_18_the_number_of_days_is_configuration(gap: int) -> None:
    market = trading.market(
        trading.terms(gap_trading_days=gap), lasts={SELLER: LastTrade(bought_on=date(2025, 3, 10))}
    )
    trading_days = [10, 11, 12, 13, 14, 17, 18]
    sellable = [
        day
        for day in trading_days
        if refused(market_of(market), executed_at=beijing("10:00:00", date(2025, 3, day))) is None
    ]
    assert sellable == trading_days[gap:]


def market_of(market: MarketBooks) -> MarketBooks:
    """A copy that remembers nothing of the trades of the last one."""
    return MarketBooks(
        market.calendar, market.venues, market.terms, market.listings, {}, dict(market.lasts)
    )


@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_rule_18_proceeds_of_a_sale_buy_again_on_the_same_day(cycle: str) -> None:
    """At the end of the day they are still expected: spendable at once, and not to be withdrawn (article 29)."""
    market = trading.market(trading.terms(cycle=cycle, gap_trading_days=0))
    ledger = trading.books(1_000_000)
    trading.decided(trading.trade(quantity=60), market, ledger)

    position = ledger.position(trading.SELLER_CASH)
    assert (position.spendable_fen, position.free_fen) == (
        600_000,
        0 if cycle == "DAY_END" else 600_000,
    )
    with pytest.raises(Refusal) as refusal:
        ledger.require_free(trading.SELLER_CASH, 600_001)
    assert refusal.value.code() == "NOT_ENOUGH_CASH"
    ledger.require_spendable(trading.SELLER_CASH, 600_000)


@pytest.mark.parametrize(
    ("moved_on", "expected"),
    [
        (date(2025, 3, 10), date(2025, 3, 11)),
        (date(2025, 3, 14), date(2025, 3, 17)),  # Friday to Monday
        (date(2025, 3, 15), date(2025, 3, 17)),  # Saturday
        (date(2025, 9, 30), date(2025, 10, 9)),
        (date(2025, 10, 10), date(2025, 10, 13)),  # past a Saturday that is worked
    ],
)
def test_an_instrument_trades_from_the_trading_day_after_it_came(
    moved_on: date, expected: date
) -> None:
    assert first_trading_day(CHINA, read_terms(STRICT), moved_on) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 8, 19), "INSTRUMENT_NOT_LISTED"),
        (date(2026, 8, 20), "SETTLED"),
        (date(2026, 8, 21), "SETTLED"),
    ],
)
def test_before_it_is_listed_nothing_of_an_instrument_trades(day: date, expected: str) -> None:
    market = trading.market(listed_on=DAY)
    refusal = refused(market, executed_at=beijing("10:00:00", day))
    assert code(refusal) == expected
    if refusal:
        assert refusal.values["listed_on"] == "2026-08-20"


@pytest.mark.parametrize(
    ("day", "price", "expected"),
    [
        (date(2025, 3, 9), "100.00", "PROGRAMME_NOT_TRADED"),
        (date(2025, 3, 10), "110.00", "SETTLED"),
        (date(2025, 3, 14), "110.01", "PRICE_OUTSIDE_BAND"),
        (date(2025, 3, 17), "110.01", "SETTLED"),
        (date(2025, 3, 17), "120.01", "PRICE_OUTSIDE_BAND"),
    ],
)
def test_a_trade_obeys_the_version_that_was_in_force_on_its_day(
    day: date, price: str, expected: str
) -> None:
    wider = (MethodTerms(method="LISTING", band_basis_points=2000),)
    versions = [
        trading.terms(valid_from=date(2025, 3, 10)),
        trading.terms(valid_from=date(2025, 3, 17), methods=wider),
    ]
    market = trading.market()
    market.terms = {("CBGEX", "CCER"): [read_terms(one) for one in versions]}
    refusal = refused(market, executed_at=beijing("10:00:00", day), price=price)
    assert code(refusal) == expected


def test_totals_of_a_day_are_taken_back_as_they_were_added() -> None:
    totals = totals_of("LISTING", 10, 1_000)
    assert totals.plus(totals, sign=-1) == DayTotals()
