"""What the registry does with parties, their accounts, programmes and methodologies, in a real database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.kernel.actors import Actor, NotAssigned, Role, RoleMissing
from services.kernel.calendars import CHINA
from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AccountNotOpen, AlreadyExists, OutOfRange, Refusal, Unknown
from services.registry import account_handlers, programme_handlers, store
from services.registry.accounts import (
    AccountHasTradingAccount,
    BarredFromTrading,
    KindNotForCategory,
    OperatorIsBarredStaff,
    OperatorMissing,
    OrganisationHasAccount,
    TooManyOperators,
)
from services.registry.applications import ApplicationWaits, OtherApplication
from services.registry.messages import APPROVALS, EVENTS
from services.registry.messages.accounts import (
    AccountApplied,
    AccountDecisionOverdue,
    AccountOpened,
    AccountRefused,
    AccountRestricted,
    ApplyForAccount,
    AppointOperator,
    CloseAccount,
    DismissOperator,
    LiftRestriction,
    OpenAccount,
    OpenTradingAccount,
    OperatorAppointed,
    RefuseAccount,
    RestrictAccount,
    RestrictionLifted,
    TradingAccountOpened,
)
from services.registry.messages.approvals import ApproveCommand
from services.registry.messages.methodologies import (
    EndMethodology,
    MethodologyEnded,
    MethodologyPublished,
    Parameter,
    PublishMethodology,
)
from services.registry.messages.organisations import (
    ChangeAdmission,
    OrganisationRegistered,
    RegisterOrganisation,
)
from services.registry.messages.programmes import (
    AmendProgramme,
    AssignRole,
    EndRole,
    ProgrammeAmended,
    RegisterProgramme,
)
from services.registry.methodologies import MethodologyHasEnd
from services.registry.organisations import CategoryNotAdmitted
from services.runtime import approval, migrate, outbox, queries
from services.runtime.approval import MakerIsApprover
from services.runtime.inbox import Service
from services.runtime.messages import Answer, CloudEvent, Command, Event, wire_name
from services.runtime.postgres import Connection, Transaction, opened_connection
from services.tools.companies import invented_credit_code
from tests.conftest import Database
from tests.handlers.conftest import Opened

REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
APPROVER = Actor("approver-1", None, frozenset({Role.APPROVER}))
AT = datetime(2026, 7, 17, 2, tzinfo=UTC)
OWNER, OTHER, BODY = (UUID(int=number) for number in (11, 12, 13))

PARTIES = Service(
    name="registry",
    commands={**account_handlers.COMMANDS, **programme_handlers.COMMANDS},
    events={},
    approvals=APPROVALS,
    four_eyes={**account_handlers.FOUR_EYES, **programme_handlers.FOUR_EYES},
)


def entry(organisation: UUID, category: str = "ENTERPRISE", **changes: Any) -> RegisterOrganisation:
    name = f"甲{organisation.int}"
    values = {"name": name, "credit_code": invented_credit_code(name)} | changes
    return RegisterOrganisation(organisation_id=organisation, category=category, **values)


def opening(organisation: UUID = OWNER, kind: str = "OWNER") -> OpenAccount:
    return OpenAccount(
        account_id=UUID(int=organisation.int + 100), organisation_id=organisation, kind=kind
    )


def appointing(account: str, operator: str = "op-1") -> AppointOperator:
    return AppointOperator(account=account, operator=operator, name=f"张{operator}")


def trading(account: str, number: int = 1) -> OpenTradingAccount:
    return OpenTradingAccount(trading_account_id=UUID(int=200 + number), account=account)


PROGRAMME = RegisterProgramme(
    code="CCER",
    name="全国温室气体自愿减排",
    country="CN",
    kind="NATIONAL",
    is_ets_eligible=True,
    rule_book="办法（试行），2023-10-19",
    valid_from=date(2023, 10, 19),
)
METHODOLOGY = PublishMethodology(
    code="CCER-14-001-V01",
    programme="CCER",
    name="造林碳汇",
    crediting_years_max=40,
    valid_from=date(2023, 10, 24),
    crediting_years_min=20,
    additionality="CONDITIONAL",
    risk_model="DEDUCTION",
    risk_rate=Decimal("0.10"),
    formula_id="afforestation",
    source="CCER-14-001-V01",
    parameters=(
        Parameter(
            name="CF",
            value=Decimal("0.50"),
            unit="tC/t d.m.",
            source="CCER-14-001-V01",
            edition="2023",
            confidence="UNVERIFIED",
        ),
        Parameter(
            name="K_RISK",
            value=Decimal("0.10"),
            unit="1",
            source="CCER-14-001-V01",
            edition="2023",
            confidence="UNVERIFIED",
        ),
    ),
)


async def said(tx: Transaction, command: Command) -> list[Event]:
    """All that the command lets the registry say, told in the history; a refusal leaves nothing behind."""
    tx = replace(tx, message_id=str(new_id()))
    async with tx.connection.transaction():
        events = list(await PARTIES.commands[type(command)](tx, command))
        await outbox.append(tx, events)
    return events


async def say(tx: Transaction, *commands: Command) -> Any:
    """What the last command lets the registry say, which is one thing."""
    events: list[Event] = []
    for command in commands:
        events = await said(tx, command)
    [event] = events
    return event


async def ask(tx: Transaction, command: Command) -> Answer:
    """The answer to a command that needs four eyes."""
    envelope = CloudEvent(id=str(new_id()), source="/test", type=wire_name(type(command)))
    asked = replace(tx, message_id=envelope.id)
    async with tx.connection.transaction():
        answer, facts = await approval.request(asked, envelope, command, PARTIES)
        await outbox.append_facts(tx.connection, facts)
    return answer


async def decide(tx: Transaction, asked: Answer, actor: Actor = APPROVER) -> Answer:
    """The answer to the second person."""
    assert asked.approval_id is not None
    deciding = replace(tx, actor=actor, message_id=str(new_id()))
    async with tx.connection.transaction():
        answer, facts = await approval.decide(
            deciding, ApproveCommand(approval_id=asked.approval_id), PARTIES
        )
        await outbox.append_facts(tx.connection, facts)
    return answer


async def refused(tx: Transaction, refusal: type[Refusal], *commands: Command) -> None:
    """Each of the commands is refused, and changes nothing."""
    for command in commands:
        before = await _contents(tx)
        with pytest.raises(refusal):
            await said(tx, command)
        assert await _contents(tx) == before


async def _contents(tx: Transaction) -> list[asyncpg.Record]:
    tables = (
        "organisation admission account_application account trading_account operator programme"
        " programme_version role_assignment methodology parameter event"
    )
    union = " UNION ALL ".join(f"SELECT '{t}', md5(x::text) FROM {t} x" for t in tables.split())
    return await tx.connection.fetch(f"{union} ORDER BY 1, 2")


async def event_of(tx: Transaction, kind: str) -> asyncpg.Record | None:
    return await tx.connection.fetchrow(
        "SELECT actor, approved_by, body::jsonb AS body FROM event WHERE type = $1", kind
    )


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    return await opened("registry", REGISTRAR, AT)


@pytest.fixture
async def account(tx: Transaction) -> str:
    """The number of an enterprise's account."""
    opened = await say(tx, entry(OWNER), opening())
    assert isinstance(opened, AccountOpened)
    return opened.number


