"""What handlers need to know before they decide: the project locked, its programme, and whether the actor may act."""

from uuid import UUID

from services.issuance import parties, report_store, store
from services.issuance.parties import Account
from services.issuance.reductions import Programme, Project
from services.issuance.reports import Report
from services.kernel.actors import OwnAct, Role, require_programme_role, require_role
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.runtime.postgres import Transaction


async def creditable(tx: Transaction, code: str) -> tuple[Project, Programme]:
    """The registered project, locked, and its programme; both may still be on their way from the registry."""
    project = await store.lock_project(tx, code)
    if project is None:
        raise NotYetKnown("project", code)
    programme = await store.get_programme(tx, project.programme)
    if programme is None:
        raise NotYetKnown("programme", project.programme)
    return project, programme


async def reported(tx: Transaction, report_id: UUID) -> tuple[Report, Project, Programme]:
    """The report and its project, both locked, and the programme; raises Unknown if there is no such report."""
    code = await report_store.get_project_of_report(tx, report_id)
    if code is None:
        raise Unknown("report", str(report_id))
    project, programme = await creditable(tx, code)
    return await report_store.lock_report(tx, report_id), project, programme


async def account(tx: Transaction, number: str) -> Account:
    """The account, which may still be on its way from the registry."""
    found = await store.get_account(tx, number)
    if found is None:
        raise NotYetKnown("account", number)
    return found


async def next_number(tx: Transaction, batch_id: UUID, project: str, vintage: int) -> int:
    """The number of the project's next batch of this vintage; refuses a batch id that is taken."""
    await store.lock_batch_numbers(tx, project, batch_id)
    if await store.is_batch_known(tx, batch_id):
        raise AlreadyExists("batch", str(batch_id))
    return await store.next_batch_number(tx, project, vintage)


async def require_one_programme(tx: Transaction, project: str, programme: str) -> None:
    """Raises AlreadyExists if the code stands for another programme's credits: what may be done with them differs."""
    other = await store.get_other_programme_of(tx, project, programme)
    if other is not None:
        raise AlreadyExists("project", f"{project} of {other}")


async def credit_code(tx: Transaction, organisation_id: UUID) -> str | None:
    """The entity's unified social credit code, which may still be on its way from the registry; None if it has none."""
    found = await store.get_organisation(tx, organisation_id)
    if found is None:
        raise NotYetKnown("organisation", str(organisation_id))
    return found.credit_code


async def require_owner(tx: Transaction, project: Project) -> Account:
    """The owner's account, if the actor acts for it; raises a refusal if not."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.REGISTRAR)
    owner = await account(tx, project.owner_account)
    parties.require_usable(tx.actor, owner)
    return owner


async def require_no_hand(tx: Transaction, report_id: UUID) -> None:
    """Raises OwnAct if the actor had a hand in the report: nobody decides on that."""
    if await report_store.has_acted(tx, report_id):
        raise OwnAct(tx.actor.subject, f"report {report_id}")


async def require_assigned(tx: Transaction, programme: str, *allowed: Role) -> None:
    """Raises a refusal unless the actor holds one of the roles, in this programme."""
    assigned = await store.list_programme_roles(tx, programme)
    require_programme_role(tx.actor, programme, assigned, *allowed)
