"""The inbox: each message takes effect once, and a repeated command gets its first answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec

from services.kernel.actors import SYSTEM, Role
from services.kernel.clocks import is_instant, require_near
from services.kernel.refusals import Conflict, Invalid, NotYetKnown, Refusal
from services.runtime import approval, outbox
from services.runtime.broker import Delivery
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.messages import (
    Answer,
    CloudEvent,
    Command,
    Event,
    Malformed,
    RefusalBody,
    by_wire_name,
    canonical,
    decode,
    decode_answer,
    decode_envelope,
    digest,
    encode,
    wire_name,
)
from services.runtime.postgres import Connection, Pool, Transaction

COMMAND_PATIENCE_SECONDS = 5.0
EVENT_PATIENCE_SECONDS = 30.0

Handler = Callable[[Transaction, Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True)
class Service:
    """What a service may be told: its commands, the foreign events it learns from, what needs four eyes."""

    name: str
    commands: Mapping[type[Command], Handler]
    events: Mapping[type[Event], Handler]
    approvals: approval.Words
    four_eyes: Mapping[type[Command], Role] = field(default_factory=dict[type[Command], Role])

    @cached_property
    def kinds(self) -> Mapping[str, type[Command]]:
        """Every command by its wire name, the two decisions included."""
        return by_wire_name([*self.commands, self.approvals.approve, self.approvals.refuse])


@dataclass(eq=False)
class SameIdOtherContent(Conflict):
    """This id was used before with other content; the first answer stands."""

    id: str


@dataclass(eq=False)
class UnknownCommand(Invalid):
    """This service has no command of this type."""

    given: str


@dataclass(eq=False)
class EffectiveTimeMissing(Invalid):
    """Every command says from when it is effective, with the offset from UTC."""

    id: str


class Repeated(Exception):  # noqa: N818 - states the fact
    """The message was handled before; carries what was answered then."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer


async def claim(connection: Connection, consumer: str, message_id: str, content: bytes) -> None:
    """Takes the message for handling; raises Repeated, or SameIdOtherContent if the digest differs."""
    taken = await connection.fetchval(outbox.sql["claim_message"], consumer, message_id, content)
    if taken is not None:
        return
    first = await connection.fetchrow(outbox.sql["get_claim"], consumer, message_id)
    if first is None or first["digest"] != content:
        raise SameIdOtherContent(message_id)
    raise Repeated(first["answer"])


def commands_work(service: Service, pool: Pool) -> Callable[..., Awaitable[Sequence[Verdict]]]:
    """Handles commands: a savepoint each, one transaction and one outbox row for the batch."""

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        async with pool.acquire() as connection, connection.transaction():
            said: list[int] = []
            verdicts = [await _command(service, connection, one, said) for one in deliveries]
            await outbox.enqueue(connection, said)
            return verdicts

    return work


async def _command(
    service: Service, connection: Connection, delivery: Delivery, said: list[int]
) -> Verdict:
    try:
        envelope = decode_envelope(delivery.body)
        UUID(envelope.id)
    except (Malformed, ValueError) as malformed:
        return Dead(f"MALFORMED: {malformed}")
    try:
        async with connection.transaction():
            answer, positions = await _answer(service, connection, envelope)
    except NotYetKnown as unknown:
        if delivery.age_seconds < COMMAND_PATIENCE_SECONDS:
            return Later()
        return Done(refused(envelope.id, unknown))
    except SameIdOtherContent as conflict:
        return Done(refused(envelope.id, conflict))
    except Repeated as repeated:
        return Done(decode_answer(repeated.answer) if repeated.answer else None)
    said += positions
    return Done(answer)


