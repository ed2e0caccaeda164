"""Settlement's consumers against a real database, without a broker: redelivery, fence, patience and the sweep."""

import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.issuance.messages import CreditsIssued
from services.kernel.ids import new_id
from services.registry.messages import AccountOpened, ProgrammeRegistered, TradingAccountOpened
from services.runtime import inbox, outbox
from services.runtime.broker import Delivery
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.messages import Event, encode, wire_name
from services.runtime.postgres import Pool, opened_pool
from services.settlement.bank import bank_work
from services.settlement.capture import FencedError, capture_work
from services.settlement.handlers import SERVICE
from services.settlement.waiting import sweep
from tests.conftest import Database

Work = Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]
PATIENCE = timedelta(seconds=60)
VENUE, PROJECT = "CBGEX", "H1"
SELLER, BUYER = "ACC-H1", "ACC-H2"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def pool(database: Database) -> AsyncIterator[Pool]:
    """Settlement's own pool, on books with a seller of 10,000 t and a buyer with 10,000,000 fen."""
    async with opened_pool(database.url("settlement"), "settlement") as opened:
        await opened.execute(
            "INSERT INTO venue (code, name, programmes, methods, tick_fen)"
            " VALUES ($1, $1, '{CCER}', '{LISTING}', 1)",
            VENUE,
        )
        programme = ProgrammeRegistered(
            code="CCER", name="CCER", country="CN", kind="NATIONAL", is_ets_eligible=True
        )
        await learn(opened, programme, *account(SELLER), *account(BUYER), batch(PROJECT, SELLER))
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
        "INSERT INTO waiting_trade SELECT venue, trade_id, digest, $2::json, 'x', now(), now()"
        " FROM trade WHERE trade_id = $1",
        poison["trade_id"],
        json.dumps(poison),
    )

    assert await sweep(pool) is False
    await learn(pool, *account("ACC-H9"))

    assert await sweep(pool) is True
    assert await outcome(pool, late) == "NOT_ENOUGH_CREDITS"
    await forget_waiting(pool)


async def test_a_waiting_trade_is_rejected_only_after_its_deadline(pool: Pool) -> None:
    early, late = trade(buyer_account="ACC-NOWHERE"), trade(buyer_account="ACC-NOWHERE")
    await capture_work(pool, timedelta(seconds=-1))([report(early)])
    await capture_work(pool, PATIENCE)([report(late)])

    await sweep(pool)

    assert await outcome(pool, early) == "UNKNOWN"
    assert await outcome(pool, late) is None
    await forget_waiting(pool)


def delivery(
    body: bytes,
    routing_key: str,
    user_id: str,
    *,
    subscription: object = "one",
    age_seconds: float = 0,
) -> Delivery:
    """A message as the broker would deliver it."""
    return Delivery(
        body=body,
        routing_key=routing_key,
        user_id=user_id,
        reply_to=None,
        correlation_id=None,
        deliveries=0,
        received_at=time.monotonic() - age_seconds,
        message=cast("Any", None),
        subscription=subscription,
    )


def enveloped(kind: str, source: str, data: object, event_id: str | None = None) -> bytes:
    """A CloudEvent with this content."""
    head = {"specversion": "1.0", "id": event_id or f"e{next(_numbers)}", "source": source}
    return json.dumps(head | {"type": kind, "data": data}).encode()


def trade(**changes: object) -> dict[str, Any]:
    """A trade of one tonne that settles, but for the changes."""
    return {
        "venue": VENUE,
        "trade_id": f"H-{next(_numbers)}",
        "method": "LISTING",
        "instrument": {"project": PROJECT, "vintage": 2024},
        "seller_account": SELLER,
        "buyer_account": BUYER,
        "quantity": 1,
        "price": "1.00",
        "currency": "CNY",
        "executed_at": datetime.now(UTC).isoformat(),
    } | changes


def report(
    data: dict[str, Any], subscription: object = "one", kind: str = "trade.executed"
) -> Delivery:
    """What the venue reports."""
    body = enveloped(kind, f"/venues/{VENUE}", data)
    return delivery(body, f"{kind}.{VENUE}", VENUE, subscription=subscription)


def cash(number: str, fen: int, age_seconds: float = 0) -> Delivery:
    """A deposit as the bank reports it."""
    reported = {
        "bank_reference": f"B{next(_numbers)}",
        "account": number,
        "venue": VENUE,
        "currency": "CNY",
        "amount_fen": fen,
        "booked_at": datetime.now(UTC).isoformat(),
    }
    kind = "bank.deposit_reported"
    return delivery(enveloped(kind, "/bank", reported), kind, "bank", age_seconds=age_seconds)


def event(said: Event, event_id: str | None = None, age_seconds: float = 0) -> Delivery:
    """An event of another service."""
    kind = wire_name(type(said))
    body = enveloped(kind, f"/{kind.split('.')[0]}", json.loads(encode(said)), event_id)
    return delivery(body, kind, "registry", age_seconds=age_seconds)


async def learn(pool: Pool, *events: Event) -> None:
    """Lets settlement hear of these."""
    verdicts = await inbox.events_work(SERVICE, pool)([event(said) for said in events])
    assert list(verdicts) == [Done()] * len(events)


def account(number: str) -> tuple[Event, Event]:
    """An account of a new organisation, which may trade."""
    account_id = new_id()
    return (
        AccountOpened(
            account_id=account_id, number=number, organisation_id=new_id(), kind="TRADER"
        ),
        TradingAccountOpened(
            account_id=account_id,
            number=number,
            trading_account_id=new_id(),
            trading_account=f"TRD-{number}",
        ),
    )


def batch(project: str, holder: str) -> CreditsIssued:
    """A new batch of 10,000 t."""
    return CreditsIssued(
        batch_id=new_id(),
        programme="CCER",
        country="CN",
        project=project,
        vintage=2024,
        batch_number=1,
        first_serial=1,
        last_serial=10_000,
        tonnes=10_000,
        holder_account=holder,
        serials=f"CCER-CN-{project}-2024-001-1-10000",
        is_opening=False,
    )


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
