"""What is true of parties: who may act for an account, and who holds a role in a programme."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.kernel.actors import Actor, Role, require_operator, require_organisation, require_role
from services.kernel.refusals import AccountNotOpen, Forbidden

OPEN, CLOSED = "OPEN", "CLOSED"


@dataclass(eq=False)
class NotAssigned(Forbidden):
    """The programme has named who holds this role in it, and the caller is not among them."""

    subject: str
    programme: str
    expected: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the registry told of it."""

    number: str
    organisation_id: UUID
    kind: str
    status: str = OPEN
    operators: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that a person holds in a programme."""

    role: str
    person: str


def require_usable(actor: Actor, account: Account) -> None:
    """Raises a refusal unless the account is open and the actor acts for it; a registrar acts for any account."""
    if Role.REGISTRAR not in actor.roles:
        require_organisation(actor, account.organisation_id)
        require_operator(actor, account.number, account.operators)
    if account.status != OPEN:
        raise AccountNotOpen(account.number, account.status)


def require_living(account: Account) -> None:
    """Raises AccountNotOpen if the account is closed: nothing can be issued to it."""
    if account.status == CLOSED:
        raise AccountNotOpen(account.number, account.status)


def require_assigned(
    actor: Actor, programme: str, assigned: Collection[Assignment], *allowed: Role
) -> None:
    """Raises a refusal unless the token names a role for this and the programme gives it to nobody, or to the actor."""
    require_role(actor, *allowed)
    if not any(_holds(actor, role, assigned) for role in allowed if role in actor.roles):
        raise NotAssigned(actor.subject, programme, " or ".join(allowed))


def _holds(actor: Actor, role: Role, assigned: Collection[Assignment]) -> bool:
    people = {one.person for one in assigned if one.role == role}
    return not people or actor.subject in people
