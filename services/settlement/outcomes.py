"""Outcomes: the pure rule applied to many trades on one copy of the books, and what is written and said of it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from services.kernel.actors import SYSTEM
from services.kernel.clocks import market_day
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import NotYetKnown, Refusal
from services.runtime import outbox
from services.runtime.messages import Event, RefusalBody
from services.runtime.outbox import Fact, Occurrence
from services.runtime.postgres import Connection, Transaction
from services.settlement import market_store, store, trade_store
from services.settlement.books import Books
from services.settlement.exchange import TradeReport
from services.settlement.ledger import Bucket, CashKey, Place
from services.settlement.market import Market, MarketBooks
from services.settlement.messages.trades import (
    ExecutedTrade,
    TradeCaptured,
    TradeRejected,
    TradeSettled,
)
from services.settlement.settling import require_open_day, settle
from services.settlement.store import Wanted
from services.settlement.trade_store import Origin
from services.settlement.trades import (
    Captured,
    DayIsClosed,
    MalformedTrade,
    Settled,
    State,
    market_of,
)
from services.settlement.venues import Venue


@dataclass
class Outcomes:
    """What a batch of trades leads to, in the order in which they came."""

    settled: list[tuple[Origin, Settled]] = field(default_factory=list)
    captured: list[tuple[Origin, Captured]] = field(default_factory=list)
    rejected: list[tuple[TradeReport, Refusal]] = field(default_factory=list)
    waiting: list[tuple[TradeReport, NotYetKnown]] = field(default_factory=list)
    halted: list[TradeReport] = field(default_factory=list)
    """Of venues that are halted, or whose earlier trades still wait."""
    occurrences: list[Occurrence] = field(default_factory=list)
    ready: Sequence[Fact] = ()
    """Of the first occurrences what the history will keep."""

    def states(self) -> Mapping[tuple[str, str], str]:
        """Where each trade of the batch is now."""
        return (
            {report.key: State.WAITING for report, _ in self.waiting}
            | {report.key: State.WAITING for report in self.halted}
            | {origin.key: State.CAPTURED for origin, _ in self.captured}
            | {origin.key: State.SETTLED for origin, _ in self.settled}
            | {report.key: State.REJECTED for report, _ in self.rejected}
        )

    def settle(self, origin: Origin, settled: Settled) -> None:
        """A trade has settled, and is told."""
        self.settled.append((origin, settled))
        at = settled.captured.trade.executed_at
        self.occurrences.append(Occurrence(_settled(settled), at, origin.causation_id))

    def capture(self, origin: Origin, captured: Captured) -> None:
        """A trade binds, and is told."""
        self.captured.append((origin, captured))
        at = captured.trade.executed_at
        self.occurrences.append(Occurrence(_captured(captured), at, origin.causation_id))

    def reject(self, report: TradeReport, refusal: Refusal, at: datetime) -> None:
        """A trade breaks a rule, and is told."""
        self.rejected.append((report, refusal))
        self.say(_rejected(report, refusal), report.causation_id, at)

    def say(self, event: Event, causation_id: str, at: datetime) -> None:
        """Adds an event to what is told after the commit."""
        self.occurrences.append(Occurrence(event, at, causation_id))


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A reported trade with where and when it was traded."""

    trade: ExecutedTrade
    market: Market
    day: date

    @classmethod
    def of(cls, trade: ExecutedTrade) -> "Seen":
        """What the trade says, in the market's words."""
        return cls(trade, market_of(trade), market_day(trade.executed_at))

    @property
    def parties(self) -> tuple[str, str]:
        """The accounts of seller and buyer."""
        return self.trade.seller_account, self.trade.buyer_account


def capture_transaction(connection: Connection) -> Transaction:
    """The circumstances of what venues report: nobody's command, effective when the trade was executed."""
    now = datetime.now(UTC)
    return Transaction(connection, "capture", SYSTEM, now, now)


async def decide(
    tx: Transaction, reports: Sequence[TradeReport], outcomes: Outcomes, *, is_sweep: bool = False
) -> None:
    """Applies the pure rule to each trade in order, on one copy of the books; then writes the difference."""
    seen = [Seen.of(report.trade) for report in reports if report.trade]
    market = await _load_market(tx, reports, seen)
    if is_sweep:  # what waits came before its day was closed
        market.venues = {code: replace(one, closed_on=None) for code, one in market.venues.items()}
        market.closed = ()
    books = await _load_books(tx, seen, market)
    for report in reports:
        venue = market.venues.get(report.venue)
        if venue and (venue.is_halted or (venue.has_backlog and not is_sweep)):
            _postpone(report, venue, market, tx.recorded_at, outcomes, is_sweep=is_sweep)
        else:
            _decide_one(report, books, market, tx.recorded_at, outcomes)
    writing = asyncio.create_task(write_decided(tx, books, market, outcomes))
    try:
        await asyncio.sleep(0)
        outcomes.ready = outbox.ready_facts(tx, outcomes.occurrences)  # while the database works
    finally:
        await writing


