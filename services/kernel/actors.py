"""Who acts: a person or system, the organisation acted for, and the roles held."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.kernel.refusals import Forbidden


class Role(StrEnum):
    """What a caller may do, as proven by the token's issuer."""

    REGISTRAR = "registrar"
    VERIFIER = "verifier"
    OWNER_OPERATOR = "owner-operator"
    APPROVER = "approver"
    VENUE = "venue"
    BANK = "bank"
    AUTHORITY = "authority"
    AUDITOR = "auditor"
    HISTORIAN = "historian"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the gateway proved it; services decide what the actor may do."""

    subject: str
    organisation: UUID | None = None
    roles: frozenset[str] = frozenset()


SYSTEM = Actor("tonne")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that a person holds in a programme."""

    role: str
    person: str


@dataclass(eq=False)
class RoleMissing(Forbidden):
    """The caller holds none of the roles that may do this."""

    subject: str
    expected: str


@dataclass(eq=False)
class OtherOrganisation(Forbidden):
    """The caller does not act for the organisation that this belongs to."""

    subject: str


@dataclass(eq=False)
class NotOperator(Forbidden):
    """An account that has operators is operated by nobody else."""

    account: str
    subject: str


@dataclass(eq=False)
class OwnAct(Forbidden):
    """Nobody decides on what they asked for, or vouched for, themselves."""

    subject: str
    given: str


@dataclass(eq=False)
class NotAssigned(Forbidden):
    """The programme has named who holds this role in it, and the caller is not among them."""

    subject: str
    programme: str
    expected: str


def enters_records(actor: Actor) -> bool:
    """Whether the actor may enter what others did before Tonne: a registrar who is a historian too."""
    return {Role.REGISTRAR, Role.HISTORIAN} <= actor.roles


def require_role(actor: Actor, *allowed: Role) -> None:
    """Raises RoleMissing unless the actor holds one of the allowed roles."""
    if actor.roles.isdisjoint(allowed):
        raise RoleMissing(actor.subject, " or ".join(allowed))


def require_organisation(actor: Actor, organisation: UUID) -> None:
    """Raises OtherOrganisation unless the actor acts for this organisation."""
    if actor.organisation != organisation:
        raise OtherOrganisation(actor.subject)


def require_operator(actor: Actor, account: str, operators: Collection[str]) -> None:
    """Raises NotOperator unless the account has no operators yet, or the actor is one of them."""
    if operators and actor.subject not in operators:
        raise NotOperator(account, actor.subject)


def require_programme_role(
    actor: Actor, programme: str, assigned: Collection[Assignment], *allowed: Role
) -> None:
    """Raises a refusal unless the token names a role for this and the programme gives it to nobody, or to the actor."""
    require_role(actor, *allowed)
    if not any(_holds(actor, role, assigned) for role in allowed if role in actor.roles):
        raise NotAssigned(actor.subject, programme, " or ".join(allowed))


def _holds(actor: Actor, role: Role, assigned: Collection[Assignment]) -> bool:
    people = {one.person for one in assigned if one.role == role}
    return not people or actor.subject in people
