"""What an account sold net, as a carry-over counts it: settled trades of the vintages in the days, none corrected."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from services.kernel.ids import new_id
from services.runtime.postgres import Pool, Transaction, opened_pool
from services.settlement import conversion_store
from services.settlement.messages.holdings import CorrectPosting
from tests.conftest import Database
from tests.emitting import CARRY_OVER
from tests.handlers.desk import Desk
from tests.handlers.emitters import REGISTRAR
from tests.handlers.test_settlement_conversions import REQUESTED


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("settlement"), "settlement", size=4) as opened:
        yield opened


async def test_only_settled_trades_that_were_not_corrected_are_sales(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.furnish(cycle="IMMEDIATE")
    corrected = desk.trade(quantity=30)
    counted = [desk.trade(quantity=70), corrected, desk.back(quantity=9)]
    outside = [
        desk.trade(quantity=500, executed_at="2021-02-28T23:59:59+08:00"),
        desk.trade(quantity=1_000, executed_at="2021-03-02T00:00:00+08:00"),
    ]
    rejected = desk.trade(quantity=20_000)
    await desk.report(*counted, *outside, rejected)
    states = await desk.states(*counted, *outside, rejected)
    assert states == [*["SETTLED"] * 5, "NOT_ENOUGH_CREDITS"]
    posting = f"trade/{desk.name}/{corrected['trade_id']}"
    await desk.act(CorrectPosting(correction_id=new_id(), posting=posting, reason="typing error"))

    first, last = date(2021, 3, 1), date(2021, 3, 1)
    day = timedelta(days=1)
    assert await net_sold(desk, desk.seller, first, last) == 61
    assert await net_sold(desk, desk.buyer, first, last) == -61
    assert await net_sold(desk, desk.seller, first - day, last) == 561
    assert await net_sold(desk, desk.seller, first, last + day) == 1_061
    assert await net_sold(desk, desk.seller, first, last, vintages=(2023,)) == 0
    assert await net_sold(desk, desk.fees, first, last) == 0
    assert await desk.broken() == {}


async def test_what_is_captured_and_not_settled_is_no_sale(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.furnish()
    trade, day = desk.trade(quantity=10), date(2021, 3, 1)
    await desk.report(trade)
    assert await desk.states(trade) == ["CAPTURED"]
    assert await net_sold(desk, desk.seller, day, day) == 0
    await desk.close(trade)
    await desk.confirm()
    await desk.sweep()
    assert await net_sold(desk, desk.seller, day, day) == 10


async def net_sold(
    desk: Desk, account: str, since: date, until: date, vintages: tuple[int, ...] = (2024,)
) -> int:
    """What the account sold of the desk's instrument in these days, as a carry-over counts it."""
    terms = msgspec.structs.replace(
        CARRY_OVER, sold_since=since, sold_until=until, source_vintages=vintages
    )
    asked = msgspec.structs.replace(REQUESTED, account=account, source_project=desk.name)
    now = datetime.now(UTC)
    async with desk.pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection, "read", REGISTRAR, now, now)
        return (await conversion_store.get_stand(tx, asked, terms)).net_sold
