"""Links back: to projects, reports, reductions and conversions, whose modules import the ones that link to them."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.context import Info

if TYPE_CHECKING:
    from services.gateway.conversions import Conversion
    from services.gateway.projects import Project
    from services.gateway.reductions import Reduction
    from services.gateway.reports import MonitoringReport

ConversionLink = Annotated["Conversion", strawberry.lazy("services.gateway.conversions")] | None
ProjectLink = Annotated["Project", strawberry.lazy("services.gateway.projects")] | None
ReductionLink = Annotated["Reduction", strawberry.lazy("services.gateway.reductions")] | None
ReportLink = Annotated["MonitoringReport", strawberry.lazy("services.gateway.reports")] | None


async def conversion_of(info: Info, conversion_id: UUID | None) -> "Conversion | None":
    """The conversion with this id, if the viewer may see it, read together with others of its level."""
    from services.gateway.conversions import Conversion

    if conversion_id is None:
        return None
    viewer, organisation, roles = info.context.viewer.triple
    values = (conversion_id, viewer, organisation, tuple(roles))
    return reads.only(
        await info.context.loaders.many(Conversion, "conversions_by_id", "conversion_id", *values)
    )


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
