"""What is true of accounts: five kinds, and one account for one legal entity."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.kernel.refusals import Conflict, OutOfRange


class Kind(StrEnum):
    """Who may hold an account (registration rules 2023, article 5)."""

    OWNER = "OWNER"
    EMITTER = "EMITTER"
    TRADER = "TRADER"
    VERIFIER = "VERIFIER"
    AUTHORITY = "AUTHORITY"


@dataclass(eq=False)
class OrganisationHasAccount(Conflict):
    """A legal entity has one account (registration rules 2023, article 5)."""

    organisation_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation's place in the registry; others know it by its number."""

    account_id: UUID
    number: str
    organisation_id: UUID
    kind: str


def require_kind(given: str) -> None:
    """Raises OutOfRange unless it is one of the five kinds."""
    if given not in Kind.__members__:
        raise OutOfRange("kind", given[:40], ", ".join(Kind))


def require_first(account: Account | None) -> None:
    """Raises OrganisationHasAccount if the organisation has an account already."""
    if account is not None:
        raise OrganisationHasAccount(account.organisation_id, account.number)
