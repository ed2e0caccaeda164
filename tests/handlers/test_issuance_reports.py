"""What issuance's handlers do with monitoring reports, in a real database and with the service's own rights."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.issuance import handlers, quantify_handlers
from services.issuance.drafts import (
    BasisNotAccepted,
    CountedElsewhere,
    PlantOfOthers,
    VintagesDiffer,
)
from services.issuance.messages.applications import (
    DecisionOverdue,
    ReductionApplied,
    RefuseReduction,
)
from services.issuance.messages.batches import CreditsIssued
from services.issuance.messages.days import DayOpened, OpenDay
from services.issuance.messages.notices import (
    CommentOnReport,
    ReportNoticeEnded,
    ReportNoticeOpened,
)
from services.issuance.messages.quantification import (
    MethodologyUnreadable,
    PublishGridFactor,
    Quantify,
)
from services.issuance.messages.reductions import (
    RecordReduction,
    ReductionIssued,
    ReductionRecorded,
    ReductionsRevoked,
    RevokeReductions,
)
from services.issuance.messages.reports import (
    ReportDatesComputed,
    ReportIssued,
    ReportRevoked,
    ReportSubmitted,
    WithdrawReport,
)
from services.issuance.messages.verifications import ReductionsVerified
from services.issuance.methodologies import FormulaMissing, MethodologyNotExecutable
from services.issuance.quantification.activity import ElectronicsRecycling
from services.issuance.quantification.quantify import ActivityMalformed, requantify
from services.issuance.quantification.traces import canonical, read_trace
from services.issuance.reductions import PeriodsOverlap, PeriodTaken, ProjectNotRegistered
from services.issuance.reports import (
    GeneratedTooLongAgo,
    QuantityNotVerified,
    ReportNoticeNotOpen,
    ReportNoticeStillOpen,
)
from services.issuance.verifications import (
    OtherVerificationBody,
    VerifiedAboveReported,
    VerifierIsValidator,
)
from services.kernel.actors import (
    Actor,
    NotAssigned,
    NotOperator,
    OtherOrganisation,
    Role,
    RoleMissing,
)
from services.kernel.clocks import BEIJING
from services.kernel.documents import ContentDiffers
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import (
    AccountNotOpen,
    AlreadyExists,
    NotYetKnown,
    OutOfRange,
    OwnerBarred,
    Refusal,
    Unknown,
)
from services.kernel.teams import TeamNotCompetent, TeamTooSmall
from services.registry.messages.accounts import (
    AccountClosed,
    AccountRestricted,
    OperatorAppointed,
    OperatorDismissed,
    RestrictionLifted,
)
from services.registry.messages.calendars import OfficialDaysAdded
from services.registry.messages.methodologies import MethodologyPublished, Parameter
from services.registry.messages.programmes import RoleAssigned, RoleEnded
from services.registry.messages.registrations import ProjectCancelled, ProjectRevoked
from services.runtime import inbox
from services.runtime.claims import Batch
from services.runtime.consumer import Done
from services.runtime.messages import Answer, CloudEvent, Command, encode, wire_name
from services.runtime.postgres import Transaction, opened_connection
from tests import measured, reporting
from tests.conftest import Database
from tests.handlers.conftest import NOW, Opened
from tests.reporting import (
    ANYBODY,
    APPLIED,
    AUTHORITY,
    EXAMINER,
    HISTORIAN,
    ISSUED,
    NOTICED,
    OPERATOR,
    ORGANISATIONS,
    OWNER,
    RECYCLING,
    REGISTERED,
    REGISTRAR,
    SUBMITTED,
    THIRD,
    VALIDATOR,
    VERIFIED,
    VERIFIER,
    WIND,
    application,
    broken,
    document,
    issuing,
    learn,
    notice,
    on,
    only,
    reduction_id,
    registration,
    say,
    submission,
    tonnes,
    verification,
)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    tx = await opened("issuance", HISTORIAN)
    assert not await learn(tx, *reporting.HEARD)
    return tx


async def refused(tx: Transaction, command: Command, refusal: type[Refusal]) -> Refusal:
    """The refusal comes and changes nothing."""
    before = await reporting.stored(tx)
    with pytest.raises(refusal) as raised:
        await say(tx, command)
    assert await reporting.stored(tx) == before
    return raised.value


async def walk(tx: Transaction, until: str, number: int = 1, **changes: Any) -> None:
    """Lets a report take its steps up to this one."""
    steps = {
        "submit": (SUBMITTED, OPERATOR, submission(number, **changes)),
        "open": (NOTICED, OPERATOR, notice(number)),
        "verify": (VERIFIED, EXAMINER, verification(number)),
        "apply": (APPLIED, OPERATOR, application(number)),
        "register": (REGISTERED, REGISTRAR, registration(number)),
        "issue 2023": (ISSUED, REGISTRAR, issuing(number, 2023)),
        "issue 2024": (ISSUED, REGISTRAR, issuing(number, 2024)),
    }
    for name, (day, actor, command) in steps.items():
        await say(on(tx, day, actor), command)
        if name == until:
            return
    raise ValueError(until)


async def state(tx: Transaction, number: int = 1) -> str:
    return await tx.connection.fetchval(
        "SELECT state FROM report WHERE report_id = $1", UUID(int=number)
    )


async def test_a_report_becomes_credits(tx: Transaction) -> None:
    """From the draft to a batch for each vintage, step by step, as the rule book has it."""
    submitted = only(await say(on(tx, SUBMITTED, OPERATOR), submission()), ReportSubmitted)
    assert submitted.tonnes == reporting.REPORTED
    assert (submitted.trace_sha256, submitted.inputs_sha256) == (None, None)
    opened = only(await say(on(tx, NOTICED, OPERATOR), notice()), ReportNoticeOpened)
    assert (opened.starts_on, opened.ends_on) == (NOTICED, date(2026, 2, 9))
    assert opened.verification_body == VERIFIER
    ended, verified = await say(on(tx, VERIFIED, EXAMINER), verification())
    assert ended == ReportNoticeEnded(report_id=UUID(int=1), ended_on=date(2026, 2, 9))
    assert isinstance(verified, ReductionsVerified)
    applied = only(await say(on(tx, APPLIED, OPERATOR), application()), ReductionApplied)
    assert (applied.applied_on, applied.decide_by) == (APPLIED, date(2026, 3, 23))
    registered = await say(on(tx, REGISTERED, REGISTRAR), registration())
    recorded = [event for event in registered if isinstance(event, ReductionRecorded)]
    assert [(one.vintage, one.tonnes, one.basis) for one in recorded] == [
        (2023, 100_000, "ATTESTED"),
        (2024, 125_714, "ATTESTED"),
    ]
    assert [one.reduction_id for one in recorded] == [reduction_id(1, 2023), reduction_id(1, 2024)]
    first, told = await say(on(tx, ISSUED, REGISTRAR), issuing(1, 2023))
    assert isinstance(first, CreditsIssued)
    assert isinstance(told, ReductionIssued)
    assert await state(tx) == "REGISTERED"
    second = await say(on(tx, ISSUED, REGISTRAR), issuing(1, 2024))
    assert only(second, CreditsIssued).serials == "WEEE-26-CN-W330001-2024-001-1-125714"
    assert only(second, ReportIssued).tonnes == 225_714
    assert await state(tx) == "ISSUED"
    assert not await broken(tx)


async def test_the_methodologys_buffer_is_the_tail_of_the_batch(tx: Transaction) -> None:
    await walk(tx, "issue 2023")
    issued = await say(on(tx, ISSUED, REGISTRAR), issuing(1, 2024))
    assert only(issued, CreditsIssued).buffer_first_serial == 125_714 - 12_572 + 1


async def test_a_batch_is_sealed(tx: Transaction) -> None:
    await walk(tx, "issue 2024")
    again = msgspec.structs.replace(issuing(1, 2024), batch_id=UUID(int=77))
    await refused(on(tx, ISSUED, REGISTRAR), again, StepNotAllowed)


@pytest.mark.parametrize(
    ("until", "command", "allowed"),
    [
        (None, submission(), {Role.OWNER_OPERATOR, Role.REGISTRAR}),
        ("submit", notice(), {Role.OWNER_OPERATOR, Role.REGISTRAR}),
        (
            "submit",
            WithdrawReport(report_id=UUID(int=1), reason="x"),
            {Role.OWNER_OPERATOR, Role.REGISTRAR},
        ),
        ("open", verification(), {Role.VERIFIER, Role.REGISTRAR}),
        ("verify", application(), {Role.OWNER_OPERATOR, Role.REGISTRAR}),
        ("apply", registration(), {Role.REGISTRAR}),
        ("apply", RefuseReduction(report_id=UUID(int=1), reason="x"), {Role.REGISTRAR}),
        ("register", issuing(1, 2023), {Role.REGISTRAR}),
        (
            "register",
            RevokeReductions(reduction_id=reduction_id(1, 2023), tonnes=1, reason="x"),
            {Role.AUTHORITY},
        ),
        (None, OpenDay(date=date(2026, 1, 1)), {Role.REGISTRAR, Role.HISTORIAN}),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_nobody_without_the_role_may_do_anything(
    tx: Transaction, until: str | None, command: Command, allowed: set[Role]
) -> None:
    if until:
        await walk(tx, until)
    for role in set(Role) - allowed:
        await refused(on(tx, ISSUED, Actor("x", None, frozenset({role}))), command, RoleMissing)
    for role in allowed - {Role.REGISTRAR, Role.AUTHORITY, Role.HISTORIAN}:
        stranger = Actor("x", UUID(int=9), frozenset({role}))
        await refused(on(tx, ISSUED, stranger), command, OtherOrganisation)


async def test_a_report_is_submitted_once(tx: Transaction) -> None:
    await walk(tx, "submit")
    await refused(on(tx, SUBMITTED, OPERATOR), submission(period_number=2), AlreadyExists)
    await refused(on(tx, SUBMITTED, OPERATOR), submission(2, project="X"), NotYetKnown)
    for command in (notice(9), verification(9), application(9), registration(9)):
        await refused(on(tx, ISSUED, REGISTRAR), command, Unknown)
    await refused(on(tx, ISSUED, REGISTRAR), issuing(9, 2024), Unknown)


async def test_ccer_accepts_only_quantified_reports_but_for_history(tx: Transaction) -> None:
    command = submission(project=WIND)
    await refused(on(tx, SUBMITTED, OPERATOR), command, BasisNotAccepted)
    await refused(on(tx, SUBMITTED, REGISTRAR), command, OtherOrganisation)
    await say(on(tx, SUBMITTED, HISTORIAN), command)


async def test_rule_03_applied_within_five_years(tx: Transaction) -> None:
    """The crediting period of this project began long ago."""
    old = msgspec.structs.replace(
        reporting.PROJECTS[0], code="A210099", crediting_from=date(2020, 9, 23)
    )
    await learn(tx, old)
    for number, (first, refusal) in enumerate(
        ((date(2021, 2, 28), GeneratedTooLongAgo), (date(2021, 3, 1), None)), start=1
    ):
        changes = {
            "project": "A210099",
            "period_start": first,
            "period_end": date(2021, 12, 31),
            "tonnes": tonnes(y2021=225_714),
        }
        await say(on(tx, SUBMITTED, HISTORIAN), submission(number, **changes))
        await say(on(tx, NOTICED, HISTORIAN), notice(number))
        proof = verification(number, tonnes=tonnes(y2021=225_714))
        await say(on(tx, date(2026, 2, 27), EXAMINER), proof)
        day = on(tx, date(2026, 3, 1), OPERATOR)
        if refusal:
            await refused(day, application(number), refusal)
            await say(day, WithdrawReport(report_id=UUID(int=number), reason="too late"))
        else:
            await say(day, application(number))


async def test_rule_04_nothing_is_verified_on_the_last_day_of_the_notice(tx: Transaction) -> None:
    day = date(2026, 7, 17)
    await walk(tx, "submit")
    await say(on(tx, day, OPERATOR), notice())
    await refused(on(tx, date(2026, 8, 13), EXAMINER, 23), verification(), ReportNoticeStillOpen)
    await say(on(tx, date(2026, 8, 14), EXAMINER, 0), verification())


async def test_rule_06_the_validator_does_not_verify(tx: Transaction) -> None:
    await walk(tx, "submit")
    await refused(on(tx, NOTICED, OPERATOR), notice(body=VALIDATOR), VerifierIsValidator)
    await refused(on(tx, NOTICED, OPERATOR), notice(body="ACC-99999999"), NotYetKnown)
    await say(on(tx, NOTICED, OPERATOR), notice())
    third = Actor("v", ORGANISATIONS["third"], EXAMINER.roles)
    for body, actor, refusal in (
        (THIRD, third, OtherVerificationBody),
        (VERIFIER, third, OtherOrganisation),
        (VALIDATOR, Actor("v", ORGANISATIONS["validator"], EXAMINER.roles), VerifierIsValidator),
    ):
        await refused(on(tx, VERIFIED, actor), verification(verification_body=body), refusal)
    for team, refusal in (
        (reporting.TEAM[:1], TeamTooSmall),
        (reporting.TEAM[1:] * 2, TeamNotCompetent),
    ):
        await refused(on(tx, VERIFIED, EXAMINER), verification(team=team), refusal)
    with pytest.raises(asyncpg.CheckViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(
                "INSERT INTO verification (report_id, verification_body, team, reviewer, findings, statement,"
                " verified_by, verified_at, recorded_at)"
                " VALUES ($1, $2, '[]', 'c', '', repeat('0', 64), 'v', now(), now())",
                UUID(int=1),
                VERIFIER,
            )


async def test_rule_07_exactly_the_verified_quantity(tx: Transaction) -> None:
    await walk(tx, "open")
    more = verification(tonnes=tonnes(y2023=100_000, y2024=125_715), findings="more")
    await refused(on(tx, VERIFIED, EXAMINER), more, VerifiedAboveReported)
    other = verification(tonnes=tonnes(y2024=125_714))
    await refused(on(tx, VERIFIED, EXAMINER), other, VintagesDiffer)
    less = verification(tonnes=tonnes(y2023=0, y2024=125_714))
    await refused(on(tx, VERIFIED, EXAMINER), less, OutOfRange)
    await say(on(tx, VERIFIED, EXAMINER), msgspec.structs.replace(less, findings="no meter"))
    for quantity in (125_713, 125_715, 225_714):
        await refused(on(tx, APPLIED, OPERATOR), application(tonnes=quantity), QuantityNotVerified)
    await say(on(tx, APPLIED, OPERATOR), application(tonnes=125_714))
    registered = await say(on(tx, REGISTERED, REGISTRAR), registration())
    assert only(registered, ReductionRecorded).tonnes == 125_714  # none of 2023
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(
                "INSERT INTO reduction SELECT gen_random_uuid(), project, 1, period_start, period_end, 2023, 1,"
                " verification_body, evidence, state, NULL, basis, report_id, 0, effective_at, recorded_at"
                " FROM reduction WHERE report_id IS NOT NULL"
            )
    await say(on(tx, ISSUED, REGISTRAR), issuing(1, 2024))
    assert await state(tx) == "ISSUED"
    assert not await broken(tx)


async def test_rule_25_periods_overlap_by_no_day(tx: Transaction) -> None:
    """A draft claims nothing; whoever publishes first has the period, until it is refused or withdrawn."""
    second: dict[str, Any] = {
        "period_number": 2,
        "period_start": date(2024, 12, 31),
        "period_end": date(2025, 12, 31),
        "tonnes": tonnes(y2025=1),
    }
    await walk(tx, "submit", 1)
    await walk(tx, "submit", 2, **second)
    await say(on(tx, NOTICED, OPERATOR), notice(1))
    await refused(on(tx, NOTICED, OPERATOR), notice(2), PeriodsOverlap)
    await refused(on(tx, NOTICED, OPERATOR), submission(3, **second), PeriodsOverlap)
    await refused(on(tx, NOTICED, OPERATOR), submission(3), PeriodTaken)
    apart = second | {"period_start": date(2025, 1, 1)}
    await say(on(tx, NOTICED, OPERATOR), submission(4, **apart))
    with pytest.raises(asyncpg.ExclusionViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(
                "INSERT INTO monitoring_period VALUES ($1, 2, $2, $3, $4)",
                RECYCLING,
                second["period_start"],
                second["period_end"],
                UUID(int=2),
            )
    await say(on(tx, NOTICED, OPERATOR), WithdrawReport(report_id=UUID(int=1), reason="mistake"))
    await say(on(tx, NOTICED, OPERATOR), notice(2))
    assert not await broken(tx)


async def test_history_and_reports_do_not_share_a_period(tx: Transaction) -> None:
    await walk(tx, "open")
    history = RecordReduction(
        reduction_id=UUID(int=8),
        project=RECYCLING,
        period_number=1,
        period_start=date(2023, 1, 1),
        period_end=date(2024, 12, 31),
        vintage=2024,
        tonnes=1,
        verification_body="核查机构",
        evidence="disclosed",
    )
    await refused(on(tx, ISSUED, HISTORIAN), history, PeriodTaken)
    earlier = msgspec.structs.replace(
        history,
        period_number=2,
        period_start=date(2022, 10, 1),
        period_end=date(2022, 12, 31),
        vintage=2022,
    )
    await say(on(tx, ISSUED, HISTORIAN), earlier)
    taken = submission(
        2, period_start=date(2022, 10, 1), period_end=date(2022, 12, 31), tonnes=tonnes(y2022=1)
    )
    await refused(on(tx, ISSUED, OPERATOR), taken, PeriodTaken)


async def test_a_refused_report_gives_its_period_back(tx: Transaction) -> None:
    await walk(tx, "apply")
    await say(on(tx, REGISTERED, REGISTRAR), RefuseReduction(report_id=UUID(int=1), reason="false"))
    assert await state(tx) == "REFUSED"
    await refused(on(tx, REGISTERED, REGISTRAR), registration(), StepNotAllowed)
    await walk(tx, "open", 2)
    assert not await broken(tx)


def comment(number: int = 1, report: int = 1) -> CommentOnReport:
    return CommentOnReport(comment_id=UUID(int=number), report_id=UUID(int=report), text="太多了")


async def test_the_public_is_heard_and_answered(tx: Transaction) -> None:
    await walk(tx, "submit")
    await refused(on(tx, SUBMITTED, ANYBODY), comment(), ReportNoticeNotOpen)
    await say(on(tx, NOTICED, OPERATOR), notice())
    await say(on(tx, date(2026, 2, 9), ANYBODY, 23), comment())
    await refused(on(tx, date(2026, 2, 9), ANYBODY, 23), comment(), AlreadyExists)
    await refused(on(tx, date(2026, 2, 10), ANYBODY), comment(2), ReportNoticeNotOpen)
    await refused(on(tx, VERIFIED, EXAMINER), verification(), OutOfRange)
    await say(on(tx, VERIFIED, EXAMINER), verification(findings="heeded"))


async def test_documents_are_what_their_digest_says(tx: Transaction) -> None:
    for wrong in (
        document(b"other", sha256=document().sha256),
        document(size_bytes=8),
    ):
        await refused(on(tx, SUBMITTED, OPERATOR), submission(documents=(wrong,)), ContentDiffers)
    with pytest.raises(asyncpg.CheckViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(
                "INSERT INTO document_content (sha256, content) VALUES ($1, 'x')", document().sha256
            )


async def test_a_size_that_nobody_has_seen_binds_no_other_report(tx: Transaction) -> None:
    guessed = document(b"report", size_bytes=7, content=None)
    await say(on(tx, SUBMITTED, OPERATOR), submission(documents=(guessed,)))
    later = {"period_number": 2, "documents": (document(b"report"),)}
    await say(on(tx, SUBMITTED, OPERATOR), submission(2, **later))
    third = submission(3, period_number=3, documents=(guessed,))
    await refused(on(tx, SUBMITTED, OPERATOR), third, ContentDiffers)
    right = document(b"report", content=None)
    await say(on(tx, SUBMITTED, OPERATOR), submission(3, period_number=3, documents=(right,)))
    assert await tx.connection.fetchval("SELECT count(*) FROM document_content") == 1


async def test_days_open_notices_end_and_decisions_become_overdue(tx: Transaction) -> None:
    await walk(tx, "open")
    last = date(2026, 2, 9)
    assert await say(on(tx, last, REGISTRAR), OpenDay(date=last)) == [DayOpened(date=last)]
    after = date(2026, 2, 10)
    _, ended = await say(on(tx, after, REGISTRAR), OpenDay(date=after))
    assert ended == ReportNoticeEnded(report_id=UUID(int=1), ended_on=last)
    assert len(await say(on(tx, after, REGISTRAR), OpenDay(date=after))) == 1
    await refused(on(tx, after, REGISTRAR), OpenDay(date=date(2026, 2, 11)), OutOfRange)
    [verified] = await say(on(tx, VERIFIED, EXAMINER), verification())
    assert isinstance(verified, ReductionsVerified)
    await say(on(tx, APPLIED, OPERATOR), application())
    due = date(2026, 3, 23)
    assert len(await say(on(tx, due, REGISTRAR), OpenDay(date=due))) == 1
    late = date(2026, 3, 24)
    _, alarm = await say(on(tx, late, REGISTRAR), OpenDay(date=late))
    assert alarm == DecisionOverdue(report_id=UUID(int=1), project=RECYCLING, decide_by=due)
    assert len(await say(on(tx, late, REGISTRAR), OpenDay(date=late))) == 1
    await say(on(tx, date(2026, 3, 25), REGISTRAR), registration())
    assert not await broken(tx)


async def test_provisional_dates_are_computed_again(tx: Transaction) -> None:
    await walk(tx, "submit")
    opened = only(await say(on(tx, date(2026, 12, 7), OPERATOR), notice()), ReportNoticeOpened)
    assert (opened.ends_on, opened.is_provisional) == (date(2027, 1, 4), True)
    notices = OfficialDaysAdded(
        notice_id=UUID(int=1),
        year=2027,
        holidays=(date(2027, 1, 1), date(2027, 1, 4)),
        working_days=(),
        source="State Council",
    )
    computed = only(await learn(tx, notices), ReportDatesComputed)
    assert computed == ReportDatesComputed(
        report_id=UUID(int=1), notice_ends_on=date(2027, 1, 5), decide_by=None, is_provisional=False
    )
    assert not await learn(tx, msgspec.structs.replace(notices, notice_id=UUID(int=2)))
    await refused(on(tx, date(2027, 1, 5), EXAMINER), verification(), ReportNoticeStillOpen)
    await say(on(tx, date(2027, 1, 6), EXAMINER), verification())


async def test_what_was_falsified_is_revoked(tx: Transaction) -> None:
    await walk(tx, "issue 2023")
    revoke = RevokeReductions(reduction_id=reduction_id(1, 2023), tonnes=40_000, reason="meters")
    said = await say(on(tx, ISSUED, AUTHORITY), revoke)
    assert only(said, ReductionsRevoked) == ReductionsRevoked(
        reduction_id=reduction_id(1, 2023),
        report_id=UUID(int=1),
        project=RECYCLING,
        vintage=2023,
        batch_id=issuing(1, 2023).batch_id,
        owner_account=OWNER,
        tonnes=40_000,
        reason="meters",
    )
    assert only(said, ReportRevoked).reason == "meters"
    await refused(on(tx, ISSUED, REGISTRAR), issuing(1, 2024), StepNotAllowed)
    again = msgspec.structs.replace(revoke, tonnes=60_001)
    assert (
        await refused(on(tx, ISSUED, AUTHORITY), again, Refusal)
    ).code() == "REVOKED_ABOVE_REGISTERED"
    [other] = await say(on(tx, ISSUED, AUTHORITY), msgspec.structs.replace(revoke, tonnes=60_000))
    assert isinstance(other, ReductionsRevoked)
    unissued = msgspec.structs.replace(revoke, reduction_id=reduction_id(1, 2024), tonnes=1)
    [other] = await say(on(tx, ISSUED, AUTHORITY), unissued)
    assert isinstance(other, ReductionsRevoked)
    assert other.batch_id is None
    assert not await broken(tx)


async def test_restricted_accounts_and_other_operators_do_nothing(tx: Transaction) -> None:
    account: dict[str, object] = {"account_id": UUID(int=1), "number": OWNER, "reason": "x"}
    await learn(tx, AccountRestricted(**account, ground="RULES_BROKEN"))  # pyright: ignore[reportArgumentType]
    await refused(on(tx, SUBMITTED, OPERATOR), submission(), AccountNotOpen)
    await learn(tx, RestrictionLifted(**account))  # pyright: ignore[reportArgumentType]
    other = OperatorAppointed(account_id=UUID(int=1), number=OWNER, operator="another")
    await learn(tx, other)
    await refused(on(tx, SUBMITTED, OPERATOR), submission(), NotOperator)
    await learn(tx, msgspec.structs.replace(other, operator=OPERATOR.subject))
    await walk(tx, "register")
    gone = {"operator": OPERATOR.subject}
    await learn(tx, OperatorDismissed(**account, **gone))  # pyright: ignore[reportArgumentType]
    await refused(on(tx, ISSUED, OPERATOR), submission(2), NotOperator)
    await learn(tx, AccountClosed(**account, ground="MERGER", approved_by="y"))  # pyright: ignore[reportArgumentType]
    await refused(on(tx, ISSUED, REGISTRAR), issuing(1, 2023), AccountNotOpen)
    unknown = OperatorAppointed(account_id=UUID(int=9), number="ACC-90000009", operator="x")
    restricted = AccountRestricted(
        account_id=UUID(int=9), number="ACC-90000009", ground="RULES_BROKEN", reason="x"
    )
    for event in (unknown, restricted):
        with pytest.raises(NotYetKnown):
            await learn(tx, event)


async def test_where_a_programme_has_named_people_nobody_else_acts(tx: Transaction) -> None:
    await walk(tx, "open")
    for role, person in (("verifier", "another"), ("registrar", "another")):
        await learn(tx, RoleAssigned(programme="WEEE-26", role=role, person=person, reason="x"))
    await refused(on(tx, VERIFIED, EXAMINER), verification(), NotAssigned)
    named = RoleAssigned(programme="WEEE-26", role="verifier", person=EXAMINER.subject, reason="x")
    await learn(tx, named)
    await say(on(tx, VERIFIED, EXAMINER), verification())
    await say(on(tx, APPLIED, OPERATOR), application())
    await refused(on(tx, REGISTERED, REGISTRAR), registration(), NotAssigned)
    await learn(tx, RoleEnded(programme="WEEE-26", role="registrar", person="another", reason="x"))
    await say(on(tx, REGISTERED, REGISTRAR), registration())


async def test_nothing_is_credited_once_the_projects_registration_has_ended(
    tx: Transaction,
) -> None:
    await walk(tx, "verify")
    await learn(
        tx,
        ProjectCancelled(
            code=RECYCLING,
            programme="WEEE-26",
            owner_account=OWNER,
            cancelled_on=APPLIED,
            ground="OWNER_REQUEST",
            reason="x",
        ),
    )
    await refused(on(tx, APPLIED, OPERATOR), application(), ProjectNotRegistered)


async def test_rule_10_an_owner_who_falsified_does_not_apply(tx: Transaction) -> None:
    await walk(tx, "verify")
    revoked = ProjectRevoked(
        code=WIND,
        programme="CCER-26",
        owner_account=OWNER,
        owner_organisation=ORGANISATIONS["owner"],
        revoked_on=date(2023, 3, 4),
        barred_until=date(2026, 3, 4),
        reason="false",
    )
    await learn(tx, revoked)
    await refused(on(tx, date(2026, 3, 3), OPERATOR), application(), OwnerBarred)
    await say(on(tx, date(2026, 3, 4), OPERATOR), application())
    with pytest.raises(NotYetKnown):
        await learn(tx, msgspec.structs.replace(revoked, code="X"))


def figures(methodology: str, programme: str) -> MethodologyPublished:
    """The demo's methodology as the registry tells of it."""
    found = measured.figures(methodology)
    return MethodologyPublished(
        code=f"{methodology}",
        programme=programme,
        name=methodology,
        crediting_years_max=10,
        valid_from=date(2023, 1, 1),
        formula_id=found.formula_id,
        parameters=tuple(
            msgspec.convert(msgspec.structs.asdict(one), Parameter) for one in found.parameters
        ),
    )


