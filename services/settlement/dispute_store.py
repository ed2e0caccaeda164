"""What settlement keeps of disputes: one function a statement."""

from pathlib import Path
from typing import Any
from uuid import UUID

from services.runtime import queries
from services.runtime.postgres import Transaction, row
from services.settlement.disputes import Dispute, DisputedTrade, State
from services.settlement.messages.market import ObjectToTrade

sql = queries.load(Path(__file__).with_name("disputes.sql"))


async def get_disputed_trade(tx: Transaction, venue: str, trade_id: str) -> DisputedTrade | None:
    """A trade that has its outcome, or is captured."""
    record = await tx.connection.fetchrow(sql["get_disputed_trade"], venue, trade_id)
    return row(DisputedTrade, record)


async def insert_dispute(tx: Transaction, command: ObjectToTrade) -> bool:
    """Keeps an objection; False if its id was used before, or the account has objected to the trade before."""
    inserted = await tx.connection.fetchval(
        sql["insert_dispute"],
        command.dispute_id,
        command.venue,
        command.trade_id,
        command.account,
        command.reason,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None


async def get_dispute(tx: Transaction, dispute_id: UUID) -> Dispute | None:
    """A dispute; it changes only under the lock of its account."""
    record = await tx.connection.fetchrow(sql["get_dispute"], dispute_id)
    if record is None:
        return None
    found: dict[str, Any] = dict(record)
    found["state"] = State(found["state"])
    return Dispute(**found)


async def close_dispute(tx: Transaction, closed: Dispute, explanation: str) -> None:
    """Keeps how a dispute was decided."""
    await tx.connection.execute(
        sql["close_dispute"],
        closed.dispute_id,
        closed.state,
        tx.actor.subject,
        tx.effective_at,
        explanation,
    )
