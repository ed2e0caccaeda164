"""Writing many messages to the broker at once, on the client's channel but below its own publish."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from aio_pika.abc import DeliveryMode
from aiormq import spec
from aiormq.abc import ChannelFrame
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from services.runtime.messages import CONTENT_TYPE

if TYPE_CHECKING:
    from services.runtime.broker import Outgoing

Confirm = asyncio.Future[object]


class LowerChannel(Protocol):
    """What we use of the client's channel below its own publish."""

    number: int
    max_content_size: int
    delivery_tag: int
    confirmations: dict[int, Confirm]
    message_id_delivery_tag: dict[str, int]
    write_queue: asyncio.Queue[ChannelFrame]

    @property
    def lock(self) -> AbstractAsyncContextManager[None]:
        """Held while numbers are given."""
        ...

    def create_future(self) -> Confirm:
        """A future that fails with the channel."""
        ...


async def write(channel: LowerChannel, outgoings: Sequence["Outgoing"]) -> list[Confirm]:
    """Writes the messages all at once; for each the future that the broker's confirm ends.

    The client's own publish takes a lock, two task switches and a write for every message.
    """
    payload = b"".join(_frames(channel, outgoing) for outgoing in outgoings)
    async with channel.lock:
        confirms: list[Confirm] = [channel.create_future() for _ in outgoings]
        tags = range(channel.delivery_tag + 1, channel.delivery_tag + 1 + len(outgoings))
        channel.delivery_tag += len(outgoings)
        channel.confirmations.update(zip(tags, confirms, strict=True))
        named = (outgoing.message_id for outgoing in outgoings)
        channel.message_id_delivery_tag.update(zip(named, tags, strict=True))
        try:
            await channel.write_queue.put(ChannelFrame(payload, should_close=False))
        except BaseException:
            # The broker has not seen these: their numbers are the next ones'.
            channel.delivery_tag -= len(outgoings)
            for tag in tags:
                channel.confirmations.pop(tag).cancel()
            raise
    return confirms


def _frames(channel: LowerChannel, outgoing: "Outgoing") -> bytes:
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
