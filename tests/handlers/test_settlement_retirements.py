"""What settlement keeps of credits that leave circulation for ever: from where they came, and under which number."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.kernel.actors import Actor, Role
from services.kernel.clocks import CLOCK_LEEWAY
from services.kernel.ids import new_id
from services.kernel.refusals import AlreadyExists, Refusal
from services.registry.messages.accounts import AccountOpened, AccountRestricted
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import approval
from services.runtime.approval import MakerIsApprover
from services.runtime.messages import Answer, CloudEvent, Command, wire_name
from services.runtime.postgres import Transaction
from services.settlement import handlers
from services.settlement.ledger import NotEnoughCredits
from services.settlement.messages.approvals import ApproveCommand
from services.settlement.messages.freezes import FreezeCredits, ReleaseFreeze, Span
from services.settlement.messages.retirements import (
    CancelCredits,
    CreditsCancelled,
    CreditsRetired,
    RetireCredits,
)
from services.tools.auditor import invariants
from tests.handlers.conftest import Opened
from tests.handlers.deliveries import issued

OWNER, ID, NUMBER, BATCH = UUID(int=12), UUID(int=22), "ACC-00000008", UUID(int=32)
OPERATOR = Actor("op-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
AUTHORITY = Actor("authority-1", None, frozenset({Role.AUTHORITY}))
ISSUED = issued("CCER-R", "P2", BATCH, NUMBER, buffer_first_serial=91)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """An owner has 90 t, and 10 t stand in for reversals."""
    tx = await opened("settlement", REGISTRAR, datetime(2026, 3, 2, 2, tzinfo=UTC))
    programme = ProgrammeRegistered(
        code="CCER-R", name="R", country="CN", kind="NATIONAL", is_ets_eligible=True
    )
    account = AccountOpened(account_id=ID, number=NUMBER, organisation_id=OWNER, kind="OWNER")
    for event in (programme, account, ISSUED):
        await handlers.SERVICE.events[type(event)](tx, event)
    return replace(tx, approved_by="approver-1")


def use(**changes: Any) -> RetireCredits:
    wanted = RetireCredits(
        retirement_id=new_id(),
        account=NUMBER,
        project="P2",
        vintage=2024,
        tonnes=1,
        purpose="EVENT_NEUTRALITY",
        beneficiary_name="Games",
        beneficiary_id="91110000000000000A",
        beneficiary_country="CN",
        reporting_period="2025",
        reason="the opening",
    )
    return msgspec.structs.replace(wanted, **changes)


def cancellation(**changes: Any) -> CancelCredits:
    wanted = CancelCredits(
        retirement_id=new_id(),
        account=NUMBER,
        project="P2",
        vintage=2024,
        tonnes=1,
        purpose="FORCED",
        document_sha256="a" * 64,
        reason="false reductions",
    )
    return msgspec.structs.replace(wanted, **changes)


async def act(tx: Transaction, command: Command, actor: Actor = REGISTRAR) -> Any:
    """What the handler says first; a refusal undoes what was done, as in the inbox."""
    async with tx.connection.transaction():
        said = await handlers.SERVICE.commands[type(command)](replace(tx, actor=actor), command)
    return said[0]


async def code(tx: Transaction, command: Command, actor: Actor = REGISTRAR) -> str | None:
    try:
        await act(tx, command, actor)
    except Refusal as refusal:
        return refusal.code()
    return None


async def held(tx: Transaction) -> dict[str, int]:
    """Tonnes of the account by bucket."""
    rows = await tx.connection.fetch(
        "SELECT bucket, sum(next_serial - first_serial)::int FROM holding WHERE account = $1 GROUP BY 1",
        NUMBER,
    )
    return {row[0]: row[1] for row in rows}


async def broken(tx: Transaction) -> dict[str, list[Any]]:
    """The invariants that do not hold for what this test did."""
    own = [NUMBER, "CCER-R", str(BATCH)]
    found = {
        name: [dict(row) for row in await tx.connection.fetch(sql)]
        for name, sql in invariants("settlement").items()
    }
    return {n: rows for n, rows in found.items() if any(one in str(rows) for one in own)}


async def test_a_reversal_is_made_good_from_the_buffer_alone(tx: Transaction) -> None:
    reversal = cancellation(purpose="REVERSAL_COMPENSATION", tonnes=11)
    with pytest.raises(NotEnoughCredits) as refused:
        await act(tx, reversal)
    assert refused.value.available == 10

    said = await act(tx, msgspec.structs.replace(reversal, tonnes=10))

    assert isinstance(said, CreditsCancelled)
    assert [(one.first_serial, one.last_serial) for one in said.ranges] == [(91, 100)]
    assert await held(tx) == {"registry": 90, "cancelled": 10}
    assert await code(tx, cancellation(tonnes=91)) == "NOT_ENOUGH_CREDITS"
    assert await code(tx, cancellation(tonnes=90)) is None
    assert await broken(tx) == {}


@pytest.mark.parametrize("actor", [REGISTRAR, AUTHORITY])
async def test_a_cancellation_is_ordered_whatever_the_state_of_the_account(
    tx: Transaction, actor: Actor
) -> None:
    restricting = AccountRestricted(account_id=ID, number=NUMBER, ground="RULES_BROKEN", reason="r")
    await handlers.SERVICE.events[AccountRestricted](tx, restricting)

    assert await code(tx, use(), OPERATOR) == "ACCOUNT_NOT_OPEN"
    assert await code(tx, cancellation(), actor) is None
    assert await held(tx) == {"registry": 89, "buffer": 10, "cancelled": 1}


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REGISTRAR, Role.AUTHORITY}))
async def test_nobody_else_orders_a_cancellation(tx: Transaction, role: str) -> None:
    actor = Actor("somebody", OWNER, frozenset({role}))
    assert await code(tx, cancellation(), actor) == "ROLE_MISSING"


async def test_nobody_approves_a_cancellation_that_they_ordered(tx: Transaction) -> None:
    both = replace(REGISTRAR, roles=frozenset({Role.REGISTRAR, Role.APPROVER}))
    ordering = replace(tx, actor=both, message_id=str(new_id()), approved_by=None)
    command = cancellation(tonnes=90)
    asked = CloudEvent(id=ordering.message_id, source="/gateway", type=wire_name(CancelCredits))
    answer, _ = await approval.request(ordering, asked, command, handlers.SERVICE)
    assert answer.approval_id is not None
    decision = ApproveCommand(approval_id=answer.approval_id)

    with pytest.raises(MakerIsApprover):
        await approval.decide(ordering, decision, handlers.SERVICE)
    assert await held(tx) == {"registry": 90, "buffer": 10}
    second = replace(both, subject="registrar-2")
    final, _ = await approval.decide(replace(ordering, actor=second), decision, handlers.SERVICE)

    assert final.outcome == Answer.ACCEPTED
    assert await held(tx) == {"buffer": 10, "cancelled": 90}


async def test_a_freeze_gives_what_it_holds_and_nothing_that_is_free(tx: Transaction) -> None:
    freezes = [new_id(), new_id()]
    for freeze_id, first in zip(freezes, (11, 41), strict=True):
        await act(tx, _freeze(freeze_id, first, first + 19))
    of_freeze = cancellation(freeze_id=freezes[0], tonnes=20)

    assert await code(tx, cancellation(freeze_id=new_id())) == "UNKNOWN"
    assert await code(tx, msgspec.structs.replace(of_freeze, tonnes=21)) == "NOT_ENOUGH_CREDITS"
    half = await act(tx, msgspec.structs.replace(of_freeze, tonnes=5, retirement_id=new_id()))
    assert [(one.first_serial, one.last_serial) for one in half.ranges] == [(26, 30)]
    rest = await act(tx, msgspec.structs.replace(of_freeze, tonnes=15))
    assert [(one.first_serial, one.last_serial) for one in rest.ranges] == [(11, 25)]
    assert await code(tx, cancellation(freeze_id=freezes[0])) == "NOT_ENOUGH_CREDITS"
    assert await held(tx) == {"registry": 50, "frozen": 20, "buffer": 10, "cancelled": 20}

    ends = {"document_sha256": "b" * 64, "reason": "lifted"}
    for freeze_id in freezes:
        await act(tx, ReleaseFreeze(freeze_id=freeze_id, **ends))
    assert await held(tx) == {"registry": 70, "buffer": 10, "cancelled": 20}
    assert await broken(tx) == {}


def _freeze(freeze_id: UUID, first: int, last: int) -> FreezeCredits:
    return FreezeCredits(
        freeze_id=freeze_id,
        account=NUMBER,
        kind="JUDICIAL",
        ordered_by="Court",
        document_number="7",
        document_sha256="c" * 64,
        reason="claim",
        spans=(Span(batch_id=BATCH, first_serial=first, last_serial=last),),
    )


async def test_each_kind_and_year_of_beijing_is_numbered_from_one_without_a_gap(
    tx: Transaction,
) -> None:
    """What is refused, and what is undone, leaves no gap."""
    last_second = datetime(2029, 12, 31, 15, 59, 59, tzinfo=UTC)
    years = [replace(tx, effective_at=last_second), replace(tx, effective_at=_next(last_second))]
    numbers: list[str] = []
    for at in (years[0], years[1], years[0]):
        assert await code(at, use(tonnes=91), OPERATOR) == "NOT_ENOUGH_CREDITS"
        for command, actor in ((use(), OPERATOR), (cancellation(), REGISTRAR)):
            numbers.append((await act(at, command, actor)).certificate_number)

    assert numbers == [
        *("RET-2029-00000001", "CAN-2029-00000001"),
        *("RET-2030-00000001", "CAN-2030-00000001"),
        *("RET-2029-00000002", "CAN-2029-00000002"),
    ]
    assert await broken(tx) == {}


def _next(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() + 1, UTC)


async def test_rule_23_nobody_used_or_cancelled_credits_before_they_were_issued(
    tx: Transaction,
) -> None:
    """A historian's certificate is no older than the credits, but for what clocks differ."""
    issued_at = await tx.connection.fetchval("SELECT issued_at FROM batch")
    early = replace(tx, effective_at=issued_at - CLOCK_LEEWAY - timedelta(seconds=1))
    for command, actor in ((use(), OPERATOR), (cancellation(), REGISTRAR)):
        assert await code(early, command, actor) == "USED_BEFORE_ISSUED"
        at_another_clock = replace(tx, effective_at=issued_at - CLOCK_LEEWAY)
        assert await code(at_another_clock, command, actor) is None


