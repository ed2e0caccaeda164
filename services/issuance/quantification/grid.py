"""Electricity into the grid: solar thermal (CCER-01-001-V01) and offshore wind (CCER-01-002-V01)."""

from collections.abc import Mapping
from decimal import Decimal

from services.issuance.quantification.activity import FuelMeter, OffshoreWind, Period, SolarThermal
from services.issuance.quantification.decimals import Rounding, plain
from services.issuance.quantification.metering import metered, require_metered
from services.issuance.quantification.periods import years_of
from services.issuance.quantification.workings import Quantity, Workings
from services.kernel.refusals import OutOfRange


def offshore_wind(work: Workings, period: Period, activity: OffshoreWind) -> Mapping[int, Quantity]:
    """ER = BE - PE - LE, year by year."""
    _require_electricity(work, period, activity)
    emitted = work.parameter("PE", "tCO2")
    return {
        year: _reduction(work, year, _baseline(work, activity, year), emitted)
        for year in years_of(period)
    }


def solar_thermal(work: Workings, period: Period, activity: SolarThermal) -> Mapping[int, Quantity]:
    """ER = BE - PE - LE, year by year, where PE is the fuel burnt."""
    _require_electricity(work, period, activity)
    require_metered(work, "fuels", activity.fuels, period)
    return {
        year: _reduction(
            work, year, _baseline(work, activity, year), _fuel_emissions(work, activity, year)
        )
        for year in years_of(period)
    }


def _require_electricity(
    work: Workings, period: Period, activity: OffshoreWind | SolarThermal
) -> None:
    require_metered(work, "exported", activity.exported, period)
    require_metered(work, "imported", activity.imported, period)


def _baseline(work: Workings, activity: OffshoreWind | SolarThermal, year: int) -> Quantity:
    """What the grid would have emitted for the net electricity: BE = EG_PJ x EF_grid,CM."""
    exported = metered(work, "EG_export", "MWh", activity.exported, year, "credit")
    imported = metered(work, "EG_import", "MWh", activity.imported, year, "charge")
    net = work.step(
        f"EG_PJ {year}", "EG_export - EG_import", "MWh", EG_export=exported, EG_import=imported
    )
    margin = _combined_margin(work, activity.region, year)
    return work.step(f"BE {year}", "EG_PJ * EF_CM", "tCO2", EG_PJ=net, EF_CM=margin)


def _combined_margin(work: Workings, region: str, year: int) -> Quantity:
    """EF_grid,CM is the weighted sum of both margins; one text in circulation prints a product instead."""
    operating, build = work.grid(region, year)
    of_operating, of_build = work.share("w_OM"), work.share("w_BM")
    require_weights(of_operating, of_build)
    return work.step(
        f"EF_CM {year}",
        "EF_OM * w_OM + EF_BM * w_BM",
        "tCO2/MWh",
        EF_OM=operating,
        w_OM=of_operating,
        EF_BM=build,
        w_BM=of_build,
    )


def require_weights(*weights: Quantity) -> None:
    """Raises OutOfRange unless what is weighted is weighted with one in all; where nothing is, all is well."""
    total = sum((each.value for each in weights), Decimal(0))
    if weights and total != 1:
        raise OutOfRange(" + ".join(each.name for each in weights), plain(total), "1")


def _fuel_emissions(work: Workings, activity: SolarThermal, year: int) -> Quantity:
    """PE = sum of FC x NCV x CC x OF x 44/12; multiplied before it is divided, so that nothing is lost."""
    carbon = [_carbon(work, meter, year) for meter in activity.fuels]
    return work.step(f"PE {year}", "sum(C) * 44 / 12", "tCO2", Rounding.UP, C=carbon)


def _carbon(work: Workings, meter: FuelMeter, year: int) -> Quantity:
    """The carbon in the fuel that one meter counted, as far as it oxidizes."""
    return work.step(
        f"C {meter.fuel} {meter.point} {year}",
        "FC * NCV * CC * OF / 100",
        "tC",
        FC=metered(work, f"FC {meter.fuel} {meter.point}", meter.unit, [meter], year, "charge"),
        NCV=work.parameter(f"NCV[{meter.fuel}]", f"GJ/{meter.unit}"),
        CC=work.parameter(f"CC[{meter.fuel}]", "tC/GJ"),
        OF=work.parameter(f"OF[{meter.fuel}]", "%"),
    )


def _reduction(work: Workings, year: int, baseline: Quantity, emitted: Quantity) -> Quantity:
    leakage = work.parameter("LE", "tCO2")
    return work.step(f"ER {year}", "BE - PE - LE", "tCO2", BE=baseline, PE=emitted, LE=leakage)
