"""Programmes and methodologies: under which rules credits are made, and what they may be used for."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.figures import ProgrammeFigures, figures_of
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.registry.messages.methodologies import EndMethodology, PublishMethodology
from services.registry.messages.programmes import (
    AmendProgramme,
    AssignRole,
    EndRole,
    RegisterProgramme,
)


@strawberry.type(description="One version of a programme's name and rules.")
class ProgrammeVersion:
    version: int
    name: str
    rule_book: str
    valid_from: date
    valid_until: date | None = strawberry.field(description="The day before the next version.")
    reason: str


@strawberry.type(description="A role that a person holds in a programme.")
class RoleAssignment:
    programme: strawberry.Private[str]
    role: str = strawberry.field(description="registrar or verifier.")
    person: str
    reason: str
    assigned_by: str
    assigned_at: datetime


@strawberry.type(description="A crediting programme, such as CCER, by its newest version.")
class Programme(Recorded):
    code: str
    name: str
    country: str
    kind: str = strawberry.field(
        description="NATIONAL, NATIONAL_LEGACY, PILOT_ASSOCIATION or ALLOWANCE."
    )
    is_ets_eligible: bool = strawberry.field(
        description="Whether its credits may ever be offset in the national ETS."
    )
    rule_book: str = strawberry.field(description="By which published rules it goes.")
    version: int
    valid_from: date
    versions: strawberry.Private[list[dict[str, Any]]]

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"

    @strawberry.field(
        name="versions", description="All versions of its rules, the first one first."
    )
    def its_versions(self) -> list[ProgrammeVersion]:
        return msgspec.convert(self.versions, list[ProgrammeVersion])

    @strawberry.field(description="Who holds which role in it; those that you may see.")
    async def role_assignments(self, info: Info) -> list[RoleAssignment]:
        if info.context.viewer.is_anonymous:
            return []
        viewer, organisation, roles = info.context.viewer.triple
        found = await info.context.loaders.many(
            RoleAssignment,
            "roles_of_programmes",
            "programme",
            self.code,
            viewer,
            organisation,
            tuple(roles),
        )
        return list(found)

    @strawberry.field(description="How far its projects and reductions have come.")
    async def figures(self, info: Info) -> ProgrammeFigures | None:
        return await figures_of(info, self.code)


@strawberry.type(description="A figure of a methodology, with where it stands.")
class Parameter:
    name: str
    value: str = strawberry.field(description="A decimal number, exactly as published.")
    unit: str
    source: str
    edition: str
    confidence: str = strawberry.field(description="VERIFIED or UNVERIFIED.")


@dataclass(frozen=True, slots=True)
class _Execution:
    """What issuance made of a version."""

    code: str
    unreadable: str | None


@strawberry.type(description="One version of a methodology.")
class Methodology(Recorded):
    code: str
    programme: str = strawberry.field(name="programmeCode")
    name: str
    crediting_years_min: int
    crediting_years_max: int
    valid_from: date = strawberry.field(description="From then on projects may apply under it.")
    valid_until: date | None = strawberry.field(description="The last such day.")
    additionality: str = strawberry.field(description="EXEMPT, CONDITIONAL or PROOF.")
    risk_model: str = strawberry.field(description="NONE, DEDUCTION or BUFFER.")
    risk_rate: Decimal | None
    formula_id: str | None = strawberry.field(
        description="By which Tonne quantifies; without one, reports can only be attested."
    )
    confidence: str = strawberry.field(description="VERIFIED or UNVERIFIED.")
    source: str
    end_reason: str | None
    parameters: strawberry.Private[list[dict[str, Any]]]

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"

    @strawberry.field(name="parameters", description="Its figures, by name.")
    def its_parameters(self) -> list[Parameter]:
        return [Parameter(**one) for one in self.parameters]

    @strawberry.field(description="Why Tonne cannot quantify by its formula; null if it can.")
    async def unreadable(self, info: Info) -> str | None:
        statement = "executions_of_methodologies"
        found = await info.context.loaders.one(_Execution, statement, "code", self.code)
        return found.unreadable if found else None

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)


PROGRAMMES: Keyset[Programme] = Keyset("programmes", (str,), lambda one: (one.code,))
METHODOLOGIES: Keyset[Methodology] = Keyset("methodologies", (str,), lambda one: (one.code,))


async def programme_of(info: Info, code: str) -> Programme | None:
    """The programme with this code, read together with others of its level."""
    return await info.context.loaders.one(Programme, "programmes_by_code", "code", code)


async def methodology_of(info: Info, code: str) -> Methodology | None:
    """The methodology with this code, read together with others of its level."""
    return await info.context.loaders.one(Methodology, "methodologies_by_code", "code", code)


@strawberry.type
class ProgrammeQueries:
    @strawberry.field(description="All programmes, by code.")
    async def programmes(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Programme]:
        values = (*PROGRAMMES.after(after), rows_wanted(first))
        rows = await reads.public(info.context, Programme, "list_programmes", *values)
        return PROGRAMMES.page(rows, first)

    @strawberry.field(description="All methodologies, by code.")
    async def methodologies(
        self,
        info: Info,
        programme: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Methodology]:
        values = (programme, *METHODOLOGIES.after(after), rows_wanted(first))
        rows = await reads.public(info.context, Methodology, "list_methodologies", *values)
        return METHODOLOGIES.page(rows, first)


@strawberry.type
class ProgrammePayload(Payload):
    @strawberry.field
    async def programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.key("programme"))


@strawberry.type
class MethodologyPayload(Payload):
    @strawberry.field
    async def methodology(self, info: Info) -> Methodology | None:
        return await methodology_of(info, self.key("methodology"))


@strawberry.type
class ProgrammeMutations:
    register_programme = mutation(RegisterProgramme, ProgrammePayload)
    amend_programme = mutation(AmendProgramme, ProgrammePayload)
    assign_role = mutation(AssignRole, ProgrammePayload)
    end_role = mutation(EndRole, ProgrammePayload)
    publish_methodology = mutation(PublishMethodology, MethodologyPayload)
    end_methodology = mutation(EndMethodology, MethodologyPayload)