async def furnish(tx: Transaction, methodology: str, programme: str) -> str:
    """A project of the demo's methodology, with the grids' factors; returns its code."""
    known = msgspec.structs.replace(figures(methodology, programme), code="M-V01")
    await learn(
        tx,
        known,
        msgspec.structs.replace(
            reporting.PROJECTS[0],
            code="P1",
            programme=programme,
            methodology="M-V01",
            crediting_from=date(2020, 9, 23),
        ),
    )
    for factor in measured.figures(methodology).grid_factors:
        values = msgspec.structs.asdict(factor)
        command = msgspec.convert(values, PublishGridFactor)
        await say(on(tx, date(2025, 1, 2), REGISTRAR), command)
    return "P1"


def quantified(name: str, **changes: Any) -> dict[str, Any]:
    """A report of the demo's activity data."""
    monitored = measured.example(name)
    return {
        "project": "P1",
        "period_start": monitored.period.starts_on,
        "period_end": monitored.period.ends_on,
        "basis": "QUANTIFIED",
        "activity": msgspec.json.encode(monitored.activity).decode(),
        "tonnes": (),
        "documents": (),
    } | changes


async def test_what_is_quantified_can_be_computed_again_from_what_is_stored(
    tx: Transaction,
) -> None:
    name = "offshore_wind"
    await furnish(tx, measured.example(name).methodology, "CCER-26")
    said = await say(on(tx, SUBMITTED, OPERATOR), submission(**quantified(name)))
    submitted = only(said, ReportSubmitted)
    record = await tx.connection.fetchrow("SELECT trace, trace_sha256, inputs_sha256 FROM report")
    assert record is not None
    assert (record["trace_sha256"], record["inputs_sha256"]) == (
        submitted.trace_sha256,
        submitted.inputs_sha256,
    )
    trace = read_trace(record["trace"])
    again = requantify(trace)
    assert canonical(again.trace).decode() == record["trace"]
    assert tuple(msgspec.to_builtins(again.vintages)) == tuple(
        msgspec.to_builtins(submitted.tonnes)
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tx.connection.transaction():
            await tx.connection.execute("UPDATE report SET trace = trace")


async def test_a_report_that_cannot_be_quantified_is_refused(tx: Transaction) -> None:
    name = "offshore_wind"
    await furnish(tx, measured.example(name).methodology, "CCER-26")
    malformed = submission(**quantified(name, activity="{}"))
    await refused(on(tx, SUBMITTED, OPERATOR), malformed, ActivityMalformed)
    no_formula = submission(**quantified(name, project=WIND, period_start=date(2022, 10, 1)))
    await refused(on(tx, SUBMITTED, OPERATOR), no_formula, FormulaMissing)


async def test_rule_25_a_device_batch_is_credited_once(tx: Transaction) -> None:
    """The report that is published first has it, in whichever project; withdrawn, it gives it back."""
    name = "electronics_recycling"
    await furnish(tx, measured.example(name).methodology, "WEEE-26")
    twin = msgspec.structs.replace(
        reporting.PROJECTS[0],
        code="P2",
        methodology="M-V01",
        crediting_from=date(2020, 9, 23),
    )
    await learn(tx, twin)
    for number, project in enumerate(("P1", "P2"), start=1):
        await say(
            on(tx, SUBMITTED, OPERATOR), submission(number, **quantified(name, project=project))
        )
    await say(on(tx, NOTICED, OPERATOR), notice(1))
    refusal = await refused(on(tx, NOTICED, OPERATOR), notice(2), CountedElsewhere)
    assert refusal.values["report"] == str(UUID(int=1))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(
                "INSERT INTO claim SELECT claimed, $1 FROM claim", UUID(int=2)
            )
    assert not await broken(tx)
    await say(on(tx, NOTICED, OPERATOR), WithdrawReport(report_id=UUID(int=1), reason="mistake"))
    await say(on(tx, NOTICED, OPERATOR), notice(2))
    assert not await broken(tx)


async def test_a_dry_run_answers_and_stores_nothing(tx: Transaction) -> None:
    name = "offshore_wind"
    await furnish(tx, measured.example(name).methodology, "CCER-26")
    monitored = measured.example(name)
    command = Quantify(
        methodology="M-V01",
        period_start=monitored.period.starts_on,
        period_end=monitored.period.ends_on,
        activity=msgspec.json.encode(monitored.activity).decode(),
    )
    before = await reporting.stored(tx)
    envelope = CloudEvent(
        id="dry-run",
        source="/gateway",
        type=wire_name(Quantify),
        actor="vera.verifier",
        effectiveat=on(tx, SUBMITTED, ANYBODY).effective_at,
        actorroles="historian,verifier",
        data=msgspec.Raw(encode(command)),
    )
    batch = await Batch.opened(tx.connection, "commands", [envelope.id])
    done = await inbox._command(handlers.SERVICE, batch, envelope, 0)
    assert isinstance(done, Done)
    answer = done.answer
    assert answer is not None
    assert (answer.outcome, answer.subject, batch.said) == (Answer.ACCEPTED, None, [])
    result = msgspec.json.decode(answer.result)
    direct = await quantify_handlers.quantify_dry(on(tx, SUBMITTED, EXAMINER), command)
    assert result["tonnes"] == direct.tonnes > 0
    assert result["trace"]["inputs_sha256"] == direct.trace.inputs_sha256
    assert await reporting.stored(tx) == before
    await batch.close()
    assert (
        await tx.connection.fetchval("SELECT count(*) FROM inbox WHERE message_id = $1", "dry-run")
        == 0
    )
    again = await Batch.opened(tx.connection, "commands", [envelope.id])
    assert await inbox._command(handlers.SERVICE, again, envelope, 0) == done
    unknown = msgspec.structs.replace(command, methodology="X")
    with pytest.raises(NotYetKnown):
        await quantify_handlers.quantify_dry(on(tx, SUBMITTED, EXAMINER), unknown)
    with pytest.raises(RoleMissing):
        await quantify_handlers.quantify_dry(on(tx, SUBMITTED, ANYBODY), command)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"region": "east"}, Refusal),
        ({"year": 1989}, OutOfRange),
        ({"year": 2200}, OutOfRange),
        ({"source": ""}, OutOfRange),
        ({"edition": ""}, OutOfRange),
        ({"confidence": "MAYBE"}, OutOfRange),
        ({"build_margin": Decimal("-0.1")}, Refusal),
        ({"build_margin": Decimal("NaN")}, Refusal),
        ({"build_margin": Decimal(0)}, OutOfRange),
        ({"operating_margin": Decimal("2.000001")}, OutOfRange),
        ({"published_on": SUBMITTED + timedelta(days=1)}, OutOfRange),
    ],
)
async def test_grid_factors_are_published_once_and_well_formed(
    tx: Transaction, changes: dict[str, object], refusal: type[Refusal]
) -> None:
    factor = PublishGridFactor(
        region="EAST",
        year=2019,
        operating_margin=Decimal("0.7921"),
        build_margin=Decimal("0.3870"),
        published_on=date(2020, 12, 29),
        source="MEE",
        edition="2019",
        confidence="UNVERIFIED",
    )
    day = on(tx, SUBMITTED, REGISTRAR)
    await refused(day, msgspec.structs.replace(factor, **changes), refusal)
    largest = msgspec.structs.replace(factor, operating_margin=Decimal(2), published_on=SUBMITTED)
    await say(day, largest)
    await say(day, factor)
    await refused(day, factor, AlreadyExists)
    await refused(on(tx, SUBMITTED, OPERATOR), factor, RoleMissing)


