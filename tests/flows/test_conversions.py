"""Conversions over all servers: credits of one programme die, and only then those of another live in their stead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.carry_overs import CarryOverAllowances
from services.issuance.messages.conversions import RequestConversion
from services.kernel.ids import new_id
from services.runtime.messages import CloudEvent, encode
from services.settlement.messages.holdings import MoveToVenue
from services.tools import auditor
from services.tools.stack import Stack
from tests.flows import floor
from tests.flows.graph import Graph
from tests.flows.stillness import until_quiet
from tests.market import PILOT, REGISTRAR, Market, Seller, content

SOURCE = 1_000
CONVERSION = """query ($id: UUID!) { conversion(id: $id) {
  state accountNumber requestedBy targetTonnes factor certificateNumber code fields { name value }
  sourceRanges { tonnes } creditBatch { tonnes programmeCode conversion { conversionId } }
  lifecycle { nodes { type actor approvedBy content } } } }"""
RECORD = """query ($number: String!) { publicRetirement(certificateNumber: $number) {
  purpose bucket tonnes reason conversion { conversionId creditBatch { batchId } } } }"""


@dataclass(frozen=True, slots=True)
class Pair:
    """An owner of credits of the pilot, and a project in whose stead they may live."""

    seller: Seller
    target: str

    def asking(self, tonnes: int = 100, **changes: Any) -> RequestConversion:
        """A conversion that is in order but for the changes."""
        command = RequestConversion(
            conversion_id=new_id(),
            batch_id=new_id(),
            account=self.seller.account,
            source_project=self.seller.project,
            source_vintage=self.seller.vintage,
            source_tonnes=tonnes,
            target_project=self.target,
            target_vintage=self.seller.vintage,
        )
        return msgspec.structs.replace(command, **changes)


@pytest.fixture(scope="module")
async def programme(market: Market) -> str:
    """A programme into which the pilot's credits are converted, three for two."""
    code = await floor.programme(market)
    await floor.convertible(market, floor.conversion_terms(PILOT, code, "0.666666666667"))
    return code


@pytest.fixture
async def pair(market: Market, programme: str) -> Pair:
    seller = await market.owner_with_credits(SOURCE, "HZ-PILOT", at_venue=0)
    target = await floor.project(market, programme, seller.party)
    await market.until("SELECT EXISTS (SELECT FROM issuance.project WHERE code = $1)", target)
    return Pair(seller, target)


async def approved(market: Market, pair: Pair, command: RequestConversion) -> None:
    """The owner asks, and a registrar agrees."""
    asked = await market.accepted(command, pair.seller.party.actor)
    assert (asked.outcome, asked.approval_id is not None) == ("PENDING", True)
    decision = ApproveCommand(approval_id=asked.approval_id or UUID(int=0))
    await market.accepted(decision, REGISTRAR)


async def decided(market: Market, command: RequestConversion | CarryOverAllowances) -> str:
    """What has become of it, once settlement has heard of all that follows."""
    state = await market.until(
        "SELECT state FROM issuance.conversion WHERE conversion_id = $1 AND state <> 'PENDING'",
        command.conversion_id,
    )
    if state == "ISSUED":
        known = "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)"
        await market.until(known, command.batch_id)
    return state


async def tonnes(market: Market, pair: Pair) -> tuple[int, int, int]:
    """The source in the registry and dead, and what lives in its stead."""
    found = await market.database.fetchrow(
        "SELECT coalesce(sum(tonnes) FILTER (WHERE project = $2 AND bucket = 'registry'), 0)::int,"
        " coalesce(sum(tonnes) FILTER (WHERE project = $2 AND bucket = 'cancelled'), 0)::int,"
        " coalesce(sum(tonnes) FILTER (WHERE project = $3), 0)::int"
        " FROM (SELECT project, bucket, h.next_serial - h.first_serial AS tonnes"
        " FROM settlement.holding h JOIN settlement.batch USING (batch_id) WHERE account = $1) AS h",
        pair.seller.account,
        pair.seller.project,
        pair.target,
    )
    assert found is not None
    return found[0], found[1], found[2]