@pytest.mark.parametrize(
    "command",
    [
        entry(OWNER),
        ChangeAdmission(category="NATURAL_PERSON", is_admitted=True, reason="试点"),
        opening(),
        RefuseAccount(account_id=UUID(int=111), reason="资料不符"),
        trading("ACC-1"),
        appointing("ACC-1"),
        DismissOperator(account="ACC-1", operator="op-1", reason="离职"),
        RestrictAccount(account="ACC-1", ground="RULES_BROKEN", reason="违规"),
        LiftRestriction(account="ACC-1", reason="已改正"),
        CloseAccount(account="ACC-1", ground="MERGER", reason="合并"),
        PROGRAMME,
        AmendProgramme(code="CCER", name="CCER", rule_book="", reason="修订"),
        AssignRole(programme="CCER", role="registrar", person="rudi", reason="分工"),
        EndRole(programme="CCER", role="registrar", person="rudi", reason="分工"),
        METHODOLOGY,
        EndMethodology(code="CCER-14-001-V01", valid_until=date(2027, 1, 1), reason="新版"),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_nobody_without_the_role_may_do_anything(tx: Transaction, command: Command) -> None:
    roles = frozenset(Role) - {Role.REGISTRAR, Role.APPROVER}
    await refused(replace(tx, actor=Actor("someone", OWNER, roles)), RoleMissing, command)


async def test_an_organisation_is_entered_once(tx: Transaction) -> None:
    given = entry(OWNER)
    assert await say(tx, given) == OrganisationRegistered(
        organisation_id=OWNER, name=given.name, credit_code=given.credit_code, country="CN"
    )
    await refused(tx, AlreadyExists, entry(OTHER, credit_code=given.credit_code))
    await refused(tx, AlreadyExists, entry(OWNER, name="乙"))
    await say(tx, entry(OTHER, credit_code="5493001KJTIIGC8Y1R12", country="DE"))


async def test_rule_12_natural_persons_are_off_until_a_registrar_decides(tx: Transaction) -> None:
    person = entry(OWNER, "NATURAL_PERSON", credit_code="11010519491231002X")
    admitting = ChangeAdmission(category="NATURAL_PERSON", is_admitted=True, reason="规则第五条")
    await refused(tx, CategoryNotAdmitted, person)
    await refused(
        tx, OutOfRange, ChangeAdmission(category="REGULATOR", is_admitted=True, reason="x")
    )
    assert (await say(tx, admitting)).is_admitted
    assert await said(tx, admitting) == []
    number = (await say(tx, person, opening(kind="TRADER"))).number
    await say(tx, appointing(number))
    closing = ChangeAdmission(category="NATURAL_PERSON", is_admitted=False, reason="暂停")
    await say(tx, closing)
    await refused(tx, CategoryNotAdmitted, trading(number))


async def test_an_account_gets_the_next_number(tx: Transaction, account: str) -> None:
    assert account.startswith("ACC-")
    assert len(account) == 12
    following = await say(tx, entry(OTHER), opening(OTHER, "TRADER"))
    assert int(following.number[4:]) == int(account[4:]) + 1


async def test_rule_11_an_organisation_has_one_account(tx: Transaction, account: str) -> None:
    second = OpenAccount(account_id=UUID(int=1), organisation_id=OWNER, kind="TRADER")
    await refused(tx, OrganisationHasAccount, second)
    await refused(tx, AlreadyExists, opening())
    await refused(tx, Unknown, opening(OTHER))
    with pytest.raises(asyncpg.UniqueViolationError):
        await tx.connection.execute(
            "INSERT INTO account (account_id, organisation_id, category, kind, effective_at, recorded_at)"
            " VALUES ($1, $2, 'ENTERPRISE', 'TRADER', now(), now())",
            UUID(int=1),
            OWNER,
        )


async def test_rule_11_an_account_has_one_trading_account(tx: Transaction, account: str) -> None:
    await refused(tx, OperatorMissing, trading(account))
    opened = await say(tx, appointing(account), trading(account))
    assert isinstance(opened, TradingAccountOpened)
    assert (opened.number, opened.trading_account[:4]) == (account, "TRD-")
    await refused(tx, AccountHasTradingAccount, trading(account), trading(account, 2))
    await refused(tx, Unknown, trading("ACC-99999999"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await tx.connection.execute(
            "INSERT INTO trading_account (trading_account_id, account, category, effective_at, recorded_at)"
            " VALUES ($1, $2, 'ENTERPRISE', now(), now())",
            UUID(int=1),
            account,
        )


async def test_rule_11_five_operators_are_appointed_and_no_sixth(
    tx: Transaction, account: str
) -> None:
    for number in range(1, 6):
        event = await say(tx, appointing(account, f"op-{number}"))
        assert isinstance(event, OperatorAppointed)
    await refused(tx, TooManyOperators, appointing(account, "op-6"))
    await refused(tx, AlreadyExists, appointing(account, "op-5"))
    await say(tx, DismissOperator(account=account, operator="op-3", reason="离职"))
    await say(tx, appointing(account, "op-6"))
    await refused(tx, TooManyOperators, appointing(account, "op-3"))
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.UniqueViolationError)):
        await tx.connection.execute(
            "INSERT INTO operator (account, subject, name, slot, appointed_by, appointed_at, recorded_at)"
            " SELECT $1, 'op-7', '张', max(slot) + 1, 'x', now(), now() FROM operator",
            account,
        )


async def test_who_appointed_and_dismissed_whom_and_why_is_kept(
    tx: Transaction, account: str
) -> None:
    await say(tx, appointing(account), appointing(account, "op-2"))
    await say(tx, DismissOperator(account=account, operator="op-1", reason="离职"))
    kept = await tx.connection.fetch(
        "SELECT subject, name, appointed_by, dismissed_by, dismissed_at, dismissal_reason FROM operator ORDER BY 1"
    )
    assert [tuple(row) for row in kept] == [
        ("op-1", "张op-1", "registrar-1", "registrar-1", AT, "离职"),
        ("op-2", "张op-2", "registrar-1", None, None, None),
    ]
    await refused(tx, Unknown, DismissOperator(account=account, operator="op-1", reason="离职"))


async def test_an_organisations_own_approver_appoints_its_operators(
    tx: Transaction, account: str
) -> None:
    own = replace(tx, actor=Actor("chief", OWNER, frozenset({Role.APPROVER})))
    await say(own, appointing(account))
    stranger = replace(tx, actor=Actor("chief", OTHER, frozenset({Role.APPROVER})))
    await refused(stranger, Unknown, appointing(account, "op-2"))


@pytest.mark.parametrize(
    ("category", "kind"), [("VERIFICATION_BODY", "VERIFIER"), ("REGULATOR", "AUTHORITY")]
)
async def test_rule_12_barred_parties_hold_an_account_that_never_trades(
    tx: Transaction, category: str, kind: str
) -> None:
    await say(tx, entry(BODY, category))
    await refused(tx, KindNotForCategory, opening(BODY, "TRADER"), opening(BODY, "OWNER"))
    number = (await say(tx, opening(BODY, kind))).number
    await say(tx, appointing(number))
    await refused(tx, BarredFromTrading, trading(number))
    with pytest.raises(asyncpg.CheckViolationError):
        await tx.connection.execute(
            "INSERT INTO trading_account (trading_account_id, account, category, effective_at, recorded_at)"
            " VALUES ($1, $2, $3, now(), now())",
            UUID(int=1),
            number,
            category,
        )


@pytest.mark.parametrize("category", ["REGISTRY", "EXCHANGE"])
async def test_rule_12_the_registry_and_exchanges_hold_no_account(
    tx: Transaction, category: str
) -> None:
    await say(tx, entry(BODY, category))
    for kind in ("OWNER", "EMITTER", "TRADER", "VERIFIER", "AUTHORITY"):
        await refused(tx, KindNotForCategory, opening(BODY, kind))


async def test_rule_12_staff_of_barred_parties_operate_nothing_that_trades(
    tx: Transaction, account: str
) -> None:
    body = (await say(tx, entry(BODY, "VERIFICATION_BODY"), opening(BODY, "VERIFIER"))).number
    await say(tx, appointing(body, "vera"), appointing(account, "otto"))
    await refused(tx, OperatorIsBarredStaff, appointing(account, "vera"))
    await refused(tx, OperatorIsBarredStaff, appointing(body, "otto"))
    await say(tx, DismissOperator(account=body, operator="vera", reason="离职"))
    await say(tx, appointing(account, "vera"))


async def test_a_restriction_stops_and_its_end_lets_go_on(tx: Transaction, account: str) -> None:
    restricting = RestrictAccount(account=account, ground="CHANGES_UNFILED", reason="变更未备案")
    lifting = LiftRestriction(account=account, reason="已备案")
    await say(tx, appointing(account))
    await refused(tx, StepNotAllowed, lifting)
    restricted = await say(tx, restricting)
    assert isinstance(restricted, AccountRestricted)
    assert (restricted.number, restricted.ground) == (account, "CHANGES_UNFILED")
    await refused(tx, StepNotAllowed, restricting)
    await refused(tx, AccountNotOpen, trading(account))
    assert isinstance(await say(tx, lifting), RestrictionLifted)
    await say(tx, trading(account))
    event = await event_of(tx, "registry.account.restricted")
    assert event
    assert (event["actor"], event["body"]["reason"]) == ("registrar-1", "变更未备案")
    await refused(
        tx, OutOfRange, RestrictAccount(account=account, ground="MERGER", reason="变更未备案")
    )


async def test_closing_takes_two_people_and_is_for_ever(tx: Transaction, account: str) -> None:
    closing = CloseAccount(account=account, ground="MERGER", reason="被吸收合并")
    asked = await ask(tx, closing)
    both = Actor(REGISTRAR.subject, None, frozenset({Role.REGISTRAR, Role.APPROVER}))
    for actor, refusal in (
        (both, MakerIsApprover),
        (replace(APPROVER, roles=frozenset()), RoleMissing),
    ):
        with pytest.raises(refusal):
            await decide(tx, asked, actor)
    assert (await decide(tx, asked)).outcome == Answer.ACCEPTED
    event = await event_of(tx, "registry.account.closed")
    assert event
    assert event["approved_by"] == "approver-1"
    assert event["body"]["approved_by"] == "approver-1"
    closed = await store.get_account_by_number(tx, account)
    assert closed
    assert closed.state == "CLOSED"
    await refused(tx, AccountNotOpen, appointing(account))
    await refused(
        tx,
        StepNotAllowed,
        RestrictAccount(account=account, ground="RULES_BROKEN", reason="x"),
        LiftRestriction(account=account, reason="x"),
    )
    with pytest.raises(StepNotAllowed):
        await ask(tx, closing)
    await refused(
        tx,
        OrganisationHasAccount,
        OpenAccount(account_id=UUID(int=1), organisation_id=OWNER, kind="OWNER"),
    )


async def test_rule_05_an_overdue_application_raises_one_alarm(tx: Transaction) -> None:
    """Applied for on 2026-07-17: working day 15 is 2026-08-06."""
    await say(tx, entry(OWNER))
    applicant = Actor("op-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
    application = ApplyForAccount(account_id=UUID(int=111), organisation_id=OWNER, kind="OWNER")
    assert isinstance(await say(replace(tx, actor=applicant), application), AccountApplied)
    fifteenth = replace(tx, effective_at=datetime(2026, 8, 5, 17, tzinfo=UTC))
    sixteenth = replace(tx, effective_at=datetime(2026, 8, 6, 17, tzinfo=UTC))
    assert not await account_handlers.raise_account_alarms(fifteenth, CHINA)
    assert await account_handlers.raise_account_alarms(sixteenth, CHINA) == [
        AccountDecisionOverdue(
            account_id=UUID(int=111),
            organisation_id=OWNER,
            applied_on=date(2026, 7, 17),
            due_on=date(2026, 8, 6),
        )
    ]
    assert not await account_handlers.raise_account_alarms(sixteenth, CHINA)
    assert isinstance(await say(sixteenth, opening()), AccountOpened)


async def test_an_application_is_the_organisations_own_and_decided_once(tx: Transaction) -> None:
    await say(tx, entry(OWNER))
    applicant = Actor("op-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
    first = ApplyForAccount(account_id=UUID(int=111), organisation_id=OWNER, kind="OWNER")
    second = ApplyForAccount(account_id=UUID(int=112), organisation_id=OWNER, kind="OWNER")
    own = replace(tx, actor=applicant)
    await refused(replace(tx, actor=replace(applicant, organisation=OTHER)), Refusal, first)
    await say(own, first)
    await refused(own, AlreadyExists, first)
    await refused(own, ApplicationWaits, second)
    await refused(
        tx,
        ApplicationWaits,
        OpenAccount(account_id=UUID(int=112), organisation_id=OWNER, kind="OWNER"),
    )
    await refused(tx, OtherApplication, opening(kind="TRADER"))
    refusing = RefuseAccount(account_id=UUID(int=111), reason="资料不符")
    assert isinstance(await say(tx, refusing), AccountRefused)
    await refused(tx, StepNotAllowed, refusing, opening())
    await refused(tx, Unknown, RefuseAccount(account_id=UUID(int=113), reason="资料不符"))
    await say(own, second)
    await say(tx, OpenAccount(account_id=UUID(int=112), organisation_id=OWNER, kind="OWNER"))


async def test_programmes_and_methodologies_are_entered_once(tx: Transaction) -> None:
    await refused(tx, Unknown, METHODOLOGY)
    await say(tx, PROGRAMME, METHODOLOGY)
    await refused(tx, AlreadyExists, PROGRAMME, METHODOLOGY)


async def test_a_published_methodology_tells_all_that_quantification_needs(tx: Transaction) -> None:
    event = await say(tx, PROGRAMME, METHODOLOGY)
    assert isinstance(event, MethodologyPublished)
    assert event.parameters == METHODOLOGY.parameters
    told = await event_of(tx, "registry.methodology.published")
    assert told
    assert told["body"]["risk_rate"] == "0.10"
    assert told["body"]["parameters"][0] == {
        "name": "CF",
        "value": "0.50",
        "unit": "tC/t d.m.",
        "source": "CCER-14-001-V01",
        "edition": "2023",
        "confidence": "UNVERIFIED",
    }


async def test_a_methodology_is_ended_once_by_two_people(tx: Transaction) -> None:
    await say(tx, PROGRAMME, METHODOLOGY)
    ending = EndMethodology(code=METHODOLOGY.code, valid_until=date(2026, 12, 31), reason="V02")
    assert (await decide(tx, await ask(tx, ending))).outcome == Answer.ACCEPTED
    ended = await event_of(tx, "registry.methodology.ended")
    assert ended
    assert ended["body"]["valid_until"] == "2026-12-31"
    with pytest.raises(MethodologyHasEnd):
        await ask(tx, ending)
    with pytest.raises(Unknown):
        await ask(tx, EndMethodology(code="X", valid_until=date(2027, 1, 1), reason="V02"))
    assert MethodologyEnded in EVENTS


async def test_a_programmes_versions_are_kept(tx: Transaction) -> None:
    await say(tx, PROGRAMME)
    amending = AmendProgramme(code="CCER", name="CCER", rule_book="办法（修订）", reason="修订")
    assert await say(tx, amending) == ProgrammeAmended(
        code="CCER",
        version=2,
        name="CCER",
        rule_book="办法（修订）",
        valid_from=date(2026, 7, 17),
        reason="修订",
    )
    programme = await store.get_programme(tx, "CCER")
    assert programme
    assert (programme.version, programme.rule_book) == (2, "办法（修订）")
    await refused(tx, Unknown, AmendProgramme(code="VCS", name="x", rule_book="", reason="x"))


async def test_a_programme_names_who_holds_a_role_in_it(tx: Transaction) -> None:
    rudi = replace(tx, actor=replace(REGISTRAR, subject="rudi"))
    assigning = AssignRole(programme="CCER", role="registrar", person="rudi", reason="分工")
    ending = EndRole(programme="CCER", role="registrar", person="rudi", reason="轮岗")
    await refused(tx, Unknown, assigning)
    await say(tx, PROGRAMME)
    await refused(tx, Unknown, ending)
    await say(tx, assigning)
    await refused(tx, NotAssigned, METHODOLOGY, ending, assigning)
    await refused(rudi, AlreadyExists, assigning)
    await say(rudi, METHODOLOGY)
    await say(rudi, ending)
    await say(tx, AmendProgramme(code="CCER", name="CCER", rule_book="", reason="修订"))


async def test_invariants_hold_after_it_all_and_notice_what_history_does_not_know(
    tx: Transaction, account: str
) -> None:
    await say(tx, appointing(account), trading(account))
    await say(tx, RestrictAccount(account=account, ground="RULES_BROKEN", reason="违规"))
    await say(tx, PROGRAMME, METHODOLOGY)
    assert not await _broken(tx)
    await account_handlers.lift_restriction(tx, LiftRestriction(account=account, reason="x"))
    await store.dismiss_operator(tx, account, "op-1", "x")
    assert await _broken(tx) == {"account_state_told", "trading_account_has_operator"}


async def _broken(tx: Transaction) -> set[str]:
    invariants = queries.load(migrate.SCHEMA_FOLDER / "registry" / "invariants.sql")
    return {
        name
        for name, statement in invariants.items()
        if await tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
    }


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM operator",
        "UPDATE account SET kind = kind",
        "UPDATE organisation SET category = category",
        "UPDATE trading_account SET account = account",
        "UPDATE parameter SET value = value",
        "UPDATE methodology SET risk_rate = risk_rate",
        "UPDATE programme_version SET name = name",
        "DELETE FROM admission",
    ],
)
async def test_the_service_cannot_rewrite_parties_or_rules(tx: Transaction, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.connection.execute(statement)


async def test_the_gateway_sees_what_is_published_and_no_more(database: Database) -> None:
    """Committed, because another role reads it."""
    gateway = await opened_connection(database.url("gateway"), "registry_read")
    writer = await opened_connection(database.url("registry"), "registry")
    try:
        tx = Transaction(writer, "published", REGISTRAR, AT, AT)
        owner = new_id()
        number = (await say(tx, entry(owner), opening(owner))).number
        await say(
            tx, appointing(number), OpenTradingAccount(trading_account_id=new_id(), account=number)
        )
        await say(tx, RestrictAccount(account=number, ground="RULES_BROKEN", reason="违规"))
        programme = renamed(PROGRAMME, f"P{owner.int % 10**9}")
        await say(tx, programme, renamed(METHODOLOGY, f"M{owner.int % 10**9}", programme.code))
        await _require_hidden(gateway, owner, number)
        await _require_published(gateway, owner, number, programme.code)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.fetch("SELECT * FROM registry.account")
    finally:
        await gateway.close()
        await writer.close()


def renamed(command: Any, code: str, programme: str | None = None) -> Any:
    changes = {"code": code} | ({"programme": programme} if programme else {})
    return msgspec.structs.replace(command, **changes)


async def _require_hidden(gateway: Connection, owner: UUID, number: str) -> None:
    """The account and its organisation, from all but the organisation itself and those who oversee."""
    for viewer, roles, is_seen in (
        (owner, [], True),
        (None, ["registrar"], True),
        (OTHER, ["auditor", "venue"], True),
        (None, ["authority"], True),
        (OTHER, [], False),
        (None, [], False),
        (OTHER, ["venue", "approver", "bank"], False),
    ):
        for function, key in (("account", number), ("organisation", owner)):
            asked = f"SELECT organisation_id FROM {function}('someone', $1, $2, $3)"
            seen = await gateway.fetch(asked, viewer, roles, key)
            assert [row["organisation_id"] for row in seen] == [owner] * is_seen


async def _require_published(gateway: Connection, owner: UUID, number: str, programme: str) -> None:
    """What a front end shows of an account and of a methodology."""
    account = await gateway.fetchrow("SELECT * FROM account('x', $1, '{}', $2)", owner, number)
    assert account
    assert (account["status"], account["restriction_reason"]) == ("RESTRICTED", "违规")
    assert account["trading_account"].startswith("TRD-")
    assert [one["operator"] for one in account["operators"]] == ["op-1"]
    methodology = await gateway.fetchrow(
        "SELECT * FROM methodology WHERE programme = $1", programme
    )
    assert methodology
    assert [one["value"] for one in methodology["parameters"]] == ["0.50", "0.10"]
    known = await gateway.fetchrow("SELECT * FROM programme WHERE code = $1", programme)
    assert known
    assert [one["version"] for one in known["versions"]] == [1]
    for asked in (
        "SELECT * FROM account_applications('x', NULL, '{registrar}', NULL, NULL, NULL, NULL, 10)",
        "SELECT * FROM role_assignments('x', NULL, '{registrar}', 'CCER')",
    ):
        assert await gateway.fetch(asked) == []
