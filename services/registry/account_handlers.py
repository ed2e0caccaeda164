"""What the registry does with each command about organisations, their accounts and who operates them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.kernel.actors import Role, require_organisation, require_role
from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import market_day
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import accounts, applications, organisations, people, store
from services.registry.accounts import Account, State, Step
from services.registry.messages.accounts import (
    AccountApplied,
    AccountClosed,
    AccountDecisionOverdue,
    AccountOpened,
    AccountRefused,
    AccountRestricted,
    ApplyForAccount,
    AppointOperator,
    CloseAccount,
    DismissOperator,
    LiftRestriction,
    OpenAccount,
    OpenTradingAccount,
    OperatorAppointed,
    OperatorDismissed,
    RefuseAccount,
    RestrictAccount,
    RestrictionLifted,
    TradingAccountOpened,
)
from services.registry.messages.organisations import (
    AdmissionChanged,
    ChangeAdmission,
    OrganisationRegistered,
    RegisterOrganisation,
)
from services.registry.organisations import Organisation
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def register_organisation(tx: Transaction, command: RegisterOrganisation) -> Sequence[Event]:
    """Enters a party once, under its code, if the market admits its category."""
    require_role(tx.actor, Role.REGISTRAR)
    organisation = Organisation(**asdict(command))
    organisations.require_valid(organisation)
    organisations.require_admitted(organisation.category, await store.list_admitted(tx))
    taken = await store.find_taken_organisation(tx, organisation)
    if taken is not None:
        raise AlreadyExists("organisation", taken)
    await store.insert_organisation(tx, organisation)
    return [OrganisationRegistered(**asdict(command))]


async def change_admission(tx: Transaction, command: ChangeAdmission) -> Sequence[Event]:
    """Admits natural persons, or no more of them; those who are in stay."""
    require_role(tx.actor, Role.REGISTRAR)
    organisations.require_category(command.category, organisations.ADMITTED_BY_DECISION)
    require_text("reason", command.reason)
    if (command.category in await store.list_admitted(tx)) == command.is_admitted:
        return []
    await store.insert_admission(tx, command.category, command.is_admitted, command.reason)
    return [AdmissionChanged(**asdict(command))]


async def apply_for_account(tx: Transaction, command: ApplyForAccount) -> Sequence[Event]:
    """Takes an organisation's own application for its account."""
    require_role(tx.actor, Role.OWNER_OPERATOR, Role.VERIFIER, Role.AUTHORITY)
    require_organisation(tx.actor, command.organisation_id)
    await _first_account(tx, command.account_id, command.organisation_id, command.kind)
    if await store.lock_application(tx, command.account_id) is not None:
        raise AlreadyExists("application", str(command.account_id))
    waiting = await store.get_application_of_organisation(tx, command.organisation_id)
    applications.require_none_waits(waiting, command.account_id)
    await store.insert_application(tx, **asdict(command))
    return [AccountApplied(**asdict(command))]


async def refuse_account(tx: Transaction, command: RefuseAccount) -> Sequence[Event]:
    """Ends an application for an account, with the reason."""
    require_role(tx.actor, Role.REGISTRAR)
    require_text("reason", command.reason)
    application = await store.lock_application(tx, command.account_id)
    if application is None:
        raise Unknown("application", str(command.account_id))
    state = applications.decide(application, applications.Step.REFUSE, tx.effective_at)
    await store.set_application_decided(tx, command.account_id, state, command.reason)
    return [
        AccountRefused(
            account_id=command.account_id,
            organisation_id=application.organisation_id,
            reason=command.reason,
        )
    ]


async def open_account(tx: Transaction, command: OpenAccount) -> Sequence[Event]:
    """Opens an organisation's one account under the next number, and so decides an application for it."""
    require_role(tx.actor, Role.REGISTRAR)
    organisation = await _first_account(
        tx, command.account_id, command.organisation_id, command.kind
    )
    waiting = await store.get_application_of_organisation(tx, command.organisation_id)
    applications.require_none_waits(waiting, command.account_id)
    application = await store.lock_application(tx, command.account_id)
    if application is not None:
        applications.require_same(application, command.organisation_id, command.kind)
        state = applications.decide(application, applications.Step.OPEN, tx.effective_at)
        await store.set_application_decided(tx, command.account_id, state)
    account = await store.insert_account(tx, command.account_id, organisation, command.kind)
    return [AccountOpened(number=account.number, **asdict(command))]


async def _first_account(
    tx: Transaction, account_id: UUID, organisation_id: UUID, kind: str
) -> Organisation:
    """The organisation, locked, which may hold an account of this kind and holds none."""
    organisation = await store.lock_organisation(tx, organisation_id)
    if organisation is None:
        raise Unknown("organisation", str(organisation_id))
    accounts.require_kind(kind, organisation.category)
    if await store.get_account(tx, account_id) is not None:
        raise AlreadyExists("account", str(account_id))
    accounts.require_first(await store.get_account_of_organisation(tx, organisation_id))
    return organisation


async def raise_account_alarms(
    tx: Transaction, calendar: WorkingCalendar
) -> Sequence[AccountDecisionOverdue]:
    """Once for each application for an account that is overdue on the day that opens."""
    today = market_day(tx.effective_at)
    waiting = await store.list_waiting_applications(tx)
    overdue = [one for one in waiting if applications.is_overdue(one, calendar, today)]
    for application in overdue:
        await store.set_application_overdue(tx, application.account_id, today)
    return [
        AccountDecisionOverdue(
            account_id=application.account_id,
            organisation_id=application.organisation_id,
            applied_on=market_day(application.applied_at),
            due_on=applications.due_on(application, calendar),
        )
        for application in overdue
    ]


