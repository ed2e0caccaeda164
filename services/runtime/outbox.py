"""The outbox: events are appended inside the handler's transaction and told to the broker after its commit."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from services.kernel.actors import SYSTEM
from services.kernel.ids import derived_id
from services.runtime import messages, queries
from services.runtime.messages import CloudEvent, Event
from services.runtime.postgres import Connection, Transaction, columns

sql = queries.load(Path(__file__).with_name("queries.sql"))


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """An event with the instant at which it took effect and the message that caused it."""

    event: Event
    effective_at: datetime
    causation_id: str


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event as the history keeps it, with all that tells how it came about."""

    id: UUID
    type: str
    aggregate: str
    effective_at: datetime
    recorded_at: datetime
    actor: str
    approved_by: str | None
    causation_id: str
    body: str


def facts(tx: Transaction, events: Sequence[Event]) -> list[Fact]:
    """What the message that is handled lets us say."""
    return _facts(tx, [Occurrence(event, tx.effective_at, tx.message_id) for event in events])


def _facts(tx: Transaction, occurrences: Sequence[Occurrence], first: int = 0) -> list[Fact]:
    return [_fact(tx, one, place) for place, one in enumerate(occurrences, first)]


def _fact(tx: Transaction, one: Occurrence, place: int) -> Fact:
    """What time caused is nobody's act, whoever came by first to notice it."""
    event = one.event
    by_itself_at, kind, subject = event.by_itself_at, messages.wire_name(type(event)), event.subject
    return Fact(
        id=derived_id(one.causation_id, kind, subject, place),
        type=kind,
        aggregate=subject,
        effective_at=by_itself_at or one.effective_at,
        recorded_at=tx.recorded_at,
        actor=SYSTEM.subject if by_itself_at else tx.actor.subject,
        approved_by=None if by_itself_at else tx.approved_by,
        causation_id=one.causation_id,
        body=messages.encode(event).decode(),
    )


async def append(tx: Transaction, events: Sequence[Event]) -> list[int]:
    """Appends the events of the message that is handled; returns their positions in the history."""
    return await append_facts(tx.connection, facts(tx, events))


async def append_many(
    tx: Transaction, occurrences: Sequence[Occurrence], ready: Sequence[Fact] = ()
) -> list[int]:
    """Appends events that each have their own instant and cause, as the trades of one batch do.

    The first of them may be ready, made by ``ready_facts`` when there was time for it.
    """
    left = _facts(tx, occurrences[len(ready) :], len(ready))
    return await append_facts(tx.connection, [*ready, *left])


def ready_facts(tx: Transaction, occurrences: Sequence[Occurrence]) -> Sequence[Fact]:
    """What the history will keep of these events."""
    return _facts(tx, occurrences)


async def append_facts(connection: Connection, said: Sequence[Fact]) -> list[int]:
    """Appends what several messages let us say, in this order; returns the positions in the history."""
    if not said:
        return []
    appended = await connection.fetch(sql["append_events"], *columns(map(astuple, said)))
    return [row["position"] for row in appended]


async def enqueue(connection: Connection, positions: Sequence[int]) -> None:
    """One outbox row for all that a transaction has to say."""
    if positions:
        await connection.execute(sql["insert_outbox"], positions)


class _EventRow(Protocol):
    def __getitem__(self, name: str, /) -> object: ...


def envelope(service: str, row: _EventRow) -> bytes:
    """The CloudEvent of a stored event: the same bytes however often it is sent."""
    return messages.encode(
        CloudEvent(
            specversion="1.0",
            id=str(row["id"]),
            source=f"/{service}",
            type=str(row["type"]),
            subject=str(row["aggregate"]),
            time=row["recorded_at"],  # pyright: ignore[reportArgumentType]
            datacontenttype="application/json",
            effectiveat=row["effective_at"],  # pyright: ignore[reportArgumentType]
            actor=str(row["actor"]),
            approvedby=row["approved_by"],  # pyright: ignore[reportArgumentType]
            sequence=str(row["sequence"]),
            causationid=str(row["causation_id"]),
            data=messages.raw(str(row["body"])),
        )
    )
