"""Bank statements beside the ledger, without a broker: what matches, what halts the venue, and what counts once."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.kernel.clocks import market_day
from services.kernel.ids import new_id
from services.kernel.money import FEN_MAX
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.deliveries import Delivery
from services.runtime.inbox import EVENT_PATIENCE_SECONDS
from services.runtime.postgres import Pool, opened_pool
from services.settlement.bank import bank_work
from services.tools.auditor import invariants
from tests.conftest import Database
from tests.handlers.deliveries import delivery, enveloped

ACCOUNT = "ACC-BANK"
BANK_DAY = date(2026, 5, 4)
NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)
"""In Beijing."""
_ids = iter(range(1_000_000))


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    """Settlement's own pool, with one account."""
    async with opened_pool(scratch.url("settlement"), "settlement") as opened:
        await opened.execute(
            "INSERT INTO account (number, account_id, organisation_id, kind)"
            " VALUES ($1, $2, $2, 'TRADER')",
            ACCOUNT,
            new_id(),
        )
        yield opened


@pytest.fixture
async def venue(pool: Pool) -> str:
    """A new venue, of which the bank has nothing yet."""
    code = f"V-{next(_ids)}"
    await pool.execute("INSERT INTO venue (code, name) VALUES ($1, $1)", code)
    return code


def cash(
    venue: str, fen: int, booked_at: datetime = NOON, account: str = ACCOUNT, age_seconds: float = 0
) -> Delivery:
    """A deposit, or below zero a withdrawal."""
    kind = "bank.deposit_reported" if fen > 0 else "bank.withdrawal_reported"
    reported = {
        "bank_reference": f"R-{next(_ids)}",
        "account": account,
        "venue": venue,
        "currency": "CNY",
        "amount_fen": abs(fen),
        "booked_at": booked_at.isoformat(),
    }
    return delivery(enveloped(kind, "/bank", reported), kind, "bank", age_seconds=age_seconds)


def statement(
    venue: str, figures: tuple[int, int, int], day: date = BANK_DAY, /, **changes: Any
) -> Delivery:
    """The bank's statement: paid in, paid out, and left."""
    deposits, withdrawals, closing = figures
    reported = {
        "statement_id": f"S-{next(_ids)}",
        "venue": venue,
        "currency": "CNY",
        "date": day.isoformat(),
        "deposits_fen": deposits,
        "withdrawals_fen": withdrawals,
        "closing_balance_fen": closing,
    } | changes
    kind = "bank.statement_reported"
    return delivery(enveloped(kind, "/bank", reported), kind, "bank")


async def say(pool: Pool, *said: Delivery) -> list[Verdict]:
    return list(await bank_work(pool)(said))


async def events(pool: Pool, venue: str) -> list[str]:
    """What was said of the venue and its days, in order."""
    found = await pool.fetch(
        "SELECT type FROM event WHERE aggregate = 'venue/' || $1 OR aggregate LIKE 'day/' || $1 || '/%'"
        " ORDER BY position",
        venue,
    )
    return [one["type"].removeprefix("settlement.") for one in found]


async def is_halted(pool: Pool, venue: str) -> bool:
    return await pool.fetchval(
        "SELECT EXISTS (SELECT FROM gap WHERE venue = $1 AND kind = 'CASH' AND cleared_at IS NULL)",
        venue,
    )


async def clear(pool: Pool, venue: str) -> None:
    await pool.execute(
        "UPDATE gap SET cleared_at = now(), cleared_by = 'a', approved_by = 'b', explanation = 'c'"
        " WHERE venue = $1",
        venue,
    )


async def test_a_day_is_beijings_and_the_balance_that_of_all_days_until_it(
    pool: Pool, venue: str
) -> None:
    """Of midnight's neighbours one belongs to the day; a later day changes nothing of it."""
    midnight = datetime(2026, 5, 3, 16, tzinfo=UTC)
    second = timedelta(seconds=1)
    await say(
        pool,
        cash(venue, 100, midnight - second),
        cash(venue, 20, midnight),
        cash(venue, 7, midnight + timedelta(days=1) - second),
        cash(venue, -5, NOON),
        cash(venue, 1_000, midnight + timedelta(days=1)),
    )

    before, after = BANK_DAY - timedelta(days=1), BANK_DAY + timedelta(days=1)
    verdicts = await say(
        pool,
        statement(venue, (27, 5, 122)),
        statement(venue, (100, 0, 100), before),
        statement(venue, (1_000, 0, 1_122), after),
        statement(venue, (0, 0, 0), before - timedelta(days=1)),
        statement(venue, (0, 0, 1_122), after + timedelta(days=1)),
    )

    assert verdicts == [Done()] * 5
    assert await events(pool, venue) == ["cash.reconciled"] * 5
    assert not await is_halted(pool, venue)


