"""The outbox: events are appended inside the handler's transaction and told to the broker after its commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from services.kernel.ids import derived_id
from services.runtime import messages, queries
from services.runtime.messages import CloudEvent, Event
from services.runtime.postgres import Connection, Transaction

sql = queries.load(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event with the instant at which it took effect and the message that caused it."""

    event: Event
    effective_at: datetime
    causation_id: str


async def append(tx: Transaction, events: Sequence[Event]) -> list[int]:
    """Appends the events of the message that is handled; returns their positions in the history."""
    return await append_many(
        tx, [Occurrence(event, tx.effective_at, tx.message_id) for event in events]
    )


async def append_many(tx: Transaction, occurrences: Sequence[Occurrence]) -> list[int]:
    """Appends events that each have their own instant and cause, as the trades of one batch do."""
    if not occurrences:
        return []
    appended = await tx.connection.fetch(
        sql["append_events"],
        tx.recorded_at,
        tx.actor.subject,
        tx.approved_by,
        [_event_id(place, occurrence) for place, occurrence in enumerate(occurrences)],
        [messages.wire_name(type(occurrence.event)) for occurrence in occurrences],
        [occurrence.event.subject for occurrence in occurrences],
        [occurrence.effective_at for occurrence in occurrences],
        [occurrence.causation_id for occurrence in occurrences],
        [messages.encode(occurrence.event).decode() for occurrence in occurrences],
    )
    return [row["position"] for row in appended]


def _event_id(place: int, occurrence: Occurrence) -> UUID:
    return derived_id(occurrence.causation_id, occurrence.event.subject, place)


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
