"""Organisations: the legal entities behind accounts; each sees itself, and overseers see all."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.commands import CommandPayload, Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded
from services.registry.messages.organisations import ChangeAdmission, RegisterOrganisation


@strawberry.type(description="A legal entity.")
class Organisation(Recorded):
    organisation_id: UUID
    name: str
    credit_code: str = strawberry.field(
        description="In China the unified social credit code, abroad the LEI."
    )
    country: str
    category: str = strawberry.field(
        description="ENTERPRISE, INSTITUTION, VERIFICATION_BODY, REGULATOR, REGISTRY, EXCHANGE or NATURAL_PERSON."
    )
    account: str | None = strawberry.field(name="accountNumber")
    registered_at: datetime

    @property
    def subject(self) -> str:
        return f"organisation/{self.organisation_id}"


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


@strawberry.type
class OrganisationPayload(Payload):
    @strawberry.field
    async def organisation(self, info: Info) -> Organisation | None:
        return await organisation_of(info, self.uuid("organisation"))


@strawberry.type
class OrganisationMutations:
    register_organisation = mutation(RegisterOrganisation, OrganisationPayload, "organisation_id")
    change_admission = mutation(ChangeAdmission, CommandPayload)
