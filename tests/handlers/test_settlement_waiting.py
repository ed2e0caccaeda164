"""The patience with trades that cannot be decided yet: on a name, behind a halt, or because deciding them fails."""

from collections.abc import AsyncIterator

import pytest

from services.runtime.postgres import Pool, opened_pool
from services.settlement.waiting import FAULTS_MIN
from tests.conftest import Database
from tests.handlers.deliveries import account
from tests.handlers.desk import Desk, failing

NEXT_DAY = {"executed_at": "2021-03-02T10:00:00+08:00"}


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("settlement"), "settlement", size=4) as opened:
        yield opened


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    """A market; after each test all invariants hold, and nothing waits any more."""
    desk = Desk(pool)
    await desk.furnish()
    yield desk
    assert await desk.broken() == {}
    await pool.execute("DELETE FROM waiting_trade")


async def overdue(desk: Desk) -> None:
    """The time of all that waits at the venue is up."""
    sql = "UPDATE waiting_trade SET deadline = now() WHERE venue = $1 AND deadline IS NOT NULL"
    await desk.pool.execute(sql, desk.name)


async def test_after_a_halt_a_trade_on_an_unknown_name_has_the_usual_patience(desk: Desk) -> None:
    newcomer = f"{desk.name}-N"
    await desk.report(desk.trade())
    await desk.close()  # a count of nothing halts the venue
    early = desk.trade(**NEXT_DAY, buyer_account=newcomer)
    never = desk.trade(**NEXT_DAY, buyer_account=f"{desk.name}-NOBODY")
    await desk.report(early, never)

    await desk.clear()
    await desk.sweep()

    assert await desk.states(early, never) == ["WAITING"] * 2
    await desk.report(fresh := desk.trade(**NEXT_DAY))
    assert await desk.states(fresh) == ["CAPTURED"]
    await desk.learn(*account(newcomer))
    await desk.deposit(newcomer, 100)
    await overdue(desk)
    await desk.sweep()
    assert await desk.states(early, never) == ["CAPTURED", "UNKNOWN"]


async def test_a_trade_that_always_faults_is_rejected_and_its_venue_goes_on(
    scratch: Database, desk: Desk
) -> None:
    await desk.report(first := desk.trade())
    await desk.close()
    poison, sound = desk.trade(**NEXT_DAY, quantity=7), desk.trade(**NEXT_DAY, quantity=8)
    await desk.report(poison, sound)
    await desk.clear()
    bad = f"NEW.venue = '{desk.name}' AND NEW.quantity = 7"

    async with failing(scratch, desk, "INSERT ON captured_trade", bad):
        for _ in range(FAULTS_MIN):
            await desk.sweep()
            assert await desk.states(poison, sound) == ["WAITING", "CAPTURED"]
        await overdue(desk)
        await desk.sweep()

    assert await desk.states(poison) == ["TRADE_NOT_DECIDABLE"]
    [said] = await desk.said("trade.rejected")
    assert int(said["fields"]["faults"]) > FAULTS_MIN
    await desk.close(sound, day="2021-03-02")
    for day in ("2021-03-01", "2021-03-02"):
        await desk.confirm(day)
    await desk.sweep()
    assert await desk.states(first, sound) == ["SETTLED"] * 2


async def test_few_faults_reject_no_trade_however_late_it_is(scratch: Database, desk: Desk) -> None:
    newcomer = f"{desk.name}-N"
    await desk.report(late := desk.trade(buyer_account=newcomer))
    await desk.learn(*account(newcomer))
    await desk.deposit(newcomer, 100)
    await overdue(desk)

    bad = f"NEW.buyer_account = '{newcomer}'"
    async with failing(scratch, desk, "INSERT ON captured_trade", bad):
        for _ in range(FAULTS_MIN - 1):
            await desk.sweep()

    await desk.sweep()
    assert await desk.states(late) == ["CAPTURED"]


async def test_a_trade_behind_many_that_cannot_be_decided_yet_is_decided(
    desk: Desk, pool: Pool
) -> None:
    newcomer = f"{desk.name}-N"
    await desk.report(*(desk.trade(buyer_account=f"{desk.name}-NOBODY") for _ in range(1_001)))
    await desk.report(last := desk.trade(buyer_account=newcomer))
    await desk.learn(*account(newcomer))
    await desk.deposit(newcomer, 100)

    await desk.sweep()

    assert await desk.states(last) == ["CAPTURED"]
