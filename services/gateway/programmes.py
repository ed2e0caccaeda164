"""Programmes and methodologies: under which rules credits are made, and what they may be used for."""

import strawberry

from services.gateway import reads
from services.gateway.commands import CommandInput, Payload, described, send
from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.registry import messages as registry


@strawberry.type(description="A crediting programme, such as CCER.")
class Programme:
    code: str
    name: str
    country: str
    kind: str = strawberry.field(description="NATIONAL, NATIONAL_LEGACY or PILOT_ASSOCIATION.")
    is_ets_eligible: bool = strawberry.field(
        description="Whether its credits may ever be offset in the national ETS."
    )


@strawberry.type(description="One version of a methodology.")
class Methodology:
    code: str
    programme: str = strawberry.field(name="programmeCode")
    name: str
    crediting_years_max: int

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


@strawberry.input
class RegisterProgrammeInput(CommandInput):
    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool


@strawberry.input
class PublishMethodologyInput(CommandInput):
    code: str
    programme: str
    name: str
    crediting_years_max: int


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
    @strawberry.mutation(description=described(registry.RegisterProgramme))
    async def register_programme(
        self, info: Info, input_: RegisterProgrammeInput
    ) -> ProgrammePayload:
        return await send(info, ProgrammePayload, registry.RegisterProgramme, input_)

    @strawberry.mutation(description=described(registry.PublishMethodology))
    async def publish_methodology(
        self, info: Info, input_: PublishMethodologyInput
    ) -> MethodologyPayload:
        return await send(info, MethodologyPayload, registry.PublishMethodology, input_)
