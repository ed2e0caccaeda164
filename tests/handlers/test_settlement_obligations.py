"""Obligations on real books: what counts, by when, what enforcement takes, and fifty at once below one cap."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import AccountRestricted
from services.runtime.postgres import Pool, Transaction, opened_pool
from services.settlement import obligation_store
from services.settlement.discharges import Use
from services.settlement.messages.freezes import FreezeCredits, ReleaseFreeze, Span
from services.settlement.messages.obligations import (
    ObligationDischarged,
    ObligationMet,
    ObligationMissed,
    ObligationNotified,
)
from services.settlement.messages.retirements import CreditsRetired
from services.settlement.obligation_store import ObligationChangedError
from tests.conftest import Database
from tests.handlers.emitters import AUTHORITY, BEFORE, DEADLINE, LAST, REGISTRAR, Emitter

MARKET_OPENED = date(2024, 1, 22)


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    patient = {"lock_timeout": "30s", "statement_timeout": "30s"}
    url = scratch.url("settlement")
    async with opened_pool(url, "settlement", size=20, settings=patient) as opened:
        yield opened


@pytest.fixture(scope="module")
async def reads(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("gateway"), "settlement_read", size=2) as opened:
        yield opened


@pytest.fixture
async def emitter(pool: Pool, reads: Pool) -> AsyncIterator[Emitter]:
    """After each test all invariants hold for what it did."""
    emitter = Emitter(pool, reads)
    await emitter.furnish()
    yield emitter
    assert await emitter.broken() == {}


async def test_rule_21_an_offset_ends_at_the_cap_and_allowances_pay_the_rest(
    emitter: Emitter,
) -> None:
    due, cap = 1_000_019, 50_000
    [notified] = await emitter.owes(due)
    assert isinstance(notified, ObligationNotified)
    await emitter.credits(cap + 1)
    await emitter.allowances(due)

    assert await emitter.offset(cap + 1) == "OFFSET_CAP_EXCEEDED"
    assert await emitter.offset(cap) is None
    assert await emitter.obligation() == ("PARTIAL", 0, cap, False)
    assert await emitter.offset(1) == "OFFSET_CAP_EXCEEDED"
    assert await emitter.surrender(due - cap + 1) == "MORE_THAN_DUE"
    surrender = emitter.use("A", due - cap, vintage=2025, purpose="ETS_SURRENDER")
    retired, discharged, met = await emitter.act(surrender, emitter.operator, LAST)

    assert isinstance(retired, CreditsRetired)
    assert isinstance(discharged, ObligationDischarged)
    assert isinstance(met, ObligationMet)
    assert (discharged.retirement_id, discharged.outstanding) == (surrender.retirement_id, 0)
    assert (met.surrendered, met.offset, met.is_draft) == (due - cap, cap, True)
    assert met.proof_number.startswith("ETS-2026-")
    assert await emitter.obligation() == ("MET", due - cap, cap, True)
    assert await emitter.surrender(1) == "MORE_THAN_DUE"
    assert await emitter.tonnes() == {
        "A registry": cap, "A retired": due - cap, "C registry": 1, "C retired": cap,
    }  # fmt: skip


async def test_rule_21_only_eligible_credits_are_offset_and_only_allowances_surrendered(
    emitter: Emitter,
) -> None:
    await emitter.owes(1000)
    await emitter.credits(100, letter="W")
    await emitter.credits(100)
    await emitter.allowances(100)

    assert await emitter.offset(1, letter="W") == "NOT_ELIGIBLE_FOR_ETS"
    assert await emitter.offset(1, letter="A", vintage=2025) == "NOT_ELIGIBLE_FOR_ETS"
    for letter in "CW":
        credit = emitter.use(letter, 1, purpose="ETS_SURRENDER")
        assert await emitter.code(credit, emitter.operator) == "NOT_SURRENDERABLE"
    assert await emitter.obligation() == ("NOTIFIED", 0, 0, False)


async def test_rule_21_of_an_instrument_only_batches_that_count_are_taken(
    emitter: Emitter,
) -> None:
    await emitter.owes(10_000)
    await emitter.credits(100, MARKET_OPENED)
    await emitter.credits(100, None)
    assert await emitter.offset(1) == "REGISTERED_TOO_EARLY"
    await emitter.credits(100, holder=emitter.account)
    good = [await emitter.credits(40, date(2024, 1, 23)) for _ in range(12)]

    assert await emitter.offset(481) == "REGISTERED_TOO_EARLY"
    assert await emitter.offset(500) == "REGISTERED_TOO_EARLY"
    assert await emitter.offset(475) is None
    found = await emitter.pool.fetch(
        "SELECT DISTINCT batch_id FROM holding WHERE account = $1 AND bucket = 'retired'",
        emitter.account,
    )
    assert {one["batch_id"] for one in found} == set(good)
    assert await emitter.tonnes() == {"C registry": 305, "C retired": 475}
    # For another use the oldest go first, whatever they are.
    assert await emitter.offset(10, purpose="ENTERPRISE_OFFSET") is None


async def test_rule_21_credits_of_the_entitys_own_projects_do_not_count(emitter: Emitter) -> None:
    await emitter.owes(1000)
    await emitter.credits(100, holder=emitter.account)
    assert await emitter.offset(1) == "OWN_CREDITS_NOT_ACCEPTED"
    await emitter.credits(1)
    assert await emitter.offset(1) is None
    assert await emitter.offset(200) == "OFFSET_CAP_EXCEEDED"


async def test_without_enough_of_anything_the_ledger_says_what_there_is(emitter: Emitter) -> None:
    await emitter.owes(1000)
    await emitter.credits(10)
    assert await emitter.offset(11) == "NOT_ENOUGH_CREDITS"
    assert await emitter.obligation() == ("NOTIFIED", 0, 0, False)


@pytest.mark.parametrize("period", ["2024", "2026", "", "2025-Q1", "02025"])
async def test_what_is_owed_for_no_year_is_not_discharged(emitter: Emitter, period: str) -> None:
    await emitter.owes(1000)
    await emitter.allowances(10)
    expected = "OBLIGATION_UNKNOWN" if period else "STATEMENT_MISSING"
    assert await emitter.surrender(1, reporting_period=period) == expected


async def test_rule_22_old_allowances_pay_arrears_only(emitter: Emitter) -> None:
    vintages = tuple(range(2019, 2027))
    long_ago = DEADLINE - timedelta(days=365)
    await emitter.owes(100)
    await emitter.owes(100, deadline=long_ago, emission_year=2024, allowance_vintages=vintages)
    await emitter.allowances(100, 2024)
    await emitter.allowances(100, 2025)

    assert await emitter.surrender(1, vintage=2024) == "VINTAGE_NOT_ALLOWED"
    assert await emitter.surrender(60, vintage=2024, reporting_period="2024") is None
    assert await emitter.surrender(40, vintage=2025, reporting_period="2024") is None
    assert await emitter.surrender(60, vintage=2025) is None
    assert await emitter.obligation(2024) == ("ENFORCED", 100, 0, False)
    assert await emitter.obligation() == ("PARTIAL", 60, 0, False)


async def test_rule_22_allowances_of_another_scheme_pay_nothing(emitter: Emitter) -> None:
    await emitter.owes(100)
    await emitter.issue("L", emitter.account, 50, 2025)
    local = emitter.use("L", 1, vintage=2025, purpose="ETS_SURRENDER")
    assert await emitter.code(local, emitter.operator) == "OWED_IN_ANOTHER_PROGRAMME"
    seizing = emitter.enforcement(1, project=emitter.programme("L"))
    assert await emitter.code(seizing, AUTHORITY, DEADLINE) == "OWED_IN_ANOTHER_PROGRAMME"
    # An obligation that was told without a programme says nothing of it.
    await emitter.owes(100, version=2, programme=None)
    assert await emitter.code(local, emitter.operator) is None


async def test_rule_22_the_last_second_is_in_time_and_the_next_is_overdue(
    emitter: Emitter,
) -> None:
    await emitter.owes(100)
    await emitter.allowances(100)
    await emitter.credits(5)
    assert await emitter.offset(2, LAST) is None
    assert await emitter.surrender(50, LAST) is None
    assert await emitter.open_day(LAST) == []

    assert await emitter.offset(1, DEADLINE) == "OBLIGATION_OVERDUE"
    [missed] = await emitter.open_day(DEADLINE)
    assert isinstance(missed, ObligationMissed)
    assert (missed.outstanding, missed.by_itself_at) == (48, DEADLINE)
    assert await emitter.open_day(DEADLINE) == []
    assert await emitter.surrender(47, DEADLINE) is None
    assert await emitter.obligation() == ("OVERDUE", 97, 2, False)
    assert await emitter.surrender(1, DEADLINE) is None
    assert await emitter.obligation() == ("ENFORCED", 98, 2, False)


async def test_a_late_surrender_is_overdue_before_the_day_has_been_opened(
    emitter: Emitter,
) -> None:
    await emitter.owes(100)
    await emitter.allowances(100)
    surrender = emitter.use("A", 40, vintage=2025, purpose="ETS_SURRENDER")
    said = await emitter.act(surrender, emitter.operator, DEADLINE)
    assert [type(one) for one in said] == [CreditsRetired, ObligationMissed, ObligationDischarged]
    assert await emitter.open_day(DEADLINE) == []


async def test_enforcement_takes_what_is_free_at_venues_and_frozen(emitter: Emitter) -> None:
    await emitter.owes(100)
    await emitter.allowances(90)
    freeze_id = await _frozen(emitter, 21, 50)
    await emitter.pool.execute(
        "UPDATE holding SET bucket = 'exchange', venue = 'ANY' WHERE account = $1 AND first_serial = 51",
        emitter.account,
    )
    await emitter.pool.execute(
        "INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account,"
        " from_bucket, to_account, to_bucket, to_venue, effective_at, recorded_at)"
        " SELECT 'move/x', batch_id, first_serial, next_serial, account, 'registry', account,"
        " bucket, venue, now(), now() FROM holding WHERE account = $1 AND bucket = 'exchange'",
        emitter.account,
    )
    restricting = AccountRestricted(
        account_id=new_id(), number=emitter.account, ground="RULES_BROKEN", reason="r"
    )
    await emitter.learn(restricting)
    enforce = emitter.enforcement(80)

    assert await emitter.surrender(1, DEADLINE) == "ACCOUNT_NOT_OPEN"
    assert await emitter.code(enforce, at=LAST) == "OBLIGATION_NOT_OVERDUE"
    assert await emitter.code(emitter.enforcement(91), at=DEADLINE) == "NOT_ENOUGH_CREDITS"
    assert await emitter.code(emitter.enforcement(101), at=DEADLINE) == "MORE_THAN_DUE"
    retired, missed, discharged = await emitter.act(enforce, AUTHORITY, DEADLINE)

    assert isinstance(retired, CreditsRetired)
    assert isinstance(missed, ObligationMissed)
    assert isinstance(discharged, ObligationDischarged)
    spans = [(one.first_serial, one.last_serial) for one in retired.ranges]
    assert spans == [(1, 20), (51, 90), (31, 50)]
    assert await emitter.tonnes() == {"A frozen": 10, "A retired": 80}
    assert await emitter.obligation() == ("OVERDUE", 80, 0, False)
    assert await emitter.code(enforce, at=DEADLINE) == "ALREADY_EXISTS"
    release = ReleaseFreeze(freeze_id=freeze_id, document_sha256="2" * 64, reason="over")
    await emitter.act(release, at=DEADLINE)
    assert await emitter.code(emitter.enforcement(10), at=DEADLINE) is None
    assert await emitter.tonnes() == {"A retired": 90}


async def _frozen(emitter: Emitter, first: int, last: int) -> UUID:
    """These serials of the emitter's allowances are frozen."""
    batch_id = await emitter.pool.fetchval(
        "SELECT batch_id FROM holding WHERE account = $1", emitter.account
    )
    freeze = FreezeCredits(
        freeze_id=new_id(),
        account=emitter.account,
        spans=(Span(batch_id=batch_id, first_serial=first, last_serial=last),),
        kind="JUDICIAL",
        ordered_by="court",
        document_number="1",
        document_sha256="0" * 64,
        reason="a debt",
    )
    await emitter.act(freeze)
    return freeze.freeze_id


