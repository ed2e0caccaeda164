"""What meters counted, corrected against the owner where their calibration is late, missing or out of class."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from services.issuance.quantification.activity import Calibration, Meter, Period, Reading
from services.issuance.quantification.decimals import exact
from services.issuance.quantification.periods import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    after_years,
    require_day,
    require_following,
)
from services.issuance.quantification.workings import Quantity, Workings, measured

LESS = "sum(Q * (1 - e / 100))"
MORE = "sum(Q * (1 + e / 100))"
CORRECTED: dict[str, str] = {"credit": LESS, "charge": MORE}


def metered(
    work: Workings,
    name: str,
    unit: str,
    meters: Sequence[Meter],
    year: int,
    counts_as: Literal["credit", "charge"],
) -> Quantity:
    """The year's sum of all readings: export x (1 - e), import and fuel x (1 + e) (CCER-01-001 and -002)."""
    amounts: list[Quantity] = []
    errors: list[Quantity] = []
    for meter in meters:
        permitted = work.parameter(f"MPE[{meter.accuracy_class}]", "%")
        certified = _certified(meter.calibrations, year)
        for reading in (each for each in meter.readings if each.starts_on.year == year):
            days = f"{meter.point} {reading.starts_on} to {reading.ends_on}"
            amounts.append(measured(days, reading.quantity, unit))
            errors.append(_error(permitted, certified, reading, days))
    if any(error.value for error in errors):
        work.caution(f"METERING_CORRECTED {name} {year}", f"{name} {year}: readings corrected by e")
    return work.step(f"{name} {year}", CORRECTED[counts_as], unit, Q=amounts, e=errors)


def require_metered(work: Workings, field: str, meters: Sequence[Meter], period: Period) -> None:
    """Raises a refusal unless every meter was read through the period, with calibrations that are one."""
    for meter in meters:
        work.require_once(f"{field} metering point", meter.point)
        require_following(meter.point, meter.readings, period)
        for calibration in meter.calibrations:
            _require_yearly(work, meter, calibration)


def _require_yearly(work: Workings, meter: Meter, calibration: Calibration) -> None:
    """A certificate stands for a year, or as long as the methodology says, and not for longer."""
    years = int(work.parameter("CALIBRATION_YEARS", "a").value)
    first = calibration.valid_from
    require_day(f"{meter.point}.valid_from", first, FIRST_DAY, LAST_DAY)
    last = after_years(first, years) - DAY
    require_day(f"{meter.point}.valid_until", calibration.valid_until, first, last)


@dataclass(frozen=True, slots=True)
class Certified:
    """Days that follow each other for which the same certificates stand, and the largest error that they found."""

    first: date
    last: date
    error: Decimal


def _certified(calibrations: Sequence[Calibration], year: int) -> Sequence[Certified]:
    """The days of the year that some certificate covers, in order, no day twice."""
    start, end = date(year, 1, 1), date(year, 12, 31)
    errors = {
        (max(each.valid_from, start), min(each.valid_until, end)): exact(each.error_percent)
        for each in sorted(calibrations, key=lambda each: exact(each.error_percent))
        if each.valid_from <= end and each.valid_until >= start
    }
    starts = sorted({day for first, last in errors for day in (first, last + DAY)})
    found: list[Certified] = []
    for first, following in pairwise(starts):
        standing = [e for (since, until), e in errors.items() if since <= first <= until]
        if standing:
            found.append(Certified(first, following - DAY, max(standing)))
    return found


def _error(
    permitted: Quantity, certified: Sequence[Certified], reading: Reading, days: str
) -> Quantity:
    """The e of the reading's worst day: readings split at the days of a delay are corrected on those days only.

    The error found if the meter was calibrated in time and is out of its class, the class's maximum
    permissible error if it was not calibrated in time, and none otherwise.
    """
    first, covered, worst = reading.starts_on, 0, Decimal(0)
    for each in certified[bisect_left(certified, first, key=lambda each: each.last) :]:
        if each.first > reading.ends_on:
            break
        worst = max(worst, each.error)
        covered += (min(each.last, reading.ends_on) - max(each.first, first)).days + 1
    if worst > permitted.value:
        return Quantity(worst, "%", f"error found: {days}", "activity")
    if covered == (reading.ends_on - first).days + 1:
        return measured(f"calibrated and in class: {days}", "0", "%")
    return permitted
