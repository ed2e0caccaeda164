"""Quantification of carbon taken up by trees and mangrove: stocks, soil, fires, days and the risk deduction."""

from datetime import date, timedelta
from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance.quantification.activity import (
    Afforestation,
    Fire,
    Flat,
    FuelUse,
    Mangrove,
    Monitored,
    Period,
    Stand,
)
from services.issuance.quantification.parameters import ParameterMissing
from services.issuance.quantification.quantify import quantify
from services.issuance.quantification.traces import Quantified
from services.issuance.quantification.workings import ClaimedTwice
from services.kernel.refusals import OutOfRange
from tests.measured import activity, changed, example, figures, quantified, with_parameter

FOREST = "CCER-14-001-V01"
COAST = "CCER-14-002-V01"
PINE = "PINUS-MASSONIANA"
KANDELIA = "KANDELIA-OBOVATA"
PERIOD = Period(starts_on=date(2021, 1, 1), ends_on=date(2022, 12, 31))


def stand(after: str, before: str = "0", **other: str) -> Stand:
    """Ten hectares of pine by biomass."""
    fields = {"stratum": "slope", "species": PINE, "area_ha": "10", "measure": "BIOMASS"} | other
    return msgspec.convert(fields | {"before": before, "after": after}, Stand)


def forest(*stands: Stand, fires: tuple[Fire, ...] = (), period: Period = PERIOD) -> Monitored:
    return Monitored(
        methodology=FOREST,
        period=period,
        as_of=date(2025, 1, 1),
        activity=Afforestation(stands=stands, fires=fires),
    )


def forested(*stands: Stand, fires: tuple[Fire, ...] = ()) -> Quantified:
    return quantify(forest(*stands, fires=fires), figures(FOREST))


def vintages(found: Quantified) -> dict[int, int]:
    return {each.vintage: each.tonnes for each in found.vintages}


def test_afforestation_by_hand() -> None:
    """Biomass x (1 + 0.187) x 0.46 x 10 ha x 44/12, of which a tenth is deducted."""
    expected = Fraction(20) * Fraction("1.187") * Fraction("0.46") * 10 * 44 / 12 * Fraction("0.9")
    assert forested(stand("20")).tonnes == floor(expected) == 360


def test_stock_change_is_rounded_against_the_owner() -> None:
    """44/12 of 5.4602 t C has no end; gained it is rounded down, and lost it is rounded to the larger loss."""
    results = {
        before: {step.name: step for step in forested(stand(after, before)).trace.steps}["dC"]
        for before, after in (("0", "1"), ("1", "0"))
    }
    assert results["0"].result == "20.02073333333333333333"
    assert results["1"].result == "-20.02073333333333333334"


def test_volume_becomes_biomass_by_density_and_expansion() -> None:
    by_volume = forested(stand("20", measure="VOLUME"))
    above = Fraction(20) * Fraction("0.38") * Fraction("1.472")
    steps = {step.name: step for step in by_volume.trace.steps}
    assert Fraction(steps["B_AG slope PINUS-MASSONIANA, last day"].result) == above
    assert forested(stand("11.1872")).tonnes == by_volume.tonnes


@pytest.mark.parametrize(
    ("share", "expected"), [("0", 400), ("0.1", 360), ("0.2", 320), ("1", 0), ("1.01", None)]
)
def test_deduction_is_a_parameter_from_nothing_to_everything(
    share: str, expected: int | None
) -> None:
    given = with_parameter(figures(FOREST), "K_RISK", value=share)
    if expected is None:
        with pytest.raises(OutOfRange):
            quantify(forest(stand("20")), given)
    else:
        assert quantify(forest(stand("20")), given).tonnes == expected


@pytest.mark.parametrize(("name", "expected"), [("dC_BSL", 342), ("LK", 342)])
def test_baseline_and_leakage_are_parameters_though_they_are_zero(name: str, expected: int) -> None:
    """A tonne per hectare and year, over ten hectares and two years, of which a tenth is deducted."""
    given = with_parameter(figures(FOREST), name, value="1")
    assert quantify(forest(stand("20")), given).tonnes == expected


def test_change_is_spread_over_the_days() -> None:
    """1,556 days, of which 100 in 2020, 365 in each of three years and 366 in 2024."""
    days = {2020: 100, 2021: 365, 2022: 365, 2023: 365, 2024: 366}
    period = Period(starts_on=date(2020, 9, 23), ends_on=date(2024, 12, 31))
    found = quantify(forest(stand("1000"), period=period), figures(FOREST))
    for vintage, tonnes in vintages(found).items():
        expected = Fraction(18018) * days[vintage] / sum(days.values())
        assert abs(tonnes - expected) < 2


def test_fire_counts_in_its_year_and_reduces_nothing_else() -> None:
    fire = Fire(burnt_on=date(2022, 8, 19), biomass_t="100")
    burnt, whole = forested(stand("20"), fires=(fire,)), forested(stand("20"))
    assert whole.tonnes - burnt.tonnes in (18, 19)  # 100 t x 0.2005 x 0.9
    assert vintages(burnt)[2021] == vintages(whole)[2021]


@pytest.mark.parametrize(
    ("burnt_on", "valid"),
    [
        (date(2020, 12, 31), False),
        (date(2021, 1, 1), True),
        (date(2022, 12, 31), True),
        (date(2023, 1, 1), False),
    ],
)
def test_fire_lies_within_the_period(burnt_on: date, valid: bool) -> None:
    fire = Fire(burnt_on=burnt_on, biomass_t="1")
    if valid:
        assert forested(stand("20"), fires=(fire,)).tonnes == 360
    else:
        with pytest.raises(OutOfRange):
            forested(stand("20"), fires=(fire,))


