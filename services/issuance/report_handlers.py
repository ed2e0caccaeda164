"""What issuance does with monitoring reports, from the draft to the registry's decision."""

from collections.abc import Mapping, Sequence
from datetime import date

from services.issuance import (
    drafts,
    methodologies,
    parties,
    reductions,
    report_store,
    reports,
    standing,
    store,
    verifications,
)
from services.issuance.drafts import Basis, by_vintage, stated
from services.issuance.messages import (
    ApplyForReduction,
    CommentOnReport,
    DayOpened,
    DecisionOverdue,
    GridFactorPublished,
    OpenDay,
    OpenReportNotice,
    PublishGridFactor,
    Quantify,
    RecordVerification,
    ReductionApplied,
    ReductionRecorded,
    ReductionRefused,
    ReductionRegistered,
    ReductionsVerified,
    RefuseReduction,
    RegisterReduction,
    ReportCommented,
    ReportNoticeEnded,
    ReportNoticeOpened,
    ReportSubmitted,
    ReportWithdrawn,
    SubmitReport,
    WithdrawReport,
)
from services.issuance.quantification import activity
from services.issuance.quantification.activity import Monitored
from services.issuance.quantification.quantify import quantify, read_activity
from services.issuance.quantification.traces import Quantified, sha256
from services.issuance.reductions import Period, Reduction
from services.issuance.reports import Report, State, Step
from services.kernel.actors import SYSTEM, Role, require_role
from services.kernel.clocks import market_day
from services.kernel.documents import require_document, require_documents
from services.kernel.ids import derived_id
from services.kernel.refusals import AlreadyExists, NotYetKnown, OutOfRange
from services.runtime.inbox import DryRun, Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def submit_report(tx: Transaction, command: SubmitReport) -> Sequence[Event]:
    """Drafts a report; what rests on activity data is computed from them, and the trace is kept."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    project, programme = await standing.creditable(tx, command.project)
    await standing.require_owner(tx, project)
    period = Period(command.period_number, command.period_start, command.period_end)
    on = market_day(tx.effective_at)
    claimed = await store.list_periods(tx, project.code)
    drafts.require_reportable(period, project, programme, on, claimed)
    is_history = Role.HISTORIAN in tx.actor.roles
    basis = drafts.require_basis(command, programme, is_history=is_history)
    require_documents(command.documents)
    quantified = None
    if command.activity is not None:
        quantified = await _quantified(tx, project.methodology, period, on, command.activity)
    report = _draft(tx, command, period, basis, quantified)
    drafts.require_vintages(report.reported, period)
    if not await report_store.insert_report(tx, report, project, quantified):
        raise AlreadyExists("report", str(command.report_id))
    await report_store.insert_documents(tx, report.report_id, command.documents)
    return [_submitted(report, quantified)]


def _draft(
    tx: Transaction,
    command: SubmitReport,
    period: Period,
    basis: Basis,
    quantified: Quantified | None,
) -> Report:
    vintages = quantified.vintages if quantified else command.tonnes
    return Report(
        report_id=command.report_id,
        project=command.project,
        period=period,
        basis=basis,
        state=State.DRAFT,
        changed_at=tx.effective_at,
        reported=by_vintage(vintages),
        verified={},
        claims=quantified.claimed if quantified else (),
    )


def _submitted(report: Report, quantified: Quantified | None) -> ReportSubmitted:
    return ReportSubmitted(
        report_id=report.report_id,
        project=report.project,
        period_number=report.period.number,
        period_start=report.period.starts_on,
        period_end=report.period.ends_on,
        basis=report.basis,
        tonnes=stated(report.reported),
        inputs_sha256=quantified.trace.inputs_sha256 if quantified else None,
        trace_sha256=sha256(quantified.trace) if quantified else None,
    )


async def _quantified(
    tx: Transaction, methodology_code: str, period: Period, on: date, given: str
) -> Quantified:
    """What the activity comes to by the methodology's figures and the grid factors out by this day."""
    methodology = await store.get_methodology(tx, methodology_code)
    if methodology is None:
        raise NotYetKnown("methodology", methodology_code)
    parameters = methodology.parameter_set(await report_store.list_grid_factors(tx))
    monitored = Monitored(
        methodology=methodology_code,
        period=activity.Period(starts_on=period.starts_on, ends_on=period.ends_on),
        as_of=on,
        activity=read_activity(given),
    )
    return quantify(monitored, parameters)


async def quantify_dry(tx: Transaction, command: Quantify) -> Quantified:
    """What a report of this period would claim today."""
    period = Period(1, command.period_start, command.period_end)
    on = market_day(tx.effective_at)
    return await _quantified(tx, command.methodology, period, on, command.activity)


