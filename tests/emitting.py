"""What tests of the national ETS share: the demo's plan, and units of emitters that are in order."""

import tomllib
from decimal import Decimal
from typing import Any

import msgspec

from services.issuance.allocation_plans import Plan
from services.issuance.messages.compliance import (
    AllocationPlan,
    Benchmark,
    PublishAllocationPlan,
    UnitEmissions,
)
from services.tools.records import DEMO

YEAR = 2025
"""Of which the plan has benchmarks for every method."""


def published(**changes: Any) -> PublishAllocationPlan:
    """The demo's draft for 2025 and 2026, with a balance point and a type that has no gap, but for the changes."""
    content = tomllib.loads((DEMO / "allocation_plan.toml").read_text(encoding="utf-8"))
    [terms] = [
        msgspec.convert(one, AllocationPlan, strict=False)
        for one in content["allocation_plans"]
        if one["plan"] == "CEA-2025-2026"
    ]
    industry = (
        Benchmark(
            unit_type="CLINKER", emission_year=YEAR, method="INTENSITY", balance=Decimal("0.8")
        ),
        Benchmark(unit_type="SMELTER", emission_year=YEAR, method="EMISSIONS"),
    )
    terms = msgspec.structs.replace(terms, benchmarks=(*terms.benchmarks, *industry))
    return PublishAllocationPlan(terms=msgspec.structs.replace(terms, **changes))


PLAN = Plan(1, published().terms)
[CARRY_OVER] = [one.carry_over for one in PLAN.terms.emission_years if one.carry_over]
"""By which allowances are carried over into 2025, and into no other year."""


def coal(**changes: Any) -> UnitEmissions:
    """A large coal unit that made a million megawatt-hours."""
    given: dict[str, Any] = {
        "unit_id": "COAL-1",
        "unit_type": "COAL-ABOVE-300",
        "verified_tonnes": 800_000,
        "output": Decimal(1_000_000),
        "heat": Decimal(0),
        "correction": Decimal(1),
    }
    return UnitEmissions(**given | changes)


def kiln(**changes: Any) -> UnitEmissions:
    """A kiln whose balance point is 0.8 t of CO2 for a tonne of clinker."""
    given: dict[str, Any] = {
        "unit_id": "KILN-1",
        "unit_type": "CLINKER",
        "verified_tonnes": 800_000,
        "output": Decimal(1_000_000),
    }
    return UnitEmissions(**given | changes)


def smelter(**changes: Any) -> UnitEmissions:
    """A unit that is allocated what it emitted."""
    given: dict[str, Any] = {
        "unit_id": "SMELTER-1",
        "unit_type": "SMELTER",
        "verified_tonnes": 100_000,
    }
    return UnitEmissions(**given | changes)