@pytest.mark.parametrize(
    "figures", [(26, 5, 122), (27, 6, 122), (27, 5, 121), (27, 5, 123), (0, 0, 0)]
)
async def test_a_difference_of_one_fen_halts_the_venue(
    pool: Pool, venue: str, figures: tuple[int, int, int]
) -> None:
    await say(pool, cash(venue, 100, NOON - timedelta(days=1)), cash(venue, 27), cash(venue, -5))

    await say(pool, statement(venue, figures))

    assert await events(pool, venue) == ["cash.reconciled", "venue.halted"]
    assert await is_halted(pool, venue)
    read = await pool.fetchrow(
        "SELECT is_matched, booked_closing_fen FROM bank_statement WHERE venue = $1", venue
    )
    assert read
    assert tuple(read) == (False, 122)


async def test_a_statement_counts_once(pool: Pool, venue: str) -> None:
    said = statement(venue, (0, 0, 1), statement_id=f"once-{venue}")
    assert await say(pool, said, said) == [Done(), Done()]
    assert await say(pool, said) == [Done()]
    other = statement(venue, (0, 0, 0), statement_id=f"once-{venue}")

    [verdict] = await say(pool, other)

    assert verdict == Dead("CONFLICT: known statement")
    assert await events(pool, venue) == ["cash.reconciled", "venue.halted"]


async def test_a_second_statement_of_a_day_halts_again_only_with_other_figures(
    pool: Pool, venue: str
) -> None:
    """A difference that two persons have explained is not asked again; a new one is; none clears by itself."""
    told = ["cash.reconciled", "venue.halted"]
    await say(pool, statement(venue, (1, 0, 1)))
    await say(pool, statement(venue, (2, 0, 2)))
    assert await events(pool, venue) == [*told, "cash.reconciled"]
    await say(pool, statement(venue, (0, 0, 0)))
    assert await is_halted(pool, venue)

    await say(pool, statement(venue, (2, 0, 2)))
    await clear(pool, venue)
    await say(pool, statement(venue, (2, 0, 2)))
    assert not await is_halted(pool, venue)
    await say(pool, statement(venue, (3, 0, 3)))
    assert await is_halted(pool, venue)
    await clear(pool, venue)
    await say(pool, statement(venue, (0, 0, 0)))
    assert not await is_halted(pool, venue)
    assert (await events(pool, venue)).count("venue.halted") == 2


async def test_what_is_explained_of_a_day_halts_no_later_one(pool: Pool, venue: str) -> None:
    """The bank keeps a fee of 5 that nobody reports; once that is explained, only what is new halts."""
    days = [BANK_DAY + timedelta(days=shift) for shift in range(6)]
    await say(pool, cash(venue, 100), statement(venue, (100, 5, 95)))
    assert await is_halted(pool, venue)
    await clear(pool, venue)

    await say(pool, statement(venue, (0, 0, 95), days[1]))
    await say(pool, cash(venue, 7, NOON + timedelta(days=3)))
    await say(pool, statement(venue, (7, 0, 102), days[3]))
    assert not await is_halted(pool, venue)
    seen = "SELECT is_matched, explained_fen FROM bank_statement WHERE venue = $1 AND date = $2"
    for day, shown in ((days[0], (False, 0)), (days[1], (True, -5)), (days[3], (True, -5))):
        assert await pool.fetchrow(seen, venue, day) == shown

    await say(pool, statement(venue, (0, 0, 101), days[4]))
    assert await is_halted(pool, venue)
    await clear(pool, venue)
    await say(pool, statement(venue, (0, 0, 101), days[5]))
    assert not await is_halted(pool, venue)
    assert (await events(pool, venue)).count("venue.halted") == 2