async def publish_grid_factor(tx: Transaction, command: PublishGridFactor) -> Sequence[Event]:
    """Enters a grid's emission factors; a later publication has its own day."""
    require_role(tx.actor, Role.REGISTRAR)
    if not await report_store.insert_grid_factor(tx, methodologies.published(command)):
        noun = f"{command.region} {command.year} published {command.published_on}"
        raise AlreadyExists("grid factor", noun)
    return [
        GridFactorPublished(
            region=command.region,
            year=command.year,
            operating_margin=command.operating_margin,
            build_margin=command.build_margin,
            published_on=command.published_on,
            source=command.source,
            edition=command.edition,
            confidence=command.confidence,
        )
    ]


async def open_report_notice(tx: Transaction, command: OpenReportNotice) -> Sequence[Event]:
    """Publishes the report; from now on its period and device batches are nobody else's."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    draft, project, _ = await standing.reported(tx, command.report_id)
    await standing.require_owner(tx, project)
    reductions.require_registered(project)
    body = await standing.account(tx, command.verification_body)
    calendar = await store.get_calendar(tx)
    report = reports.open_notice(draft, body.number, calendar, tx.effective_at)
    verifications.require_other_body(body, project)
    reductions.require_unclaimed(report.period, await store.list_periods(tx, project.code))
    await report_store.update_reports(tx, [report])
    await report_store.claim_period(tx, report)
    if await report_store.insert_claims(tx, report) < len(report.claims):
        raise drafts.CountedElsewhere(*await report_store.find_claim(tx, report))
    return [_opened(report, body.number)]


def _opened(report: Report, body: str) -> ReportNoticeOpened:
    assert report.notice_starts_on is not None
    assert report.notice_ends_on is not None
    return ReportNoticeOpened(
        report_id=report.report_id,
        project=report.project,
        verification_body=body,
        starts_on=report.notice_starts_on,
        ends_on=report.notice_ends_on,
        is_provisional=bool(report.notice_is_provisional),
    )


async def comment_on_report(tx: Transaction, command: CommentOnReport) -> Sequence[Event]:
    """Anybody may say something while the notice lasts."""
    report, _, _ = await standing.reported(tx, command.report_id)
    report = reports.on_day(report, market_day(tx.effective_at))
    reports.require_commentable(report, command.text, tx.effective_at)
    if not await report_store.insert_comment(
        tx, command.comment_id, command.report_id, command.text
    ):
        raise AlreadyExists("comment", str(command.comment_id))
    return [ReportCommented(comment_id=command.comment_id, report_id=command.report_id)]


async def record_verification(tx: Transaction, command: RecordVerification) -> Sequence[Event]:
    """The body that the notice named sets the verified quantity, once the notice is over."""
    require_role(tx.actor, Role.VERIFIER, Role.REGISTRAR)
    draft, project, programme = await standing.reported(tx, command.report_id)
    await standing.require_assigned(tx, programme.code, Role.VERIFIER, Role.REGISTRAR)
    body = await standing.account(tx, command.verification_body)
    parties.require_usable(tx.actor, body)
    on = market_day(tx.effective_at)
    noticed = reports.on_day(draft, on)
    reports.require_notice_over(noticed, on)
    report = reports.stepped(noticed, Step.VERIFY, tx.effective_at)
    verifications.require_other_body(body, project)
    verifications.require_named(report, body.number)
    verifications.require_team(command.team, command.reviewer)
    require_document(command.statement)
    verified = by_vintage(command.tonnes)
    has_comments = await report_store.has_comments(tx, report.report_id)
    verifications.require_confirmed(report, verified, command.findings, has_comments=has_comments)
    await report_store.insert_documents(tx, report.report_id, [command.statement])
    await report_store.insert_verification(tx, command, verified)
    await report_store.update_reports(tx, [report])
    return [
        *_ended([noticed] if noticed is not draft else ()),
        ReductionsVerified(
            report_id=report.report_id,
            project=report.project,
            verification_body=body.number,
            tonnes=stated(verified),
            statement_sha256=command.statement.sha256,
        ),
    ]


def _ended(noticed: Sequence[Report]) -> list[ReportNoticeEnded]:
    return [
        ReportNoticeEnded(report_id=report.report_id, ended_on=report.notice_ends_on)
        for report in noticed
        if report.notice_ends_on is not None
    ]


async def apply_for_reduction(tx: Transaction, command: ApplyForReduction) -> Sequence[Event]:
    """The owner applies for exactly the verified tonnes, in time."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    verified, project, programme = await standing.reported(tx, command.report_id)
    owner = await standing.require_owner(tx, project)
    reductions.require_registered(project)
    on = market_day(tx.effective_at)
    barred_until = await store.get_barred_until(tx, owner.organisation_id)
    reports.require_not_barred(owner.number, barred_until, on)
    calendar = await store.get_calendar(tx)
    report = reports.apply(verified, command.tonnes, programme, calendar, tx.effective_at)
    await report_store.update_reports(tx, [report])
    assert report.decide_by is not None
    return [
        ReductionApplied(
            report_id=report.report_id,
            project=report.project,
            tonnes=command.tonnes,
            applied_on=on,
            decide_by=report.decide_by,
            is_provisional=bool(report.decision_is_provisional),
        )
    ]


