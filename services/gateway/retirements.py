"""Retirements: credits used or cancelled once and for all, by whom and for what; the public record."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Context, Info
from services.gateway.inputs import mutation
from services.gateway.links import ConversionLink, ProjectLink, conversion_of, project_of
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.settlement.messages.retirements import (
    CancelCredits,
    CreditsCancelled,
    CreditsRetired,
    RetireCredits,
)


@strawberry.type(description="Credits taken out of circulation for ever.")
class Retirement(Recorded):
    retirement_id: UUID
    certificate_number: str = strawberry.field(
        description="RET-2026-00000001 of a use, CAN-2026-00000001 of a cancellation."
    )
    bucket: str = strawberry.field(
        description="retired: used for a beneficiary; cancelled: used by nobody."
    )
    account: str = strawberry.field(name="accountNumber")
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    tonnes: Tonnes
    purpose: str
    beneficiary_kind: str | None = strawberry.field(
        description="ORGANISATION or NATURAL_PERSON; null if it was cancelled."
    )
    beneficiary_name: str | None = strawberry.field(
        description="Null if it was cancelled, and if it is a person's that you may not see."
    )
    beneficiary_id: str | None
    beneficiary_country: str | None
    on_behalf_of: str | None
    reporting_period: str | None
    reason: str
    document_sha256: str | None = strawberry.field(
        description="Of the document on which it was cancelled."
    )
    is_public: bool = strawberry.field(description="Whether a person's name is public.")
    requested_by: str | None
    approved_by: str | None
    retired_at: datetime
    recorded_at: datetime
    entry_sha256: str = strawberry.field(
        description="SHA-256 over the ledger's entries: a line for each of the ranges, ended by a"
        " line feed, with retirement/<retirementId>|<serials>|<accountNumber>|<bucket>|<retiredAt"
        " in UTC as 2026-03-02T02:00:00.000000Z>."
    )
    ranges: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"retirement/{self.retirement_id}"

    @strawberry.field(name="ranges", description="The serials that were used.")
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)

    @strawberry.field(
        description="For which it was cancelled, so that others may live in its stead."
    )
    async def conversion(self, info: Info) -> ConversionLink:
        is_source = self.purpose in ("CONVERSION_OUT", "CARRY_OVER")
        return await conversion_of(info, self.retirement_id if is_source else None)


RETIREMENTS: Keyset[Retirement] = Keyset(
    "retirements", (datetime, UUID), lambda one: (one.retired_at, one.retirement_id)
)


PUBLIC_RETIREMENTS: Keyset[Retirement] = Keyset(
    "publicRetirements", RETIREMENTS.types, RETIREMENTS.key
)


async def retirement_of(info: Info, retirement_id: UUID | None) -> Retirement | None:
    """The retirement with this id, if the viewer may see it."""
    values = (info.context, Retirement, "get_retirement", retirement_id)
    return reads.only(await reads.visible(*values))


async def public_retirement_of(context: Context, certificate_number: str) -> Retirement | None:
    """What everybody may read under this number."""
    values = (context, Retirement, "get_public_retirement", certificate_number)
    return reads.only(await reads.public(*values))


@strawberry.input(description="Each given value must match.")
class RetirementFilter:
    account: str | None = None
    project: str | None = None


@strawberry.input(description="Each given value must match.")
class PublicRetirementFilter:
    serials: str | None = strawberry.field(
        default=None,
        description="One serial or a range, as credits are marked: CCER-CN-A1-2024-001-7, or -1-7.",
    )
    beneficiary: str | None = strawberry.field(
        default=None, description="The whole public name, or the whole identifier."
    )


@strawberry.type
class RetirementQueries:
    @strawberry.field(description="Everything that was used or cancelled, latest first.")
    async def retirements(
        self,
        info: Info,
        filter_: RetirementFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Retirement]:
        wanted = filter_ or RetirementFilter()
        values = (wanted.account, wanted.project, *RETIREMENTS.after(after), rows_wanted(first))
        rows = await reads.visible(info.context, Retirement, "list_retirements", *values)
        return RETIREMENTS.page(rows, first)

    @strawberry.field(description="The retirement with this id.")
    async def retirement(self, info: Info, id_: UUID) -> Retirement | None:
        return await retirement_of(info, id_)

    @strawberry.field(description="The public record by serials or beneficiary, latest first.")
    async def public_retirements(
        self,
        info: Info,
        filter_: PublicRetirementFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Retirement]:
        wanted = filter_ or PublicRetirementFilter()
        keys = (wanted.serials, wanted.beneficiary)
        values = (*keys, *PUBLIC_RETIREMENTS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, Retirement, "list_public_retirements", *values)
        return PUBLIC_RETIREMENTS.page(rows, first)

    @strawberry.field(description="The public record with this certificate number.")
    async def public_retirement(self, info: Info, certificate_number: str) -> Retirement | None:
        return await public_retirement_of(info.context, certificate_number)


@strawberry.type
class RetirementPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def retirement(self, info: Info) -> Retirement | None:
        return await retirement_of(info, self.uuid("retirement"))


@strawberry.type
class RetirementMutations:
    retire_credits = mutation(RetireCredits, RetirementPayload, "retirement_id")
    cancel_credits = mutation(CancelCredits, RetirementPayload, "retirement_id")


@strawberry.type
class RetirementSubscriptions:
    @strawberry.subscription(description="Each use and each cancellation, once it is recorded.")
    async def retirement_recorded(
        self, info: Info, filter_: RetirementFilter | None = None
    ) -> AsyncGenerator[Retirement, None]:
        wanted = filter_ or RetirementFilter()
        async for events in listen(info.context, CreditsRetired, CreditsCancelled):
            ids = [
                event.retirement_id
                for event in events
                if wanted.account in (None, event.account)
                and wanted.project in (None, event.project)
            ]
            for one in await reads.visible(info.context, Retirement, "retirements_by_id", ids):
                yield one
