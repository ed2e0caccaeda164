"""What the registry's handlers read, write and say, in a real database and with the service's own rights."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.kernel.actors import Actor, Role, RoleMissing
from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import handlers, store
from services.registry.accounts import OrganisationHasAccount
from services.registry.messages import (
    COMMANDS,
    AccountOpened,
    OpenAccount,
    OrganisationRegistered,
    ProjectRegistered,
    ProjectSubmitted,
    PublishMethodology,
    RegisterOrganisation,
    RegisterProgramme,
    RegisterProject,
    SubmitProject,
)
from services.registry.projects import BeforeSubmission, OtherProgramme
from services.runtime import migrate, outbox, queries
from services.runtime.approval import Decision
from services.runtime.messages import Command, Event
from services.runtime.postgres import Connection, Transaction, opened_connection
from services.tools.companies import invented_credit_code
from tests.conftest import Database
from tests.handlers.conftest import Opened

REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
OWNER, OTHER = UUID(int=11), UUID(int=12)
SUBMITTED_AT = datetime(2024, 12, 1, tzinfo=UTC)
REGISTERED_AT = datetime(2025, 1, 25, 16, 30, tzinfo=UTC)  # in Beijing it is the 26th

ORGANISATION = RegisterOrganisation(
    organisation_id=OWNER, name="鲁能", credit_code=invented_credit_code("鲁能")
)
OTHER_ORGANISATION = RegisterOrganisation(
    organisation_id=OTHER, name="乙", credit_code=invented_credit_code("乙")
)
ACCOUNT = OpenAccount(account_id=UUID(int=21), organisation_id=OWNER, kind="OWNER")
PROGRAMME = RegisterProgramme(
    code="CCER", name="全国温室气体自愿减排", country="CN", kind="NATIONAL", is_ets_eligible=True
)
METHODOLOGY = PublishMethodology(
    code="CCER-01-001-V01",
    programme="CCER",
    name="并网光热发电",
    crediting_years_max=10,
    valid_from=date(2023, 10, 24),
)


def submission(account: str, **changes: object) -> SubmitProject:
    values: dict[str, object] = {
        "project_id": UUID(int=31),
        "code": "A110003",
        "programme": "CCER",
        "methodology": "CCER-01-001-V01",
        "owner_account": account,
        "name": "格尔木塔式光热发电项目",
        "province": "青海省",
        "longitude": Decimal("95.21913"),
        "latitude": Decimal("36.40045"),
        "construction_started_on": date(2018, 3, 20),
        "crediting_from": date(2020, 9, 23),
        "crediting_until": date(2030, 9, 22),
        "expected_annual_tonnes": 113_381,
        "validation_body": "广州赛宝",
        "notes": "",
    }
    return SubmitProject(**values | changes)  # pyright: ignore[reportArgumentType]


async def say(tx: Transaction, command: Command) -> Event:
    """What the command lets the registry say, told in the history; a refusal leaves nothing behind."""
    async with tx.connection.transaction():
        [event] = await handlers.SERVICE.commands[type(command)](tx, command)
        await outbox.append(replace(tx, message_id=str(new_id())), [event])
    return event


async def accept(tx: Transaction, *commands: Command) -> None:
    for command in commands:
        await say(tx, command)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    return await opened("registry", REGISTRAR, SUBMITTED_AT)


@pytest.fixture
async def account(tx: Transaction) -> str:
    """The number of the account of an organisation, with a programme and a methodology."""
    await accept(tx, ORGANISATION, PROGRAMME, METHODOLOGY)
    opening = await say(tx, ACCOUNT)
    assert isinstance(opening, AccountOpened)
    return opening.number


def test_every_command_has_a_handler() -> None:
    asked = {command for command in COMMANDS if not issubclass(command, Decision)}
    assert set(handlers.SERVICE.commands) == asked


@pytest.mark.parametrize(
    "command",
    [
        ORGANISATION,
        ACCOUNT,
        PROGRAMME,
        METHODOLOGY,
        RegisterProject(code="A110003"),
        submission("ACC-1"),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_nobody_without_the_role_may_do_anything(tx: Transaction, command: Command) -> None:
    outsider = Actor("someone", OWNER, frozenset(Role) - {Role.REGISTRAR, Role.OWNER_OPERATOR})
    with pytest.raises(RoleMissing):
        await say(replace(tx, actor=outsider), command)


async def test_a_project_is_submitted_and_then_registered(tx: Transaction, account: str) -> None:
    assert await say(tx, submission(account)) == ProjectSubmitted(
        project_id=UUID(int=31),
        code="A110003",
        programme="CCER",
        methodology="CCER-01-001-V01",
        owner_account=account,
    )
    early = replace(tx, effective_at=SUBMITTED_AT - timedelta(seconds=1))
    with pytest.raises(BeforeSubmission):
        await say(early, RegisterProject(code="A110003"))
    later = replace(tx, effective_at=REGISTERED_AT)
    assert await say(later, RegisterProject(code="A110003")) == ProjectRegistered(
        project_id=UUID(int=31),
        code="A110003",
        programme="CCER",
        methodology="CCER-01-001-V01",
        owner_account=account,
        country="CN",
        registered_on=date(2025, 1, 26),
        crediting_from=date(2020, 9, 23),
        crediting_until=date(2030, 9, 22),
    )
    with pytest.raises(StepNotAllowed):
        await say(later, RegisterProject(code="A110003"))
    with pytest.raises(Unknown):
        await say(later, RegisterProject(code="A110004"))


async def test_a_projects_code_and_id_are_taken_for_ever(tx: Transaction, account: str) -> None:
    await accept(tx, submission(account))
    for change in ({"code": "A110004"}, {"project_id": UUID(int=32)}):
        with pytest.raises(AlreadyExists):
            await say(tx, submission(account, **change))


async def test_a_project_names_what_is_known_and_belongs_together(
    tx: Transaction, account: str
) -> None:
    other = RegisterProgramme(
        code="WEEE-PILOT",
        name="试点",
        country="CN",
        kind="PILOT_ASSOCIATION",
        is_ets_eligible=False,
    )
    await accept(tx, other)
    for command, refusal in (
        (submission(account, programme="VCS"), Unknown),
        (submission(account, methodology="CCER-99"), Unknown),
        (submission("ACC-99999999"), Unknown),
        (submission(account, programme="WEEE-PILOT"), OtherProgramme),
    ):
        with pytest.raises(refusal):
            await say(tx, command)


async def test_an_owner_submits_for_its_own_account_only(tx: Transaction, account: str) -> None:
    """Another's account is as unknown as one that does not exist."""
    operator = Actor("operator-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
    for organisation in (OTHER, None):
        stranger = replace(tx, actor=replace(operator, organisation=organisation))
        with pytest.raises(Unknown) as refusal:
            await say(stranger, submission(account))
        assert refusal.value.values == {"noun": "account", "given": account}
    await say(replace(tx, actor=operator), submission(account))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM project",
        "UPDATE project SET code = code",
        "UPDATE account SET kind = kind",
        "UPDATE event SET body = body",
        "DELETE FROM event",
        "TRUNCATE project",
    ],
)
async def test_the_service_cannot_rewrite_the_register(tx: Transaction, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.connection.execute(statement)


async def test_invariants_hold_after_the_whole_path(tx: Transaction, account: str) -> None:
    await accept(tx, submission(account))
    await accept(replace(tx, effective_at=REGISTERED_AT), RegisterProject(code="A110003"))
    assert not await _broken(tx)


async def test_invariants_notice_what_the_history_does_not_know(
    tx: Transaction, account: str
) -> None:
    await handlers.register_organisation(tx, OTHER_ORGANISATION)
    await handlers.open_account(
        tx, OpenAccount(account_id=UUID(int=22), organisation_id=OTHER, kind="TRADER")
    )
    await accept(tx, submission(account))
    await handlers.register_project(
        replace(tx, effective_at=REGISTERED_AT), RegisterProject(code="A110003")
    )
    assert await _broken(tx) == {"account_opened_once", "project_registered_once"}


async def _broken(tx: Transaction) -> set[str]:
    invariants = queries.load(migrate.SCHEMA_FOLDER / "registry" / "invariants.sql")
    return {
        name
        for name, statement in invariants.items()
        if await tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
    }
