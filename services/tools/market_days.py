"""The market's calendar, for days that no disclosure names: when credits moved, and when projects were examined."""

from datetime import date, timedelta

import chinese_calendar

ONE_DAY = timedelta(days=1)


def is_trading_day(day: date) -> bool:
    """Monday to Friday without public holidays; a make-up Saturday is never a trading day."""
    return day.weekday() < 5 and _is_worked(day)


def trading_day_from(day: date, step: timedelta = ONE_DAY) -> date:
    """The day itself if the market is open, else the next one (the last one, with a step back)."""
    while not is_trading_day(day):
        day += step
    return day


def next_trading_day(day: date) -> date:
    """The first trading day after this one."""
    return trading_day_from(day + ONE_DAY)


def previous_trading_day(day: date) -> date:
    """The last trading day before this one."""
    return trading_day_from(day - ONE_DAY, -ONE_DAY)


def next_working_day(day: date) -> date:
    """The first day after this one on which offices are open."""
    day += ONE_DAY
    while not _is_worked(day):
        day += ONE_DAY
    return day


def working_days_before(day: date, number: int) -> date:
    """The day from which so many working days lie before this one, itself the first of them."""
    while number:
        day -= ONE_DAY
        number -= _is_worked(day)
    return day


def _is_worked(day: date) -> bool:
    return chinese_calendar.is_workday(day)  # pyright: ignore[reportUnknownMemberType]
