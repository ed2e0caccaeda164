"""Obligations in the national ETS: what is owed for a year, what was surrendered and offset, and the proof of it."""

from datetime import date, datetime
from uuid import UUID

from services.runtime.messages import Command, Event


class ObligationNotified(Event, frozen=True, kw_only=True, tag="settlement.obligation.notified"):
    """What an account owes for its emissions of a year is on record here, for the first time or anew."""

    account: str
    emission_year: int
    version: int
    due: int
    offset_max: int
    deadline: datetime
    """The first instant that is too late."""
    allowance_vintages: tuple[int, ...]
    credits_registered_after: date | None
    plan: str
    is_draft: bool
    state: str
    """NOTIFIED, or what follows from what had been surrendered and offset before."""

    @property
    def subject(self) -> str:
        return f"obligation/{self.account}/{self.emission_year}"


class ObligationDischarged(
    Event, frozen=True, kw_only=True, tag="settlement.obligation.discharged"
):
    """Allowances were surrendered, or credits offset: so much less is owed."""

    account: str
    emission_year: int
    retirement_id: UUID
    purpose: str
    """ETS_SURRENDER or ETS_OFFSET_NATIONAL."""
    tonnes: int
    surrendered: int
    """Of allowances, all together."""
    offset: int
    """Of credits, all together."""
    outstanding: int
    state: str

    @property
    def subject(self) -> str:
        return f"obligation/{self.account}/{self.emission_year}"


class ObligationMet(Event, frozen=True, kw_only=True, tag="settlement.obligation.met"):
    """Everything that is owed for a year was surrendered or offset in time; the number proves it."""

    account: str
    emission_year: int
    version: int
    proof_number: str
    due: int
    surrendered: int
    offset: int
    plan: str
    is_draft: bool

    @property
    def subject(self) -> str:
        return f"obligation/{self.account}/{self.emission_year}"


class ObligationMissed(Event, frozen=True, kw_only=True, tag="settlement.obligation.overdue"):
    """The deadline is over and something is left; from now on only allowances count, as arrears."""

    account: str
    emission_year: int
    due: int
    outstanding: int
    deadline: datetime

    @property
    def subject(self) -> str:
        return f"obligation/{self.account}/{self.emission_year}"

    @property
    def by_itself_at(self) -> datetime:
        return self.deadline


class EnforceObligation(Command, frozen=True, kw_only=True, tag="settlement.enforce_obligation"):
    """Surrenders allowances of an overdue entity without it, frozen or not, irrevocably; needs two persons."""

    retirement_id: UUID
    account: str
    emission_year: int
    project: str
    """As allowances are called where they trade: the code of their programme."""
    vintage: int
    tonnes: int
    beneficiary_name: str
    """The entity, as the certificate is to name it."""
    beneficiary_id: str
    """Its unified social credit code."""
    document_sha256: str
    """Of the decision, in hexadecimal digits."""
    reason: str
