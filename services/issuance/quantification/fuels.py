"""Fuels by mass, with one emission factor each; what a meter counts is in ``grid``."""

from collections.abc import Sequence

from services.issuance.quantification.activity import FuelUse
from services.issuance.quantification.workings import Quantity, Workings, measured


def fuel_emissions(work: Workings, name: str, fuels: Sequence[FuelUse], year: int) -> Quantity:
    """Of fuels by mass, burnt by machines and vehicles in the year."""
    of_year = [each for each in fuels if each.used_on.year == year]
    return work.step(
        f"{name} {year}",
        "sum(FC * EF_fuel)",
        "tCO2e",
        FC=[measured(f"{each.fuel} {each.used_on}", each.mass_t, "t") for each in of_year],
        EF_fuel=[work.parameter(f"EF_fuel[{each.fuel}]", "tCO2e/t") for each in of_year],
    )
