"""What settlement does about conversions: it cancels the source, or leaves everything as it was and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.issuance.messages.conversions import ConversionRequested
from services.kernel.actors import Actor
from services.kernel.refusals import NotYetKnown, Refusal
from services.runtime.inbox import Handler
from services.runtime.messages import Event, RefusalBody
from services.runtime.postgres import Transaction
from services.settlement import (
    carry_overs,
    conversion_store,
    conversions,
    obligation_store,
    retirement_store,
    retirements,
    store,
)
from services.settlement.ledger import Bucket, Place
from services.settlement.messages.conversions import ConversionRefused, ConversionSourceCancelled
from services.settlement.owners import lock_source, require_giving


async def on_conversion_requested(tx: Transaction, event: ConversionRequested) -> Sequence[Event]:
    """Decides on the source, once for ever: the same request told again changes nothing, and neither is it answered."""
    if await conversion_store.is_conversion_known(tx, event.conversion_id):
        return []
    made = replace(tx, actor=Actor(event.requested_by), approved_by=event.approved_by)
    try:
        async with tx.connection.transaction():
            return await _cancel_source(made, event)
    except NotYetKnown:
        raise
    except Refusal as refusal:
        body = RefusalBody.of(refusal)
    await conversion_store.insert_refused(tx, event, body.code)
    return [
        ConversionRefused(
            conversion_id=event.conversion_id,
            code=body.code,
            message=body.message,
            fields=body.fields,
        )
    ]


async def _cancel_source(tx: Transaction, event: ConversionRequested) -> Sequence[Event]:
    """Takes the source out of circulation for ever, as the two persons decided who asked and approved."""
    source = Place(event.account, Bucket.REGISTRY)
    instrument = conversions.source_of(event)
    books = await lock_source(tx, source, instrument, event.source_tonnes)
    require_giving(books.account(event.account))
    carry_over_max = await _carry_over_max(tx, event)
    retirement = conversions.cancellation(event, books.programme_of(instrument))
    number = await retirement_store.insert_retirement(tx, retirement)
    ranges = books.ranges(retirement.book(books, source, tx.effective_at))
    await conversion_store.insert_cancelled(tx, event, carry_over_max)
    await store.write_books(tx, books)
    cancelled = ConversionSourceCancelled(
        conversion_id=event.conversion_id,
        account=event.account,
        project=event.source_project,
        vintage=event.source_vintage,
        tonnes=event.source_tonnes,
        certificate_number=number,
        ranges=ranges,
    )
    return [cancelled, retirements.told(retirement, number, ranges)]


async def _carry_over_max(tx: Transaction, event: ConversionRequested) -> int | None:
    """How many the entity may carry over in all, whose account is locked; None if this is no carry-over."""
    if event.carry_over is None:
        return None
    for year in sorted(event.carry_over.surrendered_years):
        obligation = await obligation_store.lock_obligation(tx, event.account, year)
        carry_overs.require_met(event.account, year, obligation)
    stand = await conversion_store.get_stand(tx, event, event.carry_over)
    return carry_overs.most(event.carry_over, stand, event.source_tonnes)


EVENTS: Mapping[type[Event], Handler] = {ConversionRequested: on_conversion_requested}