@pytest.mark.parametrize("role", ["owner-operator", "approver", "auditor", "verifier", "venue"])
async def test_nobody_else_enforces(emitter: Emitter, role: str) -> None:
    actor = Actor("somebody", emitter.organisation, frozenset({role}))
    assert await emitter.code(emitter.enforcement(1), actor, DEADLINE) == "ROLE_MISSING"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tonnes": 0}, "OUT_OF_RANGE"),
        ({"vintage": 2**40}, "OUT_OF_RANGE"),
        ({"document_sha256": "x"}, "DIGEST_MALFORMED"),
        ({"reason": ""}, "STATEMENT_MISSING"),
        ({"emission_year": 2023}, "OBLIGATION_UNKNOWN"),
        ({"emission_year": 2**40}, "OBLIGATION_UNKNOWN"),
        ({"account": "ACC-NOBODY"}, "NOT_YET_KNOWN"),
        ({"project": "NOTHING"}, "NOT_YET_KNOWN"),
        ({"vintage": 2024}, "VINTAGE_NOT_ALLOWED"),
    ],
)
async def test_an_enforcement_that_breaks_a_rule_is_refused(
    emitter: Emitter, changes: dict[str, Any], code: str
) -> None:
    await emitter.owes(100)
    await emitter.allowances(10)
    await emitter.allowances(10, 2024)
    command = emitter.enforcement(**{"tonnes": 1} | changes)
    assert await emitter.code(command, REGISTRAR, DEADLINE) == code


