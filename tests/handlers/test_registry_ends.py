"""How projects end, what stands in two programmes, and what nobody can rewrite."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import asyncpg
import pytest

from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import handlers
from services.registry.duplicates import DuplicateUnresolved
from services.registry.messages.approvals import ApproveCommand
from services.registry.messages.duplicates import (
    ProjectDuplicateFound,
    ProjectDuplicateResolved,
    ResolveDuplicate,
)
from services.registry.messages.registrations import (
    CancelProject,
    ProjectCancelled,
    ProjectRevoked,
    RegisterProject,
    RevokeProject,
)
from services.registry.projects import (
    OwnerBarred,
)
from services.runtime import approval, outbox
from services.runtime.messages import CloudEvent, Command, wire_name
from tests.handlers.projects import (
    APPROVER,
    CODE,
    OPERATOR,
    OWNER,
    REGISTRAR,
    TWIN_CODE,
    VERIFIER,
    Registry,
    at,
)


async def test_rule_10_a_cancelled_project_never_comes_back(registry: Registry) -> None:
    await registry.registered()
    cancelling = CancelProject(code=CODE, ground="OWNER_REQUEST", reason="停产")
    assert await registry.say(cancelling, REGISTRAR, at(9, 2)) == [
        ProjectCancelled(
            code=CODE,
            programme="CCER",
            owner_account=registry.owner,
            cancelled_on=date(2026, 9, 2),
            ground="OWNER_REQUEST",
            reason="停产",
        )
    ]
    for years in (0, 3, 50):
        when = at(9, 3, year=2026 + years)
        for command in (registry.application(), registry.notice()):
            await registry.refused(StepNotAllowed, command, OPERATOR, when)
        for command in (
            RegisterProject(code=CODE),
            cancelling,
            RevokeProject(code=CODE, reason="-"),
        ):
            await registry.refused(StepNotAllowed, command, REGISTRAR, when)
        await registry.refused(AlreadyExists, registry.draft(), OPERATOR, when)
    with pytest.raises(asyncpg.RestrictViolationError):
        async with registry.tx.connection.transaction():
            await registry.tx.connection.execute("UPDATE project SET changed_at = changed_at")
    assert not await registry.broken()


async def test_rule_10_under_a_new_code_it_is_found_again(registry: Registry) -> None:
    await registry.registered()
    await registry.say(
        CancelProject(code=CODE, ground="PROJECT_EXTINCT", reason="-"), REGISTRAR, at(9, 2)
    )
    later = {"crediting_from": date(2040, 1, 1), "crediting_until": date(2049, 12, 31)}
    again = registry.draft(code="A210009", **later)
    await registry.say(again, when=at(9, 3))
    _, found = await registry.say(registry.notice("A210009"), when=at(9, 3))
    assert isinstance(found, ProjectDuplicateFound)
    assert (found.other, found.other_programme) == (CODE, "CCER")


async def test_rule_10_an_owner_who_falsified_is_refused_for_three_years(
    registry: Registry,
) -> None:
    """Revoked on 2026-09-02; validated in good time, the second project waits until 2029-09-02."""
    await registry.registered()
    later = registry.draft(code="A210002", latitude=Decimal(30))
    others = registry.draft(
        code="A210003", latitude=Decimal(33), owner_account=registry.other_owner
    )
    for draft in (later, others):
        await registry.noticed(draft)
        await registry.say(registry.validation(draft.code), VERIFIER, at(8, 14))
    assert await registry.say(RevokeProject(code=CODE, reason="伪造数据"), REGISTRAR, at(9, 2)) == [
        ProjectRevoked(
            code=CODE,
            programme="CCER",
            owner_account=registry.owner,
            owner_organisation=OWNER,
            revoked_on=date(2026, 9, 2),
            barred_until=date(2029, 9, 2),
            reason="伪造数据",
        )
    ]
    await registry.say(registry.application("A210003"), when=at(9, 2))
    application = registry.application("A210002")
    for when in (at(9, 2), at(9, 1, 23, year=2029)):
        refusal = await registry.refused(OwnerBarred, application, OPERATOR, when)
        assert refusal.values["barred_until"] == "2029-09-02"
    await registry.say(application, OPERATOR, at(9, 2, 0, year=2029))
    assert not await registry.broken()


@pytest.mark.parametrize(
    "command",
    [
        CancelProject(code=CODE, ground="OWNER_EXTINCT", reason="破产"),
        RevokeProject(code=CODE, reason="伪造数据"),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_what_cannot_be_undone_takes_two_people(registry: Registry, command: Command) -> None:
    await registry.registered()
    envelope = CloudEvent(id=str(new_id()), source="/test", type=wire_name(type(command)))
    asking = replace(registry.tx, message_id=envelope.id, effective_at=at(9, 2))
    asked, _ = await approval.request(asking, envelope, command, handlers.SERVICE)
    assert asked.outcome == asked.PENDING
    assert await registry.state() == "REGISTERED"
    assert asked.approval_id is not None
    approving = replace(asking, actor=APPROVER, message_id=str(new_id()))
    decision = ApproveCommand(approval_id=asked.approval_id)
    done, said = await approval.decide(approving, decision, handlers.SERVICE)
    await outbox.append_facts(approving.connection, said)
    assert done.outcome == done.ACCEPTED
    assert await registry.state() in ("CANCELLED", "REVOKED")
    told = await registry.tx.connection.fetchrow(
        "SELECT actor, approved_by FROM event WHERE aggregate = $1 ORDER BY sequence DESC",
        f"project/{CODE}",
    )
    assert told is not None
    assert tuple(told) == (REGISTRAR.subject, APPROVER.subject)


async def test_rule_25_the_same_project_in_two_programmes_waits_for_a_person(
    registry: Registry,
) -> None:
    await registry.applied()
    twin = registry.twin(name="半岛南海上风电", latitude=Decimal("36.42"))
    await registry.say(twin, when=at(8, 17))
    _, found = await registry.say(registry.notice(TWIN_CODE), when=at(8, 17))
    assert found == ProjectDuplicateFound(
        code=TWIN_CODE,
        other=CODE,
        other_programme="CCER",
        distance_metres=1004,
        name_similarity_percent=85,
        is_same_activity=True,
    )
    registering = RegisterProject(code=CODE)
    await registry.refused(DuplicateUnresolved, registering, REGISTRAR, at(8, 18))
    same = ResolveDuplicate(code=CODE, other=TWIN_CODE, is_same=True, reason="同一风场")
    assert await registry.say(same, REGISTRAR, at(8, 18)) == [
        ProjectDuplicateResolved(code=one, other=other, is_same=True, reason="同一风场")
        for one, other in ((CODE, TWIN_CODE), (TWIN_CODE, CODE))
    ]
    refusal = await registry.refused(DuplicateUnresolved, registering, REGISTRAR, at(8, 18))
    assert refusal.values == {"project": CODE, "other": TWIN_CODE, "state": "CONFIRMED"}
    different = ResolveDuplicate(code=TWIN_CODE, other=CODE, is_same=False, reason="已退出试点")
    await registry.say(different, REGISTRAR, at(8, 19))
    await registry.refused(StepNotAllowed, same, REGISTRAR, at(8, 19))
    await registry.say(registering, REGISTRAR, at(8, 19))
    assert not await registry.broken()


async def test_rule_25_a_different_time_or_place_is_a_different_project(registry: Registry) -> None:
    await registry.noticed()
    for number, change in enumerate(
        (
            {"crediting_from": date(2032, 4, 1), "crediting_until": date(2042, 3, 31)},
            {"latitude": Decimal(37), "name": "另一个", "province": "河北省"},
            {"latitude": Decimal(20), "province": "海南省"},
        )
    ):
        twin = registry.twin(code=f"HZ-{number}", **change)
        await registry.say(twin, when=at(7, 17))
        assert len(await registry.say(registry.notice(twin.code), when=at(7, 17))) == 1
    unasked = ResolveDuplicate(code=CODE, other="HZ-0", is_same=False, reason="-")
    await registry.refused(Unknown, unasked)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM project",
        "UPDATE project SET code = code",
        "UPDATE project_comment SET text = text",
        "UPDATE validation SET is_positive = NOT is_positive",
        "DELETE FROM duplicate",
        "UPDATE official_days SET year = year",
        "DELETE FROM document_content",
        "TRUNCATE project CASCADE",
    ],
)
async def test_the_service_cannot_rewrite_the_register(registry: Registry, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await registry.tx.connection.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'DRAFT'",
        "state = 'REGISTERED'",
        "state = 'WITHDRAWN'",
        "state = 'CANCELLED', closed_at = changed_at, closing_reason = '-'",
        "registered_at = changed_at",
        "notice_ends_on = NULL",
        "changed_at = drafted_at - interval '1 second'",
    ],
)
async def test_the_database_ties_a_state_to_its_columns(registry: Registry, change: str) -> None:
    await registry.noticed()
    with pytest.raises(asyncpg.CheckViolationError):
        await registry.tx.connection.execute(f"UPDATE project SET {change}")


async def test_invariants_notice_what_the_history_does_not_know(registry: Registry) -> None:
    await registry.registered()
    assert not await registry.broken()
    await registry.tx.connection.execute(
        "UPDATE project SET registered_at = $1 WHERE code = $2",
        at(9, 1) + timedelta(hours=1),
        CODE,
    )
    assert await registry.broken() == {"project_registered_once"}
    await registry.tx.connection.execute(
        "UPDATE project SET state = 'CANCELLED', closed_at = $1, closing_reason = '-'", at(9, 2)
    )
    assert await registry.broken() == {"project_registered_once", "project_state_told"}
