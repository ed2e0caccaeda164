"""A venue under load: fills its queue or publishes at a steady rate, and hears every outcome as it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from services.runtime.connection import connected
from services.runtime.deliveries import Delivery, Subscription, exclusive_subscription
from services.runtime.publishing import Outgoing, Publisher
from services.tools.stack import Stack

QUEUE = "settlement.trades"
_AT_ONCE = 1_000
_BEAT_SECONDS = 0.01
_LOOK_SECONDS = 0.2
_TAKEN_AT_ONCE = 1_000


class NotPublishedError(Exception):
    """The broker did not take a trade; what is measured after that means nothing."""


class _Caused(msgspec.Struct):
    """The message that an event answers."""

    causationid: str


@dataclass
class Outcomes:
    """What settlement says of trades, from the moment of listening on."""

    arrived: list[Delivery] = field(default_factory=list[Delivery])

    async def listen(self, subscription: Subscription) -> None:
        """Notes every outcome with the instant of its arrival; it is read when nobody waits any more."""
        while True:
            self.arrived += await subscription.next_batch(_TAKEN_AT_ONCE, None)

    async def wait_for(self, trade_ids: Collection[str], seconds_max: float) -> Mapping[str, float]:
        """By the id of each trade when its outcome arrived, once all have; raises TimeoutError.

        After a kill some are told twice, so that their number alone says little.
        """
        async with asyncio.timeout(seconds_max):
            while True:
                if len(self.arrived) >= len(trade_ids):
                    instants = self.instants()
                    if instants.keys() >= set(trade_ids):
                        return instants
                await asyncio.sleep(_LOOK_SECONDS)

    def instants(self) -> dict[str, float]:
        """By the id of the trade when its first outcome arrived."""
        decode = msgspec.json.Decoder(_Caused).decode
        return {decode(one.body).causationid: one.received_at for one in reversed(self.arrived)}


@asynccontextmanager
async def heard_outcomes(stack: Stack) -> AsyncIterator[Outcomes]:
    """Hears the outcomes of all trades, on a queue of its own."""
    outcomes = Outcomes()
    connection = await connected(stack.amqp_urls["observer"])
    try:
        subscription = await exclusive_subscription(
            connection, "observer", "tonne.events", ["settlement.trade.*"]
        )
        listening = asyncio.create_task(outcomes.listen(subscription))
        try:
            yield outcomes
        finally:
            listening.cancel()
    finally:
        await connection.close()


@asynccontextmanager
async def opened_publisher(stack: Stack, venue: str) -> AsyncIterator[Publisher]:
    """Publishes as the venue."""
    connection = await connected(stack.amqp_urls[venue])
    try:
        yield await Publisher.open(connection)
    finally:
        await connection.close()


async def fill(publisher: Publisher, trades: Sequence[Outgoing]) -> None:
    """Publishes the trades in order; returns when all are confirmed."""
    for start in range(0, len(trades), _AT_ONCE):
        _require_safe(await publisher.publish_many(trades[start : start + _AT_ONCE]))


async def publish_steadily(
    publisher: Publisher, trades: Sequence[Outgoing], per_second: float
) -> dict[str, float]:
    """Publishes so many trades a second, however slowly they are confirmed; by id the instant of each."""
    published: dict[str, float] = {}
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        while len(published) < len(trades):
            due = round((time.monotonic() - began) * per_second)
            if chunk := trades[len(published) : due]:
                published |= dict.fromkeys((one.message_id for one in chunk), time.monotonic())
                group.create_task(_publish(publisher, chunk))
            await asyncio.sleep(_BEAT_SECONDS)
    return published


async def _publish(publisher: Publisher, trades: Sequence[Outgoing]) -> None:
    _require_safe(await publisher.publish_many(trades))


def _require_safe(failures: Sequence[BaseException | None]) -> None:
    for failure in failures:
        if failure is not None:
            raise NotPublishedError(str(failure)) from failure


@asynccontextmanager
async def held_queue(stack: Stack) -> AsyncIterator[None]:
    """Holds the place of the queue's one active consumer: until the end who settles trades stands by."""
    connection = await connected(stack.amqp_urls["settlement"])
    try:
        await Subscription.open(connection, QUEUE, prefetch=1)
        yield
    finally:
        await connection.close()
