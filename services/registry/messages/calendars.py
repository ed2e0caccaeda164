"""What is said of days: the official calendar, and that a new day has begun."""

from datetime import date
from uuid import UUID

from services.runtime.messages import Command, Event


class AddOfficialDays(Command, frozen=True, kw_only=True, tag="registry.add_official_days"):
    """Adds the State Council's whole notice on the days off of a year, by two persons; dates are computed again."""

    notice_id: UUID
    year: int
    holidays: tuple[date, ...]
    """Days off, weekend days among them or not."""
    working_days: tuple[date, ...]
    """Weekend days that are worked to make up."""
    source: str


class OfficialDaysAdded(Event, frozen=True, kw_only=True, tag="registry.calendar.days_added"):
    """The calendar of a year is official; a later notice replaces all that was known of the year."""

    notice_id: UUID
    year: int
    holidays: tuple[date, ...]
    working_days: tuple[date, ...]
    source: str

    @property
    def subject(self) -> str:
        return f"calendar/{self.year}"


class OpenDay(Command, frozen=True, kw_only=True, tag="registry.open_day"):
    """A new day: notices whose last day is over end, and what is overdue raises an alarm."""

    date: date


class DayOpened(Event, frozen=True, kw_only=True, tag="registry.day.opened"):
    """What time had caused by this day is done."""

    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.date}"
