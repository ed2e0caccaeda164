"""What is true of the days that a registrar adds to the official calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.calendars import CHINA, WorkingCalendar, YearNotice
from services.kernel.names import require_text
from services.kernel.refusals import Invalid, OutOfRange

YEAR_MAX = 2199
DAYS_MAX = 120
_SATURDAY = 5


@dataclass(eq=False)
class DayTwice(Invalid):
    """A notice says of a day once what it is."""

    given: date


@dataclass(eq=False)
class DayOutsideYear(Invalid):
    """A notice speaks of its own year, and of the last days of the year before."""

    given: date
    year: int


@dataclass(eq=False)
class MadeUpOnWeekday(Invalid):
    """Only weekend days are worked to make up for others."""

    given: date


def calendar(notices: Sequence[YearNotice]) -> WorkingCalendar:
    """The official calendar with what was added, in the order in which it was."""
    return CHINA.with_notices(notices)


def require_valid(notice: YearNotice, source: str) -> None:
    """Raises a refusal unless the notice can be added."""
    require_text("source", source)
    if not min(CHINA.official_years) <= notice.year <= YEAR_MAX:
        expected = f"{min(CHINA.official_years)} to {YEAR_MAX}"
        raise OutOfRange("year", str(notice.year), expected)
    days = [*notice.holidays, *notice.working_days]
    if not notice.holidays or len(days) > DAYS_MAX:
        raise OutOfRange("holidays", str(len(days)), f"1 to {DAYS_MAX} days")
    _require_days(notice, days)


def _require_days(notice: YearNotice, days: Sequence[date]) -> None:
    seen: set[date] = set()
    for day in days:
        if day in seen:
            raise DayTwice(day)
        if day.year != notice.year and (day.year, day.month) != (notice.year - 1, 12):
            raise DayOutsideYear(day, notice.year)
        seen.add(day)
    for day in notice.working_days:
        if day.weekday() < _SATURDAY and CHINA.is_working(day):
            raise MadeUpOnWeekday(day)
