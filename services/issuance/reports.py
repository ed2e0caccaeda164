"""What is true of a monitoring report's life: which step is allowed from where and when, and until when it is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.issuance.drafts import Basis
from services.issuance.messages.states import ReportState as State
from services.issuance.reductions import Period, Programme
from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import end_of, market_day
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, OwnerBarred

NOTICE_WORKING_DAYS = 20
"""How long a report is published, both ends counted (measures 2023, article 19)."""
DECISION_WORKING_DAYS = 15
"""Within how many working days the registry decides, the day of receipt counted (article 22)."""
GENERATED_WITHIN_YEARS: Mapping[str, int] = {"NATIONAL": 5}
"""By kind of programme, how long before the application the period may begin (article 17)."""
REASON_LENGTH_MAX = 2_000
COMMENT_LENGTH_MAX = 2_000


class Step(StrEnum):
    """What happens to a report."""

    OPEN_NOTICE = "OPEN_NOTICE"
    END_NOTICE = "END_NOTICE"
    VERIFY = "VERIFY"
    APPLY = "APPLY"
    REGISTER = "REGISTER"
    REFUSE = "REFUSE"
    WITHDRAW = "WITHDRAW"
    ISSUE = "ISSUE"
    REVOKE = "REVOKE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.DRAFT, Step.OPEN_NOTICE): State.IN_PUBLIC_NOTICE,
    (State.DRAFT, Step.WITHDRAW): State.WITHDRAWN,
    (State.IN_PUBLIC_NOTICE, Step.END_NOTICE): State.NOTICE_ENDED,
    (State.IN_PUBLIC_NOTICE, Step.WITHDRAW): State.WITHDRAWN,
    (State.NOTICE_ENDED, Step.VERIFY): State.VERIFIED,
    (State.NOTICE_ENDED, Step.WITHDRAW): State.WITHDRAWN,
    (State.VERIFIED, Step.APPLY): State.REGISTRATION_APPLIED,
    (State.VERIFIED, Step.WITHDRAW): State.WITHDRAWN,
    (State.REGISTRATION_APPLIED, Step.REGISTER): State.REGISTERED,
    (State.REGISTRATION_APPLIED, Step.REFUSE): State.REFUSED,
    (State.REGISTERED, Step.ISSUE): State.ISSUED,
    (State.REGISTERED, Step.REVOKE): State.REVOKED,
    (State.ISSUED, Step.REVOKE): State.REVOKED,
    (State.REVOKED, Step.REVOKE): State.REVOKED,
}


@dataclass(eq=False)
class ReportNoticeStillOpen(Conflict):
    """A report is published for 20 working days, the last day included (measures 2023, article 19)."""

    report: UUID
    given: date
    ends_on: date


@dataclass(eq=False)
class ReportNoticeNotOpen(Conflict):
    """The public comments while a report's notice lasts, not before and not after (measures 2023, article 19)."""

    report: UUID
    state: str


@dataclass(eq=False)
class ReportBeforePreviousStep(Conflict):
    """Nothing happens to a report before what happened to it last."""

    given: datetime
    previous: datetime


@dataclass(eq=False)
class QuantityNotVerified(Conflict):
    """What is registered is exactly what was verified (measures 2023, article 21)."""

    given: int
    expected: int


@dataclass(eq=False)
class GeneratedTooLongAgo(Conflict):
    """Reductions are made within five years before the application for their registration (article 17)."""

    period_start: date
    applied_on: date
    earliest: date


@dataclass(frozen=True, slots=True)
class Report:
    """A monitoring report and where it is; tonnes are by calendar year, and what is still to come is None."""

    report_id: UUID
    project: str
    period: Period
    basis: Basis
    state: State
    changed_at: datetime
    reported: Mapping[int, int]
    verified: Mapping[int, int]
    claims: Sequence[str] = ()
    verification_body: str | None = None
    notice_starts_on: date | None = None
    notice_ends_on: date | None = None
    notice_is_provisional: bool | None = None
    applied_on: date | None = None
    decide_by: date | None = None
    decision_is_provisional: bool | None = None
    reason: str | None = None


def stepped(report: Report, step: Step, at: datetime) -> Report:
    """The report after the step; raises a refusal if it is not allowed from its state, or lies before the last one."""
    state = advance(LIFECYCLE, report.state, step, f"report/{report.report_id}")
    if at < report.changed_at:
        raise ReportBeforePreviousStep(at, report.changed_at)
    return replace(report, state=state, changed_at=at)


