"""Frames: what the broker sends, many from one read, and taken before the client makes tasks of each."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from aiormq import connection, spec
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from pamqp import frame as wire
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader

AnyFrame = Frame | ContentHeader | ContentBody
Weighed = tuple[int, AnyFrame]
Received = tuple[int, int, "wire.FrameTypes"]
Take = Callable[[Frame, ContentHeader, bytes], None]

_READ_AT_ONCE = 256 * 1024
_HEADER_BYTES = 7
_NO_CONTENT = ContentHeader()
_WITH_CONTENT = (spec.Basic.Deliver, spec.Basic.Return)


class Receiver(connection.FrameReceiver):
    """The client's receiver, but for how it reads: all frames that have come, instead of three reads for each."""

    _unread = b""

    async def get_frame(self) -> Received:
        """The next frame; raises StopAsyncIteration at the end, or what the connection broke by."""
        while not self._come:
            try:
                octets = await self.reader.read(_READ_AT_ONCE)
            except OSError as lost:
                raise AMQPConnectionError(f"the connection broke: {lost!r}") from lost
            if not octets:
                raise self._ended()
            self._part(self._unread + octets)
        return self._come.popleft()

    @property
    def _come(self) -> deque[Received]:
        """Frames that are read and not asked for yet."""
        return self.__dict__.setdefault("_frames", deque())

    def _ended(self) -> Exception:
        if self._unread:
            return AMQPConnectionError(f"ended after {len(self._unread)} bytes of a frame")
        return StopAsyncIteration()

    def _part(self, octets: bytes) -> None:
        start, frames = 0, self._come
        while len(octets) - start >= _HEADER_BYTES:
            length = int.from_bytes(octets[start + 3 : start + 7], "big")
            end = start + _HEADER_BYTES + length + 1
            if end > len(octets) and not octets.startswith(b"AMQP"):
                break
            try:
                frames.append(wire.unmarshal(octets[start:end]))
            except PAMQPException as fault:
                raise InvalidFrameError(str(fault)) from fault
            start = end
        self._unread = octets[start:]


connection.FrameReceiver = Receiver


class FrameQueue(Protocol):
    """Where the client's reader puts a channel's frames, and where the channel finds them."""

    async def put(self, item: Weighed) -> None:
        """Adds a frame."""
        ...

    async def get(self) -> Weighed:
        """The next frame."""
        ...

    def task_done(self) -> None:
        """The frame is worked on."""
        ...


class TappedChannel(Protocol):
    """What a tap needs of the client's channel."""

    frames: FrameQueue


class Tap:
    """Stands where the client's reader puts a channel's frames, takes those it was told to, and passes on the rest.

    The client spends a task and three futures on every message that it delivers, and a future on every confirm.
    """

    def __init__(self, channel: TappedChannel, takes: Mapping[type[Frame], Take]) -> None:
        self._rest = channel.frames
        self._takes = takes
        self._opening: Frame | None = None
        self._header: ContentHeader | None = None
        self._body = b""
        channel.frames = self

    async def put(self, item: Weighed) -> None:
        """Called by the client's reader for each frame, in order."""
        frame = item[1]
        if self._opening is not None:
            self._go_on(self._opening, frame)
        elif type(frame) not in self._takes:
            await self._rest.put(item)
        elif isinstance(frame, _WITH_CONTENT):
            self._opening = frame
        elif isinstance(frame, Frame):
            self._takes[type(frame)](frame, _NO_CONTENT, b"")

    def _go_on(self, opening: Frame, frame: AnyFrame) -> None:
        """A header follows the opening frame, and as many bodies as the header says."""
        if isinstance(frame, ContentHeader):
            self._header = frame
        elif isinstance(frame, ContentBody):
            self._body = self._body + frame.value if self._body else frame.value
        header, body = self._header, self._body
        if header is not None and len(body) >= (header.body_size or 0):
            self._opening, self._header, self._body = None, None, b""
            self._takes[type(opening)](opening, header, body)

    async def get(self) -> Weighed:
        """What the channel itself has to work on."""
        return await self._rest.get()

    def task_done(self) -> None:
        """The channel has worked on it."""
        self._rest.task_done()