async def _answer(
    service: Service, connection: Connection, envelope: CloudEvent
) -> tuple[Answer, Sequence[int]]:
    """Claims the command, handles it, stores the answer; a refusal undoes all but claim and answer."""
    content = digest(envelope.type, envelope.sender.subject, bytes(envelope.data))
    await claim(connection, "commands", envelope.id, content)
    try:
        async with connection.transaction():
            answer, positions = await _handle(service, connection, envelope)
    except NotYetKnown:
        raise
    except Refusal as refusal:
        answer, positions = refused(envelope.id, refusal), ()
    await connection.execute(outbox.sql["store_answer"], "commands", envelope.id, encode(answer))
    return answer, positions


async def _handle(
    service: Service, connection: Connection, envelope: CloudEvent
) -> tuple[Answer, Sequence[int]]:
    kind = service.kinds.get(envelope.type)
    if kind is None:
        raise UnknownCommand(envelope.type)
    command = decode(kind, envelope.data)
    tx = _transaction(connection, envelope)
    if isinstance(command, approval.Decision):
        return await approval.decide(tx, command, service)
    if kind in service.four_eyes:
        return await approval.request(tx, envelope, command, service)
    return await accept(tx, service, command)


async def accept(
    tx: Transaction, service: Service, command: Command
) -> tuple[Answer, Sequence[int]]:
    """Runs the handler and appends what it has to say."""
    events = await service.commands[type(command)](tx, command)
    positions = await outbox.append(tx, events)
    subject = events[0].subject if events else None
    return Answer(command_id=tx.message_id, outcome=Answer.ACCEPTED, subject=subject), positions


def _transaction(connection: Connection, envelope: CloudEvent) -> Transaction:
    """The circumstances of a command; its effective time must be near the clock, but for historians."""
    now = datetime.now(UTC)
    if envelope.effectiveat is None or not is_instant(envelope.effectiveat):
        raise EffectiveTimeMissing(envelope.id)
    if Role.HISTORIAN not in envelope.sender.roles:
        require_near(envelope.effectiveat, now)
    return Transaction(connection, envelope.id, envelope.sender, envelope.effectiveat, now)


def refused(command_id: str, refusal: Refusal) -> Answer:
    """The refusal as an answer."""
    return Answer(command_id=command_id, outcome=Answer.REFUSED, refusal=RefusalBody.of(refusal))


def events_work(service: Service, pool: Pool) -> Callable[..., Awaitable[Sequence[Verdict]]]:
    """Learns from foreign events: each once, in one transaction for the batch; unknown types are passed over."""
    kinds = {wire_name(kind): kind for kind in service.events}

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        async with pool.acquire() as connection, connection.transaction():
            said: list[int] = []
            verdicts = [await _event(service, kinds, connection, one, said) for one in deliveries]
            await outbox.enqueue(connection, said)
            return verdicts

    return work


async def _event(
    service: Service,
    kinds: Mapping[str, type[Event]],
    connection: Connection,
    delivery: Delivery,
    said: list[int],
) -> Verdict:
    try:
        envelope = decode_envelope(delivery.body)
        kind = kinds.get(envelope.type)
        if kind is None:
            return Done()
        event = msgspec.json.decode(envelope.data, type=kind)
    except (Malformed, msgspec.MsgspecError) as malformed:
        return Dead(f"MALFORMED: {malformed}")
    try:
        async with connection.transaction():
            content = digest(envelope.type, canonical(envelope.data))
            await claim(connection, "events", f"{envelope.source}#{envelope.id}", content)
            said += await _learn(service, connection, envelope, event)
    except Repeated:
        return Done()
    except NotYetKnown as unknown:
        if delivery.age_seconds < EVENT_PATIENCE_SECONDS:
            return Later()
        raise LookupError(str(unknown)) from unknown
    except SameIdOtherContent as conflict:
        return Dead(str(conflict))
    return Done()


async def _learn(
    service: Service, connection: Connection, envelope: CloudEvent, event: Event
) -> list[int]:
    now = datetime.now(UTC)
    tx = Transaction(connection, envelope.id, SYSTEM, envelope.effectiveat or now, now)
    return await outbox.append(tx, await service.events[type(event)](tx, event))
