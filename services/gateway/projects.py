"""Projects: what is published of them, where they are, whose they are, and what came of them."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated
from unicodedata import normalize
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.batches import BATCHES, CreditBatch
from services.gateway.context import Info
from services.gateway.errors import BadInput
from services.gateway.links import project_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.programmes import Methodology, Programme, methodology_of, programme_of
from services.gateway.project_parts import (
    COMMENTS,
    ProjectComment,
    ProjectDocument,
    ProjectDuplicate,
    Validation,
)
from services.gateway.reductions import REDUCTIONS, Reduction
from services.gateway.reports import REPORTS, MonitoringReport
from services.gateway.scalars import Tonnes
from services.gateway.states import ProjectState


@strawberry.interface(description="What an owner says of a project when it is drafted.")
class ProjectDesign:
    project_id: UUID
    code: str
    programme: str = strawberry.field(name="programmeCode")
    methodology: str = strawberry.field(name="methodologyCode")
    activity: str = strawberry.field(description="What reduces, one of a closed list.")
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
    notes: str

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(name="methodology")
    async def its_methodology(self, info: Info) -> Methodology | None:
        return await methodology_of(info, self.methodology)


@strawberry.type(description="A project, from the opening of its notice on.")
class Project(ProjectDesign, Recorded):
    status: ProjectState
    changed_at: datetime
    validation_account: str = strawberry.field(description="The account of the validating body.")
    validation_body: str
    notice_opened_at: datetime
    notice_ends_on: date = strawberry.field(description="The last day of the notice.")
    notice_is_provisional: bool = strawberry.field(
        description="Computed beyond the official calendar; computed again when that is published."
    )
    validate_by: date = strawberry.field(description="Until then the body reports, in principle.")
    is_validation_overdue: bool
    validated_at: datetime | None
    applied_at: datetime | None
    decide_by: date | None = strawberry.field(description="Until then the registry decides.")
    decision_is_provisional: bool | None
    is_decision_overdue: bool
    registered_at: datetime | None
    closed_at: datetime | None = strawberry.field(
        description="When it was refused, withdrawn, cancelled or revoked."
    )
    closing_reason: str | None

    @property
    def subject(self) -> str:
        return f"project/{self.code}"

    @strawberry.field(description="What the validating body reported.")
    async def validation(self, info: Info) -> Validation | None:
        return await info.context.loaders.one(
            Validation, "validations_of_projects", "project", self.code
        )

    @strawberry.field(description="Design document, reports and forms, by their digests.")
    async def documents(self, info: Info) -> list[ProjectDocument]:
        return await _listed(info, ProjectDocument, "documents_of_projects", self.code)

    @strawberry.field(description="Projects that may be the same, and what a person said of that.")
    async def duplicates(self, info: Info) -> list[ProjectDuplicate]:
        return await _listed(info, ProjectDuplicate, "duplicates_of_projects", self.code)

    @strawberry.field(description="What the public said during its notice, the oldest first.")
    async def comments(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ProjectComment]:
        return await COMMENTS.inside(
            info, ProjectComment, "comments_of_projects", "project", self.code, first, after
        )

    @strawberry.field(description="Its monitoring reports that are published, the latest first.")
    async def reports(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[MonitoringReport]:
        return await REPORTS.inside(
            info, MonitoringReport, "reports_of_projects", "project", self.code, first, after
        )

    @strawberry.field(description="The credits issued for it, the latest first.")
    async def credit_batches(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[CreditBatch]:
        return await BATCHES.inside(
            info, CreditBatch, "credit_batches_of_projects", "project", self.code, first, after
        )

    @strawberry.field(
        description="Its registered or estimated reductions, the latest period first."
    )
    async def reductions(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Reduction]:
        return await REDUCTIONS.inside(
            info, Reduction, "reductions_of_projects", "project", self.code, first, after
        )


async def _listed(info: Info, kind: type[reads.Row], statement: str, code: str) -> list[reads.Row]:
    """A short list that belongs to a project."""
    return list(await info.context.loaders.many(kind, statement, "project", code))


@strawberry.enum
class ProjectOrder(Enum):
    CODE = "code"
    LARGEST = strawberry.enum_value("size", description="The most expected tonnes a year first.")
    LATEST = strawberry.enum_value("notice", description="The latest noticed first.")


ORDERS: dict[ProjectOrder, Keyset[Project]] = {
    ProjectOrder.CODE: Keyset("projects/code", (str,), lambda one: (one.code,)),
    ProjectOrder.LARGEST: Keyset(
        "projects/size", (int, str), lambda one: (one.expected_annual_tonnes, one.code)
    ),
    ProjectOrder.LATEST: Keyset(
        "projects/notice", (datetime, str), lambda one: (one.notice_opened_at, one.code)
    ),
}


@strawberry.input(description="Each given value must match.")
class ProjectFilter:
    programme: str | None = None
    methodology: str | None = None
    status: ProjectState | None = None
    province: str | None = None
    owner_account: str | None = None


Search = Annotated[
    str | None,
    strawberry.argument(
        description="Words of the code, the name or the province, all of them; one at least has two characters."
    ),
]
_WORD_CHARACTERS_MIN = 2


def _require_word(search: str) -> None:
    """Raises BadInput if no word of it can be looked up: the index knows pairs of characters."""
    words = normalize("NFKC", search).split()
    if max(map(len, words), default=0) < _WORD_CHARACTERS_MIN:
        raise BadInput("A search needs a word of at least two characters.")


@strawberry.type
class ProjectQueries:
    @strawberry.field(description="Projects that match the filter and, if given, the text.")
    async def projects(
        self,
        info: Info,
        filter_: ProjectFilter | None = None,
        search: Search = None,
        order_by: ProjectOrder = ProjectOrder.CODE,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Project]:
        if search is not None:
            _require_word(search)
        wanted, keyset = filter_ or ProjectFilter(), ORDERS[order_by]
        rows = await reads.public(
            info.context,
            Project,
            f"list_projects_by_{order_by.value}",
            wanted.programme,
            wanted.methodology,
            wanted.status,
            wanted.province,
            wanted.owner_account,
            search,
            *keyset.after(after),
            rows_wanted(first),
        )
        return keyset.page(rows, first)

    @strawberry.field(description="The project with this code; null until its notice opens.")
    async def project(self, info: Info, code: str) -> Project | None:
        return await project_of(info, code)
