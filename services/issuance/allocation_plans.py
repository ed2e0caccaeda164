"""What is true of allocation plans: which figures a plan has, for which years, and which of them a unit needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.issuance.messages.carry_overs import CarryOverTerms
from services.issuance.messages.compliance import (
    AllocationPlan,
    Benchmark,
    EmissionYear,
    UnitEmissions,
)
from services.issuance.quantification.decimals import exact, plain
from services.issuance.quantification.parameters import Parameter, ParameterSet
from services.issuance.reductions import Programme
from services.kernel.money import TONNES_MAX
from services.kernel.names import require_code, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange

ALLOWANCE = "ALLOWANCE"
"""The kind of programme whose credits are the State's allowances."""
YEARS = range(2019, 2200)
"""Since 2019 emissions are paid for with allowances."""
WHOLE_PPM = 1_000_000
SOLD_PPM_MAX = 10 * WHOLE_PPM
SOURCE_LENGTH_MAX = 1_000
BENCHMARKS_MAX = UNITS_MAX = 500
CORRECTION_PLACES_MAX = 6


class Method(StrEnum):
    """How units of a type are allocated for."""

    OUTPUT = "OUTPUT"
    INTENSITY = "INTENSITY"
    EMISSIONS = "EMISSIONS"


BENCHMARK_FIGURES: Mapping[Method, frozenset[str]] = {
    Method.OUTPUT: frozenset({"output", "heat"}),
    Method.INTENSITY: frozenset({"balance"}),
    Method.EMISSIONS: frozenset(),
}
"""What a benchmark says, and nothing else."""
UNIT_FIGURES: Mapping[Method, frozenset[str]] = {
    Method.OUTPUT: frozenset({"output", "heat", "correction"}),
    Method.INTENSITY: frozenset({"output"}),
    Method.EMISSIONS: frozenset(),
}
"""What is verified of a unit beside its emissions, and nothing else."""


@dataclass(eq=False)
class NotAllowances(Conflict):
    """Allowances are allocated under a programme of allowances only."""

    programme: str
    kind: str
    expected: str


@dataclass(eq=False)
class EmissionYearNotPlanned(Conflict):
    """An allocation plan is for certain emission years."""

    plan: str
    given: int
    expected: str


@dataclass(eq=False)
class BenchmarkMissing(Conflict):
    """The plan has no figures for units of this type in this emission year."""

    plan: str
    unit_type: str
    emission_year: int


@dataclass(eq=False)
class UnitFiguresDiffer(Invalid):
    """Of a unit exactly those figures are verified from which its allocation is computed."""

    unit: str
    given: str
    expected: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of an allocation plan."""

    version: int
    terms: AllocationPlan

    def year(self, emission_year: int) -> EmissionYear:
        """What pays for a year's emissions; raises EmissionYearNotPlanned."""
        years = {one.emission_year: one for one in self.terms.emission_years}
        if emission_year not in years:
            expected = ", ".join(map(str, sorted(years)))
            raise EmissionYearNotPlanned(self.terms.plan, emission_year, expected)
        return years[emission_year]

    def benchmark(self, unit_type: str, emission_year: int) -> Benchmark:
        """The figures for units of this type; raises BenchmarkMissing."""
        for one in self.terms.benchmarks:
            if (one.unit_type, one.emission_year) == (unit_type, emission_year):
                return one
        raise BenchmarkMissing(self.terms.plan, unit_type[:40], emission_year)

    def figures(self, emission_year: int) -> ParameterSet:
        """All that an allocation may look up, as a methodology's figures are."""
        terms = self.terms
        found = [
            ("slope", terms.intensity_slope, "1"),
            ("band", terms.intensity_band, "1"),
            ("limit", terms.intensity_limit, "1"),
            ("gap floor", share(terms.gap_floor_ppm), "1"),
        ]
        for one in terms.benchmarks:
            if one.emission_year == emission_year:
                found += _figures(one)
        return ParameterSet(
            methodology=terms.plan,
            version=str(self.version),
            formula_id="allocation",
            parameters=tuple(self._parameter(*one) for one in found),
        )

    def _parameter(self, name: str, value: Decimal, unit: str) -> Parameter:
        return Parameter(
            name=name,
            value=plain(value),
            unit=unit,
            source=self.terms.source,
            edition=f"{self.terms.plan} version {self.version}",
            confidence="UNVERIFIED" if self.terms.is_draft else "VERIFIED",
        )


def _figures(one: Benchmark) -> list[tuple[str, Decimal, str]]:
    given = [
        ("Be", one.output, "tCO2/MWh"),
        ("Bh", one.heat, "tCO2/GJ"),
        ("BP", one.balance, "tCO2/t"),
        ("floor", share(one.floor_ppm), "1"),
    ]
    return [
        (f"{name}[{one.unit_type}]", value, unit)
        for name, value, unit in given
        if value is not None
    ]


def share(ppm: int) -> Decimal:
    """Millionths as a part of the whole."""
    return Decimal(ppm).scaleb(-6)


def require_plan(terms: AllocationPlan) -> None:
    """Raises a refusal unless every figure of the plan can be computed with."""
    require_code("plan", terms.plan)
    require_text("source", terms.source, SOURCE_LENGTH_MAX)
    for name in ("offset_cap_ppm", "gap_floor_ppm"):
        _require_ppm(name, getattr(terms, name))
    for name in ("intensity_slope", "intensity_band", "intensity_limit"):
        _require_share(name, getattr(terms, name))
    years = [one.emission_year for one in terms.emission_years]
    _require_years("emission_years", years)
    for one in terms.emission_years:
        _require_years("allowance_vintages", one.allowance_vintages)
        _require_ppm("preallocation_ppm", one.preallocation_ppm)
        if one.carry_over is not None:
            _require_carry_over(one.emission_year, one.carry_over)
    _require_benchmarks(terms.benchmarks, years)


