"""What is said of days: that a new one has begun."""

from datetime import date

from services.runtime.messages import Command, Event


class OpenDay(Command, frozen=True, kw_only=True, tag="issuance.open_day"):
    """A new day: notices whose last day is over end, and decisions that are overdue raise an alarm."""

    date: date


class DayOpened(Event, frozen=True, kw_only=True, tag="issuance.day.opened"):
    """What time had caused by this day is done."""

    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.date}"
