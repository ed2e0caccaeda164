"""A front end for tests: posts documents to the gateway, and listens on its sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
from strawberry.utils.str_converters import to_camel_case

from services.gateway.limits import graphql_schema
from services.gateway.schema import schema
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Command, wire_name
from services.tools.stack import Stack
from tests.wire import APPROVER, REGISTRAR

PROTOCOL = "graphql-transport-ws"
_ANSWER = (
    "commandId outcome subject approvalId errors { code category message fields { name value } }"
)


KINDS: Any = graphql_schema(schema).type_map
_CALLED = {
    "registry.open_day": "openRegistryDay",
    "issuance.open_day": "openIssuanceDay",
    "settlement.open_day": "openSettlementDay",
}
"""Mutations that are not called like their commands, because two services have one of that name."""


def mutation_of(command: type[Command]) -> str:
    """The mutation that sends messages of this kind."""
    name = wire_name(command)
    return _CALLED.get(name, to_camel_case(name.split(".")[1]))


def _camel(value: Any) -> Any:
    """JSON with its keys as GraphQL spells them."""
    if isinstance(value, dict):
        return {to_camel_case(name): _camel(one) for name, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, list | tuple) else value


class Graph:
    """One HTTP session with the gateway of a stack."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._session = session

    async def post(self, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """The status and the answer to a body as it is."""
        async with self._session.post(
            self._stack.graphql_url, json=body, headers=headers
        ) as response:
            return response.status, await response.json(content_type=None)

    async def ask(
        self, document: str, actor: Actor | None = None, **variables: object
    ) -> dict[str, Any]:
        """The whole answer to a document, errors too."""
        body = {"query": document, "variables": variables}
        _, answer = await self.post(body, **self.headers(actor))
        return answer

    async def read(
        self, document: str, actor: Actor | None = None, **variables: object
    ) -> dict[str, Any]:
        """The data of a document that must not fail."""
        answer = await self.ask(document, actor, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def tell(
        self,
        mutation: str,
        actor: Actor | None,
        given: Mapping[str, object],
        command_id: UUID | None = None,
        selecting: str = "",
    ) -> dict[str, Any]:
        """The payload of a mutation."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = f"mutation ($i: {kind}!) {{ {mutation}(input: $i) {{ {_ANSWER} {selecting} }} }}"
        whole = {"id": str(command_id or new_id()), **given}
        return (await self.read(document, actor, i=whole))[mutation]

    async def say(
        self,
        command: Command,
        actor: Actor | None,
        *,
        selecting: str = "",
        command_id: UUID | None = None,
        effective_at: datetime | None = None,
    ) -> dict[str, Any]:
        """The payload of the mutation that sends this message; what it makes has the command's id."""
        mutation = mutation_of(type(command))
        taken = KINDS[f"{mutation[0].upper()}{mutation[1:]}Input"].fields
        given = _camel(msgspec.to_builtins(command))
        made = [UUID(value) for name, value in given.items() if name not in {*taken, "type"}]
        content = {name: value for name, value in given.items() if name in taken}
        if effective_at is not None:
            content["effectiveAt"] = effective_at.isoformat()
        own_id = command_id or (made[0] if made else None)
        return await self.tell(mutation, actor, content, own_id, selecting)

    async def accepted(
        self,
        command: Command,
        actor: Actor | None = REGISTRAR,
        *,
        days_ago: int = 0,
        selecting: str = "",
    ) -> dict[str, Any]:
        """The payload of a mutation that must take effect, now or so many days ago."""
        effective_at = datetime.now(UTC) - timedelta(days=days_ago) if days_ago else None
        payload = await self.say(command, actor, selecting=selecting, effective_at=effective_at)
        assert payload["outcome"] == "ACCEPTED", payload
        return payload

    async def approved(self, command: Command, actor: Actor = REGISTRAR) -> dict[str, Any]:
        """The payload of the second person's approval of a command that needs one."""
        asked = await self.say(command, actor)
        assert asked["outcome"] == "PENDING", asked
        done = await self.tell("approve", APPROVER, {"approvalId": asked["approvalId"]})
        assert done["outcome"] == "ACCEPTED", done
        return done

    def headers(self, actor: Actor | None) -> dict[str, str]:
        """What proves this actor."""
        return {"Authorization": f"Bearer {self.token(actor)}"} if actor else {}

    def token(self, actor: Actor) -> str:
        """The issuer's token for this actor."""
        return self._stack.token(actor.subject, actor.organisation, *sorted(actor.roles))

    @asynccontextmanager
    async def socket(
        self, payload: Mapping[str, object] | None = None, protocol: str = PROTOCOL, **headers: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A socket; with a payload it is initialised with that."""
        async with self._session.ws_connect(
            self._stack.graphql_url, protocols=[protocol], headers=headers
        ) as socket:
            if payload is not None:
                await socket.send_json({"type": "connection_init", "payload": payload})
                assert (await socket.receive_json(timeout=5))["type"] == "connection_ack"
            yield socket

    @asynccontextmanager
    async def listening(
        self, document: str, actor: Actor | None = None, **variables: object
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A socket on which the subscription runs."""
        payload = {"authorization": f"Bearer {self.token(actor)}"} if actor else {}
        async with self.socket(payload) as socket:
            await subscribe(socket, "1", document, variables)
            yield socket


async def subscribe(
    socket: aiohttp.ClientWebSocketResponse,
    number: str,
    document: str,
    variables: Mapping[str, object],
) -> None:
    """Starts an operation, and returns when the gateway has read everything sent so far."""
    await start(socket, number, document, variables)
    await socket.send_json({"type": "ping"})
    assert (await socket.receive_json(timeout=5))["type"] == "pong"


async def start(
    socket: aiohttp.ClientWebSocketResponse,
    number: str,
    document: str,
    variables: Mapping[str, object] | None = None,
) -> None:
    """Starts an operation."""
    body = {"query": document, "variables": variables or {}}
    await socket.send_json({"id": number, "type": "subscribe", "payload": body})


async def until_told(socket: aiohttp.ClientWebSocketResponse, wanted: Mapping[str, object]) -> None:
    """Reads updates until one of them says this; what came before may have been told late."""
    while True:
        message = await socket.receive_json(timeout=15)
        [update] = message["payload"]["data"].values()
        if update == wanted:
            return
