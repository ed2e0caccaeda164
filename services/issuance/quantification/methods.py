"""The formulas that a methodology's data may name; a formula in force never changes, a new one gets a new name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from services.issuance.quantification.activity import (
    Activity,
    Afforestation,
    ElectronicsRecycling,
    Mangrove,
    OffshoreWind,
    Period,
    SolarThermal,
)
from services.issuance.quantification.grid import (
    offshore_wind,
    require_weights,
    solar_thermal,
)
from services.issuance.quantification.parameters import ParameterSet
from services.issuance.quantification.recycling import electronics_recycling
from services.issuance.quantification.sinks import afforestation, mangrove
from services.issuance.quantification.workings import Quantity, Workings
from services.kernel.refusals import Conflict, Unknown

ActivityType = TypeVar("ActivityType", bound=Activity)


@dataclass(eq=False)
class MethodologyDiffers(Conflict):
    """The activity data were made for another methodology or formula than the parameters."""

    given: str
    expected: str


@dataclass(frozen=True, slots=True)
class Method(Generic[ActivityType]):
    """One formula: which activity data it reads, and what each calendar year comes to."""

    activity: type[ActivityType]
    reduced: Callable[[Workings, Period, ActivityType], Mapping[int, Quantity]]
    figures: Mapping[str, str]
    """By name the units of what it cannot do without; parameters of a fuel or species are looked up as needed."""
    shares: Sequence[str] = ()
    """Which of them lie between 0 and 1."""
    weights: Sequence[str] = ()
    """Which of them add up to 1."""

    def apply(self, work: Workings, period: Period, activity: Activity) -> Mapping[int, Quantity]:
        """The unrounded reductions by year; raises MethodologyDiffers for other activity data."""
        if not isinstance(activity, self.activity):
            given, expected = type(activity).__name__, self.activity.__name__
            raise MethodologyDiffers(given, expected)
        return self.reduced(work, period, activity)


AnyMethod = (
    Method[SolarThermal]
    | Method[OffshoreWind]
    | Method[Afforestation]
    | Method[Mangrove]
    | Method[ElectronicsRecycling]
)

_MARGINS = ("w_OM", "w_BM")
_GRID = {"w_OM": "1", "w_BM": "1", "LE": "tCO2", "CALIBRATION_YEARS": "a"}
_SINK = {"K_RISK": "1", "LK": "tCO2e/(ha*a)"}
_RECYCLING = {
    "EF_el": "tCO2/MWh",
    "EF_transport": "tCO2e/(t*km)",
    "LE": "tCO2e/t",
    "ER_min": "tCO2e/t",
    "ER_max": "tCO2e/t",
}

METHODS: Mapping[str, AnyMethod] = {
    "solar-thermal-1": Method(SolarThermal, solar_thermal, _GRID, _MARGINS, _MARGINS),
    "offshore-wind-1": Method(
        OffshoreWind, offshore_wind, _GRID | {"PE": "tCO2"}, _MARGINS, _MARGINS
    ),
    "afforestation-1": Method(
        Afforestation,
        afforestation,
        _SINK | {"dC_BSL": "tCO2e/(ha*a)", "EF_fire": "tCO2e/t d.m."},
        ("K_RISK",),
    ),
    "mangrove-1": Method(Mangrove, mangrove, _SINK | {"SOC": "tC/(ha*a)"}, ("K_RISK",)),
    "electronics-recycling-1": Method(ElectronicsRecycling, electronics_recycling, _RECYCLING),
}


def method_of(formula_id: str) -> AnyMethod:
    """The formula of this name; raises Unknown if Tonne has none."""
    method = METHODS.get(formula_id)
    if method is None:
        raise Unknown("formula", formula_id[:40])
    return method


def require_executable(parameters: ParameterSet) -> None:
    """Raises a refusal unless the formula is known and has every figure without which it computes nothing."""
    method, work = method_of(parameters.formula_id), Workings(parameters, date.max)
    for name, unit in method.figures.items():
        work.parameter(name, unit)
    for name in method.shares:
        work.share(name)
    require_weights(*(work.share(name) for name in method.weights))