def require_allowances(programme: Programme) -> None:
    """Raises NotAllowances unless the programme's credits are allowances."""
    if programme.kind != ALLOWANCE:
        raise NotAllowances(programme.code, programme.kind, ALLOWANCE)


def require_units(plan: Plan, emission_year: int, units: Sequence[UnitEmissions]) -> None:
    """Raises a refusal unless the emissions of every unit are stated once, and can be allocated for."""
    ids = [one.unit_id for one in units]
    if not 1 <= len({*ids}) == len(ids) <= UNITS_MAX:
        raise OutOfRange("units", str(len(ids)), f"1 to {UNITS_MAX}, each of them once")
    for one in units:
        require_code("unit_id", one.unit_id)
        _require_unit(one, Method(plan.benchmark(one.unit_type, emission_year).method))
    require_count("verified_tonnes", sum(one.verified_tonnes for one in units))


def _require_unit(unit: UnitEmissions, method: Method) -> None:
    require_count("verified_tonnes", unit.verified_tonnes)
    named = sorted(UNIT_FIGURES[method])
    stated = [name for name in ("correction", "heat", "output") if getattr(unit, name) is not None]
    if stated != named:
        raise UnitFiguresDiffer(unit.unit_id, ", ".join(stated), f"{method}: {', '.join(named)}")
    for name in (*named, *(["load_factor"] if unit.load_factor is not None else [])):
        _require_amount(getattr(unit, name))
    if method is Method.INTENSITY and not unit.output:
        raise OutOfRange("output", str(unit.output), "above 0")
    if unit.correction is not None and -_exponent(unit.correction) > CORRECTION_PLACES_MAX:
        expected = f"at most {CORRECTION_PLACES_MAX} decimal places"
        raise OutOfRange("correction", f"{unit.correction:f}", expected)


def _require_benchmarks(benchmarks: Sequence[Benchmark], years: Sequence[int]) -> None:
    keys = {(one.unit_type, one.emission_year) for one in benchmarks}
    if not len(keys) == len(benchmarks) <= BENCHMARKS_MAX:
        expected = f"at most {BENCHMARKS_MAX}, each unit type once a year"
        raise OutOfRange("benchmarks", str(len(benchmarks)), expected)
    for one in benchmarks:
        require_code("unit_type", one.unit_type)
        if one.emission_year not in years:
            expected = ", ".join(map(str, years))
            raise OutOfRange("benchmarks.emission_year", str(one.emission_year), expected)
        _require_ppm("floor_ppm", one.floor_ppm)
        _require_figures(one)


def _require_figures(one: Benchmark) -> None:
    if one.method not in Method.__members__:
        raise OutOfRange("method", one.method[:40], ", ".join(Method))
    needed = BENCHMARK_FIGURES[Method(one.method)]
    for name in ("output", "heat", "balance"):
        value: Decimal | None = getattr(one, name)
        if (value is not None) != (name in needed):
            raise OutOfRange(name, str(value), f"given for {one.unit_type} if its method needs it")
        if value is not None and not _require_amount(value):
            raise OutOfRange(name, f"{value:f}", "above 0")


def _require_carry_over(emission_year: int, terms: CarryOverTerms) -> None:
    for name in ("source_vintages", "surrendered_years"):
        years: Sequence[int] = getattr(terms, name)
        _require_years(name, years)
        if max(years) >= emission_year:
            raise OutOfRange(name, str(max(years)), f"before {emission_year}")
    require_count("base_tonnes", terms.base_tonnes)
    _require_ppm("sold_ppm", terms.sold_ppm, SOLD_PPM_MAX)
    if terms.sold_since > terms.sold_until:
        raise OutOfRange("sold_since", str(terms.sold_since), f"{terms.sold_until} or before")
    known_on = max(terms.sold_until, terms.held_on)
    if terms.apply_by <= known_on:
        raise OutOfRange("apply_by", str(terms.apply_by), f"after {known_on}")


def _require_years(field: str, years: Sequence[int]) -> None:
    is_right = years and len({*years}) == len(years) and all(one in YEARS for one in years)
    if not is_right:
        expected = f"{YEARS[0]} to {YEARS[-1]}, at least one and each once"
        raise OutOfRange(field, ", ".join(map(str, years[:5])), expected)


def _require_ppm(field: str, ppm: int, most: int = WHOLE_PPM) -> None:
    if not 0 <= ppm <= most:
        raise OutOfRange(field, str(ppm), f"0 to {most}")


def _require_share(field: str, value: Decimal) -> None:
    if _require_amount(value) > 1:
        raise OutOfRange(field, f"{value:f}", "0 to 1")


def _require_amount(value: Decimal) -> Decimal:
    """The value; raises AmountNotDecimal unless it can be written out plainly."""
    return exact(f"{value:f}"[:40])


def require_count(field: str, tonnes: int) -> None:
    """Raises OutOfRange unless it is a whole number of tonnes, or none."""
    if not 0 <= tonnes <= TONNES_MAX:
        raise OutOfRange(field, str(tonnes), f"0 to {TONNES_MAX}")


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def as_of(emission_year: int) -> date:
    """The day for which a year's figures are looked up."""
    return date(emission_year, 12, 31)