async def test_an_older_version_changes_nothing_and_a_later_one_opens_it_again(
    emitter: Emitter,
) -> None:
    await emitter.allowances(200)
    await emitter.owes(100, version=2)
    assert await emitter.owes(5, version=1) == []
    assert await emitter.owes(5, version=2) == []
    assert await emitter.surrender(100) is None
    assert await emitter.obligation() == ("MET", 100, 0, True)

    await emitter.owes(110, version=3)
    assert await emitter.obligation() == ("PARTIAL", 100, 0, False)
    notified, met = await emitter.owes(90, version=7)
    assert isinstance(notified, ObligationNotified)
    assert isinstance(met, ObligationMet)
    assert (notified.state, met.version) == ("MET", 7)
    proofs = await emitter.pool.fetchval(
        "SELECT issued FROM certificate_count WHERE series = 'ETS' AND year = 2026"
    )
    assert met.proof_number == f"ETS-2026-{proofs:08d}"


async def test_a_proof_shows_for_ever_what_was_met_and_when_more_became_due_that_it_ended(
    emitter: Emitter,
) -> None:
    await emitter.allowances(110)
    await emitter.credits(5)
    await emitter.owes(100)
    assert await emitter.offset(5) is None
    surrender = emitter.use("A", 95, vintage=2025, purpose="ETS_SURRENDER")
    *_, met = await emitter.act(surrender, emitter.operator)
    assert isinstance(met, ObligationMet)
    proof = await _proof(emitter, met.proof_number)
    assert (proof["entity"], proof["due"], proof["surrendered"], proof["offset_used"]) == (
        "Power Station", 100, 95, 5,
    )  # fmt: skip
    assert (proof["met_at"], proof["deadline"], proof["is_draft"]) == (BEFORE, DEADLINE, True)
    assert [(one["purpose"], one["tonnes"]) for one in proof["discharges"]] == [
        ("ETS_OFFSET_NATIONAL", 5), ("ETS_SURRENDER", 95),
    ]  # fmt: skip
    assert proof["proof_sha256"] == hashlib.sha256(_line(proof).encode()).hexdigest()

    await emitter.owes(90, version=2)
    assert await _proof(emitter, met.proof_number) == proof
    await emitter.owes(110, version=3, at=LAST)
    assert await emitter.surrender(10) is None
    assert await _proof(emitter, met.proof_number) == proof | {"ended_at": LAST}
    [owed] = await emitter.read("obligations", emitter.account, 2025, None, None, None, 1)
    again = await _proof(emitter, owed["proof_number"])
    assert (again["due"], again["ended_at"], len(again["discharges"])) == (110, None, 3)


