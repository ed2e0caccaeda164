"""The formulas that a methodology's data may name; a formula in force never changes, a new one gets a new name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from services.issuance.quantification.grid import offshore_wind, solar_thermal
from services.issuance.quantification.recycling import electronics_recycling
from services.issuance.quantification.sinks import afforestation, mangrove
from services.issuance.quantification.workings import Quantity, Workings
from services.kernel.refusals import Conflict

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

METHODS: Mapping[str, AnyMethod] = {
    "solar-thermal-1": Method(SolarThermal, solar_thermal),
    "offshore-wind-1": Method(OffshoreWind, offshore_wind),
    "afforestation-1": Method(Afforestation, afforestation),
    "mangrove-1": Method(Mangrove, mangrove),
    "electronics-recycling-1": Method(ElectronicsRecycling, electronics_recycling),
}
