"""What is true of reductions: of which periods they may be, and what their life is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.issuance.messages.states import ReductionState as State
from services.kernel.lifecycles import advance
from services.kernel.money import TONNES_MAX
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, Conflict, Invalid, OutOfRange

GENERATED_AFTER: Mapping[str, date] = {"NATIONAL": date(2020, 9, 22)}
"""By kind of programme, the day before the first that may be credited (measures 2023, article 17)."""

PERIOD_NUMBER_MAX = 9999
REGISTERED = "REGISTERED"
"""The status of a project whose reductions may be credited."""


class Step(StrEnum):
    """What happens to registered reductions, and to estimates."""

    ISSUE = "ISSUE"
    REVOKE = "REVOKE"
    WITHDRAW = "WITHDRAW"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.REGISTERED, Step.ISSUE): State.ISSUED,
    (State.REGISTERED, Step.REVOKE): State.REVOKED,
    (State.ISSUED, Step.REVOKE): State.REVOKED,
    (State.REVOKED, Step.REVOKE): State.REVOKED,
    (State.ESTIMATED, Step.WITHDRAW): State.WITHDRAWN,
}


@dataclass(eq=False)
class GeneratedTooEarly(Invalid):
    """Reductions count only if they were made after the programme's first date (measures 2023, article 17)."""

    period_start: date
    after: date


@dataclass(eq=False)
class OutsideCreditingPeriod(Invalid):
    """The monitoring period must lie within the project's crediting period."""

    given: str
    expected: str


@dataclass(eq=False)
class PeriodNotOver(Conflict):
    """Reductions are reported, recorded and issued from the day after their monitoring period's last day on."""

    given: date
    period_end: date


@dataclass(eq=False)
class BeforeRegistration(Conflict):
    """Nothing is recorded or issued for a project before the day of its registration."""

    given: date
    registered_on: date


@dataclass(eq=False)
class PeriodDatesDiffer(Conflict):
    """This monitoring period of the project has other dates already."""

    given: str
    expected: str


@dataclass(eq=False)
class PeriodsOverlap(Conflict):
    """Monitoring periods of one project must not overlap."""

    given: str
    other: str


@dataclass(eq=False)
class PeriodTaken(Conflict):
    """This monitoring period of the project has reductions or a report already."""

    given: str
    other: str


@dataclass(eq=False)
class ProjectNotRegistered(Conflict):
    """The project's registration has ended: nothing more is reported, registered or issued for it."""

    project: str
    status: str


@dataclass(eq=False)
class RevokedAboveRegistered(Conflict):
    """No more tonnes are revoked than were registered."""

    given: int
    expected: int


@dataclass(frozen=True, slots=True)
class Programme:
    """What issuance knows of a programme."""

    code: str
    country: str
    kind: str
    is_ets_eligible: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """What issuance knows of a registered project."""

    code: str
    programme: str
    country: str
    owner_account: str
    registered_on: date
    crediting_from: date
    crediting_until: date
    methodology: str
    validation_body: str
    status: str = "REGISTERED"


@dataclass(frozen=True, slots=True)
class Period:
    """A monitoring period of a project; both ends belong to it."""

    number: int
    starts_on: date
    ends_on: date

    def __str__(self) -> str:
        return f"{self.number}: {self.starts_on} to {self.ends_on}"

    @property
    def years(self) -> range:
        """The calendar years of its days."""
        return range(self.starts_on.year, self.ends_on.year + 1)

    def is_apart(self, other: "Period") -> bool:
        """Whether they have no day in common."""
        return self.ends_on < other.starts_on or other.ends_on < self.starts_on


@dataclass(frozen=True, slots=True)
class Reduction:
    """Reductions of one project, monitoring period and vintage; an estimate has neither number nor vintage."""

    reduction_id: UUID
    project: str
    period_number: int | None
    period_start: date
    period_end: date
    vintage: int | None
    tonnes: int
    verification_body: str | None
    evidence: str
    state: State
    effective_at: datetime
    basis: str | None = None
    report_id: UUID | None = None
    revoked_tonnes: int = 0
    batch_id: UUID | None = None


