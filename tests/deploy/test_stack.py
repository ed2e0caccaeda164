"""Private servers: several at once, restarted with their data, and gone at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from services.tools.launcher.faults import AlreadyRunningError
from services.tools.launcher.leftovers import launcher_of
from services.tools.launcher.places import remove_data
from services.tools.stack import Stack, running_stack
from tests.deploy.traces import processes_with


@asynccontextmanager
async def servers() -> AsyncIterator[Stack]:
    """Only the two servers of a stack."""
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with running_stack(folder, fast=True, services=()) as stack:
            yield stack
        remove_data(folder)


async def told(stack: Stack, sql: str) -> object:
    """The first value of the answer, asked as administrator."""
    connection = await asyncpg.connect(stack.admin_database_url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_two_stacks_run_side_by_side_and_leave_nothing() -> None:
    """Each has its own ports and data; a second start in the same folder is refused."""
    async with servers() as one, servers() as other:
        assert one.admin_database_url != other.admin_database_url
        assert one.amqp_urls.keys() == other.amqp_urls.keys()
        assert launcher_of(one.folder)
        with pytest.raises(AlreadyRunningError, match="deploy/tonne down"):
            await running_stack(one.folder, services=()).__aenter__()
        assert {"postgres", "rabbitmq", "epmd"} <= one.children.keys()
        folders = one.folder, other.folder
    assert [processes_with(str(folder)) for folder in folders] == [[], []]
    assert not any(folder.exists() for folder in folders)


async def test_killed_servers_come_back_with_their_data() -> None:
    """What was committed before kill -9 is there after it."""
    async with servers() as stack:
        await told(stack, "CREATE TABLE kept AS SELECT 7 AS number")
        for name in ("postgres", "rabbitmq", "epmd"):
            before = stack.pid(name)
            await stack.kill(name)
            await stack.wait_until_ready(name)
            assert stack.pid(name) != before
        assert await told(stack, "SELECT number FROM kept") == 7


async def test_database_finds_words_in_chinese() -> None:
    """Trigrams see Chinese only if the database's locale does."""
    async with servers() as stack:
        await told(stack, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
        assert await told(stack, "SELECT cardinality(show_trgm('并网光热发电'))") == 7
        assert await told(stack, "SELECT '并网光热发电' LIKE '%光热%'")


async def test_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a start ends what was started."""
    start = asyncio.create_task(running_stack(tmp_path, services=()).__aenter__())
    await asyncio.sleep(1.5)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    remove_data(tmp_path)
    assert processes_with(str(tmp_path)) == []
