"""Links back: to projects, reports and reductions, whose modules import the ones that link to them."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from services.gateway.context import Info

if TYPE_CHECKING:
    from services.gateway.projects import Project
    from services.gateway.reductions import Reduction
    from services.gateway.reports import MonitoringReport

ProjectLink = Annotated["Project", strawberry.lazy("services.gateway.projects")] | None
ReductionLink = Annotated["Reduction", strawberry.lazy("services.gateway.reductions")] | None
ReportLink = Annotated["MonitoringReport", strawberry.lazy("services.gateway.reports")] | None


async def project_of(info: Info, code: str) -> "Project | None":
    """The project with this code, read together with others of its level."""
    from services.gateway.projects import Project

    return await info.context.loaders.one(Project, "projects_by_code", "code", code)


async def reduction_of(info: Info, reduction_id: UUID | None) -> "Reduction | None":
    """The reduction with this id, read together with others of its level."""
    from services.gateway.reductions import Reduction

    if reduction_id is None:
        return None
    return await info.context.loaders.one(
        Reduction, "reductions_by_id", "reduction_id", reduction_id
    )


async def report_of(info: Info, report_id: UUID | None) -> "MonitoringReport | None":
    """The published report with this id, read together with others of its level."""
    from services.gateway.reports import MonitoringReport

    if report_id is None:
        return None
    return await info.context.loaders.one(MonitoringReport, "reports_by_id", "report_id", report_id)
