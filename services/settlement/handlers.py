"""What settlement does: each handler reads, decides, writes and returns what is to be said."""

from collections.abc import Sequence

from services.issuance.messages.batches import CreditsIssued
from services.kernel.actors import (
    Actor,
    Role,
    require_operator,
    require_organisation,
    require_role,
)
from services.kernel.blocks import Block
from services.kernel.clocks import market_day
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import (
    AccountNotOpen,
    AlreadyExists,
    NotYetKnown,
    OutOfRange,
    Unknown,
)
from services.runtime.inbox import Service
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement import learning, messages, store
from services.settlement.ledger import Account, Batch, Books, Bucket, Instrument, Place
from services.settlement.messages import (
    CreditsMoved,
    CreditsReceived,
    CreditsRetired,
    EndReplay,
    MoveFromVenue,
    MoveToVenue,
    OpenVenue,
    RetireCredits,
    StartReplay,
    VenueModeChanged,
    VenueOpened,
)
from services.settlement.retirements import certificate_number, require_usable
from services.settlement.store import Wanted
from services.settlement.trades import Mode, VenueNotOpen, require_venue_terms


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
    await store.insert_batch(tx, batch, block, event.is_opening)
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


async def open_venue(tx: Transaction, command: OpenVenue) -> Sequence[Event]:
    """Admits a trading venue with its programmes, methods and tick."""
    require_role(tx.actor, Role.REGISTRAR)
    require_venue_terms(command)
    if not await store.insert_venue(tx, command):
        raise AlreadyExists("venue", command.code)
    return [
        VenueOpened(
            code=command.code,
            name=command.name,
            programmes=command.programmes,
            methods=command.methods,
            tick_fen=command.tick_fen,
        )
    ]


async def start_replay(tx: Transaction, command: StartReplay) -> Sequence[Event]:
    """Lets the venue report recorded history."""
    return await _change_mode(tx, command.venue, Mode.REPLAY)


async def end_replay(tx: Transaction, command: EndReplay) -> Sequence[Event]:
    """The venue reports the present again."""
    return await _change_mode(tx, command.venue, Mode.LIVE)


async def _change_mode(tx: Transaction, code: str, mode: Mode) -> Sequence[Event]:
    require_role(tx.actor, Role.HISTORIAN)
    venue = await store.get_venue(tx, code)
    if venue is None:
        raise Unknown("venue", code)
    if venue.mode == mode:
        return []
    await store.set_venue_mode(tx, code, mode)
    return [VenueModeChanged(venue=code, mode=mode)]


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
    _require_tonnes(command.tonnes)
    if await store.get_venue(tx, command.venue) is None:
        raise VenueNotOpen(command.venue)
    instrument = Instrument(command.project, command.vintage)
    books = await _lock_own(tx, source, instrument, command.tonnes)
    inserted = await store.insert_move(
        tx,
        command.move_id,
        command.account,
        command.venue,
        instrument,
        command.tonnes,
        target.bucket,
    )
    if not inserted:
        raise AlreadyExists("move", str(command.move_id))
    posting = f"move/{command.move_id}"
    moved = books.move(posting, instrument, source, target, command.tonnes, tx.effective_at)
    await store.write_books(tx, books)
    return [
        CreditsMoved(
            move_id=command.move_id,
            account=command.account,
            venue=command.venue,
            project=command.project,
            vintage=command.vintage,
            tonnes=command.tonnes,
            to_bucket=target.bucket,
            ranges=books.ranges(moved),
        )
    ]


async def retire_credits(tx: Transaction, command: RetireCredits) -> Sequence[Event]:
    """Takes credits out of circulation for ever; there is no way back."""
    _require_tonnes(command.tonnes)
    if await store.has_retirement(tx, command.retirement_id):
        raise AlreadyExists("retirement", str(command.retirement_id))
    instrument = Instrument(command.project, command.vintage)
    source = Place(command.account, Bucket.REGISTRY)
    books = await _lock_own(tx, source, instrument, command.tonnes)
    programme = await store.get_programme(tx, books.programme_of(instrument))
    assert programme is not None  # the batch refers to it
    require_usable(command, programme)
    target = Place(command.account, Bucket.RETIRED)
    posting = f"retirement/{command.retirement_id}"
    retired = books.move(posting, instrument, source, target, command.tonnes, tx.effective_at)
    year = market_day(tx.effective_at).year
    number = certificate_number(year, await store.next_certificate_number(tx, year))
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    await store.insert_retirement(tx, command, number, programme.code, tx.approved_by)
    await store.write_books(tx, books)
    return [
        CreditsRetired(
            retirement_id=command.retirement_id,
            certificate_number=number,
            account=command.account,
            project=command.project,
            vintage=command.vintage,
            tonnes=command.tonnes,
            purpose=command.purpose,
            reporting_period=command.reporting_period,
            ranges=books.ranges(retired),
        )
    ]


async def _lock_own(tx: Transaction, source: Place, instrument: Instrument, tonnes: int) -> Books:
    """Locks what an owner gives; for anybody else the account might as well not exist."""
    if not 0 < instrument.vintage < 10_000:
        raise OutOfRange("vintage", str(instrument.vintage), "a calendar year")
    books = await store.lock_books(
        tx, [source.account], [instrument], [Wanted(source, instrument, tonnes)]
    )
    _require_owner(tx.actor, books.accounts.get(source.account), source.account)
    books.programme_of(instrument)
    return books


def _require_owner(actor: Actor, account: Account | None, number: str) -> None:
    require_role(actor, Role.OWNER_OPERATOR)
    if account is None:
        raise NotYetKnown("account", number)
    require_organisation(actor, account.organisation_id)
    require_operator(actor, number, account.operators)
    if account.status != "OPEN":
        raise AccountNotOpen(number, account.status)


def _require_tonnes(tonnes: int) -> None:
    if not 0 < tonnes <= TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"1 to {TONNES_MAX}")


SERVICE = Service(
    name="settlement",
    commands={
        OpenVenue: open_venue,
        StartReplay: start_replay,
        EndReplay: end_replay,
        MoveToVenue: move_to_venue,
        MoveFromVenue: move_from_venue,
        RetireCredits: retire_credits,
    },
    events={
        **learning.EVENTS,
        CreditsIssued: on_credits_issued,
    },
    approvals=messages.APPROVALS,
    four_eyes={RetireCredits: Role.APPROVER},
)
