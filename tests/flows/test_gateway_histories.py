"""Histories and ids of settlement's objects and of approvals: who may not see all sees what is public, and no names."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.gateway.objects import global_id
from services.issuance.messages.batches import IssueCredits
from services.issuance.messages.reductions import RecordReduction
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import CloseAccount
from services.runtime.messages import Answer
from tests.flows.graph import Graph
from tests.market import Market, Party, Seller
from tests.register import HISTORIAN
from tests.wire import APPROVER, REGISTRAR

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
async def test_a_retirement_shows_everybody_what_happened_but_not_who_did_it(
    graph: Graph, market: Market, is_public: bool
) -> None:
    seller = await market.owner_with_credits(10, at_venue=0)
    owner = seller.party.actor
    person: dict[str, Any] = {"beneficiary_kind": "NATURAL_PERSON", "is_public": is_public}
    done = await market.approve(await market.retire(seller, 5, **person))
    retirement_id = (done.subject or "").partition("/")[2]
    text = f"query ($id: UUID!) {{ retirement(id: $id) {{ beneficiaryName {LIFE} }} }}"
    full = (await graph.read(text, owner, id=retirement_id))["retirement"]
    kind = "settlement.credits.retired"
    [(told, actor, approver)] = happened(full["lifecycle"])
    assert (told, actor) == (kind, owner.subject)
    assert approver not in (None, owner.subject)
    for other in (STRANGER, None):
        seen = (await graph.read(text, other, id=retirement_id))["retirement"]
        assert happened(seen["lifecycle"]) == [(kind, None, None)]
        assert seen["beneficiaryName"] == (full["beneficiaryName"] if is_public else None)


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


async def _closing(market: Market) -> tuple[Actor, Answer]:
    party = await market.party("TRADER")
    closing = CloseAccount(account=party.account, ground="MERGER", reason="merged")
    return REGISTRAR, await market.send(closing, REGISTRAR)


async def _issuing(market: Market) -> tuple[Actor, Answer]:
    recorded = RecordReduction(
        reduction_id=new_id(),
        project=await market.project(await market.party()),
        period_number=1,
        period_start=date(2024, 1, 1),
        period_end=date(2024, 1, 31),
        vintage=2024,
        tonnes=1,
        verification_body="VVB-2",
        evidence="sha256:0",
    )
    await market.accepted(recorded, HISTORIAN)
    issuing = IssueCredits(batch_id=new_id(), reduction_id=recorded.reduction_id)
    return REGISTRAR, await market.send(issuing, REGISTRAR)


async def _retiring(market: Market) -> tuple[Actor, Answer]:
    seller = await market.owner_with_credits(1, at_venue=0)
    return seller.party.actor, await market.retire(seller, 1)


ASKING: Mapping[str, Callable[[Market], Awaitable[tuple[Actor, Answer]]]] = {
    "registry": _closing,
    "issuance": _issuing,
    "settlement": _retiring,
}
"""Who asks each service for something that needs a second person, and what the service says."""
APPROVAL = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Approval {{
  service approvalId state {LIFE} }} }} }}"""


@pytest.mark.parametrize("service", ASKING)
async def test_an_approvals_history_is_for_those_who_see_the_approval(
    graph: Graph, market: Market, service: str
) -> None:
    maker, answer = await ASKING[service](market)
    approval_id = str(answer.approval_id)
    await graph.tell("refuse", APPROVER, {"approvalId": approval_id, "reason": "not today"})
    text = f"query ($id: UUID!) {{ approval(id: $id) {{ service approvalId state {LIFE} }} }}"
    seen = (await graph.read(text, maker, id=approval_id))["approval"]
    assert (seen["service"], seen["approvalId"]) == (service, approval_id)
    assert happened(seen["lifecycle"]) == [
        (f"{service}.approval.requested", maker.subject, None),
        (f"{service}.approval.decided", APPROVER.subject, None),
    ]
    colleague = Actor("a.colleague", maker.organisation, frozenset({"registrar"}))
    companys_own = replace(APPROVER, organisation=STRANGER.organisation)
    for viewer, is_seen in (
        (maker, True),
        (colleague, True),
        (APPROVER, True),
        (replace(STRANGER, roles=frozenset({"auditor"})), True),
        (STRANGER, False),
        (companys_own, False),
        (None, False),
    ):
        found = (await graph.read(APPROVAL, viewer, id=seen["id"]))["node"]
        assert found == (seen if is_seen else None), viewer
        told = await _told(market, service, viewer or Actor(""), f"approval/{approval_id}")
        assert told == (2 if is_seen else 0), viewer


async def _told(market: Market, service: str, viewer: Actor, subject: str) -> int:
    """How many events the service's own function shows, whatever the gateway would ask."""
    sql = f"SELECT count(*) FROM {service}_read.history($1, $2, $3, $4, NULL, 10)"
    values = (viewer.subject, viewer.organisation, sorted(viewer.roles), subject)
    return await market.database.fetchval(sql, *values)


async def test_an_approvals_id_says_which_service_keeps_it(graph: Graph, market: Market) -> None:
    maker, answer = await _closing(market)
    elsewhere = global_id("Approval", f"issuance/{answer.approval_id}")
    assert (await graph.read(APPROVAL, maker, id=elsewhere))["node"] is None
    for key in (f"gateway/{answer.approval_id}", str(answer.approval_id), "registry/1"):
        wrong = await graph.ask(APPROVAL, maker, id=global_id("Approval", key))
        assert wrong["errors"][0]["extensions"] == {"code": "BAD_INPUT"}
    await graph.tell("refuse", APPROVER, {"approvalId": str(answer.approval_id), "reason": "no"})
