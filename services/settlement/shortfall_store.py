"""What settlement keeps of revocations and of what is owed for them: one function a statement."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from services.issuance.messages.reductions import ReductionsRevoked
from services.runtime import queries
from services.runtime.postgres import Transaction
from services.settlement.freeze_store import holding
from services.settlement.ledger import Holding
from services.settlement.shortfalls import Shortfall, State

sql = queries.load(Path(__file__).with_name("shortfalls.sql"))


async def has_revocation(tx: Transaction) -> bool:
    """Whether the message that is handled has had its effect."""
    return await tx.connection.fetchval(sql["has_revocation"], tx.message_id)


async def insert_revocation(
    tx: Transaction,
    event: ReductionsRevoked,
    programme: str,
    cancelled_tonnes: int,
    retirements: Sequence[UUID],
) -> None:
    """Keeps what was revoked for ever, and which cancellations answered it."""
    await tx.connection.execute(
        sql["insert_revocation"],
        tx.message_id,
        event.reduction_id,
        event.batch_id,
        event.owner_account,
        programme,
        event.tonnes,
        cancelled_tonnes,
        retirements,
        event.reason,
        tx.effective_at,
        tx.recorded_at,
    )


async def get_batch_programme(tx: Transaction, batch_id: UUID) -> str | None:
    """The programme of a batch, if it is known here."""
    return await tx.connection.fetchval(sql["get_batch_programme"], batch_id)


async def list_nearest(tx: Transaction, batch_id: UUID, account: str, tonnes: int) -> list[Holding]:
    """What the account holds that can go for credits of this batch, until there are so many tonnes."""
    found = await tx.connection.fetch(sql["list_nearest"], batch_id, account, tonnes)
    return [holding(one) for one in found]


async def get_shortfall(tx: Transaction, shortfall_id: UUID) -> Shortfall | None:
    """A shortfall, if there is or was one; it changes only under the lock of its account."""
    record = await tx.connection.fetchrow(sql["get_shortfall"], shortfall_id)
    if record is None:
        return None
    found: dict[str, Any] = dict(record)
    found["state"] = State(found["state"])
    return Shortfall(**found)


async def put_shortfall(tx: Transaction, shortfall: Shortfall) -> None:
    """Keeps what is owed now, and that the account is stopped as long as it is something."""
    await tx.connection.execute(
        sql["put_shortfall"],
        shortfall.shortfall_id,
        shortfall.account,
        shortfall.programme,
        shortfall.reduction_id,
        shortfall.tonnes,
        shortfall.outstanding,
        shortfall.state,
        shortfall.opened_at,
        tx.recorded_at,
    )
    statement = "stop_account" if shortfall.state == State.OPEN else "free_account"
    await tx.connection.execute(sql[statement], shortfall.account, shortfall.shortfall_id)


async def insert_making_good(
    tx: Transaction, retirement_id: UUID, shortfall_id: UUID, tonnes: int
) -> None:
    """Keeps for ever that this cancellation made good what was owed."""
    await tx.connection.execute(sql["insert_making_good"], retirement_id, shortfall_id, tonnes)
