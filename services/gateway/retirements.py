"""Retirements: credits used once and for all, by whom and for what; the public record."""

from datetime import datetime
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
from services.settlement.messages.retirements import RetireCredits


@strawberry.type(description="Credits taken out of circulation for ever.")
class Retirement(Recorded):
    retirement_id: UUID
    certificate_number: str
    account: str = strawberry.field(name="accountNumber")
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    tonnes: Tonnes
    purpose: str
    beneficiary_name: str | None = strawberry.field(description="Null if you may not see it.")
    beneficiary_id: str | None
    beneficiary_country: str | None
    reporting_period: str
    reason: str
    is_public: bool
    requested_by: str | None
    approved_by: str | None
    retired_at: datetime
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


RETIREMENTS: Keyset[Retirement] = Keyset(
    "retirements", (datetime, UUID), lambda one: (one.retired_at, one.retirement_id)
)


async def retirement_of(info: Info, retirement_id: UUID | None) -> Retirement | None:
    """The retirement with this id, if the viewer may see it."""
    values = (info.context, Retirement, "get_retirement", retirement_id)
    return reads.only(await reads.visible(*values))


@strawberry.input(description="Each given value must match.")
class RetirementFilter:
    account: str | None = None
    project: str | None = None


@strawberry.type
class RetirementQueries:
    @strawberry.field(description="Public retirements and those that you may see, latest first.")
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

    @strawberry.field(description="The retirement with this id; null if you may not see it.")
    async def retirement(self, info: Info, id_: UUID) -> Retirement | None:
        return await retirement_of(info, id_)


@strawberry.type
class RetirementPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def retirement(self, info: Info) -> Retirement | None:
        return await retirement_of(info, self.uuid("retirement"))


@strawberry.type
class RetirementMutations:
    retire_credits = mutation(RetireCredits, RetirementPayload, "retirement_id")
