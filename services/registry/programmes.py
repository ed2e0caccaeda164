"""What is true of programmes and their methodologies."""

from dataclasses import dataclass
from enum import StrEnum

from services.kernel.names import require_code, require_text
from services.kernel.refusals import Invalid, OutOfRange
from services.registry.organisations import require_country

CREDITING_YEARS_MAX = 100


class Kind(StrEnum):
    """What a programme is; what its credits may be used for follows from it."""

    NATIONAL = "NATIONAL"
    NATIONAL_LEGACY = "NATIONAL_LEGACY"
    PILOT_ASSOCIATION = "PILOT_ASSOCIATION"


@dataclass(eq=False)
class NeverForEts(Invalid):
    """Only credits of the national programme can be offset in the national ETS."""

    kind: str
    expected: str


@dataclass(frozen=True, slots=True)
class Programme:
    """A crediting programme."""

    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool


@dataclass(frozen=True, slots=True)
class Methodology:
    """One version of a rule for quantifying reductions."""

    code: str
    programme: str
    name: str
    crediting_years_max: int


def require_valid_programme(programme: Programme) -> None:
    """Raises a refusal unless the programme can be entered."""
    require_code("code", programme.code)
    require_text("name", programme.name)
    require_country(programme.country)
    if programme.kind not in Kind.__members__:
        raise OutOfRange("kind", programme.kind[:40], ", ".join(Kind))
    if programme.is_ets_eligible and programme.kind != Kind.NATIONAL:
        raise NeverForEts(programme.kind, Kind.NATIONAL)


def require_valid_methodology(methodology: Methodology) -> None:
    """Raises a refusal unless the methodology can be entered."""
    require_code("code", methodology.code)
    require_text("name", methodology.name)
    if not 1 <= methodology.crediting_years_max <= CREDITING_YEARS_MAX:
        given = str(methodology.crediting_years_max)
        raise OutOfRange("crediting_years_max", given, f"1 to {CREDITING_YEARS_MAX}")
