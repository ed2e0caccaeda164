"""Locks of the ledger: always in one order, so that writers of the same books queue up and none is ever in a circle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import SYSTEM
from services.kernel.ids import new_id
from services.runtime import inbox
from services.runtime.consumer import Done, Later
from services.runtime.deliveries import Delivery
from services.runtime.messages import CloudEvent, encode, raw, wire_name
from services.runtime.postgres import Pool, Transaction, opened_pool
from services.settlement.bank import bank_work
from services.settlement.handlers import SERVICE
from services.settlement.ledger import Instrument
from services.settlement.messages.holdings import MoveFromVenue
from services.settlement.obligation_handlers import miss_deadlines
from services.settlement.store import lock_books
from tests.conftest import Database
from tests.handlers.deliveries import account, cash, delivery
from tests.handlers.desk import Desk
from tests.handlers.emitters import Emitter

SIZE, MIDDLE = 20, 7
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    patient = {"lock_timeout": "10s"}
    url = scratch.url("settlement")
    async with opened_pool(url, "settlement", size=6, settings=patient) as opened:
        await opened.execute("INSERT INTO programme VALUES ('LOCKS', 'NATIONAL', true)")
        yield opened


@pytest.fixture(scope="module")
async def administrator(scratch: Database) -> AsyncIterator[Pool]:
    """May lock any row, and sees who waits."""
    async with opened_pool(scratch.admin_url, "settlement", size=4) as opened:
        yield opened


async def test_accounts_are_locked_in_the_order_of_their_numbers_in_whatever_order_they_are_given(
    pool: Pool, administrator: Pool
) -> None:
    numbers = await _accounts(pool)
    shuffled = [numbers[place * 7 % SIZE] for place in range(SIZE)]

    locked = await _locked_behind(
        administrator, "account", "number", numbers, _lock(pool, shuffled, instruments=[])
    )

    assert locked == numbers[: MIDDLE + 1]


async def test_batches_are_locked_in_the_order_of_their_ids(
    pool: Pool, administrator: Pool
) -> None:
    project, batches = f"LOCKS-{next(_numbers)}", sorted(new_id() for _ in range(SIZE))
    for number, batch_id in enumerate(reversed(batches), start=1):
        await pool.execute(
            "INSERT INTO batch VALUES ($1, 'LOCKS', 'CN', $2, 2024, $3, 1, 10, false, now())",
            batch_id,
            project,
            number,
        )

    wanted = _lock(pool, [], instruments=[Instrument(project, 2024)])
    locked = await _locked_behind(administrator, "batch", "batch_id", batches, wanted)

    assert locked == batches[: MIDDLE + 1]


async def test_what_the_bank_reports_of_many_accounts_locks_them_in_order_before_it_books_any(
    pool: Pool, administrator: Pool
) -> None:
    """Two deliveries that name the same accounts in opposite orders would else wait for each other for ever."""
    numbers = await _accounts(pool)
    reports = [cash(number, 100) for number in reversed(numbers)]

    locked = await _locked_behind(
        administrator, "account", "number", numbers, bank_work(pool)(reports)
    )

    assert locked == numbers[: MIDDLE + 1]


async def test_a_command_that_needs_what_another_holds_leaves_the_ones_before_it_to_commit(
    pool: Pool, administrator: Pool
) -> None:
    """Else whoever waits for those, and holds what this one needs, would wait for it in a circle."""
    desk = await _trading(pool)
    work = inbox.commands_work(SERVICE, pool)
    sent = [await _moving(desk, account) for account in (desk.seller, desk.buyer, desk.seller)]
    async with administrator.acquire() as other, other.transaction():
        await other.execute("SELECT FROM account WHERE number = $1 FOR UPDATE", desk.buyer)
        async with asyncio.timeout(3):
            first, *rest = await work(sent)
        assert isinstance(first, Done)
        assert rest == [Later(), Later()]
    assert [type(one) for one in await work(sent)] == [Done, Done, Done]
    assert await desk.tonnes(desk.seller, "registry") == 2
    assert await desk.tonnes(desk.buyer, "registry") == 1


async def test_commands_of_many_accounts_and_trades_between_them_never_wait_in_a_circle(
    pool: Pool,
) -> None:
    desk = await _trading(pool)
    work = inbox.commands_work(SERVICE, pool)
    for _ in range(8):
        sent = [await _moving(desk, account) for account in (desk.seller, desk.buyer)]
        trades = [desk.trade() for _ in range(5)]
        verdicts, _ = await asyncio.gather(work(sent), desk.report(*trades))
        assert isinstance(verdicts[0], Done)
        assert await desk.states(*trades) == ["SETTLED"] * 5


async def _trading(pool: Pool) -> Desk:
    """Both parties have credits and cash at the venue; the buyer's account is locked before the seller's."""
    desk = Desk(pool)
    await desk.furnish(cycle="IMMEDIATE")
    await desk.deposit(desk.seller, 10**6)
    await desk.report(desk.trade(quantity=100))
    assert desk.buyer < desk.seller
    return desk


async def _moving(desk: Desk, account: str) -> Delivery:
    """The owner moves a tonne from the venue."""
    command = MoveFromVenue(
        move_id=new_id(),
        account=account,
        venue=desk.name,
        project=desk.name,
        vintage=2024,
        tonnes=1,
    )
    sql = "SELECT organisation_id FROM account WHERE number = $1"
    envelope = CloudEvent(
        specversion="1.0",
        id=str(new_id()),
        source="/gateway",
        type=wire_name(MoveFromVenue),
        effectiveat=datetime.now(UTC),
        actor="owner-1",
        actorroles="owner-operator",
        actororganisation=await desk.pool.fetchval(sql, account),
        data=raw(encode(command).decode()),
    )
    return delivery(encode(envelope), envelope.id, "gateway")


async def test_obligations_that_are_missed_are_locked_in_the_order_of_their_accounts(
    pool: Pool, administrator: Pool
) -> None:
    numbers = await _accounts(pool)
    for number in reversed(numbers):
        await _owes(pool, number, LONG_AGO)

    locked = await _locked_behind(administrator, "obligation", "account", numbers, _miss(pool))

    assert locked == numbers[: MIDDLE + 1]


async def test_what_is_owed_is_read_under_its_lock_after_those_of_account_and_batch(
    pool: Pool, administrator: Pool
) -> None:
    """Issuance tells of less while the last allowances are surrendered: what was due before counts no more."""
    emitter = Emitter(pool, pool)
    await emitter.furnish()
    await emitter.owes(100)
    await emitter.allowances(100)
    async with administrator.acquire() as other:
        async with other.transaction():
            lower = "UPDATE obligation SET due = 90 WHERE account = $1"
            await other.execute(lower, emitter.account)
            surrender = asyncio.ensure_future(emitter.surrender(100))
            await _until_waiting(administrator, other.get_server_pid(), surrender)
            async with administrator.acquire() as probe:
                for table, key in (("account", "number"), ("batch", "first_holder")):
                    free = f"SELECT FROM {table} WHERE {key} = $1 FOR UPDATE SKIP LOCKED"
                    assert await probe.fetch(free, emitter.account) == [], table
        assert await surrender == "MORE_THAN_DUE"


async def _owes(pool: Pool, number: str, deadline: datetime) -> None:
    await pool.execute(
        "INSERT INTO obligation VALUES ($1, 1998, 1, 10, 0, $2, '{1998}', NULL, 'P', false,"
        " 'NOTIFIED', 0, 0, NULL)",
        number,
        deadline,
    )
    await pool.execute(
        "INSERT INTO obligation_version VALUES ($1, 1998, 1, 10, 0, now(), now())", number
    )


async def _miss(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection, "locks", SYSTEM, LONG_AGO, datetime.now(UTC))
        await miss_deadlines(tx)


async def _accounts(pool: Pool) -> list[str]:
    """Accounts that settlement has heard of, in the order of their numbers."""
    prefix = f"LOCKS-{next(_numbers)}"
    numbers = [f"{prefix}-{place:02d}" for place in range(SIZE)]
    desk = Desk(pool)
    await desk.learn(*(account(number)[0] for number in reversed(numbers)))
    return numbers


async def _lock(pool: Pool, accounts: list[str], instruments: list[Instrument]) -> None:
    now = datetime.now(UTC)
    async with pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection, "locks", SYSTEM, now, now)
        await lock_books(tx, accounts, instruments)


async def _locked_behind(
    administrator: Pool,
    table: str,
    column: str,
    keys: list[str] | list[UUID],
    writing: Awaitable[object],
) -> list[object]:
    """Which of these rows are locked, in their order, when a writer waits for the one in the middle."""
    async with administrator.acquire() as holder:
        async with holder.transaction():
            held = f"SELECT FROM {table} WHERE {column} = $1 FOR UPDATE"
            await holder.execute(held, keys[MIDDLE])
            writer = asyncio.ensure_future(writing)
            await _until_waiting(administrator, holder.get_server_pid(), writer)
            async with administrator.acquire() as probe, probe.transaction():
                free = await probe.fetch(
                    f"SELECT {column} AS key FROM {table} WHERE {column} = ANY ($1)"
                    " FOR UPDATE SKIP LOCKED",
                    keys,
                )
        await writer
    return [key for key in keys if key not in {one["key"] for one in free}]


async def _until_waiting(administrator: Pool, holder: int, writer: asyncio.Future[Any]) -> None:
    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))"
    async with asyncio.timeout(10):
        while not await administrator.fetchval(waiting, holder):
            assert not writer.done(), "the writer went past a row that another has locked"
            await asyncio.sleep(0.02)
