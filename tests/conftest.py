"""What tests share: a migrated database, and one running stack with a client of its whole market."""

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.runtime import migrate
from services.tools import auditor
from services.tools.launcher.ports import free_port
from services.tools.launcher.postgres_server import postgres_program, prepared_server
from services.tools.launcher.programs import Program
from services.tools.stack import SERVICES, Stack, running_stack
from tests.market import Market, opened_market


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database and the passwords of its login roles."""

    admin_url: str
    passwords: Mapping[str, str]

    def url(self, service: str) -> str:
        """The address for a service's own role, or the gateway's."""
        admin = urlsplit(self.admin_url)
        login = f"{migrate.role(service)}:{self.passwords[service]}"
        return admin._replace(netloc=f"{login}@{admin.hostname}:{admin.port}").geturl()


@pytest.fixture(scope="session")
async def database() -> AsyncIterator[Database]:
    """A database brought to this version."""
    passwords = {name: secrets.token_hex(8) for name in (*migrate.SERVICES, migrate.GATEWAY)}
    async with postgres() as admin_url:
        await migrate.migrate(admin_url, passwords)
        yield Database(admin_url, passwords)


@pytest.fixture(scope="session")
async def scratch(database: Database) -> AsyncIterator[Database]:
    """A second database on the same server, for tests that commit."""
    async with new_database(database) as made:
        yield made


@asynccontextmanager
async def new_database(database: Database) -> AsyncIterator[Database]:
    """Another database on the same server, brought to this version."""
    name = f"scratch_{secrets.token_hex(4)}"
    admin_url = urlsplit(database.admin_url)._replace(path=f"/{name}").geturl()
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        await migrate.migrate(admin_url, database.passwords)
        yield Database(admin_url, database.passwords)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """All processes on a real PostgreSQL and RabbitMQ; trades wait only a moment for unknown names."""
    environment = {"TONNE_WAITING_SECONDS": "3"}
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_stack(
            folder, fast=True, services=SERVICES, environment=environment
        ) as running:
            yield running


@pytest.fixture(scope="session")
async def market(stack: Stack) -> AsyncIterator[Market]:
    """A client of everything in the stack, with programmes, methodologies and venues in place."""
    async with opened_market(stack) as opened:
        yield opened


@pytest.fixture
async def sound_books(stack: Stack) -> AsyncIterator[None]:
    """No invariant of any service is broken at the instant after the test."""
    yield
    broken = await auditor.broken_invariants(stack.database_urls)
    assert {name: rows for name, rows in broken.items() if rows} == {}


@asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    """The address of a server for tests; a private one ends with them."""
    named = os.environ.get("TONNE_TEST_ADMIN_URL")
    if named:
        yield named
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        port, password = free_port(), secrets.token_hex(8)
        server = prepared_server(folder, folder, port=port, password=password, is_fast=True)
        program = postgres_program(server)
        process = _started(program)
        try:
            await _ready(program)
            yield server.url()
        finally:
            process.send_signal(program.stop_signal)
            process.wait(10)


def _started(program: Program) -> subprocess.Popen[bytes]:
    account = program.account
    return subprocess.Popen(
        program.argv,
        env=dict(program.environment),
        cwd=program.folder,
        stderr=subprocess.DEVNULL,
        user=account.user_id if account else None,
        group=account.group_id if account else None,
        extra_groups=[] if account else None,
    )


async def _ready(program: Program) -> None:
    for _ in range(600):
        if await program.is_ready():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{program.name} is not ready")
