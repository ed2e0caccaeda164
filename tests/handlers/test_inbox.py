"""Commands of one batch stand alone: each takes effect once, and what one is refused for harms no other."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec.structs import replace

from services.kernel.ids import new_id
from services.kernel.refusals import AlreadyExists, NotYetKnown
from services.registry import handlers, messages
from services.registry.messages.organisations import RegisterOrganisation
from services.runtime.consumer import Dead, Done, Later
from services.runtime.deliveries import Delivery
from services.runtime.inbox import COMMAND_PATIENCE_SECONDS, Service, commands_work
from services.runtime.messages import Answer, CloudEvent, Event, encode, raw, wire_name
from services.runtime.postgres import Pool, Transaction, opened_pool
from services.tools.companies import invented_credit_code
from tests.conftest import Database
from tests.handlers.deliveries import delivery

REFUSED, UNKNOWN, RACED = "refused", "unknown", "raced"


@dataclass
class Desk:
    """The registry's inbox; a party's name says what its handler does after it has written."""

    pool: Pool
    refusing: set[str] = field(default_factory=lambda: {REFUSED, UNKNOWN, RACED})

    async def work(self, *deliveries: Delivery) -> Sequence[object]:
        service = Service(
            name="registry",
            commands={RegisterOrganisation: self.register},
            events={},
            approvals=messages.APPROVALS,
        )
        return await commands_work(service, self.pool)(deliveries)

    async def register(self, tx: Transaction, command: RegisterOrganisation) -> Sequence[Event]:
        events = await handlers.SERVICE.commands[RegisterOrganisation](tx, command)
        what = command.name.split("/")[0]
        if what not in self.refusing:
            return events
        if what == REFUSED:
            raise AlreadyExists("name", command.name)
        if what == UNKNOWN:
            raise NotYetKnown("name", command.name)
        await self.pool.execute(
            "INSERT INTO inbox (consumer, message_id, digest) VALUES ('commands', $1, '')",
            tx.message_id,
        )
        return events

    async def named(self, name: str) -> list[str]:
        """The names that are stored and begin so."""
        query = "SELECT name FROM organisation WHERE name LIKE $1 || '%' ORDER BY name"
        return [one["name"] for one in await self.pool.fetch(query, name)]

    async def claims(self, *sent: Delivery) -> int:
        """How many of these are claimed."""
        ids = [one.routing_key for one in sent]
        return await self.pool.fetchval(
            "SELECT count(*) FROM inbox WHERE message_id = ANY ($1)", ids
        )


@pytest.fixture
async def desk(scratch: Database) -> AsyncIterator[Desk]:
    async with opened_pool(scratch.url("registry"), "registry") as pool:
        yield Desk(pool)


def command(name: str) -> Delivery:
    """A command; its delivery's routing key is its id, so that a test can ask for it."""
    command_id = str(new_id())
    content = RegisterOrganisation(
        organisation_id=new_id(), name=name, credit_code=invented_credit_code(name + command_id)
    )
    envelope = CloudEvent(
        specversion="1.0",
        id=command_id,
        source="/gateway",
        type=wire_name(RegisterOrganisation),
        effectiveat=datetime.now(UTC),
        actor="rita.registrar",
        actorroles="registrar",
        data=raw(encode(content).decode()),
    )
    return delivery(encode(envelope), command_id, "gateway")


def answer(verdict: object) -> Answer:
    assert isinstance(verdict, Done)
    assert verdict.answer is not None
    return verdict.answer


async def test_a_command_twice_in_a_batch_and_once_more_takes_effect_once(desk: Desk) -> None:
    sent = command("twice")
    first, second = await desk.work(sent, sent)
    [third] = await desk.work(sent)
    assert answer(first) == answer(second) == answer(third)
    assert answer(first).outcome == Answer.ACCEPTED
    assert await desk.named("twice") == ["twice"]
    subject = answer(first).subject
    told = "SELECT count(*) FROM event WHERE aggregate = $1"
    assert await desk.pool.fetchval(told, subject) == 1


async def test_a_refusal_undoes_its_own_work_only_and_is_remembered(desk: Desk) -> None:
    before, refused, after = command("kept/1"), command(REFUSED), command("kept/2")
    verdicts = await desk.work(before, refused, after)
    outcomes = [answer(one).outcome for one in verdicts]
    assert outcomes == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]
    assert await desk.named("kept") == ["kept/1", "kept/2"]
    assert await desk.named(REFUSED) == []
    desk.refusing.clear()
    assert await desk.work(refused) == [verdicts[1]]
    assert await desk.named(REFUSED) == []


async def test_what_is_not_yet_known_leaves_nothing_and_is_tried_again(desk: Desk) -> None:
    waiting = command(UNKNOWN)
    late = replace(waiting, received_at=waiting.received_at - COMMAND_PATIENCE_SECONDS - 1)
    assert await desk.work(waiting) == [Later()]
    [refused] = await desk.work(late)
    assert answer(refused).outcome == Answer.REFUSED
    assert (await desk.named(UNKNOWN), await desk.claims(waiting)) == ([], 0)
    desk.refusing.clear()
    [accepted] = await desk.work(waiting)
    assert answer(accepted).outcome == Answer.ACCEPTED


async def test_a_batch_with_a_message_that_another_process_claims_meanwhile_is_undone(
    desk: Desk,
) -> None:
    other, raced = command("other"), command(RACED)
    with pytest.raises(asyncpg.UniqueViolationError):
        await desk.work(other, raced)
    assert (await desk.named("other"), await desk.named(RACED)) == ([], [])
    assert (await desk.claims(other), await desk.claims(raced)) == (0, 1)
    [accepted] = await desk.work(other)
    assert answer(accepted).outcome == Answer.ACCEPTED


async def test_what_cannot_be_read_is_dead_and_the_others_are_answered(desk: Desk) -> None:
    unreadable = delivery(b"{", "x", "gateway")
    dead, done = await desk.work(unreadable, command("read"))
    assert isinstance(dead, Dead)
    assert answer(done).outcome == Answer.ACCEPTED


async def test_the_history_has_the_order_of_the_commands(desk: Desk) -> None:
    verdicts = await desk.work(*(command(f"order/{number}") for number in range(20)))
    rows = await desk.pool.fetch(
        "SELECT aggregate FROM event WHERE aggregate = ANY ($1) ORDER BY position",
        [answer(one).subject for one in reversed(verdicts)],
    )
    assert [row["aggregate"] for row in rows] == [answer(one).subject for one in verdicts]
    assert await desk.pool.fetchval("SELECT max(cardinality(positions)) FROM outbox") == len(rows)
