"""What settlement keeps of transfers without a trade: one function a statement."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.runtime import queries
from services.runtime.postgres import Transaction
from services.settlement.messages.holdings import ProposeTransfer
from services.settlement.transfers import State, Transfer

sql = queries.load(Path(__file__).with_name("transfers.sql"))


class TransferChangedError(RuntimeError):
    """A transfer was not as it was read, although its accounts were locked: nothing of the transaction may stand."""


async def insert_transfer(tx: Transaction, offer: ProposeTransfer, programme: str) -> bool:
    """Keeps an offer; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_transfer"],
        offer.transfer_id,
        offer.from_account,
        offer.to_account,
        programme,
        offer.project,
        offer.vintage,
        offer.tonnes,
        offer.ground,
        offer.document_sha256,
        offer.reason,
        offer.expires_on,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None


async def get_transfer(tx: Transaction, transfer_id: UUID) -> Transfer | None:
    """A transfer, whatever became of it; it changes only under the locks of its two accounts."""
    record = await tx.connection.fetchrow(sql["get_transfer"], transfer_id)
    return None if record is None else _transfer(record)


async def list_due_transfers(tx: Transaction, today: date) -> list[Transfer]:
    """Offers that are open although their last day is over."""
    return [
        _transfer(record) for record in await tx.connection.fetch(sql["list_due_transfers"], today)
    ]


async def end_transfers(
    tx: Transaction, ended: Sequence[Transfer], state: State, reason: str | None
) -> None:
    """Keeps what became of these offers; raises TransferChangedError if one of them was decided before."""
    ids = [transfer.transfer_id for transfer in ended]
    status = await tx.connection.execute(
        sql["end_transfers"], ids, state, tx.actor.subject, tx.effective_at, reason
    )
    if status != f"UPDATE {len(ids)}":
        raise TransferChangedError(f"{status}, expected {len(ids)}")


def _transfer(record: asyncpg.Record) -> Transfer:
    found: dict[str, Any] = dict(record)
    found["state"] = State(found["state"])
    return Transfer(**found)
