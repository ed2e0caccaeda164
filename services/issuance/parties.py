"""What is true of accounts in issuance: who may act for one, and what can be issued to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.kernel.actors import Actor, enters_records, require_operator, require_organisation
from services.kernel.refusals import AccountNotOpen

OPEN, CLOSED = "OPEN", "CLOSED"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An entity, with the unified social credit code that one of China has; of others nothing is kept."""

    organisation_id: UUID
    credit_code: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the registry told of it."""

    number: str
    organisation_id: UUID
    kind: str
    status: str = OPEN
    operators: Sequence[str] = ()


def require_usable(actor: Actor, account: Account) -> None:
    """Raises a refusal unless the account is open and the actor acts for it."""
    if not enters_records(actor):
        require_organisation(actor, account.organisation_id)
        require_operator(actor, account.number, account.operators)
    if account.status != OPEN:
        raise AccountNotOpen(account.number, account.status)


def require_living(account: Account) -> None:
    """Raises AccountNotOpen if the account is closed: nothing can be issued to it."""
    if account.status == CLOSED:
        raise AccountNotOpen(account.number, account.status)
