"""Enforcements: title that changed without the holder, on documents."""

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
from services.gateway.scalars import Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.settlement.messages.freezes import EnforceTransfer


@strawberry.type(description="Credits that have another holder by law, without a trade or offer.")
class Enforcement(Recorded):
    transfer_id: UUID
    from_account: str
    to_account: str
    freeze_id: UUID | None = strawberry.field(description="Which had held the serials.")
    tonnes: Tonnes
    ground: str = strawberry.field(description="ENFORCEMENT or INHERITANCE.")
    document_sha256: str = strawberry.field(description="Of the document that shows the ground.")
    reason: str
    requested_by: str
    approved_by: str
    enforced_at: datetime
    recorded_at: datetime
    ranges: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"enforcement/{self.transfer_id}"

    @strawberry.field(name="ranges", description="The serials that changed hands.")
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)


ENFORCEMENTS: Keyset[Enforcement] = Keyset(
    "enforcements", (datetime, UUID), lambda one: (one.enforced_at, one.transfer_id)
)


async def enforcement_of(info: Info, transfer_id: UUID | None) -> Enforcement | None:
    """The enforcement with this id, if the viewer may see it."""
    values = (info.context, Enforcement, "get_enforcement", transfer_id)
    return reads.only(await reads.private(*values))


@strawberry.type
class EnforcementQueries:
    @strawberry.field(
        description="Enforcements that you may see, of one account as giver or receiver if given, the latest first."
    )
    async def enforcements(
        self,
        info: Info,
        account: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Enforcement]:
        values = (account, *ENFORCEMENTS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Enforcement, "list_enforcements", *values)
        return ENFORCEMENTS.page(rows, first)

    @strawberry.field(description="The enforcement with this id; null if you may not see it.")
    async def enforcement(self, info: Info, id_: UUID) -> Enforcement | None:
        return await enforcement_of(info, id_)


@strawberry.type
class EnforcementPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def enforcement(self, info: Info) -> Enforcement | None:
        return await enforcement_of(info, self.uuid("enforcement"))


@strawberry.type
class EnforcementMutations:
    enforce_transfer = mutation(EnforceTransfer, EnforcementPayload, "transfer_id")
