"""Statements: what an account held at any past instant, what came and went since, and every entry that led there."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Serial, Tonnes


@strawberry.interface(description="Where an account keeps credits: of what, in which bucket.")
class CreditPlace:
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    bucket: str
    venue: str | None = strawberry.field(name="venueCode")


@strawberry.type(description="What was held in one place.")
class CreditBalance(CreditPlace):
    tonnes: Tonnes


@strawberry.type(description="Money that was booked at one venue.")
class CashBalance:
    venue: str = strawberry.field(name="venueCode")
    currency: str
    balance_fen: Fen


_BEYOND = "Null where it adds up to more than 2^53 - 1."


@strawberry.type(description="Opening and incoming less outgoing is closing.")
class CreditStatementLine(CreditPlace):
    opening: Tonnes
    incoming: Tonnes | None = strawberry.field(description=_BEYOND)
    outgoing: Tonnes | None = strawberry.field(description=_BEYOND)
    closing: Tonnes


@strawberry.type(description="Opening and incoming less outgoing is closing.")
class CashStatementLine:
    venue: str = strawberry.field(name="venueCode")
    currency: str
    opening_fen: Fen
    incoming_fen: Fen | None = strawberry.field(description=_BEYOND)
    outgoing_fen: Fen | None = strawberry.field(description=_BEYOND)
    closing_fen: Fen


@strawberry.type(description="Opening and due less surrendered and offset is closing.")
class ObligationStatementLine:
    emission_year: int
    opening: Tonnes = strawberry.field(description="Still owed.")
    due: Tonnes = strawberry.field(description="What became due; below zero if less became due.")
    surrendered: Tonnes
    offset_used: Tonnes = strawberry.field(name="offset")
    closing: Tonnes = strawberry.field(
        description="Still owed; below zero if later less was due than had been discharged."
    )


def _place(one: CreditPlace) -> tuple[object, ...]:
    return one.programme, one.project, one.vintage, one.bucket, one.venue or ""


_PLACE = (str, str, int, str, str)
BALANCES: Keyset[CreditBalance] = Keyset("balances", _PLACE, _place)
LINES: Keyset[CreditStatementLine] = Keyset("statement", _PLACE, _place)


@strawberry.type(description="What an account held, by what had taken effect and was on record.")
class Balances:
    account: strawberry.Private[str]
    effective_at: datetime | None = strawberry.field(description="Null: whatever has been booked.")
    recorded_at: datetime | None = strawberry.field(description="Null: as known now.")

    @strawberry.field(description="Its credits, by programme, project, vintage and place.")
    async def credits(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CreditBalance]:
        instants = (self.account, self.effective_at, self.recorded_at)
        values = (*instants, *BALANCES.after(after), rows_wanted(first))
        rows = await reads.private(info.context, CreditBalance, "list_balances", *values)
        return BALANCES.page(rows, first)

    @strawberry.field(description="Its money, one row a venue and currency.")
    async def cash(self, info: Info) -> list[CashBalance]:
        values = (self.account, self.effective_at, self.recorded_at)
        return await reads.private(info.context, CashBalance, "list_cash_balances", *values)


@strawberry.type(
    description="What came and went after one instant and until another, the second one included."
)
class Statement:
    account: strawberry.Private[str]
    since: datetime
    until: datetime
    recorded_at: datetime | None = strawberry.field(description="Null: as known now.")

    @strawberry.field(description="Of credits, by programme, project, vintage and place.")
    async def credits(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CreditStatementLine]:
        instants = (self.account, self.since, self.until, self.recorded_at)
        values = (*instants, *LINES.after(after), rows_wanted(first))
        rows = await reads.private(info.context, CreditStatementLine, "list_statement", *values)
        return LINES.page(rows, first)

    @strawberry.field(description="Of money, one row a venue and currency.")
    async def cash(self, info: Info) -> list[CashStatementLine]:
        values = (self.account, self.since, self.until, self.recorded_at)
        return await reads.private(info.context, CashStatementLine, "list_cash_statement", *values)

    @strawberry.field(description="Of obligations in the national ETS, one row a year.")
    async def obligations(self, info: Info) -> list[ObligationStatementLine]:
        values = (self.account, self.since, self.until, self.recorded_at)
        kind, named = ObligationStatementLine, "list_obligation_statement"
        return await reads.private(info.context, kind, named, *values)


@strawberry.interface(description="One movement on record; entries are never changed.")
class Entry:
    entry_id: strawberry.Private[int]
    posting: str = strawberry.field(
        description="What it belongs to: trade/CBGEX/1, move/..., retirement/..., cash/..."
    )
    effective_at: datetime
    recorded_at: datetime


@strawberry.type(description="Credits that went from one place to another.")
class CreditEntry(Entry):
    batch_id: UUID
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    first_serial: Serial
    last_serial: Serial
    serials: str = strawberry.field(description="The public serial range.")
    tonnes: Tonnes
    from_account: str | None = strawberry.field(description="Null: they were issued.")
    from_bucket: str | None
    from_venue: str | None
    to_account: str
    to_bucket: str
    to_venue: str | None

    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


@strawberry.type(description="Money that went from one account to another, or by way of the bank.")
class CashEntry(Entry):
    venue: str = strawberry.field(name="venueCode")
    currency: str
    from_account: str | None = strawberry.field(description="Null: the bank.")
    to_account: str | None = strawberry.field(description="Null: the bank.")
    amount_fen: Fen


CREDIT_ENTRIES: Keyset[CreditEntry] = Keyset("creditEntries", (int,), lambda one: (one.entry_id,))
CASH_ENTRIES: Keyset[CashEntry] = Keyset("cashEntries", (int,), lambda one: (one.entry_id,))


@strawberry.interface(description="What the ledger says of an account.")
class Ledger:
    number: str

    @strawberry.field(
        description="What it held when only this had taken effect, and only that was on record."
    )
    def balances(
        self, effective_at: datetime | None = None, recorded_at: datetime | None = None
    ) -> Balances:
        return Balances(account=self.number, effective_at=effective_at, recorded_at=recorded_at)

    @strawberry.field(
        description="What came and went in a period, as it was on record then or is now."
    )
    def statement(
        self, since: datetime, until: datetime, recorded_at: datetime | None = None
    ) -> Statement:
        return Statement(account=self.number, since=since, until=until, recorded_at=recorded_at)

    @strawberry.field(description="Every movement of its credits, the latest first.")
    async def credit_entries(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CreditEntry]:
        values = (self.number, *CREDIT_ENTRIES.after(after), rows_wanted(first))
        rows = await reads.private(info.context, CreditEntry, "list_credit_entries", *values)
        return CREDIT_ENTRIES.page(rows, first)

    @strawberry.field(description="Every movement of its money, the latest first.")
    async def cash_entries(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CashEntry]:
        values = (self.number, *CASH_ENTRIES.after(after), rows_wanted(first))
        rows = await reads.private(info.context, CashEntry, "list_cash_entries", *values)
        return CASH_ENTRIES.page(rows, first)
