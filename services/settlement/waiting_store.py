"""What settlement keeps of the patience with waiting trades: one function a statement."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from services.runtime import queries
from services.runtime.postgres import Pool, Transaction, columns, row, rows

sql = queries.load(Path(__file__).with_name("waiting.sql"))

Key = tuple[str, str]


class _Arrived(msgspec.Struct, frozen=True, gc=False):
    arrival: int
    venue: str
    trade_id: str


class Faults(msgspec.Struct, frozen=True, gc=False):
    """How often deciding a trade has failed, and until when it waits."""

    faults: int
    deadline: datetime


async def waiting_pages(pool: Pool, size: int) -> AsyncIterator[Sequence[Key]]:
    """All trades that wait and whose venue is not halted, in the order of arrival, so many at once."""
    after = 0
    while page := rows(_Arrived, await pool.fetch(sql["list_waiting"], after, size)):
        after = page[-1].arrival
        yield [(one.venue, one.trade_id) for one in page]


async def set_deadlines(tx: Transaction, keys: Sequence[Key], deadline: datetime) -> None:
    """These trades, which had no deadline, wait until then."""
    if keys:
        await tx.connection.execute(sql["set_deadlines"], *columns(keys), deadline)


async def count_fault(tx: Transaction, key: Key, deadline: datetime) -> Faults | None:
    """Deciding the trade failed once more; without a deadline it now waits until this one. None if it waits no more."""
    return row(Faults, await tx.connection.fetchrow(sql["count_fault"], *key, deadline))