async def test_what_nobody_has_explained_yet_excuses_no_later_day(pool: Pool, venue: str) -> None:
    second, third = BANK_DAY + timedelta(days=1), BANK_DAY + timedelta(days=2)
    await say(pool, statement(venue, (0, 0, -5)), statement(venue, (0, 0, -5), second))
    assert (await events(pool, venue)).count("venue.halted") == 2
    await pool.execute(
        "UPDATE gap SET cleared_at = now(), cleared_by = 'a', approved_by = 'b', explanation = 'c'"
        " WHERE venue = $1 AND date = $2",
        venue,
        BANK_DAY,
    )

    await say(pool, statement(venue, (0, 0, -6), third))

    assert (await events(pool, venue)).count("venue.halted") == 3
    explained = "SELECT explained_fen FROM bank_statement WHERE venue = $1 AND date = $2"
    assert await pool.fetchval(explained, venue, third) == -5  # of the first day, not of the second


async def test_balances_that_are_equal_again_halt_nothing_whatever_was_explained(
    pool: Pool, venue: str
) -> None:
    """A deposit is reported a day late, as of the day on which the bank booked it."""
    second, third = BANK_DAY + timedelta(days=1), BANK_DAY + timedelta(days=2)
    await say(pool, statement(venue, (9, 0, 9)))
    await clear(pool, venue)
    await say(pool, cash(venue, 9), statement(venue, (0, 0, 9), second))
    assert not await is_halted(pool, venue)

    await say(pool, statement(venue, (0, 0, 18), third))
    assert await is_halted(pool, venue)


async def test_a_difference_waits_for_a_report_that_came_before_and_is_not_decided(
    pool: Pool, venue: str
) -> None:
    """A deposit on an account that has not come yet is behind it; what matches anyway need not wait."""
    early = cash(venue, 5, account="ACC-UNBORN")
    late = statement(venue, (5, 0, 5))

    assert await say(pool, early, late) == [Later(), Later()]
    assert await events(pool, venue) == []
    assert await say(pool, early, statement(venue, (0, 0, 0))) == [Later(), Done()]
    given_up = cash(venue, 5, account="ACC-UNBORN", age_seconds=EVENT_PATIENCE_SECONDS + 1)
    assert await say(pool, given_up, late) == [Done(), Done()]
    assert await is_halted(pool, venue)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency": "USD"}, "CURRENCY_NOT_SETTLED"),
        ({"venue": "NOWHERE"}, "VENUE_NOT_OPEN"),
        ({"deposits_fen": -1}, "OUT_OF_RANGE"),
        ({"withdrawals_fen": 2**53}, "OUT_OF_RANGE"),
        ({"closing_balance_fen": -(2**53)}, "OUT_OF_RANGE"),
        ({"closing_balance_fen": 10**30}, "OUT_OF_RANGE"),
        (
            {"date": (market_day(datetime.now(UTC)) + timedelta(days=2)).isoformat()},
            "STATEMENT_TOO",
        ),
        ({"date": "4 May"}, "MALFORMED"),
        ({"statement_id": ""}, "MALFORMED"),
        ({"statement_id": "S\n"}, "MALFORMED"),
        ({"statement_id": "S" * 101}, "MALFORMED"),
        ({"deposits_fen": None}, "MALFORMED"),
        ({"deposits_fen": 0.5}, "MALFORMED"),
    ],
)
async def test_a_statement_with_which_nothing_can_be_compared_is_kept_with_the_reason(
    pool: Pool, venue: str, changes: dict[str, object], reason: str
) -> None:
    [verdict] = await say(pool, statement(venue, (0, 0, 0), **changes))
    assert isinstance(verdict, Dead)
    assert verdict.reason.startswith(reason)
    assert await pool.fetchval("SELECT count(*) FROM bank_statement WHERE venue = $1", venue) == 0


