"""What the registry does with each command about a project, from its draft to its end."""

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict

from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import (
    accounts,
    drafts,
    duplicates,
    methodologies,
    official_days,
    project_store,
    projects,
    store,
    validations,
)
from services.registry.accounts import Account
from services.registry.drafts import Draft
from services.registry.messages import (
    ApplyForRegistration,
    CancelProject,
    CommentOnProject,
    DraftProject,
    OpenNotice,
    ProjectCancelled,
    ProjectCommented,
    ProjectDrafted,
    ProjectDuplicateFound,
    ProjectDuplicateResolved,
    ProjectNoticeEnded,
    ProjectNoticeOpened,
    ProjectRefused,
    ProjectRegistered,
    ProjectRegistrationApplied,
    ProjectRevoked,
    ProjectValidated,
    ProjectWithdrawn,
    RecordValidation,
    RefuseProject,
    RegisterProject,
    ResolveDuplicate,
    RevokeProject,
    WithdrawProject,
)
from services.registry.methodologies import Methodology
from services.registry.programme_handlers import require_programme_role
from services.registry.projects import Project, State
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction

COMMENT_LENGTH_MAX = 2_000


async def draft_project(tx: Transaction, command: DraftProject) -> Sequence[Event]:
    """Enters a project that nobody else sees yet, for its owner or the registrar."""
    require_role(tx.actor, Role.REGISTRAR, Role.OWNER_OPERATOR)
    draft = Draft(**asdict(command))
    owner = await _usable_account(tx, draft.owner_account)
    programme = await store.get_programme(tx, draft.programme)
    if programme is None:
        raise Unknown("programme", draft.programme)
    methodology = await _methodology(tx, draft.methodology)
    drafts.require_valid(draft, programme, methodology, owner)
    taken = await project_store.find_taken_project(tx, draft)
    if taken is not None:
        raise AlreadyExists("project", taken)
    await project_store.insert_project(tx, draft)
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
    draft, _ = await _own_project(tx, command.code)
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
    await _registered_by(tx, command.code)
    question = await project_store.lock_duplicate(tx, command.code, command.other)
    if question is None:
        raise Unknown("duplicate", command.other)
    state = duplicates.resolve(question, command.reason, is_same=command.is_same)
    await project_store.resolve_duplicate(tx, question, state, command.reason)
    return [ProjectDuplicateResolved(**asdict(command))]


async def comment_on_project(tx: Transaction, command: CommentOnProject) -> Sequence[Event]:
    """Keeps what anybody says while the notice lasts."""
    require_text("text", command.text, COMMENT_LENGTH_MAX)
    project, _ = await _public_project(tx, command.code)
    projects.require_commentable(project, tx.effective_at)
    if await project_store.is_comment_known(tx, command.comment_id):
        raise AlreadyExists("comment", str(command.comment_id))
    await project_store.insert_comment(tx, command.comment_id, project.code, command.text)
    return [ProjectCommented(comment_id=command.comment_id, code=project.code)]


