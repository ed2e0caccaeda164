"""Histories and ids of settlement's objects: who may see them sees all, others see what is public and no names."""

from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import Actor
from tests.flows.graph import Graph
from tests.market import Market, Party, Seller
from tests.wire import REGISTRAR

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
LIFE = "id lifecycle { nodes { sequence type actor approvedBy } }"


def happened(lifecycle: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """What, by whom, and approved by whom."""
    return [(one["type"], one["actor"], one["approvedBy"]) for one in lifecycle["nodes"]]


async def test_a_trades_history_is_its_parties_own(
    graph: Graph, market: Market, pair: tuple[Seller, Party]
) -> None:
    trade = market.trade(*pair, quantity=1)
    await market.settle(trade)
    text = f'query ($id: String!) {{ trade(venue: "CBGEX", tradeId: $id) {{ {LIFE} }} }}'
    node = f"query ($id: ID!) {{ node(id: $id) {{ ... on Trade {{ {LIFE} tradeId }} }} }}"
    for actor in (pair[0].party.actor, pair[1].actor, REGISTRAR):
        seen = (await graph.read(text, actor, id=trade["trade_id"]))["trade"]
        [(kind, _, _)] = happened(seen["lifecycle"])
        assert kind == "settlement.trade.settled"
        again = (await graph.read(node, actor, id=seen["id"]))["node"]
        assert again == seen | {"tradeId": trade["trade_id"]}
        for other in (STRANGER, None):
            assert (await graph.read(node, other, id=seen["id"]))["node"] is None


@pytest.mark.parametrize("is_public", [True, False])
async def test_a_public_retirement_shows_what_happened_but_not_who_did_it(
    graph: Graph, market: Market, is_public: bool
) -> None:
    seller = await market.owner_with_credits(10, at_venue=0)
    owner = seller.party.actor
    done = await market.approve(await market.retire(seller, 5, is_public=is_public))
    retirement_id = (done.subject or "").partition("/")[2]
    text = f"query ($id: UUID!) {{ retirement(id: $id) {{ {LIFE} }} }}"
    full = (await graph.read(text, owner, id=retirement_id))["retirement"]
    kind = "settlement.credits.retired"
    [(told, actor, approver)] = happened(full["lifecycle"])
    assert (told, actor) == (kind, owner.subject)
    assert approver not in (None, owner.subject)
    for other in (STRANGER, None):
        seen = (await graph.read(text, other, id=retirement_id))["retirement"]
        if is_public:
            assert happened(seen["lifecycle"]) == [(kind, None, None)]
        else:
            assert seen is None


async def test_a_venue_and_a_batch_have_public_histories_and_ids(
    graph: Graph, pair: tuple[Seller, Party]
) -> None:
    text = f"""query ($p: String) {{ venues {{ nodes {{ code {LIFE} }} }}
      creditBatches(filter: {{project: $p}}) {{ nodes {{ batchId {LIFE} }} }} }}"""
    data = await graph.read(text, p=pair[0].project)
    [batch], venues = data["creditBatches"]["nodes"], data["venues"]["nodes"]
    assert [one[0] for one in happened(batch["lifecycle"])] == ["issuance.credits.issued"]
    assert {happened(one["lifecycle"])[0][0] for one in venues} == {"settlement.venue.opened"}
    node = """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename
      ... on CreditBatch { batchId } ... on Venue { code } } }"""
    found = await graph.read(node, ids=[batch["id"], venues[0]["id"]])
    assert found["nodes"] == [
        {"__typename": "CreditBatch", "batchId": batch["batchId"]},
        {"__typename": "Venue", "code": venues[0]["code"]},
    ]


async def test_a_history_has_pages(graph: Graph, market: Market) -> None:
    code = await market.project(await market.party())
    text = """query ($c: String!, $after: String) { project(code: $c) {
      lifecycle(first: 2, after: $after) { nodes { sequence } pageInfo { hasNextPage endCursor } } } }"""
    seen: list[int] = []
    after, has_more = None, True
    while has_more:
        page = (await graph.read(text, c=code, after=after))["project"]["lifecycle"]
        seen += [one["sequence"] for one in page["nodes"]]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 4