async def test_the_factors_that_are_out_on_the_day_of_the_verification_count(
    watched: Transaction,
) -> None:
    """Whether they came out after the report and make less of it, or more."""
    name = "offshore_wind"
    tx = watched
    await furnish(tx, measured.example(name).methodology, "CCER-26")
    await say(on(tx, SUBMITTED, OPERATOR), submission(**quantified(name)))
    await say(on(tx, NOTICED, OPERATOR), notice())
    newer = PublishGridFactor(
        region="EXAMPLE",
        year=2024,
        operating_margin=Decimal("0.70"),
        build_margin=Decimal("0.30"),
        published_on=VERIFIED,
        source="MEE",
        edition="2024, corrected",
        confidence="UNVERIFIED",
    )
    await say(on(tx, VERIFIED, REGISTRAR), newer)
    for given, refusal in ((54_725, VerifiedAboveReported), (49_751, VerifiedAboveReported)):
        too_much = verification(tonnes=tonnes(y2024=given), findings="x")
        await refused(on(tx, VERIFIED, EXAMINER), too_much, refusal)
    await refused(on(tx, VERIFIED, EXAMINER), verification(tonnes=tonnes(y2024=49_750)), OutOfRange)
    proof = verification(tonnes=tonnes(y2024=49_750), findings="The factors of 2024 are out.")
    verified = only(await say(on(tx, VERIFIED, EXAMINER), proof), ReductionsVerified)
    [trace] = await seen(tx, "SELECT * FROM issuance_read.trace('x', NULL, '{}', $1)", UUID(int=1))
    assert trace["trace_sha256"] == verified.trace_sha256
    assert requantify(read_trace(trace["trace"])).tonnes == 49_750
    await say(on(tx, APPLIED, OPERATOR), application(tonnes=49_750))
    await say(on(tx, REGISTERED, REGISTRAR), registration())
    [reduction] = await seen(
        tx, "SELECT tonnes, trace_sha256 FROM issuance_read.reduction WHERE project = 'P1'"
    )
    assert reduction == {"tonnes": 49_750, "trace_sha256": verified.trace_sha256}
    assert not await broken(tx)


