"""The hub: hands each event from the broker to the subscribers that want its type; a slow one is dropped."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager

from services.gateway.errors import Interrupted
from services.runtime import telemetry
from services.runtime.deliveries import Subscription
from services.runtime.messages import CloudEvent, Malformed, decode_envelope

ROUTING_KEYS = (
    "settlement.trade.*",
    "settlement.venue.*",
    "settlement.day.*",
    "settlement.cash.reconciled",
    "settlement.credits.*",
    "settlement.obligation.*",
    "settlement.account.frozen",
    "settlement.freeze.*",
    "issuance.credits.issued",
    "issuance.report.*",
    "issuance.reduction.*",
    "issuance.reductions.*",
    "registry.project.*",
    "registry.account.*",
)
EVENTS_WAITING_MAX = 1_000
EVENTS_AT_ONCE = 100

log = telemetry.logger("hub")


class Subscriber:
    """One subscription's own events; once interrupted it brings what came before, and nothing more."""

    def __init__(self, types: frozenset[str]) -> None:
        self.types = types
        self._waiting: deque[CloudEvent] = deque()
        self._interruption: str | None = None
        self._changed = asyncio.Event()

    def offer(self, event: CloudEvent) -> None:
        """Keeps the event for its reader, or ends the subscription when the reader is too far behind."""
        if len(self._waiting) >= EVENTS_WAITING_MAX:
            self.interrupt(f"More than {EVENTS_WAITING_MAX} events were waiting for this reader.")
        if self._interruption is None:
            self._waiting.append(event)
            self._changed.set()

    def interrupt(self, reason: str) -> None:
        """Ends the subscription; the first reason counts."""
        self._interruption = self._interruption or reason
        self._changed.set()

    async def batches(self) -> AsyncGenerator[Sequence[CloudEvent]]:
        """Events as they come, several at once when they come fast; raises Interrupted when some were missed."""
        while True:
            await self._changed.wait()
            size = min(len(self._waiting), EVENTS_AT_ONCE)
            if size:
                yield [self._waiting.popleft() for _ in range(size)]
            elif self._interruption is not None:
                raise Interrupted(self._interruption)
            else:
                self._changed.clear()


class Hub:
    """Lives as long as the process, over all connections to the broker."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    @contextmanager
    def subscribed(self, *types: str) -> Iterator[Subscriber]:
        """A subscriber to events of these types, until the block ends."""
        subscriber = Subscriber(frozenset(types))
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    async def run(self, subscription: Subscription) -> None:
        """Distributes what the broker sends; when that ends, whoever listens has missed events and is told."""
        try:
            while True:
                for delivery in await subscription.next_batch(EVENTS_AT_ONCE, None):
                    self._distribute(delivery.body, delivery.routing_key)
        finally:
            self.interrupt("Events were missed while the broker was away.")

    def interrupt(self, reason: str) -> None:
        """Ends every subscription with this reason."""
        for subscriber in self._subscribers:
            subscriber.interrupt(reason)

    def _distribute(self, body: bytes, routing_key: str) -> None:
        wanting = [one for one in self._subscribers if routing_key in one.types]
        if not wanting:
            return
        try:
            event = decode_envelope(body)
        except Malformed as malformed:
            log.warning("event not readable", routing_key=routing_key, reason=str(malformed))
            return
        for subscriber in wanting:
            subscriber.offer(event)