async def test_a_persons_name_that_nobody_marked_public_is_not(tx: Transaction) -> None:
    command = use(beneficiary_kind="NATURAL_PERSON")
    await act(tx, command, OPERATOR)
    named = "SELECT is_named FROM retirement WHERE retirement_id = $1"
    assert await tx.connection.fetchval(named, command.retirement_id) is False


@pytest.mark.parametrize("first", ["use", "cancellation"])
async def test_an_id_takes_credits_out_once_for_ever(tx: Transaction, first: str) -> None:
    used, cancelled = use(tonnes=90), cancellation(tonnes=90)
    cancelled = msgspec.structs.replace(cancelled, retirement_id=used.retirement_id)
    acts = [(used, OPERATOR), (cancelled, REGISTRAR)]
    for number, (command, actor) in enumerate(acts if first == "use" else acts[::-1]):
        if number:
            with pytest.raises(AlreadyExists):
                await act(tx, command, actor)
        else:
            await act(tx, command, actor)
    assert sorted((await held(tx)).values()) == [10, 90]


async def test_the_record_of_a_use_says_whose_it_is(tx: Transaction) -> None:
    command = use(beneficiary_kind="NATURAL_PERSON", is_public=False, on_behalf_of="A friend")
    said = await act(tx, command, OPERATOR)
    assert isinstance(said, CreditsRetired)
    found = await tx.connection.fetchrow(
        "SELECT * FROM retirement WHERE retirement_id = $1", command.retirement_id
    )
    assert found is not None
    shared = [name for name in command.__struct_fields__ if name in dict(found)]
    assert len(shared) == len(command.__struct_fields__)
    assert [found[name] for name in shared] == [getattr(command, name) for name in shared]
    assert (found["bucket"], found["document_sha256"], found["is_named"]) == (
        "retired",
        None,
        False,
    )
    assert (found["requested_by"], found["approved_by"]) == (OPERATOR.subject, "approver-1")


