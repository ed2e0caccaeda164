"""A project's life as mutations: drafted, noticed, validated, registered and ended; and who listens to it."""

from collections.abc import AsyncGenerator
from datetime import datetime

import strawberry

from services.gateway import reads
from services.gateway.commands import CommandPayload, Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.links import project_of
from services.gateway.listening import events_of, listen
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.projects import Project, ProjectDesign
from services.registry.messages import EVENTS
from services.registry.messages.calendars import AddOfficialDays, OpenDay
from services.registry.messages.duplicates import ResolveDuplicate
from services.registry.messages.notices import CommentOnProject, OpenNotice
from services.registry.messages.projects import DraftProject, WithdrawProject
from services.registry.messages.registrations import (
    ApplyForRegistration,
    CancelProject,
    RefuseProject,
    RegisterProject,
    RevokeProject,
)
from services.registry.messages.validations import RecordValidation

UPDATES = events_of(EVENTS, "registry.project.")


@strawberry.type(description="A project that is drafted; its owner and overseers alone see it.")
class ProjectDraft(ProjectDesign):
    drafted_at: datetime


DRAFTS: Keyset[ProjectDraft] = Keyset("projectDrafts", (str,), lambda one: (one.code,))


@strawberry.type
class ProjectLifeQueries:
    @strawberry.field(description="Drafts that you may see, by code.")
    async def project_drafts(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ProjectDraft]:
        values = (None, *DRAFTS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, ProjectDraft, "list_project_drafts", *values)
        return DRAFTS.page(rows, first)


@strawberry.type(description="The project as it is now; as a draft it is its owner's own affair.")
class ProjectPayload(Payload):
    @strawberry.field(description="Null until its notice opens.")
    async def project(self, info: Info) -> Project | None:
        return await project_of(info, self.key("project"))

    @strawberry.field(description="Null once its notice has opened.")
    async def draft(self, info: Info) -> ProjectDraft | None:
        values = (self.key("project"), None, 1)
        return reads.only(
            await reads.private(info.context, ProjectDraft, "list_project_drafts", *values)
        )


@strawberry.type
class ProjectMutations:
    draft_project = mutation(DraftProject, ProjectPayload, "project_id")
    open_notice = mutation(OpenNotice, ProjectPayload)
    comment_on_project = mutation(CommentOnProject, ProjectPayload, "comment_id")
    withdraw_project = mutation(WithdrawProject, ProjectPayload)
    record_validation = mutation(RecordValidation, ProjectPayload)
    apply_for_registration = mutation(ApplyForRegistration, ProjectPayload)
    register_project = mutation(RegisterProject, ProjectPayload)
    refuse_project = mutation(RefuseProject, ProjectPayload)
    cancel_project = mutation(CancelProject, ProjectPayload)
    revoke_project = mutation(RevokeProject, ProjectPayload)
    resolve_duplicate = mutation(ResolveDuplicate, ProjectPayload)
    add_official_days = mutation(AddOfficialDays, CommandPayload, "notice_id")
    open_registry_day = mutation(OpenDay, CommandPayload, called="OpenRegistryDay")


@strawberry.type
class ProjectSubscriptions:
    @strawberry.subscription(
        description="Each published project that changes, as it is then; of one programme or code, if given."
    )
    async def project_updated(
        self, info: Info, code: str | None = None, programme: str | None = None
    ) -> AsyncGenerator[Project, None]:
        async for events in listen(info.context, *UPDATES):
            codes = list(dict.fromkeys(event.subject.partition("/")[2] for event in events))
            wanted = [one for one in codes if code in (None, one)]
            found = await reads.public(info.context, Project, "projects_by_code", wanted)
            for project in sorted(found, key=lambda one: wanted.index(one.code)):
                if programme in (None, project.programme):
                    yield project
