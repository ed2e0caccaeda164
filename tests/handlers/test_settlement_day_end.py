"""The end of a venue's day against a real database: holds, both confirmations, cancellations, halts and failures."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.kernel.refusals import Refusal
from services.runtime.consumer import Dead
from services.runtime.postgres import Pool, opened_pool
from services.settlement.day_end import settle_confirmed
from tests.conftest import Database
from tests.handlers.deliveries import account, report
from tests.handlers.desk import Desk, failing


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("settlement"), "settlement", size=4) as opened:
        yield opened


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    """A market that settles at the end of the day; after each test all invariants hold."""
    desk = Desk(pool)
    await desk.furnish()
    yield desk
    assert await desk.broken() == {}


async def test_a_captured_trade_holds_both_legs_and_is_told(desk: Desk) -> None:
    trade = desk.trade(quantity=10, price="2.00")

    await desk.report(trade, trade)

    assert await desk.states(trade) == ["CAPTURED"]
    assert await desk.cash(desk.buyer) == (10**9, 2_000, 0)
    assert await desk.cash(desk.seller) == (0, 0, 2_000)
    assert await desk.tonnes(desk.seller, "reserved") == 10
    [said] = await desk.said("trade.captured")
    assert (said["trade_id"], said["amount_fen"]) == (trade["trade_id"], 2_000)


@pytest.mark.parametrize("confirmations", ["none", "the venue's", "the registry's", "both"])
async def test_rule_19_a_day_settles_after_both_confirmations(
    desk: Desk, confirmations: str
) -> None:
    trades = [desk.trade(quantity=1), desk.trade(quantity=2)]
    await desk.report(*trades)
    if confirmations == "the registry's":
        with pytest.raises(Refusal) as refused:  # a day is confirmed once it is closed
            await desk.confirm()
        assert refused.value.code() == "DAY_NOT_CLOSED"
    if confirmations in ("the venue's", "both"):
        await desk.close(*trades)
    if confirmations == "both":
        await desk.confirm()

    await desk.sweep()

    expected = "SETTLED" if confirmations == "both" else "CAPTURED"
    assert await desk.states(*trades) == [expected] * 2
    assert await desk.tonnes(desk.buyer) == (3 if confirmations == "both" else 0)


async def test_rule_19_offsetting_trades_settle_one_by_one(desk: Desk) -> None:
    """Three trades that net to nothing but the first are three deliveries and three payments."""
    await desk.report(first := desk.trade(quantity=30))
    await desk.close(first)
    await desk.confirm()
    await desk.sweep()
    day = {"executed_at": "2021-03-02T10:00:00+08:00", "quantity": 30}
    trades = [desk.back(**day), desk.trade(**day), desk.back(**day, trade_id="last")]
    await desk.report(*trades[:2])
    assert await desk.states(*trades[:2]) == ["CAPTURED"] * 2

    await desk.close(*trades[:2], day="2021-03-02")
    await desk.confirm("2021-03-02")
    await desk.sweep()

    entries = await desk.pool.fetch(
        "SELECT (SELECT sum(next_serial - first_serial) FROM credit_entry e WHERE e.posting = p)::int,"
        " (SELECT sum(amount_fen) FROM cash_entry e WHERE e.posting = p)::int"
        " FROM unnest($1::text[]) AS p",
        [f"trade/{desk.name}/{one['trade_id']}" for one in (first, *trades[:2])],
    )
    assert [tuple(one) for one in entries] == [(30, 3_000)] * 3


LEGS = {
    "credits out of the seller": ("UPDATE ON holding", "OLD.account = 'SELLER'"),
    "credits into the buyer": ("INSERT OR UPDATE ON holding", "NEW.account = 'BUYER'"),
    "cash out of the buyer": ("UPDATE ON cash_position", "NEW.account = 'BUYER'"),
    "cash into the seller": ("UPDATE ON cash_position", "NEW.account = 'SELLER'"),
    "the entry of credits": ("INSERT ON credit_entry", "NEW.posting LIKE 'trade/%'"),
    "the entry of cash": ("INSERT ON cash_entry", "NEW.posting LIKE 'trade/%'"),
    "the outcome": ("INSERT ON trade", "NEW.state = 'SETTLED'"),
    "what is told": ("INSERT ON event", "NEW.type = 'settlement.trade.settled'"),
}


@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
@pytest.mark.parametrize("leg", LEGS)
async def test_rule_19_a_failure_on_one_leg_persists_none(
    pool: Pool, scratch: Database, leg: str, cycle: str
) -> None:
    """The database itself fails one write, at the commit; then the failure is gone and the same trade settles."""
    desk = Desk(pool)
    await desk.furnish(cycle=cycle)
    trade = desk.trade(quantity=10)
    if cycle == "DAY_END":
        await desk.report(trade)
        await desk.close(trade)
        await desk.confirm()
    before = await _footprint(desk)

    async with failing(scratch, desk, *LEGS[leg]):
        with pytest.raises(asyncpg.RaiseError):
            await (settle_confirmed(pool) if cycle == "DAY_END" else desk.report(trade))
        assert await _footprint(desk) == before

    await (desk.sweep() if cycle == "DAY_END" else desk.report(trade))
    assert await desk.states(trade) == ["SETTLED"]
    assert await desk.broken() == {}


async def _footprint(desk: Desk) -> list[object]:
    """Everything of the desk that a settlement changes."""
    parties = desk.seller, desk.buyer
    return [
        *[await desk.cash(one) for one in parties],
        *[await desk.tonnes(one, bucket) for one in parties for bucket in ("exchange", "reserved")],
        await desk.pool.fetchval("SELECT count(*) FROM trade WHERE venue = $1", desk.name),
        await desk.pool.fetchval("SELECT count(*) FROM captured_trade WHERE venue = $1", desk.name),
        *[
            await desk.pool.fetchval(f"SELECT count(*) FROM {one}")
            for one in ("credit_entry", "cash_entry", "event", "outbox")
        ],
    ]


IMMUTABLE = {
    "trade": "venue = $1",
    "credit_entry": "from_account LIKE $1 || '%'",
    "cash_entry": "venue = $1",
    "event": "aggregate LIKE 'trade/' || $1 || '%'",
}


@pytest.mark.parametrize(("table", "condition"), IMMUTABLE.items())
@pytest.mark.parametrize("act", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_rule_20_nobody_changes_what_has_settled(
    desk: Desk, table: str, condition: str, act: str
) -> None:
    """Tried as the service's own login role, on rows that are there: refused, and all of them stay as they were."""
    await desk.report(trade := desk.trade())
    await desk.close(trade)
    await desk.confirm()
    await desk.sweep()
    rows = f"SELECT * FROM {table} AS one WHERE {condition} ORDER BY one::text"
    before = await desk.pool.fetch(rows, desk.name)
    column = {"trade": "quantity", "event": "body"}.get(table, "posting")
    statement = {
        "UPDATE": f"UPDATE {table} SET {column} = {column} WHERE {condition}",
        "DELETE": f"DELETE FROM {table} WHERE {condition}",
        "TRUNCATE": f"TRUNCATE {table}",
    }[act]

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.pool.execute(statement, *([] if act == "TRUNCATE" else [desk.name]))

    assert before
    assert await desk.pool.fetch(rows, desk.name) == before


