"""The market's calendar, for days that no disclosure names: when credits moved and were listed."""

from datetime import date, timedelta

import chinese_calendar

ONE_DAY = timedelta(days=1)


def is_trading_day(day: date) -> bool:
    """Monday to Friday without public holidays; a make-up Saturday is never a trading day."""
    return day.weekday() < 5 and chinese_calendar.is_workday(day)  # pyright: ignore[reportUnknownMemberType]


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
