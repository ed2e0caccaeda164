"""What is said of the source of a conversion: it is cancelled, or nothing has changed."""

from uuid import UUID

from services.runtime.messages import Event
from services.settlement.messages.holdings import SerialRange


class ConversionSourceCancelled(
    Event, frozen=True, kw_only=True, tag="settlement.conversion.source_cancelled"
):
    """The source of a conversion is dead, for ever: now, and only now, the target may live."""

    conversion_id: UUID
    account: str
    project: str
    vintage: int
    tonnes: int
    certificate_number: str
    """Finds the public record of the cancellation."""
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"


class ConversionRefused(Event, frozen=True, kw_only=True, tag="settlement.conversion.refused"):
    """A conversion's source cannot be cancelled, and nothing has changed: the code, and the values that disagree."""

    conversion_id: UUID
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"conversion/{self.conversion_id}"
