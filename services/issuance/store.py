"""What issuance keeps: one typed function a statement."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date
from uuid import UUID

from services.issuance.batches import Batch
from services.issuance.methodologies import Methodology
from services.issuance.parties import Account, Organisation
from services.issuance.reductions import Period, Programme, Project, Reduction, State
from services.kernel.actors import Assignment
from services.kernel.calendars import CHINA, WorkingCalendar, YearNotice
from services.registry.messages.calendars import OfficialDaysAdded
from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows

sql = queries.beside(__file__)


async def insert_programme(tx: Transaction, programme: Programme) -> None:
    """Notes a programme that the registry has told of."""
    await tx.connection.execute(sql["insert_programme"], *astuple(programme))


async def insert_project(tx: Transaction, project: Project) -> None:
    """Notes a registered project that the registry has told of."""
    await tx.connection.execute(sql["insert_project"], *astuple(project))


async def set_project_status(tx: Transaction, code: str, status: str) -> bool:
    """Notes that a project's registration has ended; False if the project is not known."""
    return bool(await tx.connection.fetchval(sql["set_project_status"], code, status))


async def insert_methodology(tx: Transaction, methodology: Methodology) -> None:
    """Notes a version of a methodology that the registry has told of."""
    await tx.connection.execute(
        sql["insert_methodology"],
        methodology.code,
        methodology.formula_id,
        methodology.risk_model,
        methodology.risk_rate,
        methodology.parameters,
        methodology.unreadable,
    )


async def get_methodology(tx: Transaction, code: str) -> Methodology | None:
    """A version of a methodology by its code."""
    return row(Methodology, await tx.connection.fetchrow(sql["get_methodology"], code))


async def insert_barred_owner(
    tx: Transaction, organisation_id: UUID, project: str, barred_until: date
) -> None:
    """Notes until when an owner's applications are refused, and because of which project."""
    await tx.connection.execute(sql["insert_barred_owner"], organisation_id, project, barred_until)


async def get_barred_until(tx: Transaction, organisation_id: UUID) -> date | None:
    """The first day on which the owner's applications are accepted again, if they ever were refused."""
    return await tx.connection.fetchval(sql["get_barred_until"], organisation_id)


async def insert_organisation(tx: Transaction, organisation: Organisation) -> None:
    """Notes an entity that the registry has told of."""
    await tx.connection.execute(sql["insert_organisation"], *astuple(organisation))


async def get_organisation(tx: Transaction, organisation_id: UUID) -> Organisation | None:
    """An entity by its id."""
    found = await tx.connection.fetchrow(sql["get_organisation"], organisation_id)
    return row(Organisation, found)


async def insert_account(tx: Transaction, account: Account) -> None:
    """Notes an account that the registry has told of."""
    await tx.connection.execute(
        sql["insert_account"],
        account.number,
        account.organisation_id,
        account.kind,
        account.status,
    )


async def get_account(tx: Transaction, number: str) -> Account | None:
    """An account by its number, with its operators."""
    return row(Account, await tx.connection.fetchrow(sql["get_account"], number))


async def set_account_status(tx: Transaction, number: str, status: str) -> bool:
    """Notes whether an account can be used; False if it is not known."""
    return bool(await tx.connection.fetchval(sql["set_account_status"], number, status))


async def insert_operator(tx: Transaction, account: str, person: str) -> None:
    """Notes who operates an account, which must be known."""
    await tx.connection.execute(sql["insert_operator"], account, person)


async def delete_operator(tx: Transaction, account: str, person: str) -> None:
    """Notes that a person operates an account no more."""
    await tx.connection.execute(sql["delete_operator"], account, person)


async def insert_programme_role(tx: Transaction, programme: str, role: str, person: str) -> None:
    """Notes who holds a role in a programme."""
    await tx.connection.execute(sql["insert_programme_role"], programme, role, person)


async def delete_programme_role(tx: Transaction, programme: str, role: str, person: str) -> None:
    """Notes that a person holds a role in a programme no more."""
    await tx.connection.execute(sql["delete_programme_role"], programme, role, person)


async def list_programme_roles(tx: Transaction, programme: str) -> Sequence[Assignment]:
    """Who holds which role in a programme."""
    return rows(Assignment, await tx.connection.fetch(sql["list_programme_roles"], programme))


