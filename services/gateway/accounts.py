"""Accounts: what an organisation holds and has; only it and overseers see inside."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.commands import CommandInput, Payload, described, send
from services.gateway.context import Info
from services.gateway.links import ProjectLink, project_of
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Serial, Tonnes
from services.registry import messages as registry
from services.settlement import messages as settlement


@strawberry.type(description="One range of serials that an account holds in one bucket.")
class Holding:
    batch_id: UUID
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    bucket: str = strawberry.field(
        description="registry, or exchange at a venue; what is in others cannot be moved."
    )
    venue: str | None = strawberry.field(name="venueCode")
    first_serial: Serial
    last_serial: Serial = strawberry.field(description="The last one belongs to the holding.")
    tonnes: Tonnes
    serials: str = strawberry.field(description="The public serial range.")

    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)


HOLDINGS: Keyset[Holding] = Keyset(
    "holdings", (UUID, int), lambda one: (one.batch_id, one.first_serial)
)


@strawberry.type(description="Money that may be spent at one venue.")
class Cash:
    venue: str = strawberry.field(name="venueCode")
    currency: str
    balance_fen: Fen


@strawberry.type(description="An organisation's account, known by its number.")
class Account:
    account_id: UUID
    number: str
    kind: str = strawberry.field(description="OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY.")
    status: str
    organisation_id: UUID
    organisation_name: str
    credit_code: str
    opened_at: datetime

    @strawberry.field(description="What it holds, as serial ranges.")
    async def holdings(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Holding]:
        values = (self.number, *HOLDINGS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Holding, "list_holdings", *values)
        return HOLDINGS.page(rows, first)

    @strawberry.field(description="Its money, one row a venue and currency.")
    async def cash(self, info: Info) -> list[Cash]:
        return await reads.private(info.context, Cash, "list_cash", self.number)


@strawberry.type(description="What an account could deliver and pay at a venue right now.")
class Available:
    tonnes: Tonnes
    cash_fen: Fen
    currency: str


@strawberry.input(description="What is traded: one project's credits of one vintage.")
class InstrumentInput:
    project: str
    vintage: int


@strawberry.type
class AccountQueries:
    @strawberry.field(description="The account with this number; null if you may not see it.")
    async def account(self, info: Info, number: str) -> Account | None:
        return reads.only(await reads.private(info.context, Account, "get_account", number))

    @strawberry.field(description="A venue's pre-check; null if you may not see the account.")
    async def available(
        self, info: Info, account: str, venue: str, instrument: InstrumentInput
    ) -> Available | None:
        values = (account, venue, instrument.project, instrument.vintage)
        return reads.only(await reads.private(info.context, Available, "get_available", *values))


@strawberry.input
class OpenAccountInput(CommandInput):
    organisation_id: UUID
    kind: str


@strawberry.input
class MoveInput(CommandInput):
    account: str
    venue: str
    project: str
    vintage: int
    tonnes: Tonnes


@strawberry.type
class AccountPayload(Payload):
    @strawberry.field
    async def account(self, info: Info) -> Account | None:
        account_id = self.uuid("account")
        if account_id is None:
            return None
        values = (info.context, Account, "get_account_by_id", account_id)
        return reads.only(await reads.private(*values))


@strawberry.type
class MovePayload(Payload):
    pass


@strawberry.type
class AccountMutations:
    @strawberry.mutation(description=described(registry.OpenAccount))
    async def open_account(self, info: Info, input_: OpenAccountInput) -> AccountPayload:
        return await send(info, AccountPayload, registry.OpenAccount, input_, account_id=input_.id)

    @strawberry.mutation(description=described(settlement.MoveToVenue))
    async def move_to_venue(self, info: Info, input_: MoveInput) -> MovePayload:
        return await send(info, MovePayload, settlement.MoveToVenue, input_, move_id=input_.id)

    @strawberry.mutation(description=described(settlement.MoveFromVenue))
    async def move_from_venue(self, info: Info, input_: MoveInput) -> MovePayload:
        return await send(info, MovePayload, settlement.MoveFromVenue, input_, move_id=input_.id)
