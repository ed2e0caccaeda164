"""The books against the simplest possible model: a dict that says of each serial where it is."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from services.kernel.blocks import Block
from services.kernel.refusals import Refusal
from services.settlement.ledger import (
    Account,
    Batch,
    Books,
    Bucket,
    CashKey,
    Holding,
    Instrument,
    NotEnoughCash,
    NotEnoughCredits,
    Place,
)
from services.settlement.messages.holdings import Instrument as TradedInstrument
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.trades import Venue, settle

NOW = datetime(2026, 8, 20, 2, 0, tzinfo=UTC)
ACCOUNTS = "A", "B"
PROJECTS = "P1", "P2"
VENUE = Venue("CBGEX", "CBGEX", ["CCER"], ["LISTING"], 1, "LIVE", None)
PLACES = [
    Place(account, bucket, VENUE.code if bucket == Bucket.EXCHANGE else None)
    for account in ACCOUNTS
    for bucket in (Bucket.REGISTRY, Bucket.EXCHANGE)
]
Serial = tuple[UUID, int]

accounts, projects = st.sampled_from(ACCOUNTS), st.sampled_from(PROJECTS)
tonnes_moved = st.integers(1, 12) | st.integers(1, 40)


class Ledger(RuleBasedStateMachine):
    """Moves, trades, deposits and commits in any order, on books and on the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[UUID, Batch] = {}
        self.stored: dict[tuple[UUID, int], Holding] = {}
        self.stored_cash: dict[CashKey, int] = {}
        self.where: dict[Serial, Place] = {}
        self.cash: Counter[str] = Counter()
        self.posted = 0
        self.books = self._loaded()

    def _loaded(self) -> Books:
        known = [
            Account(number, UUID(int=1), "TRADER", "OPEN", f"TRD-{number}") for number in ACCOUNTS
        ]
        return Books.of(known, self.batches.values(), self.stored.values(), self.stored_cash)

    @initialize(sizes=st.lists(st.integers(1, 15), min_size=2, max_size=4))
    def stock(self, sizes: list[int]) -> None:
        """A starts with batches of one project, each older than the one before."""
        for age, size in enumerate(sizes):
            self.receive(PROJECTS[0], size, ACCOUNTS[0], age)
        self.commit()

    @rule(project=projects, size=st.integers(1, 30), account=accounts, age=st.integers(0, 3))
    def receive(self, project: str, size: int, account: str, age: int) -> None:
        """A batch is issued, at times older than one that came before."""
        self.commit()
        number = len(self.batches) + 1
        issued_at = NOW - timedelta(days=age)
        batch = Batch(UUID(int=number), "CCER", "CN", project, 2024, number, issued_at)
        self.batches[batch.batch_id] = batch
        self.books = self._loaded()
        block, place = Block(batch.batch_id, 1, 1 + size), Place(account, Bucket.REGISTRY)
        self.books.receive(f"batch/{number}", block, place, NOW)
        self.where |= {(batch.batch_id, serial): place for serial in range(1, 1 + size)}

    @rule(
        project=projects,
        source=st.sampled_from(PLACES),
        to=st.sampled_from(PLACES),
        tonnes=tonnes_moved,
    )
    def move(self, project: str, source: Place, to: Place, tonnes: int) -> None:
        """Credits go from one place to another, or are too few and stay."""
        if source == to:
            return
        instrument, held = Instrument(project, 2024), self._held(source, project)
        if tonnes > len(held):
            with pytest.raises(NotEnoughCredits) as refused:
                self.books.move("move", instrument, source, to, tonnes, NOW)
            assert refused.value.available == len(held)
            return
        moved = self.books.move("move", instrument, source, to, tonnes, NOW)
        self._carry(moved, held, to, tonnes)

    @rule(
        project=projects,
        seller=accounts,
        buyer=accounts,
        quantity=tonnes_moved,
        fen=st.integers(1, 50),
    )
    def trade(self, project: str, seller: str, buyer: str, quantity: int, fen: int) -> None:
        """A trade settles both legs, or neither."""
        source = Place(seller, Bucket.EXCHANGE, VENUE.code)
        held, amount = self._held(source, project), quantity * fen
        self.posted += 1
        trade = _trade(self.posted, project, seller, buyer, quantity, fen)
        entries = len(self.books.credit_entries)
        is_affordable = quantity <= len(held) and amount <= self.cash[buyer]
        if seller == buyer or not is_affordable:
            with pytest.raises(Refusal):
                settle(trade, VENUE, self.books, NOW)
            return
        settled = settle(trade, VENUE, self.books, NOW)
        target = Place(buyer, Bucket.EXCHANGE, VENUE.code)
        moved = [entry.block for entry in self.books.credit_entries[entries:]]
        self._carry(moved, held, target, quantity)
        self.cash[buyer] -= amount
        self.cash[seller] += amount
        assert settled.amount_fen == amount
        ranges = [(each.batch_id, each.first_serial, each.last_serial) for each in settled.ranges]
        assert ranges == [(block.batch, block.first, block.next - 1) for block in moved]

    @rule(account=accounts, fen=st.integers(-500, 1000).filter(bool))
    def bank(self, account: str, fen: int) -> None:
        """The bank reports a deposit, or a withdrawal that may be too high."""
        key = CashKey(account, VENUE.code, "CNY")
        if self.cash[account] + fen < 0:
            with pytest.raises(NotEnoughCash):
                self.books.bank("cash", key, fen, NOW)
            return
        self.books.bank("cash", key, fen, NOW)
        self.cash[account] += fen

    @rule(project=projects, account=accounts, tonnes=tonnes_moved)
    def retire(self, project: str, account: str, tonnes: int) -> None:
        """Credits are used; no other rule here has a way back."""
        source, target = Place(account, Bucket.REGISTRY), Place(account, Bucket.RETIRED)
        held = self._held(source, project)
        if tonnes <= len(held):
            instrument = Instrument(project, 2024)
            moved = self.books.move("retirement", instrument, source, target, tonnes, NOW)
            self._carry(moved, held, target, tonnes)

    @precondition(lambda self: self.batches)
    @rule()
    def commit(self) -> None:
        """The difference is written as the statements do it, and read again."""
        for before, after in self.books.changed():
            key = before.block.batch, before.block.first
            assert self.stored[key] == before
            assert (after.block.batch, after.block.first) == key
            assert before != after
            self.stored[key] = after
        for added in self.books.added():
            assert (added.block.batch, added.block.first) not in self.stored
            self.stored[added.block.batch, added.block.first] = added
        for key, delta in self.books.cash_changes():
            self.stored_cash[key] = self.stored_cash.get(key, 0) + delta
        self.books = self._loaded()
        found = [
            ((holding.block.batch, serial), holding.place)
            for holding in self.stored.values()
            for serial in range(holding.block.first, holding.block.next)
        ]
        assert len(found) == len(self.where), "a serial is in two places, or in none"
        assert dict(found) == self.where

    @invariant()
    def every_place_has_what_the_model_says(self) -> None:
        """Credits of each place and instrument, and cash of each account."""
        for place in PLACES:
            for project in PROJECTS:
                held = self.books.available(place, Instrument(project, 2024))
                assert held == len(self._held(place, project))
        for account in ACCOUNTS:
            key = CashKey(account, VENUE.code, "CNY")
            assert self.books.cash.get(key, 0) == self.cash[account] >= 0

    def _held(self, place: Place, project: str) -> list[Serial]:
        return [
            serial
            for serial, there in self.where.items()
            if there == place and self.batches[serial[0]].project == project
        ]

    def _carry(
        self, moved: "tuple[Block, ...] | list[Block]", held: list[Serial], to: Place, tonnes: int
    ) -> None:
        serials = [
            (block.batch, each) for block in moved for each in range(block.first, block.next)
        ]
        assert len(serials) == len(set(serials)) == tonnes
        assert set(serials) <= set(held)
        self.where |= dict.fromkeys(serials, to)
        # Oldest batch first: whatever stays at the source is no older than what has moved.
        stayed = {serial[0] for serial in set(held) - set(serials)}
        assert all(
            self._age(older.batch) <= self._age(batch) for older in moved for batch in stayed
        )

    def _age(self, batch_id: UUID) -> tuple[datetime, UUID]:
        return self.batches[batch_id].issued_at, batch_id


def _trade(
    number: int, project: str, seller: str, buyer: str, quantity: int, fen: int
) -> ExecutedTrade:
    return ExecutedTrade(
        venue=VENUE.code,
        trade_id=str(number),
        method="LISTING",
        instrument=TradedInstrument(project=project, vintage=2024),
        seller_account=seller,
        buyer_account=buyer,
        quantity=quantity,
        price=f"0.{fen:02d}",
        currency="CNY",
        executed_at=NOW,
    )


Ledger.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLedger = Ledger.TestCase
