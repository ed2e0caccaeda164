"""What is true of applications for accounts: one at a time for a party, decided within 15 working days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import market_day
from services.kernel.lifecycles import advance
from services.kernel.refusals import Conflict
from services.registry.messages.states import ApplicationState as State

DECISION_WORKING_DAYS = 15


class Step(StrEnum):
    """What the registry decides."""

    OPEN = "OPEN"
    REFUSE = "REFUSE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.APPLIED, Step.OPEN): State.OPENED,
    (State.APPLIED, Step.REFUSE): State.REFUSED,
}


@dataclass(eq=False)
class ApplicationWaits(Conflict):
    """The organisation's application for an account waits for its decision."""

    organisation_id: UUID
    account_id: UUID


@dataclass(eq=False)
class OtherApplication(Conflict):
    """An account is opened as it was applied for: for the same organisation, and of the same kind."""

    organisation_id: UUID
    kind: str


@dataclass(eq=False)
class BeforeApplication(Conflict):
    """An application cannot be decided before it was made."""

    given: datetime
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class AccountApplication:
    """What an organisation asks for, and where that is."""

    account_id: UUID
    organisation_id: UUID
    kind: str
    state: str
    applied_at: datetime


def require_none_waits(application: AccountApplication | None, account_id: UUID) -> None:
    """Raises ApplicationWaits if the organisation has applied under another id."""
    if application is not None and application.account_id != account_id:
        raise ApplicationWaits(application.organisation_id, application.account_id)


def require_same(application: AccountApplication, organisation_id: UUID, kind: str) -> None:
    """Raises OtherApplication unless the account to be opened is the one that was applied for."""
    if (application.organisation_id, application.kind) != (organisation_id, kind):
        raise OtherApplication(application.organisation_id, application.kind)


def decide(application: AccountApplication, step: Step, effective_at: datetime) -> State:
    """The state after the decision; raises a refusal if it was made before, or before the application."""
    subject = f"application/{application.account_id}"
    state = advance(LIFECYCLE, State(application.state), step, subject)
    if effective_at < application.applied_at:
        raise BeforeApplication(effective_at, application.applied_at)
    return state


def due_on(application: AccountApplication, calendar: WorkingCalendar) -> date:
    """The last day for the decision: the fifteenth working day, of which the day of receipt is the first (rule 5)."""
    return calendar.nth_working_day(market_day(application.applied_at), DECISION_WORKING_DAYS)


def is_overdue(application: AccountApplication, calendar: WorkingCalendar, day: date) -> bool:
    """Whether the day lies after the last one for the decision."""
    return day > due_on(application, calendar)
