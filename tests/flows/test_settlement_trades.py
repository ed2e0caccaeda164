"""Trades from a venue's message to their outcome, on real processes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.market import PILOT, VINTAGE, Market, Outcome, Party, Seller, cloud_event, content

Pair = tuple[Seller, Party]


async def test_a_reported_trade_settles_both_legs_and_is_told(market: Market) -> None:
    seller, buyer = await market.owner_with_credits(1000), await market.buyer_with_cash(1_000_000)
    trade = market.trade(seller, buyer, quantity=10, price="70.76")

    assert await market.settle(trade) == Outcome("SETTLED", None, {})

    assert await market.tonnes(seller.account, "exchange") == 990
    assert await market.tonnes(buyer.account, "exchange") == 10
    assert await market.fen(seller.account) == 70_760
    assert await market.fen(buyer.account) == 929_240
    told = content(await market.told("settlement.trade.settled", _subject(trade)))
    assert told["amount_fen"] == 70_760
    assert told["ranges"][0]["serials"] == f"CCER-CN-{seller.project}-2024-001-991-1000"


async def test_a_trade_that_is_sent_again_changes_nothing(market: Market, pair: Pair) -> None:
    trade = market.trade(*pair)
    await market.settle(trade)
    before = await _books(market, pair)

    for _ in range(5):
        await market.report(trade)
    await market.settle(market.trade(*pair, quantity=1, price="0.01"))

    assert await _books(market, pair) == (before[0] - 1, before[1] + 1, before[2] + 1, before[3] - 1)
    assert await _outcomes(market, trade) == ["settlement.trade.settled"]


async def test_a_trade_sent_twice_in_one_batch_settles_once(market: Market, pair: Pair) -> None:
    trades = [market.trade(*pair, quantity=1) for _ in range(20)]
    before = await _books(market, pair)

    await asyncio.gather(*(market.report(trade) for trade in trades for _ in range(3)))
    await asyncio.gather(*(market.outcome(trade) for trade in trades))
    await market.settle(market.trade(*pair, quantity=1))

    after = await _books(market, pair)
    assert (before[0] - after[0], after[1] - before[1]) == (21, 21)
    for trade in trades:
        assert await _outcomes(market, trade) == ["settlement.trade.settled"]


async def test_the_same_content_in_another_order_of_keys_is_the_same_trade(
    market: Market, pair: Pair
) -> None:
    trade = market.trade(*pair)
    await market.settle(trade)

    await market.report(dict(reversed(list(trade.items()))))
    await market.settle(market.trade(*pair))

    assert await _outcomes(market, trade) == ["settlement.trade.settled"]


@pytest.mark.parametrize(
    ("first", "state"), [({}, "SETTLED"), ({"quantity": -5}, "REJECTED")], ids=["settled", "rejected"]
)
async def test_a_known_id_with_other_content_conflicts_and_the_first_outcome_stands(
    market: Market, pair: Pair, first: dict[str, object], state: str
) -> None:
    trade = market.trade(*pair, **first)
    await market.settle(trade)
    before = await _books(market, pair)

    await market.report({**trade, "quantity": 11})

    told = content(await market.told("settlement.trade.conflicted", _subject(trade)))
    assert told["outcome"] == state
    assert (await market.outcome(trade)).state == state
    assert await _books(market, pair) == before


async def test_two_contents_under_one_id_in_one_batch_give_one_outcome_and_a_conflict(
    market: Market, pair: Pair
) -> None:
    trades = [market.trade(*pair, quantity=1) for _ in range(10)]

    reports = [report for trade in trades for report in (trade, {**trade, "quantity": 2})]
    for report in reports:
        await market.report(report)

    for trade in trades:
        await market.told("settlement.trade.conflicted", _subject(trade))
        assert await _outcomes(market, trade) == [
            "settlement.trade.settled",
            "settlement.trade.conflicted",
        ]


_FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

REJECTED: list[tuple[str, dict[str, object], str, dict[str, str]]] = [
    ("negative quantity", {"quantity": -10}, "QUANTITY_OUT_OF_RANGE", {"given": "-10"}),
    ("no quantity", {"quantity": 0}, "QUANTITY_OUT_OF_RANGE", {"given": "0"}),
    ("more than can be counted", {"quantity": 2**53}, "QUANTITY_OUT_OF_RANGE", {"given": str(2**53)}),
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
    before, pid = await _books(market, pair), market.stack.pid("settlement")

    outcome = await market.settle(trade)

    assert (outcome.state, outcome.code) == ("REJECTED", code)
    assert outcome.fields.items() >= fields.items()
    assert content(await market.told("settlement.trade.rejected", _subject(trade)))["code"] == code
    assert await _books(market, pair) == before
    assert (await market.settle(market.trade(*pair))).state == "SETTLED"
    assert market.stack.pid("settlement") == pid


async def test_a_trade_with_a_number_that_no_computer_holds_is_rejected(
    market: Market, pair: Pair
) -> None:
    trade = market.trade(*pair)
    body = _body(trade).replace(b'"quantity":10', b'"quantity":1e400')

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

    assert (await market.settle(market.trade(seller, pair[1]))).code == "NOT_ENOUGH_CREDITS"
    assert (await market.settle(market.trade(pair[0], poor))).code == "NOT_ENOUGH_CASH"


async def test_one_fen_too_little_is_too_little_and_the_exact_sum_is_enough(
    market: Market, pair: Pair
) -> None:
    buyer = await market.buyer_with_cash(999_999)
    trade = market.trade(pair[0], buyer, quantity=100, price="100.00")

    outcome = await market.settle(trade)
    await market.deposit(buyer.account, 1)
    again = await market.settle(market.trade(pair[0], buyer, quantity=100, price="100.00"))

    assert outcome.code == "NOT_ENOUGH_CASH"
    assert outcome.fields["available_fen"] == "999999"
    assert (again.state, await market.fen(buyer.account)) == ("SETTLED", 0)


async def test_a_chain_of_sales_in_one_batch_settles_in_the_order_sent(market: Market) -> None:
    seller = await market.owner_with_credits(100)
    holders = [await market.buyer_with_cash(10_000) for _ in range(4)]
    senders = [seller.party, *holders]
    trades = [
        market.trade(seller, buyer, seller_account=giver.account, quantity=100, price="1")
        for giver, buyer in zip(senders, holders, strict=False)
    ]

    for trade in trades:
        await market.report(trade)

    assert [(await market.outcome(trade)).state for trade in trades] == ["SETTLED"] * 4
    assert await market.tonnes(holders[-1].account, "exchange") == 100
    assert [await market.fen(holder.account) for holder in holders] == [10_000] * 3 + [0]


async def test_of_two_sales_of_the_same_credits_the_first_settles(market: Market, pair: Pair) -> None:
    seller = await market.owner_with_credits(100)
    trades = [market.trade(seller, pair[1], quantity=60) for _ in range(2)]

    for trade in trades:
        await market.report(trade)

    outcomes = [await market.outcome(trade) for trade in trades]
    assert [outcome.code for outcome in outcomes] == [None, "NOT_ENOUGH_CREDITS"]
    assert outcomes[1].fields["available"] == "40"


async def test_the_oldest_batch_and_its_tail_move_first(market: Market, pair: Pair) -> None:
    seller = await market.owner_with_credits(50, at_venue=50)
    await market.issue(seller.project, 50, month=2)
    await market.move_to_venue(seller, 50)
    trade = market.trade(seller, pair[1], quantity=60)

    await market.settle(trade)

    told = content(await market.told("settlement.trade.settled", _subject(trade)))
    stem = f"CCER-CN-{seller.project}-2024"
    assert [each["serials"] for each in told["ranges"]] == [f"{stem}-001-1-50", f"{stem}-002-41-50"]


async def test_a_trade_before_its_credits_are_known_waits_and_then_settles(
    market: Market, pair: Pair
) -> None:
    owner = await market.party()
    seller = Seller(owner, await market.project(owner), VINTAGE, "CBGEX")
    trade = market.trade(seller, pair[1])
    await market.report(trade)
    await market.until_waiting(trade)
    await market.report({**trade, "quantity": 11})
    conflicted = content(await market.told("settlement.trade.conflicted", _subject(trade)))

    async with market.nothing_settling():
        await market.issue(seller.project, 100)
        await market.move_to_venue(seller, 100)

    assert (await market.outcome(trade)).state == "SETTLED"
    assert conflicted["outcome"] == "WAITING"
    assert await _outcomes(market, trade) == [
        "settlement.trade.conflicted",
        "settlement.trade.settled",
    ]


async def test_a_trade_before_its_buyer_is_known_waits_and_then_settles(
    market: Market, pair: Pair
) -> None:
    following = await market.guessed_account()
    trade = market.trade(*pair, buyer_account=following)
    await market.report(trade)
    await market.until_waiting(trade)

    async with market.nothing_settling():
        buyer = await market.buyer_with_cash()

    assert buyer.account == following
    assert (await market.outcome(trade)).state == "SETTLED"
    assert await market.tonnes(buyer.account, "exchange") == 10


async def test_a_name_that_stays_unknown_is_rejected_after_the_deadline(
    market: Market, pair: Pair
) -> None:
    unknown = {
        "seller_account": "ACC-99999999",
        "buyer_account": "ACC-99999999",
        "instrument": {"project": "NOWHERE", "vintage": VINTAGE},
    }
    trades = [market.trade(*pair, **{name: given}) for name, given in unknown.items()]
    before = await _books(market, pair)

    for trade in trades:
        await market.report(trade)
        await market.report(trade)
        await market.until_waiting(trade)

    outcomes = [await market.outcome(trade) for trade in trades]
    assert [outcome.code for outcome in outcomes] == ["UNKNOWN"] * 3
    assert [outcome.fields["noun"] for outcome in outcomes] == ["account", "account", "instrument"]
    assert outcomes[0].fields["given"] == "ACC-99999999"
    assert await _books(market, pair) == before


async def test_a_waiting_trade_can_be_cancelled_and_a_final_one_cannot(
    market: Market, pair: Pair
) -> None:
    waiting = market.trade(*pair, buyer_account="ACC-99999997")
    final = market.trade(*pair)
    await market.report(waiting)
    await market.until_waiting(waiting)
    await market.settle(final)

    for trade in (waiting, final):
        await market.report(_cancellation(trade), "trade.cancelled")

    assert (await market.outcome(waiting)).code == "CANCELLED_BY_VENUE"
    refused = await market.told("settlement.trade.cancellation_rejected", _subject(final))
    assert content(refused)["code"] == "TRADE_IS_FINAL"
    assert (await market.outcome(final)).state == "SETTLED"


async def test_the_cancellation_of_a_trade_that_nobody_reported_is_refused(market: Market) -> None:
    trade = {"venue": "CBGEX", "trade_id": market.unique("NEVER")}

    await market.report(_cancellation(trade), "trade.cancelled")

    refused = await market.told("settlement.trade.cancellation_rejected", _subject(trade))
    assert content(refused)["code"] == "UNKNOWN"


async def test_a_closed_day_is_compared_with_what_settled(market: Market) -> None:
    """A venue of its own history: days long past, so that no other test trades on them."""
    seller = await market.owner_with_credits(100, venue="HZ-PILOT")
    buyer = await market.buyer_with_cash(venue="HZ-PILOT")
    for clock, quantity in (("00:30", 10), ("15:59", 20), ("16:00", 40)):
        executed_at = f"2020-05-04T{clock}:00Z"
        trade = market.trade(seller, buyer, quantity=quantity, price="2", executed_at=executed_at)
        assert (await market.settle(trade)).state == "SETTLED"
    rejected = {"quantity": -1, "executed_at": "2020-05-04T02:00:00Z"}
    await market.settle(market.trade(seller, buyer, **rejected))

    for day, trades, tonnes in (("2020-05-04", 2, 30), ("2020-05-05", 2, 41), ("2020-05-06", 0, 0)):
        closed = {"date": day, "trades": trades, "tonnes": tonnes, "turnover_fen": tonnes * 200}
        await market.report({"venue": "HZ-PILOT", **closed}, "venue.day_closed")

    told = [
        content(await market.told("settlement.day.reconciled", f"day/HZ-PILOT/2020-05-0{day}"))
        for day in (4, 5, 6)
    ]
    assert [day["is_matched"] for day in told] == [True, False, True]
    assert [day["settled_tonnes"] for day in told] == [30, 40, 0]


def _subject(trade: dict[str, Any]) -> str:
    return f"trade/{trade['venue']}/{trade['trade_id']}"


def _cancellation(trade: dict[str, Any]) -> dict[str, Any]:
    return {"venue": trade["venue"], "trade_id": trade["trade_id"], "reason": "typing error"}


def _body(trade: dict[str, Any]) -> bytes:
    return cloud_event(f"/venues/{trade['venue']}", "trade.executed", trade, "ce-by-hand")


async def _books(market: Market, pair: Pair) -> tuple[int, int, int, int]:
    seller, buyer = pair
    return (
        await market.tonnes(seller.account, "exchange"),
        await market.tonnes(buyer.account, "exchange"),
        await market.fen(seller.account),
        await market.fen(buyer.account),
    )


async def _outcomes(market: Market, trade: dict[str, Any]) -> list[str]:
    found = await market.database.fetch(
        "SELECT type FROM settlement.event WHERE aggregate = $1 ORDER BY sequence", _subject(trade)
    )
    return [row["type"] for row in found]
