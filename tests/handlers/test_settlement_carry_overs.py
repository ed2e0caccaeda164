"""Carry-overs on real books: what an entity sold, held and met decides how many allowances die for later ones."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.issuance.messages.conversions import ConversionRequested
from services.kernel.clocks import BEIJING
from services.kernel.ids import new_id
from services.runtime.messages import Command, Event, encode, wire_name
from services.runtime.postgres import Pool, opened_pool
from services.settlement.messages.conversions import ConversionRefused, ConversionSourceCancelled
from services.settlement.messages.freezes import FreezeCredits, Span
from services.settlement.messages.retirements import (
    CancelCredits,
    CreditsCancelled,
    RetireCredits,
)
from services.tools.auditor import invariants
from tests.conftest import Database
from tests.emitting import CARRY_OVER
from tests.handlers import deliveries
from tests.handlers.emitters import Emitter
from tests.handlers.test_settlement_conversions import REQUESTED

AFTER = datetime(2026, 1, 1, tzinfo=BEIJING)
"""The first instant after the day whose holdings count."""
LAST, EARLY = AFTER - timedelta(microseconds=1), AFTER - timedelta(days=200)
ASKED = datetime(2026, 5, 4, 10, tzinfo=BEIJING)


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("settlement"), "settlement", size=12) as opened:
        yield opened


@pytest.fixture
async def emitter(pool: Pool) -> AsyncIterator[Emitter]:
    """It owed nothing for 2023 and 2024; after each test all invariants hold for what it did."""
    emitter = Emitter(pool, pool)
    await emitter.furnish()
    for year in CARRY_OVER.surrendered_years:
        await emitter.owes(0, at=EARLY, emission_year=year)
    yield emitter
    assert await emitter.broken() == {}


def asking(emitter: Emitter, tonnes: int, **changes: Any) -> ConversionRequested:
    """What issuance asks for when these allowances of 2024 are carried over into 2025."""
    code = emitter.programme("A")
    requested = msgspec.structs.replace(
        REQUESTED,
        conversion_id=new_id(),
        account=emitter.account,
        source_project=code,
        source_tonnes=tonnes,
        batch_id=new_id(),
        target_programme=code,
        target_project=code,
        target_vintage=2025,
        target_tonnes=tonnes,
        factor=Decimal(1),
        carry_over=CARRY_OVER,
    )
    return msgspec.structs.replace(requested, **changes)


async def carry(emitter: Emitter, tonnes: int, **changes: Any) -> str | None:
    """By which the carry-over is refused; None if the source is dead."""
    return _code(await emitter.learn(asking(emitter, tonnes, **changes), ASKED))


def _code(said: Sequence[Event]) -> str | None:
    return said[0].code if isinstance(said[0], ConversionRefused) else None


async def test_what_is_carried_over_dies_by_a_record_and_lives_as_allowances_of_the_year(
    emitter: Emitter,
) -> None:
    await emitter.allowances(20_000, 2024, EARLY)
    requested = asking(emitter, 10_000)
    cancelled, told = await emitter.learn(requested, ASKED)
    assert isinstance(cancelled, ConversionSourceCancelled)
    assert isinstance(told, CreditsCancelled)
    assert told.purpose == "CARRY_OVER"
    assert told.certificate_number == cancelled.certificate_number
    assert told.certificate_number.startswith("CAN-2026-")
    assert await emitter.tonnes() == {"A registry": 10_000, "A cancelled": 10_000}
    record = await emitter.pool.fetchrow(
        "SELECT reason, requested_by, approved_by FROM retirement WHERE retirement_id = $1",
        requested.conversion_id,
    )
    code = emitter.programme("A")
    stead = f"10000 t of {code}, {code} 2025, batch {requested.batch_id}"
    assert tuple(record or ()) == (f"carried over into {stead}", "owner-1", "approver-1")
    assert await emitter.learn(requested, ASKED) == []

    batch = deliveries.batch(code, emitter.account, 1, code, 10_000)
    issued = msgspec.structs.replace(
        batch, batch_id=requested.batch_id, vintage=2025, conversion_id=requested.conversion_id
    )
    await emitter.learn(issued, ASKED)
    await emitter.owes(10_000)
    assert await emitter.surrender(10_000) is None
    assert (await emitter.obligation())[0] == "MET"


async def test_the_last_tonne_of_the_limit_is_carried_over_and_the_next_is_not(
    emitter: Emitter,
) -> None:
    await emitter.allowances(20_000, 2024, EARLY)
    assert await carry(emitter, 10_001) == "CARRY_OVER_LIMIT_EXCEEDED"
    assert await carry(emitter, 6_000) is None
    [refused] = await emitter.learn(asking(emitter, 4_001), ASKED)
    assert isinstance(refused, ConversionRefused)
    assert refused.fields == {
        "given": "4001",
        "limit": "10000",
        "held": "20000",
        "carried_over": "6000",
    }
    assert await carry(emitter, 4_000) is None
    assert await carry(emitter, 1) == "CARRY_OVER_LIMIT_EXCEEDED"
    other_year = msgspec.structs.replace(CARRY_OVER, source_vintages=(2024, 2025))
    assert await carry(emitter, 10_000, target_vintage=2026, carry_over=other_year) is None


async def test_what_came_after_the_day_does_not_count(emitter: Emitter) -> None:
    await emitter.allowances(70, 2024, LAST)
    await emitter.allowances(30, 2019, EARLY)
    await emitter.allowances(500, 2024, AFTER)
    await emitter.allowances(500, 2018, EARLY)
    assert await carry(emitter, 101) == "CARRY_OVER_LIMIT_EXCEEDED"
    assert await carry(emitter, 100) is None


async def test_what_left_after_the_day_counts_and_cannot_be_carried_over_any_more(
    emitter: Emitter,
) -> None:
    await emitter.allowances(100, 2024, EARLY)
    await emitter.owes(30, version=2, at=AFTER, emission_year=2022, allowance_vintages=(2024,))
    used = {"vintage": 2024, "reporting_period": "2022"}
    assert await emitter.surrender(30, AFTER, **used) is None
    assert await carry(emitter, 71) == "NOT_ENOUGH_CREDITS"
    assert await carry(emitter, 70) is None


async def test_what_was_frozen_counts_and_stays_where_it_is(emitter: Emitter) -> None:
    batch = await emitter.allowances(100, 2024, EARLY)
    freeze = FreezeCredits(
        freeze_id=new_id(),
        account=emitter.account,
        kind="JUDICIAL",
        ordered_by="a court",
        document_number="1",
        document_sha256="0" * 64,
        reason="a claim",
        spans=(Span(batch_id=batch.batch_id, first_serial=1, last_serial=40),),
    )
    await emitter.act(freeze, at=EARLY)
    assert await carry(emitter, 101) == "CARRY_OVER_LIMIT_EXCEEDED"
    assert await carry(emitter, 61) == "NOT_ENOUGH_CREDITS"
    assert await carry(emitter, 60) is None
    assert await emitter.tonnes() == {"A frozen": 40, "A cancelled": 60}


def surrender(emitter: Emitter, **changes: Any) -> RetireCredits:
    """Ten tonnes of 2024, but for the changes."""
    wanted = {"vintage": 2024, "purpose": "ETS_SURRENDER"} | changes
    return msgspec.structs.replace(emitter.use("A", 10), **wanted)


async def wait(
    emitter: Emitter, requested: datetime, decided: datetime | None, command: Command
) -> None:
    """It was asked for, and refused by a second person if at all."""
    await emitter.pool.execute(
        "INSERT INTO approval (id, command_type, command, approver_role, maker, roles, state, requested_at,"
        " expires_at, lapses_at, decided_by, decided_at) VALUES ($1, $2, $3, 'approver', 'm', '{}',"
        " $4, $5, $6, $6, $7, $8)",
        new_id(),
        wire_name(type(command)),
        encode(command).decode(),
        "REFUSED" if decided else "PENDING",
        requested,
        requested + timedelta(days=7),
        "a" if decided else None,
        decided,
    )


@pytest.mark.parametrize(
    ("requested", "decided", "is_waiting"),
    [
        (LAST, None, True),
        (LAST, AFTER, True),
        (AFTER, None, False),
        (LAST, LAST, False),
        (AFTER - timedelta(days=7), None, True),
        (LAST - timedelta(days=7), None, False),
    ],
)
async def test_what_waited_at_the_end_of_the_day_to_be_surrendered_does_not_count(
    emitter: Emitter, requested: datetime, decided: datetime | None, *, is_waiting: bool
) -> None:
    await emitter.allowances(100, 2024, EARLY)
    await wait(emitter, requested, decided, surrender(emitter))
    most = 90 if is_waiting else 100
    assert await carry(emitter, most + 1) == "CARRY_OVER_LIMIT_EXCEEDED"
    assert await carry(emitter, most) is None


async def test_what_others_wait_for_takes_nothing_away(emitter: Emitter) -> None:
    await emitter.allowances(100, 2024, EARLY)
    for changes in (
        {"account": emitter.owner},
        {"project": emitter.programme("C")},
        {"vintage": 2025},
    ):
        await wait(emitter, LAST, None, surrender(emitter, **changes))
    assert await carry(emitter, 100) is None


async def test_whatever_waits_to_end_allowances_takes_away(emitter: Emitter) -> None:
    await emitter.allowances(100, 2024, EARLY)
    cancelling = CancelCredits(
        retirement_id=new_id(),
        account=emitter.account,
        project=emitter.programme("A"),
        vintage=2024,
        tonnes=7,
        purpose="FORCED",
        document_sha256="0" * 64,
        reason="ordered",
    )
    ordered = emitter.enforcement(3, vintage=2024)
    for command in (surrender(emitter), cancelling, ordered):
        await wait(emitter, LAST, None, command)
    assert await carry(emitter, 81) == "CARRY_OVER_LIMIT_EXCEEDED"
    assert await carry(emitter, 80) is None


@pytest.mark.parametrize("year", CARRY_OVER.surrendered_years)
async def test_only_who_met_both_years_in_time_carries_over(emitter: Emitter, year: int) -> None:
    """What was raised after the deadline was not met in time, not even once it is enforced."""
    await emitter.allowances(100, 2024, EARLY)
    raised = {"emission_year": year, "deadline": LAST, "allowance_vintages": (2024,)}
    await emitter.owes(5, version=2, at=AFTER, **raised)
    assert (await emitter.obligation(year))[0] == "OVERDUE"
    [refused] = await emitter.learn(asking(emitter, 1), ASKED)
    assert isinstance(refused, ConversionRefused)
    assert refused.code == "NOT_SURRENDERED_IN_TIME"
    assert (refused.fields["emission_year"], refused.fields["state"]) == (str(year), "OVERDUE")
    used = {"vintage": 2024, "reporting_period": str(year)}
    assert await emitter.surrender(5, ASKED, **used) is None
    assert (await emitter.obligation(year))[0] == "ENFORCED"
    assert await carry(emitter, 1) == "NOT_SURRENDERED_IN_TIME"


async def test_what_is_not_on_record_was_not_surrendered(emitter: Emitter) -> None:
    await emitter.allowances(100, 2024, EARLY)
    earlier = msgspec.structs.replace(CARRY_OVER, surrendered_years=(2022, 2023))
    assert await carry(emitter, 1, carry_over=earlier) == "NOT_SURRENDERED_IN_TIME"
    assert await emitter.tonnes() == {"A registry": 100}


async def test_twenty_at_once_never_pass_the_limit(emitter: Emitter) -> None:
    await emitter.allowances(20_000, 2024, EARLY)
    wanted = [asking(emitter, 900 + number) for number in range(20)]
    answers = await asyncio.gather(*(emitter.learn(one, ASKED) for one in wanted))
    codes = [_code(said) for said in answers]
    assert set(codes) == {None, "CARRY_OVER_LIMIT_EXCEEDED"}
    dead = sum(one.source_tonnes for one, code in zip(wanted, codes, strict=True) if not code)
    assert 9_000 < dead <= 10_000
    assert (await emitter.tonnes())["A cancelled"] == dead


async def test_invariants_notice_what_was_carried_over_above_the_limit(emitter: Emitter) -> None:
    await emitter.allowances(20_000, 2024, EARLY)
    await emitter.owes(50, emission_year=2022, allowance_vintages=(2024,))
    assert await carry(emitter, 60) is None
    used = surrender(emitter, tonnes=50, reporting_period="2022")
    await emitter.act(used, emitter.operator)
    async with emitter.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO conversion (conversion_id, batch_id, target_tonnes, account, retirement_id,"
            " carried_into, carry_over_max, decided_at, recorded_at)"
            " VALUES ($1, $2, 9941, $3, $1, 2025, 9941, now(), now())",
            used.retirement_id,
            new_id(),
            emitter.account,
        )
        broken = {
            name: str(await connection.fetch(sql)) for name, sql in invariants("settlement").items()
        }
        await transaction.rollback()
    names = emitter.account, str(used.retirement_id)
    assert {name for name, rows in broken.items() if any(one in rows for one in names)} == {
        "conversions_leave_one_live_representation",
        "nothing_carried_over_above_the_limit",
    }
