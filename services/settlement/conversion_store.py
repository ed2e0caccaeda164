"""What settlement keeps of conversions: one function a statement."""

from pathlib import Path
from uuid import UUID

from services.issuance.messages.carry_overs import CarryOverTerms
from services.issuance.messages.conversions import ConversionRequested
from services.kernel.clocks import end_of
from services.runtime import queries
from services.runtime.postgres import Transaction, row
from services.settlement.carry_overs import Stand

sql = queries.load(Path(__file__).with_name("conversions.sql"))


async def is_conversion_known(tx: Transaction, conversion_id: UUID) -> bool:
    """Whether its source was decided on before."""
    return bool(await tx.connection.fetchval(sql["is_conversion_known"], conversion_id))


async def get_stand(tx: Transaction, event: ConversionRequested, terms: CarryOverTerms) -> Stand:
    """What decides how many allowances the account may carry over; it is locked."""
    record = await tx.connection.fetchrow(
        sql["get_carry_over_stand"],
        event.account,
        event.source_project,
        terms.source_vintages,
        terms.sold_since,
        terms.sold_until,
        end_of(terms.held_on),
        event.target_vintage,
    )
    found = row(Stand, record)
    assert found is not None  # sums are always found
    return found


async def insert_cancelled(
    tx: Transaction, event: ConversionRequested, carry_over_max: int | None
) -> None:
    """Ties the target to the record of its source's cancellation, which has the conversion's id."""
    await _insert(tx, event, event.conversion_id, None, carry_over_max)


async def insert_refused(tx: Transaction, event: ConversionRequested, code: str) -> None:
    """Notes that the source lives on."""
    await _insert(tx, event, None, code)


async def _insert(
    tx: Transaction,
    event: ConversionRequested,
    retirement_id: UUID | None,
    code: str | None,
    carry_over_max: int | None = None,
) -> None:
    await tx.connection.execute(
        sql["insert_conversion"],
        event.conversion_id,
        event.batch_id,
        event.target_tonnes,
        event.account,
        retirement_id,
        code,
        None if carry_over_max is None else event.target_vintage,
        carry_over_max,
        tx.effective_at,
        tx.recorded_at,
    )
