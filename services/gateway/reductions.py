"""Reductions: what a project's monitoring periods brought, verified or only estimated."""

from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.commands import CommandInput, Payload, described, send
from services.gateway.context import Info
from services.gateway.links import ProjectLink, project_of, reduction_of
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.issuance import messages as issuance


@strawberry.type(description="The reductions of one project, monitoring period and vintage.")
class Reduction:
    reduction_id: UUID
    project: str = strawberry.field(name="projectCode")
    programme: str = strawberry.field(name="programmeCode")
    period_number: int | None
    period_start: date
    period_end: date = strawberry.field(description="The last day of the monitoring period.")
    vintage: int | None
    tonnes: Tonnes
    status: str = strawberry.field(
        description="REGISTERED, ISSUED, or ESTIMATED by nobody's proof."
    )
    verification_body: str | None
    evidence: str | None
    batch_id: UUID | None
    recorded_at: datetime
    basis: str | None = strawberry.field(
        description="QUANTIFIED: computed from activity data, with a trace. ATTESTED: stated by the verifier."
    )
    report_id: UUID | None
    revoked_tonnes: Tonnes = strawberry.field(description="Found to be falsified.")
    trace_sha256: str | None

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)

    @strawberry.field(description="The credits issued from it.")
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


REDUCTIONS: Keyset[Reduction] = Keyset(
    "reductions", (date, UUID), lambda one: (one.period_end, one.reduction_id)
)


@strawberry.input(description="Each given value must match.")
class ReductionFilter:
    programme: str | None = None
    project: str | None = None
    status: str | None = strawberry.field(
        default=None, description="REGISTERED, ISSUED or ESTIMATED."
    )


@strawberry.type
class ReductionQueries:
    @strawberry.field(description="Reductions that match the filter, the latest period first.")
    async def reductions(
        self,
        info: Info,
        filter_: ReductionFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Reduction]:
        wanted = filter_ or ReductionFilter()
        rows = await reads.public(
            info.context,
            Reduction,
            "list_reductions",
            wanted.programme,
            wanted.project,
            wanted.status,
            *REDUCTIONS.after(after),
            rows_wanted(first),
        )
        return REDUCTIONS.page(rows, first)


@strawberry.input
class RecordReductionInput(CommandInput):
    project: str
    period_number: int
    period_start: date
    period_end: date
    vintage: int
    tonnes: Tonnes
    verification_body: str
    evidence: str


@strawberry.input
class EstimateReductionInput(CommandInput):
    project: str
    period_start: date
    period_end: date
    tonnes: Tonnes
    source: str


@strawberry.type
class ReductionPayload(Payload):
    @strawberry.field
    async def reduction(self, info: Info) -> Reduction | None:
        return await reduction_of(info, self.uuid("reduction"))


@strawberry.type
class ReductionMutations:
    @strawberry.mutation(description=described(issuance.RecordReduction))
    async def record_reduction(self, info: Info, input_: RecordReductionInput) -> ReductionPayload:
        return await send(
            info, ReductionPayload, issuance.RecordReduction, input_, reduction_id=input_.id
        )

    @strawberry.mutation(description=described(issuance.EstimateReduction))
    async def estimate_reduction(
        self, info: Info, input_: EstimateReductionInput
    ) -> ReductionPayload:
        return await send(
            info, ReductionPayload, issuance.EstimateReduction, input_, reduction_id=input_.id
        )
