"""What settlement keeps of trades, waiting trades, venue days and the fence: one function a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from services.kernel.clocks import market_day
from services.kernel.refusals import Refusal
from services.runtime import queries
from services.runtime.messages import RefusalBody
from services.runtime.postgres import Pool, Transaction, row, rows
from services.settlement.exchange import DayClose, TradeReport
from services.settlement.trades import Settled, Venue

sql = queries.load(Path(__file__).with_name("trades.sql"))


@dataclass(frozen=True, slots=True)
class KnownTrade:
    """A trade that was reported before: what it said, and where it is."""

    venue: str
    trade_id: str
    digest: bytes
    state: str


@dataclass(frozen=True, slots=True)
class WaitingTrade:
    """A trade on a name that has not reached settlement yet."""

    venue: str
    trade_id: str
    content: str
    causation_id: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class DaySum:
    """What settled of a venue's day."""

    trades: int
    tonnes: int
    turnover_fen: int


async def take_epoch(pool: Pool) -> int:
    """Makes this process the one that settles trades, whatever becomes of its first batch."""
    return await pool.fetchval(sql["take_epoch"])


async def lock_epoch(tx: Transaction) -> int:
    """The epoch in force, locked until the end of the transaction."""
    return await tx.connection.fetchval(sql["lock_epoch"])


async def list_known(
    tx: Transaction, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], KnownTrade]:
    """The trades among these keys that were reported before."""
    venues, trade_ids = [venue for venue, _ in keys], [trade_id for _, trade_id in keys]
    found = await tx.connection.fetch(sql["list_known_trades"], venues, trade_ids)
    return {(known.venue, known.trade_id): known for known in rows(KnownTrade, found)}


async def list_venues(tx: Transaction, codes: Sequence[str]) -> dict[str, Venue]:
    """The admitted venues among these codes."""
    found = await tx.connection.fetch(sql["list_venues"], codes)
    return {venue.code: venue for venue in rows(Venue, found)}


async def insert_settled(tx: Transaction, settled: Sequence[tuple[TradeReport, Settled]]) -> None:
    """Writes final trades; raises RuntimeError if one of them has an outcome already."""
    if not settled:
        return
    trades = [(report, outcome, outcome.trade) for report, outcome in settled]
    status = await tx.connection.execute(
        sql["insert_settled_trades"],
        [report.venue for report, _, _ in trades],
        [report.trade_id for report, _, _ in trades],
        [report.digest for report, _, _ in trades],
        [trade.method for _, _, trade in trades],
        [outcome.programme for _, outcome, _ in trades],
        [trade.instrument.project for _, _, trade in trades],
        [trade.instrument.vintage for _, _, trade in trades],
        [trade.seller_account for _, _, trade in trades],
        [trade.buyer_account for _, _, trade in trades],
        [trade.quantity for _, _, trade in trades],
        [outcome.price_fen for _, outcome, _ in trades],
        [trade.currency for _, _, trade in trades],
        [outcome.amount_fen for _, outcome, _ in trades],
        [trade.executed_at for _, _, trade in trades],
        [market_day(trade.executed_at) for _, _, trade in trades],
        tx.recorded_at,
    )
    if status != f"INSERT 0 {len(trades)}":
        raise RuntimeError(f"{status}, expected {len(trades)}: a trade has an outcome already")


async def insert_rejected(tx: Transaction, report: TradeReport, refusal: Refusal) -> None:
    """Writes the final rejection, with as much of the trade as could be read and kept."""
    trade, body = report.trade, RefusalBody.of(refusal)
    executed_at = trade and trade.executed_at
    await tx.connection.execute(
        sql["insert_rejected_trade"],
        report.venue,
        report.trade_id,
        report.digest,
        trade and trade.method[:40],
        trade and trade.instrument.project[:100],
        trade and _fitting(trade.instrument.vintage, 31),
        trade and trade.seller_account[:100],
        trade and trade.buyer_account[:100],
        trade and _fitting(trade.quantity, 63),
        trade and trade.currency[:10],
        executed_at,
        executed_at and market_day(executed_at),
        tx.recorded_at,
        body.code,
        body.message,
        body.fields,
    )


def _fitting(number: int, bits: int) -> int | None:
    """The number if a signed column of these bits holds it."""
    return number if -(2**bits) <= number < 2**bits else None


async def insert_waiting(tx: Transaction, report: TradeReport, deadline: datetime) -> None:
    """Keeps a trade until the name that it is on becomes known, or the deadline passes."""
    await tx.connection.execute(
        sql["insert_waiting_trade"],
        report.venue,
        report.trade_id,
        report.digest,
        report.content.decode(),
        report.causation_id,
        deadline,
        tx.recorded_at,
    )


async def list_waiting(tx: Transaction, limit: int) -> list[WaitingTrade]:
    """The waiting trades that came first."""
    return rows(WaitingTrade, await tx.connection.fetch(sql["list_waiting_trades"], limit))


async def get_waiting(tx: Transaction, venue: str, trade_id: str) -> WaitingTrade | None:
    """A trade, if it waits."""
    return row(
        WaitingTrade, await tx.connection.fetchrow(sql["get_waiting_trade"], venue, trade_id)
    )


async def delete_waiting(tx: Transaction, venue: str, trade_id: str) -> None:
    """The trade waits no longer."""
    await tx.connection.execute(sql["delete_waiting_trade"], venue, trade_id)


async def get_state(tx: Transaction, venue: str, trade_id: str) -> str | None:
    """SETTLED, REJECTED or WAITING; None for a trade that was never reported."""
    return await tx.connection.fetchval(sql["get_trade_state"], venue, trade_id)


async def sum_day(tx: Transaction, venue: str, day: date) -> DaySum:
    """What settled of a venue's day."""
    found = row(DaySum, await tx.connection.fetchrow(sql["sum_day"], venue, day))
    assert found is not None
    return found


async def get_day_digest(tx: Transaction, venue: str, day: date) -> bytes | None:
    """What the venue said of this day before."""
    return await tx.connection.fetchval(sql["get_venue_day"], venue, day)


async def insert_day(tx: Transaction, close: DayClose, settled: DaySum) -> bool:
    """Keeps the venue's count beside ours; returns whether they are equal."""
    closed = close.closed
    return await tx.connection.fetchval(
        sql["insert_venue_day"],
        closed.venue,
        closed.date,
        close.digest,
        closed.trades,
        closed.tonnes,
        closed.turnover_fen,
        settled.trades,
        settled.tonnes,
        settled.turnover_fen,
        tx.recorded_at,
    )
