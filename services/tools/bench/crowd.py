"""A crowd of holdings that nobody trades: whether trades settle as fast beside millions of them as beside none."""

from contextlib import suppress
from pathlib import Path

import asyncpg

from services.kernel.ids import derived_id
from services.runtime import queries
from services.runtime.postgres import Connection
from services.tools.bench.rounds import say

BLOCK_TONNES = 10
BLOCKS_A_BATCH = 50_000

sql = queries.load(Path(__file__).with_name("crowd.sql"))


async def crowded(database: Connection, blocks: int) -> None:
    """Puts so many holdings into settlement's books, which stay true, and tidies up as autovacuum would."""
    say(f"putting {blocks:,} holdings beside those that are traded")
    await database.execute("SET search_path = settlement")
    with suppress(asyncpg.InsufficientPrivilegeError):
        # Spares a check for every row; whether the books are true, the invariants say afterwards.
        await database.execute("SET session_replication_role = replica")
    for number in range(-(-blocks // BLOCKS_A_BATCH)):
        count = min(BLOCKS_A_BATCH, blocks - number * BLOCKS_A_BATCH)
        await _crowd(database, number, count)
    await database.execute("RESET session_replication_role")
    await database.execute("VACUUM (ANALYZE)")
    await database.execute("CHECKPOINT")


async def _crowd(database: Connection, number: int, blocks: int) -> None:
    batch_id = derived_id("bench", "crowd", number)
    async with database.transaction():
        await database.execute(sql["insert_batch"], batch_id, number + 1, blocks * BLOCK_TONNES)
        await database.execute(sql["insert_holdings"], batch_id, blocks, BLOCK_TONNES)
        await database.execute(sql["insert_entries"], batch_id)
