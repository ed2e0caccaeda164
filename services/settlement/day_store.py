"""What settlement keeps of venue days, their two confirmations and their gaps: one function a statement."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows
from services.settlement.exchange import DayClose

sql = queries.load(Path(__file__).with_name("days.sql"))


@dataclass(frozen=True, slots=True)
class DayCount:
    """A venue's count of its day beside what was captured."""

    venue: str
    date: date
    causation_id: str
    trades: int
    tonnes: int
    turnover_fen: int
    captured_trades: int
    captured_tonnes: int
    captured_turnover_fen: int


@dataclass(frozen=True, slots=True)
class Settleable:
    """A venue whose captured trades are to settle, before the first that is of a day without both confirmations."""

    venue: str
    until_capture: int | None


async def get_day_digest(tx: Transaction, venue: str, day: date) -> bytes | None:
    """What the venue said of this day before."""
    return await tx.connection.fetchval(sql["get_venue_day"], venue, day)


async def insert_day(tx: Transaction, close: DayClose) -> None:
    """Keeps the venue's count."""
    closed = close.closed
    await tx.connection.execute(
        sql["insert_venue_day"],
        closed.venue,
        closed.date,
        close.digest,
        close.causation_id,
        closed.trades,
        closed.tonnes,
        closed.turnover_fen,
        tx.recorded_at,
    )


async def list_countable(tx: Transaction, limit: int) -> list[DayCount]:
    """Closed days that were not counted, of which no trade waits any longer."""
    return rows(DayCount, await tx.connection.fetch(sql["list_countable_days"], limit))


async def count_day(tx: Transaction, count: DayCount) -> bool:
    """Keeps our count beside the venue's; returns whether they are equal."""
    return await tx.connection.fetchval(
        sql["count_venue_day"],
        count.venue,
        count.date,
        count.captured_trades,
        count.captured_tonnes,
        count.captured_turnover_fen,
    )


async def open_gap(tx: Transaction, venue: str, day: date, kind: str) -> bool:
    """Halts the venue; False if this difference of the day halts it already."""
    args = venue, day, kind, tx.recorded_at
    return await tx.connection.fetchval(sql["open_gap"], *args) is not None


async def clear_gap(
    tx: Transaction, venue: str, day: date, kind: str, explanation: str, approver: str
) -> bool:
    """Ends a gap; False if none is open there."""
    cleared = await tx.connection.fetchval(
        sql["clear_gap"],
        venue,
        day,
        kind,
        tx.effective_at,
        tx.actor.subject,
        approver,
        explanation,
    )
    return cleared is not None


async def insert_confirmation(tx: Transaction, venue: str, day: date) -> bool:
    """Keeps the registry's confirmation; False if the day was confirmed before."""
    inserted = await tx.connection.fetchval(
        sql["insert_day_confirmation"],
        venue,
        day,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None


async def next_to_settle(tx: Transaction) -> Settleable | None:
    """A venue whose captured trades are to settle now, and up to which of them."""
    return row(Settleable, await tx.connection.fetchrow(sql["next_to_settle"]))


async def is_counted(tx: Transaction, venue: str, day: date) -> bool:
    """Whether the venue has closed the day, and its count stands beside ours."""
    return await tx.connection.fetchval(sql["is_day_counted"], venue, day)
