"""Allocation: how many allowances an emitter gets for its verified emissions, with every step; always rounded down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from services.issuance.allocation_plans import WHOLE_PPM, Method, Plan, as_of, require_count
from services.issuance.messages.compliance import UnitEmissions
from services.issuance.quantification.decimals import Rounding
from services.issuance.quantification.parameters import Parameter
from services.issuance.quantification.traces import Step
from services.issuance.quantification.workings import Quantity, Workings, measured


class AllocationTrace(msgspec.Struct, frozen=True, kw_only=True):
    """All that it takes to compute the allocation again, and all that was done."""

    plan: str
    version: int
    emission_year: int
    units: tuple[UnitEmissions, ...]
    parameters: tuple[Parameter, ...]
    """Only the figures that were used, as they were when they were used."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class UnitAllocation:
    """What a unit is allocated by its formula, and what its type's floor adds."""

    unit_id: str
    initial_tonnes: int
    topup_tonnes: int

    @property
    def tonnes(self) -> int:
        """Both together."""
        return self.initial_tonnes + self.topup_tonnes


@dataclass(frozen=True, slots=True)
class Allocation:
    """What an emitter is allocated: its units together, and what the limit of its gap adds."""

    units: Sequence[UnitAllocation]
    topup_tonnes: int
    trace: AllocationTrace

    @property
    def tonnes(self) -> int:
        """The final allocation."""
        return sum(one.tonnes for one in self.units) + self.topup_tonnes


def allocate(plan: Plan, emission_year: int, units: Sequence[UnitEmissions]) -> Allocation:
    """The final allocation; the units must have the figures that their benchmarks need."""
    work = Workings(plan.figures(emission_year), as_of(emission_year))
    made = [_unit(work, one, plan.benchmark(one.unit_type, emission_year).method) for one in units]
    allocated = work.step("units", "sum(A)", "t", A=[final for final, _ in made])
    emitted = work.step("emissions", "sum(E)", "t", E=[_emitted(one) for one in units])
    floor = work.share("gap floor")
    final = _floored(work, "allowances", allocated, floor, emitted)
    require_count("tonnes", int(final.value))
    return Allocation(
        units=[unit for _, unit in made],
        topup_tonnes=int(final.value - allocated.value),
        trace=AllocationTrace(
            plan=plan.terms.plan,
            version=plan.version,
            emission_year=emission_year,
            units=tuple(units),
            parameters=work.used.parameters,
            steps=tuple(work.steps),
        ),
    )


def preallocated(plan: Plan, emission_year: int, last_verified_tonnes: int) -> int:
    """The pre-allocation, from the emissions as they were verified last."""
    return _part(last_verified_tonnes, plan.year(emission_year).preallocation_ppm)


def offset_max(plan: Plan, due: int) -> int:
    """How much of what is due credits may offset (measures of the national ETS, article 29; rule 21)."""
    return _part(due, plan.terms.offset_cap_ppm)


def gap_rate_percent(due: int, allocated: int) -> Decimal:
    """How much of what is due was not allocated, to two places; below zero if more was."""
    return Decimal((due - allocated) * 10_000 // due).scaleb(-2) if due else Decimal("0.00")


def _part(tonnes: int, ppm: int) -> int:
    return tonnes * ppm // WHOLE_PPM


def _emitted(unit: UnitEmissions) -> Quantity:
    return measured(f"verified emissions of {unit.unit_id}", str(unit.verified_tonnes), "t")


def _unit(work: Workings, unit: UnitEmissions, method: str) -> tuple[Quantity, UnitAllocation]:
    """What the unit is allocated in all, and how that is made up."""
    initial = _FORMULAS[Method(method)](work, unit)
    floor = work.share(f"floor[{unit.unit_type}]")
    final = _floored(work, f"allowances of {unit.unit_id}", initial, floor, _emitted(unit))
    topup = int(final.value - initial.value)
    return final, UnitAllocation(unit.unit_id, int(initial.value), topup)


def _floored(
    work: Workings, name: str, allocated: Quantity, floor: Quantity, emitted: Quantity
) -> Quantity:
    formula = "max(A, floor * E)"
    return work.step(name, formula, "t", Rounding.WHOLE, A=allocated, floor=floor, E=emitted)


def _by_output(work: Workings, unit: UnitEmissions) -> Quantity:
    """Power: what units of its type emit for as much electricity and heat."""
    return work.step(
        f"initial allocation of {unit.unit_id}",
        "Qe * Be * Ff + Qh * Bh",
        "t",
        Rounding.WHOLE,
        Qe=_figure(unit, "output", unit.output, "MWh"),
        Be=work.parameter(f"Be[{unit.unit_type}]", "tCO2/MWh"),
        Ff=_figure(unit, "correction", unit.correction, "1"),
        Qh=_figure(unit, "heat", unit.heat, "GJ"),
        Bh=work.parameter(f"Bh[{unit.unit_type}]", "tCO2/GJ"),
    )


def _by_intensity(work: Workings, unit: UnitEmissions) -> Quantity:
    """Industry: what it emitted, and a little more or less as it is better or worse than the balance point."""
    emitted = _emitted(unit)
    better = work.step(
        f"better than the balance point {unit.unit_id}",
        "(BP * Q - E) / (BP * Q)",
        "1",
        Rounding.DOWN,
        BP=work.parameter(f"BP[{unit.unit_type}]", "tCO2/t"),
        Q=_figure(unit, "output", unit.output, "t"),
        E=emitted,
    )
    return work.step(
        f"initial allocation of {unit.unit_id}",
        "E * (1 + a)",
        "t",
        Rounding.WHOLE,
        E=emitted,
        a=_adjustment(work, unit, better),
    )


def _adjustment(work: Workings, unit: UnitEmissions, better: Quantity) -> Quantity:
    """It follows the intensity near the balance point, and is at its limit outside the band."""
    name, band = f"adjustment of {unit.unit_id}", work.share("band").value
    if abs(better.value) < band:
        return work.step(name, "slope * X", "1", slope=work.share("slope"), X=better)
    formula = "limit" if better.value > 0 else "0 - limit"
    return work.step(name, formula, "1", limit=work.share("limit"))


def _by_emissions(work: Workings, unit: UnitEmissions) -> Quantity:
    """No gap at all."""
    name = f"initial allocation of {unit.unit_id}"
    return work.step(name, "E", "t", E=_emitted(unit))


def _figure(unit: UnitEmissions, name: str, value: Decimal | None, of: str) -> Quantity:
    assert value is not None, "verified figures are complete"
    return measured(f"{name} of {unit.unit_id}", f"{value:f}", of)


_FORMULAS: Mapping[Method, Callable[[Workings, UnitEmissions], Quantity]] = {
    Method.OUTPUT: _by_output,
    Method.INTENSITY: _by_intensity,
    Method.EMISSIONS: _by_emissions,
}
