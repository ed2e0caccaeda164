"""Database sessions: what a commit promises and how long anything may take, whatever the server is set to."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime import migrate
from services.runtime.postgres import opened_connection, opened_pool
from tests.conftest import Database


@pytest.fixture
async def loose(scratch: Database) -> AsyncIterator[str]:
    """The address of a database whose administrator does not ask for commits on disk."""
    administrator = await asyncpg.connect(scratch.admin_url)
    role = migrate.role("settlement")
    await administrator.execute(f"ALTER ROLE {role} SET synchronous_commit = off")
    yield scratch.url("settlement")
    await administrator.execute(f"ALTER ROLE {role} RESET synchronous_commit")
    await administrator.close()


async def test_a_commit_is_on_disk_whatever_the_server_is_set_to(loose: str) -> None:
    """A message is acknowledged after the commit: what a power cut undoes would be gone for good."""
    plain = await asyncpg.connect(loose)
    assert await plain.fetchval("SHOW synchronous_commit") == "off"
    await plain.close()

    connection = await opened_connection(loose, "settlement")
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()
    async with opened_pool(loose, "settlement", size=1) as pool:
        assert await pool.fetchval("SHOW synchronous_commit") == "on"


@pytest.mark.parametrize(
    "setting", ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"]
)
async def test_nothing_waits_for_ever(scratch: Database, setting: str) -> None:
    async with opened_pool(scratch.url("settlement"), "settlement", size=1) as pool:
        milliseconds = await pool.fetchval(
            "SELECT setting::int FROM pg_settings WHERE name = $1", setting
        )
    assert 0 < milliseconds <= 10_000
