"""Use of credits, once and for all."""

from uuid import UUID

from services.runtime.messages import Command, Event
from services.settlement.messages.holdings import SerialRange


class RetireCredits(Command, frozen=True, kw_only=True, tag="settlement.retire_credits"):
    """Takes credits out of circulation for ever, for a beneficiary and a purpose; needs two persons."""

    retirement_id: UUID
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    beneficiary_name: str
    beneficiary_id: str
    """Unified social credit code or LEI."""
    beneficiary_country: str
    reporting_period: str
    reason: str
    is_public: bool = True
    """Whether the beneficiary's name may be shown to everyone."""


class CreditsRetired(Event, frozen=True, kw_only=True, tag="settlement.credits.retired"):
    """Credits were used, once and for all; the certificate number finds the public record."""

    retirement_id: UUID
    certificate_number: str
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    reporting_period: str
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"retirement/{self.retirement_id}"
