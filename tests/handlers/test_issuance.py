"""What issuance's handlers read, write and say, in a real database and with the service's own rights."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.issuance import handlers
from services.issuance.messages import COMMANDS
from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.batches import CreditsIssued, ImportOpeningBatch, IssueCredits
from services.issuance.messages.reductions import (
    EstimateReduction,
    EstimateWithdrawn,
    RecordReduction,
    ReductionEstimated,
    ReductionRecorded,
    WithdrawEstimate,
)
from services.issuance.reductions import BeforeRegistration, PeriodDatesDiffer, PeriodsOverlap
from services.kernel.actors import Actor, Role, RoleMissing
from services.kernel.clocks import CLOCK_LEEWAY, DecidedBeforeRequested
from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AlreadyExists, NotYetKnown, Refusal, Unknown
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.methodologies import MethodologyPublished
from services.registry.messages.programmes import ProgrammeRegistered
from services.registry.messages.registrations import ProjectRegistered
from services.runtime import approval, migrate, outbox, queries
from services.runtime.approval import Decision, MakerIsApprover
from services.runtime.messages import Answer, CloudEvent, Command, Event, wire_name
from services.runtime.postgres import Transaction, opened_connection
from tests.conftest import Database
from tests.handlers.conftest import Opened

REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
VERIFIER = Actor("verifier-1", None, frozenset({Role.VERIFIER}))
APPROVER = Actor("approver-1", None, frozenset({Role.APPROVER}))
HISTORIAN = Actor("historian-1", None, frozenset({Role.HISTORIAN}))
AT = datetime(2026, 1, 15, 2, tzinfo=UTC)

PROGRAMMES = [
    ProgrammeRegistered(
        code=code, name=code, country="CN", kind=kind, is_ets_eligible=kind == "NATIONAL"
    )
    for code, kind in (("CCER", "NATIONAL"), ("CCER-LEGACY", "NATIONAL_LEGACY"))
]
PROJECT = ProjectRegistered(
    project_id=UUID(int=1),
    code="A210017",
    programme="CCER",
    methodology="CCER-01-002-V01",
    owner_account="ACC-00000001",
    country="CN",
    registered_on=date(2025, 4, 30),
    crediting_from=date(2022, 10, 1),
    crediting_until=date(2032, 9, 30),
    validation_body="ACC-00000008",
)
METHODOLOGY = MethodologyPublished(
    code="CCER-01-002-V01",
    programme="CCER",
    name="并网海上风力发电",
    crediting_years_max=10,
    valid_from=date(2023, 10, 24),
)
OWNER = AccountOpened(
    account_id=UUID(int=4), number="ACC-00000001", organisation_id=UUID(int=5), kind="OWNER"
)
ACCOUNT = AccountOpened(
    account_id=UUID(int=2), number="ACC-00000002", organisation_id=UUID(int=3), kind="TRADER"
)
OPENING = ImportOpeningBatch(
    batch_id=UUID(int=51),
    programme="CCER-LEGACY",
    project="LEGACY-0001",
    vintage=2015,
    tonnes=375_315,
    holder_account="ACC-00000002",
    source="演示存量",
)
ESTIMATE = EstimateReduction(
    reduction_id=UUID(int=61),
    project="A210017",
    period_start=date(2022, 10, 1),
    period_end=date(2024, 12, 31),
    tonnes=7_030,
    source="our inference",
)


def record(number: int = 1, vintage: int = 2023, **changes: object) -> RecordReduction:
    """The two monitoring periods of the real project."""
    periods = {
        1: (date(2022, 10, 1), date(2025, 3, 31)),
        2: (date(2025, 4, 1), date(2025, 12, 31)),
    }
    start, end = periods.get(number, periods[1])
    values: dict[str, object] = {
        "reduction_id": UUID(int=number * 10_000 + vintage),
        "project": "A210017",
        "period_number": number,
        "period_start": start,
        "period_end": end,
        "vintage": vintage,
        "tonnes": 225_714,
        "verification_body": "核查机构",
        "evidence": "sha256:00",
    }
    return RecordReduction(**values | changes)  # pyright: ignore[reportArgumentType]


def issuing(recorded: RecordReduction, batch: int = 41) -> IssueCredits:
    return IssueCredits(batch_id=UUID(int=batch), reduction_id=recorded.reduction_id)


async def say(tx: Transaction, command: Command) -> Event:
    """What the command lets issuance say first, told in the history; a refusal leaves nothing behind."""
    async with tx.connection.transaction():
        events = await handlers.SERVICE.commands[type(command)](tx, command)
        await outbox.append(replace(tx, message_id=str(new_id())), events)
    return events[0]


async def learn(tx: Transaction, *events: Event) -> None:
    for event in events:
        assert not await handlers.SERVICE.events[type(event)](tx, event)


async def refused(tx: Transaction, command: Command, refusal: type[Refusal]) -> None:
    """The refusal comes and changes nothing."""
    before = await _state(tx)
    with pytest.raises(refusal):
        await say(tx, command)
    assert await _state(tx) == before


async def _state(tx: Transaction) -> list[asyncpg.Record]:
    return await tx.connection.fetch(
        "SELECT reduction_id AS id, state FROM reduction UNION ALL SELECT batch_id, serials FROM credit_batch"
    )


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    return await opened("issuance", REGISTRAR, AT)


@pytest.fixture
async def known(tx: Transaction) -> Transaction:
    """Issuance has heard of a project."""
    await learn(tx, *PROGRAMMES, METHODOLOGY, PROJECT, OWNER, ACCOUNT)
    return tx


def test_every_command_has_a_handler() -> None:
    asked = {command for command in COMMANDS if not issubclass(command, Decision)}
    assert {*handlers.SERVICE.commands, *handlers.SERVICE.dry_runs} == asked


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (record(), {Role.HISTORIAN}),
        (ESTIMATE, set[Role]()),
        (WithdrawEstimate(reduction_id=UUID(int=61), reason="x"), set[Role]()),
        (issuing(record()), {Role.REGISTRAR}),
        (OPENING, {Role.HISTORIAN}),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_nobody_without_the_role_may_do_anything(
    tx: Transaction, command: Command, allowed: set[Role]
) -> None:
    for role in Role:
        expected = NotYetKnown if role in allowed else RoleMissing
        if role is Role.REGISTRAR and isinstance(command, IssueCredits):
            expected = Unknown
        await refused(replace(tx, actor=Actor("x", None, frozenset({role}))), command, expected)


async def test_what_the_registry_told_twice_is_known_once(known: Transaction) -> None:
    await learn(known, *PROGRAMMES, METHODOLOGY, PROJECT, OWNER, ACCOUNT)


async def test_reductions_of_a_project_not_heard_of_wait(tx: Transaction) -> None:
    await refused(tx, record(), NotYetKnown)
    await learn(tx, PROJECT)
    await refused(tx, record(), NotYetKnown)
    await learn(tx, *PROGRAMMES)
    await say(tx, record())


async def test_a_historian_brings_in_each_vintage_of_each_period_once(known: Transaction) -> None:
    tx = replace(known, actor=HISTORIAN)
    assert await say(tx, record()) == ReductionRecorded(
        reduction_id=record().reduction_id,
        project="A210017",
        period_number=1,
        period_start=date(2022, 10, 1),
        period_end=date(2025, 3, 31),
        vintage=2023,
        tonnes=225_714,
        basis="ATTESTED",
    )
    await say(tx, record(vintage=2024))
    await say(tx, record(2, 2025))
    await refused(tx, record(tonnes=1), AlreadyExists)
    await refused(tx, record(reduction_id=UUID(int=99)), AlreadyExists)


async def test_rule_25_periods_overlap_neither_by_rule_nor_in_the_database(
    known: Transaction,
) -> None:
    await say(known, record())
    await refused(known, record(2, 2025, period_start=date(2025, 3, 31)), PeriodsOverlap)
    await refused(known, record(vintage=2024, period_end=date(2025, 3, 30)), PeriodDatesDiffer)
    await say(known, record(2, 2025))
    insert = "INSERT INTO monitoring_period (project, number, starts_on, ends_on) VALUES ('A210017', 3, $1, $2)"
    with pytest.raises(asyncpg.ExclusionViolationError):
        await known.connection.execute(insert, date(2025, 12, 31), date(2026, 1, 31))


async def test_an_estimate_is_noted_and_never_issued(known: Transaction) -> None:
    assert await say(known, ESTIMATE) == ReductionEstimated(
        reduction_id=UUID(int=61),
        project="A210017",
        period_start=date(2022, 10, 1),
        period_end=date(2024, 12, 31),
        tonnes=7_030,
        source="our inference",
    )
    await refused(known, ESTIMATE, AlreadyExists)
    issue = IssueCredits(batch_id=UUID(int=41), reduction_id=UUID(int=61))
    await refused(known, issue, StepNotAllowed)
    await say(known, record())  # an estimate takes no period from what is verified


async def test_an_estimate_is_taken_back_and_replaced(known: Transaction) -> None:
    await say(known, ESTIMATE)
    withdrawing = WithdrawEstimate(reduction_id=UUID(int=61), reason="a better one is known")
    assert await say(known, withdrawing) == EstimateWithdrawn(
        reduction_id=UUID(int=61), project="A210017", reason="a better one is known"
    )
    await refused(known, withdrawing, StepNotAllowed)
    await say(known, msgspec.structs.replace(ESTIMATE, reduction_id=UUID(int=62), tonnes=7_000))
    await say(known, record())
    registered = msgspec.structs.replace(withdrawing, reduction_id=record().reduction_id)
    await refused(known, registered, StepNotAllowed)


async def test_what_was_issued_is_in_the_history_of_the_reductions(known: Transaction) -> None:
    await say(known, record())
    await say(known, issuing(record()))
    told = await known.connection.fetch(
        "SELECT type FROM event WHERE aggregate = $1 ORDER BY sequence",
        f"reduction/{record().reduction_id}",
    )
    assert [one["type"] for one in told] == [
        "issuance.reduction.recorded",
        "issuance.reduction.issued",
    ]


async def test_credits_are_issued_once_in_a_batch_for_the_owner(known: Transaction) -> None:
    await say(known, record())
    assert await say(known, issuing(record())) == CreditsIssued(
        batch_id=UUID(int=41),
        programme="CCER",
        country="CN",
        project="A210017",
        vintage=2023,
        batch_number=1,
        first_serial=1,
        last_serial=225_714,
        tonnes=225_714,
        holder_account="ACC-00000001",
        serials="CCER-CN-A210017-2023-001-1-225714",
        is_opening=False,
        registered_on=date(2026, 1, 15),
    )
    await refused(known, issuing(record(), batch=42), StepNotAllowed)
    await refused(known, issuing(record()), AlreadyExists)
    await say(known, record(vintage=2024))
    await refused(known, issuing(record(vintage=2024)), AlreadyExists)
    await refused(known, issuing(record(vintage=2025)), Unknown)


async def test_batches_are_numbered_inside_project_and_vintage(known: Transaction) -> None:
    numbers: list[int] = []
    for place, one in enumerate((record(vintage=2025), record(vintage=2024), record(2, 2025))):
        await say(known, one)
        issued = await say(known, issuing(one, batch=41 + place))
        assert isinstance(issued, CreditsIssued)
        numbers.append(issued.batch_number)
    assert numbers == [1, 1, 2]


async def test_nothing_happens_before_the_projects_registration(known: Transaction) -> None:
    eve = replace(known, effective_at=datetime(2025, 4, 29, 15, 59, tzinfo=UTC))
    await refused(eve, record(), BeforeRegistration)
    day = replace(known, effective_at=datetime(2025, 4, 29, 16, tzinfo=UTC))  # midnight in Beijing
    await say(day, record())
    await refused(eve, issuing(record()), BeforeRegistration)
    await say(day, issuing(record()))


async def test_of_two_who_issue_at_once_one_does(database: Database) -> None:
    """Committed, because two transactions must see each other: under a code of its own."""
    first = await opened_connection(database.url("issuance"), "issuance")
    second = await opened_connection(database.url("issuance"), "issuance")
    try:
        code = f"A{new_id().hex.upper()}"
        recorded = record(project=code, reduction_id=new_id())
        tx = Transaction(first, "first", REGISTRAR, AT, AT)
        await learn(
            tx, *PROGRAMMES, METHODOLOGY, OWNER, msgspec.structs.replace(PROJECT, code=code)
        )
        await say(tx, recorded)
        both = (tx, replace(tx, connection=second))
        commands = [
            IssueCredits(batch_id=new_id(), reduction_id=recorded.reduction_id) for _ in both
        ]
        told = await asyncio.gather(
            *(say(one, command) for one, command in zip(both, commands, strict=True)),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in told) == ["CreditsIssued", "StepNotAllowed"]
    finally:
        await first.close()
        await second.close()


async def test_a_historian_brings_in_an_opening_batch(known: Transaction) -> None:
    tx = replace(known, actor=HISTORIAN, effective_at=datetime(2024, 1, 18, tzinfo=UTC))
    issued = await say(tx, OPENING)
    assert isinstance(issued, CreditsIssued)
    assert issued.is_opening
    assert issued.serials == "CCER-LEGACY-CN-LEGACY-0001-2015-001-1-375315"
    assert issued.holder_account == "ACC-00000002"
    await refused(tx, OPENING, AlreadyExists)


async def test_rule_25_a_code_stands_for_the_credits_of_one_programme(known: Transaction) -> None:
    """What is surrendered, offset or refused as a whole would otherwise hold credits of two sorts."""
    historian = replace(known, actor=HISTORIAN)
    await say(historian, OPENING)
    other = ProgrammeRegistered(
        code="OTHER", name="O", country="CN", kind="NATIONAL_LEGACY", is_ets_eligible=False
    )
    await learn(known, other)
    second = msgspec.structs.replace(OPENING, batch_id=UUID(int=52), programme="OTHER")
    await refused(historian, second, AlreadyExists)
    later = msgspec.structs.replace(
        PROJECT, project_id=UUID(int=9), code=OPENING.project, registered_on=date(2025, 5, 1)
    )
    await learn(known, later)
    recorded = record(project=OPENING.project)
    await say(known, recorded)
    await refused(known, issuing(recorded), AlreadyExists)


async def test_an_opening_batch_waits_for_programme_and_account(tx: Transaction) -> None:
    tx = replace(tx, actor=HISTORIAN)
    for heard in (PROGRAMMES[1], ACCOUNT):
        await refused(tx, OPENING, NotYetKnown)
        await learn(tx, heard)
    await say(tx, OPENING)


async def test_credits_are_issued_by_two_persons(known: Transaction) -> None:
    await say(known, record())
    command = issuing(record())
    asked = CloudEvent(id=known.message_id, source="/gateway", type=wire_name(IssueCredits))
    answer, _ = await approval.request(known, asked, command, handlers.SERVICE)
    assert answer.outcome == Answer.PENDING
    issued = "SELECT approved_by FROM event WHERE aggregate = $1"
    subject = f"batch/{command.batch_id}"
    assert await known.connection.fetchrow(issued, subject) is None
    assert answer.approval_id is not None
    decision = ApproveCommand(approval_id=answer.approval_id)
    both = replace(REGISTRAR, roles=frozenset({Role.REGISTRAR, Role.APPROVER}))
    for actor, refusal in ((both, MakerIsApprover), (VERIFIER, RoleMissing)):
        with pytest.raises(refusal):
            await approval.decide(replace(known, actor=actor), decision, handlers.SERVICE)
    second = replace(known, actor=APPROVER, message_id=str(new_id()))
    final, said = await approval.decide(second, decision, handlers.SERVICE)
    await outbox.append_facts(known.connection, said)
    assert (final.outcome, final.subject) == (Answer.ACCEPTED, subject)
    assert await known.connection.fetchval(issued, subject) == "approver-1"
    assert not await _broken(known)


NOW, DAY = AT + timedelta(days=90), timedelta(days=1)


@pytest.mark.parametrize(
    ("requested_at", "decided_at", "days_by_clock", "outcome"),
    [
        (NOW, NOW + 7 * DAY, 7, Answer.ACCEPTED),
        (NOW, NOW + 8 * DAY, 8, Answer.REFUSED),
        (NOW, NOW + DAY, 8, Answer.REFUSED),  # a historian's earlier instant wins no time
        (AT, AT + DAY, 0, Answer.ACCEPTED),  # in the past what was requested in the past
        (AT, AT + 7 * DAY, 7, Answer.ACCEPTED),
        (AT, AT + 8 * DAY, 0, Answer.REFUSED),
        (AT, AT + DAY, 8, Answer.REFUSED),
    ],
)
async def test_an_approval_expires_by_what_it_is_effective_from_and_by_the_clock(
    known: Transaction,
    requested_at: datetime,
    decided_at: datetime,
    days_by_clock: int,
    outcome: str,
) -> None:
    await say(known, record())
    command = issuing(record())
    asking = replace(known, effective_at=requested_at, recorded_at=NOW)
    asked = CloudEvent(id=known.message_id, source="/gateway", type=wire_name(IssueCredits))
    answer, _ = await approval.request(asking, asked, command, handlers.SERVICE)
    assert answer.approval_id is not None

    deciding = replace(
        known,
        actor=APPROVER,
        message_id=str(new_id()),
        effective_at=decided_at,
        recorded_at=NOW + days_by_clock * DAY,
    )
    decision = ApproveCommand(approval_id=answer.approval_id)
    final, _ = await approval.decide(deciding, decision, handlers.SERVICE)

    assert final.outcome == outcome
    if outcome == Answer.REFUSED:
        assert final.refusal is not None
        assert final.refusal.fields["state"] == approval.State.EXPIRED


async def test_nothing_takes_effect_before_it_was_asked_for(known: Transaction) -> None:
    """A historian who approves as of the past would move what was asked too late to before its deadline."""
    await say(known, record())
    asked = CloudEvent(id=known.message_id, source="/gateway", type=wire_name(IssueCredits))
    asking = replace(known, effective_at=NOW, recorded_at=NOW)
    answer, _ = await approval.request(asking, asked, issuing(record()), handlers.SERVICE)
    assert answer.approval_id is not None
    decision = ApproveCommand(approval_id=answer.approval_id)
    historian = replace(APPROVER, roles=frozenset({Role.APPROVER, Role.HISTORIAN}))
    deciding = replace(asking, actor=historian, message_id=str(new_id()))

    early = replace(deciding, effective_at=NOW - CLOCK_LEEWAY - timedelta(seconds=1))
    with pytest.raises(DecidedBeforeRequested):
        await approval.decide(early, decision, handlers.SERVICE)
    another_clock = replace(deciding, effective_at=NOW - CLOCK_LEEWAY)
    final, _ = await approval.decide(another_clock, decision, handlers.SERVICE)
    assert final.outcome == Answer.ACCEPTED


async def test_invariants_hold_after_the_whole_path(known: Transaction) -> None:
    for place, one in enumerate((record(), record(vintage=2024), record(2, 2025))):
        await say(known, one)
        await say(known, issuing(one, batch=41 + place))
    await say(known, ESTIMATE)
    await say(replace(known, actor=HISTORIAN), OPENING)
    assert not await _broken(known)


SPOILED_BATCH = """
    INSERT INTO credit_batch
    SELECT gen_random_uuid(), programme, country, project, vintage, 3, 2, 6, 5, 'X', holder_account,
        NULL, 'Y', 0, issued_at, recorded_at
    FROM credit_batch
    WHERE project = 'A210017'
