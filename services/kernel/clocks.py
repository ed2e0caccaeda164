"""Instants and days: the market's day is Beijing's (UTC+8, no daylight saving)."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta, timezone

from services.kernel.refusals import Conflict, Invalid

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
CLOCK_LEEWAY = timedelta(minutes=5)


@dataclass(eq=False)
class TooFarFromClock(Invalid):
    """The effective time must lie within 5 minutes of the clock; a historian's may lie in the past."""

    given: str
    clock: str


@dataclass(eq=False)
class DecidedBeforeRequested(Conflict):
    """Nothing takes effect before it was asked for, whoever decides as of the past."""

    given: datetime
    requested_at: datetime


def is_instant(given: datetime) -> bool:
    """Whether it names its offset from UTC, and stays in the calendar wherever on Earth it is read."""
    return given.tzinfo is not None and MINYEAR < given.year < MAXYEAR


def market_day(instant: datetime) -> date:
    """The calendar day in Beijing on which the instant falls."""
    return instant.astimezone(BEIJING).date()


def end_of(day: date) -> datetime:
    """The first instant after the day in Beijing."""
    return datetime.combine(day + timedelta(days=1), time(), BEIJING)


def require_near(effective_at: datetime, clock: datetime) -> None:
    """Raises TooFarFromClock unless the two instants are at most 5 minutes apart."""
    if abs(effective_at - clock) > CLOCK_LEEWAY:
        raise TooFarFromClock(effective_at.isoformat(), clock.isoformat())


def require_since(requested_at: datetime, decided_at: datetime) -> None:
    """Raises DecidedBeforeRequested for a decision on what was not asked for yet, but for what clocks differ."""
    if decided_at < requested_at - CLOCK_LEEWAY:
        raise DecidedBeforeRequested(decided_at, requested_at)
