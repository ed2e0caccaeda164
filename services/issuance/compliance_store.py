"""What issuance keeps of the national ETS: one function a statement."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from services.issuance.allocation import AllocationTrace, UnitAllocation
from services.issuance.allocation_plans import Plan
from services.issuance.compliance import ComplianceYear, State
from services.issuance.messages.compliance import AllocationPlan, UnitEmissions
from services.issuance.quantification.traces import canonical
from services.runtime import queries
from services.runtime.messages import encode
from services.runtime.postgres import Transaction, columns

sql = queries.load(Path(__file__).with_name("compliance.sql"))


async def lock_plans(tx: Transaction) -> None:
    """Waits until nobody else publishes a plan."""
    await tx.connection.execute(sql["lock_plans"])


async def get_plan(tx: Transaction, code: str) -> Plan | None:
    """The newest version of an allocation plan."""
    record = await tx.connection.fetchrow(sql["get_plan"], code)
    if record is None:
        return None
    return Plan(record["plan_version"], msgspec.json.decode(record["terms"], type=AllocationPlan))


async def insert_plan(tx: Transaction, plan: Plan) -> None:
    """Enters a version of an allocation plan, for ever."""
    await tx.connection.execute(
        sql["insert_plan"],
        plan.terms.plan,
        plan.version,
        plan.terms.programme,
        plan.terms.is_draft,
        encode(plan.terms).decode(),
        tx.effective_at,
        tx.recorded_at,
    )


async def get_owed(tx: Transaction, account: str) -> int:
    """What the account's years were overpaid and no deduction has covered; below zero if more was kept back."""
    return await tx.connection.fetchval(sql["get_owed"], account)


async def insert_year(tx: Transaction, year: ComplianceYear) -> bool:
    """Enters a compliance year; False if its id is taken, or the account has this emission year."""
    inserted = await tx.connection.fetchval(
        sql["insert_year"],
        year.compliance_id,
        year.account,
        year.emission_year,
        year.sector,
        year.province,
        year.plan,
        year.plan_version,
        year.state,
        year.last_verified,
        year.deducted,
        year.changed_at,
        tx.recorded_at,
    )
    return bool(inserted)


async def lock_year(tx: Transaction, compliance_id: UUID) -> ComplianceYear | None:
    """The compliance year, until the end of the transaction nobody else's to step."""
    record = await tx.connection.fetchrow(sql["lock_year"], compliance_id)
    if record is None:
        return None
    names = {field.name for field in fields(ComplianceYear)} - {"state"}
    return ComplianceYear(**{name: record[name] for name in names}, state=State(record["state"]))


async def update_year(
    tx: Transaction, year: ComplianceYear, trace: AllocationTrace | None = None
) -> None:
    """Writes what a step has changed, and how the allocation was computed if it was."""
    content = canonical(trace) if trace else None
    await tx.connection.execute(
        sql["update_year"],
        year.compliance_id,
        year.plan_version,
        year.state,
        year.changed_at,
        year.refunded,
        year.preallocation_ppm,
        year.preallocated,
        year.preallocation_paid,
        year.due,
        year.offset_max,
        year.obligation_version,
        year.final,
        year.topup,
        year.gap_rate_percent,
        year.differentiated_reason,
        year.paid,
        content and content.decode(),
        content and sha256(content).hexdigest(),
    )


async def insert_units(
    tx: Transaction, year: ComplianceYear, units: Sequence[UnitEmissions]
) -> None:
    """Enters what was verified for this version of the obligation."""
    values = columns([msgspec.structs.astuple(one) for one in units])
    await tx.connection.execute(
        sql["insert_units"], year.compliance_id, year.obligation_version, *values
    )


async def list_units(tx: Transaction, year: ComplianceYear) -> list[UnitEmissions]:
    """What was verified last."""
    values = year.compliance_id, year.obligation_version
    found = [dict(one) for one in await tx.connection.fetch(sql["list_units"], *values)]
    stated = [{name: _written_out(value) for name, value in one.items()} for one in found]
    return [UnitEmissions(**one) for one in stated]


def _written_out(value: Any) -> Any:
    """A number without the exponent that the driver gives to round ones: what is traced reads as it was stated."""
    return Decimal(f"{value:f}") if isinstance(value, Decimal) else value


async def set_unit_allocations(
    tx: Transaction, year: ComplianceYear, units: Sequence[UnitAllocation]
) -> None:
    """Writes what each unit was allocated for what was verified last."""
    made = columns([(one.unit_id, one.initial_tonnes, one.topup_tonnes) for one in units])
    values = year.compliance_id, year.obligation_version
    await tx.connection.execute(sql["set_unit_allocations"], *values, *made)
