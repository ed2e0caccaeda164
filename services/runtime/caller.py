"""The caller: sends commands and waits for their answers, many in flight on one channel (direct reply-to)."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import PublishError

from services.kernel.refusals import Category, Refusal
from services.runtime import telemetry
from services.runtime.connection import OUTAGES, ConnectionLostError
from services.runtime.messages import Answer, CloudEvent, decode_answer, encode
from services.runtime.publishing import Outgoing, Publisher

REPLY_TO = "amq.rabbitmq.reply-to"
ANSWER_TIMEOUT_SECONDS = 10.0

log = telemetry.logger("caller")


@dataclass(eq=False)
class OutcomeUnknown(Refusal):
    """No answer came in time, so the outcome is unknown: repeat the command with the same id."""

    category: ClassVar[Category] = "UNAVAILABLE"
    command_id: str


@dataclass(eq=False)
class ServiceUnreachable(Refusal):
    """The command was not sent, because the broker or the service is away: repeat it with the same id."""

    category: ClassVar[Category] = "UNAVAILABLE"
    command_id: str


class Caller:
    """Lives as long as the process; between two connections it refuses at once instead of waiting."""

    def __init__(self) -> None:
        self._publisher: Publisher | None = None
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._publishing: set[asyncio.Task[None]] = set()

    async def run(self, connection: AbstractConnection) -> None:
        """Calls go over this connection until its channel ends; who waits then cannot know the outcome."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        replies = await channel.get_queue(REPLY_TO, ensure=False)
        await replies.consume(self._take, no_ack=True)
        self._publisher = Publisher(channel)
        try:
            await channel.closed()
            raise ConnectionLostError("the channel of the caller was closed")
        finally:
            self._publisher = None
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_exception(ConnectionLostError("connection lost before the answer"))

    @property
    def is_connected(self) -> bool:
        """Whether a call would be sent."""
        return self._publisher is not None

    async def call(
        self, command: CloudEvent, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
    ) -> Answer:
        """The answer to the command; raises OutcomeUnknown or ServiceUnreachable, and either may be repeated."""
        publisher = self._publisher
        if publisher is None:
            raise ServiceUnreachable(command.id)
        correlation_id = secrets.token_hex(16)
        answered = self._waiting[correlation_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._publish(publisher, _request(command, correlation_id))
                return await answered
        except PublishError:
            raise ServiceUnreachable(command.id) from None
        except OUTAGES as outage:
            log.warning("no answer", command=command.type, id=command.id, reason=repr(outage))
            raise OutcomeUnknown(command.id) from None
        finally:
            del self._waiting[correlation_id]

    async def _publish(self, publisher: Publisher, request: Outgoing) -> None:
        """A publish is never cancelled, whatever becomes of its caller: that would confuse the confirms."""
        task = asyncio.create_task(publisher.publish(request))
        self._publishing.add(task)
        task.add_done_callback(self._published)
        await asyncio.shield(task)

    def _published(self, task: asyncio.Task[None]) -> None:
        self._publishing.discard(task)
        if not task.cancelled() and isinstance(task.exception(), TimeoutError):
            log.warning("confirm missing")

    async def _take(self, message: AbstractIncomingMessage) -> None:
        """An answer that nobody waits for any more is dropped: the command's repeat brings it again."""
        answered = self._waiting.get(message.correlation_id or "")
        if answered is None or answered.done():
            return
        try:
            answered.set_result(decode_answer(message.body))
        except msgspec.MsgspecError as fault:
            answered.set_exception(fault)


def _request(command: CloudEvent, correlation_id: str) -> Outgoing:
    """The message id is the correlation id: two calls with one command id must differ for the broker client."""
    return Outgoing(
        exchange="tonne.commands",
        routing_key=command.type,
        body=encode(command),
        message_id=correlation_id,
        reply_to=REPLY_TO,
        correlation_id=correlation_id,
    )
