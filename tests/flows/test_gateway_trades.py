"""Trades on their way through GraphQL: captured with fees and holds, disputed, cancelled; for their parties alone."""

from typing import Any

import pytest

from services.kernel.ids import new_id
from services.settlement.messages.market import CloseDispute, ObjectToTrade
from tests.flows import floor
from tests.flows.graph import Graph, until_told
from tests.flows.trading import subject
from tests.market import REGISTRAR, Market, Party, Seller

TRADE = """query ($id: String!) { trade(venue: "CBGEX", tradeId: $id) {
  state amountFen sellerFeeFen buyerFeeFen ranges { tonnes } instrument { projectCode }
  disputes { id state accountNumber explanation trade { tradeId } }
  lifecycle { nodes { type } } } }"""
CASH = """query ($n: String!) { account(number: $n) { cash {
  balanceFen heldFen pendingFen spendableFen withdrawableFen } holdings { nodes { bucket tonnes } } } }"""
UPDATES = (
    "subscription ($v: String) { tradeUpdated(venue: $v) { tradeId state disputes { state } } }"
)


@pytest.fixture(scope="module")
async def day_end(market: Market) -> Seller:
    """Who sells under terms that settle at the end of the day, with commissions."""
    receiver = await market.party("TRADER")
    fees: dict[str, Any] = {"seller_fee_ppm": 1000, "buyer_fee_ppm": 2000}
    code = await floor.programme(market, cycle="DAY_END", fee_account=receiver.account, **fees)
    return await floor.seller(market, code)


async def test_a_captured_trade_shows_its_fees_and_what_it_holds(
    graph: Graph, market: Market, day_end: Seller
) -> None:
    buyer = await market.buyer_with_cash(100_000)
    trade = market.trade(day_end, buyer, quantity=10, price="50.00")
    stranger = await market.party("TRADER")
    async with (
        graph.listening(UPDATES, buyer.actor, v="CBGEX") as socket,
        graph.listening(UPDATES, stranger.actor) as nobody,
    ):
        await market.report(trade)
        await until_told(
            socket, {"tradeId": trade["trade_id"], "state": "CAPTURED", "disputes": []}
        )
        seen = (await graph.read(TRADE, buyer.actor, id=trade["trade_id"]))["trade"]
        assert (seen["state"], seen["ranges"]) == ("CAPTURED", [])
        fees = (seen["amountFen"], seen["sellerFeeFen"], seen["buyerFeeFen"])
        assert fees == (50_000, 50, 100)
        assert seen["instrument"] == {"projectCode": day_end.project}
        assert (await _cash(graph, market, buyer.account)) == (100_000, 50_100, 0, 49_900, 49_900)
        sold = await _cash(graph, market, day_end.account)
        assert sold == (0, 0, 49_950, 49_950, 0)
        await _disputed(graph, market, trade, buyer)
        with pytest.raises(TimeoutError):
            await nobody.receive(timeout=0.5)
        cancelling = {"venue": "CBGEX", "trade_id": trade["trade_id"], "reason": "error"}
        await market.report(cancelling, "trade.cancelled")
        assert (await market.outcome(trade)).code == "CANCELLED_BY_VENUE"


async def _cash(graph: Graph, market: Market, account: str) -> tuple[int, ...]:
    seen = (await graph.read(CASH, REGISTRAR, n=account))["account"]
    [cash] = seen["cash"]
    return tuple(cash.values())


async def _disputed(graph: Graph, market: Market, trade: dict[str, Any], buyer: Party) -> None:
    """The buyer objects, and the registrar dismisses it; the trade stays what it is."""
    objection = ObjectToTrade(
        dispute_id=new_id(),
        venue="CBGEX",
        trade_id=trade["trade_id"],
        account=buyer.account,
        reason="not ours",
    )
    made = await graph.accepted(
        objection, buyer.actor, selecting="trade { state disputes { id state reason } }"
    )
    [dispute] = made["trade"]["disputes"]
    assert (made["subject"], dispute["state"]) == (subject(trade), "OPEN")
    closing = CloseDispute(
        dispute_id=objection.dispute_id, outcome="DISMISSED", explanation="it was theirs"
    )
    await graph.accepted(closing)
    seen = (await graph.read(TRADE, buyer.actor, id=trade["trade_id"]))["trade"]
    assert seen["state"] == "CAPTURED"
    assert [one["explanation"] for one in seen["disputes"]] == ["it was theirs"]
    assert [one["trade"] for one in seen["disputes"]] == [{"tradeId": trade["trade_id"]}]
    assert [one["type"].rpartition(".")[2] for one in seen["lifecycle"]["nodes"]] == [
        "captured",
        "disputed",
        "dispute_closed",
    ]
    text = """query ($f: DisputeFilter!, $id: ID!) {
      disputes(filter: $f) { nodes { id state } } node(id: $id) { ... on Dispute { state } } }"""
    wanted = {"venue": "CBGEX", "tradeId": trade["trade_id"], "state": "DISMISSED"}
    data = await graph.read(text, buyer.actor, f=wanted, id=dispute["id"])
    assert data["disputes"]["nodes"] == [{"id": dispute["id"], "state": "DISMISSED"}]
    assert data["node"] == {"state": "DISMISSED"}
    stranger = await market.party("TRADER")
    hidden = await graph.read(text, stranger.actor, f=wanted, id=dispute["id"])
    assert hidden == {"disputes": {"nodes": []}, "node": None}


AVAILABLE = """query ($n: String!, $v: String!, $i: InstrumentInput!) {
  available(account: $n, venue: $v, instrument: $i) { tonnes cashFen currency } }"""


async def test_a_venue_asks_what_an_account_could_deliver_and_pay_there_and_nowhere_else(
    graph: Graph, day_end: Seller
) -> None:
    of: dict[str, Any] = {
        "n": day_end.account,
        "i": {"project": day_end.project, "vintage": day_end.vintage},
    }
    seen = (await graph.read(AVAILABLE, floor.EXCHANGE, **of, v="CBGEX"))["available"]
    assert seen == {"tonnes": 1000, "cashFen": 0, "currency": "CNY"}
    for viewer, venue in ((floor.EXCHANGE, "HZ-PILOT"), (floor.OTHER_EXCHANGE, "CBGEX")):
        hidden = await graph.read(AVAILABLE, viewer, **of, v=venue)
        assert hidden == {"available": None}
