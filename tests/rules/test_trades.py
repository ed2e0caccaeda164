"""The rules of one trade (13, 17, 19): all checks first, then both legs; a broken rule changes nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown, Refusal
from services.settlement.ledger import Account, Batch, Books, Bucket, CashKey, Holding, Place
from services.settlement.messages.holdings import Instrument
from services.settlement.messages.market import OpenVenue
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.trades import (
    DayIsClosed,
    Venue,
    VenueTermsInvalid,
    require_venue_terms,
    settle,
)

NOW = datetime(2026, 8, 20, 2, 0, tzinfo=UTC)
BATCH = UUID(int=1)
VENUE = Venue("CBGEX", "CBGEX", ["CCER"], ["LISTING"], 1, "LIVE", None)
TRADE = ExecutedTrade(
    venue="CBGEX",
    trade_id="1",
    method="LISTING",
    instrument=Instrument(project="WIND", vintage=2024),
    seller_account="S",
    buyer_account="B",
    quantity=100,
    price="100.00",
    currency="CNY",
    executed_at=NOW,
)


def books(
    cash_fen: int = 1_000_000, tonnes: int = 100, kind: str = "OWNER", status: str = "OPEN"
) -> Books:
    """S has these tonnes at the venue, B this cash there; S is of this kind and status."""
    desk = Place("S", Bucket.EXCHANGE, "CBGEX")
    return Books.of(
        [
            Account("S", UUID(int=8), kind, status, "TRD-1"),
            Account("B", UUID(int=9), "EMITTER", "OPEN", "TRD-2"),
        ],
        [Batch(BATCH, "CCER", "CN", "WIND", 2024, 1, NOW)],
        [Holding(Block(BATCH, 1, 1 + tonnes), desk)],
        {CashKey("B", "CBGEX", "CNY"): cash_fen},
    )


def test_a_trade_moves_both_legs_in_full() -> None:
    """Rule 17: 100 available and 100 sold, 10,000.00 yuan available and paid."""
    ledger = books()

    settled = settle(TRADE, VENUE, ledger, NOW)

    assert (settled.amount_fen, settled.price, settled.programme) == (1_000_000, "100.00", "CCER")
    assert dict(ledger.cash_changes()) == {
        CashKey("B", "CBGEX", "CNY"): -1_000_000,
        CashKey("S", "CBGEX", "CNY"): 1_000_000,
    }
    [entry] = ledger.credit_entries
    assert (entry.source, entry.target.account) == (Place("S", Bucket.EXCHANGE, "CBGEX"), "B")
    assert [each.serials for each in settled.ranges] == ["CCER-CN-WIND-2024-001-1-100"]
    assert {entry.posting for entry in [*ledger.credit_entries, *ledger.cash_entries]} == {
        "trade/CBGEX/1"
    }


def test_three_trades_that_offset_each_other_settle_three_times() -> None:
    """Rule 19: no netting."""
    ledger = books()
    back = msgspec.structs.replace(TRADE, seller_account="B", buyer_account="S", trade_id="2")

    for number, trade in enumerate((TRADE, back, TRADE)):
        settle(msgspec.structs.replace(trade, trade_id=str(number)), VENUE, ledger, NOW)

    assert len(ledger.credit_entries) == len(ledger.cash_entries) == 3


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
    ({"executed_at": NOW + timedelta(minutes=5, microseconds=1)}, "EXECUTED_IN_FUTURE"),
    ({"buyer_account": "S"}, "SELF_TRADE"),
    # The message's own faults come first, whatever else is wrong.
    ({"buyer_account": "S", "quantity": -1}, "QUANTITY_OUT_OF_RANGE"),
    ({"seller_account": "NOBODY", "price": "x"}, "PRICE_NOT_DECIMAL"),
]


@pytest.mark.parametrize(("changes", "code"), BROKEN)
def test_a_trade_that_breaks_a_rule_changes_nothing(changes: dict[str, object], code: str) -> None:
    ledger = books()

    with pytest.raises(Refusal) as refused:
        settle(msgspec.structs.replace(TRADE, **changes), VENUE, ledger, NOW)

    assert refused.value.code() == code
    assert _is_untouched(ledger)


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
    ledger = books()

    with pytest.raises(NotYetKnown):
        settle(msgspec.structs.replace(TRADE, **changes), VENUE, ledger, NOW)

    assert _is_untouched(ledger)


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
def test_only_open_accounts_of_owners_emitters_and_traders_trade(
    kind: str, status: str, may_trade: bool
) -> None:
    """Rule 12."""
    ledger = books(kind=kind, status=status)
    if may_trade:
        settle(TRADE, VENUE, ledger, NOW)
        return

    with pytest.raises(Refusal) as refused:
        settle(TRADE, VENUE, ledger, NOW)

    assert refused.value.code() == "ACCOUNT_MAY_NOT_TRADE"
    assert _is_untouched(ledger)


def test_one_fen_short_of_the_price_pays_nothing() -> None:
    """Rule 17: 9,999.99 yuan do not buy 100 t at 100.00."""
    ledger = books(cash_fen=999_999)

    with pytest.raises(Refusal) as refused:
        settle(TRADE, VENUE, ledger, NOW)

    assert refused.value.values == {
        "account": "B",
        "given_fen": "1000000",
        "available_fen": "999999",
    }
    assert _is_untouched(ledger)


@pytest.mark.parametrize(
    ("venue", "code"),
    [
        (None, "VENUE_NOT_OPEN"),
        (Venue("CBGEX", "", ["OTHER"], ["LISTING"], 1, "LIVE", None), "PROGRAMME_NOT_TRADED"),
        (Venue("CBGEX", "", ["CCER"], ["LISTING"], 3, "LIVE", None), "PRICE_OFF_TICK"),
    ],
)
def test_the_venue_bounds_what_is_traded_there(venue: Venue | None, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        settle(TRADE, venue, books(), NOW)

    assert refused.value.code() == code


@pytest.mark.parametrize("age", [timedelta(minutes=-5), timedelta(0), timedelta(days=900)])
def test_a_trade_that_is_five_minutes_ahead_or_old_still_stands(age: timedelta) -> None:
    settle(msgspec.structs.replace(TRADE, executed_at=NOW - age), VENUE, books(), NOW)


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
    venue = replace(VENUE, mode=mode, closed_on=closed_on)

    if is_settled:
        settle(TRADE, venue, books(), NOW)
    else:
        with pytest.raises(DayIsClosed):
            settle(TRADE, venue, books(), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "x"},
        {"code": "A"},
        {"code": "CBGEX "},
        {"code": "A" * 21},
        {"code": "A.B"},
        {"programmes": []},
        {"methods": []},
        {"methods": ["LISTING", "RAFFLE"]},
        {"tick_fen": 0},
        {"tick_fen": -1},
        {"tick_fen": 10_001},
    ],
)
def test_a_venue_without_proper_terms_is_refused(changes: dict[str, object]) -> None:
    terms = OpenVenue(code="HZ-PILOT", name="Pilot", programmes=["CCER"], methods=["BILATERAL"])
    require_venue_terms(terms)

    with pytest.raises(VenueTermsInvalid):
        require_venue_terms(msgspec.structs.replace(terms, **changes))


def _is_untouched(ledger: Books) -> bool:
    changes = [*ledger.changed(), *ledger.added(), *ledger.cash_changes()]
    return not [*changes, *ledger.credit_entries, *ledger.cash_entries]
