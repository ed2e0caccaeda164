"""What the registry does with a project from draft to decision, in a real database and with its own rights."""

from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from services.kernel.actors import Actor, Role, RoleMissing
from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AlreadyExists, Refusal, Unknown
from services.registry import handlers
from services.registry.drafts import ConstructionTooEarly, CreditingPeriodTooLong
from services.registry.messages import COMMANDS
from services.registry.messages.calendars import AddOfficialDays, OpenDay
from services.registry.messages.duplicates import ResolveDuplicate
from services.registry.messages.notices import (
    CommentOnProject,
    OpenNotice,
    ProjectCommented,
    ProjectNoticeEnded,
    ProjectNoticeOpened,
)
from services.registry.messages.projects import ProjectDrafted, ProjectWithdrawn, WithdrawProject
from services.registry.messages.registrations import (
    ApplyForRegistration,
    CancelProject,
    ProjectRefused,
    ProjectRegistered,
    ProjectRegistrationApplied,
    RefuseProject,
    RegisterProject,
    RevokeProject,
)
from services.registry.messages.validations import ProjectValidated
from services.registry.methodologies import MethodologyNotInForce
from services.registry.projects import (
    BeforePreviousStep,
    NoticeNotOpen,
    NoticeStillOpen,
)
from services.registry.validations import (
    AccountNotVerifier,
    CommentsNotHandled,
    DocumentMissing,
    OtherValidationBody,
)
from services.runtime.approval import Decision
from services.runtime.messages import Command
from tests.handlers.projects import (
    BODY,
    CODE,
    OPERATOR,
    OTHER,
    OTHER_BODY,
    OWNER,
    PASSER_BY,
    REGISTRAR,
    VERIFIER,
    Registry,
    at,
    document,
)


def test_every_command_has_a_handler() -> None:
    asked = {command for command in COMMANDS if not issubclass(command, Decision)}
    assert set(handlers.SERVICE.commands) == asked


async def test_a_project_goes_from_draft_to_registration(registry: Registry) -> None:
    draft = registry.draft()
    assert await registry.say(draft, OPERATOR, at(7, 16)) == [
        ProjectDrafted(
            project_id=draft.project_id,
            code=CODE,
            programme="CCER",
            methodology="CCER-01-002-V01",
            activity="OFFSHORE_WIND",
            owner_account=registry.owner,
        )
    ]
    assert await registry.say(registry.notice(), OPERATOR, at(7, 17)) == [
        ProjectNoticeOpened(
            project_id=draft.project_id,
            code=CODE,
            programme="CCER",
            methodology="CCER-01-002-V01",
            owner_account=registry.owner,
            validation_body=registry.body,
            starts_on=date(2026, 7, 17),
            ends_on=date(2026, 8, 13),
            is_provisional=False,
            validate_by=date(2026, 10, 25),
        )
    ]
    comment = CommentOnProject(comment_id=new_id(), code=CODE, text="鸟类迁徙？")
    assert await registry.say(comment, PASSER_BY, at(8, 13, 23)) == [
        ProjectCommented(comment_id=comment.comment_id, code=CODE)
    ]
    await registry.refused(CommentsNotHandled, registry.validation(), VERIFIER, at(8, 14))
    validation = registry.validation(comments_handling="已监测")
    assert await registry.say(validation, VERIFIER, at(8, 14)) == [
        ProjectNoticeEnded(code=CODE, ended_on=date(2026, 8, 13)),
        ProjectValidated(
            code=CODE,
            programme="CCER",
            validation_body=registry.body,
            validation_body_name=f"VERIFIER {BODY}",
            is_positive=True,
            validated_on=date(2026, 8, 14),
            is_late=False,
        ),
    ]
    assert await registry.say(registry.application(), OPERATOR, at(8, 17)) == [
        ProjectRegistrationApplied(
            code=CODE,
            programme="CCER",
            owner_account=registry.owner,
            applied_on=date(2026, 8, 17),
            decide_by=date(2026, 9, 4),
            is_provisional=False,
        )
    ]
    assert await registry.say(RegisterProject(code=CODE), REGISTRAR, at(9, 4)) == [
        ProjectRegistered(
            project_id=draft.project_id,
            code=CODE,
            programme="CCER",
            methodology="CCER-01-002-V01",
            owner_account=registry.owner,
            country="CN",
            registered_on=date(2026, 9, 4),
            crediting_from=date(2022, 4, 1),
            crediting_until=date(2032, 3, 31),
            validation_body=registry.body,
        )
    ]
    assert not await registry.broken()