async def _proof(emitter: Emitter, number: str) -> dict[str, Any]:
    """What everybody reads."""
    found = await emitter.reads.fetchrow("SELECT * FROM settlement_read.public_proof($1)", number)
    assert found is not None
    return dict(found)


def _line(proof: dict[str, Any]) -> str:
    """What is hashed, as the schema documents it."""
    deadline, met_at = (f"{proof[name]:%Y-%m-%dT%H:%M:%S.%fZ}" for name in ("deadline", "met_at"))
    certificates = ",".join(one["certificate_number"] for one in proof["discharges"])
    return (
        f"{proof['proof_number']}|{proof['account']}|2025|1|{proof['plan']}|draft|100|95|5"
        f"|{deadline}|{met_at}|{certificates}|Power Station\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        "obligation SET surrendered = surrendered - 1",
        "obligation SET offset_used = 0",
        "freeze_order SET release_reason = 'another'",
    ],
)
async def test_the_service_itself_cannot_take_back_what_is_final(
    emitter: Emitter, change: str
) -> None:
    await emitter.owes(100)
    await emitter.allowances(100)
    await emitter.credits(5)
    freeze_id = await _frozen(emitter, 1, 1)
    await emitter.act(ReleaseFreeze(freeze_id=freeze_id, document_sha256="2" * 64, reason="over"))
    assert await emitter.surrender(10) is None
    assert await emitter.offset(5) is None
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await emitter.pool.execute(f"UPDATE {change} WHERE account = $1", emitter.account)