async def test_a_day_is_seen_by_three_hands(pool: Pool, scratch: Database, venue: str) -> None:
    """The newest statement counts; what was not compared yet is null."""
    await say(pool, cash(venue, 9), statement(venue, (0, 0, 0)), statement(venue, (9, 0, 9)))
    async with opened_pool(scratch.url("gateway"), "settlement_read") as gateway:
        sql = "SELECT * FROM reconciliations('', NULL, '{auditor}', $1, $2, $2, NULL, 1)"
        seen = await gateway.fetchrow(sql, venue, BANK_DAY)
        assert seen
        assert (seen["trades_are_matched"], seen["cash_is_matched"], seen["is_matched"]) == (
            None,
            True,
            None,
        )
        assert (seen["closing_fen"], seen["booked_closing_fen"]) == (9, 9)
        for trades, is_matched in ((3, True), (4, False)):
            await pool.execute(
                "INSERT INTO venue_day (venue, date, digest, causation_id, trades, tonnes,"
                " turnover_fen, captured_trades, captured_tonnes, captured_turnover_fen, recorded_at)"
                " VALUES ($1, $2, '', '', 3, 3, 3, $3, 3, 3, now())",
                venue,
                BANK_DAY - timedelta(days=trades),
                trades,
            )
            await say(pool, statement(venue, (0, 0, 0), BANK_DAY - timedelta(days=trades)))
            seen = await gateway.fetchrow(sql, venue, BANK_DAY - timedelta(days=trades))
            assert seen
            assert (seen["captured_trades"], seen["is_matched"]) == (trades, is_matched)


BANKS_FIGURES = {"deposits_fen": 1, "closing_balance_fen": 3, "booked_balance_fen": 0}
VIEWERS = [
    ("x", [], False),
    ("x", ["venue"], False),
    ("OTHER", ["venue"], False),
    ("op", ["owner-operator"], False),
    ("VENUE", ["venue"], True),
    ("r", ["registrar"], True),
    ("a", ["auditor"], True),
    ("a", ["authority"], True),
]


@pytest.mark.parametrize(("subject", "roles", "is_full"), VIEWERS)
async def test_the_gateway_reads_no_more_of_a_history_than_its_viewer_may_see(
    pool: Pool, scratch: Database, venue: str, subject: str, roles: list[str], is_full: bool
) -> None:
    """The database itself leaves out the bank's figures, and why a gap was cleared."""
    await say(pool, statement(venue, (1, 0, 3)))
    await pool.execute(
        "INSERT INTO event (id, type, aggregate, sequence, effective_at, recorded_at, actor,"
        " causation_id, body) VALUES (gen_random_uuid(), 'settlement.venue.gap_cleared',"
        " 'venue/' || $1, 99, now(), now(), 'a', 'x', '{\"kind\": \"CASH\", \"explanation\": \"why\"}')",
        venue,
    )
    async with opened_pool(scratch.url("gateway"), "settlement_read") as gateway:
        read = "SELECT body::text FROM settlement_read.history($1, NULL, $2, $3, NULL, 100)"
        viewer = venue if subject == "VENUE" else subject
        named = f"day/{venue}/{BANK_DAY}", f"venue/{venue}"
        found = [await gateway.fetch(read, viewer, roles, one) for one in named]
    day, last = (json.loads(rows[-1]["body"]) for rows in found)

    assert day["is_matched"] is False
    assert last["kind"] == "CASH"
    assert {name: day[name] for name in BANKS_FIGURES if name in day} == (
        BANKS_FIGURES if is_full else {}
    )
    assert ("explained_fen" in day) is ("explanation" in last) is is_full


async def test_the_days_equal_the_entries(pool: Pool, venue: str) -> None:
    broken = invariants("settlement")["bank_days_equal_bank_entries"]
    await say(pool, cash(venue, 9), cash(venue, 4, NOON + timedelta(days=40)), cash(venue, -3))
    assert await pool.fetch(broken) == []
    await pool.execute(
        "UPDATE bank_day SET deposits_fen = 10 WHERE venue = $1 AND deposits_fen = 9", venue
    )
    assert len(await pool.fetch(broken)) == 1
    await pool.execute(
        "UPDATE bank_day SET deposits_fen = 9 WHERE venue = $1 AND deposits_fen = 10", venue
    )


@pytest.mark.parametrize(
    ("fen", "booked_at"), [(1, datetime(2999, 1, 1, tzinfo=UTC)), (FEN_MAX, NOON)]
)
async def test_money_that_has_not_come_or_that_nobody_counts_is_not_booked(
    pool: Pool, venue: str, fen: int, booked_at: datetime
) -> None:
    await say(pool, cash(venue, 1), cash(venue, fen, booked_at))
    booked = "SELECT balance_fen FROM cash_position WHERE venue = $1"
    assert await pool.fetchval(booked, venue) == 1
    last = "SELECT code FROM bank_report ORDER BY recorded_at DESC LIMIT 1"
    assert await pool.fetchval(last) == "OUT_OF_RANGE"
