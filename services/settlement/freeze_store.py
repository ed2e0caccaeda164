"""What settlement keeps of freezes and enforcements: one function a statement."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from msgspec.structs import astuple

from services.kernel.blocks import Block
from services.runtime import queries
from services.runtime.postgres import Transaction, columns, copied
from services.settlement import store
from services.settlement.books import Books
from services.settlement.freezes import Freeze, Frozen, Scope, State
from services.settlement.ledger import Bucket, Holding, Instrument, Place
from services.settlement.messages.freezes import (
    EnforceTransfer,
    FreezeAccount,
    FreezeCredits,
    ReleaseFreeze,
)

sql = queries.load(Path(__file__).with_name("freezes.sql"))


class FreezeChangedError(RuntimeError):
    """A freeze was not as it was read, although its account was locked: nothing of the transaction may stand."""


async def insert_freeze(
    tx: Transaction, order: FreezeAccount | FreezeCredits, scope: Scope, tonnes: int
) -> bool:
    """Keeps a freeze for ever; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_freeze"],
        order.freeze_id,
        order.account,
        scope,
        order.kind,
        order.ordered_by,
        order.document_number,
        order.document_sha256,
        order.reason,
        tonnes,
        tx.actor.subject,
        tx.approved_by,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None


async def get_freeze(tx: Transaction, freeze_id: UUID) -> Freeze | None:
    """A freeze, whatever became of it; it changes only under the lock of its account."""
    record = await tx.connection.fetchrow(sql["get_freeze"], freeze_id)
    if record is None:
        return None
    found: dict[str, Any] = dict(record)
    found["scope"], found["state"] = Scope(found["scope"]), State(found["state"])
    return Freeze(**found)


async def release_freeze(tx: Transaction, command: ReleaseFreeze) -> None:
    """Keeps the end of a freeze; raises FreezeChangedError if it had ended before."""
    status = await tx.connection.execute(
        sql["release_freeze"],
        command.freeze_id,
        command.document_sha256,
        command.reason,
        tx.actor.subject,
        tx.approved_by,
        tx.effective_at,
    )
    if status != "UPDATE 1":
        raise FreezeChangedError(status)


async def freeze_account(tx: Transaction, number: str, freeze_id: UUID) -> None:
    """From now on this freeze too stops the account."""
    await tx.connection.execute(sql["freeze_account"], number, freeze_id)


async def unfreeze_account(tx: Transaction, number: str, freeze_id: UUID) -> None:
    """This freeze stops the account no more."""
    await tx.connection.execute(sql["unfreeze_account"], number, freeze_id)


async def insert_frozen(tx: Transaction, freeze_id: UUID, parts: Iterable[Holding]) -> None:
    """Keeps which blocks the freeze holds, and where each of them was."""
    names = "freeze_id", "batch_id", "first_serial", "next_serial", "bucket", "venue"
    rows = [
        (freeze_id, *astuple(one.block), one.place.bucket.value, one.place.venue) for one in parts
    ]
    await copied(tx, "frozen_block", names, rows)


async def list_frozen(tx: Transaction, freeze_id: UUID) -> list[Frozen]:
    """What the freeze holds, the oldest batch first."""
    return [
        Frozen(
            Block(one["batch_id"], one["first_serial"], one["next_serial"]),
            Place(one["account"], Bucket(one["bucket"]), one["venue"]),
        )
        for one in await tx.connection.fetch(sql["list_frozen"], freeze_id)
    ]


async def thaw(tx: Transaction, blocks: Sequence[Block]) -> None:
    """These blocks have left the bucket ``frozen``: no freeze holds them any more."""
    if not blocks:
        return
    gone = await tx.connection.fetchval(sql["thaw_blocks"], *columns(map(astuple, blocks)))
    if gone != len(blocks):
        raise FreezeChangedError(f"{gone} blocks, expected {len(blocks)}")


async def list_free_within(
    tx: Transaction, account: str, wanted: Sequence[Block]
) -> list[list[Holding]]:
    """Of each of these blocks what the account holds free, in the order of the serials."""
    found: list[list[Holding]] = [[] for _ in wanted]
    asked = columns(map(astuple, wanted))
    for one in await tx.connection.fetch(sql["list_free_within"], account, *asked):
        place: int = one["place"]
        found[place - 1].append(holding(one))
    return found


async def list_free(
    tx: Transaction, account: str, instrument: Instrument, tonnes: int
) -> list[Holding]:
    """What the account holds free of the instrument, until there are so many tonnes."""
    named = instrument.project, instrument.vintage
    found = await tx.connection.fetch(sql["list_free"], account, *named, tonnes)
    return [holding(one) for one in found]


def holding(record: asyncpg.Record) -> Holding:
    """A block and where it is, as the statements here name them."""
    block = Block(record["batch_id"], record["first_serial"], record["next_serial"])
    return Holding(block, Place(record["account"], Bucket(record["bucket"]), record["venue"]))


async def lock_holdings(tx: Transaction, accounts: Iterable[str], held: Iterable[Holding]) -> Books:
    """The books with these holdings alone, their batches locked after the accounts; read them under their locks."""
    known = dict.fromkeys(held)
    ids = sorted({one.block.batch for one in known})
    found = await tx.connection.fetch(sql["list_instruments"], ids)
    instruments = [Instrument(one["project"], one["vintage"]) for one in found]
    books = await store.lock_books(tx, accounts, instruments)
    books.load(known)
    return books


async def insert_enforcement(tx: Transaction, command: EnforceTransfer, tonnes: int) -> bool:
    """Keeps a change of title for ever; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_enforcement"],
        command.transfer_id,
        command.from_account,
        command.to_account,
        command.freeze_id,
        tonnes,
        command.ground,
        command.document_sha256,
        command.reason,
        tx.actor.subject,
        tx.approved_by,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None
