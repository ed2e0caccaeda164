"""Monitoring reports: what a project reduced in a period, on which basis, who verified it, and how it was computed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.context import Info
from services.gateway.links import (
    ProjectLink,
    ReductionLink,
    project_of,
    reduction_of,
    report_of,
)
from services.gateway.objects import Recorded, decoded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.project_parts import Comment, Document, TeamMember, team_of
from services.gateway.scalars import Tonnes
from services.gateway.states import ReportState


@strawberry.type(description="The tonnes of one calendar year of a report.")
class ReportVintage:
    report_id: strawberry.Private[UUID]
    vintage: int
    reported_tonnes: Tonnes
    computed_tonnes: Tonnes | None = strawberry.field(
        description="With the emission factors that were out on the day of the verification."
    )
    verified_tonnes: Tonnes | None
    reduction_id: UUID | None
    batch_id: UUID | None

    @strawberry.field(description="Once the report is registered.")
    async def reduction(self, info: Info) -> ReductionLink:
        return await reduction_of(info, self.reduction_id)

    @strawberry.field(description="Once credits are issued.")
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


@strawberry.type(description="What somebody said of a report while its notice lasted.")
class ReportComment(Comment):
    report_id: strawberry.Private[UUID]


COMMENTS: Keyset[ReportComment] = Keyset(
    "reportComments", (datetime, UUID), lambda one: (one.commented_at, one.comment_id)
)


@strawberry.type(description="A document of a report.")
class ReportDocument(Document):
    report_id: strawberry.Private[UUID]
    kind: str = strawberry.field(description="REPORT, or STATEMENT of the verification body.")


@strawberry.type(description="The verification body's statement.")
class Verification:
    report_id: strawberry.Private[UUID]
    verification_body: str = strawberry.field(description="The number of its account.")
    team: strawberry.Private[list[dict[str, Any]]]
    reviewer: str = strawberry.field(description="Who reviewed and decided; no member of the team.")
    findings: str
    statement_sha256: str
    verified_at: datetime

    @strawberry.field(name="team")
    def its_team(self) -> list[TeamMember]:
        return team_of(self.team)


@strawberry.type(description="What somebody should look at before relying on a computation.")
class Caution:
    code: str
    text: str


@strawberry.type(description="All that it takes to compute a report's tonnes again.")
class Trace:
    report_id: strawberry.Private[UUID]
    inputs_sha256: str = strawberry.field(description="Of the activity data.")
    trace_sha256: str = strawberry.field(description="Of the whole trace.")
    trace: strawberry.Private[Any]

    @strawberry.field(
        description="The activity data, the parameters, and every step with formula, inputs and rounding."
    )
    def content(self) -> JSON:
        return decoded(self.trace)


@strawberry.interface(description="A monitoring report with its tonnes, as far as it has come.")
class Report(Recorded):
    report_id: UUID
    project: str = strawberry.field(name="projectCode")
    period_number: int
    period_start: date
    period_end: date = strawberry.field(description="The last day of the monitoring period.")
    basis: str = strawberry.field(
        description="QUANTIFIED: computed from activity data. ATTESTED: stated, with documents."
    )
    status: ReportState
    reported_tonnes: Tonnes
    inputs_sha256: str | None
    trace_sha256: str | None
    cautions: strawberry.Private[list[dict[str, Any]] | None]
    unverified: list[str] | None = strawberry.field(
        description="Parameters that it used and nobody has read in the published text."
    )
    reason: str | None = strawberry.field(description="Why it was refused, withdrawn or revoked.")
    submitted_at: datetime
    changed_at: datetime

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"

    @strawberry.field(name="cautions", description="What the computation warns of.")
    def its_cautions(self) -> list[Caution]:
        return [Caution(**one) for one in self.cautions or []]

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)

    @strawberry.field(description="Its tonnes by calendar year.")
    async def vintages(self, info: Info) -> list[ReportVintage]:
        return list(await self._parts(info, ReportVintage, "vintages_of_reports"))

    @strawberry.field
    async def documents(self, info: Info) -> list[ReportDocument]:
        return list(await self._parts(info, ReportDocument, "documents_of_reports"))

    @strawberry.field(description="How it was computed; null if it is attested.")
    async def trace(self, info: Info) -> Trace | None:
        return reads.only(await self._parts(info, Trace, "traces_of_reports"))

    async def _parts(
        self, info: Info, kind: type[reads.Row], statement: str
    ) -> Sequence[reads.Row]:
        """What belongs to it, if the viewer may see it: everybody once it is published."""
        viewer, organisation, roles = info.context.viewer.triple
        values = "report_id", self.report_id, viewer, organisation, tuple(roles)
        return await info.context.loaders.many(kind, statement, *values)


@strawberry.type(description="A monitoring report, from the opening of its notice on.")
class MonitoringReport(Report):
    programme: str = strawberry.field(name="programmeCode")
    methodology: str = strawberry.field(name="methodologyCode")
    verified_tonnes: Tonnes | None
    verification_body: str = strawberry.field(
        name="verificationAccount", description="The account of the body that verifies it."
    )
    notice_starts_on: date
    notice_ends_on: date = strawberry.field(description="The last day of the notice.")
    notice_is_provisional: bool
    applied_on: date | None
    decide_by: date | None = strawberry.field(description="Until then the registry decides.")
    decision_is_provisional: bool | None
    is_overdue: bool

    @strawberry.field(description="What the public said during its notice, the oldest first.")
    async def comments(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ReportComment]:
        return await COMMENTS.inside(
            info, ReportComment, "comments_of_reports", "report_id", self.report_id, first, after
        )

    @strawberry.field
    async def verification(self, info: Info) -> Verification | None:
        return await info.context.loaders.one(
            Verification, "verifications_of_reports", "report_id", self.report_id
        )


REPORTS: Keyset[MonitoringReport] = Keyset(
    "reports", (date, UUID), lambda one: (one.period_end, one.report_id)
)


@strawberry.input(description="Each given value must match.")
class ReportFilter:
    programme: str | None = None
    project: str | None = None
    status: ReportState | None = None


@strawberry.type
class ReportQueries:
    @strawberry.field(description="Published reports that match the filter, latest period first.")
    async def reports(
        self,
        info: Info,
        filter_: ReportFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[MonitoringReport]:
        wanted = filter_ or ReportFilter()
        rows = await reads.public(
            info.context,
            MonitoringReport,
            "list_reports",
            wanted.programme,
            wanted.project,
            wanted.status,
            *REPORTS.after(after),
            rows_wanted(first),
        )
        return REPORTS.page(rows, first)

    @strawberry.field(description="The report with this id; null until its notice opens.")
    async def report(self, info: Info, id_: UUID) -> MonitoringReport | None:
        return await report_of(info, id_)
