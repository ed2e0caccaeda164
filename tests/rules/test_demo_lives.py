"""What the demo makes up around the real registrations obeys the rule book that it is played by."""

from itertools import chain

import pytest

from services.kernel.calendars import CHINA
from services.registry import projects
from services.tools.companies import organisations, validator_keys
from services.tools.market_days import next_working_day, working_days_before
from services.tools.records import Records, load_records
from services.tools.register_acts import ACTIVITIES, OPENING_DAY, life_before


@pytest.fixture(scope="module")
def records() -> Records:
    return load_records()


def test_every_project_is_noticed_validated_and_decided_in_time(records: Records) -> None:
    pilot = records.story.pilot
    in_force = {methodology.code: methodology.valid_from for methodology in records.methodologies}
    for project in chain(records.projects, [pilot]):
        life = life_before(project.registered_on)
        notice_ends_on = CHINA.nth_working_day(life.noticed_on, projects.NOTICE_WORKING_DAYS)
        decide_by = CHINA.nth_working_day(life.applied_on, projects.DECISION_WORKING_DAYS)
        assert max(OPENING_DAY, in_force[project.methodology]) <= life.drafted_on
        assert life.drafted_on < life.noticed_on
        assert notice_ends_on < life.validated_on < life.applied_on
        assert (life.validated_on - life.noticed_on).days <= projects.VALIDATION_DAYS
        assert life.applied_on < project.registered_on <= decide_by


def test_who_validates_is_a_party_and_verifies_nothing(records: Records) -> None:
    keys = validator_keys(records)
    parties = {party.key: party for party in organisations(records)}
    assert {parties[key].name for key in keys.values()} == set(keys)
    assert records.story.verifier.name not in keys
    assert len(set(keys.values())) == len(keys)


def test_one_project_of_each_methodology_shows_how_it_is_quantified(records: Records) -> None:
    by_code = {project.code: project for project in records.projects}
    shown = {by_code[one.project].methodology: one for one in records.story.examples}
    pilot = records.story.pilot
    assert {*shown, pilot.methodology} == {one.code for one in records.methodologies}
    assert set(ACTIVITIES) == {one.code for one in records.methodologies}
    for example in shown.values():
        project, period = by_code[example.project], records.monitored[example.activity].period
        assert project.crediting_from <= period["starts_on"]
        assert period["ends_on"] <= project.crediting_to
        assert all(row.project != project.code for row in records.reductions)
    period = records.monitored[pilot.issuance.activity].period
    issued = pilot.issuance
    assert (period["starts_on"], period["ends_on"]) == (issued.period_from, issued.period_to)


def test_working_days_are_counted_backwards_over_weekends_and_holidays(records: Records) -> None:
    """Each count is the calendar's own, from the other side."""
    for project in records.projects:
        for number in (1, 2, 5, 8, 20):
            day = working_days_before(project.registered_on, number)
            assert CHINA.nth_working_day(day, number) < project.registered_on
            assert next_working_day(CHINA.nth_working_day(day, number)) >= project.registered_on
