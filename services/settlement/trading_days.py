"""Trading days: on which days a market is open, and the days that lie so many of them apart."""

from datetime import date, timedelta
from functools import lru_cache

from services.kernel.calendars import WorkingCalendar
from services.settlement.terms import Days

_DAY = timedelta(days=1)


def next_trading_day(calendar: WorkingCalendar, days: Days, day: date) -> date:
    """The first day after this one on which the market is open."""
    return after_trading_days(calendar, days, day, 1)


@lru_cache(maxsize=10_000)
def is_open(calendar: WorkingCalendar, days: Days, day: date) -> bool:
    """Whether the market trades on this day."""
    return days == Days.EVERY_DAY or calendar.is_trading(day)


@lru_cache(maxsize=10_000)
def after_trading_days(calendar: WorkingCalendar, days: Days, day: date, number: int) -> date:
    """The day that lies so many open days after this one."""
    for _ in range(number):
        day += _DAY
        while not is_open(calendar, days, day):
            day += _DAY
    return day
