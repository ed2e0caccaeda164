"""What settlement does with credits that leave circulation for ever: used by their owner, or cancelled by order."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.kernel.actors import Role, require_role
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import (
    freeze_store,
    freezes,
    obligation_handlers,
    retirement_store,
    retirements,
    store,
)
from services.settlement.books import Books
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.messages.retirements import CancelCredits, RetireCredits
from services.settlement.owners import lock_own, lock_source, require_instrument, require_tonnes


async def retire_credits(tx: Transaction, command: RetireCredits) -> Sequence[Event]:
    """Takes credits out of circulation for ever; there is no way back."""
    require_tonnes(command.tonnes)
    instrument = Instrument(command.project, command.vintage)
    source = Place(command.account, Bucket.REGISTRY)
    books = await lock_own(tx, source, instrument, command.tonnes)
    programme = await store.get_programme(tx, books.programme_of(instrument))
    assert programme is not None  # the batch refers to it
    retirements.require_usable(command, programme)
    retirement = retirements.used(command, programme.code)
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    number = await retirement_store.insert_retirement(tx, retirement)
    discharged = await obligation_handlers.discharge(tx, command, books)
    blocks = retirement.book(books, source, tx.effective_at)
    await store.write_books(tx, books)
    return [retirements.told(retirement, number, books.ranges(blocks)), *discharged]


async def cancel_credits(tx: Transaction, command: CancelCredits) -> Sequence[Event]:
    """Takes credits out of circulation for ever, whoever holds them; there is no way back."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    require_tonnes(command.tonnes)
    retirements.require_cancellable(command)
    instrument, source = Instrument(command.project, command.vintage), retirements.origin(command)
    if command.freeze_id is None:
        books = await lock_source(tx, source, instrument, command.tonnes)
    else:
        books = await _lock_frozen(tx, command.account, instrument, command.freeze_id)
    books.account(command.account)
    retirement = retirements.cancelled(command, books.programme_of(instrument))
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    number = await retirement_store.insert_retirement(tx, retirement)
    blocks = retirement.book(books, source, tx.effective_at)
    await store.write_books(tx, books)
    await freeze_store.thaw(tx, blocks if command.freeze_id else [])
    return [retirements.told(retirement, number, books.ranges(blocks))]


async def _lock_frozen(
    tx: Transaction, account: str, instrument: Instrument, freeze_id: UUID
) -> Books:
    """The books with what this freeze holds of the instrument, and nothing else of the account."""
    require_instrument(instrument)
    books = await store.lock_books(tx, [account], [instrument])
    freezes.require_of(await freeze_store.get_freeze(tx, freeze_id), freeze_id, account)
    held = await freeze_store.list_frozen(tx, freeze_id)
    books.load(one.holding for one in held if one.block.batch in books.batches)
    return books


COMMANDS: Mapping[type[Command], Handler] = {
    RetireCredits: retire_credits,
    CancelCredits: cancel_credits,
}
FOUR_EYES: Mapping[type[Command], Role] = dict.fromkeys(COMMANDS, Role.APPROVER)
