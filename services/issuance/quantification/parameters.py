"""What a methodology's formula is computed with: figures with unit, source, edition and confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from services.issuance.quantification.decimals import Amount
from services.kernel.refusals import Conflict, Unknown

Confidence = Literal["VERIFIED", "UNVERIFIED"]
"""Whether the figure was read in the published text, or is only said to be so."""


@dataclass(eq=False)
class ParameterMissing(Conflict):
    """The methodology's parameters have no figure for this: what has no factor cannot be credited."""

    methodology: str
    name: str


@dataclass(eq=False)
class ParameterUnitDiffers(Conflict):
    """The methodology's parameter has another unit than the formula reckons with."""

    name: str
    given: str
    expected: str


@dataclass(eq=False)
class GridFactorMissing(Conflict):
    """No factor of this grid had been published by that day, for the year or any earlier one."""

    region: str
    year: int
    as_of: date


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a methodology; ``NAME[KEY]`` where it depends on a fuel, species or material."""

    name: str
    value: Amount
    unit: str
    source: str
    edition: str
    confidence: Confidence

    @property
    def label(self) -> str:
        """How people refer to it."""
        return self.name


class GridFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A grid's emission factors for one year, in tCO2/MWh, as published on one day."""

    region: str
    year: int
    operating_margin: Amount
    build_margin: Amount
    published_on: date
    source: str
    edition: str
    confidence: Confidence

    @property
    def label(self) -> str:
        """How people refer to it."""
        return f"grid {self.region} {self.year}"


class ParameterSet(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one version of a methodology, and the grid factors known beside it."""

    methodology: str
    version: str
    formula_id: str
    """Which function of ``methods.METHODS`` computes with them."""
    parameters: tuple[Parameter, ...]
    grid_factors: tuple[GridFactor, ...] = ()


def grid_factor(factors: Sequence[GridFactor], region: str, year: int, as_of: date) -> GridFactor:
    """The region's factor of this year or the nearest earlier one that was out by the day (CCER-01-002-V01).

    Raises Unknown for a region without any factor, GridFactorMissing if none of them is old enough. Of two
    factors of one year the one published later counts.
    """
    of_region = [each for each in factors if each.region == region]
    if not of_region:
        raise Unknown("grid region", region[:40])
    known = [each for each in of_region if each.year <= year and each.published_on <= as_of]
    if not known:
        raise GridFactorMissing(region, year, as_of)
    return max(known, key=lambda each: (each.year, each.published_on))
