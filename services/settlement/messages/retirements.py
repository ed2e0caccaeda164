"""Use of credits, once and for all, and their cancellation without a use."""

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
    """ETS_OFFSET_NATIONAL, ETS_OFFSET_LOCAL, ETS_SURRENDER (of allowances), EVENT_NEUTRALITY, ENTERPRISE_OFFSET or
    VOLUNTARY_PUBLIC_GOOD; CORSIA and NDC_USE need a programme that is authorised for use across the border."""
    beneficiary_name: str
    beneficiary_id: str
    """Unified social credit code or LEI."""
    beneficiary_country: str
    reporting_period: str
    reason: str
    is_public: bool = False
    """Whether everyone may read the name of a natural person, unmarked nobody; an organisation's is always public."""
    beneficiary_kind: str = "ORGANISATION"
    """ORGANISATION or NATURAL_PERSON."""
    on_behalf_of: str = ""
    """For whom the owner of the account acts, if that is not the beneficiary."""


class CancelCredits(Command, frozen=True, kw_only=True, tag="settlement.cancel_credits"):
    """Takes credits out of circulation for ever, without anybody's use of them; needs two persons."""

    retirement_id: UUID
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    """OMGE, SOP, REVERSAL_COMPENSATION (from the buffer) or FORCED."""
    document_sha256: str
    """Of the document that shows the ground, in hexadecimal digits."""
    reason: str
    freeze_id: UUID | None = None
    """Takes what this freeze holds, and nothing that is free."""


class _Gone(Event, frozen=True, kw_only=True):
    """What everybody learns of credits that have left circulation."""

    retirement_id: UUID
    certificate_number: str
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    reporting_period: str
    """Empty for what is cancelled, which is used for no period."""
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"retirement/{self.retirement_id}"


class CreditsRetired(_Gone, frozen=True, kw_only=True, tag="settlement.credits.retired"):
    """Credits were used, once and for all; the certificate number finds the public record."""


class CreditsCancelled(_Gone, frozen=True, kw_only=True, tag="settlement.credits.cancelled"):
    """Credits were cancelled, once and for all; the certificate number finds the public record."""
