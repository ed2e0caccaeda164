"""The auditor's ears: every event on a durable queue of its own, and every dead letter; an outage is waited out."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec
from aio_pika.abc import AbstractConnection

from services.runtime import connection, deliveries
from services.runtime.deliveries import Delivery, Subscription
from services.runtime.messages import CloudEvent
from services.runtime.topology import queue_names

QUEUE = "chaos.auditor"
_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as the broker told it."""

    id: str
    source: str
    type: str
    subject: str
    sequence: int
    cause: str
    content: Mapping[str, Any]
    digest: str
    """Of the whole message: told again, it must be the same to the byte."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lay, why, and what it was."""

    queue: str
    reason: str
    digest: str


@dataclass
class Ears:
    """What was heard since the market was opened; an event that is told again is kept once."""

    events: dict[tuple[str, str, str], Heard] = field(
        default_factory=dict[tuple[str, str, str], Heard]
    )
    """By source, id and digest, so that one id may stand for two events only to be found out."""
    by_subject: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    by_cause: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    letters: list[Letter] = field(default_factory=list[Letter])
    unreadable: int = 0
    told: int = 0
    """How many events came, repetitions included."""
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the queue exists: nothing that happens from then on can be missed."""

    def hear(self, body: bytes) -> None:
        """Takes an event in."""
        heard = _heard(body)
        if heard is None:
            self.unreadable += 1
            return
        self.told += 1
        known = self.events.setdefault((heard.source, heard.id, heard.digest), heard)
        if known is heard:
            self.by_subject[heard.subject].append(heard)
            self.by_cause[heard.cause].append(heard)

    def of(self, subject: str, *types: str) -> list[Heard]:
        """The events of these types about the subject."""
        return [one for one in self.by_subject.get(subject, ()) if one.type in types]

    async def is_told(self, subject: str, *types: str, times: int = 1) -> bool:
        """Waits for so many events of these types; whether they came before patience was over."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(self.of(subject, *types)) < times and time.monotonic() < deadline:  # noqa: ASYNC110 - others tell
            await asyncio.sleep(_PAUSE_SECONDS)
        return len(self.of(subject, *types)) >= times


def _heard(body: bytes) -> Heard | None:
    try:
        event = msgspec.json.decode(body, type=CloudEvent)
        return Heard(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject or "",
            sequence=int(event.sequence or ""),
            cause=event.causationid or "",
            content=msgspec.json.decode(event.data, type=dict[str, Any]),
            digest=sha256(body).hexdigest(),
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        return None


def digest_of(delivery: Delivery) -> str:
    """What identifies a dead letter: the digest of the body, which an oversized one has left in a header."""
    kept = delivery.message.headers.get("tonne-sha256")
    return str(kept) if kept else sha256(delivery.body).hexdigest()


@asynccontextmanager
async def opened_ears(operator_url: str) -> AsyncIterator[Ears]:
    """Ears that hear everything from now on, over as many connections as it takes."""
    ears, stopping = Ears(), asyncio.Event()

    async def session(connection: AbstractConnection) -> None:
        await deliveries.declare_listening(connection, QUEUE, "tonne.events", ["#"])
        ears.opened.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(connection, QUEUE, lambda one: ears.hear(one.body)))
            for name in queue_names():
                dead = f"{name}.dead"
                group.create_task(_listen(connection, dead, _collector(dead, ears.letters)))

    listening = asyncio.create_task(connection.stay_connected(operator_url, session, stopping))
    try:
        async with asyncio.timeout(30):
            await ears.opened.wait()
        yield ears
    finally:
        listening.cancel()
        await asyncio.wait([listening])


def _collector(queue: str, letters: list[Letter]) -> Callable[[Delivery], None]:
    def collect(delivery: Delivery) -> None:
        reason = str(delivery.message.headers.get("tonne-reason", ""))
        letters.append(Letter(queue, reason, digest_of(delivery)))

    return collect


async def _listen(
    connection: AbstractConnection, queue: str, take: Callable[[Delivery], None]
) -> None:
    """Takes each message in before it is acknowledged: what the broker loses sight of comes again."""
    subscription = await Subscription.open(connection, queue, prefetch=1000)
    while True:
        deliveries = await subscription.next_batch(1000, None)
        for delivery in deliveries:
            take(delivery)
        if deliveries:
            await deliveries[-1].message.ack(multiple=True)
