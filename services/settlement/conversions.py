"""What dies in a conversion: the source, as issuance asks for it, and what the public record says of that."""

from services.issuance.messages.conversions import ConversionRequested
from services.settlement.ledger import Instrument
from services.settlement.retirements import Ground, Retirement


def source_of(event: ConversionRequested) -> Instrument:
    """What dies."""
    return Instrument(event.source_project, event.source_vintage)


def cancellation(event: ConversionRequested, programme: str) -> Retirement:
    """The cancellation of the source; its record has the conversion's id, and says what is to live in its stead."""
    target = f"{event.target_tonnes} t of {event.target_programme}"
    stead = f"{event.target_project} {event.target_vintage}, batch {event.batch_id}"
    return Retirement(
        retirement_id=event.conversion_id,
        account=event.account,
        programme=programme,
        instrument=source_of(event),
        tonnes=event.source_tonnes,
        purpose=Ground.CONVERSION_OUT,
        reason=f"converted by the factor {event.factor:f} into {target}, {stead}",
    )
