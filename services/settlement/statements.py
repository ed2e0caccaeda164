"""The bank's statements: a day of a venue's settlement account beside the ledger; a difference halts the venue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.clocks import market_day
from services.kernel.money import FEN_MAX
from services.kernel.refusals import Invalid, NotYetKnown, OutOfRange
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement import bank_store, day_store, market_store
from services.settlement.bank_store import BankFigures, Comparison
from services.settlement.messages.cash import ReportedStatement
from services.settlement.messages.market import CashReconciled, VenueHalted
from services.settlement.trades import CURRENCY, CurrencyNotSettled
from services.settlement.venues import VenueNotOpen


@dataclass(eq=False)
class StatementTooEarly(Invalid):
    """A statement is of a day that has begun."""

    given: date
    today: date


async def reconcile(
    tx: Transaction, statement: ReportedStatement, content: bytes, is_behind: bool
) -> Sequence[Event]:
    """Keeps the statement beside the ledger; figures that nobody has explained yet halt the venue.

    ``is_behind`` says that a report which came before still waits for its account: a difference counts only when that
    is decided (NotYetKnown). Raises the refusal of a statement that nothing can be compared with.
    """
    await _require_comparable(tx, statement)
    key = statement.venue, statement.currency, statement.date
    compared = await _compare(tx, statement)
    if is_behind and not compared.is_matched:
        raise NotYetKnown("cash report", f"before {statement.statement_id}")
    is_news = compared != await bank_store.last_comparison(tx, *key)
    await bank_store.insert_statement(tx, statement, content, compared)
    events: list[Event] = [_reconciled(statement, compared)]
    halts = is_news and not compared.is_matched
    if halts and await day_store.open_gap(tx, statement.venue, statement.date, "CASH"):
        events.append(VenueHalted(venue=statement.venue, date=statement.date, kind="CASH"))
    return events


async def _compare(tx: Transaction, statement: ReportedStatement) -> Comparison:
    """The bank's figures beside the ledger's; where the balances differ, what an earlier day explains of it."""
    key = statement.venue, statement.currency, statement.date
    closing_fen = statement.closing_balance_fen
    bank = BankFigures(statement.deposits_fen, statement.withdrawals_fen, closing_fen)
    booked = await bank_store.get_booked(tx, *key)
    is_equal = booked.closing_fen == closing_fen
    return Comparison(bank, booked, 0 if is_equal else await bank_store.get_explained(tx, *key))


async def _require_comparable(tx: Transaction, statement: ReportedStatement) -> None:
    for name in ("deposits_fen", "withdrawals_fen"):
        _require_fen(name, getattr(statement, name), 0)
    _require_fen("closing_balance_fen", statement.closing_balance_fen, -FEN_MAX)
    if statement.currency != CURRENCY:
        raise CurrencyNotSettled(statement.currency, CURRENCY)
    today = market_day(tx.recorded_at)
    if statement.date > today:
        raise StatementTooEarly(statement.date, today)
    if await market_store.get_venue(tx, statement.venue) is None:
        raise VenueNotOpen(statement.venue)


def _require_fen(name: str, fen: int, least: int) -> None:
    if not least <= fen <= FEN_MAX:
        raise OutOfRange(name, str(fen), f"{least} to {FEN_MAX}")


def _reconciled(statement: ReportedStatement, compared: Comparison) -> CashReconciled:
    return CashReconciled(
        venue=statement.venue,
        currency=statement.currency,
        date=statement.date,
        deposits_fen=statement.deposits_fen,
        withdrawals_fen=statement.withdrawals_fen,
        closing_balance_fen=statement.closing_balance_fen,
        booked_deposits_fen=compared.booked.deposits_fen,
        booked_withdrawals_fen=compared.booked.withdrawals_fen,
        booked_balance_fen=compared.booked.closing_fen,
        explained_fen=compared.explained_fen,
        is_matched=compared.is_matched,
    )
