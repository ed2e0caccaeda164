"""What dies in a conversion or carry-over: the source, as issuance asks, and what the public record says of that."""

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
    is_carried = event.carry_over is not None
    act = "carried over" if is_carried else f"converted by the factor {event.factor:f}"
    return Retirement(
        retirement_id=event.conversion_id,
        account=event.account,
        programme=programme,
        instrument=source_of(event),
        tonnes=event.source_tonnes,
        purpose=Ground.CARRY_OVER if is_carried else Ground.CONVERSION_OUT,
        reason=f"{act} into {target}, {stead}",
    )
