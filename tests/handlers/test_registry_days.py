"""What the registry does because a day begins, and because the official calendar changes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from services.kernel.actors import Actor, Role, RoleMissing
from services.kernel.ids import new_id
from services.kernel.refusals import AlreadyExists, OutOfRange
from services.registry.messages.accounts import AccountDecisionOverdue, ApplyForAccount
from services.registry.messages.calendars import AddOfficialDays, OfficialDaysAdded, OpenDay
from services.registry.messages.notices import ProjectNoticeEnded, ProjectNoticeOpened
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.projects import ProjectDatesComputed, ProjectDrafted
from services.registry.messages.registrations import ProjectDecisionOverdue, RegisterProject
from services.registry.messages.validations import ProjectValidated, ProjectValidationOverdue
from services.registry.projects import NoticeStillOpen
from services.tools.companies import invented_credit_code
from tests.handlers.projects import CODE, OPERATOR, REGISTRAR, VERIFIER, Registry, at


async def test_rule_05_an_overdue_decision_raises_one_alarm(registry: Registry) -> None:
    """Friday 2026-09-04 is working day 15, Monday 2026-09-07 is working day 16."""
    await registry.applied()
    for day in (date(2026, 9, 3), date(2026, 9, 4), date(2026, 9, 5), date(2026, 9, 6)):
        assert await registry.open_day(day) == []
    alarm = ProjectDecisionOverdue(code=CODE, decide_by=date(2026, 9, 4))
    assert await registry.open_day(date(2026, 9, 7)) == [alarm]
    for day in (date(2026, 9, 7), date(2026, 9, 8)):
        assert await registry.open_day(day) == []
    await registry.say(RegisterProject(code=CODE), REGISTRAR, at(9, 9))
    assert not await registry.broken()


async def test_rule_05_a_decision_in_time_raises_no_alarm(registry: Registry) -> None:
    await registry.applied()
    await registry.say(RegisterProject(code=CODE), REGISTRAR, at(9, 4, 23))
    assert await registry.open_day(date(2026, 9, 7)) == []


async def test_a_new_day_ends_notices_and_awaits_validations(registry: Registry) -> None:
    await registry.noticed()
    assert await registry.open_day(date(2026, 8, 13)) == []
    ended = ProjectNoticeEnded(code=CODE, ended_on=date(2026, 8, 13))
    assert await registry.open_day(date(2026, 8, 15)) == [ended]
    assert await registry.open_day(date(2026, 8, 15)) == []
    assert (await registry.row())["changed_at"] == at(8, 14, 0)
    assert await registry.open_day(date(2026, 10, 25)) == []
    alarm = ProjectValidationOverdue(
        code=CODE, validation_body=registry.body, validate_by=date(2026, 10, 25)
    )
    assert await registry.open_day(date(2026, 10, 26)) == [alarm]
    assert await registry.open_day(date(2026, 10, 27)) == []
    [validated] = await registry.say(registry.validation(), VERIFIER, at(10, 27))
    assert isinstance(validated, ProjectValidated)
    assert validated.is_late
    assert not await registry.broken()


async def test_a_long_sleep_does_everything_at_once(registry: Registry) -> None:
    await registry.noticed()
    await registry.applied(registry.draft(code="A210002", latitude=Decimal(30)))
    kinds = [type(event) for event in await registry.open_day(date(2027, 3, 1))]
    assert kinds == [ProjectNoticeEnded, ProjectValidationOverdue, ProjectDecisionOverdue]


async def test_a_day_is_opened_on_its_day(registry: Registry) -> None:
    await registry.refused(OutOfRange, OpenDay(date=date(2026, 7, 2)), REGISTRAR, at(7, 1))
    historian = Actor("a.historian", None, frozenset({Role.HISTORIAN}))
    await registry.refused(RoleMissing, OpenDay(date=date(2026, 7, 1)), historian, at(7, 1))
    clock = Actor("tonne-clock", None, frozenset({Role.HISTORIAN, Role.REGISTRAR}))
    await registry.say(OpenDay(date=date(2026, 7, 1)), clock, at(7, 1))


async def test_a_provisional_date_is_computed_again_when_the_calendar_comes(
    registry: Registry,
) -> None:
    await registry.noticed(when=at(12, 7))
    assert (await registry.row())["notice_is_provisional"]
    notice = AddOfficialDays(
        notice_id=new_id(),
        year=2027,
        holidays=(date(2027, 1, 1), date(2027, 1, 4)),
        working_days=(),
        source="国办发明电〔2026〕",
    )
    assert await registry.say(notice, REGISTRAR, at(12, 10)) == [
        OfficialDaysAdded(
            notice_id=notice.notice_id,
            year=2027,
            holidays=notice.holidays,
            working_days=(),
            source=notice.source,
        ),
        ProjectDatesComputed(
            code=CODE,
            notice_ends_on=date(2027, 1, 5),
            decide_by=None,
            is_provisional=False,
        ),
    ]
    await registry.refused(AlreadyExists, notice, REGISTRAR, at(12, 10))
    await registry.refused(
        NoticeStillOpen, registry.validation(), VERIFIER, at(1, 5, 12, year=2027)
    )
    await registry.say(registry.validation(), VERIFIER, at(1, 6, year=2027))
    [opened] = await registry.say(registry.draft(code="A210002", latitude=Decimal(30)))
    assert isinstance(opened, ProjectDrafted)
    [noticed] = await registry.say(registry.notice("A210002"), when=at(12, 7))
    assert isinstance(noticed, ProjectNoticeOpened)
    assert (noticed.ends_on, noticed.is_provisional) == (date(2027, 1, 5), False)


async def test_rule_05_an_application_for_an_account_is_overdue_on_the_same_day(
    registry: Registry,
) -> None:
    """Applied for on Monday 2026-08-17: the day of receipt is working day 1 here too."""
    organisation, account = new_id(), new_id()
    entry = RegisterOrganisation(
        organisation_id=organisation, name="丁", credit_code=invented_credit_code("丁")
    )
    await registry.say(entry)
    applying = ApplyForAccount(account_id=account, organisation_id=organisation, kind="TRADER")
    await registry.say(applying, replace(OPERATOR, organisation=organisation), at(8, 17))
    for day in (date(2026, 9, 4), date(2026, 9, 5)):
        assert await registry.open_day(day) == []
    alarm = AccountDecisionOverdue(
        account_id=account,
        organisation_id=organisation,
        applied_on=date(2026, 8, 17),
        due_on=date(2026, 9, 4),
    )
    assert await registry.open_day(date(2026, 9, 7)) == [alarm]
    assert await registry.open_day(date(2026, 9, 8)) == []
