"""A TCP proxy whose connections can be cut as a broken network would, without a word to either side."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 256 * 1024
_BROKEN = OSError, RuntimeError
"""The second is what uvloop raises where a transport was closed meanwhile."""


class Proxy:
    """Passes bytes on to one server; while it is cut, nobody gets through."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._writers: set[StreamWriter] = set()
        self._is_cut = False

    async def cut(self, seconds: float) -> int:
        """Breaks every connection and refuses new ones for so long; returns how many were broken."""
        self._is_cut = True
        broken = len(self._writers) // 2
        for writer in [*self._writers]:
            writer.transport.abort()
        await asyncio.sleep(seconds)
        self._is_cut = False
        return broken

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Passes one connection on until either side ends it."""
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            self._writers -= both


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Until the source ends; then the target is told so, or is cut too."""
    with suppress(*_BROKEN):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with suppress(*_BROKEN):
        writer.close()


@asynccontextmanager
async def opened_proxy(host: str, port: int) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy before this server, with the port on which it listens."""
    proxy = Proxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await proxy.cut(0)
