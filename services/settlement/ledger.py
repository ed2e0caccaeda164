"""The ledger's rules: books are a working copy of what a transaction touches, and every change is an entry."""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.kernel.blocks import Block, serial_text, take, total
from services.kernel.refusals import Conflict, NotYetKnown
from services.settlement.messages import SerialRange


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


@dataclass(frozen=True, slots=True)
class Place:
    """One holder's bucket; a venue belongs to the bucket ``exchange`` and to no other."""

    account: str
    bucket: Bucket
    venue: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """What is traded: one project's credits of one vintage."""

    project: str
    vintage: int


@dataclass(frozen=True, slots=True)
class Batch:
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


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the registry announced it."""

    number: str
    organisation_id: UUID
    kind: str
    status: str
    trading_account: str | None = None
    """Its number; without one the account trades nothing."""
    operators: Sequence[str] = ()
    """Who alone may act for the account; as long as there is nobody, anyone of its organisation."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A block and where it is."""

    block: Block
    place: Place


@dataclass(frozen=True, slots=True)
class CashKey:
    """One holder's cash at one venue, in one currency."""

    account: str
    venue: str
    currency: str


@dataclass(frozen=True, slots=True)
class CreditEntry:
    """A movement of credits: out of one place, into another; a batch comes out of none."""

    posting: str
    block: Block
    source: Place | None
    target: Place
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class CashEntry:
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


@dataclass
class Books:
    """The part of the ledger that one transaction touches, locked and loaded; changes are collected in it.

    Blocks are taken in the order of the rule book: oldest batch first, then the lowest block; of the last block needed,
    the tail (rule 24).
    """

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    batches: Mapping[UUID, Batch] = field(default_factory=dict[UUID, Batch])
    cash: dict[CashKey, int] = field(default_factory=dict)
    credit_entries: list[CreditEntry] = field(default_factory=list)
    cash_entries: list[CashEntry] = field(default_factory=list)
    _blocks: dict[tuple[Place, Instrument], list[Block]] = field(default_factory=dict)
    _stored: dict[tuple[UUID, int], Holding] = field(default_factory=dict)
    _current: dict[tuple[UUID, int], Holding] = field(default_factory=dict)
    _cash_stored: dict[CashKey, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        accounts: Iterable[Account],
        batches: Iterable[Batch],
        holdings: Iterable[Holding],
        cash: Mapping[CashKey, int],
    ) -> "Books":
        """The books as they are stored."""
        books = cls(
            accounts={account.number: account for account in accounts},
            batches={batch.batch_id: batch for batch in batches},
            cash=dict(cash),
            _cash_stored=dict(cash),
        )
        for holding in holdings:
            books._stored[holding.block.batch, holding.block.first] = holding
            books._put(holding)
        return books

    def account(self, number: str) -> Account:
        """The account of this number; raises NotYetKnown."""
        if number not in self.accounts:
            raise NotYetKnown("account", number)
        return self.accounts[number]

    def programme_of(self, instrument: Instrument) -> str:
        """The programme whose credits the instrument is; raises NotYetKnown."""
        for batch in self.batches.values():
            if batch.instrument == instrument:
                return batch.programme
        raise NotYetKnown("instrument", f"{instrument.project} {instrument.vintage}")

    def available(self, place: Place, instrument: Instrument) -> int:
        """Tonnes of the instrument in this place."""
        return total(self._blocks.get((place, instrument), ()))

    def require_credits(self, place: Place, instrument: Instrument, tonnes: int) -> None:
        """Raises NotEnoughCredits unless the place holds this many tonnes."""
        available = self.available(place, instrument)
        if tonnes > available:
            raise NotEnoughCredits(
                place.account, instrument.project, instrument.vintage, tonnes, available
            )

    def require_cash(self, key: CashKey, amount_fen: int) -> None:
        """Raises NotEnoughCash unless the position holds this many fen."""
        available = self.cash.get(key, 0)
        if amount_fen > available:
            raise NotEnoughCash(key.account, amount_fen, available)

    def move(
        self,
        posting: str,
        instrument: Instrument,
        source: Place,
        target: Place,
        tonnes: int,
        effective_at: datetime,
    ) -> tuple[Block, ...]:
        """Moves credits from one place to another; raises NotEnoughCredits and then changes nothing."""
        self.require_credits(source, instrument, tonnes)
        blocks = self._blocks[source, instrument]
        taking = take(blocks, tonnes)
        del blocks[: len(taking.moved)]
        if taking.kept:
            self._put(Holding(taking.kept, source))
        for block in taking.moved:
            self._put(Holding(block, target))
            self.credit_entries.append(CreditEntry(posting, block, source, target, effective_at))
        return taking.moved

    def receive(self, posting: str, block: Block, target: Place, effective_at: datetime) -> None:
        """Puts a newly issued block into its first place."""
        self._put(Holding(block, target))
        self.credit_entries.append(CreditEntry(posting, block, None, target, effective_at))

    def pay(
        self, posting: str, payer: CashKey, payee: CashKey, amount_fen: int, effective_at: datetime
    ) -> None:
        """Pays from one account to another at one venue; raises NotEnoughCash and then changes nothing."""
        self.require_cash(payer, amount_fen)
        self._add(payer, -amount_fen)
        self._add(payee, amount_fen)
        self.cash_entries.append(
            CashEntry(
                posting,
                payer.venue,
                payer.currency,
                payer.account,
                payee.account,
                amount_fen,
                effective_at,
            )
        )

    def bank(self, posting: str, key: CashKey, amount_fen: int, effective_at: datetime) -> None:
        """Books a deposit (positive) or a withdrawal (negative) that the bank reported."""
        if amount_fen < 0:
            self.require_cash(key, -amount_fen)
        self._add(key, amount_fen)
        payer, payee = (None, key.account) if amount_fen > 0 else (key.account, None)
        self.cash_entries.append(
            CashEntry(posting, key.venue, key.currency, payer, payee, abs(amount_fen), effective_at)
        )

    def ranges(self, blocks: Sequence[Block]) -> list[SerialRange]:
        """The blocks as the public knows them."""
        return [self.batches[block.batch].serials(block) for block in blocks]

    def changed(self) -> Iterator[tuple[Holding, Holding]]:
        """Stored holdings that are shorter or elsewhere now, before and after."""
        for key, before in self._stored.items():
            if (after := self._current[key]) != before:
                yield before, after

    def added(self) -> Iterator[Holding]:
        """Holdings whose first serial no stored holding had."""
        return (after for key, after in self._current.items() if key not in self._stored)

    def cash_changes(self) -> Iterator[tuple[CashKey, int]]:
        """Positions with the fen by which they changed."""
        for key, balance_fen in self.cash.items():
            if delta := balance_fen - self._cash_stored.get(key, 0):
                yield key, delta

    def _add(self, key: CashKey, amount_fen: int) -> None:
        self.cash[key] = self.cash.get(key, 0) + amount_fen

    def _put(self, holding: Holding) -> None:
        block = holding.block
        batch = self.batches[block.batch]
        self._current[block.batch, block.first] = holding
        blocks = self._blocks.setdefault((holding.place, batch.instrument), [])
        insort(blocks, block, key=self._order)

    def _order(self, block: Block) -> tuple[datetime, UUID, int]:
        return self.batches[block.batch].issued_at, block.batch, block.first