async def test_without_new_factors_the_trace_of_the_report_stands(tx: Transaction) -> None:
    name = "offshore_wind"
    await furnish(tx, measured.example(name).methodology, "CCER-26")
    await say(on(tx, SUBMITTED, OPERATOR), submission(**quantified(name)))
    await say(on(tx, NOTICED, OPERATOR), notice())
    proof = verification(tonnes=tonnes(y2024=54_725))
    verified = only(await say(on(tx, VERIFIED, EXAMINER), proof), ReductionsVerified)
    assert verified.trace_sha256 is None


async def test_the_end_of_a_notice_is_nobodys_act(tx: Transaction) -> None:
    await walk(tx, "verify")
    ended = await tx.connection.fetchrow(
        "SELECT actor, effective_at FROM event WHERE type = 'issuance.report.notice_ended'"
        " AND aggregate = $1",
        f"report/{UUID(int=1)}",
    )
    assert ended is not None
    assert dict(ended) == {
        "actor": "tonne",
        "effective_at": datetime(2026, 2, 10, tzinfo=BEIJING),
    }


async def test_rule_25_a_plant_of_others_is_refused(tx: Transaction) -> None:
    name = "electronics_recycling"
    await furnish(tx, measured.example(name).methodology, "WEEE-26")
    given = measured.activity(name, ElectronicsRecycling)
    renamed = msgspec.structs.replace(given, plant="91000000901820890T")
    activity = msgspec.json.encode(renamed).decode()
    other = submission(**quantified(name, activity=activity))
    refusal = await refused(on(tx, SUBMITTED, OPERATOR), other, PlantOfOthers)
    assert refusal.values == {"given": "91000000901820890T", "expected": reporting.PLANT}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("offshore_wind", {"formula_id": "offshore-wind-99"}),
        ("offshore_wind", {"parameters": ()}),
        ("offshore_wind", {"value": ("w_OM", "0.6")}),
        ("offshore_wind", {"value": ("w_BM", "1.5")}),
        ("electronics_recycling", {"without": "EF_el"}),
        ("afforestation", {"without": "K_RISK"}),
    ],
)
async def test_a_methodology_that_cannot_be_computed_is_told_and_harms_nothing(
    tx: Transaction, name: str, changes: dict[str, Any]
) -> None:
    told = figures(measured.example(name).methodology, "CCER-26")
    given = tuple(one for one in told.parameters if one.name != changes.get("without"))
    if "value" in changes:
        which, value = changes["value"]
        given = tuple(
            msgspec.structs.replace(one, value=Decimal(value)) if one.name == which else one
            for one in given
        )
    replaced = {key: value for key, value in changes.items() if key not in ("value", "without")}
    told = msgspec.structs.replace(told, **{"code": "M-V02", "parameters": given} | replaced)
    [said] = await learn(tx, told)
    assert isinstance(said, MethodologyUnreadable)
    project = msgspec.structs.replace(
        reporting.PROJECTS[0],
        code="P3",
        methodology="M-V02",
        crediting_from=date(2020, 9, 23),
    )
    await learn(tx, project)
    report = submission(**quantified(name, project="P3"))
    if name != "electronics_recycling":
        refusal = await refused(on(tx, SUBMITTED, OPERATOR), report, MethodologyNotExecutable)
        assert refusal.values["reason"] == said.reason


