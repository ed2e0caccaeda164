"""What is true of a project's life: which step is allowed from where, from which day on, and until when it is due."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import BEIJING, market_day
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, OutOfRange, OwnerBarred
from services.registry.drafts import anniversary
from services.registry.messages.states import ProjectState as State

NOTICE_WORKING_DAYS = 20
"""How long a project is published, both ends counted (measures 2023, article 12)."""
DECISION_WORKING_DAYS = 15
"""Within how many working days the registry decides, the day of receipt counted (article 15)."""
VALIDATION_DAYS = 100
"""How long validation takes in principle, from the opening of the notice (CNCA-CCER-01:2023, 4.3.3)."""
BAN_YEARS = 3
"""How long applications of an owner who falsified are refused (measures 2023, article 43)."""
REASON_LENGTH_MAX = 2_000


class Step(StrEnum):
    """What happens to a project."""

    OPEN_NOTICE = "OPEN_NOTICE"
    WITHDRAW = "WITHDRAW"
    END_NOTICE = "END_NOTICE"
    VALIDATE_POSITIVE = "VALIDATE_POSITIVE"
    VALIDATE_NEGATIVE = "VALIDATE_NEGATIVE"
    APPLY = "APPLY"
    REGISTER = "REGISTER"
    REFUSE = "REFUSE"
    CANCEL = "CANCEL"
    REVOKE = "REVOKE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.DRAFT, Step.OPEN_NOTICE): State.IN_PUBLIC_NOTICE,
    (State.IN_PUBLIC_NOTICE, Step.WITHDRAW): State.WITHDRAWN,
    (State.IN_PUBLIC_NOTICE, Step.END_NOTICE): State.NOTICE_ENDED,
    (State.NOTICE_ENDED, Step.VALIDATE_POSITIVE): State.VALIDATED_POSITIVE,
    (State.NOTICE_ENDED, Step.VALIDATE_NEGATIVE): State.VALIDATED_NEGATIVE,
    (State.VALIDATED_POSITIVE, Step.APPLY): State.REGISTRATION_APPLIED,
    (State.REGISTRATION_APPLIED, Step.REGISTER): State.REGISTERED,
    (State.REGISTRATION_APPLIED, Step.REFUSE): State.REFUSED,
    (State.REGISTERED, Step.CANCEL): State.CANCELLED,
    (State.REGISTERED, Step.REVOKE): State.REVOKED,
}


class CancellationGround(StrEnum):
    """Why a project may be taken off the register (measures 2023, article 16)."""

    OWNER_REQUEST = "OWNER_REQUEST"
    OWNER_EXTINCT = "OWNER_EXTINCT"
    PROJECT_EXTINCT = "PROJECT_EXTINCT"


@dataclass(eq=False)
class NoticeStillOpen(Conflict):
    """A notice lasts 20 working days, its last day included (measures 2023, article 12)."""

    project: str
    given: date
    ends_on: date


@dataclass(eq=False)
class NoticeNotOpen(Conflict):
    """The public comments while a notice lasts, not before and not after (measures 2023, article 12)."""

    project: str
    state: str


@dataclass(eq=False)
class BeforePreviousStep(Conflict):
    """Nothing happens to a project before what happened to it last."""

    given: datetime
    previous: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A project and where it is; what is still to come is None."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    activity: str
    owner_account: str
    owner_organisation: UUID
    country: str
    name: str
    province: str
    longitude: Decimal
    latitude: Decimal
    crediting_from: date
    crediting_until: date
    state: State
    changed_at: datetime
    validation_body: str | None = None
    notice_opened_at: datetime | None = None
    notice_ends_on: date | None = None
    notice_is_provisional: bool | None = None
    validate_by: date | None = None
    is_validation_overdue: bool = False
    validated_at: datetime | None = None
    applied_at: datetime | None = None
    decide_by: date | None = None
    decision_is_provisional: bool | None = None
    is_decision_overdue: bool = False
    registered_at: datetime | None = None
    closed_at: datetime | None = None
    closing_reason: str | None = None


def on_day(project: Project, day: date) -> Project:
    """The project as that day finds it: its notice is over if its last day is."""
    is_over = project.state == State.IN_PUBLIC_NOTICE and is_notice_over(project, day)
    return _end_notice(project) if is_over else project


def is_notice_over(project: Project, day: date) -> bool:
    """Whether the last day of the notice lies before that day."""
    return project.notice_ends_on is not None and day > project.notice_ends_on


def _end_notice(project: Project) -> Project:
    """From the midnight after the last day, whenever that is noticed."""
    assert project.notice_ends_on is not None
    over_at = datetime.combine(project.notice_ends_on + timedelta(days=1), time(), BEIJING)
    return _stepped(project, Step.END_NOTICE, max(over_at, project.changed_at))


def _stepped(project: Project, step: Step, at: datetime) -> Project:
    state = advance(LIFECYCLE, project.state, step, f"project/{project.code}")
    if at < project.changed_at:
        raise BeforePreviousStep(at, project.changed_at)
    return replace(project, state=state, changed_at=at)


def open_notice(
    project: Project, validation_body: str, calendar: WorkingCalendar, at: datetime
) -> Project:
    """The project in its public notice."""
    opened_on = market_day(at)
    opened = replace(
        _stepped(project, Step.OPEN_NOTICE, at),
        validation_body=validation_body,
        notice_opened_at=at,
        validate_by=opened_on + timedelta(days=VALIDATION_DAYS),
    )
    return _with_notice(opened, calendar, opened_on)


def require_commentable(project: Project, at: datetime) -> None:
    """Raises a refusal unless the notice lasts at this instant."""
    if project.state != State.IN_PUBLIC_NOTICE:
        raise NoticeNotOpen(project.code, project.state)
    if at < project.changed_at:
        raise BeforePreviousStep(at, project.changed_at)


def withdraw(project: Project, reason: str, at: datetime) -> Project:
    """The project taken back by its owner, for ever."""
    return _closed(project, Step.WITHDRAW, reason, at)


def validate(project: Project, at: datetime, *, is_positive: bool) -> Project:
    """The project after the validation body's report."""
    _require_notice_over(project, at)
    step = Step.VALIDATE_POSITIVE if is_positive else Step.VALIDATE_NEGATIVE
    return replace(_stepped(project, step, at), validated_at=at)


