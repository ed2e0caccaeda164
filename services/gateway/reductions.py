"""Reductions: what a project's monitoring periods brought, verified or only estimated."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import ProjectLink, ReportLink, project_of, reduction_of, report_of
from services.gateway.listening import events_of, listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.states import ReductionState
from services.issuance.messages import EVENTS
from services.issuance.messages.reductions import (
    EstimateReduction,
    RecordReduction,
    RevokeReductions,
    WithdrawEstimate,
)

UPDATES = events_of(EVENTS, "issuance.reduction.", "issuance.reductions.")


@strawberry.type(description="The reductions of one project, monitoring period and vintage.")
class Reduction(Recorded):
    reduction_id: UUID
    project: str = strawberry.field(name="projectCode")
    programme: str = strawberry.field(name="programmeCode")
    period_number: int | None
    period_start: date
    period_end: date = strawberry.field(description="The last day of the monitoring period.")
    vintage: int | None
    tonnes: Tonnes
    status: ReductionState = strawberry.field(description="ESTIMATED is by nobody's proof.")
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

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"

    @strawberry.field(description="From which it was registered; null for what was before Tonne.")
    async def report(self, info: Info) -> ReportLink:
        return await report_of(info, self.report_id)

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
    status: ReductionState | None = None


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


@strawberry.type
class ReductionPayload(Payload):
    @strawberry.field
    async def reduction(self, info: Info) -> Reduction | None:
        return await reduction_of(info, self.uuid("reduction"))


@strawberry.type
class ReductionMutations:
    record_reduction = mutation(RecordReduction, ReductionPayload, "reduction_id")
    estimate_reduction = mutation(EstimateReduction, ReductionPayload, "reduction_id")
    withdraw_estimate = mutation(WithdrawEstimate, ReductionPayload)
    revoke_reductions = mutation(RevokeReductions, ReductionPayload)


@strawberry.type
class ReductionSubscriptions:
    @strawberry.subscription(
        description="Reductions that are registered, estimated, withdrawn, issued or revoked, as they are then."
    )
    async def reduction_updated(
        self, info: Info, project: str | None = None
    ) -> AsyncGenerator[Reduction, None]:
        async for events in listen(info.context, *UPDATES):
            ids = [UUID(event.subject.partition("/")[2]) for event in events]
            for reduction in await reads.public(info.context, Reduction, "reductions_updated", ids):
                if project in (None, reduction.project):
                    yield reduction
