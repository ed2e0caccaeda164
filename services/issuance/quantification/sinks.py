"""Carbon taken up: afforestation (CCER-14-001-V01) and mangrove (CCER-14-002-V01)."""

from collections.abc import Mapping, Sequence

from services.issuance.quantification.activity import (
    Afforestation,
    Flat,
    Mangrove,
    Period,
    Stand,
)
from services.issuance.quantification.decimals import Rounding
from services.issuance.quantification.fuels import fuel_emissions
from services.issuance.quantification.periods import (
    FIRST_DAY,
    LAST_DAY,
    days_of,
    days_of_year,
    require_day,
    require_within,
    years_of,
)
from services.issuance.quantification.workings import Quantity, Workings, counted, measured


def afforestation(
    work: Workings, period: Period, activity: Afforestation
) -> Mapping[int, Quantity]:
    """CDR = (dC_PJ - GHG_fire - dC_BSL - LK) x (1 - K_RISK), the stock's change spread over the days."""
    for stand in activity.stands:
        work.require_once("stand", f"{stand.stratum}/{stand.species}")
    for fire in activity.fires:
        require_within("fires.burnt_on", fire.burnt_on, period)
    before = [_stand_carbon(work, stand, stand.before, "first day") for stand in activity.stands]
    after = [_stand_carbon(work, stand, stand.after, "last day") for stand in activity.stands]
    change = _stock_change(work, before, after)
    area = _total_area(work, activity.stands)
    return {
        year: work.step(
            f"CDR {year}",
            "(dC_PJ - GHG_fire - dC_BSL - LK) * (1 - K_RISK)",
            "tCO2e",
            dC_PJ=of_year,
            GHG_fire=_fire_emissions(work, activity, year),
            dC_BSL=_per_area(work, "dC_BSL", area, period, year),
            LK=_per_area(work, "LK", area, period, year),
            K_RISK=work.share("K_RISK"),
        )
        for year, of_year in _spread(work, change, period).items()
    }


def mangrove(work: Workings, period: Period, activity: Mangrove) -> Mapping[int, Quantity]:
    """CDR = (dC_biomass + dSOC - E_PJ - LK) x (1 - K_RISK)."""
    for flat in activity.flats:
        work.require_once("stand", f"{flat.stratum}/{flat.species}")
        require_day("flats.planted_on", flat.planted_on, FIRST_DAY, LAST_DAY)
    for fuel in activity.fuels:
        require_within("fuels.used_on", fuel.used_on, period)
    before = [_flat_carbon(work, flat, flat.before, "first day") for flat in activity.flats]
    after = [_flat_carbon(work, flat, flat.after, "last day") for flat in activity.flats]
    change = _stock_change(work, before, after)
    area = _total_area(work, activity.flats)
    return {
        year: work.step(
            f"CDR {year}",
            "(dC_biomass + dSOC - E_PJ - LK) * (1 - K_RISK)",
            "tCO2e",
            dC_biomass=of_year,
            dSOC=_soil_carbon(work, activity, period, year),
            E_PJ=fuel_emissions(work, "E_PJ", activity.fuels, year),
            LK=_per_area(work, "LK", area, period, year),
            K_RISK=work.share("K_RISK"),
        )
        for year, of_year in _spread(work, change, period).items()
    }


def _stand_carbon(work: Workings, stand: Stand, amount: str, when: str) -> Quantity:
    """The carbon in the trees of one stand, from their volume or from their biomass above ground."""
    name = f"{stand.stratum} {stand.species}, {when}"
    if stand.measure == "BIOMASS":
        above = measured(f"B_AG {name}", amount, "t d.m./ha")
    else:
        above = work.step(
            f"B_AG {name}",
            "V * D * BEF",
            "t d.m./ha",
            V=measured(f"V {name}", amount, "m3/ha"),
            D=work.parameter(f"D[{stand.species}]", "t d.m./m3"),
            BEF=work.parameter(f"BEF[{stand.species}]", "1"),
        )
    return _carbon(work, name, stand.species, above, stand.area_ha)


def _flat_carbon(work: Workings, flat: Flat, amount: str, when: str) -> Quantity:
    name = f"{flat.stratum} {flat.species}, {when}"
    above = measured(f"B_AG {name}", amount, "t d.m./ha")
    return _carbon(work, name, flat.species, above, flat.area_ha)


def _carbon(work: Workings, name: str, species: str, above: Quantity, area_ha: str) -> Quantity:
    return work.step(
        f"C {name}",
        "B_AG * (1 + R) * CF * A",
        "tC",
        B_AG=above,
        R=work.parameter(f"R[{species}]", "1"),
        CF=work.share(f"CF[{species}]"),
        A=measured("area", area_ha, "ha"),
    )


def _stock_change(
    work: Workings, before: Sequence[Quantity], after: Sequence[Quantity]
) -> Quantity:
    """The change in all stands together as CO2; a loss is negative."""
    formula = "(sum(C_2) - sum(C_1)) * 44 / 12"
    return work.step("dC", formula, "tCO2e", Rounding.DOWN, C_2=after, C_1=before)


def _total_area(work: Workings, areas: Sequence[Stand] | Sequence[Flat]) -> Quantity:
    hectares = [measured(f"area {each.stratum}", each.area_ha, "ha") for each in areas]
    return work.step("A", "sum(A)", "ha", A=hectares)


def _spread(work: Workings, change: Quantity, period: Period) -> Mapping[int, Quantity]:
    """The change by calendar year in proportion to the days; the last year has the rest, so that nothing is lost."""
    *years, last = years_of(period)
    days = counted("days of the period", (period.ends_on - period.starts_on).days + 1, "d")
    spread = {
        year: work.step(
            f"dC {year}",
            "dC * d / D",
            "tCO2e",
            Rounding.DOWN,
            dC=change,
            d=days_of(period, year),
            D=days,
        )
        for year in years
    }
    rest = work.step(
        f"dC {last}", "dC - sum(dC_before)", "tCO2e", dC=change, dC_before=list(spread.values())
    )
    return spread | {last: rest}


def _fire_emissions(work: Workings, activity: Afforestation, year: int) -> Quantity:
    """Methane and nitrous oxide of the year's fires."""
    return work.step(
        f"GHG_fire {year}",
        "sum(B) * EF_fire",
        "tCO2e",
        B=[
            measured(f"fire {fire.burnt_on}", fire.biomass_t, "t d.m.")
            for fire in activity.fires
            if fire.burnt_on.year == year
        ],
        EF_fire=work.parameter("EF_fire", "tCO2e/t d.m."),
    )


def _per_area(work: Workings, name: str, area: Quantity, period: Period, year: int) -> Quantity:
    """A figure per hectare and year, for the days of this year."""
    return work.step(
        f"{name} {year}",
        "x * A * d / D",
        "tCO2e",
        Rounding.UP,
        x=work.parameter(name, "tCO2e/(ha*a)"),
        A=area,
        d=days_of(period, year),
        D=days_of_year(year),
    )


def _soil_carbon(work: Workings, activity: Mangrove, period: Period, year: int) -> Quantity:
    """What the soil of all flats took up in the year, each from its planting on."""
    flats = activity.flats
    return work.step(
        f"dSOC {year}",
        "sum(A * d) * SOC * 44 / (12 * D)",
        "tCO2e",
        Rounding.DOWN,
        A=[measured(f"area {flat.stratum}", flat.area_ha, "ha") for flat in flats],
        d=[days_of(period, year, flat.planted_on) for flat in flats],
        SOC=work.parameter("SOC", "tC/(ha*a)"),
        D=days_of_year(year),
    )
