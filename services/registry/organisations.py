"""What is true of organisations: real names, codes whose check characters fit, and who is admitted as what."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.kernel.credit_codes import require_credit_code
from services.kernel.names import require_country, require_text
from services.kernel.refusals import Forbidden, Invalid, OutOfRange

_CITIZEN_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")


class Category(StrEnum):
    """What an entity is; which account it may hold, and whether it may ever trade, follows from it."""

    ENTERPRISE = "ENTERPRISE"
    INSTITUTION = "INSTITUTION"
    VERIFICATION_BODY = "VERIFICATION_BODY"
    REGULATOR = "REGULATOR"
    REGISTRY = "REGISTRY"
    EXCHANGE = "EXCHANGE"
    NATURAL_PERSON = "NATURAL_PERSON"


BARRED = frozenset(
    {Category.VERIFICATION_BODY, Category.REGULATOR, Category.REGISTRY, Category.EXCHANGE}
)
"""Who may never trade, by law (measures 2023, article 37)."""

ADMITTED_BY_DECISION = frozenset({Category.NATURAL_PERSON})
"""Whom the trading rules know (article 5) and the market did not admit at its launch: off until a registrar decides."""


@dataclass(eq=False)
class CitizenNumberMalformed(Invalid):
    """A citizen's number has 18 characters, the last of which checks the others (GB 11643-1999)."""

    length: int


@dataclass(eq=False)
class LeiMalformed(Invalid):
    """Foreign entities have a legal entity identifier: 20 characters, modulo 97 equal to 1 (ISO 17442)."""

    given: str


@dataclass(eq=False)
class CategoryNotAdmitted(Forbidden):
    """The market has not admitted parties of this category."""

    party: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A legal entity, or a natural person where the market admits them."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str
    category: str = Category.ENTERPRISE


def require_valid(organisation: Organisation) -> None:
    """Raises a refusal unless the entity can be entered."""
    require_text("name", organisation.name)
    require_country("country", organisation.country)
    require_category(organisation.category, list(Category))
    if organisation.country != "CN":
        require_lei(organisation.credit_code)
    elif organisation.category == Category.NATURAL_PERSON:
        require_citizen_number(organisation.credit_code)
    else:
        require_credit_code(organisation.credit_code)


def require_category(given: str, allowed: Collection[Category]) -> None:
    """Raises OutOfRange unless it is one of these categories."""
    if given not in allowed:
        raise OutOfRange("category", given[:40], ", ".join(sorted(allowed)))


def require_admitted(category: str, admitted: Collection[str]) -> None:
    """Raises CategoryNotAdmitted where it takes a decision that nobody has made."""
    if category in ADMITTED_BY_DECISION and category not in admitted:
        raise CategoryNotAdmitted(category)


def require_citizen_number(given: str) -> None:
    """Raises CitizenNumberMalformed, which does not repeat the number, unless its check character fits."""
    if not _CITIZEN_NUMBER.fullmatch(given) or given[17] != citizen_check_character(given[:17]):
        raise CitizenNumberMalformed(len(given))


def citizen_check_character(body: str) -> str:
    """The eighteenth character: weights are the powers of 2, modulo 11 (ISO 7064 MOD 11-2)."""
    weighted = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return "0123456789X"[(1 - weighted) % 11]


def require_lei(given: str) -> None:
    """Raises LeiMalformed unless the two check digits fit the eighteen characters before them."""
    if not _LEI.fullmatch(given) or given[18:] != lei_check_digits(given[:18]):
        raise LeiMalformed(given[:40])


def lei_check_digits(body: str) -> str:
    """The last two digits: with letters read as 10 to 35, the whole is 1 modulo 97 (ISO 7064 MOD 97-10)."""
    number = int("".join(str(int(char, 36)) for char in body + "00"))
    return f"{98 - number % 97:02d}"
