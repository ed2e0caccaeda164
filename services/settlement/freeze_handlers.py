"""What settlement does on the order of courts and authorities: it freezes, releases, and changes title."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.kernel.actors import Role, require_role
from services.kernel.blocks import total
from services.kernel.refusals import AlreadyExists, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import freeze_store, freezes, store, transfers
from services.settlement.books import Books
from services.settlement.freezes import Scope
from services.settlement.ledger import Bucket, Holding, Instrument, Place
from services.settlement.messages.freezes import (
    AccountFrozen,
    CreditsFrozen,
    EnforceTransfer,
    FreezeAccount,
    FreezeCredits,
    FreezeReleased,
    ReleaseFreeze,
    TransferEnforced,
)
from services.settlement.owners import require_instrument, require_tonnes


async def freeze_account(tx: Transaction, command: FreezeAccount) -> Sequence[Event]:
    """Stops an account, whatever its state; several freezes may stand at once."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    freezes.require_order(command)
    books = await store.lock_books(tx, [command.account], [])
    books.account(command.account)
    await _insert(tx, command, Scope.ACCOUNT, 0)
    await freeze_store.freeze_account(tx, command.account, command.freeze_id)
    return [AccountFrozen(**asdict(command))]


async def freeze_credits(tx: Transaction, command: FreezeCredits) -> Sequence[Event]:
    """Stops exactly these serials, which are free in the registry or at a venue, or none of them."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    freezes.require_order(command)
    wanted = freezes.blocks_of(command.spans)
    locked = await store.lock_books(tx, [command.account], [])
    locked.account(command.account)
    free = await freeze_store.list_free_within(tx, command.account, wanted)
    parts = [
        part
        for block, held in zip(wanted, free, strict=True)
        for part in freezes.free_parts(command.account, block, held)
    ]
    whole = [one for held in free for one in held]
    books = await freeze_store.lock_holdings(tx, [command.account], whole)
    posting, target = freezes.posting(command.freeze_id), Place(command.account, Bucket.FROZEN)
    books.move_spans(posting, parts, target, tx.effective_at)
    await _insert(tx, command, Scope.CREDITS, total(wanted))
    await freeze_store.insert_frozen(tx, command.freeze_id, parts)
    await store.write_books(tx, books)
    return [
        CreditsFrozen(
            freeze_id=command.freeze_id,
            account=command.account,
            kind=command.kind,
            ordered_by=command.ordered_by,
            document_number=command.document_number,
            document_sha256=command.document_sha256,
            reason=command.reason,
            tonnes=total(wanted),
            ranges=books.ranges([part.block for part in parts]),
        )
    ]


async def _insert(
    tx: Transaction, command: FreezeAccount | FreezeCredits, scope: Scope, tonnes: int
) -> None:
    if not await freeze_store.insert_freeze(tx, command, scope, tonnes):
        raise AlreadyExists("freeze", str(command.freeze_id))


async def release_freeze(tx: Transaction, command: ReleaseFreeze) -> Sequence[Event]:
    """Ends a freeze; what it still holds goes back to where it was."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    freezes.require_ground(command.document_sha256, command.reason)
    read = await freeze_store.get_freeze(tx, command.freeze_id)
    if read is None:
        raise Unknown("freeze", str(command.freeze_id))
    await store.lock_books(tx, [read.account], [])
    locked = await freeze_store.get_freeze(tx, command.freeze_id)
    assert locked is not None  # nothing deletes freezes
    freezes.released(locked, tx.effective_at)
    held = await freeze_store.list_frozen(tx, command.freeze_id)
    books = await freeze_store.lock_holdings(tx, [read.account], [one.holding for one in held])
    posting = freezes.release_posting(command.freeze_id)
    for one in held:
        books.move_spans(posting, [one.holding], one.back, tx.effective_at)
    await store.write_books(tx, books)
    await freeze_store.thaw(tx, [one.block for one in held])
    await freeze_store.unfreeze_account(tx, read.account, command.freeze_id)
    await freeze_store.release_freeze(tx, command)
    return [
        FreezeReleased(
            freeze_id=command.freeze_id,
            account=read.account,
            document_sha256=command.document_sha256,
            reason=command.reason,
            ranges=books.ranges([one.block for one in held]),
        )
    ]


async def enforce_transfer(tx: Transaction, command: EnforceTransfer) -> Sequence[Event]:
    """Gives credits another holder on documents; neither a freeze nor the state of the account stands against it."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    freezes.require_enforceable(command)
    books, spans = await _lock_enforced(tx, command)
    transfers.require_receiver(books.account(command.to_account))
    blocks = [one.block for one in spans]
    if not await freeze_store.insert_enforcement(tx, command, total(blocks)):
        raise AlreadyExists("transfer", str(command.transfer_id))
    posting = freezes.enforcement_posting(command.transfer_id)
    books.move_spans(posting, spans, Place(command.to_account, Bucket.REGISTRY), tx.effective_at)
    await store.write_books(tx, books)
    await freeze_store.thaw(tx, blocks if command.freeze_id else [])
    return [
        TransferEnforced(
            transfer_id=command.transfer_id,
            from_account=command.from_account,
            to_account=command.to_account,
            ground=command.ground,
            document_sha256=command.document_sha256,
            reason=command.reason,
            freeze_id=command.freeze_id,
            tonnes=total(blocks),
            ranges=books.ranges(blocks),
        )
    ]


async def _lock_enforced(
    tx: Transaction, command: EnforceTransfer
) -> tuple[Books, Sequence[Holding]]:
    """The books with both accounts, and the serials in them that change hands."""
    holder, receiver = command.from_account, command.to_account
    if command.freeze_id is not None:
        return await lock_frozen(tx, command.freeze_id, holder, receiver)
    assert command.project is not None  # with vintage and tonnes, if there is no freeze
    assert command.vintage is not None
    assert command.tonnes is not None
    instrument = Instrument(command.project, command.vintage)
    require_tonnes(command.tonnes)
    require_instrument(instrument)
    return await lock_free(tx, holder, instrument, command.tonnes, receiver)


async def lock_frozen(
    tx: Transaction, freeze_id: UUID, account: str, *others: str
) -> tuple[Books, Sequence[Holding]]:
    """All that a freeze of the account holds; whoever takes it has it thawed. Raises a refusal if it holds nothing."""
    parties = account, *others
    locked = await store.lock_books(tx, parties, [])
    locked.account(account)
    found = await freeze_store.get_freeze(tx, freeze_id)
    freeze = freezes.require_of(found, freeze_id, account)
    spans = freezes.held_by(freeze, await freeze_store.list_frozen(tx, freeze_id))
    return await freeze_store.lock_holdings(tx, parties, spans), spans


async def lock_free(
    tx: Transaction, account: str, instrument: Instrument, tonnes: int, *others: str
) -> tuple[Books, Sequence[Holding]]:
    """So many tonnes that the account has free, in the registry and then at venues; raises NotEnoughCredits."""
    parties = account, *others
    locked = await store.lock_books(tx, parties, [])
    locked.account(account)
    held = await freeze_store.list_free(tx, account, instrument, tonnes)
    spans = freezes.first_spans(account, instrument, held, tonnes)
    return await freeze_store.lock_holdings(tx, parties, held), spans


COMMANDS: Mapping[type[Command], Handler] = {
    FreezeAccount: freeze_account,
    FreezeCredits: freeze_credits,
    ReleaseFreeze: release_freeze,
    EnforceTransfer: enforce_transfer,
}
FOUR_EYES: Mapping[type[Command], Role] = dict.fromkeys(COMMANDS, Role.APPROVER)
