"""Corrections: nothing is edited; the opposite of what a posting moved is booked, once, by two persons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kernel.blocks import Block
from services.kernel.refusals import Conflict, Invalid
from services.settlement.books import Books
from services.settlement.ledger import Bucket, CashKey, Instrument, Place

CORRECTABLE = ("trade", "move", "transfer", "cash")
"""Kinds of postings that have an opposite; issuance and use of credits have none, and what is held is released."""
REASON_LENGTH_MAX = 2_000
_POSTING_LENGTH_MAX = 300


@dataclass(eq=False)
class PostingNotCorrectable(Invalid):
    """Trades, moves, transfers and bank reports are corrected; issuance, use and holds of credits are not."""

    given: str
    expected: str


@dataclass(eq=False)
class AlreadyCorrected(Conflict):
    """A posting is corrected once, for ever."""

    posting: str
    correction: UUID


@dataclass(eq=False)
class CorrectedBeforePosted(Conflict):
    """What is corrected has happened before."""

    given: datetime
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class CreditLeg:
    """Credits of one instrument that went from one place to another."""

    instrument: Instrument
    source: Place
    target: Place
    tonnes: int


@dataclass(frozen=True, slots=True)
class CashLeg:
    """Cash that went from one account to another; a side that is None is the bank."""

    payer: CashKey | None
    payee: CashKey | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Everything that stands under one name in the ledger, in the order in which it was booked."""

    name: str
    posted_at: datetime
    credits: Sequence[CreditLeg]
    cash: Sequence[CashLeg]

    @property
    def accounts(self) -> list[str]:
        """Whose entries these are."""
        places = {place.account for leg in self.credits for place in (leg.source, leg.target)}
        return sorted(places | {key.account for key in self.cash_keys})

    @property
    def cash_keys(self) -> set[CashKey]:
        """Whose cash it moved."""
        return {key for leg in self.cash for key in (leg.payer, leg.payee) if key}

    @property
    def tonnes(self) -> int:
        """The credits that it moved."""
        return sum(leg.tonnes for leg in self.credits)

    @property
    def amount_fen(self) -> int:
        """The cash that it moved, commissions included."""
        return sum(leg.amount_fen for leg in self.cash)


def require_correctable(posting: str) -> None:
    """Raises PostingNotCorrectable unless postings of this kind have an opposite."""
    kind, _, key = posting.partition("/")
    if kind not in CORRECTABLE or not key or len(posting) > _POSTING_LENGTH_MAX:
        raise PostingNotCorrectable(posting[:100], " or ".join(f"{one}/..." for one in CORRECTABLE))


def opposite(posting: Posting, name: str, at: datetime) -> Posting:
    """The posting that takes all of it back, the last first; raises CorrectedBeforePosted.

    Taken back in this order nobody owes on the way what they would not owe in the end. What had been held before
    it was delivered goes back free: the reason to hold it is gone.
    """
    if at < posting.posted_at:
        raise CorrectedBeforePosted(at, posting.posted_at)
    moved_back = [
        CreditLeg(leg.instrument, leg.target, _freed(leg.source), leg.tonnes)
        for leg in reversed(posting.credits)
    ]
    paid_back = [CashLeg(leg.payee, leg.payer, leg.amount_fen) for leg in reversed(posting.cash)]
    return Posting(name, at, moved_back, paid_back)


def _freed(place: Place) -> Place:
    """Where credits are that are held no longer."""
    if place.bucket != Bucket.RESERVED:
        return place
    bucket = Bucket.EXCHANGE if place.venue else Bucket.REGISTRY
    return Place(place.account, bucket, place.venue)


def book(posting: Posting, books: Books) -> list[Block]:
    """Books every leg, and returns the blocks that moved; raises NotEnoughCredits or NotEnoughCash."""
    moved: list[Block] = []
    for leg in posting.credits:
        moved += books.move(
            posting.name, leg.instrument, leg.source, leg.target, leg.tonnes, posting.posted_at
        )
    for leg in posting.cash:
        _pay(posting, leg, books)
    return moved


def _pay(posting: Posting, leg: CashLeg, books: Books) -> None:
    if leg.payer and leg.payee:
        books.pay(posting.name, leg.payer, leg.payee, leg.amount_fen, posting.posted_at)
    elif leg.payer:
        books.bank(posting.name, leg.payer, -leg.amount_fen, posting.posted_at)
    elif leg.payee:
        books.bank(posting.name, leg.payee, leg.amount_fen, posting.posted_at)


def posting_name(correction_id: UUID) -> str:
    """The name under which a correction's own entries and events stand."""
    return f"correction/{correction_id}"
