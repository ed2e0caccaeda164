"""What settlement keeps of the ledger and of moves: one function a statement."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from services.issuance.messages.batches import CreditsIssued
from services.kernel.blocks import Block, total
from services.kernel.refusals import NotYetKnown
from services.runtime import queries
from services.runtime.postgres import Transaction, columns, copied, row, rows
from services.settlement import bank_store
from services.settlement.books import Books
from services.settlement.ledger import (
    Account,
    Batch,
    CashEntry,
    CashKey,
    CashPosition,
    CreditEntry,
    Holding,
    Instrument,
    Place,
)
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue
from services.settlement.retirements import Programme

_FIRST_BLOCKS = 8
"""So many blocks of a place are loaded at first: mostly one or two of them suffice."""
_NOWHERE = None, None, None

sql = queries.beside(__file__)


class BooksChangedError(RuntimeError):
    """A row was not as it was read, although it was locked: nothing of the transaction may stand."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """How many tonnes of an instrument a place may have to give."""

    place: Place
    instrument: Instrument
    tonnes: int


async def insert_account(
    tx: Transaction, number: str, account_id: UUID, organisation_id: UUID, kind: str
) -> None:
    """Learns of an account."""
    await tx.connection.execute(sql["insert_account"], number, account_id, organisation_id, kind)


async def set_account_status(tx: Transaction, number: str, status: str) -> None:
    """Learns of a restriction, of its end, or of a closure."""
    await _change_account(tx, "set_account_status", number, status)


async def set_trading_account(tx: Transaction, number: str, trading_account: str) -> None:
    """Learns that the account may trade."""
    await _change_account(tx, "set_trading_account", number, trading_account)


async def add_operator(tx: Transaction, number: str, operator: str) -> None:
    """Learns who may act for the account."""
    await _change_account(tx, "add_operator", number, operator)


async def remove_operator(tx: Transaction, number: str, operator: str) -> None:
    """Learns who may act for the account no more."""
    await _change_account(tx, "remove_operator", number, operator)


async def _change_account(tx: Transaction, statement: str, number: str, value: str) -> None:
    if await tx.connection.fetchval(sql[statement], number, value) is None:
        raise NotYetKnown("account", number)


async def insert_programme(tx: Transaction, programme: Programme) -> None:
    """Learns of a programme."""
    await tx.connection.execute(
        sql["insert_programme"], programme.code, programme.kind, programme.is_ets_eligible
    )


async def get_programme(tx: Transaction, code: str) -> Programme | None:
    """A programme, if it is known here."""
    return row(Programme, await tx.connection.fetchrow(sql["get_programme"], code))


async def insert_batch(tx: Transaction, batch: Batch, block: Block, issued: CreditsIssued) -> None:
    """Learns of a batch and its serials, and of what decides where they count."""
    await tx.connection.execute(
        sql["insert_batch"],
        batch.batch_id,
        batch.programme,
        batch.country,
        batch.project,
        batch.vintage,
        batch.batch_number,
        block.first,
        block.next,
        issued.is_opening,
        batch.issued_at,
        issued.registered_on,
        issued.holder_account,
    )


async def lock_books(
    tx: Transaction,
    accounts: Iterable[str],
    instruments: Iterable[Instrument],
    wanted: Sequence[Wanted] = (),
    cash: Iterable[CashKey] = (),
) -> Books:
    """Locks the accounts in order, then the batches in order, and loads what the transaction may touch."""
    locked = await tx.connection.fetch(sql["lock_accounts"], sorted(set(accounts)))
    pairs = sorted(set(instruments))
    found = await tx.connection.fetch(
        sql["list_batches"], [pair.project for pair in pairs], [pair.vintage for pair in pairs]
    )
    batches = rows(Batch, found)
    await tx.connection.execute(sql["lock_batches"], sorted(batch.batch_id for batch in batches))
    return Books.of(
        rows(Account, locked), batches, await _holdings(tx, wanted), await _cash(tx, set(cash))
    )


async def _holdings(tx: Transaction, wanted: Sequence[Wanted]) -> list[Holding]:
    """The blocks that each place gives first; where the first few do not suffice, as many as do."""
    few = await _blocks(tx, "list_first_holdings", wanted, _FIRST_BLOCKS)
    short = [one for one in wanted if _is_short(one.tonnes, few[one])]
    blocks = few | await _blocks(tx, "list_holdings", short)
    return [Holding(block, one.place) for one in wanted for block in blocks[one]]


def _is_short(tonnes: int, few: Sequence[Block]) -> bool:
    """Whether the place may have more than the few blocks that were looked at, and is to give more."""
    return len(few) == _FIRST_BLOCKS and total(few) < tonnes


async def _blocks(
    tx: Transaction, statement: str, wanted: Sequence[Wanted], *limit: int
) -> dict[Wanted, list[Block]]:
    found: dict[Wanted, list[Block]] = {one: [] for one in wanted}
    if not wanted:
        return found
    asked = columns(
        (
            one.place.account,
            one.place.bucket,
            one.place.venue,
            one.instrument.project,
            one.instrument.vintage,
            one.tonnes,
        )
        for one in wanted
    )
    for place, *block in await tx.connection.fetch(sql[statement], *asked, *limit):
        found[wanted[place - 1]].append(Block(*block))
    return found


async def _cash(tx: Transaction, keys: Collection[CashKey]) -> dict[CashKey, CashPosition]:
    if not keys:
        return {}
    asked = columns((key.account, key.venue, key.currency) for key in keys)
    return {
        CashKey(one["account"], one["venue"], one["currency"]): CashPosition(
            one["balance_fen"], one["held_fen"], one["pending_fen"]
        )
        for one in await tx.connection.fetch(sql["list_cash"], *asked)
    }


async def write_books(tx: Transaction, books: Books) -> None:
    """Writes the difference set-based, and requires that every changed row was still as it was read."""
    await _change_holdings(tx, list(books.changed()))
    await _insert_holdings(tx, books.added())
    await _insert_credit_entries(tx, books.credit_entries)
    await _insert_cash_entries(tx, books.cash_entries)
    await _change_cash(tx, list(books.cash_changes()), list(books.cash_opened()))


async def _change_holdings(tx: Transaction, changed: Sequence[tuple[Holding, Holding]]) -> None:
    if not changed:
        return
    changes = columns(
        (
            before.block.batch,
            before.block.first,
            before.block.next,
            after.block.next,
            before.place.account,
            after.place.account,
            after.place.bucket,
            after.place.venue,
        )
        for before, after in changed
    )
    _require_count(await tx.connection.execute(sql["change_holdings"], *changes), len(changed))


async def _insert_holdings(tx: Transaction, added: Iterable[Holding]) -> None:
    names = "batch_id", "first_serial", "next_serial", "account", "bucket", "venue"
    rows = [(*astuple(one.block), *astuple(one.place)) for one in added]
    await copied(tx, "holding", names, rows)


async def _insert_credit_entries(tx: Transaction, entries: Sequence[CreditEntry]) -> None:
    names = (
        *("posting", "batch_id", "first_serial", "next_serial"),
        *("from_account", "from_bucket", "from_venue", "to_account", "to_bucket", "to_venue"),
        *("effective_at", "recorded_at"),
    )
    rows = [
        (
            one.posting,
            *astuple(one.block),
            *(astuple(one.source) if one.source else _NOWHERE),
            *astuple(one.target),
            one.effective_at,
            tx.recorded_at,
        )
        for one in entries
    ]
    await copied(tx, "credit_entry", names, rows)


async def _insert_cash_entries(tx: Transaction, entries: Sequence[CashEntry]) -> None:
    names = (
        *("posting", "venue", "currency", "from_account", "to_account", "amount_fen"),
        *("effective_at", "recorded_at"),
    )
    await copied(tx, "cash_entry", names, [(*astuple(one), tx.recorded_at) for one in entries])
    await bank_store.add_to_days(tx, entries)


async def _change_cash(
    tx: Transaction, changes: Sequence[tuple[CashKey, CashPosition]], opened: Sequence[CashKey]
) -> None:
    """By difference; a first payment makes the position."""
    if opened:
        new = columns((key.account, key.venue, key.currency) for key in opened)
        await tx.connection.execute(sql["open_cash_positions"], *new)
    if not changes:
        return
    deltas = columns(
        (key.account, key.venue, key.currency, by.balance_fen, by.held_fen, by.pending_fen)
        for key, by in changes
    )
    _require_count(await tx.connection.execute(sql["add_cash"], *deltas), len(changes))


def _require_count(status: str, expected: int) -> None:
    if status != f"UPDATE {expected}":
        raise BooksChangedError(f"{status}, expected {expected}")


async def insert_move(tx: Transaction, move: MoveToVenue | MoveFromVenue, to_bucket: str) -> bool:
    """Notes a move; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_move"],
        move.move_id,
        move.account,
        move.venue,
        move.project,
        move.vintage,
        move.tonnes,
        to_bucket,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None
