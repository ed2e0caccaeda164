"""What the registry does because time has passed, and because the calendar has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from msgspec.structs import asdict

from services.kernel.actors import Role, require_role
from services.kernel.calendars import WorkingCalendar, YearNotice
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, OutOfRange
from services.registry import official_days, project_store, projects
from services.registry.account_handlers import raise_account_alarms
from services.registry.messages.calendars import (
    AddOfficialDays,
    DayOpened,
    OfficialDaysAdded,
    OpenDay,
)
from services.registry.messages.notices import ProjectNoticeEnded
from services.registry.messages.projects import ProjectDatesComputed
from services.registry.messages.registrations import ProjectDecisionOverdue
from services.registry.messages.validations import ProjectValidationOverdue
from services.registry.projects import Project, State
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def open_day(tx: Transaction, command: OpenDay) -> Sequence[Event]:
    """Ends notices whose last day is over, and raises each alarm once; a day may be opened again."""
    require_role(tx.actor, Role.REGISTRAR)
    today = market_day(tx.effective_at)
    if command.date != today:
        raise OutOfRange("date", command.date.isoformat(), f"{today}, the day in Beijing")
    calendar = official_days.calendar(await project_store.list_notices(tx))
    due = await project_store.list_due_projects(tx, today)
    said: list[Event] = [DayOpened(date=today)]
    changed: list[Project] = []
    for stored in await project_store.lock_projects(tx, due):
        project, events = _met_by(stored, calendar, today)
        if events:
            changed.append(project)
            said += events
    await project_store.update_projects(tx, changed)
    if calendar.is_working(today):
        said += await raise_account_alarms(tx, calendar)
    return said


def _met_by(
    stored: Project, calendar: WorkingCalendar, today: date
) -> tuple[Project, Sequence[Event]]:
    """The project after the day has come to it, and what there is to say."""
    project, said = projects.on_day(stored, today), list[Event]()
    if project is not stored and project.notice_ends_on is not None:
        said.append(ProjectNoticeEnded(code=project.code, ended_on=project.notice_ends_on))
    if projects.is_validation_alarm_due(project, today):
        project = replace(project, is_validation_overdue=True)
        said.append(_validation_overdue(project))
    if projects.is_decision_alarm_due(project, calendar, today):
        project = replace(project, is_decision_overdue=True)
        assert project.decide_by is not None
        said.append(ProjectDecisionOverdue(code=project.code, decide_by=project.decide_by))
    return project, said


def _validation_overdue(project: Project) -> ProjectValidationOverdue:
    assert project.validation_body is not None
    assert project.validate_by is not None
    return ProjectValidationOverdue(
        code=project.code,
        validation_body=project.validation_body,
        validate_by=project.validate_by,
    )


async def add_official_days(tx: Transaction, command: AddOfficialDays) -> Sequence[Event]:
    """Adds a year's notice to the calendar, and computes again what waits for a date that changes."""
    require_role(tx.actor, Role.REGISTRAR)
    notice = YearNotice(command.year, command.holidays, command.working_days)
    official_days.require_valid(notice, command.source)
    await project_store.lock_calendar(tx)
    if await project_store.is_notice_known(tx, command.notice_id):
        raise AlreadyExists("notice", str(command.notice_id))
    await project_store.insert_official_days(tx, command)
    calendar = official_days.calendar(await project_store.list_notices(tx))
    waiting = await project_store.list_waiting_projects(tx)
    changed: list[Project] = []
    for project in await project_store.lock_projects(tx, waiting):
        computed = projects.recomputed(project, calendar)
        is_over = projects.is_notice_over(project, market_day(tx.effective_at))
        if computed != project and not (is_over and project.state == State.IN_PUBLIC_NOTICE):
            changed.append(computed)
    await project_store.update_projects(tx, changed)
    return [OfficialDaysAdded(**asdict(command)), *(_dates_computed(one) for one in changed)]


def _dates_computed(project: Project) -> ProjectDatesComputed:
    assert project.notice_ends_on is not None
    is_applied = project.state == State.REGISTRATION_APPLIED
    is_provisional = (
        project.decision_is_provisional if is_applied else project.notice_is_provisional
    )
    return ProjectDatesComputed(
        code=project.code,
        notice_ends_on=project.notice_ends_on,
        decide_by=project.decide_by,
        is_provisional=bool(is_provisional),
    )


COMMANDS: Mapping[type[Command], Handler] = {
    AddOfficialDays: add_official_days,
    OpenDay: open_day,
}
FOUR_EYES: Mapping[type[Command], Role] = {AddOfficialDays: Role.APPROVER}
