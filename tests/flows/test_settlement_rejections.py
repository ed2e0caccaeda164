"""Trades that can be read and break a rule: rejected with the values that disagree, and nothing changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flows.trading import Pair, legs, subject
from tests.market import PILOT, VINTAGE, Market, cloud_event, content

_FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

REJECTED: list[tuple[str, dict[str, object], str, dict[str, str]]] = [
    ("negative quantity", {"quantity": -10}, "QUANTITY_OUT_OF_RANGE", {"given": "-10"}),
    ("no quantity", {"quantity": 0}, "QUANTITY_OUT_OF_RANGE", {"given": "0"}),
    (
        "more than can be counted",
        {"quantity": 2**53},
        "QUANTITY_OUT_OF_RANGE",
        {"given": str(2**53)},
    ),
    ("over 64 bits", {"quantity": 2**70}, "QUANTITY_OUT_OF_RANGE", {"given": str(2**70)}),
    ("more digits than fit", {"quantity": 10**4000}, "QUANTITY_OUT_OF_RANGE", {}),
    ("half a tonne", {"quantity": 0.5}, "MALFORMED_TRADE", {}),
    ("a whole float", {"quantity": 10.0}, "MALFORMED_TRADE", {}),
    ("a quantity in words", {"quantity": "ten"}, "MALFORMED_TRADE", {}),
    ("no number at all", {"quantity": None}, "MALFORMED_TRADE", {}),
    ("price NaN", {"price": "NaN"}, "PRICE_NOT_DECIMAL", {"given": "NaN"}),
    ("price Infinity", {"price": "Infinity"}, "PRICE_NOT_DECIMAL", {"given": "Infinity"}),
    ("negative price", {"price": "-1.00"}, "PRICE_NOT_DECIMAL", {"given": "-1.00"}),
    ("price with exponent", {"price": "1e2"}, "PRICE_NOT_DECIMAL", {"given": "1e2"}),
    ("price as a number", {"price": 70.76}, "MALFORMED_TRADE", {}),
    ("off tick", {"price": "70.765"}, "PRICE_OFF_TICK", {"given": "70.765", "tick_fen": "1"}),
    ("price zero", {"price": "0.00"}, "PRICE_OFF_TICK", {}),
    ("value over 2^53 fen", {"quantity": 2**50, "price": "100"}, "AMOUNT_OUT_OF_RANGE", {}),
    ("dollars", {"currency": "USD"}, "CURRENCY_NOT_SETTLED", {"given": "USD", "expected": "CNY"}),
    ("method not open", {"method": "BULK"}, "METHOD_NOT_OPEN", {"given": "BULK"}),
    ("in the future", {"executed_at": _FUTURE}, "EXECUTED_IN_FUTURE", {}),
    ("no offset", {"executed_at": "2025-03-10T10:15:30"}, "MALFORMED_TRADE", {}),
    ("no time", {"executed_at": "yesterday"}, "MALFORMED_TRADE", {}),
    ("end of time", {"executed_at": "9999-12-31T23:59:59Z"}, "MALFORMED_TRADE", {}),
    ("begin of time", {"executed_at": "0001-01-01T00:00:00+08:00"}, "MALFORMED_TRADE", {}),
    ("more than held", {"quantity": 1_000_001}, "NOT_ENOUGH_CREDITS", {"given": "1000001"}),
    ("more than paid", {"quantity": 1000, "price": "9999999999"}, "NOT_ENOUGH_CASH", {}),
    ("to himself", {"buyer_account": None}, "SELF_TRADE", {}),
    ("vintage far below", {"instrument": {"vintage": -(2**40)}}, "MALFORMED_TRADE", {}),
    ("vintage far above", {"instrument": {"vintage": 2**40}}, "MALFORMED_TRADE", {}),
    ("NUL in an account", {"seller_account": "ACC\0"}, "MALFORMED_TRADE", {}),
    ("NUL in the method", {"method": "LIST\0ING"}, "MALFORMED_TRADE", {}),
    ("NUL in the currency", {"currency": "CNY\0"}, "MALFORMED_TRADE", {}),
    ("NUL in the price", {"price": "1\0"}, "MALFORMED_TRADE", {}),
    ("NUL in what is not read", {"note": "\0"}, "MALFORMED_TRADE", {}),
]


@pytest.mark.parametrize(
    ("changes", "code", "fields"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED]
)
async def test_a_readable_trade_that_breaks_a_rule_is_rejected_with_the_values(
    market: Market, pair: Pair, changes: dict[str, Any], code: str, fields: dict[str, str]
) -> None:
    trade = market.trade(*pair) | changes
    if changes.get("buyer_account", "") is None:
        trade["buyer_account"] = pair[0].account
    if "instrument" in changes:
        trade["instrument"] = {"project": pair[0].project} | changes["instrument"]
    before, pid = await legs(market, pair), market.stack.pid("settlement")

    outcome = await market.settle(trade)

    assert (outcome.state, outcome.code) == ("REJECTED", code)
    assert outcome.fields.items() >= fields.items()
    assert content(await market.told("settlement.trade.rejected", subject(trade)))["code"] == code
    assert await legs(market, pair) == before
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"
    assert market.stack.pid("settlement") == pid


async def test_a_trade_with_a_number_that_no_computer_holds_is_rejected(
    market: Market, pair: Pair
) -> None:
    trade = market.trade(*pair)
    body = cloud_event("/venues/CBGEX", "trade.executed", trade, "by-hand").replace(
        b'"quantity":10', b'"quantity":1e400'
    )

    await market.publish_body(body)

    assert (await market.outcome(trade)).code == "MALFORMED_TRADE"


async def test_an_account_that_may_not_trade_is_refused(market: Market, pair: Pair) -> None:
    verifier = await market.buyer_with_cash(kind="VERIFIER")

    outcome = await market.settle(market.trade(pair[0], verifier))

    assert outcome.code == "ACCOUNT_MAY_NOT_TRADE"
    assert outcome.fields == {"account": verifier.account, "kind": "VERIFIER", "status": "OPEN"}


async def test_credits_of_a_programme_that_the_venue_does_not_trade_are_refused(
    market: Market, pair: Pair
) -> None:
    owner = await market.owner_with_credits(100, venue="HZ-PILOT")
    trade = market.trade(pair[0], pair[1]) | {
        "seller_account": owner.account,
        "instrument": {"project": owner.project, "vintage": VINTAGE},
    }

    outcome = await market.settle(trade)

    assert (outcome.code, outcome.fields["given"]) == ("PROGRAMME_NOT_TRADED", PILOT)


async def test_credits_and_cash_at_one_venue_are_not_those_at_another(
    market: Market, pair: Pair
) -> None:
    seller = await market.owner_with_credits(100, at_venue=0)
    poor = await market.buyer_with_cash(10**9, venue="HZ-PILOT")

    assert (await market.settle(market.trade(seller, pair[1]))).code == "INSTRUMENT_NOT_LISTED"
    assert (await market.settle(market.trade(pair[0], poor))).code == "NOT_ENOUGH_CASH"
