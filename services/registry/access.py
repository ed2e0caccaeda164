"""Which account or project a command names, if the actor may name it: what is not the actor's is unknown."""

from collections.abc import Sequence

from services.kernel.actors import OwnAct, Role, enters_records, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import Unknown
from services.registry import accounts, project_store, projects, store
from services.registry.accounts import Account
from services.registry.messages.notices import ProjectNoticeEnded
from services.registry.programme_handlers import require_programme_role
from services.registry.projects import Project, State
from services.runtime.messages import Event
from services.runtime.postgres import Transaction


async def usable_account(tx: Transaction, number: str) -> Account:
    """The account; one that the actor may not use is as unknown as one that does not exist."""
    account = await store.get_account_by_number(tx, number)
    if account is None:
        raise Unknown("account", number)
    accounts.require_usable(account, tx.actor)
    return account


async def _project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """The project as the day finds it, locked, and what is to be said if its notice turns out to be over."""
    stored = await project_store.lock_project(tx, code)
    if stored is None:
        raise Unknown("project", code)
    project = projects.on_day(stored, market_day(tx.effective_at))
    if project is stored or project.notice_ends_on is None:
        return project, []
    return project, [ProjectNoticeEnded(code=code, ended_on=project.notice_ends_on)]


async def public_project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """A project that everybody may see."""
    project, ended = await _project(tx, code)
    if project.state == State.DRAFT:
        raise Unknown("project", code)
    return project, ended


async def own_project(tx: Transaction, code: str) -> tuple[Project, Sequence[Event]]:
    """A project whose owner the actor is; to anybody else it is unknown."""
    require_role(tx.actor, Role.REGISTRAR, Role.OWNER_OPERATOR)
    project, ended = await _project(tx, code)
    if not enters_records(tx.actor) and tx.actor.organisation != project.owner_organisation:
        raise Unknown("project", code)
    await usable_account(tx, project.owner_account)
    return project, ended


async def decided_project(tx: Transaction, code: str) -> Project:
    """A project that everybody may see, for a registrar of its programme who had no hand in it to decide on."""
    require_role(tx.actor, Role.REGISTRAR)
    project, _ = await public_project(tx, code)
    await require_programme_role(tx, project.programme, Role.REGISTRAR)
    if await project_store.has_acted(tx, code):
        raise OwnAct(tx.actor.subject, f"project {code}")
    return project
