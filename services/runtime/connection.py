"""RabbitMQ: a supervised plain connection, made again whenever it breaks."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from services.runtime import telemetry
from services.runtime.tasks import together

_RETRY_SECONDS_MIN = 0.2
_RETRY_SECONDS_MAX = 5.0

log = telemetry.logger("connection")


class ConnectionLostError(ConnectionError):
    """The broker closed the connection, or it broke: what was in flight has an unknown outcome."""


OUTAGES = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, asyncio.InvalidStateError)


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
