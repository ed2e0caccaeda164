"""What the registry keeps: one typed function a statement."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date
from uuid import UUID

from services.kernel.actors import Assignment
from services.registry.accounts import Account
from services.registry.applications import AccountApplication
from services.registry.applications import State as ApplicationState
from services.registry.messages.methodologies import Parameter
from services.registry.methodologies import Methodology
from services.registry.organisations import Organisation
from services.registry.programmes import Programme
from services.runtime import queries
from services.runtime.postgres import Transaction, row, rows

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


async def insert_admission(tx: Transaction, category: str, is_admitted: bool, reason: str) -> None:
    """Notes who decided on a category, and why."""
    await tx.connection.execute(
        sql["insert_admission"],
        category,
        is_admitted,
        reason,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )


async def list_admitted(tx: Transaction) -> frozenset[str]:
    """Categories that are admitted by decision."""
    records = await tx.connection.fetch(sql["list_admitted"])
    return frozenset(record["category"] for record in records)


async def insert_application(
    tx: Transaction, account_id: UUID, organisation_id: UUID, kind: str
) -> None:
    """Notes an application for an account, and who made it."""
    await tx.connection.execute(
        sql["insert_application"],
        account_id,
        organisation_id,
        kind,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )


async def lock_application(tx: Transaction, account_id: UUID) -> AccountApplication | None:
    """The application under this id, until the end of the transaction nobody else's to decide."""
    return row(
        AccountApplication, await tx.connection.fetchrow(sql["lock_application"], account_id)
    )


async def get_application_of_organisation(
    tx: Transaction, organisation_id: UUID
) -> AccountApplication | None:
    """The organisation's application that waits for its decision."""
    found = await tx.connection.fetchrow(sql["get_application_of_organisation"], organisation_id)
    return row(AccountApplication, found)


async def set_application_decided(
    tx: Transaction, account_id: UUID, state: ApplicationState, reason: str | None = None
) -> None:
    """Notes the decision and who made it."""
    await tx.connection.execute(
        sql["set_application_decided"],
        account_id,
        state,
        tx.actor.subject,
        tx.effective_at,
        reason,
    )


async def list_waiting_applications(tx: Transaction) -> list[AccountApplication]:
    """Applications for accounts that wait, and that no alarm has been raised for."""
    return rows(AccountApplication, await tx.connection.fetch(sql["list_waiting_applications"]))


async def set_application_overdue(tx: Transaction, account_id: UUID, day: date) -> None:
    """Notes the day on which the alarm was raised."""
    await tx.connection.execute(sql["set_application_overdue"], account_id, day)


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


async def lock_account(tx: Transaction, number: str) -> Account | None:
    """The account with its operators, until the end of the transaction nobody else's to change."""
    await tx.connection.execute(sql["lock_account"], number)
    return await get_account_by_number(tx, number)


async def insert_account(
    tx: Transaction, account_id: UUID, organisation: Organisation, kind: str
) -> Account:
    """Opens the account under the next number."""
    account = row(
        Account,
        await tx.connection.fetchrow(
            sql["insert_account"],
            account_id,
            organisation.organisation_id,
            organisation.category,
            kind,
            tx.effective_at,
            tx.recorded_at,
        ),
    )
    assert account is not None
    return account


async def is_trading_account_known(tx: Transaction, trading_account_id: UUID) -> bool:
    """Whether the id is taken."""
    return await tx.connection.fetchval(sql["is_trading_account_known"], trading_account_id)


async def insert_trading_account(
    tx: Transaction, trading_account_id: UUID, account: Account
) -> str:
    """Opens the trading account; returns its number."""
    return await tx.connection.fetchval(
        sql["insert_trading_account"],
        trading_account_id,
        account.number,
        account.category,
        tx.effective_at,
        tx.recorded_at,
    )


async def list_slots(tx: Transaction, number: str) -> frozenset[int]:
    """Which of the places for operators are taken."""
    records = await tx.connection.fetch(sql["list_slots"], number)
    return frozenset(record["slot"] for record in records)


async def lock_employers(tx: Transaction, operator: str) -> frozenset[str]:
    """The categories of the parties whose accounts the person operates; nobody else appoints the person meanwhile."""
    await tx.connection.execute(sql["lock_person"], operator)
    records = await tx.connection.fetch(sql["list_employers"], operator)
    return frozenset(record["category"] for record in records)


async def insert_operator(
    tx: Transaction, account: Account, operator: str, name: str, slot: int
) -> None:
    """Notes the appointment and who made it."""
    await tx.connection.execute(
        sql["insert_operator"],
        account.number,
        operator,
        name,
        slot,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )


async def dismiss_operator(tx: Transaction, number: str, operator: str, reason: str) -> None:
    """Notes the dismissal, who made it and why."""
    await tx.connection.execute(
        sql["dismiss_operator"], number, operator, tx.actor.subject, tx.effective_at, reason
    )


async def restrict_account(
    tx: Transaction, number: str, state: str, ground: str, reason: str
) -> None:
    """Notes the restriction and why."""
    await tx.connection.execute(
        sql["restrict_account"], number, state, ground, reason, tx.effective_at
    )


async def lift_restriction(tx: Transaction, number: str, state: str) -> None:
    """Ends the restriction; its reason stays in the history."""
    await tx.connection.execute(sql["lift_restriction"], number, state)


async def close_account(tx: Transaction, number: str, state: str, ground: str, reason: str) -> None:
    """Notes the closure and why."""
    await tx.connection.execute(
        sql["close_account"], number, state, ground, reason, tx.effective_at
    )


async def get_programme(tx: Transaction, code: str) -> Programme | None:
    """A programme by its code, in its newest version."""
    return row(Programme, await tx.connection.fetchrow(sql["get_programme"], code))


async def lock_programme(tx: Transaction, code: str) -> Programme | None:
    """The programme, until the end of the transaction nobody else's to amend or to assign roles in."""
    await tx.connection.execute(sql["lock_programme"], code)
    return await get_programme(tx, code)


async def insert_programme(tx: Transaction, programme: Programme) -> None:
    """Enters a programme with its first version."""
    await tx.connection.execute(
        sql["insert_programme"],
        programme.code,
        programme.country,
        programme.kind,
        programme.is_ets_eligible,
        tx.effective_at,
        tx.recorded_at,
    )
    await insert_programme_version(tx, programme, "")


async def insert_programme_version(tx: Transaction, programme: Programme, reason: str) -> None:
    """Enters a version of a programme's rules."""
    await tx.connection.execute(
        sql["insert_programme_version"],
        programme.code,
        programme.version,
        programme.name,
        programme.rule_book,
        programme.valid_from,
        reason,
        tx.effective_at,
        tx.recorded_at,
    )


async def list_assignments(tx: Transaction, programme: str) -> list[Assignment]:
    """Who holds which role in the programme."""
    return rows(Assignment, await tx.connection.fetch(sql["list_assignments"], programme))


async def insert_assignment(
    tx: Transaction, programme: str, assignment: Assignment, reason: str
) -> None:
    """Notes the assignment, who made it and why."""
    await tx.connection.execute(
        sql["insert_assignment"],
        programme,
        assignment.role,
        assignment.person,
        reason,
        tx.actor.subject,
        tx.effective_at,
        tx.recorded_at,
    )


async def end_assignment(
    tx: Transaction, programme: str, assignment: Assignment, reason: str
) -> None:
    """Notes the end of the assignment, who ended it and why."""
    await tx.connection.execute(
        sql["end_assignment"],
        programme,
        assignment.role,
        assignment.person,
        tx.actor.subject,
        tx.effective_at,
        reason,
    )


async def get_methodology(tx: Transaction, code: str) -> Methodology | None:
    """A version of a methodology by its code, without its parameters."""
    return row(Methodology, await tx.connection.fetchrow(sql["get_methodology"], code))


async def lock_methodology(tx: Transaction, code: str) -> Methodology | None:
    """The version, until the end of the transaction nobody else's to end."""
    await tx.connection.execute(sql["lock_methodology"], code)
    return await get_methodology(tx, code)


async def insert_methodology(tx: Transaction, methodology: Methodology) -> None:
    """Enters a version of a methodology with its parameters."""
    values = astuple(methodology)[:-1]
    await tx.connection.execute(sql["insert_methodology"], *values, tx.effective_at, tx.recorded_at)
    await _insert_parameters(tx, methodology.code, methodology.parameters)


async def _insert_parameters(
    tx: Transaction, methodology: str, parameters: Sequence[Parameter]
) -> None:
    await tx.connection.execute(
        sql["insert_parameters"],
        methodology,
        [parameter.name for parameter in parameters],
        [parameter.value for parameter in parameters],
        [parameter.unit for parameter in parameters],
        [parameter.source for parameter in parameters],
        [parameter.edition for parameter in parameters],
        [parameter.confidence for parameter in parameters],
    )


async def end_methodology(tx: Transaction, code: str, valid_until: date, reason: str) -> None:
    """Sets the version's last day."""
    await tx.connection.execute(sql["end_methodology"], code, valid_until, reason)