async def test_rule_20_a_settled_trade_is_not_cancelled(desk: Desk) -> None:
    await desk.report(trade := desk.trade())
    await desk.close(trade)
    await desk.confirm()
    await desk.sweep()

    await desk.cancel(trade)
    await desk.cancel(trade)

    assert await desk.states(trade) == ["SETTLED"]
    [said] = await desk.said("trade.cancellation_rejected")
    assert (said["code"], said["fields"]) == ("TRADE_IS_FINAL", {"outcome": "SETTLED"})


async def test_a_cancellation_ends_both_holds_and_the_gap_that_it_began(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.furnish(gap_trading_days=5)
    await desk.report(trade := desk.trade(quantity=10))
    await desk.report(back := desk.back())
    assert await desk.states(back) == ["OPPOSITE_TRADE_TOO_SOON"]

    await desk.cancel(trade)
    await desk.cancel(trade)

    assert await desk.states(trade) == ["CANCELLED_BY_VENUE"]
    assert await desk.cash(desk.buyer) == (10**9, 0, 0)
    assert await desk.cash(desk.seller) == (0, 0, 0)
    assert (await desk.tonnes(desk.seller), await desk.tonnes(desk.seller, "reserved")) == (
        10_000,
        0,
    )
    assert len(await desk.said("trade.rejected")) == 2
    await desk.report(again := desk.back(executed_at="2021-03-02T10:00:00+08:00"))
    assert await desk.states(again) == ["NOT_ENOUGH_CREDITS"]
    assert await desk.broken() == {}


async def funded(desk: Desk) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The buyer owns credits too. The seller sells for 10 yuan, spends them, and sells for 10 yuan again."""
    await desk.report(first := desk.trade(quantity=50, price="0.01"))
    await desk.close(first)
    await desk.confirm()
    await desk.sweep()
    fen = (await desk.cash(desk.seller))[0]
    await desk.withdraw(desk.seller, fen)
    sale, spending, resale = (
        desk.trade(quantity=10, executed_at="2021-03-02T10:00:00+08:00"),
        desk.back(quantity=10, executed_at="2021-03-02T10:00:01+08:00"),
        desk.trade(quantity=10, executed_at="2021-03-03T10:00:00+08:00"),
    )
    return sale, spending, resale


async def test_a_trade_whose_proceeds_are_spent_is_not_cancelled(desk: Desk) -> None:
    """Not even if the seller sold again since: the purchase settles before that."""
    sale, spending, resale = await funded(desk)
    await desk.report(sale, spending)
    await desk.cancel(sale)
    await desk.report(resale)
    assert await desk.cash(desk.seller) == (0, 1_000, 2_000)

    await desk.cancel({**sale, "trade_id": sale["trade_id"]})
    assert await desk.states(sale, spending, resale) == ["CAPTURED"] * 3
    [said] = await desk.said("trade.cancellation_rejected")
    assert said["code"] == "PROCEEDS_SPENT"
    assert said["fields"]["proceeds_fen"] == "1000"

    await desk.cancel(resale)
    assert await desk.states(resale) == ["CANCELLED_BY_VENUE"]


async def test_days_settle_in_the_order_of_capture_whichever_is_confirmed_first(
    desk: Desk,
) -> None:
    """What was bought on the second day with the proceeds of the first cannot be paid before the first has settled."""
    sale, _, _ = await funded(desk)
    spending = desk.back(quantity=10, executed_at="2021-03-03T10:00:00+08:00")
    await desk.report(sale, spending)
    await desk.close(sale, day="2021-03-02")
    await desk.close(spending, day="2021-03-03")
    await desk.confirm("2021-03-03")
    await desk.sweep()
    assert await desk.states(sale, spending) == ["CAPTURED"] * 2

    await desk.confirm("2021-03-02")
    await desk.sweep()

    assert await desk.states(sale, spending) == ["SETTLED"] * 2
    assert await desk.cash(desk.seller) == (0, 0, 0)


async def test_of_a_day_that_is_not_confirmed_nothing_settles_and_nothing_that_came_later(
    desk: Desk,
) -> None:
    """The first and the third are of the confirmed day: the third may live off the second, and waits behind it."""
    later = {"executed_at": "2021-03-02T10:00:00+08:00"}
    first, second, third = desk.trade(), desk.trade(**later), desk.trade()
    await desk.report(first, second, third)
    await desk.close(first, third)
    await desk.confirm()
    await desk.sweep()
    assert await desk.states(first, second, third) == ["SETTLED", "CAPTURED", "CAPTURED"]

    await desk.close(second, day="2021-03-02")
    await desk.confirm("2021-03-02")
    await desk.sweep()

    assert await desk.states(first, second, third) == ["SETTLED"] * 3


async def test_a_confirmed_day_is_counted_before_it_settles(desk: Desk) -> None:
    """As long as a trade of the day waits for a name, nobody knows whether the counts agree."""
    newcomer = f"{desk.name}-N"
    trade, waiting = desk.trade(), desk.trade(buyer_account=newcomer)
    await desk.report(trade, waiting)
    await desk.close(trade, waiting)
    await desk.confirm()
    await desk.sweep()
    assert await desk.states(trade, waiting) == ["CAPTURED", "WAITING"]

    await desk.learn(*account(newcomer))
    await desk.deposit(newcomer, 100)
    await desk.sweep()

    assert await desk.states(trade, waiting) == ["SETTLED"] * 2
    assert [one["is_matched"] for one in await desk.said("day.reconciled")] == [True]


async def test_once_the_day_is_counted_the_venue_cancels_nothing_any_more(desk: Desk) -> None:
    await desk.report(trade := desk.trade())
    await desk.close(trade)

    await desk.cancel(trade)

    [said] = await desk.said("trade.cancellation_rejected")
    assert said["fields"] == {"outcome": "COUNTED"}
    await desk.confirm()
    await desk.sweep()
    assert await desk.states(trade) == ["SETTLED"]


async def test_expected_proceeds_may_be_spent_and_not_be_withdrawn(desk: Desk) -> None:
    sale, spending, _ = await funded(desk)
    await desk.report(sale)

    await desk.withdraw(desk.seller, 1)
    await desk.report(spending)

    assert await desk.states(sale, spending) == ["CAPTURED"] * 2
    assert await desk.cash(desk.seller) == (0, 1_000, 1_000)


async def test_commissions_reach_who_receives_them_at_settlement(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.furnish(seller_fee_ppm=500, buyer_fee_ppm=1_000, fee_account=desk.fees)
    await desk.report(trade := desk.trade(quantity=1_000, price="100.00"))
    assert await desk.cash(desk.buyer) == (10**9, 10_010_000, 0)
    assert await desk.cash(desk.seller) == (0, 0, 9_995_000)
    assert await desk.cash(desk.fees) == (0, 0, 0)

    await desk.close(trade)
    await desk.confirm()
    await desk.sweep()

    assert await desk.cash(desk.seller) == (9_995_000, 0, 0)
    assert await desk.cash(desk.fees) == (15_000, 0, 0)
    assert await desk.cash(desk.buyer) == (10**9 - 10_010_000, 0, 0)
    assert await desk.broken() == {}


async def test_a_halted_venues_trades_wait_and_are_decided_in_order_when_the_gap_is_cleared(
    desk: Desk,
) -> None:
    await desk.report(trade := desk.trade())
    await desk.close()  # a count of nothing
    day = {"executed_at": "2021-03-02T10:00:00+08:00"}
    waiting = [
        desk.trade(**day, quantity=6_000),
        desk.trade(**day, quantity=6_000),
        desk.trade(**day, quantity=-1),
    ]
    await desk.report(*waiting)
    assert await desk.states(*waiting) == ["WAITING"] * 3
    await desk.sweep()
    assert await desk.states(trade, *waiting) == ["CAPTURED", *["WAITING"] * 3]

    await desk.clear()
    await desk.sweep()

    assert await desk.states(*waiting) == [
        "CAPTURED",
        "NOT_ENOUGH_CREDITS",
        "QUANTITY_OUT_OF_RANGE",
    ]
    await desk.report(after := desk.trade(**day))
    assert await desk.states(after) == ["CAPTURED"]


async def test_a_halted_venues_confirmed_day_settles_only_when_the_gap_is_cleared(
    desk: Desk,
) -> None:
    await desk.report(trade := desk.trade())
    await desk.close()
    await desk.confirm()
    await desk.sweep()
    assert await desk.states(trade) == ["CAPTURED"]
    [halted] = await desk.said("venue.halted")
    assert (halted["date"], halted["kind"]) == ("2021-03-01", "TRADES")

    await desk.clear()
    await desk.sweep()

    assert await desk.states(trade) == ["SETTLED"]


async def test_what_waited_through_a_halt_came_before_its_day_was_closed(desk: Desk) -> None:
    """The close of a later day waits behind the trades of that day; a trade after the close is too late."""
    await desk.report(trade := desk.trade())
    await desk.close()
    day = {"executed_at": "2021-03-02T10:00:00+08:00"}
    await desk.report(in_time := desk.trade(**day))
    await desk.close(in_time, day="2021-03-02")
    await desk.report(too_late := desk.trade(**day))
    assert await desk.states(in_time, too_late) == ["WAITING", "DAY_IS_CLOSED"]

    await desk.clear()
    await desk.sweep()

    assert await desk.states(in_time) == ["CAPTURED"]
    counted = {one["date"]: one["is_matched"] for one in await desk.said("day.reconciled")}
    assert counted == {"2021-03-01": False, "2021-03-02": True}
    await desk.confirm("2021-03-02")
    await desk.confirm("2021-03-01")
    await desk.sweep()
    assert await desk.states(trade, in_time) == ["SETTLED"] * 2


async def test_a_day_is_confirmed_once_and_closed_once(desk: Desk) -> None:
    await desk.close()
    await desk.confirm()
    with pytest.raises(Refusal) as refused:
        await desk.confirm()
    assert refused.value.code() == "ALREADY_EXISTS"

    again = {"venue": desk.name, "date": "2021-03-01", "trades": 1, "tonnes": 1, "turnover_fen": 1}
    [verdict] = await desk.work([report(again, kind="venue.day_closed", venue=desk.name)])
    assert isinstance(verdict, Dead)


async def test_a_closed_day_takes_no_trades_in_replay_either(desk: Desk) -> None:
    await desk.pool.execute("UPDATE venue SET mode = 'REPLAY' WHERE code = $1", desk.name)
    await desk.report(trade := desk.trade())
    await desk.close(trade)

    late, earlier = desk.trade(), desk.trade(executed_at="2021-02-28T10:00:00+08:00")
    await desk.report(late, earlier)

    assert await desk.states(trade, late, earlier) == ["CAPTURED", "DAY_IS_CLOSED", "CAPTURED"]
    assert await desk.broken() == {}


async def test_a_day_that_has_not_begun_is_not_closed(desk: Desk) -> None:
    early = {"venue": desk.name, "date": "9999-12-31", "trades": 0, "tonnes": 0, "turnover_fen": 0}
    [verdict] = await desk.work([report(early, kind="venue.day_closed", venue=desk.name)])
    assert isinstance(verdict, Dead)

    await desk.report(trade := desk.trade())
    assert await desk.states(trade) == ["CAPTURED"]


async def test_who_receives_the_commissions_does_not_trade(pool: Pool) -> None:
    """Else its own commission would be no entry, and no count of commissions would add up."""
    desk = Desk(pool)
    await desk.furnish(cycle="IMMEDIATE", buyer_fee_ppm=1_000, fee_account=desk.buyer)
    await desk.report(trade := desk.trade())
    assert await desk.states(trade) == ["FEE_RECEIVER_MAY_NOT_TRADE"]
    assert await desk.broken() == {}


async def test_more_trades_than_fit_one_transaction_settle_in_their_order(desk: Desk) -> None:
    trades = [desk.trade() for _ in range(1_201)]
    await desk.report(*trades)
    await desk.close(*trades)
    await desk.confirm()

    await desk.sweep()

    assert await desk.tonnes(desk.buyer) == 1_201
    order = await desk.pool.fetch(
        "SELECT aggregate FROM event WHERE type = 'settlement.trade.settled'"
        " AND aggregate LIKE 'trade/' || $1 || '/%' ORDER BY position",
        desk.name,
    )
    assert [one["aggregate"].split("/")[-1] for one in order] == [one["trade_id"] for one in trades]
