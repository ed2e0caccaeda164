"""What belongs to a project: comments, the validation, documents, and findings of what may be the same project."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from services.gateway.context import Info
from services.gateway.links import ProjectLink, project_of
from services.gateway.pages import Keyset
from services.gateway.states import QuestionState


@strawberry.type(description="What somebody said while a notice lasted.")
class Comment:
    comment_id: UUID
    author: str
    text: str
    commented_at: datetime


@strawberry.type(description="What somebody said of a project while its notice lasted.")
class ProjectComment(Comment):
    project: strawberry.Private[str]


COMMENTS: Keyset[ProjectComment] = Keyset(
    "projectComments", (datetime, UUID), lambda one: (one.commented_at, one.comment_id)
)


@strawberry.type(description="A member of the team that validated or verified.")
class TeamMember:
    name: str
    is_sector_competent: bool


def team_of(published: list[dict[str, Any]]) -> list[TeamMember]:
    """The members as a service publishes them."""
    return [TeamMember(**member) for member in published]


@strawberry.type(description="What the validating body reported.")
class Validation:
    project: strawberry.Private[str]
    validation_account: str
    validation_body: str
    is_positive: bool
    team: strawberry.Private[list[dict[str, Any]]]
    reviewer: str = strawberry.field(description="Who reviewed and decided; no member of the team.")
    comments_handling: str
    validated_at: datetime

    @strawberry.field(name="team")
    def its_team(self) -> list[TeamMember]:
        return team_of(self.team)


@strawberry.interface(description="A document by its content, of which the digest is the name.")
class Document:
    name: str
    sha256: str = strawberry.field(description="By which ``documentContent`` finds it.")
    size_bytes: int
    media_type: str
    is_kept: bool = strawberry.field(description="Whether its content is kept here.")


@strawberry.type(description="A document of a project.")
class ProjectDocument(Document):
    project: strawberry.Private[str]
    kind: str = strawberry.field(
        description="PDD, VALIDATION_REPORT, APPLICATION_FORM, COMMITMENT or OTHER."
    )
    attached_at: datetime


@strawberry.type(description="Another project that may be the same one.")
class ProjectDuplicate:
    project: strawberry.Private[str]
    other: str = strawberry.field(name="otherCode")
    other_programme: str = strawberry.field(name="otherProgrammeCode")
    distance_metres: int
    name_similarity_percent: int
    is_same_activity: bool
    status: QuestionState
    found_at: datetime
    resolved_by: str | None
    resolved_at: datetime | None
    reason: str | None

    @strawberry.field(name="other", description="Null until its notice opens.")
    async def its_other(self, info: Info) -> ProjectLink:
        return await project_of(info, self.other)
