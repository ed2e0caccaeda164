"""The books: a working copy of what a transaction touches of the ledger; every change to them is an entry."""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.kernel.blocks import Block, take, total
from services.kernel.refusals import NotYetKnown
from services.settlement.ledger import (
    NO_CASH,
    Account,
    Batch,
    CashEntry,
    CashKey,
    CashPosition,
    CreditEntry,
    Holding,
    Instrument,
    NotEnoughCash,
    NotEnoughCredits,
    Place,
)
from services.settlement.messages.holdings import SerialRange


@dataclass
class Books:
    """The part of the ledger that one transaction touches, locked and loaded; changes are collected in it.

    Blocks are taken in the order of the rule book: oldest batch first, then the lowest block; of the last block needed,
    the tail (rule 24).
    """

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    batches: Mapping[UUID, Batch] = field(default_factory=dict[UUID, Batch])
    cash: dict[CashKey, CashPosition] = field(default_factory=dict)
    credit_entries: list[CreditEntry] = field(default_factory=list)
    cash_entries: list[CashEntry] = field(default_factory=list)
    _programmes: dict[Instrument, str] = field(default_factory=dict)
    _blocks: dict[tuple[Place, Instrument], list[Block]] = field(default_factory=dict)
    _stored: dict[tuple[UUID, int], Holding] = field(default_factory=dict)
    _current: dict[tuple[UUID, int], Holding] = field(default_factory=dict)
    _cash_stored: dict[CashKey, CashPosition] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        accounts: Iterable[Account],
        batches: Collection[Batch],
        holdings: Iterable[Holding],
        cash: Mapping[CashKey, CashPosition],
    ) -> "Books":
        """The books as they are stored."""
        books = cls(
            accounts={account.number: account for account in accounts},
            batches={batch.batch_id: batch for batch in batches},
            cash=dict(cash),
            _programmes={batch.instrument: batch.programme for batch in batches},
            _cash_stored=dict(cash),
        )
        books.load(holdings)
        return books

    def load(self, holdings: Iterable[Holding]) -> None:
        """Adds holdings as they are stored, under the locks that the books were read under."""
        for holding in holdings:
            self._stored[holding.block.batch, holding.block.first] = holding
            self._put(holding)

    def load_only(self, place: Place, instrument: Instrument, holdings: Iterable[Holding]) -> None:
        """The same for a place that is to give these and no others; nothing has been moved there before."""
        self._blocks.pop((place, instrument), None)
        self.load(holdings)

    def account(self, number: str) -> Account:
        """The account of this number; raises NotYetKnown."""
        if number not in self.accounts:
            raise NotYetKnown("account", number)
        return self.accounts[number]

    def programme_of(self, instrument: Instrument) -> str:
        """The programme whose credits the instrument is; raises NotYetKnown."""
        if instrument not in self._programmes:
            raise NotYetKnown("instrument", f"{instrument.project} {instrument.vintage}")
        return self._programmes[instrument]

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

    def position(self, key: CashKey) -> CashPosition:
        """The cash of an account at a venue."""
        return self.cash.get(key, NO_CASH)

    def require_free(self, key: CashKey, amount_fen: int) -> None:
        """Raises NotEnoughCash unless this many fen are booked there, and held for nothing."""
        _require(key, amount_fen, self.position(key).free_fen)

    def require_spendable(self, key: CashKey, amount_fen: int) -> None:
        """Raises NotEnoughCash unless this many fen may be spent there."""
        _require(key, amount_fen, self.position(key).spendable_fen)

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

    def move_spans(
        self, posting: str, spans: Iterable[Holding], target: Place, effective_at: datetime
    ) -> None:
        """Moves exactly these serials; each span lies in one block of its place, which is split in up to three."""
        for span in spans:
            self._cut_out(span)
            self._put(Holding(span.block, target))
            self.credit_entries.append(
                CreditEntry(posting, span.block, span.place, target, effective_at)
            )

    def receive(self, posting: str, block: Block, target: Place, effective_at: datetime) -> None:
        """Puts a newly issued block into its first place."""
        self._put(Holding(block, target))
        self.credit_entries.append(CreditEntry(posting, block, None, target, effective_at))

    def pay(
        self, posting: str, payer: CashKey, payee: CashKey, amount_fen: int, effective_at: datetime
    ) -> None:
        """Pays from one account to another at one venue; raises NotEnoughCash and then changes nothing."""
        self.require_free(payer, amount_fen)
        self._post(posting, payer, payee, amount_fen, effective_at)

    def bank(self, posting: str, key: CashKey, amount_fen: int, effective_at: datetime) -> None:
        """Books a deposit (positive) or a withdrawal (negative) that the bank reported."""
        if amount_fen < 0:
            self.require_free(key, -amount_fen)
            self._post(posting, key, None, -amount_fen, effective_at)
        else:
            self._post(posting, None, key, amount_fen, effective_at)

    def hold(self, payer: CashKey, payee: CashKey, cost_fen: int, proceeds_fen: int) -> None:
        """What a captured trade will cost and bring; raises NotEnoughCash and then changes nothing."""
        self.require_spendable(payer, cost_fen)
        self._change(payer, held_fen=cost_fen)
        self._change(payee, pending_fen=proceeds_fen)

    def release(self, payer: CashKey, payee: CashKey, cost_fen: int, proceeds_fen: int) -> None:
        """The end of such a hold: what was held is collected at once, or never."""
        self._change(payer, held_fen=-cost_fen)
        self._change(payee, pending_fen=-proceeds_fen)

    def collect(
        self, posting: str, payer: CashKey, payee: CashKey, amount_fen: int, effective_at: datetime
    ) -> None:
        """Pays what had been held for it: in the order of capture the money is there."""
        if amount_fen and payer != payee:
            self._post(posting, payer, payee, amount_fen, effective_at)

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

    def cash_changes(self) -> Iterator[tuple[CashKey, CashPosition]]:
        """Positions with the fen by which each part of them changed."""
        for key, now in self.cash.items():
            before = self._cash_stored.get(key, NO_CASH)
            if now != before:
                yield key, now.plus(-before.balance_fen, -before.held_fen, -before.pending_fen)

    def cash_opened(self) -> Iterator[CashKey]:
        """Positions that were not there before."""
        return (key for key in self.cash if key not in self._cash_stored)

    def _post(
        self,
        posting: str,
        payer: CashKey | None,
        payee: CashKey | None,
        amount_fen: int,
        effective_at: datetime,
    ) -> None:
        """A cash entry; a side that is None is the bank."""
        if payer:
            self._change(payer, balance_fen=-amount_fen)
        if payee:
            self._change(payee, balance_fen=amount_fen)
        known = payer or payee
        assert known is not None  # one side at least is an account
        payer_account, payee_account = payer and payer.account, payee and payee.account
        self.cash_entries.append(
            CashEntry(
                posting,
                known.venue,
                known.currency,
                payer_account,
                payee_account,
                amount_fen,
                effective_at,
            )
        )

    def _change(self, key: CashKey, **parts_fen: int) -> None:
        self.cash[key] = self.position(key).plus(**parts_fen)

    def _cut_out(self, span: Holding) -> None:
        """What lies before and behind the span in its block stays where it is."""
        wanted, instrument = span.block, self.batches[span.block.batch].instrument
        blocks = self._blocks[span.place, instrument]
        whole = blocks.pop(bisect_right(blocks, self._order(wanted), key=self._order) - 1)
        for first, following in ((whole.first, wanted.first), (wanted.next, whole.next)):
            if first < following:
                self._put(Holding(Block(wanted.batch, first, following), span.place))

    def _put(self, holding: Holding) -> None:
        block = holding.block
        batch = self.batches[block.batch]
        self._current[block.batch, block.first] = holding
        blocks = self._blocks.setdefault((holding.place, batch.instrument), [])
        insort(blocks, block, key=self._order)

    def _order(self, block: Block) -> tuple[datetime, UUID, int]:
        return self.batches[block.batch].issued_at, block.batch, block.first


def _require(key: CashKey, given_fen: int, available_fen: int) -> None:
    if given_fen > available_fen:
        raise NotEnoughCash(key.account, given_fen, available_fen)
