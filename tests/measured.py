"""Activity data and parameters for the tests of quantification: the demo's, and small ones made to measure."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import TypeVar

import msgspec

from services.issuance.quantification.activity import (
    Activity,
    Calibration,
    Meter,
    Monitored,
    OffshoreWind,
    Period,
    Reading,
)
from services.issuance.quantification.parameters import GridFactor, ParameterSet
from services.issuance.quantification.quantify import quantify
from services.issuance.quantification.traces import Quantified
from services.tools.quantify import parameter_set, read
from services.tools.records import DEMO

EXAMPLES = sorted(path.stem for path in (DEMO / "activity").glob("*.toml"))
WIND = "CCER-01-002-V01"
YEAR = Period(starts_on=date(2024, 1, 1), ends_on=date(2024, 12, 31))

ActivityType = TypeVar("ActivityType", bound=Activity)


@cache
def example(name: str) -> Monitored:
    """The demo's activity data of this name."""
    return read(DEMO / "activity" / f"{name}.toml", Monitored)


@cache
def figures(methodology: str) -> ParameterSet:
    """The demo's parameters of this methodology."""
    return parameter_set(methodology, None, None)


def quantified(name: str) -> Quantified:
    """The demo's example, computed."""
    return quantify(example(name), figures(example(name).methodology))


def activity(name: str, kind: type[ActivityType]) -> ActivityType:
    """The example's activity data, to change something in."""
    found = example(name).activity
    assert isinstance(found, kind)
    return found


def changed(name: str, replaced: Activity) -> Quantified:
    """The example with other activity data, computed."""
    monitored = msgspec.structs.replace(example(name), activity=replaced)
    return quantify(monitored, figures(monitored.methodology))


def with_parameter(parameters: ParameterSet, name: str, **replaced: str) -> ParameterSet:
    """The set with one parameter changed."""
    return msgspec.structs.replace(
        parameters,
        parameters=tuple(
            msgspec.structs.replace(each, **replaced) if each.name == name else each
            for each in parameters.parameters
        ),
    )


def without_parameter(parameters: ParameterSet, name: str) -> ParameterSet:
    """The set without one parameter."""
    rest = tuple(each for each in parameters.parameters if each.name != name)
    return msgspec.structs.replace(parameters, parameters=rest)


def margins(om: str, bm: str, year: int = 2024, on: date = date(2024, 12, 31)) -> GridFactor:
    """A grid's factors."""
    return GridFactor(
        region="TEST",
        year=year,
        operating_margin=om,
        build_margin=bm,
        published_on=on,
        source="a test",
        edition="test",
        confidence="UNVERIFIED",
    )


def meter(
    quantity: str, calibrations: Sequence[Calibration] = (), readings: Sequence[Reading] = ()
) -> Meter:
    """A meter of class 0.5S that was read once in the year, calibrated all the year unless said otherwise."""
    once = Reading(starts_on=YEAR.starts_on, ends_on=YEAR.ends_on, quantity=quantity)
    return Meter(
        point="gate",
        accuracy_class="0.5S",
        calibrations=tuple(calibrations),
        readings=tuple(readings) or (once,),
    )


def calibrated(first: date, last: date, error: str = "0.1") -> Calibration:
    """A certificate."""
    return Calibration(valid_from=first, valid_until=last, error_percent=error)


IN_CLASS = calibrated(YEAR.starts_on, YEAR.ends_on)


def wind(
    exported: Meter,
    imported: Meter | None = None,
    period: Period = YEAR,
    as_of: date = date(2025, 3, 1),
) -> Monitored:
    """A wind farm on the test's grid, which by default takes nothing out of it."""
    return Monitored(
        methodology=WIND,
        period=period,
        as_of=as_of,
        activity=OffshoreWind(
            region="TEST",
            exported=(exported,),
            imported=(imported or meter("0", [IN_CLASS]),),
        ),
    )


def wind_figures(*factors: GridFactor) -> ParameterSet:
    """Wind's parameters with these grid factors only."""
    given = factors or (margins("0.80", "0.30"),)
    return msgspec.structs.replace(figures(WIND), grid_factors=tuple(given))