def _postpone(
    report: TradeReport,
    venue: Venue,
    market: MarketBooks,
    clock: datetime,
    outcomes: Outcomes,
    *,
    is_sweep: bool,
) -> None:
    """A halted venue's trade waits, unless it comes after the close of its day."""
    try:
        if report.trade and not is_sweep:
            require_open_day(venue, market_day(report.trade.executed_at), market)
    except DayIsClosed as refusal:
        outcomes.reject(report, refusal, clock)
    else:
        outcomes.halted.append(report)


def _decide_one(
    report: TradeReport, books: Books, market: MarketBooks, clock: datetime, outcomes: Outcomes
) -> None:
    try:
        if report.trade is None:
            raise report.fault or MalformedTrade("no content")
        outcome = settle(report.trade, books, market, clock)
    except NotYetKnown as unknown:
        outcomes.waiting.append((report, unknown))
    except Refusal as refusal:
        outcomes.reject(report, refusal, clock)
    else:
        if isinstance(outcome, Settled):
            outcomes.settle(Origin.of(report), outcome)
        else:
            outcomes.capture(Origin.of(report), outcome)


async def write_decided(
    tx: Transaction, books: Books, market: MarketBooks, outcomes: Outcomes
) -> None:
    """Writes what was decided: the books' difference, the markets' difference, and each trade where it is now."""
    await store.write_books(tx, books)
    await market_store.write_market(tx, market)
    await trade_store.insert_settled(tx, outcomes.settled)
    await trade_store.insert_captured(tx, outcomes.captured)
    for report, refusal in outcomes.rejected:
        await trade_store.insert_rejected(tx, report, refusal)


async def say(tx: Transaction, outcomes: Outcomes) -> list[int]:
    """Appends what is to be said; returns the positions."""
    return await outbox.append_many(tx, outcomes.occurrences, outcomes.ready)


async def _load_market(
    tx: Transaction, reports: Sequence[TradeReport], seen: Sequence[Seen]
) -> MarketBooks:
    return await market_store.load_market(
        tx,
        days={(one.market, one.day) for one in seen},
        parties={(number, one.market) for one in seen for number in one.parties},
        venues={report.venue for report in reports},
    )


async def _load_books(tx: Transaction, seen: Sequence[Seen], market: MarketBooks) -> Books:
    receivers = fee_accounts(market)
    positions = {
        CashKey(number, one.trade.venue, one.trade.currency)
        for one in seen
        for number in (*one.parties, *receivers)
    }
    return await store.lock_books(
        tx,
        accounts=receivers.union(*(one.parties for one in seen)),
        instruments={one.market.instrument for one in seen},
        wanted=_wanted(seen),
        cash=positions,
    )


def fee_accounts(market: MarketBooks) -> set[str]:
    """Who receives commissions under any of the terms."""
    versions: Iterable[str | None] = (
        terms.fee_account for versions in market.terms.values() for terms in versions
    )
    return {account for account in versions if account}


def _wanted(seen: Sequence[Seen]) -> list[Wanted]:
    """What each seller gives of each instrument in the whole batch."""
    tonnes: dict[tuple[str, Market], int] = {}
    for one in seen:
        if 0 < one.trade.quantity <= TONNES_MAX:
            key = one.trade.seller_account, one.market
            tonnes[key] = min(tonnes.get(key, 0) + one.trade.quantity, 2**62)
    return [
        Wanted(Place(seller, Bucket.EXCHANGE, market.venue), market.instrument, amount)
        for (seller, market), amount in tonnes.items()
    ]


def _captured(captured: Captured) -> TradeCaptured:
    return TradeCaptured(**_told(captured))


def _settled(settled: Settled) -> TradeSettled:
    return TradeSettled(**_told(settled.captured), ranges=list(settled.ranges))


def _told(captured: Captured) -> dict[str, Any]:
    """What is told of a trade that binds."""
    trade = captured.trade
    return {
        "venue": trade.venue,
        "trade_id": trade.trade_id,
        "method": trade.method,
        "project": trade.instrument.project,
        "vintage": trade.instrument.vintage,
        "seller_account": trade.seller_account,
        "buyer_account": trade.buyer_account,
        "quantity": trade.quantity,
        "price": captured.price,
        "currency": trade.currency,
        "amount_fen": captured.amount_fen,
        "seller_fee_fen": captured.seller_fee_fen,
        "buyer_fee_fen": captured.buyer_fee_fen,
        "executed_at": trade.executed_at,
    }


def _rejected(report: TradeReport, refusal: Refusal) -> TradeRejected:
    body = RefusalBody.of(refusal)
    return TradeRejected(
        venue=report.venue,
        trade_id=report.trade_id,
        code=body.code,
        message=body.message,
        fields=body.fields,
    )
