"""Shortfalls: credits that are owed because the reductions behind as many were false, until they are made good."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import ReductionLink, reduction_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.states import ShortfallState
from services.settlement.messages.shortfalls import MakeGood


@strawberry.type(
    description="What an account owes for revoked reductions: until then it only receives, buys and makes good."
)
class Shortfall(Recorded):
    shortfall_id: UUID
    account: str = strawberry.field(name="accountNumber")
    programme: str = strawberry.field(name="programmeCode")
    reduction_id: UUID
    tonnes: Tonnes = strawberry.field(description="Ever owed for these reductions.")
    outstanding: Tonnes = strawberry.field(description="Owed now.")
    state: ShortfallState = strawberry.field(description="OPEN or CLOSED.")
    opened_at: datetime
    recorded_at: datetime

    @property
    def subject(self) -> str:
        return f"shortfall/{self.shortfall_id}"

    @strawberry.field(description="The reductions that were revoked.")
    async def reduction(self, info: Info) -> ReductionLink:
        return await reduction_of(info, self.reduction_id)


SHORTFALLS: Keyset[Shortfall] = Keyset(
    "shortfalls", (datetime, UUID), lambda one: (one.opened_at, one.shortfall_id)
)


async def shortfall_of(info: Info, shortfall_id: UUID | None) -> Shortfall | None:
    """The shortfall with this id, if the viewer may see it."""
    values = (info.context, Shortfall, "get_shortfall", shortfall_id)
    return reads.only(await reads.private(*values))


@strawberry.input(description="Each given value must match.")
class ShortfallFilter:
    account: str | None = None
    state: ShortfallState | None = None


@strawberry.type
class ShortfallQueries:
    @strawberry.field(description="Shortfalls that you may see, the latest first.")
    async def shortfalls(
        self,
        info: Info,
        filter_: ShortfallFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Shortfall]:
        wanted = filter_ or ShortfallFilter()
        values = (wanted.account, wanted.state, *SHORTFALLS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Shortfall, "list_shortfalls", *values)
        return SHORTFALLS.page(rows, first)

    @strawberry.field(description="The shortfall with this id; null if you may not see it.")
    async def shortfall(self, info: Info, id_: UUID) -> Shortfall | None:
        return await shortfall_of(info, id_)


@strawberry.type
class ShortfallPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def shortfall(self, info: Info) -> Shortfall | None:
        return await shortfall_of(info, self.uuid("shortfall"))


@strawberry.type
class ShortfallMutations:
    make_good = mutation(MakeGood, ShortfallPayload, "retirement_id")