async def withdraw_project(tx: Transaction, command: WithdrawProject) -> Sequence[Event]:
    """Takes a project back while its notice lasts, for its owner."""
    project, _ = await _own_project(tx, command.code)
    project = projects.withdraw(project, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    return [ProjectWithdrawn(code=project.code, programme=project.programme, reason=command.reason)]


async def record_validation(tx: Transaction, command: RecordValidation) -> Sequence[Event]:
    """Keeps the report of the body that the notice named, for a person of that body."""
    require_role(tx.actor, Role.VERIFIER)
    body = await _usable_account(tx, command.validation_body)
    project, ended = await _public_project(tx, command.code)
    await require_programme_role(tx, project.programme, Role.VERIFIER)
    validated = projects.validate(project, tx.effective_at, is_positive=command.is_positive)
    validations.require_named(project, body)
    validations.require_team(command.team, command.reviewer)
    validations.require_attached(command.documents, "VALIDATION_REPORT")
    comments = await project_store.count_comments(tx, project.code)
    validations.require_comments_handled(comments, command.comments_handling)
    await project_store.update_project(tx, validated)
    await project_store.insert_validation(tx, command)
    await project_store.attach_documents(tx, project.code, command.documents)
    day = market_day(tx.effective_at)
    return [
        *ended,
        ProjectValidated(
            code=project.code,
            programme=project.programme,
            validation_body=body.number,
            validation_body_name=await project_store.get_organisation_name(tx, body.number),
            is_positive=command.is_positive,
            validated_on=day,
            is_late=projects.is_late(project, day),
        ),
    ]


async def apply_for_registration(tx: Transaction, command: ApplyForRegistration) -> Sequence[Event]:
    """Takes the owner's application, with the signed commitment on uniqueness."""
    project, _ = await _own_project(tx, command.code)
    validations.require_attached(command.documents, "COMMITMENT")
    revoked_on = await project_store.get_last_revocation(tx, project.owner_organisation)
    calendar = official_days.calendar(await project_store.list_notices(tx))
    applied = projects.apply(project, calendar, revoked_on, tx.effective_at)
    await project_store.update_project(tx, applied)
    await project_store.attach_documents(tx, project.code, command.documents)
    assert applied.decide_by is not None
    return [
        ProjectRegistrationApplied(
            code=applied.code,
            programme=applied.programme,
            owner_account=applied.owner_account,
            applied_on=market_day(tx.effective_at),
            decide_by=applied.decide_by,
            is_provisional=bool(applied.decision_is_provisional),
        )
    ]


async def register_project(tx: Transaction, command: RegisterProject) -> Sequence[Event]:
    """Registers what was applied for, unless it may stand in another programme already."""
    project = await _registered_by(tx, command.code)
    registered = projects.register(project, tx.effective_at)
    duplicates.require_unique(project.code, await project_store.list_duplicates(tx, project.code))
    await project_store.update_project(tx, registered)
    assert project.validation_body is not None
    return [
        ProjectRegistered(
            project_id=project.project_id,
            code=project.code,
            programme=project.programme,
            methodology=project.methodology,
            owner_account=project.owner_account,
            country=project.country,
            registered_on=market_day(tx.effective_at),
            crediting_from=project.crediting_from,
            crediting_until=project.crediting_until,
            validation_body=project.validation_body,
        )
    ]


async def refuse_project(tx: Transaction, command: RefuseProject) -> Sequence[Event]:
    """Refuses what was applied for, with the reason."""
    project = await _registered_by(tx, command.code)
    project = projects.refuse(project, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    return [ProjectRefused(code=project.code, programme=project.programme, reason=command.reason)]


async def cancel_project(tx: Transaction, command: CancelProject) -> Sequence[Event]:
    """Takes the project off the register for ever."""
    project = await _registered_by(tx, command.code)
    project = projects.cancel(project, command.ground, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    return [
        ProjectCancelled(
            code=project.code,
            programme=project.programme,
            owner_account=project.owner_account,
            cancelled_on=market_day(tx.effective_at),
            ground=command.ground,
            reason=command.reason,
        )
    ]


async def revoke_project(tx: Transaction, command: RevokeProject) -> Sequence[Event]:
    """Undoes a registration that was obtained by falsification, and bars its owner for three years."""
    project = await _registered_by(tx, command.code)
    project = projects.revoke(project, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    revoked_on = market_day(tx.effective_at)
    return [
        ProjectRevoked(
            code=project.code,
            programme=project.programme,
            owner_account=project.owner_account,
            owner_organisation=project.owner_organisation,
            revoked_on=revoked_on,
            barred_until=projects.barred_until(revoked_on),
            reason=command.reason,
        )
    ]


async def _usable_account(tx: Transaction, number: str) -> Account:
    """The account; one that the actor may not use is as unknown as one that does not exist."""
    account = await store.get_account_by_number(tx, number)
    if account is None:
        raise Unknown("account", number)
    accounts.require_usable(account, tx.actor)
    return account


async def _methodology(tx: Transaction, code: str) -> Methodology:
    methodology = await store.get_methodology(tx, code)
    if methodology is None:
        raise Unknown("methodology", code)
    return methodology


async def _project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """The project as the day finds it, locked, and what is to be said if its notice turns out to be over."""
    stored = await project_store.lock_project(tx, code)
    if stored is None:
        raise Unknown("project", code)
    project = projects.on_day(stored, market_day(tx.effective_at))
    if project is stored or project.notice_ends_on is None:
        return project, []
    return project, [ProjectNoticeEnded(code=code, ended_on=project.notice_ends_on)]


async def _public_project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """A project that everybody may see."""
    project, ended = await _project(tx, code)
    if project.state == State.DRAFT:
        raise Unknown("project", code)
    return project, ended


async def _own_project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """A project whose owner, or the registrar, the actor is; to anybody else it is unknown."""
    require_role(tx.actor, Role.REGISTRAR, Role.OWNER_OPERATOR)
    project, ended = await _project(tx, code)
    is_registrar = Role.REGISTRAR in tx.actor.roles
    if not is_registrar and tx.actor.organisation != project.owner_organisation:
        raise Unknown("project", code)
    await _usable_account(tx, project.owner_account)
    return project, ended


async def _registered_by(tx: Transaction, code: str) -> Project:
    """A project that everybody may see, for a registrar of its programme to decide on."""
    require_role(tx.actor, Role.REGISTRAR)
    project, _ = await _public_project(tx, code)
    await require_programme_role(tx, project.programme, Role.REGISTRAR)
    return project


COMMANDS: Mapping[type[Command], Handler] = {
    DraftProject: draft_project,
    OpenNotice: open_notice,
    CommentOnProject: comment_on_project,
    WithdrawProject: withdraw_project,
    RecordValidation: record_validation,
    ApplyForRegistration: apply_for_registration,
    RegisterProject: register_project,
    RefuseProject: refuse_project,
    CancelProject: cancel_project,
    RevokeProject: revoke_project,
    ResolveDuplicate: resolve_duplicate,
}
FOUR_EYES: Mapping[type[Command], Role] = {
    CancelProject: Role.APPROVER,
    RevokeProject: Role.APPROVER,
}
