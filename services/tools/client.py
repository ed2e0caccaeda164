"""A client of the public contracts: GraphQL as a front end, trade messages as a venue, deposits as the bank."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import aiohttp
from aio_pika.abc import AbstractConnection

from services.runtime.connection import OUTAGES, connected
from services.runtime.messages import CloudEvent, encode, raw
from services.runtime.publishing import Outgoing, Publisher

_AT_ONCE = 12
_TRIES = 40
_PAUSE_SECONDS = 0.5
_UNAVAILABLE = "UNAVAILABLE"
_AWAY = 503


class RefusedError(Exception):
    """The market refused a command that the client needs; the message is the refusal."""


class QueryError(Exception):
    """The gateway answered a document with top-level errors."""


class ReadingAwayError(QueryError):
    """The records cannot be read at the moment."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a command, and the fields that were asked of its payload."""

    outcome: str
    approval_id: str | None
    refusals: Sequence[Mapping[str, Any]]
    payload: Mapping[str, Any]

    def require(self, *outcomes: str) -> "Answered":
        """Raises RefusedError unless the outcome is one of these."""
        if self.outcome not in outcomes:
            raise RefusedError(
                "; ".join(f"{r['code']}: {r['message']} {r['fields']}" for r in self.refusals)
            )
        return self


class Desk:
    """GraphQL over HTTP, some requests at once; an unknown outcome is repeated with the same id."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def query(
        self, document: str, token: str | None = None, **variables: object
    ) -> Mapping[str, Any]:
        """The data of a document; raises QueryError. Whoever is away for a moment is waited for."""
        for tries_left in reversed(range(_TRIES)):
            try:
                return await self._post(document, token, variables)
            except (aiohttp.ClientError, TimeoutError, ReadingAwayError):
                if not tries_left:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    async def _post(
        self, document: str, token: str | None, variables: Mapping[str, object]
    ) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": document, "variables": variables}
        async with self._places, self._session.post(self._url, json=body, headers=headers) as reply:
            answer = await reply.json(content_type=None)
        if answer.get("errors"):
            codes = {error.get("extensions", {}).get("code") for error in answer["errors"]}
            kind = ReadingAwayError if codes == {_UNAVAILABLE} else QueryError
            raise kind(str(answer["errors"]))
        return answer["data"]

    async def download(self, path: str) -> bytes:
        """What the gateway has at this path, without a login; whoever is away for a moment is waited for."""
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self._places, self._session.get(urljoin(self._url, path)) as reply:
                    reply.raise_for_status()
                    return await reply.read()
            except (aiohttp.ClientError, TimeoutError) as fault:
                status = getattr(fault, "status", _AWAY)
                if not tries_left or status != _AWAY:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    async def everything(
        self, document: str, field: str, token: str | None = None, **variables: object
    ) -> list[Mapping[str, Any]]:
        """All nodes of a connection, page after page; the document takes ``$after``."""
        nodes: list[Mapping[str, Any]] = []
        after: str | None = None
        while True:
            page = (await self.query(document, token, after=after, **variables))[field]
            nodes += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]

    async def command(
        self,
        name: str,
        token: str,
        command_id: UUID,
        effective_at: datetime | None = None,
        selecting: str = "",
        /,
        **fields: object,
    ) -> Answered:
        """Sends a mutation and repeats it, with its id, while nobody can say what became of it."""
        kind = name[0].upper() + name[1:] + "Input"
        document = (
            f"mutation($input: {kind}!) {{ {name}(input: $input) {{"
            f" outcome approvalId errors {{ code category message fields {{ name value }} }} {selecting} }} }}"
        )
        given = {"id": str(command_id), **fields}
        if effective_at is not None:
            given["effectiveAt"] = effective_at.isoformat()
        payload = (await self.query(document, token, input=given))[name]
        for _ in range(_TRIES):
            if not any(refusal["category"] == _UNAVAILABLE for refusal in payload["errors"]):
                break
            await asyncio.sleep(_PAUSE_SECONDS)
            payload = (await self.query(document, token, input=given))[name]
        return Answered(payload["outcome"], payload["approvalId"], payload["errors"], payload)


@asynccontextmanager
async def opened_desk(url: str) -> AsyncIterator[Desk]:
    """A desk with a connection pool of its own."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Desk(session, url)


class Sender:
    """Publishes as one user of the broker, with confirms; after a broken connection on a new one."""

    def __init__(self, amqp_url: str, user: str) -> None:
        self._amqp_url = amqp_url
        self._user = user
        self._connection: AbstractConnection | None = None
        self._publisher: Publisher | None = None

    async def send(self, exchange: str, messages: Sequence[tuple[str, CloudEvent]]) -> None:
        """Publishes these messages by routing key, in order; returns when all are confirmed."""
        outgoings = [self._outgoing(exchange, key, event) for key, event in messages]
        for tries_left in reversed(range(_TRIES)):
            try:
                await self._send(outgoings)
            except OUTAGES:
                if not tries_left:
                    raise
                await self.close()
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def close(self) -> None:
        """Closes the connection, if one is open."""
        connection, self._connection, self._publisher = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*OUTAGES):
                await connection.close()

    async def _send(self, outgoings: Sequence[Outgoing]) -> None:
        if self._publisher is None:
            self._connection = await connected(self._amqp_url)
            self._publisher = await Publisher.open(self._connection)
        for failure in await self._publisher.publish_many(outgoings):
            if failure is not None:
                raise failure

    def _outgoing(self, exchange: str, routing_key: str, event: CloudEvent) -> Outgoing:
        return Outgoing(
            exchange=exchange,
            routing_key=routing_key,
            body=encode(event),
            message_id=event.id,
            user_id=self._user,
        )


@asynccontextmanager
async def opened_sender(amqp_url: str, user: str) -> AsyncIterator[Sender]:
    """A sender whose connection is closed at the end."""
    sender = Sender(amqp_url, user)
    try:
        yield sender
    finally:
        await sender.close()


def reported(source: str, kind: str, event_id: str, time: datetime, content: object) -> CloudEvent:
    """A CloudEvent as a venue or the bank sends it."""
    return CloudEvent(
        specversion="1.0",
        id=event_id,
        source=source,
        type=kind,
        time=time,
        datacontenttype="application/json",
        data=raw(encode(content).decode()),
    )
