"""Transactions for handler tests: real ones, of the service's own role, never committed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.postgres import Connection, Transaction, opened_connection
from tests.conftest import Database
from tests.handlers.ledgers import Ledger
from tests.handlers.projects import REGISTRAR, Registry, at, furnished

NOW = datetime(2026, 8, 20, 2, 0, tzinfo=UTC)

Opened = Callable[..., Awaitable[Transaction]]


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[Opened]:
    """Opens transactions: ``opened(service, actor=..., effective_at=...)``; those of one service are one."""
    connections: dict[str, Connection] = {}

    async def transaction(
        service: str, actor: Actor, effective_at: datetime = NOW, message_id: str | None = None
    ) -> Transaction:
        if service not in connections:
            connections[service] = await opened_connection(database.url(service), service)
            await connections[service].transaction().start()
        message_id = message_id or str(new_id())
        return Transaction(connections[service], message_id, actor, effective_at, NOW)

    yield transaction
    for connection in connections.values():
        await connection.close()


@pytest.fixture
async def registry(opened: Opened) -> Registry:
    """Two owners, two verification bodies, and two programmes with a methodology each."""
    return await furnished(await opened("registry", REGISTRAR, at(7, 1)))


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    """Settlement's tables, to be written by hand and read as the gateway does."""
    connection = await opened_connection(database.admin_url, "settlement")
    await connection.execute("BEGIN")
    opened = Ledger(connection)
    await opened.furnish()
    yield opened
    await connection.close()
