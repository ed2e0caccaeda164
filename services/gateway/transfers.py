"""Transfers: credits offered to another holder without a trade, until they are taken, refused or taken back."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import ProjectLink, project_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.gateway.states import TransferState
from services.settlement.messages import holdings


@strawberry.type(description="An offer of credits to another holder; while proposed they are held.")
class Transfer(Recorded):
    transfer_id: UUID
    from_account: str
    to_account: str
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    tonnes: Tonnes
    ground: str = strawberry.field(description="INHERITANCE, ENFORCEMENT or PROGRAMME_RULE.")
    document_sha256: str = strawberry.field(description="Of the document that shows the ground.")
    reason: str
    expires_on: date = strawberry.field(
        description="The last day in Beijing on which it may be accepted."
    )
    state: TransferState = strawberry.field(
        description="PROPOSED, ACCEPTED, REFUSED, WITHDRAWN or EXPIRED; all but the first are final."
    )
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None = strawberry.field(description="Why it was refused or withdrawn.")
    recorded_at: datetime
    ranges: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"transfer/{self.transfer_id}"

    @strawberry.field(
        name="ranges", description="The serials that were delivered; none until it is accepted."
    )
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)


TRANSFERS: Keyset[Transfer] = Keyset(
    "transfers", (datetime, UUID), lambda one: (one.proposed_at, one.transfer_id)
)


async def transfer_of(info: Info, transfer_id: UUID | None) -> Transfer | None:
    """The transfer with this id, if the viewer may see it."""
    values = (info.context, Transfer, "get_transfer", transfer_id)
    return reads.only(await reads.private(*values))


@strawberry.input(description="Each given value must match.")
class TransferFilter:
    account: str | None = strawberry.field(default=None, description="As giver or as receiver.")
    state: TransferState | None = None


@strawberry.type
class TransferQueries:
    @strawberry.field(description="Transfers that you may see, the latest first.")
    async def transfers(
        self,
        info: Info,
        filter_: TransferFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Transfer]:
        wanted = filter_ or TransferFilter()
        values = (wanted.account, wanted.state, *TRANSFERS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Transfer, "list_transfers", *values)
        return TRANSFERS.page(rows, first)

    @strawberry.field(description="The transfer with this id; null if you may not see it.")
    async def transfer(self, info: Info, id_: UUID) -> Transfer | None:
        return await transfer_of(info, id_)


@strawberry.type
class TransferPayload(Payload):
    @strawberry.field
    async def transfer(self, info: Info) -> Transfer | None:
        return await transfer_of(info, self.uuid("transfer"))


@strawberry.type
class TransferMutations:
    propose_transfer = mutation(holdings.ProposeTransfer, TransferPayload, "transfer_id")
    accept_transfer = mutation(holdings.AcceptTransfer, TransferPayload)
    refuse_transfer = mutation(holdings.RefuseTransfer, TransferPayload)
    withdraw_transfer = mutation(holdings.WithdrawTransfer, TransferPayload)
