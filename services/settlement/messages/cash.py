"""Cash: what the settlement bank reports, and what becomes of it."""

from datetime import date, datetime

import msgspec

from services.runtime.messages import Event


class ReportedCash(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``bank.deposit_reported`` and ``bank.withdrawal_reported``."""

    bank_reference: str
    """Unique for ever: the same reference is booked once."""
    account: str
    venue: str
    """At which venue the money may be spent."""
    currency: str
    amount_fen: int
    """Above zero, in fen."""
    booked_at: datetime


class ReportedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``bank.statement_reported``: the settlement account of one venue at the end of a day."""

    statement_id: str
    """Unique for ever: the same statement counts once."""
    venue: str
    currency: str
    date: date
    deposits_fen: int
    """Paid in on this day, in fen."""
    withdrawals_fen: int
    """Paid out on this day, in fen."""
    closing_balance_fen: int


class CashMoved(Event, frozen=True, kw_only=True, tag="settlement.cash.moved"):
    """The bank reported a deposit (positive) or a withdrawal (negative), and it is booked."""

    bank_reference: str
    account: str
    venue: str
    currency: str
    amount_fen: int

    @property
    def subject(self) -> str:
        return f"cash/{self.bank_reference}"


class CashRejected(Event, frozen=True, kw_only=True, tag="settlement.cash.rejected"):
    """What the bank reported cannot be booked; people must look at it."""

    bank_reference: str
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"cash/{self.bank_reference}"
