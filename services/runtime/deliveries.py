"""Deliveries: a queue's messages, taken in the order in which the broker sent them."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
from aio_pika.abc import AbstractChannel, AbstractConnection, HeadersType
from aiormq import spec
from aiormq.abc import AbstractChannel as LowerConsumer
from aiormq.abc import DeliveredMessage
from pamqp.base import Frame
from pamqp.header import ContentHeader

from services.runtime.frames import Tap, TappedChannel


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A message as it came, below the client's own: that reads eight properties more than anybody asks for."""

    body: bytes
    routing_key: str
    headers: HeadersType
    user_id: str | None
    reply_to: str | None
    correlation_id: str | None
    delivery_tag: int
    channel: LowerConsumer

    @classmethod
    def of(
        cls,
        channel: LowerConsumer,
        delivery: spec.Basic.Deliver,
        header: ContentHeader,
        body: bytes,
    ) -> "Incoming":
        """The message whose frames have all come."""
        properties = header.properties
        return cls(
            body=body,
            routing_key=delivery.routing_key or "",
            headers=properties.headers or {},
            user_id=properties.user_id,
            reply_to=properties.reply_to,
            correlation_id=properties.correlation_id,
            delivery_tag=delivery.delivery_tag or 0,
            channel=channel,
        )

    async def ack(self, multiple: bool = False) -> None:
        """The broker forgets it, and if so asked everything that it delivered before on this channel."""
        await self.channel.basic_ack(self.delivery_tag, multiple=multiple)

    async def reject(self, requeue: bool = False) -> None:
        """The broker delivers it again, or keeps it among the dead letters."""
        await self.channel.basic_reject(self.delivery_tag, requeue=requeue)


ReadAhead = Callable[[Incoming], object]
"""Makes of a message what can be made before its turn comes, while the database works on earlier ones."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message as it came, with what the broker says about it, and what was read ahead of its turn."""

    body: bytes
    routing_key: str
    user_id: str | None
    reply_to: str | None
    correlation_id: str | None
    deliveries: int
    received_at: float
    message: Incoming
    subscription: object
    content: object = None

    @classmethod
    def of(cls, message: Incoming, subscription: object, content: object = None) -> "Delivery":
        """The delivery of an incoming AMQP message."""
        count = message.headers.get("x-delivery-count", 0)
        return cls(
            body=message.body,
            routing_key=message.routing_key,
            user_id=message.user_id,
            reply_to=message.reply_to,
            correlation_id=message.correlation_id,
            deliveries=int(count) if isinstance(count, int) else 0,
            received_at=time.monotonic(),
            message=message,
            subscription=subscription,
            content=content,
        )

    @property
    def age_seconds(self) -> float:
        """How long ago it reached this process."""
        return time.monotonic() - self.received_at


async def _not_called(message: DeliveredMessage) -> None:
    raise AssertionError(f"{message} went past the tap")


class Subscription:
    """A queue's deliveries in the order in which the broker sent them."""

    def __init__(self, channel: AbstractChannel, read: ReadAhead | None = None) -> None:
        self._channel = channel  # the client holds channels weakly: without this it would vanish
        self._read = read
        self._arrived: asyncio.Queue[Delivery | None] = asyncio.Queue()
        self.is_open = True

    @classmethod
    async def open(
        cls,
        connection: AbstractConnection,
        queue: str,
        prefetch: int,
        read: ReadAhead | None = None,
    ) -> "Subscription":
        """Consumes a queue that the topology has declared, on a channel of its own."""
        channel = await connection.channel(publisher_confirms=False)
        subscription = cls(channel, read)
        await channel.set_qos(prefetch_count=prefetch, global_=False)
        await subscription.consume(queue)
        return subscription

    async def consume(self, queue: str, *, no_ack: bool = False) -> None:
        """Has the broker deliver what is in the queue."""
        lower = await self._channel.get_underlay_channel()

        def take(frame: Frame, header: ContentHeader, body: bytes) -> None:
            assert isinstance(frame, spec.Basic.Deliver)
            self.take(Incoming.of(lower, frame, header, body))

        Tap(cast(TappedChannel, lower), {spec.Basic.Deliver: take})
        await lower.basic_consume(queue, _not_called, no_ack=no_ack)

    def take(self, message: Incoming) -> None:
        """Called for each message as it is read, in order."""
        content = None
        if self._read:
            # Whatever it is, it is met again in its turn; here it would end the connection.
            with contextlib.suppress(Exception):
                content = self._read(message)
        self._arrived.put_nowait(Delivery.of(message, self, content))

    def stop(self) -> None:
        """No more batches: the one being worked on is the last."""
        self.is_open = False
        self._arrived.put_nowait(None)

    async def next_batch(self, size: int, timeout_seconds: float | None) -> list[Delivery]:
        """What is there, up to this many, waiting for the first; empty after the timeout or when stopped."""
        try:
            async with asyncio.timeout(timeout_seconds):
                arrived = [await self._arrived.get()]
        except TimeoutError:
            return []
        while len(arrived) < size and not self._arrived.empty():
            arrived.append(self._arrived.get_nowait())
        return [delivery for delivery in arrived if delivery is not None]


async def declare_listening(
    connection: AbstractConnection, name: str, exchange: str, routing_keys: Sequence[str]
) -> None:
    """Makes a durable quorum queue that keeps every message of these keys for whoever listens; it may exist."""
    channel = await connection.channel(publisher_confirms=False)
    queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    for routing_key in routing_keys:
        await queue.bind(exchange, routing_key)
    await channel.close()


async def exclusive_subscription(
    connection: AbstractConnection, queue_prefix: str, exchange: str, routing_keys: Sequence[str]
) -> Subscription:
    """Every message of these keys from now on, on a queue of our own that ends with the connection."""
    channel = await connection.channel(publisher_confirms=False)
    subscription = Subscription(channel)
    name = f"{queue_prefix}.{secrets.token_hex(8)}"
    queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
    for routing_key in routing_keys:
        await queue.bind(exchange, routing_key)
    await subscription.consume(queue.name, no_ack=True)
    return subscription