@pytest.mark.parametrize(
    "command",
    [
        RegisterProject(code=CODE),
        RefuseProject(code=CODE, reason="-"),
        CancelProject(code=CODE, ground="OWNER_REQUEST", reason="-"),
        RevokeProject(code=CODE, reason="-"),
        ResolveDuplicate(code=CODE, other=CODE, is_same=False, reason="-"),
        WithdrawProject(code=CODE, reason="-"),
        ApplyForRegistration(code=CODE, documents=()),
        OpenNotice(code=CODE, validation_body="-", documents=()),
        AddOfficialDays(notice_id=new_id(), year=2027, holidays=(), working_days=(), source="-"),
        OpenDay(date=date(2026, 7, 1)),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_nobody_without_the_role_may_decide(registry: Registry, command: Command) -> None:
    allowed = {Role.REGISTRAR, Role.OWNER_OPERATOR, Role.HISTORIAN}
    await registry.refused(RoleMissing, command, Actor("someone", OWNER, frozenset(Role) - allowed))
    if not isinstance(command, OpenDay | WithdrawProject | ApplyForRegistration | OpenNotice):
        await registry.refused(
            RoleMissing, command, Actor("someone", OWNER, frozenset(Role) - {Role.REGISTRAR})
        )


async def test_rule_01_and_rule_08_hold_before_anything_is_stored(registry: Registry) -> None:
    early = registry.draft(construction_started_on=date(2012, 11, 8))
    await registry.refused(ConstructionTooEarly, early)
    long = registry.draft(crediting_until=date(2032, 4, 1))
    await registry.refused(CreditingPeriodTooLong, long)
    assert not await registry.tx.connection.fetchval("SELECT count(*) FROM project")
    await registry.say(registry.draft(construction_started_on=date(2012, 11, 9)))


async def test_a_draft_is_its_owners_own_affair(registry: Registry) -> None:
    await registry.say(registry.draft(), OPERATOR)
    stranger = replace(OPERATOR, organisation=OTHER)
    for command, actor in (
        (registry.notice(), stranger),
        (WithdrawProject(code=CODE, reason="-"), stranger),
        (CommentOnProject(comment_id=new_id(), code=CODE, text="?"), PASSER_BY),
        (RegisterProject(code=CODE), REGISTRAR),
    ):
        refusal = await registry.refused(Unknown, command, actor)
        assert refusal.values == {"noun": "project", "given": CODE}


async def test_an_owner_drafts_for_its_own_account_only(registry: Registry) -> None:
    """Another's account is as unknown as one that does not exist."""
    for organisation in (OTHER, None):
        stranger = replace(OPERATOR, organisation=organisation)
        refusal = await registry.refused(Unknown, registry.draft(), stranger)
        assert refusal.values == {"noun": "account", "given": registry.owner}
    for change in ({"programme": "VCS"}, {"methodology": "CCER-99"}, {"owner_account": "ACC-9"}):
        await registry.refused(Unknown, registry.draft(**change))


async def test_a_code_and_an_id_are_taken_for_ever(registry: Registry) -> None:
    draft = registry.draft()
    await registry.say(draft)
    await registry.refused(AlreadyExists, registry.draft())
    await registry.refused(
        AlreadyExists, registry.draft(code="A210002", project_id=draft.project_id)
    )


async def test_a_notice_names_a_verification_body_and_shows_the_design(registry: Registry) -> None:
    await registry.say(registry.draft())
    wrong: list[tuple[type[Refusal], dict[str, object]]] = [
        (Unknown, {"validation_body": "ACC-99999999"}),
        (AccountNotVerifier, {"validation_body": registry.other_owner}),
        (DocumentMissing, {"documents": (document("OTHER"),)}),
    ]
    for refusal, change in wrong:
        await registry.refused(refusal, registry.notice(CODE, **change))
    await registry.refused(MethodologyNotInForce, registry.notice(), when=at(10, 23, year=2023))


async def test_only_the_named_body_validates(registry: Registry) -> None:
    await registry.noticed()
    other = Actor("verifier-2", OTHER_BODY, frozenset({Role.VERIFIER}))
    when = at(8, 14)
    named_by_other = registry.validation(validation_body=registry.other_body)
    await registry.refused(OtherValidationBody, named_by_other, other, when)
    await registry.refused(Unknown, registry.validation(), other, when)
    await registry.refused(RoleMissing, registry.validation(), REGISTRAR, when)
    await registry.refused(DocumentMissing, registry.validation(documents=()), VERIFIER, when)
    await registry.say(registry.validation(), VERIFIER, when)


async def test_rule_04_nothing_goes_on_while_the_notice_lasts(registry: Registry) -> None:
    await registry.noticed()
    for when in (at(7, 17, 11), at(8, 13, 23)):
        await registry.refused(NoticeStillOpen, registry.validation(), VERIFIER, when)
        refusal = await registry.refused(NoticeStillOpen, registry.application(), OPERATOR, when)
        assert refusal.values["ends_on"] == "2026-08-13"
    next_day = at(8, 14, 0)
    await registry.say(registry.validation(), VERIFIER, next_day)
    await registry.say(registry.application(), OPERATOR, next_day)


async def test_rule_04_the_database_knows_it_too(registry: Registry) -> None:
    await registry.noticed()
    with pytest.raises(asyncpg.CheckViolationError, match="project_notice_over"):
        await registry.tx.connection.execute(
            "UPDATE project SET state = 'VALIDATED_POSITIVE', validated_at = $1", at(8, 13, 23)
        )


async def test_after_the_notice_nobody_comments_or_withdraws(registry: Registry) -> None:
    await registry.noticed()
    comment = CommentOnProject(comment_id=new_id(), code=CODE, text="?")
    await registry.say(comment, PASSER_BY, at(7, 17))
    await registry.refused(AlreadyExists, comment, PASSER_BY, at(7, 18))
    late = CommentOnProject(comment_id=new_id(), code=CODE, text="?")
    await registry.refused(NoticeNotOpen, late, PASSER_BY, at(8, 14))
    await registry.refused(BeforePreviousStep, late, PASSER_BY, at(7, 16))
    withdrawal = WithdrawProject(code=CODE, reason="资金不足")
    await registry.refused(StepNotAllowed, withdrawal, OPERATOR, at(8, 14))
    assert await registry.say(withdrawal, OPERATOR, at(8, 13)) == [
        ProjectWithdrawn(code=CODE, programme="CCER", reason="资金不足")
    ]
    assert await registry.state() == "WITHDRAWN"


async def test_a_negative_validation_ends_a_project(registry: Registry) -> None:
    await registry.noticed()
    await registry.say(registry.validation(is_positive=False), VERIFIER, at(8, 14))
    assert await registry.state() == "VALIDATED_NEGATIVE"
    await registry.refused(StepNotAllowed, registry.application(), OPERATOR, at(8, 17))


async def test_the_registry_refuses_with_a_reason(registry: Registry) -> None:
    await registry.applied()
    refusing = RefuseProject(code=CODE, reason="材料不全")
    assert await registry.say(refusing, REGISTRAR, at(9, 1)) == [
        ProjectRefused(code=CODE, programme="CCER", reason="材料不全")
    ]
    await registry.refused(StepNotAllowed, RegisterProject(code=CODE), REGISTRAR, at(9, 2))


async def test_documents_are_kept_under_their_digests(registry: Registry) -> None:
    design, annex = document("PDD", b"%PDF design"), document("OTHER")
    await registry.say(registry.draft())
    await registry.say(registry.notice(documents=(design, annex)), when=at(7, 17))
    kept = await registry.tx.connection.fetch(
        "SELECT kind, sha256, name, content FROM project_document"
        " LEFT JOIN document_content USING (sha256) ORDER BY kind DESC"
    )
    assert [tuple(row) for row in kept] == [
        ("PDD", design.sha256, "PDD.pdf", b"%PDF design"),
        ("OTHER", annex.sha256, "OTHER.pdf", None),
    ]
    with pytest.raises(asyncpg.CheckViolationError):
        await registry.tx.connection.execute(
            "INSERT INTO document_content VALUES ($1, 'other')", annex.sha256
        )
