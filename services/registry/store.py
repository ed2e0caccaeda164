"""What the registry keeps: one typed function a statement."""

from dataclasses import astuple
from uuid import UUID

from services.registry.accounts import Account
from services.registry.organisations import Organisation
from services.registry.programmes import Methodology, Programme
from services.registry.projects import Application, Project, State
from services.runtime import queries
from services.runtime.postgres import Transaction, row

sql = queries.beside(__file__)


async def find_taken_organisation(tx: Transaction, organisation: Organisation) -> str | None:
    """The id or credit code that another entry has."""
    return await tx.connection.fetchval(
        sql["find_taken_organisation"], organisation.organisation_id, organisation.credit_code
    )


async def insert_organisation(tx: Transaction, organisation: Organisation) -> None:
    """Enters a legal entity."""
    await tx.connection.execute(
        sql["insert_organisation"], *astuple(organisation), tx.effective_at, tx.recorded_at
    )


async def lock_organisation(tx: Transaction, organisation_id: UUID) -> Organisation | None:
    """The organisation, until the end of the transaction nobody else's to open an account for."""
    return row(
        Organisation, await tx.connection.fetchrow(sql["lock_organisation"], organisation_id)
    )


async def get_account(tx: Transaction, account_id: UUID) -> Account | None:
    """An account by its id."""
    return row(Account, await tx.connection.fetchrow(sql["get_account"], account_id))


async def get_account_of_organisation(tx: Transaction, organisation_id: UUID) -> Account | None:
    """An organisation's one account."""
    return row(
        Account, await tx.connection.fetchrow(sql["get_account_of_organisation"], organisation_id)
    )


async def get_account_by_number(tx: Transaction, number: str) -> Account | None:
    """An account by its public number."""
    return row(Account, await tx.connection.fetchrow(sql["get_account_by_number"], number))


async def insert_account(
    tx: Transaction, account_id: UUID, organisation_id: UUID, kind: str
) -> Account:
    """Opens the account under the next number."""
    account = row(
        Account,
        await tx.connection.fetchrow(
            sql["insert_account"],
            account_id,
            organisation_id,
            kind,
            tx.effective_at,
            tx.recorded_at,
        ),
    )
    assert account is not None
    return account


async def get_programme(tx: Transaction, code: str) -> Programme | None:
    """A programme by its code."""
    return row(Programme, await tx.connection.fetchrow(sql["get_programme"], code))


async def insert_programme(tx: Transaction, programme: Programme) -> None:
    """Enters a programme."""
    await tx.connection.execute(
        sql["insert_programme"], *astuple(programme), tx.effective_at, tx.recorded_at
    )


async def get_methodology(tx: Transaction, code: str) -> Methodology | None:
    """A version of a methodology by its code."""
    return row(Methodology, await tx.connection.fetchrow(sql["get_methodology"], code))


async def insert_methodology(tx: Transaction, methodology: Methodology) -> None:
    """Enters a version of a methodology."""
    await tx.connection.execute(
        sql["insert_methodology"], *astuple(methodology), tx.effective_at, tx.recorded_at
    )


async def find_taken_project(tx: Transaction, application: Application) -> str | None:
    """The id or code that another project has."""
    return await tx.connection.fetchval(
        sql["find_taken_project"], application.project_id, application.code
    )


async def insert_project(tx: Transaction, application: Application) -> None:
    """Enters a submitted project."""
    await tx.connection.execute(
        sql["insert_project"],
        *astuple(application),
        State.SUBMITTED,
        tx.effective_at,
        tx.recorded_at,
    )


async def lock_project(tx: Transaction, code: str) -> Project | None:
    """The project, until the end of the transaction nobody else's to change."""
    return row(Project, await tx.connection.fetchrow(sql["lock_project"], code))


async def set_project_registered(tx: Transaction, code: str, state: State) -> None:
    """Notes the registration with both of its times."""
    await tx.connection.execute(
        sql["set_project_registered"], code, state, tx.effective_at, tx.recorded_at
    )
