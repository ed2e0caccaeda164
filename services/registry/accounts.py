"""What is true of accounts: five kinds, one account for one legal entity, and their life until closure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.kernel.actors import Actor, enters_records, require_operator
from services.kernel.names import require_text
from services.kernel.refusals import (
    AccountNotOpen,
    AlreadyExists,
    Conflict,
    Forbidden,
    OutOfRange,
    Unknown,
)
from services.registry.messages.states import AccountState as State
from services.registry.organisations import BARRED, Category, Organisation, require_admitted

OPERATORS_MAX = 5
"""How many people may operate a trading account (the exchange's client manual of March 2025)."""


class Kind(StrEnum):
    """Who may hold an account (registration rules 2023, article 5)."""

    OWNER = "OWNER"
    EMITTER = "EMITTER"
    TRADER = "TRADER"
    VERIFIER = "VERIFIER"
    AUTHORITY = "AUTHORITY"


TRADING_KINDS = frozenset({Kind.OWNER, Kind.EMITTER, Kind.TRADER})

KINDS: Mapping[str, frozenset[Kind]] = {
    Category.ENTERPRISE: TRADING_KINDS,
    Category.INSTITUTION: TRADING_KINDS,
    Category.NATURAL_PERSON: frozenset({Kind.TRADER}),
    Category.VERIFICATION_BODY: frozenset({Kind.VERIFIER}),
    Category.REGULATOR: frozenset({Kind.AUTHORITY}),
    Category.REGISTRY: frozenset(),
    Category.EXCHANGE: frozenset(),
}
"""Which kinds of account an entity of each category may hold."""


class Step(StrEnum):
    """What happens to an account."""

    RESTRICT = "RESTRICT"
    LIFT = "LIFT"
    CLOSE = "CLOSE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.OPEN, Step.RESTRICT): State.RESTRICTED,
    (State.RESTRICTED, Step.LIFT): State.OPEN,
    (State.OPEN, Step.CLOSE): State.CLOSED,
    (State.RESTRICTED, Step.CLOSE): State.CLOSED,
}


class RestrictionGround(StrEnum):
    """Why an account may be restricted (registration rules 2023, article 10)."""

    PAPERS_MISMATCH = "PAPERS_MISMATCH"
    CHANGES_UNFILED = "CHANGES_UNFILED"
    RULES_BROKEN = "RULES_BROKEN"


class ClosureGround(StrEnum):
    """Why an account may be closed (registration rules 2023, article 11)."""

    MERGER = "MERGER"
    SPLIT = "SPLIT"
    DISSOLUTION = "DISSOLUTION"
    BANKRUPTCY = "BANKRUPTCY"
    DEATH = "DEATH"


@dataclass(eq=False)
class OrganisationHasAccount(Conflict):
    """A legal entity has one account (registration rules 2023, article 5)."""

    organisation_id: UUID
    number: str


@dataclass(eq=False)
class KindNotForCategory(Forbidden):
    """An entity of this category holds no account of this kind (registration rules 2023, article 5)."""

    kind: str
    party: str
    expected: str


@dataclass(eq=False)
class BarredFromTrading(Forbidden):
    """Regulators, the registry, exchanges and verification bodies never trade (measures 2023, article 37)."""

    organisation_id: UUID
    party: str


@dataclass(eq=False)
class AccountHasTradingAccount(Conflict):
    """A registry account has one trading account (client manual of the exchange, 2025)."""

    account: str
    number: str


@dataclass(eq=False)
class TooManyOperators(Conflict):
    """An account has at most five operators (client manual of the exchange, 2025)."""

    account: str
    operators_max: int


@dataclass(eq=False)
class OperatorMissing(Conflict):
    """A trading account has at least one operator."""

    account: str


@dataclass(eq=False)
class OperatorIsBarredStaff(Forbidden):
    """Staff of parties that are barred from trading operate no account that trades (measures 2023, article 37)."""

    operator: str


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation's place in the registry; others know it by its number."""

    account_id: UUID
    number: str
    organisation_id: UUID
    kind: str
    category: str = Category.ENTERPRISE
    state: str = State.OPEN
    operators: Sequence[str] = ()
    trading_account: str | None = None


def require_kind(given: str, category: str) -> None:
    """Raises a refusal unless it is one of the five kinds, and one that an entity of this category may hold."""
    if given not in Kind.__members__:
        raise OutOfRange("kind", given[:40], ", ".join(Kind))
    allowed = KINDS[category]
    if given not in allowed:
        raise KindNotForCategory(given, category, ", ".join(sorted(allowed)) or "none")


def require_first(account: Account | None) -> None:
    """Raises OrganisationHasAccount if the organisation has an account already, even a closed one (rule 11)."""
    if account is not None:
        raise OrganisationHasAccount(account.organisation_id, account.number)


def require_may_trade(
    account: Account, organisation: Organisation, admitted: Collection[str]
) -> None:
    """Raises the first refusal that a trading account for this account meets (rules 11 and 12)."""
    if organisation.category in BARRED:
        raise BarredFromTrading(organisation.organisation_id, organisation.category)
    require_admitted(organisation.category, admitted)
    require_kind(account.kind, organisation.category)
    _require_open(account)
    if account.trading_account is not None:
        raise AccountHasTradingAccount(account.number, account.trading_account)
    if not account.operators:
        raise OperatorMissing(account.number)


def require_usable(account: Account, actor: Actor) -> None:
    """Raises a refusal unless the account is open and the actor may operate it.

    Who is not of the account's organisation learns nothing of it.
    """
    if not enters_records(actor):
        if actor.organisation != account.organisation_id:
            raise Unknown("account", account.number)
        require_operator(actor, account.number, account.operators)
    _require_open(account)


def _require_open(account: Account) -> None:
    if account.state != State.OPEN:
        raise AccountNotOpen(account.number, account.state)


def require_living(account: Account) -> None:
    """Raises AccountNotOpen if the account is closed."""
    if account.state == State.CLOSED:
        raise AccountNotOpen(account.number, account.state)


def free_slot(
    account: Account, operator: str, taken: Collection[int], employers: Collection[str]
) -> int:
    """The operator's place among the five; raises the first refusal that the appointment meets.

    ``employers`` are the categories of the parties whose accounts the person operates already.
    """
    require_living(account)
    if operator in account.operators:
        raise AlreadyExists("operator", operator)
    mixed = {category in BARRED for category in (account.category, *employers)}
    if len(mixed) > 1:
        raise OperatorIsBarredStaff(operator)
    free = set(range(1, OPERATORS_MAX + 1)) - set(taken)
    if not free:
        raise TooManyOperators(account.number, OPERATORS_MAX)
    return min(free)


def require_dismissible(account: Account, operator: str) -> None:
    """Raises a refusal unless the person operates the account and a trading account keeps another operator."""
    require_living(account)
    if operator not in account.operators:
        raise Unknown("operator", operator)
    if account.trading_account is not None and len(account.operators) == 1:
        raise OperatorMissing(account.number)


def require_restriction(ground: str, reason: str) -> None:
    """Raises OutOfRange unless the ground is one of the rule book's, and something is said of it."""
    if ground not in RestrictionGround.__members__:
        raise OutOfRange("ground", ground[:40], ", ".join(RestrictionGround))
    require_text("reason", reason)


def require_closure(ground: str, reason: str) -> None:
    """Raises OutOfRange unless the ground is one of the rule book's, and something is said of it."""
    if ground not in ClosureGround.__members__:
        raise OutOfRange("ground", ground[:40], ", ".join(ClosureGround))
    require_text("reason", reason)
