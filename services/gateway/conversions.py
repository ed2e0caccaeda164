"""Conversions: credits die, and then credits of another programme, or of a later year, live in their stead."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.commands import CommandPayload, Payload
from services.gateway.context import Info
from services.gateway.errors import RefusalField, refusal_fields
from services.gateway.inputs import mutation
from services.gateway.links import conversion_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.gateway.states import ConversionState
from services.issuance.messages.carry_overs import CarryOverAllowances
from services.issuance.messages.conversions import RequestConversion, SetConversionTerms


@strawberry.type(
    description="Credits that die, and those that live in their stead, one after the other."
)
class Conversion(Recorded):
    conversion_id: UUID
    account: str = strawberry.field(name="accountNumber")
    source_programme: str = strawberry.field(name="sourceProgrammeCode")
    source_project: str = strawberry.field(name="sourceProjectCode")
    source_vintage: int
    source_tonnes: Tonnes
    factor: str = strawberry.field(description="Credits of the target for one of the source.")
    target_programme: str = strawberry.field(name="targetProgrammeCode")
    target_project: str = strawberry.field(name="targetProjectCode")
    target_vintage: int
    target_tonnes: Tonnes = strawberry.field(description="Rounded down.")
    batch_id: UUID = strawberry.field(description="Reserved; once it is issued, creditBatch.")
    compliance_id: UUID | None = strawberry.field(
        description="If allowances are carried over: the compliance year into which."
    )
    state: ConversionState
    requested_by: str | None
    approved_by: str | None
    requested_at: datetime
    decided_at: datetime | None
    certificate_number: str | None = strawberry.field(
        description="Finds the public record of the source's cancellation."
    )
    source_ranges: strawberry.Private[list[dict[str, Any]] | None]
    code: str | None = strawberry.field(description="Why it was refused: the source lives on.")
    message: str | None
    fields: strawberry.Private[dict[str, str] | None]

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"

    @strawberry.field(name="sourceRanges", description="The serials that died.")
    def its_source_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.source_ranges)

    @strawberry.field(name="fields", description="The values that disagreed.")
    def its_fields(self) -> list[RefusalField]:
        return refusal_fields(self.fields or {})

    @strawberry.field(
        description="What lives in the source's stead; null before the source is dead."
    )
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


@strawberry.type(description="By which factor credits are converted from a day on.")
class ConversionTerms:
    source_programme: str = strawberry.field(name="sourceProgrammeCode")
    target_programme: str = strawberry.field(name="targetProgrammeCode")
    valid_from: date
    factor: str | None = strawberry.field(
        description="Credits of the target for one of the source; null: not converted any more."
    )
    source: str = strawberry.field(description="By which published rules it goes.")
    set_at: datetime


CONVERSIONS: Keyset[Conversion] = Keyset(
    "conversions", (datetime, UUID), lambda one: (one.requested_at, one.conversion_id)
)
CONVERSION_TERMS: Keyset[ConversionTerms] = Keyset(
    "conversionTerms",
    (str, str, date),
    lambda one: (one.source_programme, one.target_programme, one.valid_from),
)


@strawberry.type
class ConversionQueries:
    @strawberry.field(
        description="Conversions that are issued, and others that you may see, the latest first."
    )
    async def conversions(
        self,
        info: Info,
        account: str | None = None,
        state: ConversionState | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Conversion]:
        values = (account, state, *CONVERSIONS.after(after), rows_wanted(first))
        rows = await reads.visible(info.context, Conversion, "list_conversions", *values)
        return CONVERSIONS.page(rows, first)

    @strawberry.field(description="The conversion with this id; null if you may not see it.")
    async def conversion(self, info: Info, id_: UUID) -> Conversion | None:
        return await conversion_of(info, id_)

    @strawberry.field(description="Every version of the terms, by programmes and first day.")
    async def conversion_terms(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ConversionTerms]:
        values = (*CONVERSION_TERMS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, ConversionTerms, "list_conversion_terms", *values)
        return CONVERSION_TERMS.page(rows, first)


@strawberry.type
class ConversionPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def conversion(self, info: Info) -> Conversion | None:
        return await conversion_of(info, self.uuid("conversion"))


@strawberry.type
class ConversionMutations:
    set_conversion_terms = mutation(SetConversionTerms, CommandPayload)
    request_conversion = mutation(RequestConversion, ConversionPayload, "conversion_id")
    carry_over_allowances = mutation(CarryOverAllowances, ConversionPayload, "conversion_id")
