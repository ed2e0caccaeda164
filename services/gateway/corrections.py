"""Corrections: the opposite of a posting, booked by two persons, since nothing is ever edited."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.settlement.messages import holdings


@strawberry.type(description="The opposite entries of a posting, which itself stays as it was.")
class Correction(Recorded):
    correction_id: UUID
    posting: str = strawberry.field(
        description="What was corrected: trade/CBGEX/1, move/..., transfer/... or cash/..."
    )
    accounts: list[str] = strawberry.field(
        name="accountNumbers", description="Whose entries went back."
    )
    tonnes: Tonnes
    amount_fen: Fen
    reason: str
    requested_by: str
    approved_by: str
    corrected_at: datetime
    recorded_at: datetime
    ranges: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"correction/{self.correction_id}"

    @strawberry.field(name="ranges", description="The serials that went back.")
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)


CORRECTIONS: Keyset[Correction] = Keyset(
    "corrections", (datetime, UUID), lambda one: (one.corrected_at, one.correction_id)
)


async def correction_of(info: Info, correction_id: UUID | None) -> Correction | None:
    """The correction with this id, if the viewer may see it."""
    values = (info.context, Correction, "get_correction", correction_id)
    return reads.only(await reads.private(*values))


async def correction_of_posting(info: Info, posting: str) -> Correction | None:
    """What corrected this posting, read together with those of others of its level."""
    viewer, organisation, roles = info.context.viewer.triple
    found = await info.context.loaders.many(
        Correction,
        "corrections_of_postings",
        "posting",
        posting,
        viewer,
        organisation,
        tuple(roles),
    )
    return reads.only(found)


@strawberry.type
class CorrectionQueries:
    @strawberry.field(
        description="Corrections that you may see, of one account or posting if given, the latest first."
    )
    async def corrections(
        self,
        info: Info,
        account: str | None = None,
        posting: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Correction]:
        values = (account, posting, *CORRECTIONS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Correction, "list_corrections", *values)
        return CORRECTIONS.page(rows, first)

    @strawberry.field(description="The correction with this id; null if you may not see it.")
    async def correction(self, info: Info, id_: UUID) -> Correction | None:
        return await correction_of(info, id_)


@strawberry.type
class CorrectionPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def correction(self, info: Info) -> Correction | None:
        return await correction_of(info, self.uuid("correction"))


@strawberry.type
class CorrectionMutations:
    correct_posting = mutation(holdings.CorrectPosting, CorrectionPayload, "correction_id")
