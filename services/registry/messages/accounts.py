"""What is said of accounts: applied for, opened, operated, restricted, closed."""

from datetime import date
from uuid import UUID

from services.runtime.messages import Command, Event


class ApplyForAccount(Command, frozen=True, kw_only=True, tag="registry.apply_for_account"):
    """Asks for the organisation's account; the registry decides within 15 working days."""

    account_id: UUID
    organisation_id: UUID
    kind: str
    """OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY (registration rules 2023, article 5)."""


class AccountApplied(Event, frozen=True, kw_only=True, tag="registry.account.applied"):
    """An organisation waits for its account."""

    account_id: UUID
    organisation_id: UUID
    kind: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RefuseAccount(Command, frozen=True, kw_only=True, tag="registry.refuse_account"):
    """Refuses an application for an account; the organisation may apply anew, under another id."""

    account_id: UUID
    reason: str


class AccountRefused(Event, frozen=True, kw_only=True, tag="registry.account.refused"):
    """An application for an account is refused."""

    account_id: UUID
    organisation_id: UUID
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class AccountDecisionOverdue(
    Event, frozen=True, kw_only=True, tag="registry.account.decision_overdue"
):
    """An application for an account has waited longer than the 15 working days that the registry has."""

    account_id: UUID
    organisation_id: UUID
    applied_on: date
    due_on: date

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class OpenAccount(Command, frozen=True, kw_only=True, tag="registry.open_account"):
    """Opens an organisation's one account, applied for under this id or not; the registry gives it its number."""

    account_id: UUID
    organisation_id: UUID
    kind: str
    """OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY (registration rules 2023, article 5)."""


class AccountOpened(Event, frozen=True, kw_only=True, tag="registry.account.opened"):
    """An account is open; others know it by its number."""

    account_id: UUID
    number: str
    organisation_id: UUID
    kind: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class OpenTradingAccount(Command, frozen=True, kw_only=True, tag="registry.open_trading_account"):
    """Opens the one trading account of an open account that has an operator; without it nothing is traded."""

    trading_account_id: UUID
    account: str
    """The number of the account."""


class TradingAccountOpened(
    Event, frozen=True, kw_only=True, tag="registry.account.trading_account_opened"
):
    """The account may trade."""

    account_id: UUID
    number: str
    trading_account_id: UUID
    trading_account: str
    """The trading account's own number."""

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class AppointOperator(Command, frozen=True, kw_only=True, tag="registry.appoint_operator"):
    """Lets a person operate the account; from the first operator on nobody else does, and there are at most five."""

    account: str
    operator: str
    """The subject of the person's token."""
    name: str
    """The person's real name."""


class OperatorAppointed(
    Event, frozen=True, kw_only=True, tag="registry.account.operator_appointed"
):
    """The person operates the account."""

    account_id: UUID
    number: str
    operator: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class DismissOperator(Command, frozen=True, kw_only=True, tag="registry.dismiss_operator"):
    """Ends what a person may do with the account; a trading account keeps at least one operator."""

    account: str
    operator: str
    reason: str


class OperatorDismissed(
    Event, frozen=True, kw_only=True, tag="registry.account.operator_dismissed"
):
    """The person operates the account no more."""

    account_id: UUID
    number: str
    operator: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RestrictAccount(Command, frozen=True, kw_only=True, tag="registry.restrict_account"):
    """Stops the use of an account until the restriction is lifted (registration rules 2023, article 10)."""

    account: str
    ground: str
    """PAPERS_MISMATCH, CHANGES_UNFILED or RULES_BROKEN."""
    reason: str


class AccountRestricted(Event, frozen=True, kw_only=True, tag="registry.account.restricted"):
    """The account cannot be used: nothing is traded, moved, retired or applied for with it."""

    account_id: UUID
    number: str
    ground: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class LiftRestriction(Command, frozen=True, kw_only=True, tag="registry.lift_restriction"):
    """Lets the account be used again, once what was wrong is put right."""

    account: str
    reason: str


class RestrictionLifted(
    Event, frozen=True, kw_only=True, tag="registry.account.restriction_lifted"
):
    """The account can be used again."""

    account_id: UUID
    number: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class CloseAccount(Command, frozen=True, kw_only=True, tag="registry.close_account"):
    """Closes an account and its trading account for ever, after a second person's approval."""

    account: str
    ground: str
    """MERGER, SPLIT, DISSOLUTION, BANKRUPTCY or DEATH (registration rules 2023, article 11)."""
    reason: str


class AccountClosed(Event, frozen=True, kw_only=True, tag="registry.account.closed"):
    """The account is closed; what it holds waits for a change of title."""

    account_id: UUID
    number: str
    ground: str
    reason: str
    approved_by: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"
