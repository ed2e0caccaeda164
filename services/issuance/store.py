"""What issuance keeps: one typed function a statement."""

from collections.abc import Sequence
from dataclasses import astuple
from uuid import UUID

from services.issuance.batches import Batch
from services.issuance.reductions import Period, Programme, Project, Reduction, State
from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows

sql = queries.beside(__file__)


async def insert_programme(tx: Transaction, programme: Programme) -> None:
    """Notes a programme that the registry has told of."""
    await tx.connection.execute(sql["insert_programme"], *astuple(programme))


async def insert_project(tx: Transaction, project: Project) -> None:
    """Notes a registered project that the registry has told of."""
    await tx.connection.execute(sql["insert_project"], *astuple(project))


async def insert_account(tx: Transaction, number: str, organisation_id: UUID, kind: str) -> None:
    """Notes an account that the registry has told of."""
    await tx.connection.execute(sql["insert_account"], number, organisation_id, kind)


async def get_programme(tx: Transaction, code: str) -> Programme | None:
    """A programme by its code."""
    return row(Programme, await tx.connection.fetchrow(sql["get_programme"], code))


async def get_project(tx: Transaction, code: str) -> Project | None:
    """A registered project by its code."""
    return row(Project, await tx.connection.fetchrow(sql["get_project"], code))


async def lock_project(tx: Transaction, code: str) -> Project | None:
    """The project, until the end of the transaction nobody else's to credit."""
    return row(Project, await tx.connection.fetchrow(sql["lock_project"], code))


async def is_account_known(tx: Transaction, number: str) -> bool:
    """Whether the registry has told of this account."""
    return bool(await tx.connection.fetchval(sql["is_account_known"], number))


async def list_periods(tx: Transaction, project: str) -> Sequence[Period]:
    """The monitoring periods of a project that have verified reductions."""
    return rows(Period, await tx.connection.fetch(sql["list_periods"], project))


async def insert_period(tx: Transaction, project: str, period: Period) -> None:
    """Notes a monitoring period, unless another vintage's reductions brought it."""
    await tx.connection.execute(sql["insert_period"], project, *astuple(period))


async def is_reduction_known(tx: Transaction, reduction_id: UUID) -> bool:
    """Whether this id is taken."""
    return bool(await tx.connection.fetchval(sql["is_reduction_known"], reduction_id))


async def find_reduction(tx: Transaction, reduction: Reduction) -> UUID | None:
    """The reductions of the same project, period and vintage."""
    return await tx.connection.fetchval(
        sql["find_reduction"], reduction.project, reduction.period_number, reduction.vintage
    )


async def lock_reduction(tx: Transaction, reduction_id: UUID) -> Reduction | None:
    """The reductions, until the end of the transaction nobody else's to issue."""
    return row(Reduction, await tx.connection.fetchrow(sql["lock_reduction"], reduction_id))


async def insert_reduction(tx: Transaction, reduction: Reduction) -> None:
    """Registers reductions or notes an estimate."""
    await tx.connection.execute(sql["insert_reduction"], *astuple(reduction), tx.recorded_at)


async def set_reduction_issued(tx: Transaction, batch: Batch, state: State) -> None:
    """Ties the reductions to the batch that was issued from them."""
    await tx.connection.execute(
        sql["set_reduction_issued"], batch.reduction_id, state, batch.batch_id
    )


async def is_batch_known(tx: Transaction, batch_id: UUID) -> bool:
    """Whether this id is taken."""
    return bool(await tx.connection.fetchval(sql["is_batch_known"], batch_id))


async def lock_batch_numbers(tx: Transaction, project: str) -> None:
    """Waits until nobody else numbers a batch of this project."""
    await tx.connection.execute(sql["lock_batch_numbers"], project)


async def next_batch_number(tx: Transaction, project: str, vintage: int) -> int:
    """The running number inside the project and vintage; the project's batch numbers must be locked."""
    return await tx.connection.fetchval(sql["next_batch_number"], project, vintage)


async def insert_batch(tx: Transaction, batch: Batch) -> None:
    """Enters a batch, for ever."""
    await tx.connection.execute(
        sql["insert_batch"],
        batch.batch_id,
        batch.programme,
        batch.country,
        batch.project,
        batch.vintage,
        batch.batch_number,
        batch.block.first,
        batch.block.next - 1,
        batch.tonnes,
        batch.serials,
        batch.holder_account,
        batch.reduction_id,
        batch.source,
        tx.effective_at,
        tx.recorded_at,
    )
