"""What is true of organisations: real names, and codes whose check characters fit."""

import re
from dataclasses import dataclass
from uuid import UUID

from services.kernel.names import require_code, require_text
from services.kernel.refusals import Invalid, OutOfRange

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015 leaves out I, O, S, V and Z."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_CREDIT_CODE = re.compile(f"[{CREDIT_CODE_ALPHABET}]{{18}}")


@dataclass(eq=False)
class CreditCodeMalformed(Invalid):
    """A unified social credit code has 18 characters, the last of which checks the others (GB 32100-2015)."""

    given: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A legal entity."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str


def require_valid(organisation: Organisation) -> None:
    """Raises a refusal unless the entity can be entered."""
    require_text("name", organisation.name)
    require_country(organisation.country)
    if organisation.country == "CN":
        require_credit_code(organisation.credit_code)
    else:
        require_code("credit_code", organisation.credit_code)


def require_country(given: str) -> None:
    """Raises OutOfRange unless it has the form of an ISO 3166-1 alpha-2 code."""
    if not _COUNTRY.fullmatch(given):
        raise OutOfRange("country", given[:40], "two capital letters (ISO 3166-1)")


def require_credit_code(given: str) -> None:
    """Raises CreditCodeMalformed unless the check character is that of the seventeen before it."""
    if not _CREDIT_CODE.fullmatch(given) or given[17] != check_character(given[:17]):
        raise CreditCodeMalformed(given[:40])


def check_character(body: str) -> str:
    """The eighteenth character: weights are the powers of 3, modulo 31 (GB 32100-2015)."""
    weighted = sum(
        CREDIT_CODE_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body)
    )
    return CREDIT_CODE_ALPHABET[-weighted % 31]
