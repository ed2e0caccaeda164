"""PostgreSQL: the pool, the transaction that handlers get, and which failures are outages."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from services.kernel.actors import Actor

if TYPE_CHECKING:
    # What a pool lends is a proxy with the connection's whole interface; generic only in the stubs.
    Connection = (
        asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    )
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection, Pool = asyncpg.Connection, asyncpg.Pool
Row = TypeVar("Row")

_SESSION = {
    "timezone": "UTC",
    "lock_timeout": "2s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",
    # A plan is kept: one that was made while a table was small must not read it whole when it has grown.
    "enable_seqscan": "off",
    # Memory or flash: else the first few rows in order are dearer than all of them, gathered by page and sorted.
    "random_page_cost": "1.1",
    # What has to be read whole all the same is reckoned as dearer than anything: it would be compiled at every plan.
    "jit": "off",
}

OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.CannotConnectNowError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,
)
"""What passes by itself and says nothing about the message: wait and try the same work again."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One database transaction and the circumstances of the message that is handled in it."""

    connection: Connection
    message_id: str
    actor: Actor
    effective_at: datetime
    recorded_at: datetime
    approved_by: str | None = None


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=str)
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )


@asynccontextmanager
async def opened_pool(
    url: str, schema: str, size: int = 8, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Pool]:
    """A pool whose sessions see one schema and have timeouts on everything; at the end closed, if need be by force."""
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=_prepare,
        server_settings=_SESSION | {"search_path": schema, **(settings or {})},
        timeout=5,
        command_timeout=15,
    )
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def opened_connection(url: str, schema: str) -> Connection:
    """One connection of its own, outside any pool: for locks that last as long as the session."""
    settings = _SESSION | {"search_path": schema}
    connection = await asyncpg.connect(url, timeout=5, command_timeout=15, server_settings=settings)
    await _prepare(connection)
    return connection


def rows(kind: type[Row], records: Sequence[asyncpg.Record]) -> list[Row]:
    """Records as values of a dataclass whose field names are the column names."""
    return [kind(**dict(record)) for record in records]


def row(kind: type[Row], record: asyncpg.Record | None) -> Row | None:
    """One record as a value, or None."""
    return None if record is None else rows(kind, [record])[0]


def columns(found: Iterable[Sequence[object]]) -> list[list[object]]:
    """Rows turned into parallel arrays, as ``unnest`` takes them."""
    return [list(column) for column in zip(*found, strict=True)]


async def copied(
    tx: Transaction, table: str, names: Sequence[str], new: Sequence[Sequence[object]]
) -> None:
    """Appends many rows by COPY, which costs both sides less than INSERT; constraints and triggers hold as ever."""
    if new:
        await tx.connection.copy_records_to_table(table, records=new, columns=names)