def is_late(project: Project, day: date) -> bool:
    """Whether the validation of a noticed project is overdue on this day."""
    return project.validate_by is not None and day > project.validate_by


def apply(
    project: Project, calendar: WorkingCalendar, last_revoked_on: date | None, at: datetime
) -> Project:
    """The project that waits for the registry's decision; the owner's last revocation may bar it."""
    _require_notice_over(project, at)
    _require_not_barred(project, last_revoked_on, market_day(at))
    applied = replace(_stepped(project, Step.APPLY, at), applied_at=at)
    return _with_deadline(applied, calendar, market_day(at))


def _require_notice_over(project: Project, at: datetime) -> None:
    """Rule 4: on the last day of the notice it still lasts, on the next it is over."""
    if project.state == State.IN_PUBLIC_NOTICE and project.notice_ends_on is not None:
        raise NoticeStillOpen(project.code, market_day(at), project.notice_ends_on)


def _require_not_barred(project: Project, last_revoked_on: date | None, day: date) -> None:
    """Rule 10: two years and 364 days later still refused, three years later accepted."""
    if last_revoked_on is not None and day < barred_until(last_revoked_on):
        raise OwnerBarred(project.owner_account, day, barred_until(last_revoked_on))


def barred_until(revoked_on: date) -> date:
    """The first day on which the owner's applications are accepted again."""
    return anniversary(revoked_on, BAN_YEARS)


def register(project: Project, at: datetime) -> Project:
    """The registered project."""
    return replace(_stepped(project, Step.REGISTER, at), registered_at=at)


def refuse(project: Project, reason: str, at: datetime) -> Project:
    """The project that the registry does not register."""
    return _closed(project, Step.REFUSE, reason, at)


def cancel(project: Project, ground: str, reason: str, at: datetime) -> Project:
    """The project taken off the register, for ever."""
    if ground not in CancellationGround.__members__:
        raise OutOfRange("ground", ground[:40], ", ".join(CancellationGround))
    return _closed(project, Step.CANCEL, reason, at)


def revoke(project: Project, reason: str, at: datetime) -> Project:
    """The project whose registration was obtained by falsification."""
    return _closed(project, Step.REVOKE, reason, at)


def _closed(project: Project, step: Step, reason: str, at: datetime) -> Project:
    require_text("reason", reason, REASON_LENGTH_MAX)
    return replace(_stepped(project, step, at), closed_at=at, closing_reason=reason)


def is_validation_alarm_due(project: Project, day: date) -> bool:
    """Whether the day raises the alarm that the body has not reported, which is raised once."""
    is_awaited = project.state in (State.IN_PUBLIC_NOTICE, State.NOTICE_ENDED)
    return is_awaited and not project.is_validation_overdue and is_late(project, day)


def is_decision_alarm_due(project: Project, calendar: WorkingCalendar, day: date) -> bool:
    """Rule 5: raised once, on the sixteenth working day from the application or the first that is opened later."""
    if project.state != State.REGISTRATION_APPLIED or project.is_decision_overdue:
        return False
    return project.decide_by is not None and day > project.decide_by and calendar.is_working(day)


def recomputed(project: Project, calendar: WorkingCalendar) -> Project:
    """The same project with the date that it waits for as this calendar has it."""
    if project.state == State.IN_PUBLIC_NOTICE and project.notice_opened_at is not None:
        return _with_notice(project, calendar, market_day(project.notice_opened_at))
    if project.state == State.REGISTRATION_APPLIED and project.applied_at is not None:
        return _with_deadline(project, calendar, market_day(project.applied_at))
    return project


def _with_notice(project: Project, calendar: WorkingCalendar, opened_on: date) -> Project:
    ends_on = calendar.nth_working_day(opened_on, NOTICE_WORKING_DAYS)
    is_provisional = calendar.is_provisional(opened_on, ends_on)
    return replace(project, notice_ends_on=ends_on, notice_is_provisional=is_provisional)


def _with_deadline(project: Project, calendar: WorkingCalendar, applied_on: date) -> Project:
    decide_by = calendar.nth_working_day(applied_on, DECISION_WORKING_DAYS)
    is_provisional = calendar.is_provisional(applied_on, decide_by)
    return replace(project, decide_by=decide_by, decision_is_provisional=is_provisional)
