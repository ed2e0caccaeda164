"""What is said of conversions: credits die, and then credits of another programme or year live in their stead."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from services.issuance.messages.carry_overs import CarryOverTerms
from services.runtime.messages import Command, Event


class SetConversionTerms(Command, frozen=True, kw_only=True, tag="issuance.set_conversion_terms"):
    """Says by which factor a programme's credits become another's, from a day on; needs two persons."""

    source_programme: str
    target_programme: str
    """Never one whose credits count in the national ETS."""
    factor: Decimal | None
    """Credits of the target for one of the source, above 0 and at most 1; none ends the conversion from that day on."""
    valid_from: date
    """The first day on which these terms are in force."""
    source: str
    """By which published rules it goes: title, number and edition."""


class ConversionTermsSet(Event, frozen=True, kw_only=True, tag="issuance.conversion.terms_set"):
    """From this day on the programmes' credits are converted by these terms."""

    source_programme: str
    target_programme: str
    factor: Decimal | None
    valid_from: date
    source: str

    @property
    def subject(self) -> str:
        return f"conversion_terms/{self.source_programme}/{self.target_programme}"


class RequestConversion(Command, frozen=True, kw_only=True, tag="issuance.request_conversion"):
    """Gives credits of one programme up for credits of another, rounded down; a registrar approves, irreversible."""

    conversion_id: UUID
    batch_id: UUID
    """The batch that will be issued."""
    account: str
    source_project: str
    source_vintage: int
    source_tonnes: int
    target_project: str
    """A registered project of the target programme."""
    target_vintage: int
    """The source's: when the reductions were made does not change."""


class ConversionRequested(Event, frozen=True, kw_only=True, tag="issuance.conversion.requested"):
    """The target batch is reserved; it is issued once settlement has cancelled the source."""

    conversion_id: UUID
    account: str
    source_project: str
    source_vintage: int
    source_tonnes: int
    batch_id: UUID
    target_programme: str
    target_project: str
    target_vintage: int
    target_tonnes: int
    factor: Decimal
    requested_by: str
    approved_by: str
    carry_over: CarryOverTerms | None = None
    """If allowances are carried over into the target's year: by which terms."""

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"


class ConversionCompleted(Event, frozen=True, kw_only=True, tag="issuance.conversion.completed"):
    """The source is dead and the target lives: ``issuance.credits.issued`` tells of the batch."""

    conversion_id: UUID
    batch_id: UUID
    certificate_number: str
    """Finds the public record of the source's cancellation."""

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"


class ConversionRefused(Event, frozen=True, kw_only=True, tag="issuance.conversion.refused"):
    """Settlement could not cancel the source: nothing has changed, and the target batch will never exist."""

    conversion_id: UUID
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"