@pytest.fixture
async def watched(database: Database) -> AsyncIterator[Transaction]:
    """A transaction that may do everything, so that it can look at itself as the gateway does."""
    connection = await opened_connection(database.admin_url, "issuance")
    await connection.transaction().start()
    tx = Transaction(connection, "watched", HISTORIAN, NOW, NOW)
    await learn(tx, *reporting.HEARD)
    yield tx
    await connection.close()


async def seen(tx: Transaction, query: str, *values: object) -> list[dict[str, Any]]:
    """What the gateway reads."""
    await tx.connection.execute("SET LOCAL ROLE tonne_gateway")
    try:
        return [dict(one) for one in await tx.connection.fetch(query, *values)]
    finally:
        await tx.connection.execute("RESET ROLE")


async def test_counters_keep_apart_what_is_registered_issued_quantified_and_attested(
    watched: Transaction,
) -> None:
    await walk(watched, "issue 2023")
    counted = await seen(
        watched,
        "SELECT * FROM issuance_read.reduction_counter WHERE programme IN ('CCER-26', 'WEEE-26') ORDER BY 1",
    )
    assert counted == [
        dict.fromkeys(counted[0], 0) | {"programme": "CCER-26"},
        {
            "programme": "WEEE-26",
            "noticed_reports": 1,
            "verified_reports": 1,
            "registered_reductions": 2,
            "registered_tonnes": 225_714,
            "registered_quantified_tonnes": 0,
            "registered_attested_tonnes": 225_714,
            "issued_reductions": 1,
            "issued_tonnes": 100_000,
            "issued_quantified_tonnes": 0,
            "issued_attested_tonnes": 100_000,
            "revoked_tonnes": 0,
        },
    ]


