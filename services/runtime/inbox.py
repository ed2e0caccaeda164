"""The inbox: commands are answered and foreign events learned from, many in one transaction, each as if alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from services.kernel.actors import SYSTEM, Role
from services.kernel.clocks import is_instant, require_near
from services.kernel.refusals import Invalid, NotYetKnown, Refusal
from services.runtime import approval, outbox
from services.runtime.claims import Batch, Claim, SameIdOtherContent
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.deliveries import Delivery
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
from services.runtime.outbox import Fact
from services.runtime.postgres import Connection, Pool, Transaction

COMMAND_PATIENCE_SECONDS = 5.0
EVENT_PATIENCE_SECONDS = 30.0

Read = TypeVar("Read")
Handler = Callable[[Transaction, Any], Awaitable[Sequence[Event]]]
DryRun = Callable[[Transaction, Any], Awaitable[object]]
"""Answers without an effect: what it returns, as JSON, is the answer's result."""
Approver = Callable[[Any], str]
"""Who alone may approve such a command."""
Daily = Callable[[date], Command]
"""The command by which the clock tells a service that this day has begun."""


@dataclass(frozen=True)
class Service:
    """What a service may be told: its commands, the foreign events it learns from, what needs four eyes."""

    name: str
    commands: Mapping[type[Command], Handler]
    events: Mapping[type[Event], Handler]
    approvals: approval.Words
    four_eyes: Mapping[type[Command], Role] = field(default_factory=dict[type[Command], Role])
    approvers: Mapping[type[Command], Approver] = field(
        default_factory=dict[type[Command], Approver]
    )
    """For which commands one person alone is the second, whoever else has the role."""
    dry_runs: Mapping[type[Command], DryRun] = field(default_factory=dict[type[Command], DryRun])
    daily: Daily | None = None

    @cached_property
    def kinds(self) -> Mapping[str, type[Command]]:
        """Every command by its wire name, the two decisions included."""
        decisions = self.approvals.approve, self.approvals.refuse
        return by_wire_name([*self.commands, *self.dry_runs, *decisions])


@dataclass(eq=False)
class UnknownCommand(Invalid):
    """This service has no command of this type."""

    given: str


@dataclass(eq=False)
class EffectiveTimeMissing(Invalid):
    """Every command says from when it is effective, with the offset from UTC."""

    id: str


def commands_work(service: Service, pool: Pool) -> Callable[..., Awaitable[Sequence[Verdict]]]:
    """Handles commands: each can be undone alone, and one transaction stores the effects of all."""

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        read = [_read_command(one) for one in deliveries]
        ids = [one.id for one in read if isinstance(one, CloudEvent)]
        async with pool.acquire() as connection, connection.transaction():
            batch = await Batch.opened(connection, "commands", ids)
            verdicts = [
                await _in_turn(_command, service, batch, envelope, delivery)
                if isinstance(envelope, CloudEvent)
                else envelope
                for envelope, delivery in zip(read, deliveries, strict=True)
            ]
            await batch.close()
        return verdicts

    return work


async def _in_turn(
    work: Callable[[Service, Batch, Read, float], Awaitable[Verdict]],
    service: Service,
    batch: Batch,
    read: Read,
    delivery: Delivery,
) -> Verdict:
    """What comes of a message; it and all after it are for later if another transaction holds what it needs."""
    if batch.is_blocked:
        return Later()
    try:
        return await work(service, batch, read, delivery.age_seconds)
    except asyncpg.LockNotAvailableError:
        if not batch.fresh:
            raise
        await batch.undo()
        batch.is_blocked = True
        return Later()


def _read_command(delivery: Delivery) -> CloudEvent | Dead:
    try:
        envelope = decode_envelope(delivery.body)
        UUID(envelope.id)
    except (Malformed, ValueError) as malformed:
        return Dead(f"MALFORMED: {malformed}")
    return envelope


async def _command(
    service: Service, batch: Batch, envelope: CloudEvent, age_seconds: float
) -> Verdict:
    content = digest(envelope.type, envelope.sender.subject, bytes(envelope.data))
    try:
        first = batch.claimed(envelope.id, content)
        if first is not None:
            return Done(decode_answer(first.answer) if first.answer else None)
        answer, said = await _answer(service, batch, envelope)
    except NotYetKnown as unknown:
        if age_seconds < COMMAND_PATIENCE_SECONDS:
            return Later()
        return Done(refused(envelope.id, unknown))
    except SameIdOtherContent as conflict:
        return Done(refused(envelope.id, conflict))
    if service.kinds.get(envelope.type) not in service.dry_runs:
        batch.claim(envelope.id, Claim(content, encode(answer)), said)
    return Done(answer)


async def _answer(
    service: Service, batch: Batch, envelope: CloudEvent
) -> tuple[Answer, Sequence[Fact]]:
    """Handles the command; a refusal undoes what was done for it, and is an answer too."""
    await batch.begin()
    try:
        return await _handle(service, batch.connection, envelope)
    except Refusal as refusal:
        await batch.undo()
        if isinstance(refusal, NotYetKnown):
            raise
        return refused(envelope.id, refusal), ()


