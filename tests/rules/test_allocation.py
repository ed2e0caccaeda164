"""Allocation: the formulas of the plan on numbers that can be checked by hand, always rounded down, with every step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance import allocation
from services.issuance.allocation import allocate
from services.issuance.allocation_plans import (
    BenchmarkMissing,
    EmissionYearNotPlanned,
    NotAllowances,
    Plan,
    UnitFiguresDiffer,
    require_allowances,
    require_plan,
    require_units,
)
from services.issuance.messages.compliance import UnitEmissions
from services.issuance.quantification.decimals import AmountNotDecimal, Rounding
from services.issuance.quantification.formulas import evaluate
from services.issuance.reductions import Programme
from services.kernel.money import TONNES_MAX
from services.kernel.names import CodeMalformed
from services.kernel.refusals import OutOfRange, Refusal
from tests.emitting import PLAN, coal, kiln, smelter

POWER = st.builds(
    coal,
    verified_tonnes=st.integers(0, 10**8),
    output=st.decimals(0, 10**8, places=3),
    heat=st.decimals(0, 10**8, places=3),
    correction=st.decimals("0.8", "1.2", places=6),
)
INDUSTRY = st.builds(
    kiln, verified_tonnes=st.integers(0, 10**8), output=st.decimals("0.001", 10**8, places=3)
)


def tonnes(*units: UnitEmissions, plan: Plan = PLAN, year: int = 2025) -> int:
    """The final allocation of these units."""
    return allocate(plan, year, units).tonnes


def changed(**changes: Any) -> Plan:
    """The plan but for these terms."""
    return replace(PLAN, terms=msgspec.structs.replace(PLAN.terms, **changes))


@pytest.mark.parametrize(
    ("unit_type", "year", "output", "heat", "correction", "expected"),
    [
        ("COAL-ABOVE-300", 2025, "1000000", "0", "1", 790_200),
        ("COAL-ABOVE-300", 2026, "1000000", "0", "1", 789_400),
        ("COAL-UP-TO-300", 2025, "1000000", "0", "1", 801_700),
        ("COAL-UP-TO-300", 2026, "1000000", "0", "1", 798_500),
        ("COAL-UNCONVENTIONAL", 2025, "1000000", "0", "1", 816_200),
        ("COAL-UNCONVENTIONAL", 2026, "1000000", "0", "1", 808_000),
        ("GAS", 2025, "1000000", "0", "1", 328_800),
        ("COAL-ABOVE-300", 2025, "0", "1000000", "1", 102_700),
        ("COAL-ABOVE-300", 2026, "0", "1000000", "1", 102_100),
        ("GAS", 2025, "0", "1000000", "1", 53_300),
        # 1000 x 0.7902 x 1.012345 + 2000 x 0.1027 = 799.955019 + 205.4 = 1005.355019
        ("COAL-ABOVE-300", 2025, "1000", "2000", "1.012345", 1_005),
        # 1789.70 is rounded down
        ("COAL-ABOVE-300", 2025, "2264.869653252341", "0", "1", 1_789),
    ],
)
def test_power_is_allocated_by_its_output_and_heat(
    unit_type: str, year: int, output: str, heat: str, correction: str, expected: int
) -> None:
    """A = Qe x Be x Ff + Qh x Bh, with the benchmarks of the draft for 2025 and 2026."""
    unit = coal(
        unit_type=unit_type,
        verified_tonnes=0,
        output=Decimal(output),
        heat=Decimal(heat),
        correction=Decimal(correction),
    )
    assert tonnes(unit, year=year) == expected


@pytest.mark.parametrize(
    ("emitted", "product", "expected"),
    [
        (800_000, 1_000_000, 800_000),  # at the balance point: X = 0
        (720_000, 1_000_000, 730_800),  # X = 0.1: a = 0.015
        (880_000, 1_000_000, 866_800),  # X = -0.1: a = -0.015
        (640_000, 1_000_000, 659_200),  # X = 0.2: a = 0.03
        (640_008, 1_000_000, 659_207),  # X = 0.19999: a = 0.0299985
        (639_992, 1_000_000, 659_191),  # X = 0.20001: a = 0.03
        (400_000, 1_000_000, 412_000),  # X = 0.5: a = 0.03
        (960_000, 1_000_000, 931_200),  # X = -0.2: a = -0.03
        (960_008, 1_000_000, 931_207),  # X = -0.20001: a = -0.03
        (1_600_000, 1_000_000, 1_552_000),  # X = -1: a = -0.03
        (1, 1_000_000, 1),  # 1.03 is rounded down
        (1, 3, 1),  # X has no end
    ],
)
def test_industry_is_allocated_by_how_it_compares_with_the_balance_point(
    emitted: int, product: int, expected: int
) -> None:
    """A = E x (1 + a); X = (BP - I) / BP with BP = 0.8, and a = 0.15 X up to 20 %, 0.03 from there on."""
    assert tonnes(kiln(verified_tonnes=emitted, output=Decimal(product))) == expected


def test_what_is_allocated_as_emitted_has_no_gap() -> None:
    assert tonnes(smelter(verified_tonnes=123_456)) == 123_456


@pytest.mark.parametrize(
    ("emitted", "allocated", "topup"),
    [
        (987_750, 790_200, 0),  # 80 % is allocated anyway
        (987_751, 790_200, 0),  # 790,200.8 is rounded down
        (987_752, 790_201, 1),
        (2_000_000, 1_600_000, 809_800),
    ],
)
def test_nobody_gets_less_than_four_fifths_of_what_it_emitted(
    emitted: int, allocated: int, topup: int
) -> None:
    made = allocate(PLAN, 2025, [coal(verified_tonnes=emitted)])
    assert (made.tonnes, made.topup_tonnes) == (allocated, topup)


def test_the_limit_of_the_gap_is_that_of_all_units_together() -> None:
    units = [coal(verified_tonnes=1_200_000), smelter(verified_tonnes=1_000_000)]
    assert allocate(PLAN, 2025, units).topup_tonnes == 0
    assert allocate(PLAN, 2025, units[:1]).topup_tonnes == 960_000 - 790_200


def test_units_of_a_type_may_have_a_floor_of_their_own() -> None:
    [benchmark] = [
        one
        for one in PLAN.terms.benchmarks
        if (one.unit_type, one.emission_year) == ("COAL-ABOVE-300", 2025)
    ]
    exempt = changed(benchmarks=(msgspec.structs.replace(benchmark, floor_ppm=950_000),))
    made = allocate(exempt, 2025, [coal(verified_tonnes=1_000_001)])
    [unit] = made.units
    assert (unit.initial_tonnes, unit.topup_tonnes) == (790_200, 159_800)
    assert (made.tonnes, made.topup_tonnes) == (950_000, 0)


@given(units=st.lists(POWER | INDUSTRY, min_size=1, max_size=5))
def test_the_allocation_is_what_the_formulas_say_and_never_a_tonne_more(
    units: list[UnitEmissions],
) -> None:
    named = [msgspec.structs.replace(one, unit_id=f"U{n}") for n, one in enumerate(units)]
    made = allocate(PLAN, 2025, named)
    assert [one.tonnes for one in made.units] == [_by_hand(one) for one in named]
    emitted = sum(one.verified_tonnes for one in named)
    allocated = sum(_by_hand(one) for one in named)
    assert made.tonnes == max(allocated, emitted * 4 // 5)
    assert made == allocate(PLAN, 2025, named)


def _by_hand(unit: UnitEmissions) -> int:
    """The same in fractions, which round nothing on the way."""
    emitted, output = unit.verified_tonnes, Fraction(unit.output or 0)
    if unit.heat is not None:
        corrected = output * Fraction("0.7902") * Fraction(unit.correction or 0)
        return floor(corrected + Fraction(unit.heat) * Fraction("0.1027"))
    point = Fraction("0.8") * output
    better = (point - emitted) / point
    limit = Fraction("0.03")
    return floor(emitted * (1 + max(-limit, min(limit, Fraction("0.15") * better))))


def test_every_step_can_be_computed_again_from_the_trace() -> None:
    units = [coal(), kiln(), smelter()]
    made = allocate(PLAN, 2025, units)
    for step in made.trace.steps:
        values: dict[str, Any] = {}
        for one in step.inputs:
            values.setdefault(one.symbol, []).append(Decimal(one.value))
        rows = {"A", "E"} if step.formula.startswith("sum") else set[str]()
        values = {name: each if name in rows else each[0] for name, each in values.items()}
        assert evaluate(step.formula, values, Rounding(step.rounding)) == Decimal(step.result)
    assert {one.name for one in made.trace.parameters} >= {"Be[COAL-ABOVE-300]", "BP[CLINKER]"}
    assert "Be[GAS]" not in {one.name for one in made.trace.parameters}
    assert {one.confidence for one in made.trace.parameters} == {"UNVERIFIED"}
    final = allocate(changed(is_draft=False), 2025, units)
    assert {one.confidence for one in final.trace.parameters} == {"VERIFIED"}


@pytest.mark.parametrize(
    ("due", "expected"),
    [(0, 0), (19, 0), (20, 1), (1_000_000, 50_000), (1_000_019, 50_000), (1_000_020, 50_001)],
)
def test_rule_21_credits_offset_at_most_five_percent_of_what_is_due(
    due: int, expected: int
) -> None:
    assert allocation.offset_max(PLAN, due) == expected


@pytest.mark.parametrize(
    ("year", "last", "expected"),
    [(2025, 0, 0), (2025, 1, 0), (2025, 1_000_001, 500_000), (2024, 1_000_001, 700_000)],
)
def test_the_pre_allocation_is_a_part_of_the_last_verified_emissions(
    year: int, last: int, expected: int
) -> None:
    assert allocation.preallocated(PLAN, year, last) == expected


@pytest.mark.parametrize(
    ("due", "allocated", "expected"),
    [
        (1_000_000, 920_000, "8.00"),
        (3, 2, "33.33"),
        (3, 4, "-33.34"),
        (7, 7, "0.00"),
        (0, 0, "0.00"),
    ],
)
def test_the_gap_is_told_in_percent_with_two_places(
    due: int, allocated: int, expected: str
) -> None:
    assert str(allocation.gap_rate_percent(due, allocated)) == expected


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"unit_id": "unit 1"}, CodeMalformed),
        ({"unit_type": "WIND"}, BenchmarkMissing),
        ({"verified_tonnes": -1}, OutOfRange),
        ({"verified_tonnes": TONNES_MAX + 1}, OutOfRange),
        ({"output": None}, UnitFiguresDiffer),
        ({"heat": None}, UnitFiguresDiffer),
        ({"correction": None}, UnitFiguresDiffer),
        ({"correction": Decimal("1.0000001")}, OutOfRange),
        ({"output": Decimal(-1)}, AmountNotDecimal),
        ({"output": Decimal("NaN")}, AmountNotDecimal),
        ({"output": Decimal("Infinity")}, AmountNotDecimal),
        ({"output": Decimal("1E+15")}, AmountNotDecimal),
        ({"load_factor": Decimal(-1)}, AmountNotDecimal),
    ],
)
def test_what_is_verified_of_a_unit_can_be_computed_with(
    changes: Mapping[str, Any], refusal: type[Refusal]
) -> None:
    require_units(PLAN, 2025, [coal(load_factor=Decimal("0.75"), correction=Decimal("1.000000"))])
    with pytest.raises(refusal):
        require_units(PLAN, 2025, [msgspec.structs.replace(coal(), **changes)])


def test_a_unit_of_a_product_makes_some_and_has_no_heat() -> None:
    require_units(PLAN, 2025, [kiln(), smelter()])
    with pytest.raises(OutOfRange):
        require_units(PLAN, 2025, [kiln(output=Decimal(0))])
    for unit in (kiln(heat=Decimal(0)), smelter(output=Decimal(1))):
        with pytest.raises(UnitFiguresDiffer):
            require_units(PLAN, 2025, [unit])


def test_every_unit_is_stated_once_and_there_is_one() -> None:
    many = [coal(unit_id=f"U{n}", verified_tonnes=0) for n in range(501)]
    require_units(PLAN, 2025, many[:500])
    for units in ([], [coal(), coal()], many):
        with pytest.raises(OutOfRange):
            require_units(PLAN, 2025, units)
    too_much = [coal(unit_id=f"U{n}", verified_tonnes=TONNES_MAX) for n in range(2)]
    with pytest.raises(OutOfRange):
        require_units(PLAN, 2025, too_much)


def test_more_allowances_than_can_be_counted_are_not_allocated() -> None:
    large = Decimal(999999999999999)
    units = [coal(unit_id=f"U{n}", output=large, correction=large) for n in range(20)]
    with pytest.raises(OutOfRange):
        allocate(PLAN, 2025, units)


def test_rule_22_a_year_is_paid_for_with_the_vintages_of_the_plan() -> None:
    """Old allowances pay for arrears only; those of 2025 and 2026 pay for arrears too."""
    assert PLAN.year(2025).allowance_vintages == PLAN.year(2026).allowance_vintages == (2025, 2026)
    assert PLAN.year(2024).allowance_vintages == tuple(range(2019, 2027))
    with pytest.raises(EmissionYearNotPlanned) as refused:
        PLAN.year(2027)
    assert refused.value.expected == "2023, 2024, 2025, 2026"


def test_rule_21_credits_that_offset_were_registered_after_a_day() -> None:
    assert PLAN.year(2025).credits_registered_after == date(2024, 1, 22)
    assert PLAN.year(2024).credits_registered_after is None


def test_allowances_are_those_of_a_programme_of_allowances() -> None:
    require_allowances(Programme("CEA", "CN", "ALLOWANCE"))
    with pytest.raises(NotAllowances):
        require_allowances(Programme("CCER", "CN", "NATIONAL"))


def _benchmark(**changes: Any) -> Mapping[str, Any]:
    first, *others = PLAN.terms.benchmarks
    return {"benchmarks": (msgspec.structs.replace(first, **changes), *others)}


def _years(**changes: Any) -> Mapping[str, Any]:
    first, *others = PLAN.terms.emission_years
    return {"emission_years": (msgspec.structs.replace(first, **changes), *others)}


BROKEN: list[tuple[Mapping[str, Any], type[Refusal]]] = [
    ({"plan": "plan 1"}, CodeMalformed),
    ({"source": " "}, OutOfRange),
    ({"offset_cap_ppm": 1_000_001}, OutOfRange),
    ({"gap_floor_ppm": 1_000_001}, OutOfRange),
    ({"intensity_slope": Decimal("1.1")}, OutOfRange),
    ({"intensity_band": Decimal("-0.1")}, AmountNotDecimal),
    ({"intensity_limit": Decimal("NaN")}, AmountNotDecimal),
    ({"emission_years": ()}, OutOfRange),
    ({"emission_years": PLAN.terms.emission_years * 2}, OutOfRange),
    (_years(emission_year=2018), OutOfRange),
    (_years(preallocation_ppm=-1), OutOfRange),
    (_years(allowance_vintages=()), OutOfRange),
    (_years(allowance_vintages=(2025, 2025)), OutOfRange),
    ({"benchmarks": PLAN.terms.benchmarks * 2}, OutOfRange),
    (_benchmark(unit_type="coal"), CodeMalformed),
    (_benchmark(emission_year=2027), OutOfRange),
    (_benchmark(method="GUESS"), OutOfRange),
    (_benchmark(floor_ppm=-1), OutOfRange),
    (_benchmark(output=None), OutOfRange),
    (_benchmark(balance=Decimal(1)), OutOfRange),
    (_benchmark(heat=Decimal(0)), OutOfRange),
    (_benchmark(heat=Decimal(-1)), AmountNotDecimal),
]


@pytest.mark.parametrize(("changes", "refusal"), BROKEN)
def test_a_plan_has_figures_that_can_be_computed_with(
    changes: Mapping[str, Any], refusal: type[Refusal]
) -> None:
    require_plan(PLAN.terms)
    with pytest.raises(refusal):
        require_plan(msgspec.structs.replace(PLAN.terms, **changes))
