"""The hub: hands each event from the broker to the subscribers that want its type; a slow one is dropped."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from services.gateway.errors import Interrupted
from services.runtime import telemetry
from services.runtime.broker import Subscription
from services.runtime.messages import CloudEvent, Malformed, decode_envelope

ROUTING_KEYS = ("settlement.trade.*", "issuance.credits.issued")
EVENTS_WAITING_MAX = 1_000
EVENTS_AT_ONCE = 100

log = telemetry.logger("hub")


class Subscriber:
    """One subscription's own queue of events; once interrupted it brings nothing more."""

    def __init__(self, types: frozenset[str]) -> None:
        self.types = types
        self._waiting: asyncio.Queue[CloudEvent] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._interruption: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def offer(self, event: CloudEvent) -> None:
        """Queues the event, or ends the subscription when its reader is too far behind."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.interrupt(f"More than {EVENTS_WAITING_MAX} events were waiting for this reader.")

    def interrupt(self, reason: str) -> None:
        """Ends the subscription with this reason."""
        if not self._interruption.done():
            self._interruption.set_result(reason)

    async def batches(self) -> AsyncIterator[Sequence[CloudEvent]]:
        """Events as they come, several at once when they come fast; raises Interrupted when some were missed."""
        while True:
            first = asyncio.ensure_future(self._waiting.get())
            try:
                await asyncio.wait((first, self._interruption), return_when=asyncio.FIRST_COMPLETED)
                if self._interruption.done():
                    raise Interrupted(self._interruption.result())
                batch = [first.result()]
            finally:
                first.cancel()
            while len(batch) < EVENTS_AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            yield batch


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
