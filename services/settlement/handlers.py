"""What settlement does with credits and tells: each handler reads, decides, writes and returns what is to be said."""

from collections.abc import Sequence

from services.issuance.messages.batches import CreditsIssued
from services.kernel.blocks import Block
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, NotYetKnown
from services.runtime.inbox import Service
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement import (
    conversion_handlers,
    correction_handlers,
    freeze_handlers,
    learning,
    market_handlers,
    market_store,
    obligation_handlers,
    retirement_handlers,
    shortfall_handlers,
    store,
    transfer_handlers,
)
from services.settlement.ledger import Batch, Bucket, Instrument, Place
from services.settlement.listings import require_listing
from services.settlement.market import Listing, Market
from services.settlement.messages import APPROVALS
from services.settlement.messages.holdings import (
    CreditsMoved,
    CreditsReceived,
    MoveFromVenue,
    MoveToVenue,
)
from services.settlement.messages.market import InstrumentListed, OpenDay
from services.settlement.owners import lock_own, require_tonnes


async def on_credits_issued(tx: Transaction, event: CreditsIssued) -> Sequence[Event]:
    """Credits the batch to its holder, in the registry's bucket; what stands in for reversals in the buffer."""
    if await store.get_programme(tx, event.programme) is None:
        raise NotYetKnown("programme", event.programme)
    block = Block(event.batch_id, event.first_serial, event.last_serial + 1)
    batch = Batch(
        batch_id=event.batch_id,
        programme=event.programme,
        country=event.country,
        project=event.project,
        vintage=event.vintage,
        batch_number=event.batch_number,
        issued_at=tx.effective_at,
    )
    await store.insert_batch(tx, batch, block, event)
    books = await store.lock_books(tx, [event.holder_account], [batch.instrument])
    books.account(event.holder_account)
    parts = [
        (part, Place(event.holder_account, bucket)) for part, bucket in _received(block, event)
    ]
    for part, target in parts:
        books.receive(event.subject, part, target, tx.effective_at)
    await store.write_books(tx, books)
    return [
        CreditsReceived(
            account=target.account,
            range=batch.serials(part),
            tonnes=part.tonnes,
            bucket=target.bucket,
        )
        for part, target in parts
    ]


def _received(block: Block, event: CreditsIssued) -> Sequence[tuple[Block, Bucket]]:
    """The parts of a new batch: what its holder may use, and the tail that stands in for reversals."""
    first = event.buffer_first_serial
    if first is None:
        return [(block, Bucket.REGISTRY)]
    if first == block.first:
        return [(block, Bucket.BUFFER)]
    kept, buffered = block.split_tail(block.next - first)
    return [(kept, Bucket.REGISTRY), (buffered, Bucket.BUFFER)]


async def move_to_venue(tx: Transaction, command: MoveToVenue) -> Sequence[Event]:
    """Moves an owner's credits from the registry to a venue, where they can be sold."""
    registry = Place(command.account, Bucket.REGISTRY)
    exchange = Place(command.account, Bucket.EXCHANGE, command.venue)
    return await _move(tx, command, registry, exchange)


async def move_from_venue(tx: Transaction, command: MoveFromVenue) -> Sequence[Event]:
    """Moves credits from a venue back to the registry, where they can be retired."""
    registry = Place(command.account, Bucket.REGISTRY)
    exchange = Place(command.account, Bucket.EXCHANGE, command.venue)
    return await _move(tx, command, exchange, registry)


async def _move(
    tx: Transaction, command: MoveToVenue | MoveFromVenue, source: Place, target: Place
) -> Sequence[Event]:
    require_tonnes(command.tonnes)
    market = Market(command.venue, Instrument(command.project, command.vintage))
    books = await lock_own(tx, source, market.instrument, command.tonnes)
    venues = await market_store.load_market(tx, days=[(market, market_day(tx.effective_at))])
    listing = require_listing(
        venues, market, books.programme_of(market.instrument), market_day(tx.effective_at)
    )
    inserted = await store.insert_move(tx, command, target.bucket)
    if not inserted:
        raise AlreadyExists("move", str(command.move_id))
    posting = f"move/{command.move_id}"
    moved = books.move(posting, market.instrument, source, target, command.tonnes, tx.effective_at)
    await store.write_books(tx, books)
    credits_moved = CreditsMoved(
        move_id=command.move_id,
        account=command.account,
        venue=command.venue,
        project=command.project,
        vintage=command.vintage,
        tonnes=command.tonnes,
        to_bucket=target.bucket,
        ranges=books.ranges(moved),
    )
    return [credits_moved, *await _listed(tx, market, listing)]


async def _listed(tx: Transaction, market: Market, listing: Listing) -> Sequence[Event]:
    """The first credits of an instrument that come to a venue list it there."""
    is_new = await market_store.insert_instrument(tx, market, listing.programme, listing.listed_on)
    if not is_new:
        return []
    return [
        InstrumentListed(
            venue=market.venue,
            project=market.instrument.project,
            vintage=market.instrument.vintage,
            programme=listing.programme,
            listed_on=listing.listed_on,
        )
    ]


SERVICE = Service(
    name="settlement",
    commands={
        **market_handlers.COMMANDS,
        **transfer_handlers.COMMANDS,
        **correction_handlers.COMMANDS,
        **retirement_handlers.COMMANDS,
        **freeze_handlers.COMMANDS,
        **shortfall_handlers.COMMANDS,
        **obligation_handlers.COMMANDS,
        MoveToVenue: move_to_venue,
        MoveFromVenue: move_from_venue,
    },
    events={
        **learning.EVENTS,
        **conversion_handlers.EVENTS,
        **shortfall_handlers.EVENTS,
        **obligation_handlers.EVENTS,
        CreditsIssued: on_credits_issued,
    },
    approvals=APPROVALS,
    four_eyes={
        **market_handlers.FOUR_EYES,
        **correction_handlers.FOUR_EYES,
        **retirement_handlers.FOUR_EYES,
        **freeze_handlers.FOUR_EYES,
        **shortfall_handlers.FOUR_EYES,
        **obligation_handlers.FOUR_EYES,
    },
    approvers=market_handlers.APPROVERS,
    daily=lambda day: OpenDay(date=day),
)
