"""What issuance keeps of conversions: one function a statement."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import to_builtins

from services.issuance.batches import Batch
from services.issuance.conversions import Conversion, Terms
from services.issuance.messages.states import ConversionState
from services.runtime import queries
from services.runtime.postgres import Transaction, rows
from services.settlement.messages.conversions import ConversionRefused, ConversionSourceCancelled

sql = queries.load(Path(__file__).with_name("conversions.sql"))


async def lock_terms(tx: Transaction, source: str, target: str) -> Sequence[Terms]:
    """Every version of the terms between two programmes, until the end of the transaction nobody else's to follow."""
    await tx.connection.execute(sql["lock_conversion_terms"], source, target)
    return await list_terms(tx, source, target)


async def list_terms(tx: Transaction, source: str, target: str) -> Sequence[Terms]:
    """Every version of the terms between two programmes."""
    return rows(Terms, await tx.connection.fetch(sql["list_conversion_terms"], source, target))


async def insert_terms(tx: Transaction, terms: Terms, approver: str) -> None:
    """Enters terms, for ever."""
    await tx.connection.execute(
        sql["insert_conversion_terms"],
        terms.source_programme,
        terms.target_programme,
        terms.factor,
        terms.valid_from,
        terms.source,
        tx.actor.subject,
        approver,
        tx.effective_at,
        tx.recorded_at,
    )


async def get_programme_of(tx: Transaction, project: str, vintage: int) -> str | None:
    """The programme by which credits of this project and vintage were issued; None if there are none."""
    return await tx.connection.fetchval(sql["get_programme_of_instrument"], project, vintage)


async def is_conversion_known(tx: Transaction, conversion_id: UUID) -> bool:
    """Whether this id is taken."""
    return bool(await tx.connection.fetchval(sql["is_conversion_known"], conversion_id))


async def insert_conversion(tx: Transaction, conversion: Conversion, approver: str) -> None:
    """Reserves the batch of a conversion."""
    target = conversion.target
    await tx.connection.execute(
        sql["insert_conversion"],
        conversion.conversion_id,
        conversion.source_programme,
        conversion.source_project,
        conversion.source_vintage,
        conversion.source_tonnes,
        conversion.factor,
        conversion.state,
        target.batch_id,
        target.programme,
        target.country,
        target.project,
        target.vintage,
        target.batch_number,
        target.tonnes,
        target.holder_account,
        conversion.compliance_id,
        tx.actor.subject,
        approver,
        tx.effective_at,
        tx.recorded_at,
    )


async def lock_conversion(tx: Transaction, conversion_id: UUID) -> Conversion | None:
    """The conversion, until the end of the transaction nobody else's to decide."""
    found = await tx.connection.fetchrow(sql["lock_conversion"], conversion_id)
    if found is None:
        return None
    target = Batch(
        batch_id=found["batch_id"],
        programme=found["target_programme"],
        country=found["country"],
        project=found["target_project"],
        vintage=found["target_vintage"],
        batch_number=found["batch_number"],
        tonnes=found["target_tonnes"],
        holder_account=found["account"],
        conversion_id=conversion_id,
    )
    return Conversion(
        conversion_id=conversion_id,
        source_programme=found["source_programme"],
        source_project=found["source_project"],
        source_vintage=found["source_vintage"],
        source_tonnes=found["source_tonnes"],
        factor=found["factor"],
        target=target,
        state=ConversionState(found["state"]),
        compliance_id=found["compliance_id"],
    )


async def set_issued(
    tx: Transaction, conversion: Conversion, event: ConversionSourceCancelled
) -> None:
    """Notes where the record of the source's cancellation is found."""
    await tx.connection.execute(
        sql["set_conversion_issued"],
        conversion.conversion_id,
        conversion.state,
        event.certificate_number,
        to_builtins(event.ranges),
        tx.effective_at,
    )


async def set_refused(tx: Transaction, conversion: Conversion, event: ConversionRefused) -> None:
    """Notes why the source could not be cancelled."""
    await tx.connection.execute(
        sql["set_conversion_refused"],
        conversion.conversion_id,
        conversion.state,
        event.code,
        event.message,
        event.fields,
        tx.effective_at,
    )
