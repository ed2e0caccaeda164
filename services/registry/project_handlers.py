"""What the registry does with a project from its draft to the end of its notice."""

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict, replace

from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import (
    drafts,
    duplicates,
    methodologies,
    official_days,
    project_store,
    projects,
    store,
    validations,
)
from services.registry.access import decided_project, own_project, public_project, usable_account
from services.registry.drafts import Draft
from services.registry.messages.duplicates import (
    ProjectDuplicateFound,
    ProjectDuplicateResolved,
    ResolveDuplicate,
)
from services.registry.messages.notices import (
    CommentOnProject,
    OpenNotice,
    ProjectCommented,
    ProjectNoticeOpened,
)
from services.registry.messages.projects import (
    DraftProject,
    ProjectDrafted,
    ProjectWithdrawn,
    WithdrawProject,
)
from services.registry.methodologies import Methodology
from services.registry.projects import Project
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction

COMMENT_LENGTH_MAX = 2_000


async def draft_project(tx: Transaction, command: DraftProject) -> Sequence[Event]:
    """Enters a project that nobody else sees yet, for its owner."""
    require_role(tx.actor, Role.REGISTRAR, Role.OWNER_OPERATOR)
    draft = Draft(**asdict(command))
    owner = await usable_account(tx, draft.owner_account)
    programme = await store.get_programme(tx, draft.programme)
    if programme is None:
        raise Unknown("programme", draft.programme)
    methodology = await _methodology(tx, draft.methodology)
    if await store.get_programme(tx, draft.code) is not None:
        raise AlreadyExists("programme", draft.code)
    day = market_day(tx.effective_at)
    drafts.require_valid(draft, programme, methodology, owner, day)
    if not await project_store.insert_project(tx, draft):
        raise AlreadyExists("project", await project_store.find_taken_project(tx, draft))
    return [
        ProjectDrafted(
            project_id=draft.project_id,
            code=draft.code,
            programme=draft.programme,
            methodology=draft.methodology,
            activity=draft.activity,
            owner_account=draft.owner_account,
        )
    ]


async def open_notice(tx: Transaction, command: OpenNotice) -> Sequence[Event]:
    """Publishes a draft for 20 working days, and asks of each project like it whether it is the same."""
    draft, _ = await own_project(tx, command.code)
    body = await store.get_account_by_number(tx, command.validation_body)
    if body is None:
        raise Unknown("account", command.validation_body)
    validations.require_verifier(body)
    validations.require_attached(command.documents, "PDD")
    methodology = await _methodology(tx, draft.methodology)
    methodologies.require_in_force(methodology, market_day(tx.effective_at))
    calendar = official_days.calendar(await project_store.list_notices(tx))
    project = projects.open_notice(draft, body.number, calendar, tx.effective_at)
    await project_store.update_project(tx, project)
    await project_store.attach_documents(tx, project.code, command.documents)
    return [_notice_opened(project), *await _ask_for_duplicates(tx, project)]


def _notice_opened(project: Project) -> ProjectNoticeOpened:
    assert project.notice_opened_at is not None
    assert project.notice_ends_on is not None
    assert project.validate_by is not None
    assert project.validation_body is not None
    return ProjectNoticeOpened(
        project_id=project.project_id,
        code=project.code,
        programme=project.programme,
        methodology=project.methodology,
        owner_account=project.owner_account,
        validation_body=project.validation_body,
        starts_on=market_day(project.notice_opened_at),
        ends_on=project.notice_ends_on,
        is_provisional=bool(project.notice_is_provisional),
        validate_by=project.validate_by,
    )


async def _ask_for_duplicates(tx: Transaction, project: Project) -> list[Event]:
    found = duplicates.found(project, await project_store.list_candidates(tx, project))
    if found:
        await project_store.insert_duplicates(tx, project, found)
    return [
        ProjectDuplicateFound(
            code=one.project,
            other=one.other,
            other_programme=one.other_programme,
            distance_metres=one.distance_metres,
            name_similarity_percent=one.name_similarity_percent,
            is_same_activity=one.is_same_activity,
        )
        for one in found
    ]


async def resolve_duplicate(tx: Transaction, command: ResolveDuplicate) -> Sequence[Event]:
    """Notes a person's answer whether two projects are one."""
    await decided_project(tx, command.code)
    question = await project_store.lock_duplicate(tx, command.code, command.other)
    if question is None:
        raise Unknown("duplicate", command.other)
    state = duplicates.resolve(question, command.reason, is_same=command.is_same)
    await project_store.resolve_duplicate(tx, question, state, command.reason)
    answer = ProjectDuplicateResolved(**asdict(command))
    return [answer, replace(answer, code=command.other, other=command.code)]


async def comment_on_project(tx: Transaction, command: CommentOnProject) -> Sequence[Event]:
    """Keeps what anybody says while the notice lasts."""
    require_text("text", command.text, COMMENT_LENGTH_MAX)
    project, _ = await public_project(tx, command.code)
    projects.require_commentable(project, tx.effective_at)
    if await project_store.is_comment_known(tx, command.comment_id):
        raise AlreadyExists("comment", str(command.comment_id))
    await project_store.insert_comment(tx, command.comment_id, project.code, command.text)
    return [ProjectCommented(comment_id=command.comment_id, code=project.code)]


async def withdraw_project(tx: Transaction, command: WithdrawProject) -> Sequence[Event]:
    """Takes a project back while its notice lasts, for its owner."""
    project, _ = await own_project(tx, command.code)
    project = projects.withdraw(project, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    return [ProjectWithdrawn(code=project.code, programme=project.programme, reason=command.reason)]


async def _methodology(tx: Transaction, code: str) -> Methodology:
    methodology = await store.get_methodology(tx, code)
    if methodology is None:
        raise Unknown("methodology", code)
    return methodology


COMMANDS: Mapping[type[Command], Handler] = {
    DraftProject: draft_project,
    OpenNotice: open_notice,
    CommentOnProject: comment_on_project,
    WithdrawProject: withdraw_project,
    ResolveDuplicate: resolve_duplicate,
}
