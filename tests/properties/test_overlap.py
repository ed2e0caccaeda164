"""The database itself: no serial in two places whoever writes, no way back from the end, no right to rewrite."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.kernel.ids import new_id
from services.runtime.postgres import Connection, Pool, opened_connection, opened_pool
from services.tools.auditor import invariants
from tests.conftest import Database

SIZE, WRITERS = 1000, 50
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    """Settlement's own role, with an account and a programme."""
    async with opened_pool(scratch.url("settlement"), "settlement", size=10) as opened:
        await opened.execute(
            "INSERT INTO account (number, account_id, organisation_id, kind)"
            " VALUES ('ACC-O', $1, $1, 'OWNER')",
            new_id(),
        )
        await opened.execute("INSERT INTO programme VALUES ('OVERLAP', 'NATIONAL', true)")
        yield opened


@pytest.fixture
async def batch(pool: Pool) -> UUID:
    """A batch of 1000 serials that nobody holds yet."""
    batch_id = new_id()
    await pool.execute(
        "INSERT INTO batch VALUES ($1, 'OVERLAP', 'CN', $2, 2024, 1, 1, $3, false, now())",
        batch_id,
        f"O{next(_numbers)}",
        1 + SIZE,
    )
    return batch_id


async def test_of_concurrent_writers_of_overlapping_blocks_the_database_refuses_all_but_apart_ones(
    pool: Pool, batch: UUID
) -> None:
    chance = random.Random(24)
    starts = [chance.randint(1, SIZE - 40) for _ in range(WRITERS)]

    outcomes = await asyncio.gather(
        *(_hold(pool, batch, first, first + chance.randint(1, 40)) for first in starts)
    )

    held = await _held(pool, batch)
    assert 1 < len(held) == outcomes.count(None) < WRITERS
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(held))
    assert {type(outcome) for outcome in outcomes} <= {
        type(None),
        asyncpg.ExclusionViolationError,
        asyncpg.UniqueViolationError,
    }


async def test_a_writer_waits_for_another_of_the_same_batch_and_is_then_refused(
    pool: Pool, batch: UUID
) -> None:
    """However the two are timed: the second looks at its neighbors only when the first has committed."""
    async with pool.acquire() as connection, connection.transaction():
        await _insert(connection, batch, 1, 100)
        second = asyncio.create_task(_hold(pool, batch, 50, 60))
        await asyncio.wait([second], timeout=0.2)
        assert not second.done()

    assert isinstance(await second, asyncpg.ExclusionViolationError)
    assert await _held(pool, batch) == [(1, 100)]


async def test_rule_24_parallel_splits_of_fifty_writers_leave_no_overlap_and_no_gap(
    pool: Pool, batch: UUID
) -> None:
    """The writers read without a lock, as the worst of programs would."""
    await _hold(pool, batch, 1, 1 + SIZE)

    outcomes = await asyncio.gather(*(_split(pool, batch, seed) for seed in range(WRITERS)))

    held = await _held(pool, batch)
    assert len(held) == 1 + outcomes.count(None) > 2
    assert held[0][0] == 1
    assert held[-1][1] == 1 + SIZE
    assert all(one[1] == other[0] for one, other in itertools.pairwise(held))
    broken = await pool.fetch(invariants("settlement")["every_serial_in_exactly_one_place"])
    assert [row for row in broken if row["batch_id"] == batch] == []


@pytest.mark.parametrize(
    ("first", "following"),
    [
        (0, 10),
        (-5, 10),
        (SIZE, SIZE + 2),
        (1, SIZE + 2),
        (300, 400),
        (301, 302),
        (299, 301),
        (399, 401),
    ],
)
async def test_a_block_beside_its_batch_or_on_another_is_refused(
    pool: Pool, batch: UUID, first: int, following: int
) -> None:
    await _hold(pool, batch, 300, 400)

    assert isinstance(
        await _hold(pool, batch, first, following), asyncpg.IntegrityConstraintViolationError
    )
    assert await _held(pool, batch) == [(300, 400)]


async def test_blocks_that_touch_are_apart(pool: Pool, batch: UUID) -> None:
    for first, following in ((300, 400), (400, 401), (299, 300), (1, 2), (SIZE, SIZE + 1)):
        assert await _hold(pool, batch, first, following) is None


