"""Working days and trading days of China: the official calendar where it is known, else the law's own holidays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

from chinese_calendar import constants

_DAY = timedelta(days=1)
_SATURDAY = 5

FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
"""New Year, Labour Day and National Day (decree 795 of the State Council, in force 2025-01-01)."""

LUNAR_HOLIDAYS: Mapping[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    2027: ((2, 6), (6, 9), (9, 15)),
    2028: ((1, 26), (5, 28), (10, 3)),
    2029: ((2, 13), (6, 16), (9, 22)),
    2030: ((2, 3), (6, 5), (9, 12)),
    2031: ((1, 23), (6, 24), (10, 1)),
    2032: ((2, 11), (6, 12), (9, 19)),
    2033: ((1, 31), (6, 1), (9, 8)),
    2034: ((2, 19), (6, 20), (9, 27)),
    2035: ((2, 8), (6, 10), (9, 16)),
    2036: ((1, 28), (5, 30), (10, 4)),
    2037: ((2, 15), (6, 18), (9, 24)),
    2038: ((2, 4), (6, 7), (9, 13)),
    2039: ((1, 24), (5, 27), (10, 2)),
    2040: ((2, 12), (6, 14), (9, 20)),
}
"""Lunar New Year, Dragon Boat and Mid-Autumn by month and day, for years whose calendar is not yet official."""


@dataclass(frozen=True, slots=True)
class YearNotice:
    """What the State Council says of one year: days off, and weekend days that are worked to make up."""

    year: int
    holidays: Sequence[date]
    working_days: Sequence[date]


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCalendar:
    """Which days are worked; a year is official once the State Council's notice for it is known."""

    official_years: frozenset[int]
    is_worked: Mapping[date, bool] = field(repr=False)
    """Where the notices differ from "Monday to Friday": holidays, and weekend days made up for."""

    def with_notices(self, notices: Iterable[YearNotice]) -> Self:
        """The calendar with what was told since; of each year the last notice is the whole truth."""
        last = {notice.year: notice for notice in notices}
        calendar = self
        for year in sorted(last):
            calendar = calendar.with_year(year, last[year].holidays, last[year].working_days)
        return calendar

    def with_year(self, year: int, holidays: Iterable[date], working_days: Iterable[date]) -> Self:
        """The calendar with this notice instead of all that was known of the year."""
        kept = {day: worked for day, worked in self.is_worked.items() if day.year != year}
        told = dict.fromkeys(holidays, False) | dict.fromkeys(working_days, True)
        return type(self)(self.official_years | {year}, {**kept, **told})

    def is_working(self, day: date) -> bool:
        """Whether it is worked: weekend days that are made up for belong to it."""
        told = self.is_worked.get(day)
        if told is not None:
            return told
        if day.weekday() >= _SATURDAY:
            return False
        return day.year in self.official_years or day not in statutory_holidays(day.year)

    def is_trading(self, day: date) -> bool:
        """Whether exchanges are open: Monday to Friday minus holidays, never a weekend day made up for
        (trading and settlement rules of the Beijing Green Exchange 2023, article 21).
        """
        return day.weekday() < _SATURDAY and self.is_working(day)

    def is_provisional(self, first: date, last: date) -> bool:
        """Whether any day from the first to the last lies in a year whose calendar is not official."""
        return any(year not in self.official_years for year in range(first.year, last.year + 1))

    def nth_working_day(self, start: date, number: int) -> date:
        """The day on which so many working days are over; the start is the first of them if it is worked."""
        day = start
        missing = number - self.is_working(day)
        while missing > 0:
            day += _DAY
            missing -= self.is_working(day)
        return day

    def nth_trading_day(self, start: date, number: int) -> date:
        """The same of trading days."""
        day = start
        missing = number - self.is_trading(day)
        while missing > 0:
            day += _DAY
            missing -= self.is_trading(day)
        return day


def statutory_holidays(year: int) -> frozenset[date]:
    """The days off that the law itself names: what can be said of a year before its official calendar comes."""
    fixed = {date(year, month, day) for month, day in FIXED_HOLIDAYS}
    return frozenset(fixed | {_tomb_sweeping(year)} | _lunar_holidays(year))


def _tomb_sweeping(year: int) -> date:
    """The solar term Qingming, by the customary formula for the years 2000 to 2099."""
    short = year % 100
    return date(year, 4, (short * 2422 + 48100) // 10000 - short // 4)


def _lunar_holidays(year: int) -> set[date]:
    """Eve and first three days of the lunar year, Dragon Boat and Mid-Autumn; none where the table ends."""
    if year not in LUNAR_HOLIDAYS:
        return set()
    new_year, *festivals = (date(year, month, day) for month, day in LUNAR_HOLIDAYS[year])
    return {new_year + _DAY * shift for shift in range(-1, 3)} | {*festivals}


def _published() -> WorkingCalendar:
    """The notices of 2004 to 2026, as the library has them."""
    holidays: Iterable[date] = constants.holidays
    working_days: Iterable[date] = constants.workdays
    told = dict.fromkeys(holidays, False) | dict.fromkeys(working_days, True)
    years = range(min(told).year, max(told).year + 1)
    return WorkingCalendar(frozenset(years), told)


CHINA = _published()
"""The official calendar of the years that the library knows; a registrar adds the later ones."""
