"""Settlement's consumers against a real database, without a broker: redelivery, fence, patience and the sweep."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import inbox, outbox
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.deliveries import Delivery
from services.runtime.messages import Event, encode
from services.runtime.postgres import Pool, opened_connection, opened_pool
from services.settlement.bank import bank_work
from services.settlement.capture import FencedError, capture_work
from services.settlement.handlers import SERVICE
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.outcomes import capture_transaction
from services.settlement.store import Wanted, lock_books
from services.settlement.waiting import FAULTS_MIN, sweep
from tests.conftest import Database
from tests.handlers.deliveries import (
    BUYER,
    PROJECT,
    SELLER,
    VENUE,
    account,
    batch,
    cash,
    event,
    report,
    trade,
)
from tests.market import open_terms

Work = Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]
PATIENCE = timedelta(seconds=60)


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    """Settlement's own pool, on books with a seller of 10,000 t and a buyer with 10,000,000 fen."""
    async with opened_pool(scratch.url("settlement"), "settlement") as opened:
        programme = ProgrammeRegistered(
            code="CCER", name="CCER", country="CN", kind="NATIONAL", is_ets_eligible=True
        )
        await learn(opened, programme, *account(SELLER), *account(BUYER), batch(PROJECT, SELLER))
        await open_market(opened)
        await opened.execute(
            "UPDATE holding SET bucket = 'exchange', venue = $2 WHERE account = $1", SELLER, VENUE
        )
        await opened.execute(
            "INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account,"
            " from_bucket, to_account, to_bucket, to_venue, effective_at, recorded_at)"
            " SELECT 'move/1', batch_id, first_serial, next_serial, account, 'registry', account,"
            " bucket, venue, now(), now() FROM holding WHERE account = $1",
            SELLER,
        )
        await bank_work(opened)([cash(BUYER, 10_000_000)])
        yield opened


async def test_a_redelivered_batch_whose_acknowledgement_was_lost_changes_nothing(
    pool: Pool,
) -> None:
    batch_ = [report(trade()) for _ in range(10)] + [report(trade(quantity=-1))]
    assert await capture_work(pool, PATIENCE)(batch_) == [Done()] * 11
    before = await footprint(pool)

    assert await capture_work(pool, PATIENCE)(batch_) == [Done()] * 11

    assert await footprint(pool) == before


async def test_a_known_trade_with_other_content_conflicts_and_its_first_outcome_stands(
    pool: Pool,
) -> None:
    work, first = capture_work(pool, PATIENCE), trade()
    other, third = first | {"quantity": 2}, first | {"quantity": 3}
    told = "SELECT count(*) FROM event WHERE type = 'settlement.trade.conflicted'"
    before = await pool.fetchval(told)

    await work([report(first), report(other)])
    settled = await footprint(pool)
    assert await pool.fetchval(told) == before + 1
    await work([report(other)])  # told once, however often it comes
    assert await footprint(pool) == settled
    await work([report(third), report(first)])

    assert await pool.fetchval(told) == before + 2
    kept = "SELECT sum(next_serial - first_serial)::int FROM credit_entry WHERE posting = $1"
    assert await pool.fetchval(kept, f"trade/{VENUE}/{first['trade_id']}") == 1


@pytest.mark.parametrize("table", ["trade", "bank_report", "batch", "holding", "inbox"])
async def test_what_took_effect_once_is_refused_a_second_time_by_the_database(
    pool: Pool, scratch: Database, table: str
) -> None:
    """Whoever writes, and whatever the program thinks that it knows."""
    await capture_work(pool, PATIENCE)([report(trade())])
    administrator = await opened_connection(scratch.admin_url, "settlement")

    for connection in (pool, administrator):
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1")

    await administrator.close()


async def test_cash_that_is_not_there_is_refused_by_the_database(pool: Pool) -> None:
    """Parts of a position that are negative, and holds beyond what is there or expected."""
    for parts in ((-1, 0, 1), (0, -1, 0), (1, 0, -1), (0, 1, 0), (5, 9, 3)):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(
                "INSERT INTO cash_position VALUES ($1, 'NOWHERE', 'CNY', $2, $3, $4)", BUYER, *parts
            )


