"""Freezes: what courts and authorities stop, until they release it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.gateway.states import FreezeState
from services.settlement.messages import freezes

UPDATES = (freezes.AccountFrozen, freezes.CreditsFrozen, freezes.FreezeReleased)


@strawberry.type(description="An order that stops an account, or certain of its serials.")
class Freeze(Recorded):
    freeze_id: UUID
    account: str = strawberry.field(name="accountNumber")
    scope: str = strawberry.field(description="ACCOUNT, all that it has and gets, or CREDITS.")
    kind: str = strawberry.field(description="JUDICIAL or ADMINISTRATIVE.")
    ordered_by: str
    document_number: str
    document_sha256: str = strawberry.field(description="Of the order.")
    reason: str
    tonnes: Tonnes = strawberry.field(description="Frozen at first; 0 of a whole account.")
    state: FreezeState = strawberry.field(description="ACTIVE or RELEASED.")
    requested_by: str
    approved_by: str
    frozen_at: datetime
    recorded_at: datetime
    release_document_sha256: str | None
    release_reason: str | None
    release_requested_by: str | None
    release_approved_by: str | None
    released_at: datetime | None
    ranges: strawberry.Private[list[dict[str, Any]] | None]
    held: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"freeze/{self.freeze_id}"

    @strawberry.field(
        name="ranges", description="The serials that were frozen; none of an account."
    )
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)

    @strawberry.field(name="held", description="The serials that it holds now.")
    def held_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.held)


FREEZES: Keyset[Freeze] = Keyset(
    "freezes", (datetime, UUID), lambda one: (one.frozen_at, one.freeze_id)
)


async def freeze_of(info: Info, freeze_id: UUID | None) -> Freeze | None:
    """The freeze with this id, if the viewer may see it."""
    return reads.only(await reads.private(info.context, Freeze, "get_freeze", freeze_id))


@strawberry.input(description="Each given value must match.")
class FreezeFilter:
    account: str | None = None
    state: FreezeState | None = None


@strawberry.type
class FreezeQueries:
    @strawberry.field(description="Freezes that you may see, the latest first.")
    async def freezes(
        self,
        info: Info,
        filter_: FreezeFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Freeze]:
        wanted = filter_ or FreezeFilter()
        values = (wanted.account, wanted.state, *FREEZES.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Freeze, "list_freezes", *values)
        return FREEZES.page(rows, first)

    @strawberry.field(description="The freeze with this id; null if you may not see it.")
    async def freeze(self, info: Info, id_: UUID) -> Freeze | None:
        return await freeze_of(info, id_)


@strawberry.type
class FreezePayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def freeze(self, info: Info) -> Freeze | None:
        return await freeze_of(info, self.uuid("freeze"))


@strawberry.type
class FreezeMutations:
    freeze_account = mutation(freezes.FreezeAccount, FreezePayload, "freeze_id")
    freeze_credits = mutation(freezes.FreezeCredits, FreezePayload, "freeze_id")
    release_freeze = mutation(freezes.ReleaseFreeze, FreezePayload)


@strawberry.type
class FreezeSubscriptions:
    @strawberry.subscription(
        description="Each freeze that you may see, once it is ordered or released, as it is then."
    )
    async def freeze_updated(self, info: Info) -> AsyncGenerator[Freeze, None]:
        info.context.require_viewer()
        async for events in listen(info.context, *UPDATES):
            ids = list(dict.fromkeys(event.freeze_id for event in events))
            for freeze in await reads.private(info.context, Freeze, "freezes_by_id", ids):
                yield freeze
