"""What issuance does with reductions and batches; its reports and what it learns stand in modules of their own."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.issuance import (
    batches,
    compliance_handlers,
    conversion_handlers,
    decision_handlers,
    parties,
    quantify_handlers,
    reductions,
    registry_handlers,
    report_handlers,
    report_store,
    reports,
    standing,
    store,
)
from services.issuance.batches import Opening
from services.issuance.drafts import Basis
from services.issuance.messages import APPROVALS
from services.issuance.messages.batches import ImportOpeningBatch, IssueCredits
from services.issuance.messages.days import OpenDay
from services.issuance.messages.quantification import PublishGridFactor
from services.issuance.messages.reductions import (
    EstimateReduction,
    EstimateWithdrawn,
    RecordReduction,
    ReductionEstimated,
    ReductionIssued,
    ReductionsRevoked,
    RevokeReductions,
    WithdrawEstimate,
)
from services.issuance.messages.reports import ReportIssued, ReportRevoked
from services.issuance.reductions import Period, Project, Reduction, State
from services.issuance.reports import Report, Step
from services.kernel.actors import Role, RoleMissing, enters_records, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.runtime.inbox import Service
from services.runtime.messages import Event
from services.runtime.postgres import Transaction


async def record_reduction(tx: Transaction, command: RecordReduction) -> Sequence[Event]:
    """Brings in what was registered before Tonne, once for each period and vintage."""
    require_role(tx.actor, Role.HISTORIAN)
    reduction = Reduction(
        **asdict(command),
        state=State.REGISTERED,
        effective_at=tx.effective_at,
        basis=Basis.ATTESTED,
    )
    period = Period(command.period_number, command.period_start, command.period_end)
    project, programme = await standing.creditable(tx, command.project)
    await _require_free_reduction(tx, reduction)
    if await store.is_period_reported(tx, project.code, period.number):
        raise reductions.PeriodTaken(str(period), "a report")
    on = market_day(tx.effective_at)
    reductions.require_verified(reduction, project, programme, on, period)
    reductions.require_first(reduction, await store.find_reduction(tx, reduction))
    reductions.require_apart(period, await store.list_periods(tx, project.code))
    await store.insert_period(tx, project.code, period)
    await store.insert_reduction(tx, reduction)
    return [decision_handlers.recorded(reduction)]


async def estimate_reduction(tx: Transaction, command: EstimateReduction) -> Sequence[Event]:
    """Notes an estimate of the public record, which has no way to become credits."""
    _require_entering(tx)
    reduction = Reduction(
        reduction_id=command.reduction_id,
        project=command.project,
        period_number=None,
        period_start=command.period_start,
        period_end=command.period_end,
        vintage=None,
        tonnes=command.tonnes,
        verification_body=None,
        evidence=command.source,
        state=State.ESTIMATED,
        effective_at=tx.effective_at,
    )
    project, programme = await standing.creditable(tx, command.project)
    await _require_free_reduction(tx, reduction)
    reductions.require_creditable(reduction, project, programme)
    await store.insert_reduction(tx, reduction)
    return [ReductionEstimated(**asdict(command))]


async def withdraw_estimate(tx: Transaction, command: WithdrawEstimate) -> Sequence[Event]:
    """Takes an estimate back; a better one has an id of its own."""
    _require_entering(tx)
    estimate, _ = await _lock_reduction(tx, command.reduction_id)
    withdrawn = reductions.withdraw(estimate, command.reason)
    await store.set_reduction_state(tx, withdrawn)
    return [
        EstimateWithdrawn(
            reduction_id=withdrawn.reduction_id, project=withdrawn.project, reason=command.reason
        )
    ]


def _require_entering(tx: Transaction) -> None:
    if not enters_records(tx.actor):
        raise RoleMissing(tx.actor.subject, f"{Role.REGISTRAR} and {Role.HISTORIAN}")


async def _require_free_reduction(tx: Transaction, reduction: Reduction) -> None:
    if await store.is_reduction_known(tx, reduction.reduction_id):
        raise AlreadyExists("reduction", str(reduction.reduction_id))


async def issue_credits(tx: Transaction, command: IssueCredits) -> Sequence[Event]:
    """Issues registered reductions as one batch to the project's owner; irreversible."""
    require_role(tx.actor, Role.REGISTRAR)
    reduction, project = await _lock_reduction(tx, command.reduction_id)
    await standing.require_assigned(tx, project.programme, Role.REGISTRAR)
    owner = await standing.account(tx, project.owner_account)
    parties.require_living(owner)
    methodology = await store.get_methodology(tx, project.methodology)
    if methodology is None:
        raise NotYetKnown("methodology", project.methodology)
    number = await standing.next_number(tx, command.batch_id, project.code, reduction.vintage or 0)
    await standing.require_one_programme(tx, project.code, project.programme)
    on = market_day(tx.effective_at)
    batch, state = batches.issue(command.batch_id, reduction, project, methodology, number, on)
    await store.insert_batch(tx, batch)
    await store.set_reduction_issued(tx, batch, state)
    issued = ReductionIssued(
        reduction_id=reduction.reduction_id,
        project=reduction.project,
        vintage=batch.vintage,
        batch_id=batch.batch_id,
        tonnes=batch.tonnes,
    )
    return [batches.issued(batch), issued, *await _issue_report(tx, reduction)]


