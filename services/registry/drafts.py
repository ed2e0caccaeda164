"""What is true of a project's draft: what an owner may say of a project before anybody examines it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.kernel.money import TONNES_MAX
from services.kernel.names import is_storable, require_code, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange
from services.registry import accounts, programmes
from services.registry.accounts import Account
from services.registry.methodologies import Methodology
from services.registry.programmes import Programme

CONSTRUCTION_AFTER: Mapping[str, date] = {programmes.Kind.NATIONAL: date(2012, 11, 8)}
"""The day before the first on which construction may have started (measures 2023, article 10)."""

POSITION_PLACES_MAX = 6
NOTES_LENGTH_MAX = 4000


class Activity(StrEnum):
    """What reduces or removes emissions: the words by which projects of different programmes are compared."""

    AFFORESTATION = "AFFORESTATION"
    BIOGAS = "BIOGAS"
    BIOMASS_POWER = "BIOMASS_POWER"
    COAL_MINE_METHANE = "COAL_MINE_METHANE"
    ELECTRONICS_RECYCLING = "ELECTRONICS_RECYCLING"
    ENERGY_EFFICIENCY = "ENERGY_EFFICIENCY"
    FOREST_MANAGEMENT = "FOREST_MANAGEMENT"
    HYDROGEN = "HYDROGEN"
    HYDROPOWER = "HYDROPOWER"
    INDUSTRIAL_GASES = "INDUSTRIAL_GASES"
    MANGROVE = "MANGROVE"
    OFFSHORE_WIND = "OFFSHORE_WIND"
    OIL_AND_GAS_METHANE = "OIL_AND_GAS_METHANE"
    ONSHORE_WIND = "ONSHORE_WIND"
    SALT_MARSH = "SALT_MARSH"
    SOLAR_PHOTOVOLTAIC = "SOLAR_PHOTOVOLTAIC"
    SOLAR_THERMAL = "SOLAR_THERMAL"
    TRANSPORT = "TRANSPORT"
    WASTE_TREATMENT = "WASTE_TREATMENT"
    OTHER = "OTHER"


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
class CreditingPeriodTooShort(Invalid):
    """The crediting period is shorter than its methodology asks for."""

    crediting_from: date
    crediting_until: date
    crediting_years_min: int


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
class ProgrammeIsAllowance(Conflict):
    """Allowances are allocated to emitters, and have no projects."""

    programme: str


@dataclass(eq=False)
class AccountNotOwner(Conflict):
    """A project's credits go to an account of kind OWNER."""

    account: str
    kind: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What an owner says of a project."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    activity: str
    owner_account: str
    name: str
    province: str
    longitude: Decimal
    latitude: Decimal
    construction_started_on: date
    crediting_from: date
    crediting_until: date
    expected_annual_tonnes: int
    notes: str


def require_valid(
    draft: Draft, programme: Programme, methodology: Methodology, owner: Account, day: date
) -> None:
    """Raises the first refusal that the rule book has for this project."""
    _require_texts(draft)
    _require_position("longitude", draft.longitude, 180)
    _require_position("latitude", draft.latitude, 90)
    _require_expected(draft.expected_annual_tonnes)
    _require_related(programme, methodology, owner)
    _require_construction(draft.construction_started_on, programme.kind, day)
    _require_crediting(draft, methodology)


def _require_texts(draft: Draft) -> None:
    require_code("code", draft.code)
    if draft.activity not in Activity.__members__:
        raise OutOfRange("activity", draft.activity[:40], ", ".join(Activity))
    require_text("name", draft.name)
    require_text("province", draft.province)
    if len(draft.notes) > NOTES_LENGTH_MAX or not is_storable(draft.notes):
        expected = f"at most {NOTES_LENGTH_MAX} characters, none of them control characters"
        raise OutOfRange("notes", draft.notes[:40], expected)


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
    if programme.kind == programmes.Kind.ALLOWANCE:
        raise ProgrammeIsAllowance(programme.code)
    if owner.kind != accounts.Kind.OWNER:
        raise AccountNotOwner(owner.number, owner.kind)


def _require_construction(started_on: date, programme_kind: str, day: date) -> None:
    """Rule 1: "after" the date is strictly later; what has not started by this day has no date yet."""
    if started_on > day:
        raise OutOfRange("construction_started_on", started_on.isoformat(), f"on or before {day}")
    after = CONSTRUCTION_AFTER.get(programme_kind, date.min)
    if started_on <= after:
        raise ConstructionTooEarly(started_on, after)


def _require_crediting(draft: Draft, methodology: Methodology) -> None:
    """Rule 8: both ends belong to the period, so ten years end on the day before the tenth anniversary."""
    begins, ends = draft.crediting_from, draft.crediting_until
    if begins < draft.construction_started_on:
        expected = f"on or after {draft.construction_started_on}, when construction started"
        raise OutOfRange("crediting_from", begins.isoformat(), expected)
    if ends < begins:
        raise OutOfRange("crediting_until", ends.isoformat(), f"on or after {begins}")
    if ends >= anniversary(begins, methodology.crediting_years_max):
        raise CreditingPeriodTooLong(begins, ends, methodology.crediting_years_max)
    if ends < anniversary(begins, methodology.crediting_years_min) - timedelta(days=1):
        raise CreditingPeriodTooShort(begins, ends, methodology.crediting_years_min)


def anniversary(day: date, years: int) -> date:
    """The same day so many years later; 1 March where that year has no 29 February."""
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
