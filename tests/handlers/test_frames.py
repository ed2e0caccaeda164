"""What the broker says about a channel of ours, frame by frame: whole messages, confirms, and everything else."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq import connection, spec
from aiormq.exceptions import AMQPConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame as wire
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from services.runtime.frames import AnyFrame, Receiver, Tap, Weighed
from services.runtime.publishing import Outgoing, Writer


class Channel:
    """What a writer needs of a channel, without a broker behind it."""

    number = 1
    max_content_size = 1_000

    def __init__(self) -> None:
        self.frames: Any = asyncio.Queue[Weighed]()
        self.write_queue: asyncio.Queue[Any] = asyncio.Queue()
        self.delivery_tag = 0
        self.lock = asyncio.Lock()
        self.passed_on = self.frames

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    async def say(self, *frames: AnyFrame) -> None:
        for one in frames:
            await self.frames.put((0, one))


def content(body: bytes, message_id: str | None = None) -> Sequence[AnyFrame]:
    """A header and bodies of at most three bytes."""
    parts = [ContentBody(body[start : start + 3]) for start in range(0, len(body), 3)]
    properties = spec.Basic.Properties(message_id=message_id)
    return [ContentHeader(properties=properties, body_size=len(body)), *parts]


def returned() -> spec.Basic.Return:
    return spec.Basic.Return(reply_code=312, reply_text="NO_ROUTE", exchange="", routing_key="q")


async def written(channel: Channel, count: int) -> tuple[Writer, Any]:
    writer = Writer(channel)
    outgoings = [Outgoing("", "q", b"{}", f"m{number}") for number in range(count)]
    return writer, await writer.write(outgoings)


async def test_a_confirm_is_for_the_messages_that_it_names() -> None:
    """One of them, or all up to it; what the broker has not named stays unknown."""
    channel, unknown = Channel(), TimeoutError()
    _, messages = await written(channel, 5)

    await channel.say(spec.Basic.Ack(delivery_tag=4))
    await channel.say(spec.Basic.Ack(delivery_tag=2, multiple=True))

    assert messages.failures(unknown) == [None, None, unknown, None, unknown]
    assert not messages.all_known.done()
    await channel.say(spec.Basic.Ack(delivery_tag=5, multiple=True))
    assert messages.failures(unknown) == [None] * 5
    assert messages.all_known.done()


async def test_what_is_returned_is_not_safe_although_its_confirm_follows() -> None:
    channel = Channel()
    _, messages = await written(channel, 2)

    await channel.say(returned(), *content(b"{}", "m1"))
    await channel.say(spec.Basic.Ack(delivery_tag=2, multiple=True))

    first, second = messages.failures(TimeoutError())
    assert first is None
    assert isinstance(second, PublishError)


async def test_what_the_broker_cannot_keep_is_not_safe() -> None:
    channel = Channel()
    _, messages = await written(channel, 1)
    await channel.say(spec.Basic.Nack(delivery_tag=1))
    assert [type(one) for one in messages.failures(TimeoutError())] == [DeliveryError]


async def test_a_confirm_that_comes_too_late_confirms_nothing_else() -> None:
    channel = Channel()
    writer, late = await written(channel, 2)
    writer.forget(late)
    again = await writer.write([Outgoing("", "q", b"{}", "m0")])

    await channel.say(spec.Basic.Ack(delivery_tag=2, multiple=True))

    assert not again.all_known.done()
    await channel.say(spec.Basic.Ack(delivery_tag=3))
    assert again.failures(TimeoutError()) == [None]


async def test_a_delivery_is_handed_on_whole_and_the_rest_goes_to_the_client() -> None:
    channel, taken = Channel(), []
    Tap(channel, {spec.Basic.Deliver: lambda frame, _, body: taken.append((frame, body))})
    empty, full, other = (
        spec.Basic.Deliver("tag", 1),
        spec.Basic.Deliver("tag", 2),
        spec.Basic.ConsumeOk(),
    )

    await channel.say(empty, *content(b""), other, full, *content(b"eight by"))

    assert taken == [(empty, b""), (full, b"eight by")]
    assert channel.passed_on.get_nowait() == (0, other)
    assert channel.passed_on.empty()


FRAMES: Sequence[AnyFrame] = [
    spec.Basic.Deliver("tag", 7, False, "tonne.trades", "trade.executed.CBGEX"),
    *content(b"what a venue reports", "m1"),
    spec.Basic.Ack(delivery_tag=3, multiple=True),
]


@given(st.data())
async def test_however_the_octets_come_the_frames_are_the_same(data: st.DataObject) -> None:
    octets = b"".join(wire.marshal(cast(Any, one), 1) for one in FRAMES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    reader = asyncio.StreamReader()
    receiver = Receiver(reader)
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        reader.feed_data(octets[start:end])

    received = [await receiver.get_frame() for _ in FRAMES]

    assert [wire.marshal(cast(Any, one), channel) for _, channel, one in received] == [
        wire.marshal(cast(Any, one), 1) for one in FRAMES
    ]


async def test_the_end_between_frames_is_an_end_and_within_one_a_break() -> None:
    octets = wire.marshal(spec.Basic.Ack(delivery_tag=3), 1)
    for come, end in ((octets, StopAsyncIteration), (octets + octets[:5], AMQPConnectionError)):
        reader = asyncio.StreamReader()
        reader.feed_data(come)
        reader.feed_eof()
        receiver = Receiver(reader)
        await receiver.get_frame()
        with pytest.raises(end):
            await receiver.get_frame()


def test_the_client_reads_with_our_receiver() -> None:
    """A new version of the client that looks for it elsewhere would read as slowly as before."""
    assert connection.FrameReceiver is Receiver