async def is_conserved(stack: Stack) -> bool:
    """Whether both services say the same of every conversion: what died, once, and what lives in its stead, once."""
    found = await auditor.unsettled_differences(stack.database_urls)
    return found["settlement.conversions_equal_issuance"] == 0


@asynccontextmanager
async def without(stack: Stack, service: str) -> AsyncIterator[None]:
    """The service is down within."""
    await stack.stop(service)
    try:
        yield
    finally:
        await stack.start(service)


async def test_rule_25_a_conversion_leaves_one_live_representation(
    graph: Graph, market: Market, stack: Stack, pair: Pair
) -> None:
    owner, command = pair.seller.party.actor, pair.asking(100)
    asked = await graph.say(command, owner)
    assert (asked["outcome"], await tonnes(market, pair)) == ("PENDING", (SOURCE, 0, 0))
    done = await graph.tell("approve", REGISTRAR, {"approvalId": asked["approvalId"]})
    assert (done["outcome"], done["subject"]) == ("ACCEPTED", f"conversion/{command.conversion_id}")
    assert await decided(market, command) == "ISSUED"

    assert await tonnes(market, pair) == (SOURCE - 100, 100, 66)
    issued = content(await market.told("issuance.credits.issued", f"batch/{command.batch_id}"))
    assert issued["conversion_id"] == str(command.conversion_id)
    seen = (await graph.read(CONVERSION, id=str(command.conversion_id)))["conversion"]
    number = seen["certificateNumber"]
    assert (seen["state"], seen["targetTonnes"], seen["requestedBy"]) == ("ISSUED", 66, None)
    assert [one["tonnes"] for one in seen["sourceRanges"]] == [100]
    assert seen["creditBatch"]["conversion"] == {"conversionId": str(command.conversion_id)}
    assert [one["type"] for one in seen["lifecycle"]["nodes"]] == [
        "issuance.conversion.requested",
        "issuance.conversion.completed",
    ]
    first = seen["lifecycle"]["nodes"][0]
    assert (first["actor"], first["approvedBy"]) == (None, None)
    assert first["content"].keys().isdisjoint({"requested_by", "approved_by"})
    full = (await graph.read(CONVERSION, owner, id=str(command.conversion_id)))["conversion"]
    first = full["lifecycle"]["nodes"][0]
    assert (first["actor"], first["approvedBy"]) == (owner.subject, REGISTRAR.subject)
    assert first["content"]["approved_by"] == REGISTRAR.subject
    record = (await graph.read(RECORD, number=number))["publicRetirement"]
    assert (record["purpose"], record["bucket"], record["tonnes"]) == (
        "CONVERSION_OUT",
        "cancelled",
        100,
    )
    assert record["conversion"]["creditBatch"] == {"batchId": str(command.batch_id)}
    await until_quiet(market)
    assert await is_conserved(stack)


async def test_a_source_that_is_refused_has_not_changed_and_its_target_never_lives(
    graph: Graph, market: Market, stack: Stack, pair: Pair
) -> None:
    moved = market.move(pair.seller, 1)
    assert isinstance(moved, MoveToVenue)
    await market.accepted(moved, pair.seller.party.actor)
    before = await tonnes(market, pair)
    command = pair.asking(SOURCE)
    await approved(market, pair, command)

    assert await decided(market, command) == "REFUSED"

    assert await tonnes(market, pair) == before == (SOURCE - 1, 0, 0)
    subject = f"conversion/{command.conversion_id}"
    for service in ("settlement", "issuance"):
        told = content(await market.told(f"{service}.conversion.refused", subject))
        assert (told["code"], told["fields"]["available"]) == ("NOT_ENOUGH_CREDITS", "999")
    assert market.heard("issuance.credits.issued", f"batch/{command.batch_id}") == []
    owner, key = pair.seller.party.actor, str(command.conversion_id)
    assert (await graph.read(CONVERSION, id=key))["conversion"] is None
    seen = (await graph.read(CONVERSION, owner, id=key))["conversion"]
    assert (seen["state"], seen["code"], seen["creditBatch"]) == (
        "REFUSED",
        "NOT_ENOUGH_CREDITS",
        None,
    )
    again = pair.asking(SOURCE - 1, batch_id=command.batch_id)
    refused = await market.send(again, owner)
    assert refused.refusal is not None
    assert refused.refusal.code == "ALREADY_EXISTS"
    await until_quiet(market)
    assert await is_conserved(stack)


