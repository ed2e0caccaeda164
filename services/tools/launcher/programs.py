"""What the supervisor can run, and how it sees that a program is ready."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
from aio_pika.exceptions import AMQPError

from services.tools.launcher.places import Account

Probe = Callable[[], Awaitable[bool]]

_PROBE_TIMEOUT_SECONDS = 2
_LOOPBACK, _AMQP_PORT = "127.0.0.1", 5672


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program: how to start it, how to see that it is ready, how to end it."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    is_ready: Probe
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    ready_timeout_seconds: float = 60
    stop_timeout_seconds: float = 15


async def answers(port: int, question: bytes, expected: bytes, host: str = _LOOPBACK) -> bool:
    """Whether what listens on the port answers the question with bytes that begin as expected."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(question)
                return await reader.readexactly(len(expected)) == expected
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False


def listening(port: int) -> Probe:
    """Ready when something accepts connections."""
    return lambda: answers(port, b"", b"")


async def accepts_user(amqp_url: str) -> bool:
    """Whether the broker lets this user in."""
    parts = urlsplit(amqp_url)
    # Asked first, because the client writes every failure to the log.
    if not await answers(parts.port or _AMQP_PORT, b"", b"", parts.hostname or _LOOPBACK):
        return False
    try:
        connection = await aio_pika.connect(amqp_url, timeout=_PROBE_TIMEOUT_SECONDS)
        await connection.close()
    except (OSError, TimeoutError, AMQPError):
        return False
    return True


def reporting_ready(port: int) -> Probe:
    """Ready when ``/readyz`` says so."""
    request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    return lambda: answers(port, request, b"HTTP/1.1 200")