def test_lost_stock_is_never_a_negative_tonne() -> None:
    found = forested(stand("10", before="20"))
    assert found.tonnes == 0
    assert vintages(found) == {2021: 0, 2022: 0}
    assert "NET_EMISSIONS" in [caution.code for caution in found.cautions]


def test_fire_of_a_later_year_takes_tonnes_back_from_the_earlier_one() -> None:
    """180 t a year, less 361 t for the fire in the second: nothing of the first is left but its rest."""
    fire = Fire(burnt_on=date(2022, 8, 19), biomass_t="1500")
    found = vintages(forested(stand("20"), fires=(fire,)))
    assert found == {2021: floor(Fraction("360.3732") - Fraction("270.675")), 2022: 0}


def test_same_stand_counts_once() -> None:
    with pytest.raises(ClaimedTwice):
        forested(stand("20"), stand("21"))
    assert forested(stand("20"), stand("20", stratum="ridge")).tonnes == 720


def test_species_without_figures_is_refused() -> None:
    with pytest.raises(ParameterMissing):
        forested(stand("20", species="SEQUOIA"))


stocks = st.tuples(*[st.decimals(0, 500, places=3)] * 2, st.decimals("0.001", 900, places=3))


@given(st.lists(stocks, min_size=1, max_size=5))
def test_agrees_with_fractions(rows: list[tuple[object, object, object]]) -> None:
    stands = [
        stand(str(after), str(before), area_ha=str(area), stratum=f"stratum {number}")
        for number, (before, after, area) in enumerate(rows)
    ]
    change = sum(
        (Fraction(each.after) - Fraction(each.before)) * Fraction(each.area_ha) for each in stands
    )
    expected = change * Fraction("1.187") * Fraction("0.46") * 44 / 12 * Fraction("0.9")
    found = forested(*stands)
    # Rounding against the owner at the 20th decimal can cost a tonne only where the sum is whole.
    assert found.tonnes in (max(0, floor(expected)), max(0, floor(expected - Fraction(1, 10**15))))
    assert forested(*reversed(stands)).tonnes == found.tonnes


def flat(planted_on: date, after: str = "0") -> Flat:
    return Flat(
        stratum="flat",
        species=KANDELIA,
        area_ha="100",
        planted_on=planted_on,
        before="0",
        after=after,
    )


def coast(*flats: Flat, fuels: tuple[FuelUse, ...] = ()) -> Quantified:
    monitored = Monitored(
        methodology=COAST,
        period=PERIOD,
        as_of=date(2025, 1, 1),
        activity=Mangrove(flats=flats, fuels=fuels),
    )
    return quantify(monitored, figures(COAST))


@pytest.mark.parametrize(
    ("planted_on", "days"),
    [
        (date(2019, 5, 1), 730),
        (PERIOD.starts_on, 730),
        (PERIOD.starts_on + timedelta(days=1), 729),
        (date(2022, 1, 1), 365),
        (PERIOD.ends_on, 1),
        (PERIOD.ends_on + timedelta(days=1), 0),
        (date(2030, 1, 1), 0),
    ],
)
def test_soil_takes_up_carbon_from_planting_on(planted_on: date, days: int) -> None:
    expected = Fraction(100) * Fraction("1.62") * 44 / 12 * days / 365 * Fraction("0.9")
    assert coast(flat(planted_on)).tonnes == floor(expected)


def test_leap_year_takes_up_no_more_than_another() -> None:
    leap = Period(starts_on=date(2024, 1, 1), ends_on=date(2024, 12, 31))
    monitored = Monitored(
        methodology=COAST,
        period=leap,
        as_of=date(2025, 1, 1),
        activity=Mangrove(flats=(flat(date(2020, 1, 1)),)),
    )
    expected = Fraction(100) * Fraction("1.62") * 44 / 12 * Fraction("0.9")
    assert quantify(monitored, figures(COAST)).tonnes == floor(expected)


def test_mangrove_biomass_soil_and_machines() -> None:
    fuel = FuelUse(used_on=date(2021, 3, 1), fuel="DIESEL", mass_t="10")
    biomass = Fraction("11.4") * Fraction("1.49") * Fraction("0.451") * 100
    soil = Fraction(200) * Fraction("1.62")
    expected = ((biomass + soil) * 44 / 12 - 10 * Fraction("3.0959")) * Fraction("0.9")
    assert coast(flat(PERIOD.starts_on, "11.4"), fuels=(fuel,)).tonnes == floor(expected)


@pytest.mark.parametrize("used_on", [date(2020, 12, 31), date(2023, 1, 1)])
def test_fuel_lies_within_the_period(used_on: date) -> None:
    with pytest.raises(OutOfRange):
        coast(flat(PERIOD.starts_on), fuels=(FuelUse(used_on=used_on, fuel="DIESEL", mass_t="1"),))


def test_same_flat_counts_once() -> None:
    with pytest.raises(ClaimedTwice):
        coast(flat(PERIOD.starts_on), flat(PERIOD.starts_on))


def test_demo_examples_come_to_what_their_pages_say() -> None:
    assert quantified("afforestation").tonnes == 9_134
    assert quantified("mangrove").tonnes == 2_931
    assert set(quantified("mangrove").unverified) >= {"K_RISK", "SOC"}


def test_larger_stock_is_never_less() -> None:
    found = activity("afforestation", Afforestation)
    last = 0
    for volume in ("4.1", "4.2", "4.3", "10", "31.5", "31.6"):
        first, *rest = found.stands
        grown = (msgspec.structs.replace(first, after=volume), *rest)
        tonnes = changed("afforestation", msgspec.structs.replace(found, stands=grown)).tonnes
        assert tonnes >= last
        last = tonnes
    assert example("afforestation").methodology == FOREST