async def test_a_draft_is_its_owners_own_affair(watched: Transaction) -> None:
    name = "offshore_wind"
    await furnish(watched, measured.example(name).methodology, "CCER-26")
    await say(on(watched, SUBMITTED, OPERATOR), submission(**quantified(name)))
    trace = "SELECT report_id FROM issuance_read.trace('x', NULL, '{}', $1)"
    own = (
        "SELECT report_id, status"
        " FROM issuance_read.own_reports('x', $1, $2, 'P1', NULL, NULL, NULL, 10)"
    )
    assert not await seen(watched, "SELECT FROM issuance_read.report WHERE project = 'P1'")
    assert not await seen(watched, trace, UUID(int=1))
    for organisation, roles, is_seen in (
        (ORGANISATIONS["owner"], [], True),
        (None, ["auditor"], True),
        (ORGANISATIONS["verifier"], ["verifier"], False),
        (None, [], False),
    ):
        assert bool(await seen(watched, own, organisation, roles)) == is_seen
        for part in ("report_vintages('x', $1, $2, ARRAY[$3::uuid])", "trace('x', $1, $2, $3)"):
            found = f"SELECT report_id FROM issuance_read.{part}"
            assert bool(await seen(watched, found, organisation, roles, UUID(int=1))) == is_seen
    await say(on(watched, NOTICED, OPERATOR), notice())
    [report] = await seen(watched, "SELECT * FROM issuance_read.report WHERE project = 'P1'")
    assert (report["status"], report["verified_tonnes"]) == ("IN_PUBLIC_NOTICE", None)
    assert await seen(watched, trace, UUID(int=1)) == [{"report_id": UUID(int=1)}]


