"""Venue days: what a venue counted of its day beside what settled, the daily reconciliation."""

from services.runtime import outbox
from services.runtime.messages import Malformed
from services.runtime.outbox import Occurrence
from services.runtime.postgres import Transaction
from services.settlement import trade_store
from services.settlement.exchange import DayClose
from services.settlement.messages import DayReconciled


class DayConflicted(Malformed):
    """The venue closed this day before with other figures; the first stand."""


async def close_day(tx: Transaction, close: DayClose) -> list[int]:
    """Keeps the venue's count beside ours and says whether they match; raises DayConflicted."""
    closed = close.closed
    before = await trade_store.get_day_digest(tx, closed.venue, closed.date)
    if before == close.digest:
        return []
    if before is not None:
        raise DayConflicted(f"{closed.venue} closed {closed.date} before with other figures")
    settled = await trade_store.sum_day(tx, closed.venue, closed.date)
    is_matched = await trade_store.insert_day(tx, close, settled)
    event = DayReconciled(
        venue=closed.venue,
        date=closed.date,
        trades=closed.trades,
        tonnes=closed.tonnes,
        turnover_fen=closed.turnover_fen,
        settled_trades=settled.trades,
        settled_tonnes=settled.tonnes,
        settled_turnover_fen=settled.turnover_fen,
        is_matched=is_matched,
    )
    return await outbox.append_many(tx, [Occurrence(event, tx.recorded_at, close.causation_id)])
