"""Holds: what a captured trade has charged never fails to settle, whatever comes in between."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.kernel.refusals import Refusal
from services.settlement.books import Books
from services.settlement.ledger import Bucket, CashKey, Place
from services.settlement.messages.market import MethodTerms
from services.settlement.settling import settle_captured, void
from services.settlement.trades import Captured, ProceedsSpent
from tests import trading
from tests.trading import AT, DESK, FEES, VENUE, WIND

PARTIES = "ACC-S", "ACC-B", "ACC-C"
parties = st.sampled_from(PARTIES)
pairs = st.sampled_from(list(permutations(PARTIES, 2)))


class Holds(RuleBasedStateMachine):
    """Captures, cancellations, deposits, withdrawals and settlements in any order, three parties among themselves.

    The model is arithmetic on three numbers: what each party would have after each captured trade, in their order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.books = self._shared_books()
        self.captured: list[Captured] = []
        self.number = 0

    @initialize(ppm=st.sampled_from([0, 0, 10_000]), fen=st.integers(10_000, 40_000))
    def open(self, ppm: int, fen: int) -> None:
        """Terms without a band and a gap, with or without fees; one party has cash."""
        shared: dict[str, object] = {
            "methods": (MethodTerms(method="LISTING"),),
            "gap_trading_days": 0,
            "seller_fee_ppm": ppm,
            "buyer_fee_ppm": ppm,
            "fee_account": FEES,
        }
        self.at_day_end = trading.market(trading.terms(cycle="DAY_END", **shared))
        self.at_once = trading.market(trading.terms(**shared))
        self.deposit(PARTIES[0], fen)

    def _shared_books(self) -> Books:
        books = trading.books(0, 3_000)
        books.accounts = {one: trading.account(one) for one in (*PARTIES, FEES)}
        for party in PARTIES[1:]:
            books.move("gift", WIND, DESK, Place(party, Bucket.EXCHANGE, VENUE), 1_000, AT)
        return books

    @rule(party=parties, fen=st.integers(1, 25_000))
    def deposit(self, party: str, fen: int) -> None:
        self.books.bank("deposit", _cash(party), fen, AT)

    @rule(party=parties, fen=st.integers(1, 40_000))
    def withdraw(self, party: str, fen: int) -> None:
        free = self.books.position(_cash(party)).free_fen
        if fen > free:
            with pytest.raises(Refusal):
                self.books.bank("withdrawal", _cash(party), -fen, AT)
            fen = free
        if fen:
            self.books.bank("withdrawal", _cash(party), -fen, AT)

    @rule(pair=pairs, tonnes=st.integers(1, 9), is_held=st.sampled_from([True, True, True, False]))
    def trade(self, pair: tuple[str, str], tonnes: int, is_held: bool) -> None:
        """Trades of both cycles share one position at a venue; of what is wanted the buyer can pay all, mostly."""
        spendable = self.books.position(_cash(pair[1])).spendable_fen
        tonnes = max(1, min(tonnes, spendable // 10_000))
        self.number += 1
        reported = trading.trade(
            trade_id=str(self.number),
            seller_account=pair[0],
            buyer_account=pair[1],
            quantity=tonnes,
        )
        market = self.at_day_end if is_held else self.at_once
        try:
            outcome = trading.decided(reported, market, self.books)
        except Refusal as refusal:
            note(refusal.code())
            return
        if isinstance(outcome, Captured):
            self.captured.append(outcome)

    @precondition(lambda self: self.captured)
    @rule(choice=st.integers(0, 100))
    def cancel(self, choice: int) -> None:
        """Possible exactly if every later purchase can still be paid when it settles."""
        place = choice % len(self.captured)
        one, later = self.captured[place], self.captured[place + 1 :]
        involved = [each for each in later if one.seller in (each.seller, each.buyer)]
        rest = [*self.captured[:place], *later]
        try:
            void(one, self.books, self.at_day_end, involved)
        except ProceedsSpent:
            assert min(self._course(one.seller, rest)) < 0
            return
        self.captured = rest

    @precondition(lambda self: len(self.captured) > 3)
    @rule(number=st.integers(1, 5))
    def settle(self, number: int) -> None:
        """The next ones in the order of capture, as many as a day or a transaction may hold."""
        for one in self.captured[:number]:
            settle_captured(one, self.books, self.at_day_end)
            assert all(position.balance_fen >= 0 for position in self.books.cash.values())
        self.captured = self.captured[number:]

    @invariant()
    def every_captured_trade_can_be_paid_in_its_turn(self) -> None:
        for party in PARTIES:
            assert min(self._course(_cash(party), self.captured)) >= 0
            position = self.books.position(_cash(party))
            costs = sum(one.cost_fen for one in self.captured if one.buyer == _cash(party))
            proceeds = sum(one.proceeds_fen for one in self.captured if one.seller == _cash(party))
            assert (position.held_fen, position.pending_fen) == (costs, proceeds)
            assert position.balance_fen >= 0
            assert position.held_fen <= position.balance_fen + position.pending_fen

    @invariant()
    def what_is_reserved_is_what_will_be_delivered(self) -> None:
        for party in PARTIES:
            reserved = Place(party, Bucket.RESERVED, VENUE)
            sold = sum(one.trade.quantity for one in self.captured if one.seller == _cash(party))
            assert self.books.available(reserved, WIND) == sold

    def _course(self, party: CashKey, captured: Sequence[Captured]) -> list[int]:
        """What the party has now, and after each of these trades."""
        course = [self.books.position(party).balance_fen]
        for one in captured:
            gained = (one.seller == party) * one.proceeds_fen - (one.buyer == party) * one.cost_fen
            course.append(course[-1] + gained)
        return course


def _cash(party: str) -> CashKey:
    return CashKey(party, VENUE, "CNY")


Holds.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHolds = Holds.TestCase
