"""Unified social credit codes: by which the State knows an entity, so that nobody gives themselves a second one."""

import re
from dataclasses import dataclass

from services.kernel.refusals import Invalid

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015 leaves out I, O, S, V and Z."""

_CREDIT_CODE = re.compile(f"[{CREDIT_CODE_ALPHABET}]{{18}}")


@dataclass(eq=False)
class CreditCodeMalformed(Invalid):
    """A unified social credit code has 18 characters, the last of which checks the others (GB 32100-2015)."""

    given: str


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
