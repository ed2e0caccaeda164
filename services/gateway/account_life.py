"""An account's life as mutations: applied for, opened, operated, restricted, closed; and who listens to it."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.accounts import Account, accounts_of
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.listening import events_of, listen
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.states import ApplicationState
from services.registry.messages import EVENTS
from services.registry.messages.accounts import (
    ApplyForAccount,
    AppointOperator,
    CloseAccount,
    DismissOperator,
    LiftRestriction,
    OpenAccount,
    OpenTradingAccount,
    RefuseAccount,
    RestrictAccount,
)
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue

UPDATES = events_of(EVENTS, "registry.account.")


@strawberry.type(description="An application for an account.")
class AccountApplication:
    account_id: UUID
    organisation_id: UUID
    organisation_name: str
    kind: str
    state: ApplicationState
    applied_at: datetime
    decided_at: datetime | None
    reason: str | None
    overdue_on: date | None = strawberry.field(description="The day on which an alarm was raised.")


APPLICATIONS: Keyset[AccountApplication] = Keyset(
    "accountApplications", (datetime, UUID), lambda one: (one.applied_at, one.account_id)
)


@strawberry.type
class AccountLifeQueries:
    @strawberry.field(description="Applications that you may see, the latest first.")
    async def account_applications(
        self,
        info: Info,
        state: ApplicationState | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[AccountApplication]:
        values = (state, None, *APPLICATIONS.after(after), rows_wanted(first))
        rows = await reads.private(
            info.context, AccountApplication, "list_account_applications", *values
        )
        return APPLICATIONS.page(rows, first)


@strawberry.type(description="The account as it is now, and what it was applied for with.")
class AccountPayload(Payload):
    @strawberry.field(description="Null until it is open.")
    async def account(self, info: Info) -> Account | None:
        account_id = self.uuid("account")
        return None if account_id is None else reads.only(await accounts_of(info, account_id))

    @strawberry.field(description="Null if nobody applied for it.")
    async def application(self, info: Info) -> AccountApplication | None:
        account_id = self.uuid("account")
        if account_id is None:
            return None
        values = (None, account_id, None, None, 1)
        return reads.only(
            await reads.private(
                info.context, AccountApplication, "list_account_applications", *values
            )
        )


@strawberry.type(description="The answer to a move; the account's holdings show it.")
class MovePayload(Payload):
    pass


@strawberry.type
class AccountMutations:
    apply_for_account = mutation(ApplyForAccount, AccountPayload, "account_id")
    refuse_account = mutation(RefuseAccount, AccountPayload)
    open_account = mutation(OpenAccount, AccountPayload, "account_id", is_named=True)
    open_trading_account = mutation(OpenTradingAccount, AccountPayload, "trading_account_id")
    appoint_operator = mutation(AppointOperator, AccountPayload)
    dismiss_operator = mutation(DismissOperator, AccountPayload)
    restrict_account = mutation(RestrictAccount, AccountPayload)
    lift_restriction = mutation(LiftRestriction, AccountPayload)
    close_account = mutation(CloseAccount, AccountPayload)
    move_to_venue = mutation(MoveToVenue, MovePayload, "move_id")
    move_from_venue = mutation(MoveFromVenue, MovePayload, "move_id")


@strawberry.type
class AccountSubscriptions:
    @strawberry.subscription(
        description="Each account that changes and that you may see, as it is then."
    )
    async def account_updated(
        self, info: Info, number: str | None = None
    ) -> AsyncGenerator[Account, None]:
        info.context.require_viewer()
        async for events in listen(info.context, *UPDATES):
            keys = dict.fromkeys(event.subject.partition("/")[2] for event in events)
            ids = [UUID(key) for key in keys]
            found = await accounts_of(info, *ids)
            for account in sorted(found, key=lambda one: ids.index(one.account_id)):
                if number in (None, account.number):
                    yield account