async def test_a_block_cannot_grow_over_its_neighbour(pool: Pool, batch: UUID) -> None:
    await _hold(pool, batch, 1, 10)
    await _hold(pool, batch, 10, 20)

    with pytest.raises(asyncpg.ExclusionViolationError):
        await pool.execute(
            "UPDATE holding SET next_serial = 11 WHERE batch_id = $1 AND first_serial = 1", batch
        )


async def test_overlap_within_one_statement_is_refused(pool: Pool, batch: UUID) -> None:
    with pytest.raises(asyncpg.ExclusionViolationError):
        await pool.execute(
            "INSERT INTO holding VALUES ($1, 1, 100, 'ACC-O', 'registry', NULL),"
            " ($1, 50, 60, 'ACC-O', 'registry', NULL)",
            batch,
        )


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
async def test_a_writer_who_cannot_see_its_neighbours_is_refused(
    pool: Pool, batch: UUID, isolation: str
) -> None:
    """At these levels the check would look at the books as they were when the transaction began."""
    async with pool.acquire() as connection:
        await connection.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        await connection.fetch("SELECT FROM holding")
        assert await _hold(pool, batch, 1, 100) is None
        with pytest.raises(asyncpg.InvalidTransactionStateError):
            await _insert(connection, batch, 50, 60)
        await connection.execute("ROLLBACK")

    assert await _held(pool, batch) == [(1, 100)]


@pytest.mark.parametrize("bucket", ["retired", "cancelled"])
@pytest.mark.parametrize("who", ["settlement", "administrator"])
async def test_what_is_retired_or_cancelled_never_comes_back(
    pool: Pool, scratch: Database, batch: UUID, bucket: str, who: str
) -> None:
    await pool.execute("INSERT INTO holding VALUES ($1, 1, 100, 'ACC-O', $2, NULL)", batch, bucket)
    url = scratch.admin_url if who == "administrator" else scratch.url("settlement")
    connection = await opened_connection(url, "settlement")
    statements = [
        "UPDATE holding SET bucket = 'registry' WHERE batch_id = $1",
        "UPDATE holding SET next_serial = 50 WHERE batch_id = $1",
        "DELETE FROM holding WHERE batch_id = $1",
    ]

    for statement in statements:
        with pytest.raises(
            (asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)
        ):
            await connection.execute(statement, batch)

    await connection.close()
    assert await _held(pool, batch) == [(1, 100)]


async def _hold(pool: Pool, batch: UUID, first: int, following: int) -> Exception | None:
    try:
        async with pool.acquire() as connection:
            await _insert(connection, batch, first, following)
    except asyncpg.PostgresError as refusal:
        return refusal
    return None


async def _insert(connection: Connection, batch: UUID, first: int, following: int) -> None:
    await connection.execute(
        "INSERT INTO holding VALUES ($1, $2, $3, 'ACC-O', 'registry', NULL)",
        batch,
        first,
        following,
    )


async def _split(pool: Pool, batch: UUID, seed: int) -> Exception | None:
    """Shortens a block to a random cut and writes its tail, on what an unlocked read has said."""
    chance = random.Random(seed)
    try:
        async with pool.acquire() as connection, connection.transaction():
            blocks = await connection.fetch(
                "SELECT first_serial, next_serial FROM holding WHERE batch_id = $1 AND next_serial > first_serial + 1",
                batch,
            )
            first, following = chance.choice(blocks)
            cut = chance.randint(first + 1, following - 1)
            await asyncio.sleep(chance.random() / 50)
            await connection.execute(
                "UPDATE holding SET next_serial = $3 WHERE batch_id = $1 AND first_serial = $2",
                batch,
                first,
                cut,
            )
            await _insert(connection, batch, cut, following)
    except asyncpg.PostgresError as refusal:
        return refusal
    return None


async def _held(pool: Pool, batch: UUID) -> list[tuple[int, int]]:
    rows = await pool.fetch(
        "SELECT first_serial, next_serial FROM holding WHERE batch_id = $1 ORDER BY first_serial",
        batch,
    )
    return [(row["first_serial"], row["next_serial"]) for row in rows]
