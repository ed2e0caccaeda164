"""RabbitMQ: a supervised plain connection, confirmed publishing, and deliveries taken in order."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import aio_pika
import msgspec
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    HeadersType,
)
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq import spec
from aiormq.abc import AbstractChannel as LowerConsumer
from aiormq.abc import DeliveredMessage
from pamqp.base import Frame
from pamqp.header import ContentHeader

from services.runtime import telemetry
from services.runtime.frames import Tap, TappedChannel
from services.runtime.tasks import together
from services.runtime.writing import LowerChannel, Writer, Written

REPLY_TO = "amq.rabbitmq.reply-to"
PUBLISH_TIMEOUT_SECONDS = 10.0
_WRITTEN_AT_ONCE = 500
_RETRY_SECONDS_MIN = 0.2
_RETRY_SECONDS_MAX = 5.0

log = telemetry.logger("broker")


class ConnectionLostError(ConnectionError):
    """The broker closed the connection, or it broke: what was in flight has an unknown outcome."""


OUTAGES = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, asyncio.InvalidStateError)


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message to publish: durable, confirmed, and if mandatory refused when no queue takes it."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    mandatory: bool = True
    reply_to: str | None = None
    correlation_id: str | None = None
    headers: HeadersType = {}
    user_id: str | None = None


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


class Publisher:
    """One channel with confirms: a publish returns only when the broker has the message safe."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._writer: Writer | None = None

    @classmethod
    async def open(cls, connection: AbstractConnection) -> "Publisher":
        """A publisher on a channel of its own, where an unroutable message is an exception."""
        return cls(await connection.channel(publisher_confirms=True, on_return_raises=True))

    async def publish(self, outgoing: Outgoing) -> None:
        """Publishes and waits for the confirm; any exception means that the outcome is unknown."""
        [failure] = await self.publish_many([outgoing])
        if failure is not None:
            raise failure

    async def publish_many(self, outgoings: Sequence[Outgoing]) -> list[BaseException | None]:
        """Publishes with all confirms in flight; for each message None, or why it is not known to be safe."""
        channel = await self._channel.get_underlay_channel()
        if self._writer is None:
            self._writer = Writer(cast(LowerChannel, channel))
        written = [
            await self._writer.write(outgoings[start : start + _WRITTEN_AT_ONCE])
            for start in range(0, len(outgoings), _WRITTEN_AT_ONCE)
        ]
        try:
            if written:
                every = [one.all_known for one in written]
                await asyncio.wait(every, timeout=PUBLISH_TIMEOUT_SECONDS)
            return [failure for one in written for failure in one.failures(_unknown(one))]
        finally:
            for one in written:
                self._writer.forget(one)


def _unknown(written: Written) -> BaseException:
    """Why nothing is known of what the broker did not confirm."""
    all_known = written.all_known
    if not all_known.done():
        return TimeoutError("the broker has not confirmed in time")
    fault = None if all_known.cancelled() else all_known.exception()
    return fault or ConnectionLostError("the channel was closed before the confirm")


async def connected(url: str) -> AbstractConnection:
    """A plain connection with a short heartbeat; nothing is restored behind our back when it breaks."""
    separator = "&" if "?" in url else "?"
    try:
        return await aio_pika.connect(f"{url}{separator}heartbeat=10", timeout=5)
    except StopAsyncIteration as ended:  # the client's word for a broker that hangs up half-way
        raise ConnectionLostError("the broker ended the connection while it was made") from ended


async def until_lost(connection: AbstractConnection) -> None:
    """Waits until the connection is closed or breaks, then raises ConnectionLostError.

    ``connection.closed()`` never returns for a plain connection that broke; its callbacks are told at once.
    """
    lost = asyncio.Event()

    def tell(*_: object) -> None:
        lost.set()

    connection.close_callbacks.add(tell)
    if not connection.is_closed:
        await lost.wait()
    raise ConnectionLostError("connection to the broker lost")


Session = Callable[[AbstractConnection], Awaitable[None]]


async def stay_connected(url: str, session: Session, stopping: asyncio.Event) -> None:
    """Runs the session on a connection, again on a new one whenever it breaks, until stopped."""
    delay = _RETRY_SECONDS_MIN
    while not stopping.is_set():
        started = time.monotonic()
        try:
            connection = await connected(url)
            try:
                await _run_until_lost(connection, session)
            finally:
                await _close(connection)
        except* OUTAGES as outages:
            log.warning("broker lost", reason=repr(outages.exceptions[0]))
        if time.monotonic() - started > _RETRY_SECONDS_MAX:
            delay = _RETRY_SECONDS_MIN
        await pause(delay, stopping)
        delay = min(2 * delay, _RETRY_SECONDS_MAX)


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Waits, or returns at once when stopped."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def _close(connection: AbstractConnection) -> None:
    with contextlib.suppress(*OUTAGES):
        async with asyncio.timeout(2):
            await connection.close()


async def _run_until_lost(connection: AbstractConnection, session: Session) -> None:
    async with together() as group:
        group.create_task(until_lost(connection))
        await session(connection)
        group.insist()


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
