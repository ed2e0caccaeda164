"""What issuance does from a verified report on: the owner applies, the registry decides, and time may run out."""

from collections.abc import Mapping, Sequence

from services.issuance import (
    reductions,
    report_handlers,
    report_store,
    reports,
    standing,
    store,
)
from services.issuance.messages.applications import (
    ApplyForReduction,
    DecisionOverdue,
    ReductionApplied,
    ReductionRefused,
    ReductionRegistered,
    RefuseReduction,
    RegisterReduction,
)
from services.issuance.messages.days import DayOpened, OpenDay
from services.issuance.messages.reductions import ReductionRecorded
from services.issuance.messages.reports import ReportWithdrawn, WithdrawReport
from services.issuance.reductions import Reduction
from services.issuance.reports import Report, Step
from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.ids import derived_id
from services.kernel.refusals import OutOfRange
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


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
    await standing.require_no_hand(tx, command.report_id)
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
    await standing.require_no_hand(tx, command.report_id)
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
    require_role(tx.actor, Role.REGISTRAR)
    today = market_day(tx.effective_at)
    if command.date > today:
        raise OutOfRange("date", command.date.isoformat(), f"{today} or before")
    calendar = await store.get_calendar(tx)
    noticed = await report_store.lock_noticed(tx, command.date)
    over = [reports.on_day(report, command.date) for report in noticed]
    await report_store.update_reports(tx, over)
    undecided = await report_store.lock_undecided(tx, command.date)
    overdue = [one for one in undecided if reports.is_alarm_due(one, calendar, command.date)]
    await report_store.set_overdue_told(tx, overdue, command.date)
    return [DayOpened(date=command.date), *report_handlers.ended(over), *map(_overdue, overdue)]


def _overdue(report: Report) -> DecisionOverdue:
    assert report.decide_by is not None
    return DecisionOverdue(
        report_id=report.report_id, project=report.project, decide_by=report.decide_by
    )


COMMANDS: Mapping[type[Command], Handler] = {
    ApplyForReduction: apply_for_reduction,
    RegisterReduction: register_reduction,
    RefuseReduction: refuse_reduction,
    WithdrawReport: withdraw_report,
    OpenDay: open_day,
}