async def _lock_reduction(tx: Transaction, reduction_id: UUID) -> tuple[Reduction, Project]:
    """The reductions and their project, both locked; raises Unknown if there are none."""
    code = await store.get_project_of_reduction(tx, reduction_id)
    if code is None:
        raise Unknown("reduction", str(reduction_id))
    project, _ = await standing.creditable(tx, code)
    reduction = await store.lock_reduction(tx, reduction_id)
    assert reduction is not None, "nothing deletes reductions"
    return reduction, project


async def _issue_report(tx: Transaction, reduction: Reduction) -> Sequence[Event]:
    """A report is issued with the last of its reductions; nothing is issued from one that is revoked."""
    if reduction.report_id is None:
        return []
    registered = await report_store.lock_report(tx, reduction.report_id)
    report = reports.stepped(registered, Step.ISSUE, tx.effective_at)
    if await report_store.count_unissued(tx, reduction.report_id):
        return []
    await report_store.update_reports(tx, [report])
    tonnes = sum(report.verified.values())
    return [ReportIssued(report_id=report.report_id, project=report.project, tonnes=tonnes)]


async def revoke_reductions(tx: Transaction, command: RevokeReductions) -> Sequence[Event]:
    """An authority has found the tonnes to be falsified; irreversible."""
    require_role(tx.actor, Role.AUTHORITY)
    registered, project = await _lock_reduction(tx, command.reduction_id)
    reduction = reductions.revoke(registered, command.tonnes, command.reason)
    await store.set_reduction_revoked(tx, reduction)
    revoked = ReductionsRevoked(
        reduction_id=reduction.reduction_id,
        report_id=reduction.report_id,
        project=project.code,
        vintage=reduction.vintage or 0,
        batch_id=reduction.batch_id,
        owner_account=project.owner_account,
        tonnes=command.tonnes,
        reason=command.reason,
    )
    return [revoked, *await _revoke_report(tx, reduction, command.reason)]


async def _revoke_report(tx: Transaction, reduction: Reduction, reason: str) -> Sequence[Event]:
    """The report of which reductions were falsified is revoked, once."""
    if reduction.report_id is None:
        return []
    before: Report = await report_store.lock_report(tx, reduction.report_id)
    report = reports.close(before, Step.REVOKE, reason, tx.effective_at)
    await report_store.update_reports(tx, [report])
    if before.state == report.state:
        return []
    return [ReportRevoked(report_id=report.report_id, project=report.project, reason=reason)]


async def import_opening_batch(tx: Transaction, command: ImportOpeningBatch) -> Sequence[Event]:
    """Brings in what another registry issued; only historians can."""
    require_role(tx.actor, Role.HISTORIAN)
    opening = Opening(**asdict(command))
    programme = await store.get_programme(tx, opening.programme)
    if programme is None:
        raise NotYetKnown("programme", opening.programme)
    parties.require_living(await standing.account(tx, opening.holder_account))
    if await store.get_programme(tx, opening.project) is not None:
        raise AlreadyExists("programme", opening.project)
    registered = await store.get_project(tx, opening.project)
    batches.require_opening(opening, programme, registered, market_day(tx.effective_at))
    number = await standing.next_number(tx, command.batch_id, opening.project, opening.vintage)
    await standing.require_one_programme(tx, opening.project, programme.code)
    batch = batches.bring_in(opening, programme, number)
    await store.insert_batch(tx, batch)
    return [batches.issued(batch)]


SERVICE = Service(
    name="issuance",
    commands={
        **report_handlers.COMMANDS,
        **decision_handlers.COMMANDS,
        **quantify_handlers.COMMANDS,
        **compliance_handlers.COMMANDS,
        **conversion_handlers.COMMANDS,
        RecordReduction: record_reduction,
        EstimateReduction: estimate_reduction,
        WithdrawEstimate: withdraw_estimate,
        RevokeReductions: revoke_reductions,
        IssueCredits: issue_credits,
        ImportOpeningBatch: import_opening_batch,
    },
    events={**registry_handlers.EVENTS, **conversion_handlers.EVENTS},
    approvals=APPROVALS,
    four_eyes={
        **compliance_handlers.FOUR_EYES,
        **conversion_handlers.FOUR_EYES,
        IssueCredits: Role.APPROVER,
        RevokeReductions: Role.APPROVER,
        PublishGridFactor: Role.APPROVER,
    },
    dry_runs=quantify_handlers.DRY_RUNS,
    daily=lambda day: OpenDay(date=day),
)
