"""A report's life as mutations: computed, submitted, noticed, verified, registered; and who listens to it."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec
import strawberry
from strawberry.scalars import JSON

from services.gateway import reads
from services.gateway.commands import CommandPayload, Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import report_of
from services.gateway.listening import events_of, listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.reports import Caution, MonitoringReport, Report
from services.gateway.scalars import Tonnes
from services.issuance.messages import EVENTS
from services.issuance.messages.applications import (
    ApplyForReduction,
    RefuseReduction,
    RegisterReduction,
)
from services.issuance.messages.days import OpenDay
from services.issuance.messages.notices import CommentOnReport, OpenReportNotice
from services.issuance.messages.quantification import PublishGridFactor, Quantify
from services.issuance.messages.reports import SubmitReport, WithdrawReport
from services.issuance.messages.verifications import RecordVerification

UPDATES = events_of(EVENTS, "issuance.report.")


@strawberry.type(description="A report as its owner and overseers see it, also before its notice.")
class OwnReport(Report):
    pass


@strawberry.type(description="A grid's emission factors of one year, as published on one day.")
class GridFactor(Recorded):
    region: str
    year: int
    operating_margin: str = strawberry.field(description="tCO2/MWh.")
    build_margin: str = strawberry.field(description="tCO2/MWh.")
    published_on: date
    source: str
    edition: str
    confidence: str = strawberry.field(description="VERIFIED or UNVERIFIED.")

    @property
    def subject(self) -> str:
        return f"grid_factor/{self.region}-{self.year}"

    @property
    def key(self) -> str:
        return f"{self.region}/{self.year}/{self.published_on}"


OWN_REPORTS: Keyset[OwnReport] = Keyset(
    "ownReports", (datetime, UUID), lambda one: (one.submitted_at, one.report_id)
)
GRID_FACTORS: Keyset[GridFactor] = Keyset(
    "gridFactors", (str, int, date), lambda one: (one.region, one.year, one.published_on)
)


async def own_report_of(info: Info, report_id: UUID | None) -> OwnReport | None:
    """The report with this id, if the viewer may see drafts of it."""
    if report_id is None:
        return None
    values = (None, report_id, None, None, 1)
    return reads.only(await reads.private(info.context, OwnReport, "list_own_reports", *values))


async def grid_factor_by_key(info: Info, key: str) -> GridFactor | None:
    """The factors that were published on one day; raises ValueError if the key is none."""
    region, year, day = key.split("/")
    values = region, int(year), date.fromisoformat(day)
    return reads.only(await reads.public(info.context, GridFactor, "get_grid_factor", *values))


@strawberry.type
class ReportLifeQueries:
    @strawberry.field(
        description="A project's reports, drafts too, latest first, if you may see them."
    )
    async def own_reports(
        self, info: Info, project: str, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[OwnReport]:
        values = (project, None, *OWN_REPORTS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, OwnReport, "list_own_reports", *values)
        return OWN_REPORTS.page(rows, first)

    @strawberry.field(description="Emission factors of grids, by region, year and publication.")
    async def grid_factors(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[GridFactor]:
        values = (*GRID_FACTORS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, GridFactor, "list_grid_factors", *values)
        return GRID_FACTORS.page(rows, first)


@strawberry.type(description="The report as it is now; as a draft it is its owner's own affair.")
class ReportPayload(Payload):
    @strawberry.field(description="Null until its notice opens.")
    async def report(self, info: Info) -> MonitoringReport | None:
        return await report_of(info, self.uuid("report"))

    @strawberry.field(description="Null to those who may not see drafts of it.")
    async def own_report(self, info: Info) -> OwnReport | None:
        return await own_report_of(info, self.uuid("report"))


@strawberry.type(description="Tonnes that a computation gives to one calendar year.")
class QuantifiedVintage:
    vintage: int
    tonnes: Tonnes


@strawberry.type(
    description="What a report with this activity data would claim; nothing is stored."
)
class QuantifyPayload(Payload):
    @cached_property
    def found(self) -> dict[str, Any]:
        """The dry run's result, empty if it was refused."""
        return msgspec.json.decode(self.result) or {}

    @strawberry.field(description="Rounded down; null if it was refused.")
    def tonnes(self) -> Tonnes | None:
        return self.found.get("tonnes")

    @strawberry.field
    def vintages(self) -> list[QuantifiedVintage]:
        return [QuantifiedVintage(**one) for one in self.found.get("vintages", [])]

    @strawberry.field(description="What the computation warns of.")
    def cautions(self) -> list[Caution]:
        return [Caution(**one) for one in self.found.get("cautions", [])]

    @strawberry.field(description="Parameters that nobody has read in the published text.")
    def unverified(self) -> list[str]:
        return self.found.get("unverified", [])

    @strawberry.field(description="Every step with its formula, inputs, editions and rounding.")
    def trace(self) -> JSON | None:
        return self.found.get("trace")


@strawberry.type
class ReportMutations:
    quantify = mutation(Quantify, QuantifyPayload)
    submit_report = mutation(SubmitReport, ReportPayload, "report_id")
    open_report_notice = mutation(OpenReportNotice, ReportPayload)
    comment_on_report = mutation(CommentOnReport, ReportPayload, "comment_id")
    record_verification = mutation(RecordVerification, ReportPayload)
    apply_for_reduction = mutation(ApplyForReduction, ReportPayload)
    register_reduction = mutation(RegisterReduction, ReportPayload)
    refuse_reduction = mutation(RefuseReduction, ReportPayload)
    withdraw_report = mutation(WithdrawReport, ReportPayload)
    publish_grid_factor = mutation(PublishGridFactor, CommandPayload)
    open_issuance_day = mutation(OpenDay, CommandPayload, called="OpenIssuanceDay")


@strawberry.type
class ReportSubscriptions:
    @strawberry.subscription(
        description="Each published report that changes, as it is then; of one project, if given."
    )
    async def report_updated(
        self, info: Info, project: str | None = None
    ) -> AsyncGenerator[MonitoringReport, None]:
        async for events in listen(info.context, *UPDATES):
            keys = dict.fromkeys(event.subject.partition("/")[2] for event in events)
            ids = [UUID(key) for key in keys]
            found = await reads.public(info.context, MonitoringReport, "reports_by_id", ids)
            for report in sorted(found, key=lambda one: ids.index(one.report_id)):
                if project in (None, report.project):
                    yield report
