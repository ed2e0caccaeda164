"""Rules for working days and trading days."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.calendars import CHINA, LUNAR_HOLIDAYS, WorkingCalendar, statutory_holidays

DAY = timedelta(days=1)
WORKING_DAYS = {2020: 249, 2021: 250, 2022: 249, 2023: 249, 2024: 251, 2025: 248, 2026: 248}
"""Weekdays less the statutory holidays of the year; in 2020 less two, by which Spring Festival was prolonged."""


def days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + DAY * n for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", range(2004, 2027))
def test_whole_years_are_those_of_the_official_calendar(year: int) -> None:
    for day in days(year):
        assert CHINA.is_working(day) is chinese_calendar.is_workday(day)
        is_open = day.weekday() < 5 and not chinese_calendar.is_holiday(day)
        assert CHINA.is_trading(day) is is_open
    assert not CHINA.is_provisional(date(year, 1, 1), date(year, 12, 31))


@pytest.mark.parametrize(("year", "expected"), WORKING_DAYS.items())
def test_a_year_has_as_many_working_days_as_its_notice_says(year: int, expected: int) -> None:
    assert sum(CHINA.is_working(day) for day in days(year)) == expected


@pytest.mark.parametrize("year", [2020, 2024, 2026])
def test_counting_agrees_with_a_walk_over_the_whole_year(year: int) -> None:
    """The n-th working day is the last of a stretch with n working days, from whatever day it starts."""
    for start in days(year)[:200:7]:
        worked = [day for n in range(60) if CHINA.is_working(day := start + DAY * n)]
        traded = [day for n in range(60) if CHINA.is_trading(day := start + DAY * n)]
        for number in (1, 2, 15, 20):
            assert CHINA.nth_working_day(start, number) == worked[number - 1]
            assert CHINA.nth_trading_day(start, number) == traded[number - 1]


@pytest.mark.parametrize(
    ("start", "number", "expected"),
    [
        (date(2026, 7, 17), 20, date(2026, 8, 13)),
        (date(2026, 7, 16), 20, date(2026, 8, 12)),
        (date(2026, 7, 20), 20, date(2026, 8, 14)),
        (date(2026, 7, 18), 20, date(2026, 8, 14)),  # a Saturday: Monday is the first day
        (date(2026, 12, 4), 20, date(2026, 12, 31)),
        (date(2026, 2, 14), 2, date(2026, 2, 24)),  # a Saturday made up for, then Spring Festival
    ],
)
def test_both_ends_are_counted(start: date, number: int, expected: date) -> None:
    assert CHINA.nth_working_day(start, number) == expected


def test_a_saturday_made_up_for_is_worked_but_not_traded() -> None:
    for day in (date(2026, 1, 4), date(2026, 2, 14), date(2026, 10, 10)):
        assert CHINA.is_working(day)
        assert not CHINA.is_trading(day)


def test_notices_opened_after_2026_12_04_leave_the_official_calendar() -> None:
    for opened_on, is_provisional in (
        (date(2026, 12, 3), False),
        (date(2026, 12, 4), False),
        (date(2026, 12, 7), True),
    ):
        ends_on = CHINA.nth_working_day(opened_on, 20)
        assert CHINA.is_provisional(opened_on, ends_on) is is_provisional


def test_beyond_the_official_calendar_the_law_gives_thirteen_days() -> None:
    assert statutory_holidays(2027) == {
        date(2027, 1, 1),
        *(date(2027, 2, day) for day in (5, 6, 7, 8)),
        date(2027, 4, 5),
        date(2027, 5, 1),
        date(2027, 5, 2),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *(date(2027, 10, day) for day in (1, 2, 3)),
    }
    for year in LUNAR_HOLIDAYS:
        assert len(statutory_holidays(year)) in (12, 13)  # Mid-Autumn may fall on National Day
    assert len(statutory_holidays(2099)) == 7


@pytest.mark.parametrize("year", range(2025, 2027))
def test_every_statutory_weekday_is_off_in_the_official_calendar(year: int) -> None:
    assert not any(CHINA.is_working(day) for day in statutory_holidays(year))


NOTICE_2027 = {
    "holidays": [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)],
    "working_days": [date(2027, 1, 3)],
}


def test_an_added_notice_makes_the_year_official() -> None:
    added = CHINA.with_year(2027, **NOTICE_2027)
    assert not added.is_provisional(date(2026, 12, 7), date(2027, 12, 31))
    assert added.is_provisional(date(2027, 1, 1), date(2028, 1, 1))
    assert added.is_working(date(2027, 1, 3))
    assert not added.is_trading(date(2027, 1, 3))
    assert added.is_working(date(2027, 2, 8))  # the notice names no such holiday, so there is none
    assert CHINA.nth_working_day(date(2026, 12, 7), 20) == date(2027, 1, 4)
    assert added.nth_working_day(date(2026, 12, 7), 20) == date(2027, 1, 4)
    assert CHINA.nth_working_day(date(2026, 12, 4), 20) == date(2026, 12, 31)
    assert added.nth_working_day(date(2026, 12, 4), 20) == date(2027, 1, 3)


def test_a_later_notice_replaces_what_an_earlier_one_said_of_a_day() -> None:
    added = CHINA.with_year(2027, **NOTICE_2027).with_year(2027, [], [date(2026, 12, 31)])
    assert added.is_working(date(2026, 12, 31))
    assert not CHINA.with_year(2027, **NOTICE_2027).is_working(date(2026, 12, 31))


@given(st.dates(date(2019, 1, 1), date(2044, 1, 1)), st.integers(1, 40))
def test_the_nth_day_is_worked_and_ends_a_stretch_of_n(start: date, number: int) -> None:
    calendar: WorkingCalendar = CHINA
    end = calendar.nth_working_day(start, number)
    stretch = (start + DAY * n for n in range((end - start).days + 1))
    assert calendar.is_working(end)
    assert sum(calendar.is_working(day) for day in stretch) == number
