"""The ledger through GraphQL: transfers, corrections, statements, balances as of, and every entry of an account."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kernel.ids import new_id
from services.settlement.messages.holdings import (
    AcceptTransfer,
    CorrectPosting,
    RefuseTransfer,
    WithdrawTransfer,
)
from services.settlement.messages.market import OpenDay
from tests.flows import floor
from tests.flows.acts import offered
from tests.flows.graph import Graph
from tests.flows.test_gateway_market import approve
from tests.market import REGISTRAR, Market, Party, Seller

TRANSFER = """id transferId state fromAccount toAccount tonnes ground expiresOn decidedBy decisionReason
  ranges { tonnes } project { code } lifecycle { nodes { type } }"""


@pytest.fixture(scope="module")
async def holders(market: Market) -> tuple[Seller, Party]:
    """Who gives, and who receives."""
    return await market.owner_with_credits(100, at_venue=0), await market.party("TRADER")


@pytest.mark.parametrize("state", ["ACCEPTED", "REFUSED", "WITHDRAWN"])
async def test_a_transfer_is_seen_by_both_sides_and_nobody_else(
    graph: Graph, market: Market, holders: tuple[Seller, Party], state: str
) -> None:
    giver, receiver = holders
    offer = offered(giver, receiver, floor.today(), tonnes=2)
    own = giver.party.actor
    made = await graph.accepted(offer, own, selecting=f"transfer {{ {TRANSFER} }}")
    assert (made["transfer"]["state"], made["transfer"]["ranges"]) == ("PROPOSED", [])
    held = await _held(graph, giver)
    assert held["reserved"] == 2
    named: dict[str, Any] = {"transfer_id": offer.transfer_id}
    command, actor = {
        "ACCEPTED": (AcceptTransfer(**named), receiver.actor),
        "REFUSED": (RefuseTransfer(**named, reason="no"), receiver.actor),
        "WITHDRAWN": (WithdrawTransfer(**named, reason="no"), own),
    }[state]
    done = await graph.accepted(command, actor, selecting=f"transfer {{ {TRANSFER} }}")
    transfer = done["transfer"]
    assert (transfer["state"], transfer["decidedBy"]) == (state, actor.subject)
    assert transfer["decisionReason"] == (None if state == "ACCEPTED" else "no")
    assert [one["tonnes"] for one in transfer["ranges"]] == ([2] if state == "ACCEPTED" else [])
    last = "accepted" if state == "ACCEPTED" else "ended"
    assert [one["type"] for one in transfer["lifecycle"]["nodes"]] == [
        "settlement.transfer.proposed",
        f"settlement.transfer.{last}",
    ]
    assert "reserved" not in await _held(graph, giver)
    await _is_private(graph, market, holders, transfer)


async def _is_private(
    graph: Graph, market: Market, holders: tuple[Seller, Party], transfer: dict[str, Any]
) -> None:
    text = f"""query ($f: TransferFilter!, $id: UUID!, $node: ID!) {{
      transfers(filter: $f) {{ nodes {{ id }} }} transfer(id: $id) {{ {TRANSFER} }}
      node(id: $node) {{ id }} }}"""
    wanted = {"account": transfer["toAccount"], "state": transfer["state"]}
    values = {"f": wanted, "id": transfer["transferId"], "node": transfer["id"]}
    for actor in (holders[0].party.actor, holders[1].actor, REGISTRAR):
        data = await graph.read(text, actor, **values)
        assert data["transfer"] == transfer
        assert data["node"] == {"id": transfer["id"]}
        assert data["transfers"]["nodes"] == [{"id": transfer["id"]}]
    stranger = await market.party("TRADER")
    for other in (stranger.actor, None):
        data = await graph.read(text, other, **values)
        assert data == {"transfer": None, "node": None, "transfers": {"nodes": []}}


async def _held(graph: Graph, giver: Seller) -> dict[str, int]:
    text = "query ($n: String!) { account(number: $n) { holdings { nodes { bucket tonnes } } } }"
    data = await graph.read(text, giver.party.actor, n=giver.account)
    return {one["bucket"]: one["tonnes"] for one in data["account"]["holdings"]["nodes"]}


async def test_a_correction_shows_what_went_back_and_the_trade_shows_it(
    graph: Graph, market: Market
) -> None:
    seller, buyer = await market.owner_with_credits(10), await market.buyer_with_cash()
    trade = market.trade(seller, buyer, quantity=10, price="1.00")
    assert (await market.settle(trade)).state == "SETTLED"
    posting = f"trade/CBGEX/{trade['trade_id']}"
    correcting = CorrectPosting(correction_id=new_id(), posting=posting, reason="wrong buyer")
    asked = await graph.say(correcting, REGISTRAR, selecting="correction { id }")
    assert asked["correction"] is None
    shape = """id posting tonnes amountFen reason requestedBy approvedBy accountNumbers
      ranges { tonnes } lifecycle { nodes { type } }"""
    done = await approve(graph, asked, "changed { id }")
    assert done["changed"] is None, "who approves sees no books by that"
    text = f"query ($p: String!) {{ corrections(posting: $p) {{ nodes {{ {shape} }} }} }}"
    [correction] = (await graph.read(text, REGISTRAR, p=posting))["corrections"]["nodes"]
    assert done["subject"].startswith("correction/")
    assert (correction["posting"], correction["tonnes"], correction["amountFen"]) == (
        posting,
        10,
        1000,
    )
    assert set(correction["accountNumbers"]) == {seller.account, buyer.account}
    text = f"""query ($id: String!, $n: String!, $node: ID!) {{
      trade(venue: "CBGEX", tradeId: $id) {{ state correction {{ {shape} }} }}
      corrections(account: $n) {{ nodes {{ {shape} }} }} node(id: $node) {{ id }} }}"""
    values = {"id": trade["trade_id"], "n": buyer.account, "node": correction["id"]}
    for actor in (seller.party.actor, buyer.actor, REGISTRAR):
        data = await graph.read(text, actor, **values)
        assert data["trade"] == {"state": "SETTLED", "correction": correction}
        assert data["corrections"]["nodes"] == [correction]
    hidden = await graph.read(text, (await market.party("TRADER")).actor, **values)
    assert hidden == {"trade": None, "corrections": {"nodes": []}, "node": None}


STATEMENT = """query ($n: String!, $since: DateTime!, $until: DateTime!, $before: DateTime!) {
  account(number: $n) {
    statement(since: $since, until: $until) {
      credits { nodes { projectCode bucket venueCode opening incoming outgoing closing } }
      cash { venueCode openingFen incomingFen outgoingFen closingFen } }
    now: balances { credits { nodes { bucket tonnes } } cash { balanceFen } }
    then: balances(effectiveAt: $before) { credits { nodes { bucket tonnes } } cash { balanceFen } }
    known: balances(recordedAt: $before) { credits { nodes { bucket tonnes } } cash { balanceFen } }
    creditEntries { nodes { posting tonnes serials fromBucket toBucket toAccount creditBatch { tonnes } } }
    cashEntries { nodes { posting amountFen fromAccount toAccount } } } }"""


async def test_a_statement_opens_moves_and_closes_and_balances_are_those_of_any_instant(
    graph: Graph, market: Market
) -> None:
    seller = await market.owner_with_credits(100, at_venue=40)
    buyer = await market.buyer_with_cash(5_000)
    before = datetime.now(UTC)
    trade = market.trade(seller, buyer, quantity=30, price="1.00")
    assert (await market.settle(trade)).state == "SETTLED"
    instants = {
        "since": before.isoformat(),
        "before": before.isoformat(),
        "until": (before + timedelta(hours=1)).isoformat(),
    }
    seen = (await graph.read(STATEMENT, seller.party.actor, n=seller.account, **instants))[
        "account"
    ]
    at = {"projectCode": seller.project}
    assert seen["statement"]["credits"]["nodes"] == [
        at | _line("exchange", "CBGEX", 40, 0, 30, 10),
        at | _line("registry", None, 60, 0, 0, 60),
    ]
    assert seen["statement"]["cash"] == [
        {
            "venueCode": "CBGEX",
            "openingFen": 0,
            "incomingFen": 3000,
            "outgoingFen": 0,
            "closingFen": 3000,
        }
    ]
    assert _tonnes(seen["now"]) == {"exchange": 10, "registry": 60}
    assert _tonnes(seen["then"]) == _tonnes(seen["known"]) == {"exchange": 40, "registry": 60}
    assert (seen["now"]["cash"], seen["then"]["cash"]) == ([{"balanceFen": 3000}], [])
    sold, moved, issued = seen["creditEntries"]["nodes"]
    assert (sold["posting"], sold["tonnes"], sold["toAccount"]) == (
        f"trade/CBGEX/{trade['trade_id']}",
        30,
        buyer.account,
    )
    assert (moved["fromBucket"], moved["toBucket"], issued["fromBucket"]) == (
        "registry",
        "exchange",
        None,
    )
    assert issued["creditBatch"] == {"tonnes": 100}
    [paid] = seen["cashEntries"]["nodes"]
    assert (paid["amountFen"], paid["fromAccount"]) == (3000, buyer.account)
    for other in (buyer.actor, None):
        assert (await graph.read(STATEMENT, other, n=seller.account, **instants))["account"] is None


def _line(bucket: str, venue: str | None, *tonnes: int) -> dict[str, Any]:
    names = ("opening", "incoming", "outgoing", "closing")
    return {"bucket": bucket, "venueCode": venue, **dict(zip(names, tonnes, strict=True))}


def _tonnes(balances: dict[str, Any]) -> dict[str, int]:
    return {one["bucket"]: one["tonnes"] for one in balances["credits"]["nodes"]}


async def test_entries_and_balances_have_pages(graph: Graph, market: Market) -> None:
    seller = await market.owner_with_credits(10, at_venue=0)
    for _ in range(4):
        await market.move_to_venue(seller, 1)
    for field, size, inner in (
        ("creditEntries", 5, "posting"),
        ("balances { credits", 2, "bucket"),
    ):
        name, closing = field.partition(" ")[0], " }" if "{" in field else ""
        text = f"""query ($n: String!, $after: String) {{ account(number: $n) {{
          {field}(first: 1, after: $after) {{ nodes {{ {inner} }}
            pageInfo {{ hasNextPage endCursor }} }}{closing} }} }}"""
        seen: list[str] = []
        after, has_more = None, True
        while has_more:
            page = await graph.read(text, seller.party.actor, n=seller.account, after=after)
            found = page["account"][name]
            found = found["credits"] if closing else found
            seen += [one[inner] for one in found["nodes"]]
            after, has_more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
        assert len(seen) == size


async def test_a_registrar_opens_the_day_at_settlement(graph: Graph) -> None:
    done = await graph.accepted(OpenDay(date=floor.today()))
    assert done["subject"] == f"day/{floor.today()}"