async def test_a_batch_that_fails_at_its_end_leaves_no_leg_behind(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 19: the last write of the transaction fails, so neither credits nor cash have moved."""
    before = await footprint(pool)

    async def fail(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(outbox, "enqueue", fail)
    with pytest.raises(ConnectionResetError):
        await capture_work(pool, PATIENCE)([report(trade()), report(trade())])

    assert await footprint(pool) == before


async def test_an_older_process_that_wakes_up_is_refused_and_writes_nothing(pool: Pool) -> None:
    older, newer = capture_work(pool, PATIENCE), capture_work(pool, PATIENCE)
    await older([report(trade(), "first")])
    await newer([report(trade(), "second")])
    before = await footprint(pool)

    with pytest.raises(FencedError):
        await older([report(trade(), "first")])

    assert await footprint(pool) == before
    await newer([report(trade(), "second")])
    assert await footprint(pool) != before


@pytest.mark.parametrize(
    ("tonnes", "loaded"), [(1, 20), (20, 20), (21, 50), (50, 50), (51, 10_050), (99_999, 20_050)]
)
async def test_only_the_oldest_blocks_that_suffice_are_loaded(
    pool: Pool, tonnes: int, loaded: int
) -> None:
    """Three batches, of which the oldest lies in two blocks; of the other blocks a trade knows nothing."""
    number, project = f"ACC-L{tonnes}", f"L{tonnes}"
    issued = [batch(project, number, batch_number=place) for place in (3, 1, 2)]
    issued[1] = msgspec.structs.replace(issued[1], last_serial=50, tonnes=50)
    await learn(pool, *account(number))
    for age, one in zip((0, 9, 5), issued, strict=True):
        await inbox.events_work(SERVICE, pool)([event(one, age_days=age)])
    oldest = issued[1].batch_id
    await pool.execute("UPDATE holding SET next_serial = 21 WHERE batch_id = $1", oldest)
    await pool.execute(
        "INSERT INTO holding VALUES ($1, 21, 51, $2, 'registry', NULL)", oldest, number
    )
    place, instrument = Place(number, Bucket.REGISTRY), Instrument(project, 2024)

    async with pool.acquire() as connection, connection.transaction():
        tx = capture_transaction(connection)
        wanted = [Wanted(place, instrument, tonnes)]
        books = await lock_books(tx, [number], [instrument], wanted)

    assert books.available(place, instrument) == loaded
    if tonnes <= loaded:
        books.move("m", instrument, place, Place(number, Bucket.LOCKED), tonnes, datetime.now(UTC))
        assert books.credit_entries[0].block.batch == oldest


async def test_ten_thousand_blocks_of_one_tonne_settle_in_order_and_to_the_last(pool: Pool) -> None:
    """As many blocks as are looked at first, one fewer, one more, and all that is left; then the same together."""
    blocks, few, work = 10_000, 8, capture_work(pool, PATIENCE)
    issued = batch("SMALL", "ACC-S1", tonnes=blocks)
    await learn(pool, *account("ACC-S1"), *account("ACC-S2"), issued)
    await pool.execute(
        "INSERT INTO instrument (venue, project, vintage, programme, listed_on)"
        " VALUES ($1, 'SMALL', 2024, 'CCER', '2024-01-01')",
        VENUE,
    )
    await pool.execute(
        "UPDATE holding SET next_serial = 2, bucket = 'exchange', venue = $2 WHERE batch_id = $1",
        issued.batch_id,
        VENUE,
    )
    await pool.execute(
        "INSERT INTO holding SELECT $1, serial, serial + 1, 'ACC-S1', 'exchange', $2"
        " FROM generate_series(2, $3::bigint) AS serial",
        issued.batch_id,
        VENUE,
        blocks,
    )
    await bank_work(pool)([cash("ACC-S2", 100 * blocks)])
    there: dict[str, Any] = {
        "instrument": {"project": "SMALL", "vintage": 2024},
        "seller_account": "ACC-S1",
        "buyer_account": "ACC-S2",
    }
    back = there | {"seller_account": "ACC-S2", "buyer_account": "ACC-S1"}

    for quantity in (few, few - 1, few + 1, blocks - 3 * few - 1):
        await work([report(trade(**there, quantity=quantity))])
    too_many = trade(**there, quantity=2)
    await work([report(too_many), report(trade(**there))])
    await work([report(trade(**back)) for _ in range(20)])

    rejected = await pool.fetch(
        "SELECT trade_id, code FROM trade WHERE project = 'SMALL' AND state = 'REJECTED'"
    )
    assert [tuple(one) for one in rejected] == [(too_many["trade_id"], "NOT_ENOUGH_CREDITS")]
    moved = await pool.fetch(
        "SELECT first_serial FROM credit_entry WHERE batch_id = $1 AND posting LIKE 'trade/%'"
        " ORDER BY entry_id",
        issued.batch_id,
    )
    expected = [*range(1, blocks + 1), *range(1, 21)]
    assert [one["first_serial"] for one in moved] == expected


async def test_a_deposit_on_an_unknown_account_waits_and_is_rejected_when_patience_ends(
    pool: Pool,
) -> None:
    assert await bank_work(pool)([cash("ACC-NOWHERE", 1)]) == [Later()]
    old = cash("ACC-NOWHERE", 1, age_seconds=inbox.EVENT_PATIENCE_SECONDS + 1)

    assert await bank_work(pool)([old]) == [Done()]

    code = await pool.fetchval("SELECT code FROM bank_report ORDER BY recorded_at DESC LIMIT 1")
    assert code == "NOT_YET_KNOWN"


async def test_credits_for_an_unknown_account_wait_and_fault_when_patience_ends(
    pool: Pool,
) -> None:
    issued = batch("H3", "ACC-NOWHERE")
    work = inbox.events_work(SERVICE, pool)
    assert await work([event(issued)]) == [Later()]

    with pytest.raises(LookupError):
        await work([event(issued, age_seconds=inbox.EVENT_PATIENCE_SECONDS + 1)])

    assert await pool.fetchval("SELECT NOT EXISTS (SELECT FROM batch WHERE project = 'H3')")


async def test_an_event_twice_credits_once_and_with_other_content_is_kept_as_dead(
    pool: Pool,
) -> None:
    issued = batch("H4", SELLER)
    first = event(issued)
    changed = event(batch("H4", BUYER), event_id=json.loads(first.body)["id"])
    work = inbox.events_work(SERVICE, pool)

    verdicts = [*await work([first, first]), *await work([first, changed])]

    assert verdicts[:3] == [Done()] * 3
    assert isinstance(verdicts[3], Dead)
    held = await pool.fetch(
        "SELECT h.account, h.next_serial FROM holding h JOIN batch b USING (batch_id)"
        " WHERE b.project = 'H4'"
    )
    assert [tuple(row) for row in held] == [(SELLER, 10_001)]


async def test_a_cancellation_finds_its_trade_among_many_that_wait(pool: Pool) -> None:
    work = capture_work(pool, PATIENCE)
    waiting = [trade(buyer_account="ACC-NOWHERE") for _ in range(600)]
    await work([report(one) for one in waiting[:400]])
    await work([report(one) for one in waiting[400:]])
    wanted = {"venue": VENUE, "trade_id": waiting[-1]["trade_id"], "reason": "error"}

    await work([report(wanted, kind="trade.cancelled")])

    assert await outcome(pool, waiting[-1]) == "CANCELLED_BY_VENUE"
    await forget_waiting(pool)


async def test_a_waiting_trade_that_always_faults_hurts_only_itself(pool: Pool) -> None:
    work = capture_work(pool, PATIENCE)
    poison, late = trade(), trade(seller_account="ACC-H9")
    await work([report(poison)])
    await work([report(late)])
    await pool.execute(
        "INSERT INTO waiting_trade (venue, trade_id, digest, content, causation_id, deadline, received_at)"
        " SELECT venue, trade_id, digest, $2::json, 'x', now(), now() FROM trade WHERE trade_id = $1",
        poison["trade_id"],
        json.dumps(poison),
    )

    for _ in range(FAULTS_MIN + 1):  # it has its outcome: not even rejecting it succeeds
        assert await sweep(pool, PATIENCE) is False
    await learn(pool, *account("ACC-H9"))

    assert await sweep(pool, PATIENCE) is True
    assert await outcome(pool, late) == "NOT_ENOUGH_CREDITS"
    await forget_waiting(pool)


async def test_a_waiting_trade_is_rejected_only_after_its_deadline(pool: Pool) -> None:
    early, late = trade(buyer_account="ACC-NOWHERE"), trade(buyer_account="ACC-NOWHERE")
    await capture_work(pool, timedelta(seconds=-1))([report(early)])
    await capture_work(pool, PATIENCE)([report(late)])

    await sweep(pool, PATIENCE)

    assert await outcome(pool, early) == "UNKNOWN"
    assert await outcome(pool, late) is None
    await forget_waiting(pool)


async def open_market(pool: Pool) -> None:
    """A venue that settles at once, at any price and on every day, where the project's credits are listed."""
    await pool.execute("INSERT INTO venue (code, name) VALUES ($1, $1)", VENUE)
    terms = encode(open_terms(VENUE, "CCER")).decode()
    await pool.execute(
        "INSERT INTO market_terms VALUES ($1, 'CCER', '2024-01-01', 'IMMEDIATE', $2, 'a', 'b', now())",
        VENUE,
        terms,
    )
    await pool.execute(
        "INSERT INTO instrument (venue, project, vintage, programme, listed_on)"
        " VALUES ($1, $2, 2024, 'CCER', '2024-01-01')",
        VENUE,
        PROJECT,
    )


async def learn(pool: Pool, *events: Event) -> None:
    """Lets settlement hear of these."""
    verdicts = await inbox.events_work(SERVICE, pool)([event(said) for said in events])
    assert list(verdicts) == [Done()] * len(events)


async def footprint(pool: Pool) -> list[object]:
    """What would tell that anything was written."""
    tables = "trade", "waiting_trade", "event", "outbox", "credit_entry", "cash_entry", "holding"
    counts = [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    return [*counts, await pool.fetch("SELECT * FROM cash_position ORDER BY account")]


async def outcome(pool: Pool, reported: dict[str, Any]) -> str | None:
    """The code of the rejection, if there is one."""
    return await pool.fetchval("SELECT code FROM trade WHERE trade_id = $1", reported["trade_id"])


async def forget_waiting(pool: Pool) -> None:
    """Makes room for the next test."""
    await pool.execute("DELETE FROM waiting_trade")
