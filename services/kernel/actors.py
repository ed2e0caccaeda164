"""Who acts: a person or system, the organisation acted for, and the roles held."""

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


@dataclass(eq=False)
class RoleMissing(Forbidden):
    """The caller holds none of the roles that may do this."""

    subject: str
    expected: str


@dataclass(eq=False)
class OtherOrganisation(Forbidden):
    """The caller does not act for the organisation that this belongs to."""

    subject: str


def require_role(actor: Actor, *allowed: Role) -> None:
    """Raises RoleMissing unless the actor holds one of the allowed roles."""
    if actor.roles.isdisjoint(allowed):
        raise RoleMissing(actor.subject, " or ".join(allowed))


def require_organisation(actor: Actor, organisation: UUID) -> None:
    """Raises OtherOrganisation unless the actor acts for this organisation."""
    if actor.organisation != organisation:
        raise OtherOrganisation(actor.subject)
