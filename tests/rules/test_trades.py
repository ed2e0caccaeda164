"""One trade from capture to its outcome (12, 17, 19): all checks first; a broken rule changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.kernel.refusals import NotYetKnown, OutOfRange, Refusal
from services.settlement.books import Books
from services.settlement.ledger import Bucket, CashPosition, Place
from services.settlement.market import NO_TOTALS, MarketBooks
from services.settlement.messages.holdings import Instrument
from services.settlement.messages.market import MethodTerms, OpenVenue
from services.settlement.settling import settle, settle_captured, void
from services.settlement.trades import Captured, DayIsClosed, ProceedsSpent
from services.settlement.venues import VenueInvalid, require_admissible
from tests import trading
from tests.trading import (
    ADMITTED,
    BATCH,
    BUYER,
    BUYER_CASH,
    CLOCK,
    DAY,
    DESK,
    FEE_CASH,
    FEES,
    MARKET,
    SELLER,
    SELLER_CASH,
    TRADE,
    VENUE,
    WIND,
)

LENIENT: dict[str, object] = {
    "methods": (MethodTerms(method="LISTING"),),
    "sessions": (),
    "gap_trading_days": 0,
}
HELD, BOUGHT = Place(SELLER, Bucket.RESERVED, VENUE), Place(BUYER, Bucket.EXCHANGE, VENUE)


def lenient(**changed: object) -> MarketBooks:
    """A market without a band, sessions and a gap."""
    return trading.market(trading.terms(**LENIENT | changed))


def day_end(**changed: object) -> MarketBooks:
    return lenient(cycle="DAY_END", **changed)


def test_a_trade_moves_both_legs_in_full() -> None:
    """Rule 17: 100 available and 100 sold, 10,000.00 yuan available and paid."""
    ledger, market = trading.books(), trading.market()

    settled = trading.settled(TRADE, market, ledger)

    captured = settled.captured
    assert (captured.amount_fen, captured.price, captured.programme) == (
        1_000_000,
        "100.00",
        "CCER",
    )
    assert dict(ledger.cash_changes()) == {
        BUYER_CASH: CashPosition(-1_000_000),
        SELLER_CASH: CashPosition(1_000_000),
    }
    [entry] = ledger.credit_entries
    assert (entry.source, entry.target) == (DESK, BOUGHT)
    assert [each.serials for each in settled.ranges] == ["CCER-CN-WIND-2024-001-1-100"]
    assert {entry.posting for entry in [*ledger.credit_entries, *ledger.cash_entries]} == {
        "trade/CBGEX/1"
    }
    totals = market.days[MARKET][DAY]
    assert (totals.trades, totals.tonnes, totals.turnover_fen) == (1, 100, 1_000_000)
    assert (totals.settled_trades, totals.settled_tonnes, totals.settled_turnover_fen) == (
        1,
        100,
        1_000_000,
    )
    assert totals.listing_tonnes == 100


@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_rule_19_three_trades_that_offset_each_other_settle_three_times(cycle: str) -> None:
    """No netting: at the end of the day too each trade delivers and pays in full."""
    ledger, market = trading.books(), lenient(cycle=cycle)
    sale = trading.trade(quantity=30)
    back = trading.trade(trade_id="2", quantity=30, seller_account=BUYER, buyer_account=SELLER)
    if (
        cycle == "DAY_END"
    ):  # what was bought today is not delivered yet: the buyer has credits of its own
        ledger.move("gift", WIND, DESK, BOUGHT, 30, trading.AT)
        ledger.credit_entries.clear()
    outcomes = [
        trading.decided(trade, market, ledger)
        for trade in (sale, back, trading.trade(trade_id="3", quantity=30))
    ]
    if cycle == "DAY_END":
        assert not ledger.cash_entries
        confirmed(outcomes, ledger, market)

    postings = {f"trade/CBGEX/{number}" for number in (1, 2, 3)}
    delivered = [one for one in ledger.credit_entries if one.posting in postings]
    assert [one.block.tonnes for one in delivered] == [30] * 3
    assert [one.amount_fen for one in ledger.cash_entries] == [300_000] * 3
    assert {one.posting for one in ledger.cash_entries} == postings


def confirmed(outcomes: Sequence[object], ledger: Books, market: MarketBooks) -> None:
    for one in outcomes:
        assert isinstance(one, Captured)
        settle_captured(one, ledger, market)


BROKEN: list[tuple[dict[str, object], str]] = [
    ({"quantity": 0}, "QUANTITY_OUT_OF_RANGE"),
    ({"quantity": -1}, "QUANTITY_OUT_OF_RANGE"),
    ({"quantity": 2**53}, "QUANTITY_OUT_OF_RANGE"),
    ({"quantity": 101}, "NOT_ENOUGH_CREDITS"),
    ({"price": "70.765"}, "PRICE_OFF_TICK"),
    ({"price": "NaN"}, "PRICE_NOT_DECIMAL"),
    ({"price": "100.01"}, "NOT_ENOUGH_CASH"),
    ({"price": "999999999999", "quantity": 10**6}, "AMOUNT_OUT_OF_RANGE"),
    ({"currency": "cny"}, "CURRENCY_NOT_SETTLED"),
    ({"method": "AUCTION"}, "METHOD_NOT_OPEN"),
    ({"method": "listing"}, "METHOD_NOT_OPEN"),
    ({"executed_at": CLOCK + timedelta(minutes=5, microseconds=1)}, "EXECUTED_IN_FUTURE"),
    ({"buyer_account": SELLER}, "SELF_TRADE"),
    # The message's own faults come first, whatever else is wrong.
    ({"buyer_account": SELLER, "quantity": -1}, "QUANTITY_OUT_OF_RANGE"),
    ({"seller_account": "NOBODY", "price": "x"}, "PRICE_NOT_DECIMAL"),
    ({"seller_account": "NOBODY", "currency": "USD"}, "CURRENCY_NOT_SETTLED"),
]


@pytest.mark.parametrize(("changes", "code"), BROKEN)
@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
def test_a_trade_that_breaks_a_rule_changes_nothing(
    cycle: str, changes: dict[str, object], code: str
) -> None:
    ledger, market = trading.books(), lenient(cycle=cycle)

    with pytest.raises(Refusal) as refused:
        trading.decided(trading.trade(**changes), market, ledger)

    assert refused.value.code() == code
    assert trading.is_untouched(ledger)
    assert not [*market.day_changes(), *market.last_changes()]


@pytest.mark.parametrize(
    "changes",
    [
        {"seller_account": "NOBODY"},
        {"buyer_account": "NOBODY"},
        {"instrument": Instrument(project="WIND", vintage=2023)},
        {"instrument": Instrument(project="SUN", vintage=2024)},
    ],
)
def test_a_name_that_is_not_known_yet_is_no_rejection(changes: dict[str, object]) -> None:
    ledger = trading.books()

    with pytest.raises(NotYetKnown):
        trading.decided(trading.trade(**changes), None, ledger)

    assert trading.is_untouched(ledger)


@pytest.mark.parametrize(
    ("kind", "status", "may_trade"),
    [
        ("OWNER", "OPEN", True),
        ("EMITTER", "OPEN", True),
        ("TRADER", "OPEN", True),
        ("VERIFIER", "OPEN", False),
        ("AUTHORITY", "OPEN", False),
        ("NATURAL_PERSON", "OPEN", False),
        ("OWNER", "RESTRICTED", False),
        ("OWNER", "CLOSED", False),
    ],
)
def test_rule_12_only_open_accounts_of_owners_emitters_and_traders_trade(
    kind: str, status: str, may_trade: bool
) -> None:
    ledger = trading.books(seller=trading.account(SELLER, kind, status))
    if may_trade:
        trading.settled(TRADE, None, ledger)
        return

    with pytest.raises(Refusal) as refused:
        trading.decided(TRADE, None, ledger)

    assert refused.value.code() == "ACCOUNT_MAY_NOT_TRADE"
    assert trading.is_untouched(ledger)


def test_a_venue_that_was_not_admitted_and_a_programme_without_terms_trade_nothing() -> None:
    elsewhere = trading.trade(venue="HZ-PILOT")
    without_terms = trading.market(trading.terms(programme="OTHER"))
    for trade, market, code in (
        (elsewhere, trading.market(), "VENUE_NOT_OPEN"),
        (TRADE, without_terms, "PROGRAMME_NOT_TRADED"),
    ):
        with pytest.raises(Refusal) as refused:
            trading.decided(trade, market)
        assert refused.value.code() == code


@pytest.mark.parametrize("age", [timedelta(minutes=-5), timedelta(0), timedelta(days=900)])
def test_a_trade_that_is_five_minutes_ahead_or_old_still_stands(age: timedelta) -> None:
    trade = trading.trade(executed_at=datetime.fromisoformat("2029-03-01T02:00:00Z"))
    clock = trade.executed_at + age
    settle(trade, trading.books(), lenient(calendar="EVERY_DAY"), clock)


@pytest.mark.parametrize(
    ("mode", "closed_on", "is_settled"),
    [
        ("LIVE", date(2026, 8, 20), False),
        ("LIVE", date(2026, 8, 21), False),
        ("LIVE", date(2026, 8, 19), True),
        ("REPLAY", date(2026, 8, 21), True),
    ],
)
def test_a_day_that_the_venue_has_closed_stays_closed_but_in_replay(
    mode: str, closed_on: date, is_settled: bool
) -> None:
    market = trading.market(venue=replace(ADMITTED, mode=mode, closed_on=closed_on))

    if is_settled:
        trading.decided(TRADE, market)
    else:
        with pytest.raises(DayIsClosed):
            trading.decided(TRADE, market)


@pytest.mark.parametrize("code", ["x", "A", "CBGEX ", "A" * 21, "A.B", "-A"])
def test_a_venue_needs_a_code_that_a_broker_user_can_have(code: str) -> None:
    require_admissible(OpenVenue(code="HZ-PILOT", name="Pilot"))
    with pytest.raises(VenueInvalid):
        require_admissible(OpenVenue(code=code, name="Pilot"))


@pytest.mark.parametrize("name", ["", " ", "\u200b", "n" * 301])
def test_a_venue_needs_a_name(name: str) -> None:
    with pytest.raises(OutOfRange):
        require_admissible(OpenVenue(code="HZ-PILOT", name=name))


FEED = {"seller_fee_ppm": 500, "buyer_fee_ppm": 1_000, "fee_account": FEES}


def test_a_trade_of_the_end_of_the_day_holds_both_legs_and_pays_nothing_yet() -> None:
    ledger, market = trading.books(1_001_000), day_end(**FEED)

    captured = trading.captured(TRADE, market, ledger)

    assert (captured.cost_fen, captured.proceeds_fen) == (1_001_000, 999_500)
    assert ledger.position(BUYER_CASH) == CashPosition(1_001_000, held_fen=1_001_000)
    assert ledger.position(SELLER_CASH) == CashPosition(0, pending_fen=999_500)
    assert ledger.position(FEE_CASH) == CashPosition(0)
    assert (ledger.available(DESK, WIND), ledger.available(HELD, WIND)) == (0, 100)
    assert {entry.posting for entry in ledger.credit_entries} == {"capture/CBGEX/1"}
    assert not ledger.cash_entries
    totals = market.days[MARKET][DAY]
    assert (totals.trades, totals.listing_tonnes, totals.settled_trades) == (1, 100, 0)


def test_what_was_held_settles_in_full_when_the_day_is_confirmed() -> None:
    ledger, market = trading.books(1_001_000), day_end(**FEED)
    captured = trading.captured(TRADE, market, ledger)

    settled = settle_captured(captured, ledger, market)

    assert ledger.position(BUYER_CASH) == CashPosition(0)
    assert ledger.position(SELLER_CASH) == CashPosition(999_500)
    assert ledger.position(FEE_CASH) == CashPosition(1_500)
    assert (ledger.available(HELD, WIND), ledger.available(BOUGHT, WIND)) == (0, 100)
    assert [(one.first_serial, one.last_serial) for one in settled.ranges] == [(1, 100)]
    totals = market.days[MARKET][DAY]
    assert (totals.trades, totals.settled_trades, totals.settled_tonnes) == (1, 1, 100)


def test_a_cancelled_trade_leaves_the_books_and_the_market_as_they_were() -> None:
    ledger, market = trading.books(1_001_000), day_end(**FEED)
    captured = trading.captured(TRADE, market, ledger)

    void(captured, ledger, market)

    assert ledger.position(BUYER_CASH) == CashPosition(1_001_000)
    assert ledger.position(SELLER_CASH) == CashPosition(0)
    assert ledger.available(DESK, WIND) == 100
    assert market.days[MARKET][DAY] == NO_TOTALS
    assert {entry.posting for entry in ledger.credit_entries} == {"capture/CBGEX/1"}


def share(ledger: Books) -> None:
    """Lets the buyer own credits too, so that it may sell."""
    ledger.move("gift", WIND, DESK, BOUGHT, 50, trading.AT)


@pytest.mark.parametrize(
    ("deposit_fen", "is_voided"), [(0, False), (99_999, False), (100_000, True)]
)
def test_a_trade_whose_proceeds_are_spent_is_not_cancelled(
    deposit_fen: int, is_voided: bool
) -> None:
    """The seller sold for 100,000 fen and spent them at once: without them it could not pay."""
    ledger, market = trading.books(10**7), day_end()
    share(ledger)
    sale = trading.captured(trading.trade(quantity=10), market, ledger)
    spending = trading.trade(trade_id="2", quantity=10, seller_account=BUYER, buyer_account=SELLER)
    purchase = trading.captured(spending, market, ledger)
    if deposit_fen:
        ledger.bank("cash", SELLER_CASH, deposit_fen, trading.AT)

    if is_voided:
        void(sale, ledger, market, [purchase])
        settle_captured(purchase, ledger, market)
        assert ledger.position(SELLER_CASH) == CashPosition(0)
    else:
        with pytest.raises(ProceedsSpent) as refused:
            void(sale, ledger, market, [purchase])
        assert refused.value.values == {
            "account": SELLER,
            "proceeds_fen": "100000",
            "spendable_fen": str(deposit_fen),
        }


def test_later_proceeds_do_not_stand_in_for_those_that_were_spent_before() -> None:
    """Sold, spent, and sold again: at the end there would be enough, but not when the purchase settles."""
    ledger, market = trading.books(10**7), day_end()
    share(ledger)
    sale = trading.captured(trading.trade(quantity=10), market, ledger)
    spending = trading.trade(trade_id="2", quantity=10, seller_account=BUYER, buyer_account=SELLER)
    later = [
        trading.captured(spending, market, ledger),
        trading.captured(trading.trade(trade_id="3", quantity=10), market, ledger),
    ]
    assert ledger.position(SELLER_CASH).spendable_fen == 100_000

    with pytest.raises(ProceedsSpent) as refused:
        void(sale, ledger, market, later)

    assert refused.value.spendable_fen == 0


def test_the_batch_of_a_trade_names_its_serials() -> None:
    [only] = trading.settled(trading.trade(quantity=1)).ranges
    assert (only.batch_id, only.first_serial, only.last_serial) == (BATCH, 100, 100)
