"""Organisations: the legal entities behind accounts; each sees itself, and overseers see all."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import CommandInput, Payload, described, send
from services.gateway.context import Info
from services.registry import messages as registry


@strawberry.type(description="A legal entity.")
class Organisation:
    organisation_id: UUID
    name: str
    credit_code: str = strawberry.field(description="The unified social credit code.")
    country: str
    registered_at: datetime


async def organisation_of(info: Info, organisation_id: UUID | None) -> Organisation | None:
    """The organisation with this id, if the viewer may see it."""
    return reads.only(
        await reads.private(info.context, Organisation, "get_organisation", organisation_id)
    )


@strawberry.type(description="Who asks, as the bearer token says.")
class ViewerIdentity:
    subject: str
    roles: list[str]
    organisation_id: UUID | None

    @strawberry.field
    async def organisation(self, info: Info) -> Organisation | None:
        return await organisation_of(info, self.organisation_id)


@strawberry.type
class OrganisationQueries:
    @strawberry.field(description="Who asks; null without a token.")
    def viewer(self, info: Info) -> ViewerIdentity | None:
        viewer = info.context.viewer
        if viewer.is_anonymous:
            return None
        subject, organisation_id, roles = viewer.triple
        return ViewerIdentity(subject=subject, roles=roles, organisation_id=organisation_id)

    @strawberry.field(description="The organisation with this id; null if you may not see it.")
    async def organisation(self, info: Info, id_: UUID) -> Organisation | None:
        return await organisation_of(info, id_)


@strawberry.input
class RegisterOrganisationInput(CommandInput):
    name: str
    credit_code: str
    country: str = "CN"


@strawberry.type
class OrganisationPayload(Payload):
    @strawberry.field
    async def organisation(self, info: Info) -> Organisation | None:
        return await organisation_of(info, self.uuid("organisation"))


@strawberry.type
class OrganisationMutations:
    @strawberry.mutation(description=described(registry.RegisterOrganisation))
    async def register_organisation(
        self, info: Info, input_: RegisterOrganisationInput
    ) -> OrganisationPayload:
        return await send(
            info,
            OrganisationPayload,
            registry.RegisterOrganisation,
            input_,
            organisation_id=input_.id,
        )
