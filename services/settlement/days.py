"""Venue days: what a venue counted of its day beside what was captured; a difference halts the venue."""

from services.kernel.clocks import market_day
from services.runtime import outbox
from services.runtime.messages import Malformed
from services.runtime.outbox import Occurrence
from services.runtime.postgres import Pool, Transaction
from services.settlement import day_store, market_store, trade_store
from services.settlement.exchange import DayClose
from services.settlement.messages.market import DayReconciled, VenueHalted
from services.settlement.outcomes import capture_transaction

_COUNTED_AT_ONCE = 50


class DayRefused(Malformed):
    """The venue is not admitted, the day has not come, or it was closed before with other figures: the first stand."""


async def close_day(tx: Transaction, close: DayClose) -> list[int]:
    """Keeps the venue's count, and counts at once unless trades of the day still wait; raises DayRefused."""
    closed = close.closed
    if await market_store.get_venue(tx, closed.venue) is None:
        raise DayRefused(f"{closed.venue} has not been admitted to settlement")
    if closed.date > market_day(tx.recorded_at):
        raise DayRefused(f"{closed.date} has not begun in Beijing")
    before = await day_store.get_day_digest(tx, closed.venue, closed.date)
    if before == close.digest:
        return []
    if before is not None:
        raise DayRefused(f"{closed.venue} closed {closed.date} before with other figures")
    await day_store.insert_day(tx, close)
    return await _count(tx)


async def count_days(pool: Pool) -> bool:
    """Counts closed days of which no trade waits any longer; returns whether there were any."""
    async with pool.acquire() as connection:
        tx = capture_transaction(connection)
        if not await day_store.list_countable(tx, 1):  # nothing to keep settlement waiting for
            return False
        async with connection.transaction():
            await trade_store.lock_epoch(tx)
            said = await _count(tx)
            await outbox.enqueue(connection, said)
            return bool(said)


async def _count(tx: Transaction) -> list[int]:
    occurrences: list[Occurrence] = []
    for count in await day_store.list_countable(tx, _COUNTED_AT_ONCE):
        is_matched = await day_store.count_day(tx, count)
        reconciled = DayReconciled(
            venue=count.venue,
            date=count.date,
            trades=count.trades,
            tonnes=count.tonnes,
            turnover_fen=count.turnover_fen,
            captured_trades=count.captured_trades,
            captured_tonnes=count.captured_tonnes,
            captured_turnover_fen=count.captured_turnover_fen,
            is_matched=is_matched,
        )
        occurrences.append(Occurrence(reconciled, tx.recorded_at, count.causation_id))
        if not is_matched:
            await day_store.open_gap(tx, count.venue, count.date, "TRADES")
            halted = VenueHalted(venue=count.venue, date=count.date, kind="TRADES")
            occurrences.append(Occurrence(halted, tx.recorded_at, count.causation_id))
    return await outbox.append_many(tx, occurrences)