async def register_reduction(tx: Transaction, command: RegisterReduction) -> Sequence[Event]:
    """Registers the verified tonnes, vintage by vintage."""
    require_role(tx.actor, Role.REGISTRAR)
    applied, project, programme = await standing.reported(tx, command.report_id)
    await standing.require_assigned(tx, programme.code, Role.REGISTRAR)
    reductions.require_registered(project)
    report = reports.stepped(applied, Step.REGISTER, tx.effective_at)
    await report_store.update_reports(tx, [report])
    statement = await report_store.get_statement(tx, report.report_id)
    made = [
        _reduction(report, year, tonnes, statement)
        for year, tonnes in report.verified.items()
        if tonnes
    ]
    for reduction in made:
        await store.insert_reduction(tx, reduction)
    registered = ReductionRegistered(
        report_id=report.report_id, project=report.project, tonnes=sum(report.verified.values())
    )
    return [registered, *(recorded(reduction) for reduction in made)]


def _reduction(report: Report, year: int, tonnes: int, statement: str) -> Reduction:
    return Reduction(
        reduction_id=derived_id("reduction", report.report_id, year),
        project=report.project,
        period_number=report.period.number,
        period_start=report.period.starts_on,
        period_end=report.period.ends_on,
        vintage=year,
        tonnes=tonnes,
        verification_body=report.verification_body,
        evidence=f"sha256:{statement}",
        state=reductions.State.REGISTERED,
        effective_at=report.changed_at,
        basis=report.basis,
        report_id=report.report_id,
    )


def recorded(reduction: Reduction) -> ReductionRecorded:
    """What is said of registered reductions, whether they have a report or not."""
    assert reduction.period_number is not None
    assert reduction.vintage is not None
    return ReductionRecorded(
        reduction_id=reduction.reduction_id,
        project=reduction.project,
        period_number=reduction.period_number,
        period_start=reduction.period_start,
        period_end=reduction.period_end,
        vintage=reduction.vintage,
        tonnes=reduction.tonnes,
        basis=str(reduction.basis),
        report_id=reduction.report_id,
    )


async def refuse_reduction(tx: Transaction, command: RefuseReduction) -> Sequence[Event]:
    """Does not register what was applied for; the period is free for another report."""
    require_role(tx.actor, Role.REGISTRAR)
    applied, project, programme = await standing.reported(tx, command.report_id)
    await standing.require_assigned(tx, programme.code, Role.REGISTRAR)
    await _close(tx, applied, Step.REFUSE, command.reason)
    return [
        ReductionRefused(report_id=command.report_id, project=project.code, reason=command.reason)
    ]


async def withdraw_report(tx: Transaction, command: WithdrawReport) -> Sequence[Event]:
    """The owner takes the report back before applying; the period is free for another report."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    report, project, _ = await standing.reported(tx, command.report_id)
    await standing.require_owner(tx, project)
    await _close(tx, report, Step.WITHDRAW, command.reason)
    return [
        ReportWithdrawn(report_id=command.report_id, project=project.code, reason=command.reason)
    ]


async def _close(tx: Transaction, report: Report, step: Step, reason: str) -> None:
    closed = reports.close(report, step, reason, tx.effective_at)
    await report_store.update_reports(tx, [closed])
    await report_store.free_claims(tx, report.report_id)


async def open_day(tx: Transaction, command: OpenDay) -> Sequence[Event]:
    """Ends the notices whose last day is over, and raises the alarm for decisions that are overdue."""
    if tx.actor.subject != SYSTEM.subject:
        require_role(tx.actor, Role.REGISTRAR, Role.HISTORIAN)
    today = market_day(tx.effective_at)
    if command.date > today:
        raise OutOfRange("date", command.date.isoformat(), f"{today} or before")
    calendar = await store.get_calendar(tx)
    noticed = await report_store.lock_noticed(tx, command.date)
    ended = [reports.on_day(report, command.date) for report in noticed]
    await report_store.update_reports(tx, ended)
    undecided = await report_store.lock_undecided(tx, command.date)
    overdue = [one for one in undecided if reports.is_alarm_due(one, calendar, command.date)]
    await report_store.set_overdue_told(tx, overdue, command.date)
    return [*_ended(ended), *map(_overdue, overdue), DayOpened(date=command.date)]


def _overdue(report: Report) -> DecisionOverdue:
    assert report.decide_by is not None
    return DecisionOverdue(
        report_id=report.report_id, project=report.project, decide_by=report.decide_by
    )


COMMANDS: Mapping[type[Command], Handler] = {
    SubmitReport: submit_report,
    OpenReportNotice: open_report_notice,
    CommentOnReport: comment_on_report,
    RecordVerification: record_verification,
    ApplyForReduction: apply_for_reduction,
    RegisterReduction: register_reduction,
    RefuseReduction: refuse_reduction,
    WithdrawReport: withdraw_report,
    PublishGridFactor: publish_grid_factor,
    OpenDay: open_day,
}
DRY_RUNS: Mapping[type[Command], DryRun] = {Quantify: quantify_dry}