def open_notice(report: Report, body: str, calendar: WorkingCalendar, at: datetime) -> Report:
    """The report in its public notice, with the body that will verify it."""
    starts_on = market_day(at)
    ends_on = calendar.nth_working_day(starts_on, NOTICE_WORKING_DAYS)
    return replace(
        stepped(report, Step.OPEN_NOTICE, at),
        verification_body=body,
        notice_starts_on=starts_on,
        notice_ends_on=ends_on,
        notice_is_provisional=calendar.is_provisional(starts_on, ends_on),
    )


def on_day(report: Report, day: date) -> Report:
    """The report as that day finds it: its notice is over if its last day is."""
    ends_on = report.notice_ends_on
    if report.state != State.IN_PUBLIC_NOTICE or ends_on is None or day <= ends_on:
        return report
    return stepped(report, Step.END_NOTICE, max(end_of(ends_on), report.changed_at))


def require_notice_over(report: Report, day: date) -> None:
    """Raises ReportNoticeStillOpen on every day of the notice, the last one included (rule 4)."""
    if report.state == State.IN_PUBLIC_NOTICE and report.notice_ends_on is not None:
        raise ReportNoticeStillOpen(report.report_id, day, report.notice_ends_on)


def require_commentable(report: Report, text: str, at: datetime) -> None:
    """Raises a refusal unless the notice lasts at this instant, and something is said."""
    require_text("text", text, COMMENT_LENGTH_MAX)
    if report.state != State.IN_PUBLIC_NOTICE:
        raise ReportNoticeNotOpen(report.report_id, report.state)
    if at < report.changed_at:
        raise ReportBeforePreviousStep(at, report.changed_at)


def apply(
    report: Report, tonnes: int, programme: Programme, calendar: WorkingCalendar, at: datetime
) -> Report:
    """The report that waits for the registry's decision on exactly the verified tonnes (rule 7)."""
    applied_on = market_day(at)
    applied = stepped(report, Step.APPLY, at)
    verified = sum(report.verified.values())
    if tonnes != verified:
        raise QuantityNotVerified(tonnes, verified)
    require_recent(report.period, applied_on, programme)
    decide_by = calendar.nth_working_day(applied_on, DECISION_WORKING_DAYS)
    return replace(
        applied,
        applied_on=applied_on,
        decide_by=decide_by,
        decision_is_provisional=calendar.is_provisional(applied_on, decide_by),
    )


def require_recent(period: Period, applied_on: date, programme: Programme) -> None:
    """Raises GeneratedTooLongAgo if a day of the period lies too long before the application (rule 3)."""
    within_years = GENERATED_WITHIN_YEARS.get(programme.kind)
    if within_years is None:
        return
    earliest = years_before(applied_on, within_years)
    if period.starts_on < earliest:
        raise GeneratedTooLongAgo(period.starts_on, applied_on, earliest)


def years_before(day: date, years: int) -> date:
    """The same day so many years before; of a leap day, the last day of its February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def require_not_barred(owner_account: str, barred_until: date | None, day: date) -> None:
    """Raises OwnerBarred as long as the owner's applications are refused (rule 10)."""
    if barred_until is not None and day < barred_until:
        raise OwnerBarred(owner_account, day, barred_until)


def close(report: Report, step: Step, reason: str, at: datetime) -> Report:
    """The report refused, withdrawn or revoked; the first reason stands."""
    require_text("reason", reason, REASON_LENGTH_MAX)
    return replace(stepped(report, step, at), reason=report.reason or reason)


def is_alarm_due(report: Report, calendar: WorkingCalendar, day: date) -> bool:
    """Whether the decision is overdue on this day: from the sixteenth working day on (rule 5)."""
    if report.state != State.REGISTRATION_APPLIED or report.decide_by is None:
        return False
    return day > report.decide_by and calendar.is_working(day)


def recomputed(report: Report, calendar: WorkingCalendar) -> Report:
    """The same report with the date that it waits for as this calendar has it."""
    if report.state == State.IN_PUBLIC_NOTICE and report.notice_starts_on is not None:
        ends_on = calendar.nth_working_day(report.notice_starts_on, NOTICE_WORKING_DAYS)
        is_provisional = calendar.is_provisional(report.notice_starts_on, ends_on)
        return replace(report, notice_ends_on=ends_on, notice_is_provisional=is_provisional)
    if report.state == State.REGISTRATION_APPLIED and report.applied_on is not None:
        decide_by = calendar.nth_working_day(report.applied_on, DECISION_WORKING_DAYS)
        is_provisional = calendar.is_provisional(report.applied_on, decide_by)
        return replace(report, decide_by=decide_by, decision_is_provisional=is_provisional)
    return report
