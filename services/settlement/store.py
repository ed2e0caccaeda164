"""What settlement keeps of the ledger, venues, moves, retirements and bank reports: one function a statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown
from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows
from services.settlement.ledger import (
    Account,
    Batch,
    Books,
    Bucket,
    CashKey,
    Holding,
    Instrument,
    Place,
)
from services.settlement.messages import (
    OpenVenue,
    RetireCredits,
)
from services.settlement.retirements import Programme
from services.settlement.trades import Venue

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
    found = await tx.connection.fetch(
        sql["list_holdings"],
        [one.place.account for one in wanted],
        [one.place.bucket for one in wanted],
        [one.place.venue for one in wanted],
        [one.instrument.project for one in wanted],
        [one.instrument.vintage for one in wanted],
        [one.tonnes for one in wanted],
    )
    return [_holding(record) for record in found]


def _holding(record: asyncpg.Record) -> Holding:
    block = Block(record["batch_id"], record["first_serial"], record["next_serial"])
    return Holding(block, Place(record["account"], Bucket(record["bucket"]), record["venue"]))


async def _cash(tx: Transaction, keys: Iterable[CashKey]) -> dict[CashKey, int]:
    wanted = list(keys)
    found = await tx.connection.fetch(
        sql["list_cash"],
        [key.account for key in wanted],
        [key.venue for key in wanted],
        [key.currency for key in wanted],
    )
    return {
        CashKey(record["account"], record["venue"], record["currency"]): record["balance_fen"]
        for record in found
    }


async def write_books(tx: Transaction, books: Books) -> None:
    """Writes the difference set-based, and requires that every changed row was still as it was read."""
    await _change_holdings(tx, list(books.changed()))
    await _insert_holdings(tx, list(books.added()))
    await _insert_entries(tx, books)
    await _change_cash(tx, list(books.cash_changes()))


async def _change_holdings(tx: Transaction, changed: Sequence[tuple[Holding, Holding]]) -> None:
    if not changed:
        return
    status = await tx.connection.execute(
        sql["change_holdings"],
        [before.block.batch for before, _ in changed],
        [before.block.first for before, _ in changed],
        [before.block.next for before, _ in changed],
        [after.block.next for _, after in changed],
        [before.place.account for before, _ in changed],
        [after.place.account for _, after in changed],
        [after.place.bucket for _, after in changed],
        [after.place.venue for _, after in changed],
    )
    _require_count(status, len(changed))


async def _insert_holdings(tx: Transaction, added: Sequence[Holding]) -> None:
    if not added:
        return
    await tx.connection.execute(
        sql["insert_holdings"],
        [holding.block.batch for holding in added],
        [holding.block.first for holding in added],
        [holding.block.next for holding in added],
        [holding.place.account for holding in added],
        [holding.place.bucket for holding in added],
        [holding.place.venue for holding in added],
    )


async def _insert_entries(tx: Transaction, books: Books) -> None:
    moved, cash = books.credit_entries, books.cash_entries
    if moved:
        sources = [entry.source for entry in moved]
        await tx.connection.execute(
            sql["insert_credit_entries"],
            [entry.posting for entry in moved],
            [entry.block.batch for entry in moved],
            [entry.block.first for entry in moved],
            [entry.block.next for entry in moved],
            [source and source.account for source in sources],
            [source and source.bucket for source in sources],
            [source and source.venue for source in sources],
            [entry.target.account for entry in moved],
            [entry.target.bucket for entry in moved],
            [entry.target.venue for entry in moved],
            [entry.effective_at for entry in moved],
            tx.recorded_at,
        )
    if cash:
        await tx.connection.execute(
            sql["insert_cash_entries"],
            [entry.posting for entry in cash],
            [entry.venue for entry in cash],
            [entry.currency for entry in cash],
            [entry.payer for entry in cash],
            [entry.payee for entry in cash],
            [entry.amount_fen for entry in cash],
            [entry.effective_at for entry in cash],
            tx.recorded_at,
        )


async def _change_cash(tx: Transaction, changes: Sequence[tuple[CashKey, int]]) -> None:
    if not changes:
        return
    keys = (
        [key.account for key, _ in changes],
        [key.venue for key, _ in changes],
        [key.currency for key, _ in changes],
    )
    await tx.connection.execute(sql["open_cash_positions"], *keys)
    status = await tx.connection.execute(sql["add_cash"], *keys, [delta for _, delta in changes])
    _require_count(status, len(changes))


def _require_count(status: str, expected: int) -> None:
    if status != f"UPDATE {expected}":
        raise BooksChangedError(f"{status}, expected {expected}")


async def insert_venue(tx: Transaction, venue: OpenVenue) -> bool:
    """Admits a venue; False if its code is taken."""
    code = await tx.connection.fetchval(
        sql["insert_venue"],
        venue.code,
        venue.name,
        venue.programmes,
        venue.methods,
        venue.tick_fen,
    )
    return code is not None


async def get_venue(tx: Transaction, code: str) -> Venue | None:
    """A venue, if it was admitted."""
    return row(Venue, await tx.connection.fetchrow(sql["get_venue"], code))


async def set_venue_mode(tx: Transaction, code: str, mode: str) -> None:
    """Puts a venue into replay, or back."""
    await tx.connection.execute(sql["set_venue_mode"], code, mode)


async def insert_move(
    tx: Transaction,
    move_id: UUID,
    account: str,
    venue: str,
    instrument: Instrument,
    tonnes: int,
    to_bucket: str,
) -> bool:
    """Notes a move; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_move"],
        move_id,
        account,
        venue,
        instrument.project,
        instrument.vintage,
        tonnes,
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


@dataclass(frozen=True, slots=True)
class KnownBankReport:
    """What came of a bank reference before."""

    digest: bytes
    state: str


async def get_bank_report(tx: Transaction, bank_reference: str) -> KnownBankReport | None:
    """What came of this bank reference, if it came before."""
    record = await tx.connection.fetchrow(sql["get_bank_report"], bank_reference)
    return row(KnownBankReport, record)


async def insert_bank_report(
    tx: Transaction, bank_reference: str, digest: bytes, code: str | None
) -> None:
    """Notes a bank reference as booked, or as rejected with this code."""
    await tx.connection.execute(
        sql["insert_bank_report"],
        bank_reference,
        digest,
        "REJECTED" if code else "BOOKED",
        code,
        tx.effective_at,
        tx.recorded_at,
    )
