"""What issuance does with monitoring reports, from the draft to the verifier's statement."""

from collections.abc import Mapping, Sequence

from services.issuance import (
    drafts,
    parties,
    reductions,
    report_store,
    reports,
    standing,
    store,
    verifications,
)
from services.issuance.drafts import Basis, by_vintage, stated
from services.issuance.messages.notices import (
    CommentOnReport,
    OpenReportNotice,
    ReportCommented,
    ReportNoticeEnded,
    ReportNoticeOpened,
)
from services.issuance.messages.reports import ReportSubmitted, SubmitReport
from services.issuance.messages.verifications import RecordVerification, ReductionsVerified
from services.issuance.quantification.activity import ElectronicsRecycling
from services.issuance.quantification.quantify import read_activity
from services.issuance.quantification.traces import Quantified, sha256
from services.issuance.quantify_handlers import quantified_on, requantified_on
from services.issuance.reductions import Period
from services.issuance.reports import Report, State, Step
from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.documents import require_document, require_documents
from services.kernel.refusals import AlreadyExists
from services.kernel.teams import require_team
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def submit_report(tx: Transaction, command: SubmitReport) -> Sequence[Event]:
    """Drafts a report; what rests on activity data is computed from them, and the trace is kept."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    project, programme = await standing.creditable(tx, command.project)
    owner = (await standing.require_owner(tx, project)).organisation_id
    period = Period(command.period_number, command.period_start, command.period_end)
    on = market_day(tx.effective_at)
    claimed = await store.list_periods(tx, project.code)
    drafts.require_reportable(period, project, programme, on, claimed)
    is_history = Role.HISTORIAN in tx.actor.roles
    basis = drafts.require_basis(command, programme, is_history=is_history)
    require_documents(command.documents)
    quantified = None
    if command.activity is not None:
        measured = read_activity(command.activity)
        if isinstance(measured, ElectronicsRecycling):
            drafts.require_own_plant(measured.plant, await standing.credit_code(tx, owner))
        quantified = await quantified_on(tx, project.methodology, period, on, measured)
    report = _draft(tx, command, period, basis, quantified)
    drafts.require_vintages(report.reported, period)
    if not await report_store.insert_report(tx, report, project, quantified):
        raise AlreadyExists("report", str(command.report_id))
    await report_store.insert_documents(tx, report.report_id, "REPORT", command.documents)
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
    require_team(command.team, command.reviewer)
    require_document(command.statement)
    verified = by_vintage(command.tonnes)
    quantified = await _requantified(tx, report, project.methodology)
    computed = by_vintage(quantified.vintages) if quantified else report.reported
    has_comments = await report_store.has_comments(tx, report.report_id)
    verifications.require_confirmed(
        report, computed, verified, command.findings, has_comments=has_comments
    )
    await report_store.insert_documents(tx, report.report_id, "STATEMENT", [command.statement])
    await report_store.insert_verification(tx, command, computed, verified, quantified)
    await report_store.update_reports(tx, [report])
    return [
        *ended([noticed] if noticed is not draft else ()),
        ReductionsVerified(
            report_id=report.report_id,
            project=report.project,
            verification_body=body.number,
            tonnes=stated(verified),
            statement_sha256=command.statement.sha256,
            trace_sha256=sha256(quantified.trace) if quantified else None,
        ),
    ]


async def _requantified(tx: Transaction, report: Report, methodology: str) -> Quantified | None:
    """The factors that count are those that are out on the day of the verification (CCER-01-002-V01)."""
    trace = await report_store.get_trace(tx, report.report_id)
    if trace is None:
        return None
    return await requantified_on(tx, methodology, trace, market_day(tx.effective_at))


def ended(noticed: Sequence[Report]) -> list[ReportNoticeEnded]:
    """What is said of reports whose notice is over."""
    return [
        ReportNoticeEnded(report_id=report.report_id, ended_on=report.notice_ends_on)
        for report in noticed
        if report.notice_ends_on is not None
    ]


COMMANDS: Mapping[type[Command], Handler] = {
    SubmitReport: submit_report,
    OpenReportNotice: open_report_notice,
    CommentOnReport: comment_on_report,
    RecordVerification: record_verification,
}
