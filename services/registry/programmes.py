"""What is true of programmes: what each is, and the version of its rules that is in force."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.names import is_storable, require_code, require_country, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange

RULE_BOOK_LENGTH_MAX = 1000


class Kind(StrEnum):
    """What a programme is; what its credits may be used for follows from it."""

    NATIONAL = "NATIONAL"
    NATIONAL_LEGACY = "NATIONAL_LEGACY"
    PILOT_ASSOCIATION = "PILOT_ASSOCIATION"
    ALLOWANCE = "ALLOWANCE"


@dataclass(eq=False)
class NeverForEts(Invalid):
    """Only credits of the national programme can be offset in the national ETS."""

    kind: str
    expected: str


@dataclass(eq=False)
class AmendmentTooEarly(Conflict):
    """An amendment is in force from its own day on, which lies after the day of the version before it."""

    given: date
    valid_from: date


@dataclass(frozen=True, slots=True)
class Programme:
    """A crediting programme by its newest version."""

    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool
    rule_book: str = ""
    version: int = 1
    valid_from: date = date.min


def require_valid_programme(programme: Programme) -> None:
    """Raises a refusal unless the programme can be entered."""
    require_code("code", programme.code)
    require_country("country", programme.country)
    if programme.kind not in Kind.__members__:
        raise OutOfRange("kind", programme.kind[:40], ", ".join(Kind))
    if programme.is_ets_eligible and programme.kind != Kind.NATIONAL:
        raise NeverForEts(programme.kind, Kind.NATIONAL)
    _require_terms(programme.name, programme.rule_book)


def require_amendment(
    programme: Programme, name: str, rule_book: str, reason: str, day: date
) -> None:
    """Raises a refusal unless this can be the programme's next version from this day on."""
    _require_terms(name, rule_book)
    require_text("reason", reason)
    if day <= programme.valid_from:
        raise AmendmentTooEarly(day, programme.valid_from)


def _require_terms(name: str, rule_book: str) -> None:
    require_text("name", name)
    if len(rule_book) > RULE_BOOK_LENGTH_MAX or not is_storable(rule_book):
        expected = f"at most {RULE_BOOK_LENGTH_MAX} characters, none of them control characters"
        raise OutOfRange("rule_book", rule_book[:40], expected)
