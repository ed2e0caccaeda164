"""What the registry does with each command."""

from collections.abc import Sequence

from msgspec.structs import asdict

from services.kernel.actors import Actor, Role, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import accounts, messages, organisations, programmes, projects, store
from services.registry.accounts import Account
from services.registry.messages import (
    AccountOpened,
    MethodologyPublished,
    OpenAccount,
    OrganisationRegistered,
    ProgrammeRegistered,
    ProjectRegistered,
    ProjectSubmitted,
    PublishMethodology,
    RegisterOrganisation,
    RegisterProgramme,
    RegisterProject,
    SubmitProject,
)
from services.registry.organisations import Organisation
from services.registry.programmes import Methodology, Programme
from services.registry.projects import Application
from services.runtime.inbox import Service
from services.runtime.messages import Event
from services.runtime.postgres import Transaction


async def register_organisation(tx: Transaction, command: RegisterOrganisation) -> Sequence[Event]:
    """Enters a legal entity once, under its code."""
    require_role(tx.actor, Role.REGISTRAR)
    organisation = Organisation(**asdict(command))
    organisations.require_valid(organisation)
    taken = await store.find_taken_organisation(tx, organisation)
    if taken is not None:
        raise AlreadyExists("organisation", taken)
    await store.insert_organisation(tx, organisation)
    return [OrganisationRegistered(**asdict(command))]


async def open_account(tx: Transaction, command: OpenAccount) -> Sequence[Event]:
    """Opens an organisation's one account under the next number."""
    require_role(tx.actor, Role.REGISTRAR)
    accounts.require_kind(command.kind)
    if await store.lock_organisation(tx, command.organisation_id) is None:
        raise Unknown("organisation", str(command.organisation_id))
    if await store.get_account(tx, command.account_id) is not None:
        raise AlreadyExists("account", str(command.account_id))
    accounts.require_first(await store.get_account_of_organisation(tx, command.organisation_id))
    account = await store.insert_account(tx, **asdict(command))
    return [AccountOpened(number=account.number, **asdict(command))]


async def register_programme(tx: Transaction, command: RegisterProgramme) -> Sequence[Event]:
    """Enters a crediting programme."""
    require_role(tx.actor, Role.REGISTRAR)
    programme = Programme(**asdict(command))
    programmes.require_valid_programme(programme)
    if await store.get_programme(tx, programme.code) is not None:
        raise AlreadyExists("programme", programme.code)
    await store.insert_programme(tx, programme)
    return [ProgrammeRegistered(**asdict(command))]


async def publish_methodology(tx: Transaction, command: PublishMethodology) -> Sequence[Event]:
    """Enters one version of a programme's methodology; a published version never changes."""
    require_role(tx.actor, Role.REGISTRAR)
    methodology = Methodology(**asdict(command))
    programmes.require_valid_methodology(methodology)
    if await store.get_programme(tx, methodology.programme) is None:
        raise Unknown("programme", methodology.programme)
    if await store.get_methodology(tx, methodology.code) is not None:
        raise AlreadyExists("methodology", methodology.code)
    await store.insert_methodology(tx, methodology)
    return [MethodologyPublished(**asdict(command))]


async def submit_project(tx: Transaction, command: SubmitProject) -> Sequence[Event]:
    """Takes an application for registration, from the registrar or from the project's owner."""
    require_role(tx.actor, Role.REGISTRAR, Role.OWNER_OPERATOR)
    application = Application(**asdict(command))
    owner = await _owner_account(tx, application.owner_account)
    programme = await store.get_programme(tx, application.programme)
    if programme is None:
        raise Unknown("programme", application.programme)
    methodology = await store.get_methodology(tx, application.methodology)
    if methodology is None:
        raise Unknown("methodology", application.methodology)
    projects.require_valid(application, programme, methodology, owner)
    taken = await store.find_taken_project(tx, application)
    if taken is not None:
        raise AlreadyExists("project", taken)
    await store.insert_project(tx, application)
    return [
        ProjectSubmitted(
            project_id=application.project_id,
            code=application.code,
            programme=application.programme,
            methodology=application.methodology,
            owner_account=application.owner_account,
        )
    ]


async def _owner_account(tx: Transaction, number: str) -> Account:
    """The account; one that the actor may not use is as unknown as one that does not exist."""
    account = await store.get_account_by_number(tx, number)
    if account is None or not _may_use(tx.actor, account):
        raise Unknown("account", number)
    return account


def _may_use(actor: Actor, account: Account) -> bool:
    return Role.REGISTRAR in actor.roles or actor.organisation == account.organisation_id


async def register_project(tx: Transaction, command: RegisterProject) -> Sequence[Event]:
    """Registers a submitted project."""
    require_role(tx.actor, Role.REGISTRAR)
    project = await store.lock_project(tx, command.code)
    if project is None:
        raise Unknown("project", command.code)
    state = projects.register(project, tx.effective_at)
    await store.set_project_registered(tx, project.code, state)
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
        )
    ]


SERVICE = Service(
    name="registry",
    commands={
        RegisterOrganisation: register_organisation,
        OpenAccount: open_account,
        RegisterProgramme: register_programme,
        PublishMethodology: publish_methodology,
        SubmitProject: submit_project,
        RegisterProject: register_project,
    },
    events={},
    approvals=messages.APPROVALS,
)
