"""Outcomes: the pure rule applied to many trades on one copy of the books, and what is written and said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.kernel.actors import SYSTEM
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import NotYetKnown, Refusal
from services.runtime import outbox
from services.runtime.messages import Event, RefusalBody
from services.runtime.outbox import Occurrence
from services.runtime.postgres import Connection, Transaction
from services.settlement import store, trade_store
from services.settlement.exchange import TradeReport
from services.settlement.ledger import Books, Bucket, CashKey, Instrument, Place
from services.settlement.messages import ExecutedTrade, TradeRejected, TradeSettled
from services.settlement.store import Wanted
from services.settlement.trades import MalformedTrade, Settled, Venue, settle


@dataclass
class Outcomes:
    """What a batch of trades leads to, in the order in which they came."""

    settled: list[tuple[TradeReport, Settled]] = field(default_factory=list)
    rejected: list[tuple[TradeReport, Refusal]] = field(default_factory=list)
    waiting: list[tuple[TradeReport, NotYetKnown]] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)

    def states(self) -> dict[tuple[str, str], str]:
        """Where each trade of the batch is now."""
        return (
            {report.key: "SETTLED" for report, _ in self.settled}
            | {report.key: "REJECTED" for report, _ in self.rejected}
            | {report.key: "WAITING" for report, _ in self.waiting}
        )

    def say(self, event: Event, report: TradeReport, effective_at: datetime) -> None:
        """Adds an event to what is told after the commit."""
        self.occurrences.append(Occurrence(event, effective_at, report.causation_id))


def capture_transaction(connection: Connection) -> Transaction:
    """The circumstances of what venues report: nobody's command, effective when the trade was executed."""
    now = datetime.now(UTC)
    return Transaction(connection, "capture", SYSTEM, now, now)


async def decide(tx: Transaction, reports: Sequence[TradeReport], outcomes: Outcomes) -> None:
    """Applies the pure rule to each trade in order, on one copy of the books; then writes the difference."""
    readable = [report.trade for report in reports if report.trade]
    venues = await trade_store.list_venues(tx, sorted({report.venue for report in reports}))
    books = await store.lock_books(
        tx,
        accounts=[n for trade in readable for n in (trade.seller_account, trade.buyer_account)],
        instruments=[_instrument(trade) for trade in readable],
        wanted=_wanted(readable),
        cash=[
            CashKey(number, trade.venue, trade.currency)
            for trade in readable
            for number in (trade.seller_account, trade.buyer_account)
        ],
    )
    for report in reports:
        _decide_one(report, venues.get(report.venue), books, tx.recorded_at, outcomes)
    await store.write_books(tx, books)
    await trade_store.insert_settled(tx, outcomes.settled)


def _decide_one(
    report: TradeReport, venue: Venue | None, books: Books, clock: datetime, outcomes: Outcomes
) -> None:
    try:
        if report.trade is None:
            raise report.fault or MalformedTrade("no content")
        settled = settle(report.trade, venue, books, clock)
    except NotYetKnown as unknown:
        outcomes.waiting.append((report, unknown))
    except Refusal as refusal:
        outcomes.rejected.append((report, refusal))
    else:
        outcomes.settled.append((report, settled))
        outcomes.say(_settled(settled), report, settled.trade.executed_at)


async def write_outcomes(tx: Transaction, outcomes: Outcomes) -> list[int]:
    """Writes the rejections and appends what is to be said; returns the positions."""
    for report, refusal in outcomes.rejected:
        await trade_store.insert_rejected(tx, report, refusal)
        outcomes.say(_rejected(report, refusal), report, tx.recorded_at)
    return await outbox.append_many(tx, outcomes.occurrences)


def _instrument(trade: ExecutedTrade) -> Instrument:
    return Instrument(trade.instrument.project, trade.instrument.vintage)


def _wanted(trades: Sequence[ExecutedTrade]) -> list[Wanted]:
    """What each seller gives of each instrument in the whole batch."""
    tonnes: dict[tuple[Place, Instrument], int] = {}
    for trade in trades:
        if not 0 < trade.quantity <= TONNES_MAX:
            continue
        key = Place(trade.seller_account, Bucket.EXCHANGE, trade.venue), _instrument(trade)
        tonnes[key] = min(tonnes.get(key, 0) + trade.quantity, 2**62)
    return [Wanted(place, instrument, amount) for (place, instrument), amount in tonnes.items()]


def _settled(settled: Settled) -> TradeSettled:
    trade = settled.trade
    return TradeSettled(
        venue=trade.venue,
        trade_id=trade.trade_id,
        method=trade.method,
        project=trade.instrument.project,
        vintage=trade.instrument.vintage,
        seller_account=trade.seller_account,
        buyer_account=trade.buyer_account,
        quantity=trade.quantity,
        price=settled.price,
        currency=trade.currency,
        amount_fen=settled.amount_fen,
        executed_at=trade.executed_at,
        ranges=list(settled.ranges),
    )


def _rejected(report: TradeReport, refusal: Refusal) -> TradeRejected:
    body = RefusalBody.of(refusal)
    return TradeRejected(
        venue=report.venue,
        trade_id=report.trade_id,
        code=body.code,
        message=body.message,
        fields=body.fields,
    )