WRONG = {
    "one person": {"approved_by": "one", "requested_by": "one"},
    "approved by nobody": {"approved_by": None},
    "across the border": {"purpose": "CORSIA"},
    "the purpose of a cancellation": {"purpose": "OMGE"},
    "the number of a cancellation": {"certificate_number": "CAN-1"},
    "without a beneficiary": {"beneficiary_name": None},
    "a cancellation with a beneficiary": {"bucket": "cancelled", "certificate_number": "CAN-1", "purpose": "OMGE"},
    "no place without a way back": {"bucket": "registry"},
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
async def test_rule_23_the_database_refuses_a_record_of(tx: Transaction, wrong: str) -> None:
    sound = {
        "retirement_id": str(new_id()),
        "certificate_number": "RET-1",
        "bucket": "retired",
        "account": NUMBER,
        "programme": "CCER-R",
        "project": "P2",
        "vintage": 2024,
        "tonnes": 1,
        "purpose": "EVENT_NEUTRALITY",
        **dict.fromkeys(("beneficiary_name", "beneficiary_id", "reporting_period", "reason"), "-"),
        "beneficiary_kind": "ORGANISATION",
        "beneficiary_country": "CN",
        "is_public": True,
        "requested_by": "one",
        "approved_by": "two",
        **dict.fromkeys(("retired_at", "recorded_at"), "2026-03-02T10:00:00+08:00"),
    }
    names = ", ".join(sound)
    insert = f"INSERT INTO retirement ({names}) SELECT {names} FROM jsonb_populate_record(NULL::retirement, $1)"
    async with tx.connection.transaction():
        await tx.connection.execute(insert, sound)
    another = {"retirement_id": str(new_id()), "certificate_number": "RET-2"}
    changed = sound | another | WRONG[wrong]
    with pytest.raises(asyncpg.CheckViolationError):
        async with tx.connection.transaction():
            await tx.connection.execute(insert, changed)
