"""What the registry does with a project whose notice is over, from its validation to its end."""

from collections.abc import Mapping, Sequence

from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.teams import require_team
from services.registry import (
    duplicates,
    official_days,
    project_store,
    projects,
    validations,
)
from services.registry.access import decided_project, own_project, public_project, usable_account
from services.registry.messages.registrations import (
    ApplyForRegistration,
    CancelProject,
    ProjectCancelled,
    ProjectRefused,
    ProjectRegistered,
    ProjectRegistrationApplied,
    ProjectRevoked,
    RefuseProject,
    RegisterProject,
    RevokeProject,
)
from services.registry.messages.validations import ProjectValidated, RecordValidation
from services.registry.programme_handlers import require_programme_role
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def record_validation(tx: Transaction, command: RecordValidation) -> Sequence[Event]:
    """Keeps the report of the body that the notice named, for a person of that body."""
    require_role(tx.actor, Role.VERIFIER)
    body = await usable_account(tx, command.validation_body)
    project, ended = await public_project(tx, command.code)
    await require_programme_role(tx, project.programme, Role.VERIFIER)
    validated = projects.validate(project, tx.effective_at, is_positive=command.is_positive)
    validations.require_named(project, body)
    require_team(command.team, command.reviewer)
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
    project, _ = await own_project(tx, command.code)
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
    project = await decided_project(tx, command.code)
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
    project = await decided_project(tx, command.code)
    project = projects.refuse(project, command.reason, tx.effective_at)
    await project_store.update_project(tx, project)
    return [ProjectRefused(code=project.code, programme=project.programme, reason=command.reason)]


async def cancel_project(tx: Transaction, command: CancelProject) -> Sequence[Event]:
    """Takes the project off the register for ever."""
    project = await decided_project(tx, command.code)
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
    project = await decided_project(tx, command.code)
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


COMMANDS: Mapping[type[Command], Handler] = {
    RecordValidation: record_validation,
    ApplyForRegistration: apply_for_registration,
    RegisterProject: register_project,
    RefuseProject: refuse_project,
    CancelProject: cancel_project,
    RevokeProject: revoke_project,
}
FOUR_EYES: Mapping[type[Command], Role] = {
    CancelProject: Role.APPROVER,
    RevokeProject: Role.APPROVER,
}
