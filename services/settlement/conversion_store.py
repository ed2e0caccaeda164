"""What settlement keeps of conversions: one function a statement."""

from pathlib import Path
from uuid import UUID

from services.issuance.messages.conversions import ConversionRequested
from services.runtime import queries
from services.runtime.postgres import Transaction

sql = queries.load(Path(__file__).with_name("conversions.sql"))


async def is_conversion_known(tx: Transaction, conversion_id: UUID) -> bool:
    """Whether its source was decided on before."""
    return bool(await tx.connection.fetchval(sql["is_conversion_known"], conversion_id))


async def insert_cancelled(tx: Transaction, event: ConversionRequested) -> None:
    """Ties the target to the record of its source's cancellation, which has the conversion's id."""
    await _insert(tx, event, event.conversion_id, None)


async def insert_refused(tx: Transaction, event: ConversionRequested, code: str) -> None:
    """Notes that the source lives on."""
    await _insert(tx, event, None, code)


async def _insert(
    tx: Transaction, event: ConversionRequested, retirement_id: UUID | None, code: str | None
) -> None:
    await tx.connection.execute(
        sql["insert_conversion"],
        event.conversion_id,
        event.batch_id,
        event.target_tonnes,
        event.account,
        retirement_id,
        code,
        tx.effective_at,
        tx.recorded_at,
    )
