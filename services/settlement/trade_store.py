"""What settlement keeps of trades on every step of their way, and of the fence: one function a statement."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from services.kernel.clocks import market_day
from services.kernel.refusals import Refusal
from services.runtime import queries
from services.runtime.messages import RefusalBody
from services.runtime.postgres import Pool, Transaction, columns, copied, row, rows
from services.settlement.exchange import TradeReport
from services.settlement.messages.holdings import Instrument
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.terms import Cycle
from services.settlement.trades import Captured, Settled, State, market_of

sql = queries.load(Path(__file__).with_name("trades.sql"))


class KnownTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade that was reported before: what it said, and where it is."""

    venue: str
    trade_id: str
    digest: bytes
    state: str


class WaitingTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade that cannot be decided yet."""

    venue: str
    trade_id: str
    content: str
    causation_id: str
    deadline: datetime | None
    """Without one it waits for its venue, which is halted."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Which report a trade comes from."""

    venue: str
    trade_id: str
    digest: bytes
    causation_id: str

    @property
    def key(self) -> tuple[str, str]:
        """By which the trade settles exactly once."""
        return self.venue, self.trade_id

    @classmethod
    def of(cls, report: TradeReport) -> "Origin":
        """The origin of a report that has just come."""
        return cls(report.venue, report.trade_id, report.digest, report.causation_id)


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
    if not keys:
        return {}
    found = await tx.connection.fetch(sql["list_known_trades"], *columns(keys))
    return {(known.venue, known.trade_id): known for known in rows(KnownTrade, found)}


async def insert_settled(tx: Transaction, settled: Sequence[tuple[Origin, Settled]]) -> None:
    """Writes final trades; their key refuses one that has an outcome already."""
    names = (
        *("venue", "trade_id", "digest", "state", "method", "programme", "project", "vintage"),
        *("seller_account", "buyer_account", "quantity", "price_fen", "currency", "amount_fen"),
        *("seller_fee_fen", "buyer_fee_fen", "executed_at", "traded_on", "recorded_at"),
    )
    rows = [_settled(origin, one.captured, tx.recorded_at) for origin, one in settled]
    await copied(tx, "trade", names, rows)


def _settled(origin: Origin, captured: Captured, recorded_at: datetime) -> tuple[object, ...]:
    trade = captured.trade
    return (
        origin.venue,
        origin.trade_id,
        origin.digest,
        State.SETTLED,
        trade.method,
        captured.programme,
        trade.instrument.project,
        trade.instrument.vintage,
        trade.seller_account,
        trade.buyer_account,
        trade.quantity,
        captured.price_fen,
        trade.currency,
        captured.amount_fen,
        captured.seller_fee_fen,
        captured.buyer_fee_fen,
        trade.executed_at,
        captured.traded_on,
        recorded_at,
    )


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


async def insert_captured(tx: Transaction, captured: Sequence[tuple[Origin, Captured]]) -> None:
    """Keeps trades that bind until their day is confirmed, in this order."""
    if not captured:
        return
    new = columns(
        (
            origin.venue,
            origin.trade_id,
            origin.digest,
            origin.causation_id,
            one.trade.method,
            one.programme,
            one.trade.instrument.project,
            one.trade.instrument.vintage,
            one.trade.seller_account,
            one.trade.buyer_account,
            one.trade.quantity,
            one.price_fen,
            one.trade.currency,
            one.amount_fen,
            one.seller_fee_fen,
            one.buyer_fee_fen,
            one.fee_account,
            one.trade.executed_at,
            one.traded_on,
        )
        for origin, one in captured
    )
    await tx.connection.execute(sql["insert_captured_trades"], *new, tx.recorded_at)


async def list_captured(
    tx: Transaction, venue: str, until_capture: int | None, limit: int
) -> list[tuple[Origin, Captured]]:
    """The captured trades of a venue that came first, in their order."""
    found = await tx.connection.fetch(sql["list_captured"], venue, until_capture, limit)
    return [_captured(record) for record in found]


async def list_captured_later(tx: Transaction, origin: Origin, account: str) -> list[Captured]:
    """What the account has bought and sold at the venue since this captured trade, in the order of capture."""
    found = await tx.connection.fetch(sql["list_captured_later"], *origin.key, account)
    return [_captured(record)[1] for record in found]


async def get_captured(
    tx: Transaction, venue: str, trade_id: str
) -> tuple[Origin, Captured] | None:
    """A trade, if it is captured and has not settled."""
    record = await tx.connection.fetchrow(sql["get_captured"], venue, trade_id)
    return None if record is None else _captured(record)


def _captured(record: asyncpg.Record) -> tuple[Origin, Captured]:
    origin = Origin(record["venue"], record["trade_id"], record["digest"], record["causation_id"])
    trade = ExecutedTrade(
        venue=origin.venue,
        trade_id=origin.trade_id,
        method=record["method"],
        instrument=Instrument(project=record["project"], vintage=record["vintage"]),
        seller_account=record["seller_account"],
        buyer_account=record["buyer_account"],
        quantity=record["quantity"],
        price="",
        currency=record["currency"],
        executed_at=record["executed_at"],
    )
    captured = Captured(
        trade=trade,
        market=market_of(trade),
        programme=record["programme"],
        cycle=Cycle.DAY_END,
        price_fen=record["price_fen"],
        amount_fen=record["amount_fen"],
        seller_fee_fen=record["seller_fee_fen"],
        buyer_fee_fen=record["buyer_fee_fen"],
        fee_account=record["fee_account"],
        traded_on=record["traded_on"],
    )
    return origin, captured


async def delete_captured(tx: Transaction, keys: Sequence[tuple[str, str]]) -> None:
    """The trades are captured no longer: they have their outcome."""
    status = await tx.connection.execute(sql["delete_captured"], *columns(keys))
    if status != f"DELETE {len(keys)}":
        raise RuntimeError(f"{status}, expected {len(keys)}: a trade was not captured any more")


async def insert_waiting(tx: Transaction, report: TradeReport, deadline: datetime | None) -> None:
    """Keeps a trade that cannot be decided yet."""
    await tx.connection.execute(
        sql["insert_waiting_trade"],
        report.venue,
        report.trade_id,
        report.digest,
        report.content.decode(),
        report.causation_id,
        report.trade and market_day(report.trade.executed_at),
        deadline,
        tx.recorded_at,
    )


async def get_waiting(tx: Transaction, venue: str, trade_id: str) -> WaitingTrade | None:
    """A trade, if it waits."""
    return row(
        WaitingTrade, await tx.connection.fetchrow(sql["get_waiting_trade"], venue, trade_id)
    )


async def delete_waiting(tx: Transaction, venue: str, trade_id: str) -> None:
    """The trade waits no longer."""
    await tx.connection.execute(sql["delete_waiting_trade"], venue, trade_id)


async def get_state(tx: Transaction, venue: str, trade_id: str) -> str | None:
    """SETTLED, CAPTURED, REJECTED or WAITING; None for a trade that was never reported."""
    return await tx.connection.fetchval(sql["get_trade_state"], venue, trade_id)


async def is_first_retort(tx: Transaction, venue: str, trade_id: str, digest: bytes) -> bool:
    """Whether this message, which could change nothing, has not been answered before."""
    return bool(await tx.connection.fetchval(sql["insert_retort"], venue, trade_id, digest))