async def test_what_is_told_again_by_the_same_or_another_id_changes_nothing(
    market: Market, stack: Stack, pair: Pair
) -> None:
    died, refused = pair.asking(100), pair.asking(SOURCE)
    for command in (died, refused):
        await approved(market, pair, command)
        await decided(market, command)
    before = await tonnes(market, pair)
    told = [
        await market.told(kind, f"conversion/{command.conversion_id}")
        for kind, command in (
            ("issuance.conversion.requested", died),
            ("issuance.conversion.requested", refused),
            ("settlement.conversion.source_cancelled", died),
            ("settlement.conversion.refused", refused),
        )
    ]
    for event in told:
        await repeated(market, event)
    await until_quiet(market)

    assert await tonnes(market, pair) == before == (SOURCE - 100, 100, 66)
    assert await is_conserved(stack)
    for event in told:
        assert len({one.sequence for one in market.heard(event.type, event.subject or "")}) == 1


async def repeated(market: Market, event: CloudEvent) -> None:
    """The event comes twice more to whom it concerns: as it was, and under an id of its own."""
    listener = "settlement" if event.type.startswith("issuance") else "issuance"
    other = msgspec.structs.replace(event, id=str(new_id()))
    for one in (event, other):
        await market.publish("operator", "tonne.events", event.type, encode(one), user_id=None)
    heard = f"SELECT EXISTS (SELECT FROM {listener}.inbox WHERE message_id = $1)"
    await market.until(heard, f"{event.source}#{other.id}")


async def test_what_settlement_says_while_issuance_is_away_is_heard_when_it_is_back(
    market: Market, stack: Stack, pair: Pair
) -> None:
    died, refused = pair.asking(100), pair.asking(SOURCE)
    async with without(stack, "settlement"):
        for command in (died, refused):
            await approved(market, pair, command)
        assert await tonnes(market, pair) == (SOURCE, 0, 0)
        assert not await is_conserved(stack)
        await stack.stop("issuance")
    try:
        subject = f"conversion/{died.conversion_id}"
        await market.told("settlement.conversion.source_cancelled", subject)
        subject = f"conversion/{refused.conversion_id}"
        await market.told("settlement.conversion.refused", subject)
        assert await tonnes(market, pair) == (SOURCE - 100, 100, 0)
        assert not await is_conserved(stack)
    finally:
        await stack.start("issuance")

    assert [await decided(market, one) for one in (died, refused)] == ["ISSUED", "REFUSED"]
    assert await tonnes(market, pair) == (SOURCE - 100, 100, 66)
    await until_quiet(market)
    assert await is_conserved(stack)


async def test_no_serial_dies_for_two_conversions(market: Market, stack: Stack, pair: Pair) -> None:
    commands = [pair.asking(300) for _ in range(5)]
    await asyncio.gather(*(approved(market, pair, command) for command in commands))

    states = [await decided(market, command) for command in commands]

    assert sorted(states) == [*["ISSUED"] * 3, *["REFUSED"] * 2]
    assert await tonnes(market, pair) == (SOURCE - 900, 900, 600)
    await until_quiet(market)
    assert await is_conserved(stack)