"""
SPOILED_REDUCTION = """
    UPDATE reduction SET state = 'REGISTERED', batch_id = NULL WHERE project = 'A210017'
"""
SPOILED_SEQUENCE = """
    INSERT INTO event (
        id, type, aggregate, sequence, effective_at, recorded_at, actor, causation_id, body
    )
    SELECT id, type, aggregate, 4, effective_at, recorded_at, actor, causation_id, body
    FROM event
    WHERE type = 'issuance.reduction.recorded'
"""
SPOILED_OUTBOX = """
    INSERT INTO outbox (positions, recorded_at) VALUES ('{1}', now() - interval '61 seconds')
"""


@pytest.mark.parametrize(
    ("spoiling", "broken"),
    [
        (
            SPOILED_BATCH,
            {"batch_tonnes_are_its_serials", "batch_numbers_gapless", "batch_told_once"},
        ),
        (SPOILED_REDUCTION, {"reduction_issued_as_its_tonnes", "batch_and_reduction_agree"}),
        (SPOILED_SEQUENCE, {"event_sequence_gapless"}),
        (SPOILED_OUTBOX, {"outbox_row_older_than_60_seconds"}),
    ],
)
async def test_invariants_notice(known: Transaction, spoiling: str, broken: set[str]) -> None:
    await say(known, record())
    await say(known, issuing(record()))
    await known.connection.execute(spoiling)
    assert await _broken(known) == broken


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM credit_batch",
        "UPDATE credit_batch SET tonnes = tonnes",
        "UPDATE reduction SET tonnes = tonnes",
        "UPDATE monitoring_period SET ends_on = ends_on",
    ],
)
async def test_the_service_cannot_rewrite_what_it_issued(tx: Transaction, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.connection.execute(statement)


async def test_the_gateway_sees_reductions_and_batches_only(database: Database) -> None:
    gateway = await opened_connection(database.url("gateway"), "issuance_read")
    try:
        for view in ("reduction", "credit_batch"):
            await gateway.fetch(f"SELECT * FROM {view}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.fetch("SELECT * FROM issuance.credit_batch")
    finally:
        await gateway.close()


async def _broken(tx: Transaction) -> set[str]:
    invariants = queries.load(migrate.SCHEMA_FOLDER / "issuance" / "invariants.sql")
    return {
        name
        for name, statement in invariants.items()
        if await tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
    }
