"""Accounts: what an organisation holds and has; only it and overseers see inside."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.context import Info
from services.gateway.links import ProjectLink, project_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Serial, Tonnes
from services.gateway.statements import Ledger
from services.gateway.states import AccountState


@strawberry.type(description="One range of serials that an account holds in one bucket.")
class Holding:
    batch_id: UUID
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    bucket: str = strawberry.field(
        description="registry, or exchange at a venue; what is in others cannot be given: reserved is"
        " held for a captured trade or a proposed transfer."
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


@strawberry.type(description="Money of an account at one venue.")
class Cash:
    venue: str = strawberry.field(name="venueCode")
    currency: str
    balance_fen: Fen = strawberry.field(description="What is booked.")
    held_fen: Fen = strawberry.field(description="What captured trades will cost.")
    pending_fen: Fen = strawberry.field(description="What captured trades will bring.")
    spendable_fen: Fen = strawberry.field(
        description="For trades at this venue: balance and pending less held."
    )
    withdrawable_fen: Fen = strawberry.field(
        description="By way of the bank: balance less held, and nothing that is pending."
    )


@strawberry.type(description="A person who operates an account.")
class Operator:
    operator: str = strawberry.field(description="The subject of the person's token.")
    name: str
    appointed_at: datetime
    appointed_by: str


@strawberry.type(description="An organisation's account, known by its number.")
class Account(Ledger, Recorded):
    account_id: UUID
    number: str
    kind: str = strawberry.field(description="OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY.")
    category: str = strawberry.field(description="Of the organisation, when it was opened.")
    status: AccountState
    trading_account: str | None = strawberry.field(description="Its number; none, no trading.")
    trading_opened_at: datetime | None
    operators: strawberry.Private[list[dict[str, Any]]]
    restriction_ground: str | None
    restriction_reason: str | None
    restricted_at: datetime | None
    closure_ground: str | None
    closure_reason: str | None
    closed_at: datetime | None
    organisation_id: UUID
    organisation_name: str
    credit_code: str
    opened_at: datetime

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"

    @strawberry.field(name="operators", description="Who operates it; at most five.")
    def its_operators(self) -> list[Operator]:
        return msgspec.convert(self.operators, list[Operator])

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


async def accounts_of(info: Info, *account_ids: UUID) -> list[Account]:
    """Those of the accounts that the viewer may see, whatever their order."""
    values = (info.context, Account, "accounts_by_id", list(account_ids))
    return await reads.private(*values) if account_ids else []


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
