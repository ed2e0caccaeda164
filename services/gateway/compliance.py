"""The national ETS: allocation plans, and what each emitter is allocated, is paid and owes for a year."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from services.gateway import reads
from services.gateway.allocation_plans import AllocationPlan, plan_by_key
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded, decoded
from services.gateway.obligations import Obligation, obligation_of
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.states import ComplianceState
from services.issuance.messages.compliance import (
    AllocateAllowances,
    OpenComplianceYear,
    PreallocateAllowances,
    RefundDeduction,
    VerifyEmissions,
)


@strawberry.type(description="What a unit emitted and made, and what it is allocated for that.")
class ComplianceUnit:
    compliance_id: strawberry.Private[UUID]
    unit_id: str
    unit_type: str = strawberry.field(description="Of which the plan has a benchmark.")
    verified_tonnes: Tonnes
    output: Decimal | None = strawberry.field(
        description="MWh of electricity, or tonnes of product."
    )
    heat: Decimal | None = strawberry.field(description="GJ.")
    load_factor: Decimal | None
    correction: Decimal | None = strawberry.field(description="By which the output counts.")
    initial_tonnes: Tonnes | None = strawberry.field(description="By the formula of its type.")
    topup_tonnes: Tonnes | None = strawberry.field(description="What the type's floor adds.")

    @strawberry.field(description="Both together.")
    def final_tonnes(self) -> Tonnes | None:
        if self.initial_tonnes is None or self.topup_tonnes is None:
            return None
        return Tonnes(self.initial_tonnes + self.topup_tonnes)


@strawberry.type(description="A batch of allowances that an emitter was paid for a year.")
class AllowancePayment:
    compliance_id: strawberry.Private[UUID]
    batch_id: UUID

    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


@strawberry.type(description="All that it takes to compute a final allocation again.")
class AllocationTrace:
    compliance_id: strawberry.Private[UUID]
    trace_sha256: str
    trace: strawberry.Private[Any]

    @strawberry.field(description="The units, the plan's figures, and every step with its formula.")
    def content(self) -> JSON:
        return decoded(self.trace)


@strawberry.type(description="An emitter's account of one emission year.")
class ComplianceYear(Recorded):
    compliance_id: UUID
    account: str = strawberry.field(name="accountNumber")
    organisation_id: UUID
    credit_code: str | None
    emission_year: int
    sector: str = strawberry.field(description="POWER, STEEL, CEMENT or ALUMINIUM.")
    province: str
    plan: str = strawberry.field(name="planCode")
    plan_version: int = strawberry.field(description="By which its latest step was computed.")
    is_draft: bool = strawberry.field(description="Whether that is only a draft.")
    state: ComplianceState
    last_verified_tonnes: Tonnes
    preallocation_ppm: int | None = strawberry.field(
        description="Millionths of these that are allocated before the verification."
    )
    preallocated_tonnes: Tonnes | None
    deducted_tonnes: Tonnes = strawberry.field(
        name="adjustmentDeductionTonnes", description="Kept back of the pre-allocation."
    )
    refunded_tonnes: Tonnes = strawberry.field(
        name="refundedDeductionTonnes", description="Given back of that."
    )
    preallocation_paid_tonnes: Tonnes | None
    due_tonnes: Tonnes | None = strawberry.field(description="Its verified emissions.")
    offset_max_tonnes: Tonnes | None = strawberry.field(
        description="What credits may offset of it at most."
    )
    obligation_version: int = strawberry.field(description="How often it was set.")
    deadline: datetime | None = strawberry.field(description="From then on it is too late.")
    final_tonnes: Tonnes | None = strawberry.field(description="The final allocation.")
    topup_tonnes: Tonnes | None = strawberry.field(
        description="What the limit of its gap added to the allocations of its units."
    )
    true_up_tonnes: Tonnes | None = strawberry.field(
        description="The final allocation less the pre-allocation."
    )
    gap_rate_percent: Decimal | None = strawberry.field(
        description="How much of what is due is not allocated; below zero if more is."
    )
    differentiated_reason: str | None = strawberry.field(
        description="Why it is treated otherwise than its sector, if it is."
    )
    paid_tonnes: Tonnes = strawberry.field(description="All that was issued for the year.")
    overpaid_tonnes: Tonnes = strawberry.field(
        description="Issued above what it is entitled to: kept back of a later pre-allocation."
    )
    carried_over_tonnes: Tonnes = strawberry.field(
        description="Allowances of earlier years that live on as allowances of this one."
    )
    trace_sha256: str | None
    opened_at: datetime
    changed_at: datetime

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"

    @strawberry.field(name="plan", description="By which its latest step was computed.")
    async def its_plan(self, info: Info) -> AllocationPlan | None:
        return await plan_by_key(info, f"{self.plan}/{self.plan_version}")

    @strawberry.field(description="How what is due is paid for; null before it is set.")
    async def obligation(self, info: Info) -> Obligation | None:
        return await obligation_of(info, self.account, self.emission_year)

    @strawberry.field(description="As they were verified last; at most 500.")
    async def units(self, info: Info) -> list[ComplianceUnit]:
        return list(await self._parts(info, ComplianceUnit, "units_of_compliance_years"))

    @strawberry.field(description="The allowances that were issued, the first ones first.")
    async def payments(self, info: Info) -> list[AllowancePayment]:
        return list(await self._parts(info, AllowancePayment, "batches_of_compliance_years"))

    @strawberry.field(description="How the final allocation was computed.")
    async def trace(self, info: Info) -> AllocationTrace | None:
        statement = "traces_of_compliance_years"
        return reads.only(await self._parts(info, AllocationTrace, statement))

    async def _parts(
        self, info: Info, kind: type[reads.Row], statement: str
    ) -> Sequence[reads.Row]:
        """What belongs to it, read together with that of others of its level."""
        viewer, organisation, roles = info.context.viewer.triple
        values = "compliance_id", self.compliance_id, viewer, organisation, tuple(roles)
        return await info.context.loaders.many(kind, statement, *values)


YEARS: Keyset[ComplianceYear] = Keyset(
    "complianceYears", (int, UUID), lambda one: (one.emission_year, one.compliance_id)
)


async def compliance_year_of(info: Info, compliance_id: UUID | None) -> ComplianceYear | None:
    """The compliance year with this id, if the viewer may see it."""
    values = (info.context, ComplianceYear, "get_compliance_year", compliance_id)
    return reads.only(await reads.private(*values))


@strawberry.input(description="Each given value must match.")
class ComplianceYearFilter:
    account: str | None = None
    emission_year: int | None = None
    state: ComplianceState | None = None


@strawberry.type
class ComplianceQueries:
    @strawberry.field(description="Compliance years that you may see, the latest emissions first.")
    async def compliance_years(
        self,
        info: Info,
        filter_: ComplianceYearFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[ComplianceYear]:
        wanted = filter_ or ComplianceYearFilter()
        named = wanted.account, wanted.emission_year, wanted.state
        values = (*named, *YEARS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, ComplianceYear, "list_compliance_years", *values)
        return YEARS.page(rows, first)

    @strawberry.field(description="The compliance year with this id; null if you may not see it.")
    async def compliance_year(self, info: Info, id_: UUID) -> ComplianceYear | None:
        return await compliance_year_of(info, id_)


@strawberry.type
class ComplianceYearPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def compliance_year(self, info: Info) -> ComplianceYear | None:
        return await compliance_year_of(info, self.uuid("compliance"))


@strawberry.type
class ComplianceMutations:
    open_compliance_year = mutation(OpenComplianceYear, ComplianceYearPayload, "compliance_id")
    preallocate_allowances = mutation(PreallocateAllowances, ComplianceYearPayload, "batch_id")
    verify_emissions = mutation(VerifyEmissions, ComplianceYearPayload)
    allocate_allowances = mutation(AllocateAllowances, ComplianceYearPayload, "batch_id")
    refund_deduction = mutation(RefundDeduction, ComplianceYearPayload, "batch_id")
