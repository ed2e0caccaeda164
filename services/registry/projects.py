"""What is true of projects: whether one may be submitted, and what its life is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.kernel.lifecycles import advance
from services.kernel.money import TONNES_MAX
from services.kernel.names import is_storable, require_code, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange
from services.registry import accounts, programmes
from services.registry.accounts import Account
from services.registry.programmes import Methodology, Programme

CONSTRUCTION_AFTER: Mapping[str, date] = {programmes.Kind.NATIONAL: date(2012, 11, 8)}
"""The day before the first on which construction may have started (measures 2023, article 10)."""

POSITION_PLACES_MAX = 6
NOTES_LENGTH_MAX = 4000


class State(StrEnum):
    """Where a project is."""

    SUBMITTED = "SUBMITTED"
    REGISTERED = "REGISTERED"


class Step(StrEnum):
    """What happens to a project."""

    REGISTER = "REGISTER"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.SUBMITTED, Step.REGISTER): State.REGISTERED,
}


@dataclass(eq=False)
class ConstructionTooEarly(Invalid):
    """Construction must have started after the programme's first date (measures 2023, article 10)."""

    given: date
    after: date


@dataclass(eq=False)
class CreditingPeriodTooLong(Invalid):
    """The crediting period is longer than its methodology allows."""

    crediting_from: date
    crediting_until: date
    crediting_years_max: int


@dataclass(eq=False)
class OtherProgramme(Conflict):
    """The methodology belongs to another programme."""

    given: str
    expected: str


@dataclass(eq=False)
class ProgrammeIsLegacy(Conflict):
    """A legacy programme takes no projects: they apply anew (measures 2023, article 49)."""

    programme: str


@dataclass(eq=False)
class AccountNotOwner(Conflict):
    """A project's credits go to an account of kind OWNER."""

    account: str
    kind: str


@dataclass(eq=False)
class BeforeSubmission(Conflict):
    """A project cannot be registered before it was submitted."""

    given: datetime
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """What an owner says of a project."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    owner_account: str
    name: str
    province: str
    longitude: Decimal
    latitude: Decimal
    construction_started_on: date
    crediting_from: date
    crediting_until: date
    expected_annual_tonnes: int
    validation_body: str
    notes: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project and where it is."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    owner_account: str
    country: str
    state: State
    submitted_at: datetime
    crediting_from: date
    crediting_until: date


def require_valid(
    application: Application, programme: Programme, methodology: Methodology, owner: Account
) -> None:
    """Raises the first refusal that the rule book has for this application."""
    _require_texts(application)
    _require_position("longitude", application.longitude, 180)
    _require_position("latitude", application.latitude, 90)
    _require_expected(application.expected_annual_tonnes)
    _require_related(programme, methodology, owner)
    _require_construction(application.construction_started_on, programme.kind)
    _require_crediting(application, methodology.crediting_years_max)


def _require_texts(application: Application) -> None:
    require_code("code", application.code)
    require_text("name", application.name)
    require_text("province", application.province)
    require_text("validation_body", application.validation_body)
    if len(application.notes) > NOTES_LENGTH_MAX or not is_storable(application.notes):
        expected = f"at most {NOTES_LENGTH_MAX} characters, none of them control characters"
        raise OutOfRange("notes", application.notes[:40], expected)


def _require_position(field: str, given: Decimal, degrees_max: int) -> None:
    exponent = given.as_tuple().exponent
    is_fine = isinstance(exponent, int) and exponent >= -POSITION_PLACES_MAX
    if not is_fine or abs(given) > degrees_max:
        expected = f"-{degrees_max} to {degrees_max}, at most {POSITION_PLACES_MAX} decimal places"
        raise OutOfRange(field, str(given)[:40], expected)


def _require_expected(tonnes: int) -> None:
    if not 1 <= tonnes <= TONNES_MAX:
        raise OutOfRange("expected_annual_tonnes", str(tonnes), f"1 to {TONNES_MAX}")


def _require_related(programme: Programme, methodology: Methodology, owner: Account) -> None:
    if methodology.programme != programme.code:
        raise OtherProgramme(methodology.programme, programme.code)
    if programme.kind == programmes.Kind.NATIONAL_LEGACY:
        raise ProgrammeIsLegacy(programme.code)
    if owner.kind != accounts.Kind.OWNER:
        raise AccountNotOwner(owner.number, owner.kind)


def _require_construction(started_on: date, programme_kind: str) -> None:
    """Rule 1: "after" the date is strictly later."""
    after = CONSTRUCTION_AFTER.get(programme_kind, date.min)
    if started_on <= after:
        raise ConstructionTooEarly(started_on, after)


def _require_crediting(application: Application, years_max: int) -> None:
    """Rule 8: both ends belong to the period, so ten years end on the day before the tenth anniversary."""
    begins, ends = application.crediting_from, application.crediting_until
    if ends < begins:
        raise OutOfRange("crediting_until", ends.isoformat(), f"on or after {begins}")
    if ends >= anniversary(begins, years_max):
        raise CreditingPeriodTooLong(begins, ends, years_max)


def anniversary(day: date, years: int) -> date:
    """The same day so many years later; 1 March where that year has no 29 February."""
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def register(project: Project, effective_at: datetime) -> State:
    """The state after registration; raises a refusal if the project is not waiting for it."""
    state = advance(LIFECYCLE, project.state, Step.REGISTER, f"project/{project.code}")
    if effective_at < project.submitted_at:
        raise BeforeSubmission(effective_at, project.submitted_at)
    return state
