"""The two servers of a stack: private ones, or those that the environment names, migrated and declared."""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec

from services.runtime import migrate, topology
from services.tools.contracts import command_names
from services.tools.launcher import given, postgres_server, rabbitmq_server
from services.tools.launcher.faults import MigrationRefusedError, ServerMissingError
from services.tools.launcher.places import write_private
from services.tools.launcher.ports import free_port
from services.tools.launcher.supervisor import OnLine, Supervisor, together

Content = TypeVar("Content")

_ROLES = (*migrate.SERVICES, migrate.GATEWAY)
_ADMIN, _OBSERVER = "admin", "observer"
_SECRETS_FILE, _PORTS_FILE = "secrets.json", "ports.json"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of a stack are, for everyone who may enter."""

    admin_database_url: str
    database_urls: Mapping[str, str]
    amqp_urls: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Passwords:
    """The random passwords of one stack."""

    superuser: str
    roles: Mapping[str, str]
    users: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The circumstances of one start."""

    supervisor: Supervisor
    folder: Path
    cache: Path
    is_fast: bool
    say: OnLine


async def running_servers(start: Start) -> Servers:
    """Both servers, side by side: PostgreSQL migrated, RabbitMQ with its topology."""
    passwords = stack_passwords(start.folder)
    ports = _chosen_ports(start.folder)
    database_urls, amqp_urls = await together(
        _postgres(start, ports["postgres"], passwords), _rabbitmq(start, ports, passwords.users)
    )
    return Servers(database_urls.pop(_ADMIN), database_urls, amqp_urls)


async def _postgres(start: Start, port: int, passwords: Passwords) -> dict[str, str]:
    """The database's address for each role and for the administrator, once it is migrated."""
    url = os.environ.get("TONNE_DATABASE_URL")
    if not url:
        url = await _private_postgres(start, port, passwords.superuser)
    for name in await migrated(url, passwords.roles):
        start.say("launcher", f"migrated {name}")
    roles = passwords.roles.items()
    return {_ADMIN: url} | {
        name: given.with_user(url, migrate.role(name), word) for name, word in roles
    }


async def _private_postgres(start: Start, port: int, password: str) -> str:
    server = await asyncio.to_thread(
        postgres_server.prepared_server,
        start.folder,
        start.cache,
        port=port,
        password=password,
        is_fast=start.is_fast,
    )
    if server.folder.parent != start.folder:
        start.say(
            "launcher", f"the servers may not work in {start.folder}: data in {server.folder}"
        )
    await start.supervisor.start([postgres_server.postgres_program(server)])
    return server.url()


async def migrated(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Brings the database to this version; returns what was applied, or raises what to do about it."""
    try:
        return await migrate.migrate(admin_url, passwords)
    except (OSError, TimeoutError) as fault:
        raise ServerMissingError(
            f"PostgreSQL at {given.without_password(admin_url)} does not answer: {fault}",
            "start it, or unset TONNE_DATABASE_URL to get a private one",
        ) from fault
    except (migrate.SchemaMismatchError, asyncpg.PostgresError) as refusal:
        raise MigrationRefusedError(
            f"The database could not be migrated: {refusal}",
            "deploy/tonne reset, or deploy/tonne migrate --print for what an administrator runs",
        ) from refusal


async def _rabbitmq(
    start: Start, ports: Mapping[str, int], words: Mapping[str, str]
) -> dict[str, str]:
    """The broker's address for each user, once the broker knows them."""
    definitions = topology.definitions(words, command_names())
    existing = os.environ.get("TONNE_AMQP_URL")
    place = existing or f"amqp://127.0.0.1:{ports['amqp']}"
    urls = {
        name: given.with_user(place, name, word, topology.VHOST) for name, word in words.items()
    }
    if existing:
        await given.ensure_topology(existing, definitions, urls[_OBSERVER])
    else:
        await _private_rabbitmq(start, ports, definitions, urls[_OBSERVER])
    return urls


async def _private_rabbitmq(
    start: Start, ports: Mapping[str, int], definitions: Mapping[str, object], known_url: str
) -> None:
    server = await asyncio.to_thread(
        rabbitmq_server.prepared_server,
        start.folder,
        start.cache,
        ports=ports,
        is_fast=start.is_fast,
    )
    rabbitmq_server.write_configuration(server, definitions)
    await start.supervisor.start([rabbitmq_server.mapper_program(server)])
    await start.supervisor.start([rabbitmq_server.broker_program(server, known_url)])


def stack_passwords(folder: Path) -> Passwords:
    """The passwords of the stack in this folder, made the first time and completed when a name is new."""
    path = folder / _SECRETS_FILE
    known = _read(path, dict[str, dict[str, str]])
    wanted = {"superuser": ["postgres"], "roles": _ROLES, "users": topology.users()}
    words = {
        part: {name: known.get(part, {}).get(name) or secrets.token_urlsafe(24) for name in names}
        for part, names in wanted.items()
    }
    if words != known:
        write_private(path, json.dumps(words, indent=1))
    return Passwords(words["superuser"]["postgres"], words["roles"], words["users"])


def _chosen_ports(folder: Path) -> dict[str, int]:
    """The ports of the last start where they are still free, so that addresses stay."""
    path = folder / _PORTS_FILE
    last = _read(path, dict[str, int])
    names = ("postgres", "amqp", "mapper", "distribution")
    ports = {name: free_port(last.get(name)) for name in names}
    write_private(path, json.dumps(ports))
    return ports


def _read(path: Path, kind: type[Content]) -> Content:
    return msgspec.json.decode(path.read_bytes() if path.exists() else b"{}", type=kind)