async def test_documents_of_published_reports_are_everybodys(watched: Transaction) -> None:
    content = "SELECT issuance_read.document_content('x', NULL, '{}', $1) AS content"
    own = "SELECT issuance_read.document_content('x', $2, '{}', $1) AS content"
    digest = document(b"report").sha256
    await walk(watched, "submit")
    assert await seen(watched, content, digest) == [{"content": None}]
    owner = ORGANISATIONS["owner"]
    assert await seen(watched, own, digest, owner) == [{"content": b"report"}]
    await say(on(watched, NOTICED, OPERATOR), notice())
    assert await seen(watched, content, digest) == [{"content": b"report"}]
    for view in ("report_comment", "verification"):
        await seen(watched, f"SELECT * FROM issuance_read.{view} LIMIT 1")
    documents = (
        "SELECT kind, sha256 FROM issuance_read.report_documents('x', NULL, '{}', ARRAY[$1::uuid])"
    )
    assert await seen(watched, documents, UUID(int=1)) == [{"kind": "REPORT", "sha256": digest}]
    await seen(watched, "SELECT * FROM issuance_read.grid_factor LIMIT 1")


async def test_an_approval_is_shown_as_expired_once_it_is(watched: Transaction) -> None:
    """Whether anybody tries to decide on it or not."""
    insert = (
        "INSERT INTO approval (id, command_type, command, approver_role, maker, roles, requested_at, expires_at,"
        " lapses_at) VALUES ($1, 'x', '{}', 'approver', 'm', '{}', now() - interval '7 days', now() + $2::interval,"
        " now() + $2::interval)"
    )
    for number, left in ((901, timedelta(hours=-1)), (902, timedelta(hours=1))):
        await watched.connection.execute(insert, UUID(int=number), left)
    listed = (
        "SELECT id, state FROM issuance_read.approvals('x', NULL, '{auditor}', $1, NULL, NULL, 100)"
        " WHERE command_type = 'x'"
    )
    expired = {"id": UUID(int=901), "state": "EXPIRED"}
    assert await seen(watched, listed, "EXPIRED") == [expired]
    assert await seen(watched, listed, "PENDING") == [{"id": UUID(int=902), "state": "PENDING"}]
    assert len(await seen(watched, listed, None)) == 2
    one = "SELECT id, state FROM issuance_read.approval('x', NULL, '{auditor}', $1)"
    assert await seen(watched, one, UUID(int=901)) == [expired]
