"""Rejections of trades, of cancellations and of a venue's word by the rules of a market: GraphQL shows why."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.runtime.messages import Answer
from services.settlement.messages.approvals import ApproveCommand, RefuseCommand
from tests.flows import floor, refused_trades
from tests.flows.graph import Graph
from tests.flows.refused_trades import Strict
from tests.flows.stillness import snapshot, until_quiet
from tests.flows.trading import legs, subject
from tests.market import REGISTRAR, Market, Party, Seller, content

TRADE = """query ($venue: String!, $id: String!) { trade(venue: $venue, tradeId: $id) {
  state code message fields { name value } ranges { serials } } }"""
AT_ONCE = [code for code in refused_trades.CODES if code != "PROCEEDS_SPENT"]


@pytest.fixture(scope="module")
async def strict(market: Market) -> Strict:
    """Markets with rules, in one of which the seller has sold to the buyer today."""
    found = await refused_trades.built(market)
    sold = market.trade(found.banded, found.buyer, quantity=100, price="70.00")
    assert (await market.settle(sold)).state == "SETTLED"
    return found


def test_every_code_has_a_trade(market: Market, strict: Strict) -> None:
    assert sorted(refused_trades.trades(market, strict)) == AT_ONCE


@pytest.mark.parametrize("code", AT_ONCE)
async def test_the_trade_is_rejected_for_the_rule_and_nothing_has_moved(
    graph: Graph, market: Market, strict: Strict, code: str
) -> None:
    trade = refused_trades.trades(market, strict)[code]
    pairs = [(one, strict.buyer) for one in (strict.banded, strict.unpriced, strict.timed)]
    held = [await legs(market, pair) for pair in pairs]
    await market.settle(trade)
    seen = (await graph.read(TRADE, REGISTRAR, venue="CBGEX", id=trade["trade_id"]))["trade"]
    assert (seen["state"], seen["code"], seen["ranges"]) == ("REJECTED", code, [])
    assert seen["fields"]
    assert all(field["value"] for field in seen["fields"])
    assert [await legs(market, pair) for pair in pairs] == held


async def test_a_trade_whose_proceeds_are_spent_cannot_be_cancelled(
    graph: Graph, market: Market
) -> None:
    code = await floor.programme(market, cycle="DAY_END")
    first, other = [await floor.seller(market, code) for _ in range(2)]
    buyer = await market.buyer_with_cash(100_000)
    sale = market.trade(first, buyer, quantity=10, price="100.00")
    purchase = market.trade(other, first.party, quantity=10, price="100.00")
    for trade in (sale, purchase):
        await market.report(trade)
        await market.told("settlement.trade.captured", subject(trade))
    await _cancel(market, sale)
    refused = content(await market.told("settlement.trade.cancellation_rejected", subject(sale)))
    assert refused["code"] == "PROCEEDS_SPENT"
    assert await _state(graph, sale) == "CAPTURED"
    for trade in (purchase, sale):
        await _cancel(market, trade)
        assert (await market.outcome(trade)).code == "CANCELLED_BY_VENUE"
        assert await _state(graph, trade) == "REJECTED"
    assert await legs(market, (first, buyer)) == (1000, 0, 0, 100_000)


async def _cancel(market: Market, trade: dict[str, Any]) -> None:
    reason = market.unique("error")
    named = {"venue": trade["venue"], "trade_id": trade["trade_id"], "reason": reason}
    await market.report(named, "trade.cancelled")


async def _state(graph: Graph, trade: dict[str, Any]) -> str:
    data = await graph.read(TRADE, REGISTRAR, venue=trade["venue"], id=trade["trade_id"])
    return data["trade"]["state"]


APPROVAL = """query ($id: UUID!) { approval(id: $id) { approvalId }
  approvals(state: PENDING, first: 100) { nodes { approvalId } } }"""


async def _first_price_asked(graph: Graph, market: Market) -> str:
    """The id of an approval that the venue alone decides; nothing moves any more by itself."""
    seller: Seller = await floor.seller(market, await floor.programme(market))
    asked = await graph.say(floor.first_price(seller, "70.00"), seller.party.actor)
    assert asked["outcome"] == "PENDING", asked
    await until_quiet(market)
    return asked["approvalId"]


async def test_another_venue_does_not_see_a_first_price_that_waits(
    graph: Graph, market: Market
) -> None:
    approval_id = await _first_price_asked(graph, market)
    before = await snapshot(market)
    shown = {"approvalId": approval_id}
    for venue, is_shown in ((floor.EXCHANGE, True), (floor.OTHER_EXCHANGE, False)):
        seen = await graph.read(APPROVAL, venue, id=approval_id)
        assert seen["approval"] == (shown if is_shown else None)
        assert (shown in seen["approvals"]["nodes"]) is is_shown
    for verdict, said in (("approve", shown), ("refuse", shown | {"reason": "mine"})):
        done = await graph.tell(verdict, floor.OTHER_EXCHANGE, said)
        assert done["outcome"] == "REFUSED"
        assert [(one["code"], one["category"]) for one in done["errors"]] == [
            ("APPROVAL_UNKNOWN", "NOT_FOUND")
        ]
    assert await snapshot(market) == before


async def test_another_venue_neither_confirms_nor_refuses_a_first_price(
    graph: Graph, market: Market
) -> None:
    """Told of the approval's id by no gateway, it asks the service itself."""
    approval_id = UUID(await _first_price_asked(graph, market))
    before = await snapshot(market)
    for decision in (
        ApproveCommand(approval_id=approval_id),
        RefuseCommand(approval_id=approval_id, reason="mine"),
    ):
        answer = await market.send(decision, floor.OTHER_EXCHANGE)
        assert (answer.outcome, answer.approval_id) == (Answer.REFUSED, None)
        assert answer.refusal
        assert (answer.refusal.code, answer.refusal.category) == (
            "APPROVER_IS_ANOTHER",
            "FORBIDDEN",
        )
    assert await snapshot(market) == before


async def test_a_statement_of_a_day_to_come_is_kept_with_the_reason(market: Market) -> None:
    tomorrow = (floor.today() + timedelta(days=1)).isoformat()
    body = await floor.report_statement(market, "HZ-PILOT", date=tomorrow)
    reason = (await market.buried(body))["tonne-reason"]
    assert str(reason).startswith("STATEMENT_TOO_EARLY: ")


async def test_a_buyer_who_may_not_see_it_learns_nothing_of_a_rejection(
    graph: Graph, market: Market, strict: Strict
) -> None:
    trade = refused_trades.trades(market, strict)["PRICE_OUTSIDE_BAND"]
    await market.settle(trade)
    stranger: Party = await market.party("TRADER")
    seen = await graph.read(TRADE, stranger.actor, venue="CBGEX", id=trade["trade_id"])
    assert seen["trade"] is None
