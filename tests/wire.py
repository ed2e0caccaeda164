"""A tester's connections to a running stack: speaks as every user of the broker and waits for what others do."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from aio_pika.abc import AbstractConnection, HeadersType

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime import connection
from services.runtime.caller import Caller
from services.runtime.connection import ConnectionLostError
from services.runtime.deliveries import Delivery, Subscription, exclusive_subscription
from services.runtime.messages import Answer, CloudEvent, Command, encode, raw, wire_name
from services.runtime.postgres import Pool
from services.runtime.publishing import Outgoing, Publisher
from services.tools.stack import Stack

REGISTRAR = Actor("rita.registrar", None, frozenset({"registrar"}))
APPROVER = Actor("ada.approver", None, frozenset({"approver"}))

PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.02
_PUBLISHERS = ("bank", "operator", "CBGEX", "HZ-PILOT")
_DEAD = ("settlement.trades.dead", "settlement.bank.dead")

Found = TypeVar("Found")


async def eventually(
    find: Callable[[], Awaitable[Found]], seconds: float = PATIENCE_SECONDS
) -> Found:
    """What is found, as soon as it is something true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await find()):  # noqa: ASYNC110 - it is another process that acts
            await asyncio.sleep(_POLL_SECONDS)
    return found


@dataclass
class Wire:
    """A hand on a running stack; one for all tests of a session, with new names for each."""

    stack: Stack
    database: Pool = field(repr=False)
    caller: Caller = field(repr=False)
    connections: Mapping[str, AbstractConnection] = field(repr=False)
    publishers: Mapping[str, Publisher] = field(repr=False)
    events: list[CloudEvent] = field(default_factory=list, repr=False)
    """Every event that the broker has told since the start."""
    dead: list[Delivery] = field(default_factory=list, repr=False)
    """Every dead letter of settlement since the start."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _run: str = field(default_factory=lambda: secrets.token_hex(3).upper())

    def unique(self, prefix: str) -> str:
        """A name that no other test uses."""
        return f"{prefix}-{self._run}-{next(self._numbers)}"

    async def send(
        self,
        command: Command,
        actor: Actor = REGISTRAR,
        *,
        command_id: UUID | str | None = None,
        effective_at: datetime | None = None,
    ) -> Answer:
        """The service's answer to a command, whatever it is."""
        return await self.caller.call(
            enveloped(command, actor, str(command_id or new_id()), effective_at)
        )

    async def accepted(self, command: Command, actor: Actor = REGISTRAR) -> Answer:
        """The answer to a command that must be accepted, or wait for its approval."""
        answer = await self.send(command, actor)
        assert answer.refusal is None, answer.refusal
        return answer

    async def publish(
        self, user: str, exchange: str, routing_key: str, body: bytes, *, user_id: str | None
    ) -> None:
        """Publishes with a confirm, as this user of the broker."""
        await self.publishers[user].publish(outgoing(exchange, routing_key, body, user_id))

    async def until(self, sql: str, *args: object, seconds: float = PATIENCE_SECONDS) -> Any:
        """Asks the database until it answers with something true."""
        return await eventually(lambda: self.database.fetchval(sql, *args), seconds)

    async def told(self, kind: str, subject: str) -> CloudEvent:
        """Waits until the broker has told an event of this type about this subject."""

        async def heard() -> list[CloudEvent]:
            return self.heard(kind, subject)

        return (await eventually(heard))[0]

    def heard(self, kind: str, subject: str) -> list[CloudEvent]:
        """The events of this type about this subject that the broker has told so far."""
        return [event for event in self.events if (event.type, event.subject) == (kind, subject)]

    async def buried(self, body: bytes) -> HeadersType:
        """Waits for the dead letter with this body; returns its headers."""
        return (await self.buried_where(lambda letter: letter.body == body)).message.headers

    async def buried_where(self, is_meant: Callable[[Delivery], bool]) -> Delivery:
        """Waits for a dead letter of which this is true."""

        async def found() -> list[Delivery]:
            return [letter for letter in self.dead if is_meant(letter)]

        return (await eventually(found))[0]


AnyWire = TypeVar("AnyWire", bound=Wire)


def outgoing(exchange: str, routing_key: str, body: bytes, user_id: str | None) -> Outgoing:
    """A message of this body, to be published by anyone."""
    return Outgoing(
        exchange=exchange,
        routing_key=routing_key,
        body=body,
        message_id=secrets.token_hex(8),
        user_id=user_id,
    )


def enveloped(
    command: Command, actor: Actor, command_id: str, effective_at: datetime | None = None
) -> CloudEvent:
    """The command as the gateway would send it for this actor."""
    return CloudEvent(
        specversion="1.0",
        id=command_id,
        source="/gateway",
        type=wire_name(type(command)),
        effectiveat=effective_at or datetime.now(UTC),
        actor=actor.subject,
        actororganisation=actor.organisation,
        actorroles=",".join(sorted(actor.roles)),
        data=raw(encode(command).decode()),
    )


def content(event: CloudEvent) -> dict[str, Any]:
    """What an event says."""
    return msgspec.json.decode(event.data)


def cloud_event(source: str, kind: str, data: object, event_id: str) -> bytes:
    """A CloudEvent as an outsider writes it: plain JSON, by no code of ours."""
    return msgspec.json.encode(
        {"specversion": "1.0", "id": event_id, "source": source, "type": kind, "data": data}
    )


@asynccontextmanager
async def opened_wire(kind: type[AnyWire], stack: Stack) -> AsyncIterator[AnyWire]:
    """Connections for everyone who speaks, and ears for all that is told."""
    async with AsyncExitStack() as closing:
        database = await closing.enter_async_context(
            asyncpg.create_pool(stack.admin_database_url, min_size=1, max_size=4, init=_prepare)
        )
        connections: dict[str, AbstractConnection] = {}
        for user in ("gateway", "observer", *_PUBLISHERS):
            connections[user] = await connection.connected(stack.amqp_urls[user])
            closing.push_async_callback(connections[user].close)
        publishers = {user: await Publisher.open(connections[user]) for user in _PUBLISHERS}
        wire = kind(stack, database, Caller(), connections, publishers)
        listening = [
            _call(wire.caller, connections["gateway"]),
            _listen(connections["observer"], wire.events),
            *(_collect_dead(connections["operator"], queue, wire.dead) for queue in _DEAD),
        ]
        tasks = [asyncio.create_task(each) for each in listening]
        try:
            await eventually(lambda: asyncio.sleep(0, wire.caller.is_connected))
            yield wire
        finally:
            for task in tasks:
                task.cancel()


async def _call(caller: Caller, connection: AbstractConnection) -> None:
    with suppress(ConnectionLostError):
        await caller.run(connection)


async def _listen(connection: AbstractConnection, events: list[CloudEvent]) -> None:
    subscription = await exclusive_subscription(connection, "observer", "tonne.events", ["#"])
    while True:
        deliveries = await subscription.next_batch(100, None)
        events += [msgspec.json.decode(one.body, type=CloudEvent) for one in deliveries]


async def _collect_dead(connection: AbstractConnection, queue: str, dead: list[Delivery]) -> None:
    subscription = await Subscription.open(connection, queue, prefetch=2000)
    while True:
        dead += await subscription.next_batch(100, None)


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=msgspec.json.encode, decoder=msgspec.json.decode
    )
