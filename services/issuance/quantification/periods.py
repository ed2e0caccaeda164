"""Monitoring periods and their calendar years; both ends belong to a period."""

from calendar import isleap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.issuance.quantification.activity import Period, Reading
from services.issuance.quantification.workings import Quantity, counted
from services.kernel.refusals import Conflict, OutOfRange

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2199, 12, 31)
YEARS_MAX = 40
DAY = timedelta(days=1)


@dataclass(eq=False)
class ReadingsDoNotFollow(Conflict):
    """Readings follow each other day by day from the first to the last day of the period."""

    point: str
    given: str
    expected: date


def require_period(period: Period) -> None:
    """Raises OutOfRange unless the period runs forward, and not for longer than anything is credited."""
    require_day("period.starts_on", period.starts_on, FIRST_DAY, LAST_DAY)
    require_day("period.ends_on", period.ends_on, period.starts_on, LAST_DAY)
    if len(years_of(period)) > YEARS_MAX:
        expected = f"at most {YEARS_MAX} calendar years"
        raise OutOfRange("period.ends_on", period.ends_on.isoformat(), expected)


def require_day(field: str, given: date, first: date, last: date) -> None:
    """Raises OutOfRange unless the day lies between the two or is one of them."""
    if not first <= given <= last:
        raise OutOfRange(field, given.isoformat(), f"{first} to {last}")


def require_within(field: str, given: date, period: Period) -> None:
    """Raises OutOfRange unless the day lies in the period."""
    require_day(field, given, period.starts_on, period.ends_on)


def years_of(period: Period) -> Sequence[int]:
    """The calendar years that the period touches, in order: the vintages of its tonnes."""
    return range(period.starts_on.year, period.ends_on.year + 1)


def days_of(period: Period, year: int, since: date = date.min) -> Quantity:
    """How many days of the period lie in this year, counted from a day on if one is given."""
    first = max(period.starts_on, date(year, 1, 1), since)
    last = min(period.ends_on, date(year, 12, 31))
    return counted(f"days of the period in {year}", max(0, (last - first).days + 1), "d")


def days_of_year(year: int) -> Quantity:
    """365, or 366 in a leap year."""
    return counted(f"days of {year}", 366 if isleap(year) else 365, "d/a")


def require_following(point: str, readings: Sequence[Reading], period: Period) -> None:
    """Raises a refusal unless the readings cover every day of the period once, each within one calendar year."""
    expected = period.starts_on
    for reading in readings:
        if reading.starts_on != expected:
            raise ReadingsDoNotFollow(point, reading.starts_on.isoformat(), expected)
        last = min(period.ends_on, date(expected.year, 12, 31))
        require_day(f"{point}.ends_on", reading.ends_on, reading.starts_on, last)
        expected = reading.ends_on + DAY
    if expected != period.ends_on + DAY:
        raise ReadingsDoNotFollow(point, "nothing", expected)


def after_years(day: date, years: int) -> date:
    """The same day so many years later; 1 March where that year has no 29 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
