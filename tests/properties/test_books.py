"""The ledger against the simplest possible model: a dict that says of each serial where it is, and lists of numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
from services.kernel.calendars import CHINA
from services.kernel.refusals import Refusal
from services.settlement.books import Books
from services.settlement.freezes import SerialNotFree, free_parts
from services.settlement.ledger import (
    Account,
    Batch,
    Bucket,
    CashKey,
    CashPosition,
    Holding,
    Instrument,
    NotEnoughCash,
    NotEnoughCredits,
    Place,
)
from services.settlement.market import Listing, Market, MarketBooks
from services.settlement.messages.holdings import Instrument as TradedInstrument
from services.settlement.messages.market import MethodTerms
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.settling import settle, settle_captured, void
from services.settlement.terms import read_terms
from services.settlement.trades import Captured, ProceedsSpent, Settled
from tests import trading
from tests.trading import ADMITTED, VENUE

NOW = datetime(2026, 8, 20, 2, 0, tzinfo=UTC)
ACCOUNTS = "A", "B"
PROJECTS = "P1", "P2"
FREE = [Place(account, Bucket.REGISTRY) for account in ACCOUNTS]
DESKS = [Place(account, Bucket.EXCHANGE, VENUE) for account in ACCOUNTS]
PLACES = [*FREE, *DESKS]
HELD = [Place(account, Bucket.RESERVED, VENUE) for account in ACCOUNTS]
FROZEN = [Place(account, Bucket.FROZEN) for account in ACCOUNTS]
Serial = tuple[UUID, int]

accounts, projects = st.sampled_from(ACCOUNTS), st.sampled_from(PROJECTS)
tonnes_moved = st.integers(1, 12) | st.integers(1, 40)


@dataclass
class Hold:
    """What the model remembers of a trade that has not settled."""

    captured: Captured
    project: str
    seller: str
    buyer: str
    quantity: int
    amount: int


class Ledger(RuleBasedStateMachine):
    """Batches, moves, trades of both cycles, cancellations, days' ends, cash, use and commits, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[UUID, Batch] = {}
        self.stored: dict[tuple[UUID, int], Holding] = {}
        self.stored_cash: dict[CashKey, CashPosition] = {}
        self.where: dict[Serial, Place] = {}
        self.cash: Counter[str] = Counter()
        self.holds: list[Hold] = []
        self.frozen: list[Holding] = []
        self.posted = 0
        self.markets = {cycle: _market(cycle) for cycle in ("IMMEDIATE", "DAY_END")}
        self.books = self._loaded()

    def _loaded(self) -> Books:
        known = [
            Account(number, UUID(int=1), "TRADER", "OPEN", f"TRD-{number}") for number in ACCOUNTS
        ]
        return Books.of(known, self.batches.values(), self.stored.values(), self.stored_cash)

    @initialize(sizes=st.lists(st.integers(1, 15), min_size=2, max_size=4))
    def stock(self, sizes: list[int]) -> None:
        """A starts with batches of one project, each older than the one before; B with cash."""
        for age, size in enumerate(sizes):
            self.receive(PROJECTS[0], size, ACCOUNTS[0], age)
            self.move(PROJECTS[0], FREE[0], DESKS[0], size)
        self.bank(ACCOUNTS[1], 500)
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
        cycle=st.sampled_from(["IMMEDIATE", "DAY_END", "DAY_END"]),
    )
    def trade(
        self, project: str, seller: str, buyer: str, quantity: int, fen: int, cycle: str
    ) -> None:
        """A trade settles both legs, or holds them, or changes nothing."""
        held, amount = self._held(_desk(seller), project), quantity * fen
        self.posted += 1
        trade, market = (
            _trade(self.posted, project, seller, buyer, quantity, fen),
            self.markets[cycle],
        )
        entries = len(self.books.credit_entries)
        payable = self._spendable(buyer) if cycle == "DAY_END" else self._free(buyer)
        if seller == buyer or quantity > len(held) or amount > payable:
            with pytest.raises(Refusal):
                settle(trade, self.books, market, NOW)
            return
        outcome = settle(trade, self.books, market, NOW)
        if isinstance(outcome, Captured):
            self._carry(self._moved_since(entries), held, _reserved(seller), quantity)
            self.holds.append(Hold(outcome, project, seller, buyer, quantity, amount))
        else:
            self._delivered(outcome, entries, held, buyer, quantity)
            self._pay(buyer, seller, amount)

    @precondition(lambda self: self.holds)
    @rule(choice=st.integers(0, 50))
    def cancel(self, choice: int) -> None:
        """The venue takes a trade back that has not settled; not if the seller could then not pay in its turn."""
        place = choice % len(self.holds)
        hold, later = self.holds[place], self.holds[place + 1 :]
        involved = [one.captured for one in later if hold.seller in (one.seller, one.buyer)]
        rest, entries = [*self.holds[:place], *later], len(self.books.credit_entries)
        held = self._held(_reserved(hold.seller), hold.project)
        if min(self._course(hold.seller, rest)) < 0:
            with pytest.raises(ProceedsSpent):
                void(hold.captured, self.books, self.markets["DAY_END"], involved)
            return
        void(hold.captured, self.books, self.markets["DAY_END"], involved)
        self._carry(self._moved_since(entries), held, _desk(hold.seller), hold.quantity)
        self.holds = rest

    @precondition(lambda self: len(self.holds) > 1)
    @rule()
    def settle_day(self) -> None:
        """The day is confirmed: each trade settles for itself, in the order of capture, and none can fail."""
        for hold in self.holds:
            held = self._held(_reserved(hold.seller), hold.project)
            entries = len(self.books.credit_entries)
            settled = settle_captured(hold.captured, self.books, self.markets["DAY_END"])
            self._delivered(settled, entries, held, hold.buyer, hold.quantity)
            self._pay(hold.buyer, hold.seller, hold.amount)
        self.holds = []

    @rule(account=accounts, fen=st.integers(-500, 1000).filter(bool))
    def bank(self, account: str, fen: int) -> None:
        """The bank reports a deposit, or a withdrawal that may be too high."""
        key = CashKey(account, VENUE, "CNY")
        if -fen > self._free(account):
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
    @rule(
        account=accounts,
        batch=st.integers(1, 50),
        first=st.integers(1, 12),
        tonnes=st.integers(1, 8),
    )
    def freeze(self, account: str, batch: int, first: int, tonnes: int) -> None:
        """Exactly these serials are frozen, wherever the account has them free, or none of them."""
        self.commit()
        block = Block(UUID(int=1 + batch % len(self.batches)), first, first + tonnes)
        wanted = [(block.batch, serial) for serial in range(block.first, block.next)]
        free = (Place(account, Bucket.REGISTRY), _desk(account))
        missing = [serial for serial in wanted if self.where.get(serial) not in free]
        held = [one for one in self._stored_of(block) if one.place in free]
        if missing:
            with pytest.raises(SerialNotFree) as refused:
                free_parts(account, block, held)
            assert (refused.value.batch, refused.value.serial) == missing[0]
            return
        parts = free_parts(account, block, held)
        assert [part.place for part in parts for _ in range(part.block.tonnes)] == [
            self.where[serial] for serial in wanted
        ]
        target = Place(account, Bucket.FROZEN)
        self.books.move_spans("freeze", parts, target, NOW)
        self.where |= dict.fromkeys(wanted, target)
        self.frozen += parts

    @precondition(lambda self: self.frozen)
    @rule(choice=st.integers(0, 50))
    def release(self, choice: int) -> None:
        """What was frozen goes back to where it was."""
        part = self.frozen.pop(choice % len(self.frozen))
        block, place = part.block, Place(part.place.account, Bucket.FROZEN)
        self.books.move_spans("release", [Holding(block, place)], part.place, NOW)
        serials = [(block.batch, serial) for serial in range(block.first, block.next)]
        self.where |= dict.fromkeys(serials, part.place)

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
        for key, by in self.books.cash_changes():
            before = self.stored_cash.get(key, CashPosition())
            self.stored_cash[key] = before.plus(by.balance_fen, by.held_fen, by.pending_fen)
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
        """Credits of each place and instrument, and the three parts of each account's cash."""
        for place in (*PLACES, *HELD, *FROZEN):
            for project in PROJECTS:
                held = self.books.available(place, Instrument(project, 2024))
                assert held == len(self._held(place, project))
        for account in ACCOUNTS:
            position = self.books.position(CashKey(account, VENUE, "CNY"))
            costs, proceeds = self._costs(account), self._proceeds(account)
            assert position == CashPosition(self.cash[account], costs, proceeds)
            assert self.cash[account] >= 0
            assert min(self._course(account, self.holds)) >= 0

    @invariant()
    def what_is_reserved_belongs_to_a_trade(self) -> None:
        """Rule 23: every serial is in one bucket, and nothing is reserved for no reason."""
        reserved = sum(place in HELD for place in self.where.values())
        assert reserved == sum(hold.quantity for hold in self.holds)

    def _stored_of(self, block: Block) -> list[Holding]:
        """The holdings that share serials with the block, in their order."""
        found = [
            one
            for one in self.stored.values()
            if one.block.batch == block.batch
            and one.block.first < block.next
            and block.first < one.block.next
        ]
        return sorted(found, key=lambda one: one.block)

    def _costs(self, account: str) -> int:
        return sum(hold.amount for hold in self.holds if hold.buyer == account)

    def _proceeds(self, account: str) -> int:
        return sum(hold.amount for hold in self.holds if hold.seller == account)

    def _free(self, account: str) -> int:
        return max(0, self.cash[account] - self._costs(account))

    def _spendable(self, account: str) -> int:
        return self.cash[account] + self._proceeds(account) - self._costs(account)

    def _course(self, account: str, holds: Sequence[Hold]) -> list[int]:
        """What the account has, and will have after each of these trades."""
        course = [self.cash[account]]
        for hold in holds:
            gained = (hold.seller == account) * hold.amount - (hold.buyer == account) * hold.amount
            course.append(course[-1] + gained)
        return course

    def _pay(self, buyer: str, seller: str, amount: int) -> None:
        self.cash[buyer] -= amount
        self.cash[seller] += amount

    def _moved_since(self, entries: int) -> list[Block]:
        return [entry.block for entry in self.books.credit_entries[entries:]]

    def _delivered(
        self, settled: Settled, entries: int, held: list[Serial], buyer: str, quantity: int
    ) -> None:
        moved = self._moved_since(entries)
        self._carry(moved, held, _desk(buyer), quantity)
        ranges = [(each.batch_id, each.first_serial, each.last_serial) for each in settled.ranges]
        assert ranges == [(block.batch, block.first, block.next - 1) for block in moved]

    def _held(self, place: Place, project: str) -> list[Serial]:
        return [
            serial
            for serial, there in self.where.items()
            if there == place and self.batches[serial[0]].project == project
        ]

    def _carry(self, moved: Sequence[Block], held: list[Serial], to: Place, tonnes: int) -> None:
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


def _desk(account: str) -> Place:
    return Place(account, Bucket.EXCHANGE, VENUE)


def _reserved(account: str) -> Place:
    return Place(account, Bucket.RESERVED, VENUE)


def _market(cycle: str) -> MarketBooks:
    """Both projects are listed, and at any time traded at any price."""
    terms = trading.terms(
        cycle=cycle,
        methods=(MethodTerms(method="LISTING"),),
        calendar="EVERY_DAY",
        sessions=(),
        gap_trading_days=0,
    )
    listing = Listing("CCER", terms.valid_from, None)
    return MarketBooks(
        calendar=CHINA,
        venues={VENUE: ADMITTED},
        terms={(VENUE, "CCER"): [read_terms(terms)]},
        listings={Market(VENUE, Instrument(project, 2024)): listing for project in PROJECTS},
    )


def _trade(
    number: int, project: str, seller: str, buyer: str, quantity: int, fen: int
) -> ExecutedTrade:
    return ExecutedTrade(
        venue=VENUE,
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


Ledger.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLedger = Ledger.TestCase