async def insert_calendar_notice(tx: Transaction, notice: OfficialDaysAdded) -> None:
    """Notes what the registry has told of a year's working days."""
    await tx.connection.execute(
        sql["insert_calendar_notice"],
        notice.notice_id,
        notice.year,
        notice.holidays,
        notice.working_days,
    )


async def get_calendar(tx: Transaction) -> WorkingCalendar:
    """The official calendar with every notice that came since."""
    found = await tx.connection.fetch(sql["list_calendar_notices"])
    return CHINA.with_notices(rows(YearNotice, found))


async def get_programme(tx: Transaction, code: str) -> Programme | None:
    """A programme by its code."""
    return row(Programme, await tx.connection.fetchrow(sql["get_programme"], code))


async def get_project(tx: Transaction, code: str) -> Project | None:
    """A registered project by its code."""
    return row(Project, await tx.connection.fetchrow(sql["get_project"], code))


async def lock_project(tx: Transaction, code: str) -> Project | None:
    """The project, until the end of the transaction nobody else's to credit."""
    return row(Project, await tx.connection.fetchrow(sql["lock_project"], code))


async def list_periods(tx: Transaction, project: str) -> Sequence[Period]:
    """The monitoring periods of a project that are claimed."""
    return rows(Period, await tx.connection.fetch(sql["list_periods"], project))


async def insert_period(tx: Transaction, project: str, period: Period) -> None:
    """Notes a monitoring period, unless another vintage's reductions brought it."""
    await tx.connection.execute(sql["insert_period"], project, *astuple(period))


async def is_period_reported(tx: Transaction, project: str, number: int) -> bool:
    """Whether the period is that of a report."""
    return bool(await tx.connection.fetchval(sql["is_period_reported"], project, number))


async def is_reduction_known(tx: Transaction, reduction_id: UUID) -> bool:
    """Whether this id is taken."""
    return bool(await tx.connection.fetchval(sql["is_reduction_known"], reduction_id))


async def find_reduction(tx: Transaction, reduction: Reduction) -> UUID | None:
    """The reductions of the same project, period and vintage."""
    return await tx.connection.fetchval(
        sql["find_reduction"], reduction.project, reduction.period_number, reduction.vintage
    )


async def get_project_of_reduction(tx: Transaction, reduction_id: UUID) -> str | None:
    """The code of the reductions' project, which never changes; None if there are no such reductions."""
    return await tx.connection.fetchval(sql["get_project_of_reduction"], reduction_id)


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


async def set_reduction_state(tx: Transaction, reduction: Reduction) -> None:
    """Notes where the reductions are."""
    values = reduction.reduction_id, reduction.state
    await tx.connection.execute(sql["set_reduction_state"], *values)


async def set_reduction_revoked(tx: Transaction, reduction: Reduction) -> None:
    """Notes how many of the tonnes were falsified."""
    await tx.connection.execute(
        sql["set_reduction_revoked"],
        reduction.reduction_id,
        reduction.state,
        reduction.revoked_tonnes,
    )


async def is_batch_known(tx: Transaction, batch_id: UUID) -> bool:
    """Whether this id is taken."""
    return bool(await tx.connection.fetchval(sql["is_batch_known"], batch_id))


async def lock_batch_numbers(tx: Transaction, project: str, batch_id: UUID) -> None:
    """Waits until nobody else numbers a batch of this project, or names one so."""
    await tx.connection.execute(sql["lock_batch_numbers"], project, str(batch_id))


async def next_batch_number(tx: Transaction, project: str, vintage: int) -> int:
    """The running number inside the project and vintage; the project's batch numbers must be locked."""
    return await tx.connection.fetchval(sql["next_batch_number"], project, vintage)


async def get_other_programme_of(tx: Transaction, project: str, programme: str) -> str | None:
    """Another programme with credits of a project of this code; the project's batch numbers must be locked."""
    return await tx.connection.fetchval(sql["get_other_programme_of"], project, programme)


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
        batch.buffer_tonnes,
        batch.conversion_id,
        batch.compliance_id,
        tx.effective_at,
        tx.recorded_at,
    )
