"""Publishing with confirms: many messages at once, and what became of each, below the client's own publish."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from itertools import takewhile
from typing import Protocol, cast

import msgspec
from aio_pika.abc import AbstractChannel, AbstractConnection, DeliveryMode, HeadersType
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq import spec
from aiormq.abc import AbstractChannel as LowerPublisher
from aiormq.abc import ChannelFrame, DeliveredMessage
from pamqp import frame
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from services.runtime.connection import ConnectionLostError
from services.runtime.frames import Tap, TappedChannel
from services.runtime.messages import CONTENT_TYPE

PUBLISH_TIMEOUT_SECONDS = 10.0
_WRITTEN_AT_ONCE = 500


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


class LowerChannel(TappedChannel, Protocol):
    """What we use of the client's channel below its own publish."""

    number: int
    max_content_size: int
    delivery_tag: int
    write_queue: asyncio.Queue[ChannelFrame]

    @property
    def lock(self) -> AbstractAsyncContextManager[None]:
        """Held while numbers are given."""
        ...

    def create_future(self) -> asyncio.Future[None]:
        """A future that fails with the channel."""
        ...


class Written:
    """Messages that were written together, and what became of each so far."""

    def __init__(self, messages: Sequence[Outgoing], all_known: asyncio.Future[None]) -> None:
        self.messages = messages
        self.all_known = all_known
        self._known: dict[int, BaseException | None] = {}

    def learn(self, place: int, failure: BaseException | None) -> None:
        """One of them is safe, or is not; the first word counts."""
        self._known.setdefault(place, failure)
        if len(self._known) == len(self.messages) and not self.all_known.done():
            self.all_known.set_result(None)

    def failures(self, otherwise: BaseException) -> list[BaseException | None]:
        """For each message None, or why it is not known to be safe."""
        return [self._known.get(place, otherwise) for place in range(len(self.messages))]


class Writer:
    """A channel on which we publish: every message has a number, and the broker says which numbers are safe."""

    def __init__(self, channel: LowerChannel) -> None:
        self._channel = channel
        self._unconfirmed: dict[int, tuple[Written, int]] = {}
        self._returnable: dict[str, int] = {}
        Tap(
            channel,
            {
                spec.Basic.Ack: self._take_ack,
                spec.Basic.Nack: self._take_nack,
                spec.Basic.Return: self._take_return,
            },
        )

    async def write(self, outgoings: Sequence[Outgoing]) -> Written:
        """Writes the messages all at once.

        The client's own publish takes a lock, two task switches and a write for every message.
        """
        channel = self._channel
        payload = b"".join(_frames(channel, outgoing) for outgoing in outgoings)
        written = Written(outgoings, channel.create_future())
        async with channel.lock:
            first = channel.delivery_tag + 1
            channel.delivery_tag += len(outgoings)
            for place, outgoing in enumerate(outgoings):
                self._unconfirmed[first + place] = written, place
                if outgoing.mandatory:
                    self._returnable[outgoing.message_id] = first + place
            try:
                await channel.write_queue.put(ChannelFrame(payload, should_close=False))
            except BaseException:
                # The broker has not seen these: their numbers are the next ones'.
                self.forget(written)
                channel.delivery_tag -= len(outgoings)
                raise
        return written

    def forget(self, written: Written) -> None:
        """Nobody waits for these any longer."""
        late = [tag for tag, (one, _) in self._unconfirmed.items() if one is written]
        for tag in late:
            self._learn(tag, None)
        written.all_known.cancel()

    def _take_ack(self, ack: Frame, _: ContentHeader, __: bytes) -> None:
        for tag in self._meant(ack):
            self._learn(tag, None)

    def _take_nack(self, nack: Frame, _: ContentHeader, __: bytes) -> None:
        for tag in self._meant(nack):
            self._learn(tag, DeliveryError(None, nack))

    def _take_return(self, returned: Frame, header: ContentHeader, body: bytes) -> None:
        """No queue took it; the confirm that follows only says that the broker is done with it."""
        tag = self._returnable.get(header.properties.message_id or "")
        if tag is not None:
            assert isinstance(returned, spec.Basic.Return)
            channel = cast(LowerPublisher, self._channel)
            message = DeliveredMessage(returned, header, body, channel)
            self._learn(tag, PublishError(message, returned))

    def _meant(self, confirm: Frame) -> list[int]:
        """The numbers that a confirm names: one, or all up to it."""
        assert isinstance(confirm, spec.Basic.Ack | spec.Basic.Nack)
        last = confirm.delivery_tag or 0
        if not confirm.multiple:
            return [last]
        return list(takewhile(lambda tag: tag <= last, self._unconfirmed))

    def _learn(self, tag: int, failure: BaseException | None) -> None:
        if tag not in self._unconfirmed:
            return
        written, place = self._unconfirmed.pop(tag)
        message_id = written.messages[place].message_id
        if self._returnable.get(message_id) == tag:
            del self._returnable[message_id]
        written.learn(place, failure)


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


def _frames(channel: LowerChannel, outgoing: Outgoing) -> bytes:
    """A message as it stands on the wire."""
    properties = spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=outgoing.message_id,
        reply_to=outgoing.reply_to,
        correlation_id=outgoing.correlation_id,
        headers=dict(outgoing.headers),
        user_id=outgoing.user_id,
    )
    body, size = outgoing.body, channel.max_content_size
    header = ContentHeader(properties=properties, body_size=len(body))
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(
        (
            _publish(channel.number, outgoing.exchange, outgoing.routing_key, outgoing.mandatory),
            frame.marshal(header, channel.number),
            *(frame.marshal(ContentBody(part), channel.number) for part in parts),
        )
    )


@lru_cache(maxsize=1_000)
def _publish(channel_number: int, exchange: str, routing_key: str, mandatory: bool) -> bytes:
    """The frame that comes first; thousands of events go the same way."""
    method = spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory)
    return frame.marshal(method, channel_number)
