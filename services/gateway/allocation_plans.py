"""Allocation plans: by what figures the national ETS allocates, version by version, and which of them are a draft."""

from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec
import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded, decoded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.programmes import Programme, programme_of
from services.gateway.scalars import Tonnes
from services.issuance.messages import compliance
from services.issuance.messages.compliance import PublishAllocationPlan


@strawberry.type(description="How many allowances of earlier years are carried over into a year.")
class CarryOverTerms:
    source_vintages: list[int] = strawberry.field(description="Of which years.")
    base_tonnes: Tonnes = strawberry.field(description="So many in any case.")
    sold_ppm: int = strawberry.field(
        description="And so many millionths of what was sold of them above what was bought."
    )
    sold_since: date
    sold_until: date
    held_on: date = strawberry.field(
        description="No more than was held at the end of this day, frozen too, without what waited"
        " to be surrendered or cancelled."
    )
    surrendered_years: list[int] = strawberry.field(
        description="Only by those who met in time what they owed for each of these years."
    )
    apply_by: date = strawberry.field(description="The last day on which it is asked for.")


@strawberry.type(description="A year whose emissions are paid for, and what pays for them.")
class EmissionYear:
    emission_year: int
    allowance_vintages: list[int] = strawberry.field(
        description="Of which years allowances are accepted."
    )
    credits_registered_after: date | None = strawberry.field(
        description="Credits offset only if their reductions were registered after this day."
    )
    preallocation_ppm: int = strawberry.field(
        description="Millionths of the last verified emissions."
    )
    carry_over: CarryOverTerms | None = strawberry.field(
        description="Null if nothing is carried over into it."
    )


@strawberry.type(description="By what figures units of one type are allocated for in one year.")
class Benchmark:
    unit_type: str
    emission_year: int
    method: str = strawberry.field(description="OUTPUT, INTENSITY or EMISSIONS.")
    output: Decimal | None = strawberry.field(description="tCO2 per MWh.")
    heat: Decimal | None = strawberry.field(description="tCO2 per GJ.")
    balance: Decimal | None = strawberry.field(
        description="tCO2 per tonne of product at which it gets what it emitted."
    )
    floor_ppm: int = strawberry.field(
        description="Millionths of its emissions that it gets at least."
    )


@strawberry.type(description="One version of an allocation plan; the newest one counts.")
class AllocationPlan(Recorded):
    plan: str = strawberry.field(name="code")
    plan_version: int = strawberry.field(name="version")
    programme: str = strawberry.field(name="programmeCode")
    terms: strawberry.Private[Any]
    published_at: datetime
    recorded_at: datetime

    @property
    def subject(self) -> str:
        return f"allocation_plan/{self.plan}"

    @property
    def key(self) -> str:
        return f"{self.plan}/{self.plan_version}"

    @cached_property
    def said(self) -> compliance.AllocationPlan:
        """The terms as they were published."""
        return msgspec.convert(decoded(self.terms), compliance.AllocationPlan)

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(description="Nothing of a draft is in force.")
    def is_draft(self) -> bool:
        return self.said.is_draft

    @strawberry.field(description="Where its figures were read.")
    def source(self) -> str:
        return self.said.source

    @strawberry.field
    def emission_years(self) -> list[EmissionYear]:
        return msgspec.convert(msgspec.to_builtins(self.said.emission_years), list[EmissionYear])

    @strawberry.field(description="Millionths of what is due that credits may offset.")
    def offset_cap_ppm(self) -> int:
        return self.said.offset_cap_ppm

    @strawberry.field(description="Millionths of its emissions that an entity gets at least.")
    def gap_floor_ppm(self) -> int:
        return self.said.gap_floor_ppm

    @strawberry.field(description="By how much the allocation follows the intensity.")
    def intensity_slope(self) -> Decimal:
        return self.said.intensity_slope

    @strawberry.field(description="From so far on the allocation is at its limit.")
    def intensity_band(self) -> Decimal:
        return self.said.intensity_band

    @strawberry.field(description="By how much it differs from the emissions there.")
    def intensity_limit(self) -> Decimal:
        return self.said.intensity_limit

    @strawberry.field(description="At most 500.")
    def benchmarks(self) -> list[Benchmark]:
        return [Benchmark(**msgspec.structs.asdict(one)) for one in self.said.benchmarks]


PLANS: Keyset[AllocationPlan] = Keyset(
    "allocationPlans", (str, int), lambda one: (one.plan, one.plan_version)
)


async def plan_by_key(info: Info, key: str) -> AllocationPlan | None:
    """One version by code and number, read together with others of its level."""
    return await info.context.loaders.one(AllocationPlan, "allocation_plans_by_key", "key", key)


async def newest_plan(info: Info, code: str) -> AllocationPlan | None:
    """The version that counts."""
    values = (info.context, AllocationPlan, "newest_allocation_plan", code)
    return reads.only(await reads.public(*values))


@strawberry.type
class AllocationPlanQueries:
    @strawberry.field(description="Every version of every plan, or of the one with this code.")
    async def allocation_plans(
        self,
        info: Info,
        code: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[AllocationPlan]:
        values = (code, *PLANS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, AllocationPlan, "list_allocation_plans", *values)
        return PLANS.page(rows, first)


@strawberry.type
class AllocationPlanPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def allocation_plan(self, info: Info) -> AllocationPlan | None:
        return await newest_plan(info, self.key("allocation_plan"))


@strawberry.type
class AllocationPlanMutations:
    publish_allocation_plan = mutation(PublishAllocationPlan, AllocationPlanPayload)
