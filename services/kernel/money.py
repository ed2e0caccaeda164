"""Money as whole minor units (fen) and prices as decimal strings: never a float."""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.kernel.refusals import Invalid

FEN_MAX = 2**53 - 1
TONNES_MAX = 2**53 - 1

_PRICE = re.compile(r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,12}))?")


@dataclass(eq=False)
class PriceNotDecimal(Invalid):
    """A price is a plain decimal string such as "107.36": no sign, exponent, blank or separator."""

    given: str


@dataclass(eq=False)
class PriceOffTick(Invalid):
    """A price is a whole number of ticks above zero."""

    given: str
    tick_fen: int


@lru_cache(maxsize=10_000)
def price_fen(text: str, tick_fen: int = 1) -> int:
    """The price in fen for one tonne, from a decimal string in yuan.

    Raises PriceNotDecimal, or PriceOffTick when it is zero or no multiple of the tick
    (trading and settlement rules of the Beijing Green Exchange 2023, article 11: 0.01 yuan).
    """
    matched = _PRICE.fullmatch(text)
    if matched is None:
        raise PriceNotDecimal(text[:40])
    fraction = (matched[2] or "").rstrip("0")
    if len(fraction) > 2:
        raise PriceOffTick(text, tick_fen)
    fen = int(matched[1]) * 100 + int(fraction.ljust(2, "0"))
    if fen == 0 or fen % tick_fen:
        raise PriceOffTick(text, tick_fen)
    return fen


def yuan(fen: int) -> str:
    """Fen as a decimal string in yuan with two places."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def average_fen(turnover_fen: int, tonnes: int, tick_fen: int = 1) -> int:
    """The volume-weighted average price in fen, rounded half up to the tick (same rules, article 17)."""
    return (2 * turnover_fen + tonnes * tick_fen) // (2 * tonnes * tick_fen) * tick_fen
