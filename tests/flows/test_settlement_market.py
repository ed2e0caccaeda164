"""The market's rules on real processes: a trade that breaks one is rejected with the code and both values."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.kernel.clocks import BEIJING
from services.settlement.messages.market import MethodTerms, Session, SetMarketTerms
from tests.flows import floor, past
from tests.flows.trading import Pair
from tests.market import Market, Outcome, open_terms

STRICT: dict[str, Any] = {
    "calendar": "TRADING_DAYS",
    "methods": (
        MethodTerms(method="LISTING", band_basis_points=1000, tonnes_max=99_999),
        MethodTerms(method="BULK", band_basis_points=3000, tonnes_min=100_000),
    ),
    "sessions": (Session(opens="09:30", closes="11:30"), Session(opens="13:00", closes="15:00")),
    "gap_trading_days": 5,
    "listing_trading_days": 1,
}
MONDAY = date(2025, 3, 10)


@pytest.fixture(scope="module")
async def strict(market: Market) -> Pair:
    """A seller whose credits came to the venue on Friday, March 7, 2025, at a first price of 94.83; and a buyer."""
    code = await floor.programme(market, **STRICT)
    seller = await floor.seller(market, code, 500_000, 0)
    await past.moved(market, seller, 500_000, datetime(2025, 3, 7, 10, tzinfo=BEIJING))
    await floor.priced(market, seller, "94.83")
    return seller, await market.buyer_with_cash(10**12)


BROKEN: list[tuple[str, dict[str, Any], str, dict[str, str]]] = [
    (
        "below the band",
        {"price": "85.34"},
        "PRICE_OUTSIDE_BAND",
        {"given": "85.34", "lowest": "85.35", "highest": "104.31", "reference": "94.83"},
    ),
    ("above the band", {"price": "104.32"}, "PRICE_OUTSIDE_BAND", {"highest": "104.31"}),
    (
        "above the band of bulk",
        {"price": "123.28", "method": "BULK", "quantity": 100_000},
        "PRICE_OUTSIDE_BAND",
        {"lowest": "66.39", "highest": "123.27"},
    ),
    (
        "after the session",
        {"executed_at": past.at(MONDAY, "11:30:01")},
        "OUTSIDE_SESSION",
        {"given": "11:30:01", "expected": "09:30 to 11:30 or 13:00 to 15:00"},
    ),
    (
        "a thousandth after the session",
        {"executed_at": past.at(MONDAY, "15:00:00.001")},
        "OUTSIDE_SESSION",
        {"given": "15:00:00.001000"},
    ),
    (
        "on a Saturday that is worked",
        {"executed_at": past.at(date(2025, 10, 11))},
        "NOT_TRADING_DAY",
        {"given": "2025-10-11"},
    ),
    (
        "before it is listed",
        {"executed_at": past.at(date(2025, 3, 7))},
        "INSTRUMENT_NOT_LISTED",
        {"given": "2025-03-07", "listed_on": "2025-03-10"},
    ),
    (
        "too much for the method",
        {"quantity": 100_000},
        "QUANTITY_OUT_OF_RANGE",
        {"given": "100000", "expected": "1 to 99999 in lots of 1"},
    ),
    ("a method that is not open", {"method": "AUCTION"}, "METHOD_NOT_OPEN", {"given": "AUCTION"}),
]


@pytest.mark.parametrize(
    ("changes", "code", "fields"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
@pytest.mark.parametrize("mode", ["LIVE", "REPLAY"])
async def test_a_trade_that_breaks_a_rule_of_the_market_is_rejected_with_both_values(
    market: Market,
    strict: Pair,
    mode: str,
    changes: dict[str, Any],
    code: str,
    fields: dict[str, str],
) -> None:
    trade = market.trade(*strict, price="94.83", executed_at=past.at(MONDAY)) | changes

    outcome = await _settled(market, trade, mode)

    assert (outcome.state, outcome.code) == ("REJECTED", code)
    assert outcome.fields.items() >= fields.items()


async def _settled(market: Market, trade: dict[str, Any], mode: str) -> Outcome:
    if mode == "LIVE":
        return await market.settle(trade)
    async with past.replay(market):
        return await market.settle(trade)


async def test_reference_and_gap_go_on_from_trade_to_trade(market: Market, strict: Pair) -> None:
    """The next day's reference is the average of the listing trades; who bought sells on the sixth trading day."""
    monday = past.at(MONDAY)
    for price, quantity in (("90.00", 100), ("95.00", 200)):
        trade = market.trade(*strict, price=price, quantity=quantity, executed_at=monday)
        assert (await market.settle(trade)).state == "SETTLED"
    bulk = {"method": "BULK", "price": "120.00", "quantity": 100_000, "executed_at": monday}
    assert (await market.settle(market.trade(*strict, **bulk))).state == "SETTLED"

    tuesday = past.at(date(2025, 3, 11))
    above = await market.settle(market.trade(*strict, price="102.67", executed_at=tuesday))
    within = await market.settle(market.trade(*strict, price="102.66", executed_at=tuesday))
    assert (above.code, above.fields["reference"]) == ("PRICE_OUTSIDE_BAND", "93.33")
    assert within.state == "SETTLED"

    back = {"seller_account": strict[1].account, "buyer_account": strict[0].account, "quantity": 1}
    early, late = [
        await market.settle(
            market.trade(*strict, price="100.00", executed_at=past.at(date(2025, 3, day))) | back
        )
        for day in (17, 18)
    ]
    assert (early.code, early.fields) == (
        "OPPOSITE_TRADE_TOO_SOON",
        {
            "account": strict[1].account,
            "given": "2025-03-17",
            "opposite_on": "2025-03-11",
            "gap_trading_days": "5",
        },
    )
    # The seller of Tuesday has no cash that it could not spend: its proceeds buy back at once.
    assert late.state == "SETTLED"


async def test_credits_that_came_to_the_venue_today_trade_from_the_next_day_on(
    market: Market,
) -> None:
    code = await floor.programme(market, listing_trading_days=1)
    seller, buyer = await floor.seller(market, code), await market.buyer_with_cash()

    outcome = await market.settle(market.trade(seller, buyer))

    assert outcome.code == "INSTRUMENT_NOT_LISTED"
    assert outcome.fields["listed_on"] > outcome.fields["given"]


async def test_an_instrument_without_a_reference_price_trades_once_one_is_declared(
    market: Market,
) -> None:
    banded = (MethodTerms(method="LISTING", band_basis_points=1000),)
    code = await floor.programme(market, methods=banded)
    seller, buyer = await floor.seller(market, code), await market.buyer_with_cash()

    before = await market.settle(market.trade(seller, buyer))
    await floor.priced(market, seller, "70.00")
    after = await market.settle(market.trade(seller, buyer))

    assert (before.code, after.state) == ("REFERENCE_PRICE_MISSING", "SETTLED")


async def test_terms_in_force_are_not_changed_and_later_ones_wait_for_their_day(
    market: Market,
) -> None:
    code, tomorrow = await floor.programme(market), floor.today() + timedelta(days=1)
    seller, buyer = await floor.seller(market, code), await market.buyer_with_cash()
    lots = open_terms(floor.VENUE, code, lot_tonnes=10, valid_from=tomorrow)

    today = msgspec.structs.replace(lots, valid_from=floor.today())
    refused = await market.send(SetMarketTerms(terms=today))
    await market.set_terms(lots)

    assert refused.refusal
    assert refused.refusal.code == "MARKET_TERMS_IN_FORCE"
    assert (await market.settle(market.trade(seller, buyer, quantity=3))).state == "SETTLED"
