"""Pipes to the broker, one for each user: any bytes go in, and again on a new connection until they are confirmed."""

import asyncio
import functools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby

from services.runtime.connection import OUTAGES, connected
from services.runtime.messages import encode
from services.runtime.publishing import Outgoing, Publisher
from services.tools.chaos.poison import Dose
from services.tools.chaos.sent import Message
from services.tools.client import Sender, opened_sender

_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 0.5


class Pipes:
    """Senders by user; whoever sends in a given order has it kept."""

    def __init__(self, senders: Mapping[str, Sender], urls: Mapping[str, str]) -> None:
        self._senders = senders
        self._urls = urls

    async def send(self, messages: Sequence[Message]) -> None:
        """Publishes in this order; messages of one user in a row go together."""
        for (user, exchange), run in groupby(messages, key=lambda one: (one.user, one.exchange)):
            batch = [(one.routing_key, one.event) for one in run]
            sender = self._senders[user]
            await _until_confirmed(functools.partial(sender.send, exchange, batch))

    async def pour(self, doses: Sequence[Dose]) -> None:
        """Publishes bytes that no sender of ours would make."""
        for user, run in groupby(sorted(doses, key=lambda one: one.user), key=lambda one: one.user):
            outgoings = [_outgoing(dose) for dose in run]
            await _until_confirmed(functools.partial(self._pour, user, outgoings))

    async def _pour(self, user: str, outgoings: Sequence[Outgoing]) -> None:
        connection = await connected(self._urls[user])
        try:
            publisher = await Publisher.open(connection)
            for failure in await publisher.publish_many(outgoings):
                if failure is not None:
                    raise failure
        finally:
            await connection.close()


async def _until_confirmed(publish: Callable[[], Awaitable[None]]) -> None:
    """Publishes again and again; the last outage is raised when patience is over."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await publish()
        except OUTAGES:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _outgoing(dose: Dose) -> Outgoing:
    return Outgoing(
        exchange=dose.exchange,
        routing_key=dose.routing_key,
        body=dose.body,
        message_id=secrets.token_hex(8),
        user_id=dose.user_id,
    )


def body_of(message: Message) -> bytes:
    """The bytes that are published."""
    return encode(message.event)


@asynccontextmanager
async def opened_pipes(urls: Mapping[str, str], users: Sequence[str]) -> AsyncIterator[Pipes]:
    """Pipes for venues and the bank."""
    async with AsyncExitStack() as opened:
        senders = {
            user: await opened.enter_async_context(opened_sender(urls[user], user))
            for user in users
        }
        yield Pipes(senders, urls)
