"""The ledger's words: places, holdings, cash positions, and the entries by which they change.

They are structs: a batch of trades makes thousands of them, at a fifth of what a frozen dataclass costs, and as none
refers back to itself the garbage collector need not look at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from services.kernel.blocks import Block, serial_text
from services.kernel.refusals import Conflict
from services.settlement.messages.holdings import SerialRange


class Bucket(StrEnum):
    """Where a holder's credits are; from the last two there is no way back."""

    REGISTRY = "registry"
    EXCHANGE = "exchange"
    RESERVED = "reserved"
    LOCKED = "locked"
    FROZEN = "frozen"
    BUFFER = "buffer"
    RETIRED = "retired"
    CANCELLED = "cancelled"


class Place(msgspec.Struct, frozen=True, gc=False):
    """One holder's bucket; a venue belongs to ``exchange``, and to what is ``reserved`` for its trades."""

    account: str
    bucket: Bucket
    venue: str | None = None


class Instrument(msgspec.Struct, frozen=True, order=True, gc=False):
    """What is traded: one project's credits of one vintage."""

    project: str
    vintage: int


class Batch(msgspec.Struct, frozen=True, gc=False):
    """A batch as issuance announced it."""

    batch_id: UUID
    programme: str
    country: str
    project: str
    vintage: int
    batch_number: int
    issued_at: datetime

    @property
    def instrument(self) -> Instrument:
        """What its credits trade as."""
        return Instrument(self.project, self.vintage)

    def serials(self, block: Block) -> SerialRange:
        """A block of this batch as the public knows it: both ends belong to it."""
        text = serial_text(
            self.programme, self.country, self.project, self.vintage, self.batch_number, block
        )
        return SerialRange(
            batch_id=self.batch_id,
            first_serial=block.first,
            last_serial=block.next - 1,
            serials=text,
        )


class Account(msgspec.Struct, frozen=True, gc=False):
    """An account as the registry announced it."""

    number: str
    organisation_id: UUID
    kind: str
    status: str
    trading_account: str | None = None
    """Its number; without one the account trades nothing."""
    operators: Sequence[str] = ()
    """Who alone may act for the account; as long as there is nobody, anyone of its organisation."""
    frozen_by: Sequence[UUID] = ()
    """The freezes of the whole account: while there is one, nothing leaves it and nothing is traded."""
    short_of: Sequence[UUID] = ()
    """The open shortfalls: while there is one, the account only receives, buys and makes good."""


class Holding(msgspec.Struct, frozen=True, gc=False):
    """A block and where it is."""

    block: Block
    place: Place


class CashKey(msgspec.Struct, frozen=True, gc=False):
    """One holder's cash at one venue, in one currency."""

    account: str
    venue: str
    currency: str


class CashPosition(msgspec.Struct, frozen=True, gc=False):
    """Cash in fen, as a two-phase transfer leaves it: what is booked, and what captured trades will take and bring."""

    balance_fen: int = 0
    held_fen: int = 0
    pending_fen: int = 0

    @property
    def spendable_fen(self) -> int:
        """What may be spent at the venue: proceeds that are still expected belong to it (article 29)."""
        return self.balance_fen + self.pending_fen - self.held_fen

    @property
    def free_fen(self) -> int:
        """What may leave at once: booked, and held for nothing."""
        return max(0, self.balance_fen - self.held_fen)

    def plus(self, balance_fen: int = 0, held_fen: int = 0, pending_fen: int = 0) -> "CashPosition":
        """The position after a change of each part."""
        return CashPosition(
            self.balance_fen + balance_fen, self.held_fen + held_fen, self.pending_fen + pending_fen
        )


NO_CASH = CashPosition()


class CreditEntry(msgspec.Struct, frozen=True, gc=False):
    """A movement of credits: out of one place, into another; a batch comes out of none."""

    posting: str
    block: Block
    source: Place | None
    target: Place
    effective_at: datetime


class CashEntry(msgspec.Struct, frozen=True, gc=False):
    """A movement of cash at one venue, in fen; a side without an account is the bank."""

    posting: str
    venue: str
    currency: str
    payer: str | None
    payee: str | None
    amount_fen: int
    effective_at: datetime


@dataclass(eq=False)
class NotEnoughCredits(Conflict):
    """The account has fewer credits of this project and vintage there than it would give (article 18)."""

    account: str
    project: str
    vintage: int
    given: int
    available: int


@dataclass(eq=False)
class NotEnoughCash(Conflict):
    """The account has less cash at the venue than it would pay (full pre-funding, article 18)."""

    account: str
    given_fen: int
    available_fen: int
