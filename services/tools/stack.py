"""One running market in a folder: PostgreSQL, RabbitMQ, three services and the gateway, under one supervisor."""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from services.tools.launcher.faults import NotRunningError
from services.tools.launcher.issuer import AUDIENCE, ISSUER, JWKS_FILE, prepared_key, signed_token
from services.tools.launcher.leftovers import end_leftovers, held_folder
from services.tools.launcher.places import (
    CHECKOUT,
    cache_folder,
    require_room,
    write_private,
)
from services.tools.launcher.ports import free_port
from services.tools.launcher.programs import Program, reporting_ready
from services.tools.launcher.servers import Servers, Start, running_servers
from services.tools.launcher.supervisor import Child, OnLine, Supervisor, supervised

SERVICES = ("registry", "issuance", "settlement", "gateway")
"""The processes that a stack runs."""

_STATE_FILE = "stack.json"
# The administrator's rights are the launcher's alone.
_LAUNCHER_VARIABLES = ("TONNE_DATABASE_URL", "TONNE_AMQP_URL", "TONNE_AMQP_ADMIN_URL")


Detour = Callable[[Servers], Awaitable[Servers]]
"""Where the processes find the servers, if they shall not reach them directly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where everything of a running market is, and a hand on its processes."""

    folder: Path
    graphql_url: str
    admin_database_url: str
    database_urls: Mapping[str, str]
    """By service and ``gateway``: the URL with that role."""
    amqp_urls: Mapping[str, str]
    """By user of the broker."""
    health_urls: Mapping[str, str]
    """By process: where ``/healthz``, ``/readyz`` and ``/metrics`` are."""
    issuer_key: Path
    children: Mapping[str, Child] = field(default_factory=dict[str, Child])
    """By name; empty when the stack runs under another launcher."""

    async def kill(self, name: str) -> None:
        """Kills the process without warning; the supervisor starts it again."""
        await self.children[name].kill()

    async def stop(self, name: str) -> None:
        """Stops the process for as long as ``start`` is not called."""
        await self.children[name].stop()

    async def start(self, name: str) -> None:
        """Starts a stopped process; returns when it is ready."""
        await self.children[name].start()

    async def wait_until_ready(self, name: str) -> None:
        """Returns when the process is ready, after a kill for instance."""
        await self.children[name].wait_until_ready()

    def pid(self, name: str) -> int | None:
        """The process number, or None while it is down."""
        return self.children[name].pid

    def token(self, subject: str, organisation: UUID | str | None, *roles: str) -> str:
        """A bearer token for this person."""
        return signed_token(self.issuer_key, subject, organisation, roles)


def silent(_name: str, _line: str) -> None:
    """For stacks whose logs are read from their files only."""


@asynccontextmanager
async def running_stack(
    folder: Path,
    *,
    port: int | None = None,
    fast: bool = False,
    services: Sequence[str] = SERVICES,
    environment: Mapping[str, str] | None = None,
    on_line: OnLine | None = None,
    detour: Detour | None = None,
) -> AsyncIterator[Stack]:
    """A market that is ready for work; at the end everything is stopped and the data stays in the folder.

    Without a port the gateway takes a free one. ``fast`` gives up what a power cut would need: for tests.
    ``environment`` is what every process is told beside its own settings.
    """
    folder = folder.resolve()
    say = on_line or silent
    with held_folder(folder):
        require_room(folder)
        for name in end_leftovers(folder):
            say("launcher", f"ended {name}, left behind by an earlier start")
        async with supervised(folder, say) as supervisor:
            start = Start(
                supervisor=supervisor, folder=folder, cache=cache_folder(), is_fast=fast, say=say
            )
            servers = await running_servers(start)
            reached = await detour(servers) if detour else servers
            stack = await _with_processes(
                supervisor,
                servers,
                reached,
                folder,
                port or free_port(),
                services,
                environment or {},
            )
            write_private(folder / _STATE_FILE, json.dumps(_as_json(stack), indent=1))
            try:
                yield stack
            finally:
                (folder / _STATE_FILE).unlink(missing_ok=True)


async def _with_processes(
    supervisor: Supervisor,
    servers: Servers,
    reached: Servers,
    folder: Path,
    port: int,
    services: Sequence[str],
    environment: Mapping[str, str],
) -> Stack:
    key = prepared_key(folder)
    ports = {name: port if name == "gateway" else free_port() for name in services}
    programs = [_program(name, reached, folder, ports[name], environment) for name in services]
    await supervisor.start(programs)
    return Stack(
        folder=folder,
        graphql_url=f"http://127.0.0.1:{port}/graphql",
        admin_database_url=servers.admin_database_url,
        database_urls=servers.database_urls,
        amqp_urls=servers.amqp_urls,
        health_urls={name: f"http://127.0.0.1:{number}" for name, number in ports.items()},
        issuer_key=key,
        children=supervisor.children,
    )


def _program(
    name: str, servers: Servers, folder: Path, port: int, told: Mapping[str, str]
) -> Program:
    inherited = {k: v for k, v in os.environ.items() if k not in _LAUNCHER_VARIABLES}
    settings = (
        _gateway_settings(servers, folder, port)
        if name == "gateway"
        else {
            "TONNE_ADMIN_PORT": str(port),
            "TONNE_DATABASE_URL": servers.database_urls[name],
        }
    )
    return Program(
        name=name,
        argv=(sys.executable, "-P", "-m", f"services.{name}"),
        environment={"TONNE_LOG": "text"}
        | inherited
        | settings
        | {
            "TONNE_AMQP_URL": servers.amqp_urls[name],
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
        }
        | dict(told),
        folder=folder,
        is_ready=reporting_ready(port),
    )


def _gateway_settings(servers: Servers, folder: Path, port: int) -> dict[str, str]:
    reads = {
        f"TONNE_{service.upper()}_READ_URL": servers.database_urls["gateway"]
        for service in SERVICES
        if service != "gateway"
    }
    return reads | {
        "TONNE_HOST": "127.0.0.1",
        "TONNE_PORT": str(port),
        "TONNE_JWKS": str(folder / JWKS_FILE),
        "TONNE_TOKEN_ISSUER": ISSUER,
        "TONNE_TOKEN_AUDIENCE": AUDIENCE,
    }


def _as_json(stack: Stack) -> dict[str, object]:
    return {
        "graphql_url": stack.graphql_url,
        "admin_database_url": stack.admin_database_url,
        "database_urls": dict(stack.database_urls),
        "amqp_urls": dict(stack.amqp_urls),
        "health_urls": dict(stack.health_urls),
    }


def attached_stack(folder: Path) -> Stack:
    """The stack that another launcher runs in this folder; raises NotRunningError if none does."""
    try:
        state = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotRunningError(f"Nothing is running in {folder}", "deploy/up") from None
    return Stack(folder=folder, issuer_key=prepared_key(folder), **state)
