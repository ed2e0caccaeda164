"""Amounts as people write them and as they are computed with: exact decimals, never a float."""

import re
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from services.kernel.refusals import Invalid

# A $ also matches before a line end, hence the last group: JSON Schema knows no other way to say it.
_PATTERN = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$(?!\n)"
_AMOUNT = re.compile(_PATTERN)

Amount = Annotated[str, Meta(pattern=_PATTERN, max_length=28)]
"""A decimal string without sign, exponent, blank or separator: at most 15 digits, and 12 behind the point."""

DECIMALS = 20
"""To so many places a step is rounded whose result has no end."""


class Rounding(StrEnum):
    """How a step's result was rounded: not at all, or against the one who claims the tonnes."""

    EXACT = "EXACT"
    UP = "UP_AT_20_DECIMALS"
    DOWN = "DOWN_AT_20_DECIMALS"
    WHOLE = "DOWN_TO_WHOLE_TONNES"


@dataclass(eq=False)
class AmountNotDecimal(Invalid):
    """An amount is a plain decimal string such as "1250.5": no sign, exponent, blank or separator."""

    given: str


# Wide enough for the product of ten amounts; were it ever too narrow, Inexact would say so.
_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
_DIGITS = 400
CONTEXTS = {
    Rounding.EXACT: Context(prec=_DIGITS, traps=[*_TRAPS, Inexact]),
    Rounding.UP: Context(prec=_DIGITS, rounding=ROUND_CEILING, traps=_TRAPS),
    Rounding.DOWN: Context(prec=_DIGITS, rounding=ROUND_FLOOR, traps=_TRAPS),
    Rounding.WHOLE: Context(prec=_DIGITS, rounding=ROUND_FLOOR, traps=_TRAPS),
}


def exact(amount: str) -> Decimal:
    """The amount as a number; raises AmountNotDecimal for everything that is not written out plainly."""
    if not _AMOUNT.fullmatch(amount):
        raise AmountNotDecimal(amount[:40])
    return Decimal(amount)


def plain(value: Decimal) -> str:
    """The one way to write a number: no exponent, and no zeros that say nothing."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if value else "0"


def rounded(value: Decimal, rounding: Rounding) -> Decimal:
    """The value to as many places as this rounding keeps; call it inside the rounding's own context."""
    if rounding is Rounding.EXACT:
        return value
    places = 0 if rounding is Rounding.WHOLE else DECIMALS
    return value.quantize(Decimal(1).scaleb(-places))
