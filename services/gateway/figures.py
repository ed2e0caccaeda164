"""Figures: how far projects and reductions have come, by programme; separate counts that are never added up."""

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Tonnes


@strawberry.type(
    description="What registered projects of a methodology and province promise a year."
)
class ExpectedReduction:
    programme: strawberry.Private[str]
    methodology: str = strawberry.field(name="methodologyCode")
    province: str
    projects: int
    expected_annual_tonnes: Tonnes


EXPECTED: Keyset[ExpectedReduction] = Keyset(
    "expectedReductions", (str, str), lambda one: (one.methodology, one.province)
)


@strawberry.type(description="Counts of reports and reductions, and tonnes by basis.")
class ReductionFigures:
    programme: strawberry.Private[str]
    noticed_reports: int
    verified_reports: int
    registered_reductions: int
    registered_tonnes: Tonnes = strawberry.field(description="Those issued since are counted too.")
    registered_quantified_tonnes: Tonnes
    registered_attested_tonnes: Tonnes
    issued_reductions: int
    issued_tonnes: Tonnes
    issued_quantified_tonnes: Tonnes
    issued_attested_tonnes: Tonnes
    revoked_tonnes: Tonnes


@strawberry.type(description="A programme's counts; the earlier steps contain the later ones.")
class ProgrammeFigures:
    programme: str = strawberry.field(name="programmeCode")
    noticed: int = strawberry.field(name="noticedProjects")
    validated: int = strawberry.field(name="validatedProjects")
    registered: int = strawberry.field(name="registeredProjects")
    withdrawn: int = strawberry.field(name="withdrawnProjects")
    refused: int = strawberry.field(name="refusedProjects")
    cancelled: int = strawberry.field(name="cancelledProjects")
    revoked: int = strawberry.field(name="revokedProjects")

    @strawberry.field(description="Null until issuance has heard of the programme.")
    async def reductions(self, info: Info) -> ReductionFigures | None:
        return await info.context.loaders.one(
            ReductionFigures, "reduction_figures_by_programme", "programme", self.programme
        )

    @strawberry.field(description="By methodology and province, of projects on the register.")
    async def expected_reductions(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ExpectedReduction]:
        return await EXPECTED.inside(
            info,
            ExpectedReduction,
            "expected_of_programmes",
            "programme",
            self.programme,
            first,
            after,
        )


FIGURES: Keyset[ProgrammeFigures] = Keyset("programmeFigures", (str,), lambda one: (one.programme,))


async def figures_of(info: Info, programme: str) -> ProgrammeFigures | None:
    """The figures of a programme, read together with others of its level."""
    return await info.context.loaders.one(
        ProgrammeFigures, "programme_figures_by_code", "programme", programme
    )


@strawberry.type
class FigureQueries:
    @strawberry.field(description="The figures of every programme, or of one, by code.")
    async def programme_figures(
        self,
        info: Info,
        programme: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[ProgrammeFigures]:
        values = (programme, *FIGURES.after(after), rows_wanted(first))
        rows = await reads.public(info.context, ProgrammeFigures, "list_programme_figures", *values)
        return FIGURES.page(rows, first)
