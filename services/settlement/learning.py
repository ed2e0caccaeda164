"""What settlement learns from the registry: accounts, who acts for them, what stops them, programmes and calendars."""

from collections.abc import Mapping, Sequence

from services.registry.messages.accounts import (
    AccountClosed,
    AccountOpened,
    AccountRestricted,
    OperatorAppointed,
    OperatorDismissed,
    RestrictionLifted,
    TradingAccountOpened,
)
from services.registry.messages.calendars import OfficialDaysAdded
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime.inbox import Handler
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement import market_store, store
from services.settlement.retirements import Programme


async def on_account_opened(tx: Transaction, event: AccountOpened) -> Sequence[Event]:
    """Trades and credits may name the account from now on."""
    await store.insert_account(
        tx, event.number, event.account_id, event.organisation_id, event.kind
    )
    return []


async def on_trading_account_opened(
    tx: Transaction, event: TradingAccountOpened
) -> Sequence[Event]:
    """The account may trade from now on."""
    await store.set_trading_account(tx, event.number, event.trading_account)
    return []


async def on_operator_appointed(tx: Transaction, event: OperatorAppointed) -> Sequence[Event]:
    """Another person may act for the account."""
    await store.add_operator(tx, event.number, event.operator)
    return []


async def on_operator_dismissed(tx: Transaction, event: OperatorDismissed) -> Sequence[Event]:
    """A person acts for the account no more."""
    await store.remove_operator(tx, event.number, event.operator)
    return []


async def on_account_restricted(tx: Transaction, event: AccountRestricted) -> Sequence[Event]:
    """Nothing is traded, moved or retired with the account from now on."""
    await store.set_account_status(tx, event.number, "RESTRICTED")
    return []


async def on_restriction_lifted(tx: Transaction, event: RestrictionLifted) -> Sequence[Event]:
    """The account is used as before."""
    await store.set_account_status(tx, event.number, "OPEN")
    return []


async def on_account_closed(tx: Transaction, event: AccountClosed) -> Sequence[Event]:
    """What the account holds stays where it is, until its title changes."""
    await store.set_account_status(tx, event.number, "CLOSED")
    return []


async def on_programme_registered(tx: Transaction, event: ProgrammeRegistered) -> Sequence[Event]:
    """What its credits may be used for follows from the programme."""
    await store.insert_programme(tx, Programme(event.code, event.kind, event.is_ets_eligible))
    return []


async def on_official_days_added(tx: Transaction, event: OfficialDaysAdded) -> Sequence[Event]:
    """Trading days are counted by the newest notice."""
    await market_store.insert_calendar_notice(
        tx, event.notice_id, event.year, event.holidays, event.working_days
    )
    return []


EVENTS: Mapping[type[Event], Handler] = {
    AccountOpened: on_account_opened,
    TradingAccountOpened: on_trading_account_opened,
    OperatorAppointed: on_operator_appointed,
    OperatorDismissed: on_operator_dismissed,
    AccountRestricted: on_account_restricted,
    RestrictionLifted: on_restriction_lifted,
    AccountClosed: on_account_closed,
    ProgrammeRegistered: on_programme_registered,
    OfficialDaysAdded: on_official_days_added,
}
