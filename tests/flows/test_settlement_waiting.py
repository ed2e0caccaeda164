"""Trades on names that are not known yet, cancellations, and the close of a venue's day."""

from datetime import timedelta
from typing import Any

from tests.flows import past
from tests.flows.trading import Pair, legs, outcomes, subject
from tests.market import VINTAGE, Market, Seller, content


async def test_a_trade_before_its_credits_are_known_waits_and_then_settles(
    market: Market, pair: Pair
) -> None:
    owner = await market.party()
    seller = Seller(owner, await market.project(owner), VINTAGE, "CBGEX")
    trade = market.trade(seller, pair[1])
    await market.report(trade)
    await market.until_waiting(trade)
    await market.report({**trade, "quantity": 11})
    conflicted = content(await market.told("settlement.trade.conflicted", subject(trade)))

    async with market.nothing_settling():
        await market.issue(seller.project, 100)
        await market.move_to_venue(seller, 100)

    assert (await market.outcome(trade)).state == "SETTLED"
    assert conflicted["outcome"] == "WAITING"
    assert await outcomes(market, trade) == [
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
    before = await legs(market, pair)

    for trade in trades:
        await market.report(trade)
        await market.report(trade)
        await market.until_waiting(trade)

    outcomes = [await market.outcome(trade) for trade in trades]
    assert [outcome.code for outcome in outcomes] == ["UNKNOWN"] * 3
    assert [outcome.fields["noun"] for outcome in outcomes] == ["account", "account", "instrument"]
    assert outcomes[0].fields["given"] == "ACC-99999999"
    assert await legs(market, pair) == before


async def test_a_waiting_trade_can_be_cancelled_and_a_final_one_cannot(
    market: Market, pair: Pair
) -> None:
    waiting = market.trade(*pair, buyer_account="ACC-99999997")
    final = market.trade(*pair)
    await market.report(waiting)
    await market.until_waiting(waiting)
    await market.settle(final)

    for trade in (waiting, final):
        await market.report(cancellation(trade), "trade.cancelled")

    assert (await market.outcome(waiting)).code == "CANCELLED_BY_VENUE"
    refused = await market.told("settlement.trade.cancellation_rejected", subject(final))
    assert content(refused)["code"] == "TRADE_IS_FINAL"
    assert (await market.outcome(final)).state == "SETTLED"


async def test_the_cancellation_of_a_trade_that_nobody_reported_is_refused(market: Market) -> None:
    trade = {"venue": "CBGEX", "trade_id": market.unique("NEVER")}

    await market.report(cancellation(trade), "trade.cancelled")

    refused = await market.told("settlement.trade.cancellation_rejected", subject(trade))
    assert content(refused)["code"] == "UNKNOWN"


async def test_a_closed_day_is_compared_with_what_was_captured(market: Market) -> None:
    """A venue of its own history: days long past, so that no other test trades on them."""
    seller = await market.owner_with_credits(100, venue="HZ-PILOT", at_venue=0)
    await past.moved(market, seller, 100)
    buyer = await market.buyer_with_cash(venue="HZ-PILOT")
    first = await past.unused_day(market, "HZ-PILOT")
    days = [first + timedelta(days=shift) for shift in range(3)]
    for day, clock, quantity in ((0, "08:30", 10), (0, "23:59:59", 20), (1, "00:00", 40)):
        executed_at = past.at(days[day], clock)
        trade = market.trade(seller, buyer, quantity=quantity, price="2", executed_at=executed_at)
        assert (await market.settle(trade)).state == "SETTLED"
    rejected = {"quantity": -1, "executed_at": past.at(first)}
    await market.settle(market.trade(seller, buyer, **rejected))

    for day, (trades, tonnes) in zip(days, ((2, 30), (2, 41), (0, 0)), strict=True):
        closed = {
            "date": str(day),
            "trades": trades,
            "tonnes": tonnes,
            "turnover_fen": tonnes * 200,
        }
        await market.report({"venue": "HZ-PILOT", **closed}, "venue.day_closed")

    told = [
        content(await market.told("settlement.day.reconciled", f"day/HZ-PILOT/{day}"))
        for day in days
    ]
    assert [day["is_matched"] for day in told] == [True, False, True]
    assert [day["captured_tonnes"] for day in told] == [30, 40, 0]
    await market.told("settlement.venue.halted", "venue/HZ-PILOT")
    halts = [content(one) for one in market.heard("settlement.venue.halted", "venue/HZ-PILOT")]
    assert (str(days[1]), "TRADES") in [(halt["date"], halt["kind"]) for halt in halts]
    await past.clear(market, "HZ-PILOT", days[1])


def cancellation(trade: dict[str, Any]) -> dict[str, Any]:
    return {"venue": trade["venue"], "trade_id": trade["trade_id"], "reason": "typing error"}