async def open_trading_account(tx: Transaction, command: OpenTradingAccount) -> Sequence[Event]:
    """Opens the account's one trading account; parties that are barred from trading never get one."""
    require_role(tx.actor, Role.REGISTRAR)
    account = await _lock_account(tx, command.account)
    organisation = await store.lock_organisation(tx, account.organisation_id)
    assert organisation is not None  # the account refers to it
    accounts.require_may_trade(account, organisation, await store.list_admitted(tx))
    if await store.is_trading_account_known(tx, command.trading_account_id):
        raise AlreadyExists("trading account", str(command.trading_account_id))
    number = await store.insert_trading_account(tx, command.trading_account_id, account)
    return [
        TradingAccountOpened(
            account_id=account.account_id,
            number=account.number,
            trading_account_id=command.trading_account_id,
            trading_account=number,
        )
    ]


async def appoint_operator(tx: Transaction, command: AppointOperator) -> Sequence[Event]:
    """Lets a person operate the account, one of at most five."""
    account = await _lock_operated(tx, command.account)
    require_text("operator", command.operator, people.PERSON_LENGTH_MAX)
    require_text("name", command.name)
    taken = await store.list_slots(tx, account.number)
    employers = await store.lock_employers(tx, command.operator)
    slot = accounts.free_slot(account, command.operator, taken, employers)
    await store.insert_operator(tx, account, command.operator, command.name, slot)
    return [
        OperatorAppointed(
            account_id=account.account_id, number=account.number, operator=command.operator
        )
    ]


async def dismiss_operator(tx: Transaction, command: DismissOperator) -> Sequence[Event]:
    """Ends a person's operating of the account, with the reason."""
    account = await _lock_operated(tx, command.account)
    require_text("reason", command.reason)
    accounts.require_dismissible(account, command.operator)
    await store.dismiss_operator(tx, account.number, command.operator, command.reason)
    return [
        OperatorDismissed(
            account_id=account.account_id,
            number=account.number,
            operator=command.operator,
            reason=command.reason,
        )
    ]


async def _lock_operated(tx: Transaction, number: str) -> Account:
    """The account whose operators the registrar names, or an approver of the account's own organisation."""
    require_role(tx.actor, Role.REGISTRAR, Role.APPROVER)
    account = await _lock_account(tx, number)
    if Role.REGISTRAR not in tx.actor.roles and tx.actor.organisation != account.organisation_id:
        raise Unknown("account", number)
    return account


async def restrict_account(tx: Transaction, command: RestrictAccount) -> Sequence[Event]:
    """Stops the use of an account, on one of the rule book's grounds."""
    require_role(tx.actor, Role.REGISTRAR)
    accounts.require_restriction(command.ground, command.reason)
    account = await _lock_account(tx, command.account)
    state = _after(account, Step.RESTRICT)
    await store.restrict_account(tx, account.number, state, command.ground, command.reason)
    return [
        AccountRestricted(
            account_id=account.account_id,
            number=account.number,
            ground=command.ground,
            reason=command.reason,
        )
    ]


async def lift_restriction(tx: Transaction, command: LiftRestriction) -> Sequence[Event]:
    """Lets the account be used again."""
    require_role(tx.actor, Role.REGISTRAR)
    require_text("reason", command.reason)
    account = await _lock_account(tx, command.account)
    state = _after(account, Step.LIFT)
    await store.lift_restriction(tx, account.number, state)
    return [
        RestrictionLifted(
            account_id=account.account_id, number=account.number, reason=command.reason
        )
    ]


async def close_account(tx: Transaction, command: CloseAccount) -> Sequence[Event]:
    """Closes the account for ever, on one of the rule book's grounds."""
    require_role(tx.actor, Role.REGISTRAR)
    accounts.require_closure(command.ground, command.reason)
    account = await _lock_account(tx, command.account)
    state = _after(account, Step.CLOSE)
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    await store.close_account(tx, account.number, state, command.ground, command.reason)
    return [
        AccountClosed(
            account_id=account.account_id,
            number=account.number,
            ground=command.ground,
            reason=command.reason,
            approved_by=tx.approved_by,
        )
    ]


def _after(account: Account, step: Step) -> State:
    return advance(accounts.LIFECYCLE, State(account.state), step, f"account/{account.number}")


async def _lock_account(tx: Transaction, number: str) -> Account:
    account = await store.lock_account(tx, number)
    if account is None:
        raise Unknown("account", number)
    return account


COMMANDS: Mapping[type[Command], Handler] = {
    RegisterOrganisation: register_organisation,
    ChangeAdmission: change_admission,
    ApplyForAccount: apply_for_account,
    RefuseAccount: refuse_account,
    OpenAccount: open_account,
    OpenTradingAccount: open_trading_account,
    AppointOperator: appoint_operator,
    DismissOperator: dismiss_operator,
    RestrictAccount: restrict_account,
    LiftRestriction: lift_restriction,
    CloseAccount: close_account,
}
FOUR_EYES: Mapping[type[Command], Role] = {CloseAccount: Role.APPROVER}