def require_verified(
    reduction: Reduction, project: Project, programme: Programme, on: date, period: Period
) -> None:
    """Raises the first refusal that the rule book has for verified reductions of this day."""
    require_text("verification_body", reduction.verification_body or "")
    require_number(period)
    require_creditable(reduction, project, programme)
    years = period.years
    if reduction.vintage not in years:
        raise OutOfRange("vintage", str(reduction.vintage), f"{years[0]} to {years[-1]}")
    require_over(project, reduction.period_end, on)


def require_number(period: Period) -> None:
    """Raises OutOfRange unless the project's periods are counted from 1."""
    if not 1 <= period.number <= PERIOD_NUMBER_MAX:
        raise OutOfRange("period_number", str(period.number), f"1 to {PERIOD_NUMBER_MAX}")


def require_creditable(reduction: Reduction, project: Project, programme: Programme) -> None:
    """Raises a refusal unless the project could be credited for this period."""
    require_text("evidence", reduction.evidence)
    require_tonnes(reduction.tonnes)
    require_dates(reduction.period_start, reduction.period_end, project, programme)


def require_dates(starts_on: date, ends_on: date, project: Project, programme: Programme) -> None:
    """Raises a refusal unless these days may be credited; "after" is strictly later (rule 2)."""
    if ends_on < starts_on:
        raise OutOfRange("period_end", ends_on.isoformat(), f"on or after {starts_on}")
    after = GENERATED_AFTER.get(programme.kind, date.min)
    if starts_on <= after:
        raise GeneratedTooEarly(starts_on, after)
    if starts_on < project.crediting_from or ends_on > project.crediting_until:
        expected = f"{project.crediting_from} to {project.crediting_until}"
        raise OutsideCreditingPeriod(f"{starts_on} to {ends_on}", expected)


def require_tonnes(tonnes: int) -> None:
    """Raises OutOfRange unless it is a whole number of tonnes that every client can read."""
    if not 1 <= tonnes <= TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"1 to {TONNES_MAX}")


def require_over(project: Project, period_end: date, on: date) -> None:
    """Raises a refusal unless the project is registered on this day and the period is over."""
    require_registered(project)
    if on < project.registered_on:
        raise BeforeRegistration(on, project.registered_on)
    if on <= period_end:
        raise PeriodNotOver(on, period_end)


def require_registered(project: Project) -> None:
    """Raises ProjectNotRegistered once the project is cancelled or its registration revoked."""
    if project.status != REGISTERED:
        raise ProjectNotRegistered(project.code, project.status)


def require_apart(period: Period, recorded: Sequence[Period]) -> None:
    """Raises a refusal if the project's periods would overlap, or one of them have two pairs of dates (rule 25)."""
    for other in recorded:
        if other.number == period.number and other != period:
            raise PeriodDatesDiffer(str(period), str(other))
        if other.number != period.number and not period.is_apart(other):
            raise PeriodsOverlap(str(period), str(other))


def require_unclaimed(period: Period, claimed: Sequence[Period]) -> None:
    """Raises PeriodTaken or PeriodsOverlap if a day of the period is claimed already (rule 25)."""
    for other in claimed:
        if other.number == period.number:
            raise PeriodTaken(str(period), str(other))
        if not period.is_apart(other):
            raise PeriodsOverlap(str(period), str(other))


def require_first(reduction: Reduction, twin: UUID | None) -> None:
    """Raises AlreadyExists if the project has reductions of this period and vintage."""
    if twin is not None:
        period = f"{reduction.project} period {reduction.period_number}"
        raise AlreadyExists("reduction", f"{period} vintage {reduction.vintage}: {twin}")


def withdraw(reduction: Reduction, reason: str) -> Reduction:
    """The estimate that stands no more; raises StepNotAllowed for what is registered."""
    subject = f"reduction/{reduction.reduction_id}"
    state = advance(LIFECYCLE, reduction.state, Step.WITHDRAW, subject)
    require_text("reason", reason)
    return replace(reduction, state=state)


def revoke(reduction: Reduction, tonnes: int, reason: str) -> Reduction:
    """The reductions without these tonnes, which were falsified; what was revoked before stays so."""
    state = advance(LIFECYCLE, reduction.state, Step.REVOKE, f"reduction/{reduction.reduction_id}")
    require_text("reason", reason)
    require_tonnes(tonnes)
    revoked = reduction.revoked_tonnes + tonnes
    if revoked > reduction.tonnes:
        raise RevokedAboveRegistered(revoked, reduction.tonnes)
    return replace(reduction, state=state, revoked_tonnes=revoked)