async def _handle(
    service: Service, connection: Connection, envelope: CloudEvent
) -> tuple[Answer, Sequence[Fact]]:
    kind = service.kinds.get(envelope.type)
    if kind is None:
        raise UnknownCommand(envelope.type)
    command = decode(kind, envelope.data)
    tx = _transaction(connection, envelope)
    if kind in service.dry_runs:
        return await _tried(tx, service, command), ()
    if isinstance(command, approval.Decision):
        return await approval.decide(tx, command, service)
    if kind in service.four_eyes:
        return await approval.request(tx, envelope, command, service)
    return await accept(tx, service, command)


async def accept(
    tx: Transaction, service: Service, command: Command
) -> tuple[Answer, Sequence[Fact]]:
    """Runs the handler; what it has to say belongs to the answer."""
    events = await service.commands[type(command)](tx, command)
    subject = events[0].subject if events else None
    answer = Answer(command_id=tx.message_id, outcome=Answer.ACCEPTED, subject=subject)
    return answer, outbox.facts(tx, events)


async def _tried(tx: Transaction, service: Service, command: Command) -> Answer:
    """What the dry run finds; nothing is stored, not even the answer: a repeat computes again."""
    result = msgspec.Raw(encode(await service.dry_runs[type(command)](tx, command)))
    return Answer(command_id=tx.message_id, outcome=Answer.ACCEPTED, result=result)


def _transaction(connection: Connection, envelope: CloudEvent) -> Transaction:
    """The circumstances of a command; its effective time must be near the clock, or for historians in the past."""
    now = datetime.now(UTC)
    if envelope.effectiveat is None or not is_instant(envelope.effectiveat):
        raise EffectiveTimeMissing(envelope.id)
    is_past = envelope.effectiveat < now
    if not is_past or Role.HISTORIAN not in envelope.sender.roles:
        require_near(envelope.effectiveat, now)
    return Transaction(connection, envelope.id, envelope.sender, envelope.effectiveat, now)


def refused(command_id: str, refusal: Refusal) -> Answer:
    """The refusal as an answer."""
    return Answer(command_id=command_id, outcome=Answer.REFUSED, refusal=RefusalBody.of(refusal))


def events_work(service: Service, pool: Pool) -> Callable[..., Awaitable[Sequence[Verdict]]]:
    """Learns from foreign events: each once, in one transaction for the batch; unknown types are passed over."""
    kinds = {wire_name(kind): kind for kind in service.events}

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        read = [_read_event(kinds, one) for one in deliveries]
        ids = [one.id for one in read if isinstance(one, Heard)]
        if not ids:
            return [one for one in read if not isinstance(one, Heard)]
        async with pool.acquire() as connection, connection.transaction():
            batch = await Batch.opened(connection, "events", ids)
            verdicts = [
                await _in_turn(_event, service, batch, heard, delivery)
                if isinstance(heard, Heard)
                else heard
                for heard, delivery in zip(read, deliveries, strict=True)
            ]
            await batch.close()
        return verdicts

    return work


@dataclass(frozen=True, slots=True)
class Heard:
    """A foreign event of a type that the service learns from."""

    envelope: CloudEvent
    event: Event

    @property
    def id(self) -> str:
        """What tells it from every other event: ids are unique for one source only."""
        return f"{self.envelope.source}#{self.envelope.id}"


def _read_event(kinds: Mapping[str, type[Event]], delivery: Delivery) -> Heard | Done | Dead:
    try:
        envelope = decode_envelope(delivery.body)
        kind = kinds.get(envelope.type)
        if kind is None:
            return Done()
        return Heard(envelope, msgspec.json.decode(envelope.data, type=kind))
    except (Malformed, msgspec.MsgspecError) as malformed:
        return Dead(f"MALFORMED: {malformed}")


async def _event(service: Service, batch: Batch, heard: Heard, age_seconds: float) -> Verdict:
    content = digest(heard.envelope.type, canonical(heard.envelope.data))
    try:
        if batch.claimed(heard.id, content) is not None:
            return Done()
    except SameIdOtherContent as conflict:
        return Dead(str(conflict))
    await batch.begin()
    try:
        said = await _learn(service, batch.connection, heard)
    except NotYetKnown as unknown:
        await batch.undo()
        if age_seconds < EVENT_PATIENCE_SECONDS:
            return Later()
        raise LookupError(str(unknown)) from unknown
    batch.claim(heard.id, Claim(content, None), said)
    return Done()


async def _learn(service: Service, connection: Connection, heard: Heard) -> Sequence[Fact]:
    now = datetime.now(UTC)
    effective_at = heard.envelope.effectiveat or now
    tx = Transaction(connection, heard.envelope.id, SYSTEM, effective_at, now)
    return outbox.facts(tx, await service.events[type(heard.event)](tx, heard.event))
