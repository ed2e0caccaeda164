"""Freezes, enforcements and shortfalls at the front door: asked for, approved, and read by those whom they concern."""

from typing import Any

import pytest

from services.kernel.actors import Actor
from services.settlement.messages.freezes import Span
from tests.flows import freezing
from tests.flows.freezing import enforcement, freeze_of, making_good, release_of, revoke
from tests.flows.graph import Graph
from tests.market import APPROVER, REGISTRAR, Market, Party, Seller

LIFE = "id lifecycle { edges { node { type actor approvedBy } } }"
RANGES = "{ firstSerial lastSerial tonnes creditBatch { projectCode } }"
FREEZE = f"freezeId accountNumber scope state tonnes ranges {RANGES} held {RANGES} {LIFE}"
ENFORCEMENT = f"transferId fromAccount toAccount freezeId tonnes ranges {RANGES} {LIFE}"
SHORTFALL = (
    "shortfallId accountNumber programmeCode tonnes outstanding state reduction { revokedTonnes }"
    f" {LIFE}"
)
TYPES = {"freeze": FREEZE, "enforcement": ENFORCEMENT, "shortfall": SHORTFALL}


@pytest.fixture
async def owner(market: Market) -> Seller:
    return await market.owner_with_credits(100, at_venue=0)


async def listed(
    graph: Graph, noun: str, viewer: Actor | None, account: str
) -> list[dict[str, Any]]:
    """What the viewer finds of the account; each of it is found by its id too."""
    given = f'account: "{account}"'
    arguments = given if noun == "enforcement" else f"filter: {{{given}}}"
    text = f"{{ {noun}s({arguments}) {{ edges {{ node {{ {TYPES[noun]} }} }} }} }}"
    found = [one["node"] for one in (await graph.read(text, viewer))[f"{noun}s"]["edges"]]
    kind = noun.capitalize()
    for one in found:
        again = f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {TYPES[noun]} }} }} }}"
        assert (await graph.read(again, viewer, id=one["id"]))["node"] == one
    return found


def happened(one: dict[str, Any]) -> list[str]:
    return [edge["node"]["type"] for edge in one["lifecycle"]["edges"]]


async def approved(graph: Graph, asked: dict[str, Any], selecting: str) -> dict[str, Any]:
    """What the approval of a command shows of what it did."""
    assert asked["outcome"] == "PENDING", asked
    given = {"approvalId": asked["approvalId"]}
    done = await graph.tell("approve", APPROVER, given, selecting=selecting)
    assert done["outcome"] == "ACCEPTED", done
    return done


async def test_a_freeze_of_serials_is_ordered_read_enforced_and_released(
    graph: Graph, market: Market, owner: Seller
) -> None:
    heir: Party = await market.party()
    batch_id = await freezing.batch_of(market, owner)
    order = freeze_of(owner.account, Span(batch_id=batch_id, first_serial=11, last_serial=20))
    asked = await graph.say(order, REGISTRAR, selecting="freeze { state }")
    assert asked["freeze"] is None
    await approved(graph, asked, "")

    for viewer in (owner.party.actor, REGISTRAR):
        [one] = await listed(graph, "freeze", viewer, owner.account)
        assert (one["scope"], one["state"], one["tonnes"]) == ("CREDITS", "ACTIVE", 10)
        serials = {"firstSerial": 11, "lastSerial": 20, "tonnes": 10}
        assert (
            one["ranges"]
            == one["held"]
            == [serials | {"creditBatch": {"projectCode": owner.project}}]
        )
    for stranger in (heir.actor, None):
        assert await listed(graph, "freeze", stranger, owner.account) == []

    command = enforcement(owner.account, heir.account, freeze_id=order.freeze_id)
    await approved(graph, await graph.say(command, REGISTRAR), "")
    await approved(graph, await graph.say(release_of(order.freeze_id), REGISTRAR), "")

    [one] = await listed(graph, "freeze", owner.party.actor, owner.account)
    assert (one["state"], one["held"], len(one["ranges"])) == ("RELEASED", [], 1)
    assert happened(one) == ["settlement.credits.frozen", "settlement.freeze.released"]
    for viewer in (owner.party.actor, heir.actor):
        [one] = await listed(graph, "enforcement", viewer, heir.account)
        assert (one["tonnes"], one["freezeId"]) == (10, str(order.freeze_id))
        assert happened(one) == ["settlement.transfer.enforced"]
    assert await listed(graph, "enforcement", None, heir.account) == []


async def test_a_shortfall_is_read_by_its_owner_and_made_good(
    graph: Graph, market: Market, owner: Seller
) -> None:
    actor = owner.party.actor
    await market.approve(await market.retire(owner, 100))
    await revoke(market, await freezing.batch_of(market, owner), 10)
    await market.issue(owner.project, 10, month=2)
    [one] = await listed(graph, "shortfall", actor, owner.account)
    assert (one["tonnes"], one["outstanding"], one["state"]) == (10, 10, "OPEN")
    assert one["reduction"] == {"revokedTonnes": 10}
    owed = (await freezing.shortfall_of(market, owner.account))["shortfall_id"]

    asked = await graph.say(making_good(owner, owed, 10), actor, selecting="shortfall { state }")
    await approved(graph, asked, "")

    [one] = await listed(graph, "shortfall", actor, owner.account)
    assert (one["tonnes"], one["outstanding"], one["state"]) == (10, 0, "CLOSED")
    assert happened(one) == [f"settlement.shortfall.{step}" for step in ("opened", "reduced", "closed")]  # fmt: skip
    stranger = (await market.party()).actor
    assert await listed(graph, "shortfall", stranger, owner.account) == []
