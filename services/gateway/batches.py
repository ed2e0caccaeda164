"""Credit batches: what was issued, with its serial numbers; and who asks for an issuance."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import (
    ConversionLink,
    ProjectLink,
    ReductionLink,
    conversion_of,
    project_of,
    reduction_of,
)
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.programmes import Programme, programme_of
from services.gateway.scalars import Serial, Tonnes
from services.issuance.messages.batches import CreditsIssued, ImportOpeningBatch, IssueCredits


@strawberry.type(description="Credits issued together, as one range of serials.")
class CreditBatch(Recorded):
    batch_id: UUID
    programme: str = strawberry.field(name="programmeCode")
    country: str
    project: str = strawberry.field(name="projectCode")
    vintage: int = strawberry.field(description="The year in which the reductions were made.")
    batch_number: int
    first_serial: Serial
    last_serial: Serial = strawberry.field(description="The last one belongs to the batch.")
    tonnes: Tonnes
    serials: str = strawberry.field(description="The public serial range.")
    reduction_id: UUID | None
    conversion_id: UUID | None = strawberry.field(
        description="If it lives in the stead of others, which are dead."
    )
    registered_on: date | None = strawberry.field(
        description="When its reductions were registered; null for opening batches and allowances."
    )
    is_opening: bool = strawberry.field(description="Recorded history of another registry.")
    issued_at: datetime
    buffer_tonnes: Tonnes = strawberry.field(
        description="Its last serials, which stand in for reversals and are not the holder's."
    )

    @property
    def subject(self) -> str:
        return f"batch/{self.batch_id}"

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)

    @strawberry.field(name="reduction", description="From which it was issued.")
    async def its_reduction(self, info: Info) -> ReductionLink:
        return await reduction_of(info, self.reduction_id)

    @strawberry.field(name="conversion", description="From what it was converted.")
    async def its_conversion(self, info: Info) -> ConversionLink:
        return await conversion_of(info, self.conversion_id)


BATCHES: Keyset[CreditBatch] = Keyset(
    "creditBatches", (datetime, UUID), lambda one: (one.issued_at, one.batch_id)
)


async def batch_of(info: Info, batch_id: UUID | None) -> CreditBatch | None:
    """The batch with this id, read together with others of its level."""
    if batch_id is None:
        return None
    return await info.context.loaders.one(CreditBatch, "credit_batches_by_id", "batch_id", batch_id)


@strawberry.input(description="Each given value must match.")
class CreditBatchFilter:
    programme: str | None = None
    project: str | None = None
    vintage: int | None = None
    is_opening: bool | None = None


@strawberry.type
class BatchQueries:
    @strawberry.field(description="Credit batches that match the filter, the latest first.")
    async def credit_batches(
        self,
        info: Info,
        filter_: CreditBatchFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[CreditBatch]:
        wanted = filter_ or CreditBatchFilter()
        rows = await reads.public(
            info.context,
            CreditBatch,
            "list_credit_batches",
            wanted.programme,
            wanted.project,
            wanted.vintage,
            wanted.is_opening,
            *BATCHES.after(after),
            rows_wanted(first),
        )
        return BATCHES.page(rows, first)

    @strawberry.field(description="The credit batch with this id.")
    async def credit_batch(self, info: Info, id_: UUID) -> CreditBatch | None:
        return await batch_of(info, id_)


@strawberry.type
class CreditBatchPayload(Payload):
    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.uuid("batch"))


@strawberry.type
class BatchMutations:
    issue_credits = mutation(IssueCredits, CreditBatchPayload, "batch_id")
    import_opening_batch = mutation(ImportOpeningBatch, CreditBatchPayload, "batch_id")


@strawberry.type
class BatchSubscriptions:
    @strawberry.subscription(description="Each batch of credits, once it is issued.")
    async def credits_issued(
        self, info: Info, project: str | None = None, programme: str | None = None
    ) -> AsyncGenerator[CreditBatch, None]:
        async for events in listen(info.context, CreditsIssued):
            ids = [
                event.batch_id
                for event in events
                if project in (None, event.project) and programme in (None, event.programme)
            ]
            found = await reads.public(info.context, CreditBatch, "credit_batches_by_id", ids)
            for batch in sorted(found, key=lambda one: ids.index(one.batch_id)):
                yield batch
