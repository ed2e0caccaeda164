"""Rules for a project's life, which is also walked at random beside a model of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING, market_day
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import OutOfRange, Refusal
from services.registry import projects
from services.registry.projects import (
    LIFECYCLE,
    BeforePreviousStep,
    NoticeNotOpen,
    NoticeStillOpen,
    OwnerBarred,
    Project,
    State,
    Step,
)

BODY = "ACC-00000009"
DRAFTED_AT = datetime(2026, 7, 1, 9, tzinfo=BEIJING)
DRAFT = Project(
    project_id=UUID(int=1),
    code="A210001",
    programme="CCER",
    methodology="CCER-01-002-V01",
    activity="OFFSHORE_WIND",
    owner_account="ACC-00000001",
    owner_organisation=UUID(int=3),
    country="CN",
    name="海上风电项目",
    province="山东省",
    longitude=Decimal("121.382652"),
    latitude=Decimal("36.41097"),
    crediting_from=date(2022, 4, 1),
    crediting_until=date(2032, 3, 31),
    state=State.DRAFT,
    changed_at=DRAFTED_AT,
)


def at(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BEIJING)


def on(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour), BEIJING)


OPENED_AT, VALIDATED_AT, APPLIED_AT, REGISTERED_AT = at(7, 17), at(8, 14), at(8, 17), at(9, 1)


def noticed(opened_at: datetime = OPENED_AT) -> Project:
    return projects.open_notice(DRAFT, BODY, CHINA, opened_at)


def validated(validated_at: datetime = VALIDATED_AT) -> Project:
    ended = projects.on_day(noticed(), market_day(validated_at))
    return projects.validate(ended, validated_at, is_positive=True)


def applied(applied_at: datetime = APPLIED_AT) -> Project:
    return projects.apply(validated(), CHINA, None, applied_at)


def registered(registered_at: datetime = REGISTERED_AT) -> Project:
    return projects.register(applied(), registered_at)


def test_rule_04_a_notice_lasts_20_working_days_with_both_ends() -> None:
    project = noticed()
    assert project.state is State.IN_PUBLIC_NOTICE
    assert project.notice_ends_on == date(2026, 8, 13)
    assert not project.notice_is_provisional
    for opened_on, ends_on in (
        (date(2026, 7, 16), date(2026, 8, 12)),
        (date(2026, 7, 20), date(2026, 8, 14)),
    ):
        assert noticed(on(opened_on)).notice_ends_on == ends_on


def test_rule_04_the_day_is_beijings() -> None:
    assert noticed(at(7, 16, 23)).notice_ends_on == date(2026, 8, 12)
    assert noticed(at(7, 17, 0)).notice_ends_on == date(2026, 8, 13)


@pytest.mark.parametrize("day", [date(2026, 7, 17), date(2026, 8, 12), date(2026, 8, 13)])
def test_rule_04_nothing_is_validated_or_applied_for_while_the_notice_lasts(day: date) -> None:
    project = projects.on_day(noticed(), day)
    assert project.state is State.IN_PUBLIC_NOTICE
    with pytest.raises(NoticeStillOpen) as refusal:
        projects.apply(project, CHINA, None, on(day, 23))
    assert refusal.value.ends_on == date(2026, 8, 13)
    with pytest.raises(NoticeStillOpen):
        projects.validate(project, on(day, 23), is_positive=True)


@pytest.mark.parametrize("day", [date(2026, 8, 14), date(2026, 8, 15)])
def test_rule_04_on_the_day_after_it_is_over_whether_or_not_that_was_noticed(day: date) -> None:
    project = projects.on_day(noticed(), day)
    assert project.state is State.NOTICE_ENDED
    assert project.changed_at == at(8, 14, 0)
    project = projects.validate(project, on(day), is_positive=True)
    assert projects.apply(project, CHINA, None, on(day)).state is State.REGISTRATION_APPLIED


def test_a_notice_that_leaves_the_official_calendar_ends_on_a_provisional_day() -> None:
    draft = replace(DRAFT, changed_at=at(12, 1))
    for opened_on, is_provisional in ((date(2026, 12, 4), False), (date(2026, 12, 7), True)):
        project = projects.open_notice(draft, BODY, CHINA, on(opened_on))
        assert project.notice_is_provisional is is_provisional


def test_a_provisional_date_is_computed_again_from_the_official_calendar() -> None:
    project = projects.open_notice(
        replace(DRAFT, changed_at=at(12, 1)), BODY, CHINA, on(date(2026, 12, 7))
    )
    assert project.notice_ends_on == date(2027, 1, 4)
    official = CHINA.with_year(2027, [date(2027, 1, 1), date(2027, 1, 4)], [])
    computed = projects.recomputed(project, official)
    assert computed.notice_ends_on == date(2027, 1, 5)
    assert computed.notice_is_provisional is False
    assert projects.recomputed(computed, official) == computed


def test_the_date_of_a_decision_is_computed_again_too() -> None:
    project = applied(on(date(2026, 12, 21)))
    assert (project.decide_by, project.decision_is_provisional) == (date(2027, 1, 11), True)
    official = CHINA.with_year(2027, [date(2027, 1, 1), date(2027, 1, 4)], [])
    computed = projects.recomputed(project, official)
    assert (computed.decide_by, computed.decision_is_provisional) == (date(2027, 1, 12), False)
    assert computed.notice_ends_on == project.notice_ends_on


@pytest.mark.parametrize("project", [DRAFT, validated(), registered()])
def test_what_waits_for_no_date_is_not_computed_again(project: Project) -> None:
    assert projects.recomputed(project, CHINA.with_year(2027, [date(2027, 1, 1)], [])) == project


def test_rule_05_the_registry_decides_within_15_working_days() -> None:
    """Received on Monday 2026-08-17, which is the first; Friday 2026-09-04 is the fifteenth."""
    project = applied(at(8, 17))
    assert project.decide_by == date(2026, 9, 4)
    working_day_14, working_day_15, weekend, working_day_16, working_day_17 = (
        date(2026, 9, 3),
        date(2026, 9, 4),
        date(2026, 9, 5),
        date(2026, 9, 7),
        date(2026, 9, 8),
    )
    for day, is_due in (
        (working_day_14, False),
        (working_day_15, False),
        (weekend, False),
        (working_day_16, True),
        (working_day_17, True),
    ):
        assert projects.is_decision_alarm_due(project, CHINA, day) is is_due


def test_rule_05_an_alarm_is_raised_once_and_only_while_a_decision_is_awaited() -> None:
    late = date(2026, 12, 1)
    alarmed = replace(applied(), is_decision_overdue=True)
    for project in (alarmed, registered(), DRAFT, noticed(), validated()):
        assert not projects.is_decision_alarm_due(project, CHINA, late)
    assert projects.register(alarmed, on(late)).state is State.REGISTERED


def test_validation_may_take_100_days_before_an_alarm() -> None:
    project = noticed()
    assert project.validate_by == date(2026, 10, 25)
    for day, is_due in ((date(2026, 10, 25), False), (date(2026, 10, 26), True)):
        assert projects.is_late(project, day) is is_due
        for waiting in (project, projects.on_day(project, day)):
            assert projects.is_validation_alarm_due(waiting, day) is is_due
        alarmed = replace(project, is_validation_overdue=True)
        assert not projects.is_validation_alarm_due(alarmed, day)
        assert not projects.is_validation_alarm_due(validated(), day)
    late = projects.on_day(project, date(2027, 3, 1))
    assert projects.validate(late, at(3, 1, year=2027), is_positive=True).validated_at


@pytest.mark.parametrize(
    ("applied_on", "is_accepted"),
    [
        (date(2026, 9, 2), False),
        (date(2029, 8, 30), False),
        (date(2029, 8, 31), False),
        (date(2029, 9, 1), True),
        (date(2029, 9, 2), True),
    ],
)
def test_rule_10_an_owner_who_falsified_is_refused_for_three_years(
    applied_on: date, is_accepted: bool
) -> None:
    """Revoked on 2026-09-01: two years and 364 days later is 2029-08-31."""
    revoked_on, project = date(2026, 9, 1), validated()
    assert projects.barred_until(revoked_on) == date(2029, 9, 1)
    if is_accepted:
        projects.apply(project, CHINA, revoked_on, on(applied_on))
        return
    with pytest.raises(OwnerBarred) as refusal:
        projects.apply(project, CHINA, revoked_on, on(applied_on))
    assert refusal.value.barred_until == date(2029, 9, 1)


STEPS: dict[Step, Callable[[Project, datetime], Project]] = {
    Step.OPEN_NOTICE: lambda one, when: projects.open_notice(one, BODY, CHINA, when),
    Step.WITHDRAW: lambda one, when: projects.withdraw(one, "reason", when),
    Step.END_NOTICE: lambda one, when: _ended(one),
    Step.VALIDATE_POSITIVE: lambda one, when: projects.validate(one, when, is_positive=True),
    Step.VALIDATE_NEGATIVE: lambda one, when: projects.validate(one, when, is_positive=False),
    Step.APPLY: lambda one, when: projects.apply(one, CHINA, None, when),
    Step.REGISTER: projects.register,
    Step.REFUSE: lambda one, when: projects.refuse(one, "reason", when),
    Step.CANCEL: lambda one, when: projects.cancel(one, "OWNER_REQUEST", "reason", when),
    Step.REVOKE: lambda one, when: projects.revoke(one, "reason", when),
}


def _ended(project: Project) -> Project:
    return projects._end_notice(replace(project, notice_ends_on=date(2026, 8, 13)))


def test_the_lifecycle_has_no_step_that_its_table_lacks() -> None:
    later = at(1, 1, year=2027)
    for state, step in product(State, Step):
        project = replace(DRAFT, state=state)
        if (state, step) in LIFECYCLE:
            assert STEPS[step](project, later).state is LIFECYCLE[state, step]
        else:
            with pytest.raises(StepNotAllowed):
                STEPS[step](project, later)


@pytest.mark.parametrize(
    "final",
    [State.CANCELLED, State.REVOKED, State.REFUSED, State.WITHDRAWN, State.VALIDATED_NEGATIVE],
)
def test_rule_10_from_the_end_of_a_project_there_is_no_way_back(final: State) -> None:
    assert not any(state is final for state, _ in LIFECYCLE)
    for step in STEPS.values():
        for years in (0, 3, 100):
            with pytest.raises(StepNotAllowed):
                step(replace(registered(), state=final), at(9, 1, year=2026 + years))


@pytest.mark.parametrize("step", [step for step in STEPS if step != Step.END_NOTICE])
def test_nothing_happens_before_what_happened_last(step: Step) -> None:
    before = next(state for state, one in LIFECYCLE if one is step)
    project = replace(DRAFT, state=before)
    assert STEPS[step](project, DRAFTED_AT).changed_at == DRAFTED_AT
    with pytest.raises(BeforePreviousStep):
        STEPS[step](project, DRAFTED_AT - timedelta(microseconds=1))


@pytest.mark.parametrize("step", [Step.WITHDRAW, Step.REFUSE, Step.CANCEL, Step.REVOKE])
def test_an_end_has_its_reason(step: Step) -> None:
    before = next(state for state, one in LIFECYCLE if one is step)
    closed = STEPS[step](replace(DRAFT, state=before), at(9, 1))
    assert (closed.closed_at, closed.closing_reason) == (at(9, 1), "reason")
    for reason in ("", " ", "x" * 2001):
        with pytest.raises(OutOfRange):
            projects.revoke(replace(DRAFT, state=State.REGISTERED), reason, at(9, 1))


def test_a_cancellation_has_one_of_three_grounds() -> None:
    for ground in ("OWNER_REQUEST", "OWNER_EXTINCT", "PROJECT_EXTINCT"):
        assert projects.cancel(registered(), ground, "reason", at(9, 2)).state is State.CANCELLED
    with pytest.raises(OutOfRange):
        projects.cancel(registered(), "WHIM", "reason", at(9, 2))


def test_the_public_comments_while_the_notice_lasts() -> None:
    projects.require_commentable(noticed(), at(7, 17))
    for project in (DRAFT, projects.on_day(noticed(), date(2026, 8, 14)), registered()):
        with pytest.raises(NoticeNotOpen):
            projects.require_commentable(project, at(8, 14))
    with pytest.raises(BeforePreviousStep):
        projects.require_commentable(noticed(), at(7, 17, 9))


@given(st.dates(date(2024, 1, 1), date(2026, 11, 20)))
def test_a_notice_has_exactly_20_official_working_days(opened_on: date) -> None:
    draft = replace(DRAFT, changed_at=on(date(2023, 1, 1)))
    ends_on = projects.open_notice(draft, BODY, CHINA, on(opened_on)).notice_ends_on
    assert ends_on is not None
    worked = chinese_calendar.get_workdays(opened_on, ends_on)
    assert len(worked) == 20
    assert worked[-1] == ends_on


WORDS = {
    Step.OPEN_NOTICE: "noticed",
    Step.VALIDATE_POSITIVE: "validated",
    Step.VALIDATE_NEGATIVE: "rejected",
    Step.WITHDRAW: "withdrawn",
    Step.APPLY: "applied",
    Step.REGISTER: "registered",
    Step.REFUSE: "refused",
    Step.CANCEL: "cancelled",
    Step.REVOKE: "revoked",
}
AFTER = {
    "noticed": {"drafted"},
    "withdrawn": {"noticed"},
    "validated": {"noticed"},
    "rejected": {"noticed"},
    "applied": {"validated"},
    "registered": {"applied"},
    "refused": {"applied"},
    "cancelled": {"registered"},
    "revoked": {"registered"},
}
"""What the story must have told last."""


class Life(RuleBasedStateMachine):
    """Tries every step on every day; the model knows the story of the project and nothing of the code."""

    def __init__(self) -> None:
        super().__init__()
        self.today = date(2025, 1, 6)
        self.project = replace(DRAFT, changed_at=on(self.today))
        self.story = ["drafted"]
        self.noticed_on = date.max

    @rule(days=st.sampled_from([1, 2, 7, 28]))
    def time_passes(self, days: int) -> None:
        if self.today < date(2026, 6, 1):
            self.today += timedelta(days=days)
            self.project = projects.on_day(self.project, self.today)

    @rule(step=st.sampled_from(sorted(WORDS)))
    def somebody_tries(self, step: Step) -> None:
        word = WORDS[step]
        is_allowed = self.story[-1] in AFTER[word] and self.is_time_for(word)
        try:
            self.project = STEPS[step](self.project, on(self.today))
        except Refusal:
            assert not is_allowed, (self.story, self.today, step)
            return
        assert is_allowed, (self.story, self.today, step)
        self.story.append(word)
        if word == "noticed":
            self.noticed_on = self.today

    @rule(choice=st.integers(0, 5), is_on_last_day=st.booleans())
    def the_story_goes_on(self, choice: int, is_on_last_day: bool) -> None:
        """With one of the words that may follow, on the last day of the notice or on the one after."""
        following = [step for step, word in WORDS.items() if self.story[-1] in AFTER[word]]
        if not following:
            return
        if self.story[-1] == "noticed":
            while not self.is_notice_over(self.today + timedelta(days=is_on_last_day)):
                self.time_passes(1)
        self.somebody_tries(following[choice % len(following)])

    def is_time_for(self, word: str) -> bool:
        if self.story[-1] != "noticed":
            return True
        return self.is_notice_over(self.today) is (word != "withdrawn")

    def is_notice_over(self, day: date) -> bool:
        """Twenty official working days, both ends counted, lie behind."""
        if day <= self.noticed_on:
            return False
        worked = chinese_calendar.get_workdays(self.noticed_on, day - timedelta(days=1))
        return len(worked) >= projects.NOTICE_WORKING_DAYS == 20

    @invariant()
    def the_story_is_told_by_the_fields(self) -> None:
        """The CHECKs of the table, as the model sees them."""
        told, project = set(self.story), self.project
        assert (project.notice_opened_at is not None) is ("noticed" in told)
        assert (project.validated_at is not None) is bool(told & {"validated", "rejected"})
        assert (project.applied_at is not None) is ("applied" in told)
        assert (project.registered_at is not None) is ("registered" in told)
        ends = {"withdrawn", "refused", "cancelled", "revoked"}
        assert (project.closed_at is not None) is bool(told & ends)
        assert project.changed_at <= on(self.today)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
