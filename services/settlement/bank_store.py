"""What settlement keeps of the bank: its reports, its days and its statements; one function a statement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from services.kernel.clocks import market_day
from services.runtime import queries
from services.runtime.postgres import Transaction, columns, row
from services.settlement.ledger import CashEntry
from services.settlement.messages.cash import ReportedStatement

sql = queries.load(Path(__file__).with_name("bank.sql"))


@dataclass(frozen=True, slots=True)
class KnownBankReport:
    """What came of a bank reference before."""

    digest: bytes
    state: str


@dataclass(frozen=True, slots=True)
class BankFigures:
    """What was paid in and out on a day, and what all days up to it leave; in fen."""

    deposits_fen: int
    withdrawals_fen: int
    closing_fen: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The bank's figures of a day beside the ledger's."""

    bank: BankFigures
    booked: BankFigures
    explained_fen: int
    """By how much the balances differ since an earlier day, as two persons have explained."""

    @property
    def is_matched(self) -> bool:
        """Whether they are equal but for what is explained."""
        expected = self.booked.closing_fen + self.explained_fen
        return self.bank == replace(self.booked, closing_fen=expected)


async def get_report(tx: Transaction, bank_reference: str) -> KnownBankReport | None:
    """What came of this bank reference, if it came before."""
    record = await tx.connection.fetchrow(sql["get_bank_report"], bank_reference)
    return row(KnownBankReport, record)


async def insert_report(
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


async def add_to_days(tx: Transaction, entries: Sequence[CashEntry]) -> None:
    """Counts what is booked with the bank on each day; entries between accounts are none of it."""
    with_bank = [one for one in entries if one.payer is None or one.payee is None]
    if not with_bank:
        return
    added = columns(
        (
            one.venue,
            one.currency,
            market_day(one.effective_at),
            one.amount_fen if one.payer is None else 0,
            one.amount_fen if one.payee is None else 0,
        )
        for one in with_bank
    )
    await tx.connection.execute(sql["add_to_bank_days"], *added)


async def get_booked(tx: Transaction, venue: str, currency: str, day: date) -> BankFigures:
    """What the ledger booked of the bank on this day and up to it."""
    found = row(BankFigures, await tx.connection.fetchrow(sql["get_booked"], venue, currency, day))
    assert found is not None  # sums are one row
    return found


async def get_explained(tx: Transaction, venue: str, currency: str, day: date) -> int:
    """By how much the bank's balance differs from the ledger's since an earlier day, as was explained then."""
    return await tx.connection.fetchval(sql["get_explained"], venue, currency, day) or 0


async def get_statement_digest(tx: Transaction, statement_id: str) -> bytes | None:
    """What the statement of this id said before."""
    return await tx.connection.fetchval(sql["get_statement_digest"], statement_id)


async def last_comparison(
    tx: Transaction, venue: str, currency: str, day: date
) -> Comparison | None:
    """The newest statement of this day beside what was booked when it came."""
    found = await tx.connection.fetchrow(sql["get_last_statement"], venue, currency, day)
    if found is None:
        return None
    figures = tuple(found)
    return Comparison(BankFigures(*figures[:3]), BankFigures(*figures[3:6]), figures[6])


async def insert_statement(
    tx: Transaction, statement: ReportedStatement, digest: bytes, compared: Comparison
) -> None:
    """Keeps a statement and what was booked when it came."""
    await tx.connection.execute(
        sql["insert_statement"],
        statement.statement_id,
        digest,
        statement.venue,
        statement.currency,
        statement.date,
        compared.bank.deposits_fen,
        compared.bank.withdrawals_fen,
        compared.bank.closing_fen,
        compared.booked.deposits_fen,
        compared.booked.withdrawals_fen,
        compared.booked.closing_fen,
        compared.explained_fen,
        tx.recorded_at,
    )
