"""What settlement keeps of the ledger, moves and retirements: one function a statement."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown
from services.runtime import queries
from services.runtime.postgres import Transaction, columns, row, rows
from services.settlement import bank_store
from services.settlement.books import Books
from services.settlement.ledger import (
    Account,
    Batch,
    Bucket,
    CashKey,
    CashPosition,
    Holding,
    Instrument,
    Place,
)
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue
from services.settlement.messages.retirements import RetireCredits
from services.settlement.retirements import Programme

sql = queries.beside(__file__)


class BooksChangedError(RuntimeError):
    """A row was not as it was read, although it was locked: nothing of the transaction may stand."""


@dataclass(frozen=True, slots=True)
class Wanted:
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


async def insert_batch(tx: Transaction, batch: Batch, block: Block, is_opening: bool) -> None:
    """Learns of a batch and its serials."""
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
        is_opening,
        batch.issued_at,
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
    if not wanted:
        return []
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
    return [_holding(record) for record in await tx.connection.fetch(sql["list_holdings"], *asked)]


def _holding(record: asyncpg.Record) -> Holding:
    block = Block(record["batch_id"], record["first_serial"], record["next_serial"])
    return Holding(block, Place(record["account"], Bucket(record["bucket"]), record["venue"]))


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
    await _insert_holdings(tx, list(books.added()))
    await _insert_entries(tx, books)
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


async def _insert_holdings(tx: Transaction, added: Sequence[Holding]) -> None:
    if not added:
        return
    new = columns(
        (
            holding.block.batch,
            holding.block.first,
            holding.block.next,
            holding.place.account,
            holding.place.bucket,
            holding.place.venue,
        )
        for holding in added
    )
    await tx.connection.execute(sql["insert_holdings"], *new)


async def _insert_entries(tx: Transaction, books: Books) -> None:
    if books.credit_entries:
        moved = columns(
            (
                entry.posting,
                entry.block.batch,
                entry.block.first,
                entry.block.next,
                entry.source and entry.source.account,
                entry.source and entry.source.bucket,
                entry.source and entry.source.venue,
                entry.target.account,
                entry.target.bucket,
                entry.target.venue,
                entry.effective_at,
            )
            for entry in books.credit_entries
        )
        await tx.connection.execute(sql["insert_credit_entries"], *moved, tx.recorded_at)
    if books.cash_entries:
        paid = columns(
            (
                entry.posting,
                entry.venue,
                entry.currency,
                entry.payer,
                entry.payee,
                entry.amount_fen,
                entry.effective_at,
            )
            for entry in books.cash_entries
        )
        await tx.connection.execute(sql["insert_cash_entries"], *paid, tx.recorded_at)
        await bank_store.add_to_days(tx, books.cash_entries)


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


async def next_certificate_number(tx: Transaction, year: int) -> int:
    """The running number of the year's next certificate."""
    return await tx.connection.fetchval(sql["next_certificate_number"], year)


async def has_retirement(tx: Transaction, retirement_id: UUID) -> bool:
    """Whether the id was used before."""
    return await tx.connection.fetchval(sql["has_retirement"], retirement_id)


async def insert_retirement(
    tx: Transaction, command: RetireCredits, certificate: str, programme: str, approver: str
) -> None:
    """Records a use of credits for ever."""
    await tx.connection.execute(
        sql["insert_retirement"],
        command.retirement_id,
        certificate,
        command.account,
        programme,
        command.project,
        command.vintage,
        command.tonnes,
        command.purpose,
        command.beneficiary_name,
        command.beneficiary_id,
        command.beneficiary_country,
        command.reporting_period,
        command.reason,
        command.is_public,
        tx.actor.subject,
        approver,
        tx.effective_at,
        tx.recorded_at,
    )
