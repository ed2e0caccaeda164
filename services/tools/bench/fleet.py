"""A fleet of senders: commands as the gateway sends them, many in flight, each until it is answered."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from aio_pika.abc import AbstractConnection

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.caller import Caller, OutcomeUnknown, ServiceUnreachable
from services.runtime.connection import ConnectionLostError, connected
from services.runtime.messages import Answer, CloudEvent, Command, encode, raw, wire_name
from services.tools.client import RefusedError

_TRIES = 10
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Act:
    """A command, who sends it, and since when it is effective: from now on, unless it is history."""

    command: Command
    actor: Actor
    effective_at: datetime | None = None

    def enveloped(self) -> CloudEvent:
        """The message, under a new id."""
        return CloudEvent(
            specversion="1.0",
            id=str(new_id()),
            source="/gateway",
            type=wire_name(type(self.command)),
            effectiveat=self.effective_at or datetime.now(UTC),
            actor=self.actor.subject,
            actororganisation=self.actor.organisation,
            actorroles=",".join(sorted(self.actor.roles)),
            data=raw(encode(self.command).decode()),
        )


class Fleet:
    """Sends over one connection, as the broker's user ``gateway``."""

    def __init__(self, caller: Caller, in_flight: int) -> None:
        self._caller = caller
        self._in_flight = in_flight

    async def send(self, act: Act) -> Answer:
        """The answer to a command that must be accepted; raises RefusedError."""
        message = act.enveloped()
        answer = await self._answer(message)
        if answer.refusal is not None:
            raise RefusedError(f"{message.type}: {answer.refusal.code}: {answer.refusal.message}")
        return answer

    async def _answer(self, message: CloudEvent) -> Answer:
        """The answer to a message; while none comes it is repeated under its id."""
        for _ in range(_TRIES):
            try:
                return await self._caller.call(message)
            except (OutcomeUnknown, ServiceUnreachable):
                await asyncio.sleep(_PAUSE_SECONDS)
        return await self._caller.call(message)

    async def send_all(self, rows: Iterable[Sequence[Act]]) -> int:
        """Sends many rows at once, the acts of one row in order; returns how many were accepted."""
        waiting = iter(rows)
        async with asyncio.TaskGroup() as group:
            senders = [group.create_task(self._send_rows(waiting)) for _ in range(self._in_flight)]
        return sum(sender.result() for sender in senders)

    async def _send_rows(self, rows: Iterator[Sequence[Act]]) -> int:
        accepted = 0
        for row in rows:
            for act in row:
                await self.send(act)
                accepted += 1
        return accepted


@asynccontextmanager
async def opened_fleet(amqp_url: str, in_flight: int) -> AsyncIterator[Fleet]:
    """A fleet on a connection of its own."""
    connection, caller = await connected(amqp_url), Caller()
    calling = asyncio.create_task(_call(caller, connection))
    try:
        while not (caller.is_connected or calling.done()):  # noqa: ASYNC110 - it says it by this flag alone
            await asyncio.sleep(_PAUSE_SECONDS)
        yield Fleet(caller, in_flight)
    finally:
        calling.cancel()
        await connection.close()


async def _call(caller: Caller, connection: AbstractConnection) -> None:
    with suppress(ConnectionLostError):
        await caller.run(connection)