async def test_versions_that_are_learned_at_the_same_time_leave_the_latest(
    emitter: Emitter,
) -> None:
    for year in range(2025, 2035):
        versions = [(3, 90), (1, 70), (2, 80), (4, 100)]
        await asyncio.gather(
            *(emitter.owes(due, version=one, emission_year=year) for one, due in versions)
        )
        found = await emitter.pool.fetchrow(
            "SELECT version, due FROM obligation WHERE account = $1 AND emission_year = $2",
            emitter.account,
            year,
        )
        assert tuple(found or ()) == (4, 100)


async def test_the_database_itself_counts_nothing_above_the_cap(emitter: Emitter) -> None:
    await emitter.owes(100)
    use = Use("ETS_OFFSET_NATIONAL", 2023, 6, BEFORE)
    async with emitter.pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection, "m", REGISTRAR, BEFORE, BEFORE)
        one = await obligation_store.lock_obligation(tx, emitter.account, 2025)
        assert one is not None
        for wrong in (use, replace(use, purpose="ETS_SURRENDER", tonnes=101)):
            with pytest.raises(ObligationChangedError):
                await obligation_store.add_use(tx, one, wrong)


async def test_rule_21_fifty_concurrent_offsets_never_pass_the_cap(emitter: Emitter) -> None:
    """What everyone was answered adds up to what is on record, whoever came first."""
    await emitter.owes(10_000)
    for _ in range(3):
        await emitter.credits(400, MARKET_OPENED)
        await emitter.credits(400)
    tonnes = [7 + number % 23 for number in range(50)]
    assert sum(tonnes) > 500

    codes = await asyncio.gather(*(emitter.offset(one) for one in tonnes))

    assert set(codes) == {None, "OFFSET_CAP_EXCEEDED"}
    counted = sum(one for one, code in zip(tonnes, codes, strict=True) if code is None)
    left = min(one for one, code in zip(tonnes, codes, strict=True) if code is not None)
    assert 500 - left < counted <= 500
    assert await emitter.obligation() == ("PARTIAL", 0, counted, False)
    assert await emitter.tonnes() == {"C registry": 2400 - counted, "C retired": counted}


async def test_fifty_concurrent_discharges_of_all_kinds_never_pay_more_than_is_due(
    emitter: Emitter,
) -> None:
    await emitter.owes(1000)
    await emitter.credits(1000)
    await emitter.allowances(2000)
    acts = [emitter.offset(5) if n % 3 else emitter.surrender(70) for n in range(50)]

    codes = await asyncio.gather(*acts)

    assert set(codes) == {None, "OFFSET_CAP_EXCEEDED", "MORE_THAN_DUE"}
    state, surrendered, offset, _ = await emitter.obligation()
    assert surrendered == 70 * codes[::3].count(None)
    assert offset == 5 * (codes.count(None) - codes[::3].count(None)) <= 50
    assert (state, surrendered + offset <= 1000) == ("PARTIAL", True)


async def test_a_statement_begins_where_another_ended(emitter: Emitter) -> None:
    await emitter.allowances(200)
    await emitter.credits(5)
    days = [BEFORE + timedelta(days=number) for number in range(5)]
    await emitter.owes(100, at=days[0])
    assert await emitter.surrender(30, days[1]) is None
    assert await emitter.offset(5, days[2]) is None
    await emitter.owes(20, version=2, at=days[3])

    async def line(since: int, until: int) -> tuple[int, ...] | None:
        instants = days[since] - timedelta(hours=1), days[until] - timedelta(hours=1)
        rows = await emitter.read("obligation_statement", emitter.account, *instants, None)
        return tuple(rows[0].values()) if rows else None

    assert await line(0, 1) == (2025, 0, 100, 0, 0, 100)
    assert await line(1, 2) == (2025, 100, 0, 30, 0, 70)
    assert await line(2, 4) == (2025, 70, -80, 0, 5, -15)
    assert await line(0, 4) == (2025, 0, 20, 30, 5, -15)
    assert await line(0, 0) is None
    seen = await emitter.read("obligations", emitter.account, None, None, None, None, 10)
    [one] = seen
    assert (one["due"], one["outstanding"], one["state"], one["version"]) == (20, 0, "MET", 2)
    stranger = replace(emitter, organisation=new_id())
    assert await stranger.read("obligations", None, None, None, None, None, 10) == []
    found = await emitter.read("discharges", emitter.account, 2025, None, None, 10)
    assert [(row["purpose"], row["tonnes"]) for row in found] == [
        ("ETS_OFFSET_NATIONAL", 5), ("ETS_SURRENDER", 30),
    ]  # fmt: skip
    assert await stranger.read("discharges", emitter.account, 2025, None, None, 10) == []
