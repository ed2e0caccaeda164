"""What meters counted, corrected against the owner where their calibration is late, missing or out of class."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from services.issuance.quantification.activity import Calibration, Meter, Period, Reading
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
        for reading in (each for each in meter.readings if each.starts_on.year == year):
            days = f"{meter.point} {reading.starts_on} to {reading.ends_on}"
            amounts.append(measured(days, reading.quantity, unit))
            errors.append(_error(work, meter, reading, days))
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


def _error(work: Workings, meter: Meter, reading: Reading, days: str) -> Quantity:
    """The e of the reading's worst day: readings split at the days of a delay are corrected on those days only.

    The error found if the meter was calibrated in time and is out of its class, the class's maximum
    permissible error if it was not calibrated in time, and none otherwise.
    """
    permitted = work.parameter(f"MPE[{meter.accuracy_class}]", "%")
    found = [
        measured(f"error found: {days}", each.error_percent, "%")
        for each in meter.calibrations
        if each.valid_from <= reading.ends_on and each.valid_until >= reading.starts_on
    ]
    worst = max(found, key=lambda each: each.value, default=None)
    if worst is not None and worst.value > permitted.value:
        return worst
    if _is_covered(reading.starts_on, reading.ends_on, meter.calibrations):
        return measured(f"calibrated and in class: {days}", "0", "%")
    return permitted


def _is_covered(first: date, last: date, calibrations: Sequence[Calibration]) -> bool:
    """Whether every day between the two lies within some calibration."""
    for each in sorted(calibrations, key=lambda each: each.valid_from):
        if each.valid_from <= first <= each.valid_until:
            first = each.valid_until + DAY
    return first > last
