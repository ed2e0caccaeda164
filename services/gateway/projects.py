"""Projects: what is registered, where it is, whose it is, and what came of it."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import BATCHES, CreditBatch
from services.gateway.commands import CommandInput, Payload, described, send
from services.gateway.context import Info
from services.gateway.links import project_of
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.programmes import Methodology, Programme, methodology_of, programme_of
from services.gateway.reductions import REDUCTIONS, Reduction
from services.gateway.scalars import Tonnes
from services.registry import messages as registry


@strawberry.type(description="A project whose verified reductions become credits.")
class Project:
    project_id: UUID
    code: str
    programme: str = strawberry.field(name="programmeCode")
    methodology: str = strawberry.field(name="methodologyCode")
    owner_account: str = strawberry.field(description="Its credits are issued to this account.")
    owner_name: str
    name: str
    province: str
    longitude: Decimal = strawberry.field(description="Degrees east.")
    latitude: Decimal = strawberry.field(description="Degrees north.")
    construction_started_on: date
    crediting_from: date
    crediting_until: date = strawberry.field(description="The last day of the crediting period.")
    expected_annual_tonnes: Tonnes
    validation_body: str
    status: str
    submitted_at: datetime
    registered_at: datetime | None
    notes: str

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(name="methodology")
    async def its_methodology(self, info: Info) -> Methodology | None:
        return await methodology_of(info, self.methodology)

    @strawberry.field(description="The credits issued for it, the latest first.")
    async def credit_batches(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CreditBatch]:
        values = (*BATCHES.after(after), rows_wanted(first))
        rows = await info.context.loaders.many(
            CreditBatch, "credit_batches_of_projects", "project", self.code, *values
        )
        return BATCHES.page(rows, first)

    @strawberry.field(description="Its monitored reductions, the latest period first.")
    async def reductions(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Reduction]:
        values = (*REDUCTIONS.after(after), rows_wanted(first))
        rows = await info.context.loaders.many(
            Reduction, "reductions_of_projects", "project", self.code, *values
        )
        return REDUCTIONS.page(rows, first)


@strawberry.enum
class ProjectOrder(Enum):
    CODE = "code"
    LARGEST = strawberry.enum_value("size", description="The most expected tonnes a year first.")
    LATEST = strawberry.enum_value("submission", description="The latest submitted first.")


ORDERS: dict[ProjectOrder, Keyset[Project]] = {
    ProjectOrder.CODE: Keyset("projects/code", (str,), lambda one: (one.code,)),
    ProjectOrder.LARGEST: Keyset(
        "projects/size", (int, str), lambda one: (one.expected_annual_tonnes, one.code)
    ),
    ProjectOrder.LATEST: Keyset(
        "projects/submission", (datetime, str), lambda one: (one.submitted_at, one.code)
    ),
}


@strawberry.input(description="Each given value must match.")
class ProjectFilter:
    programme: str | None = None
    methodology: str | None = None
    status: str | None = strawberry.field(default=None, description="SUBMITTED or REGISTERED.")
    province: str | None = None


@strawberry.type
class ProjectQueries:
    @strawberry.field(description="Projects that match the filter.")
    async def projects(
        self,
        info: Info,
        filter_: ProjectFilter | None = None,
        order_by: ProjectOrder = ProjectOrder.CODE,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Project]:
        wanted, keyset = filter_ or ProjectFilter(), ORDERS[order_by]
        rows = await reads.public(
            info.context,
            Project,
            f"list_projects_by_{order_by.value}",
            wanted.programme,
            wanted.methodology,
            wanted.status,
            wanted.province,
            *keyset.after(after),
            rows_wanted(first),
        )
        return keyset.page(rows, first)

    @strawberry.field(description="The project with this code.")
    async def project(self, info: Info, code: str) -> Project | None:
        return await project_of(info, code)


@strawberry.input
class SubmitProjectInput(CommandInput):
    code: str
    programme: str
    methodology: str
    owner_account: str
    name: str
    province: str
    longitude: Decimal
    latitude: Decimal
    construction_started_on: date
    crediting_from: date
    crediting_until: date
    expected_annual_tonnes: Tonnes
    validation_body: str
    notes: str = ""


@strawberry.input
class RegisterProjectInput(CommandInput):
    code: str


@strawberry.type
class ProjectPayload(Payload):
    @strawberry.field
    async def project(self, info: Info) -> Project | None:
        return await project_of(info, self.key("project"))


@strawberry.type
class ProjectMutations:
    @strawberry.mutation(description=described(registry.SubmitProject))
    async def submit_project(self, info: Info, input_: SubmitProjectInput) -> ProjectPayload:
        return await send(
            info, ProjectPayload, registry.SubmitProject, input_, project_id=input_.id
        )

    @strawberry.mutation(description=described(registry.RegisterProject))
    async def register_project(self, info: Info, input_: RegisterProjectInput) -> ProjectPayload:
        return await send(info, ProjectPayload, registry.RegisterProject, input_)
