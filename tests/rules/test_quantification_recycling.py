"""Quantification of electronics recycling: the mass balance, what earns nothing, and rule 25's device batches."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance.quantification.activity import (
    DeviceBatch,
    ElectronicsRecycling,
    FuelUse,
    Haul,
    MaterialLot,
    Monitored,
    Period,
    Reading,
    RefrigerantLot,
    Residue,
)
from services.issuance.quantification.parameters import ParameterMissing
from services.issuance.quantification.periods import ReadingsDoNotFollow
from services.issuance.quantification.quantify import quantify
from services.issuance.quantification.recycling import MassExceedsWeighed
from services.issuance.quantification.traces import Quantified
from services.issuance.quantification.workings import ClaimedTwice
from services.kernel.credit_codes import CreditCodeMalformed
from services.kernel.refusals import OutOfRange
from tests.measured import activity, figures, quantified, with_parameter

PILOT = "WEEE-PILOT-DEMO"
PERIOD = Period(starts_on=date(2023, 1, 1), ends_on=date(2023, 12, 31))
MAY = date(2023, 5, 2)
DAY = timedelta(days=1)
PLANT, OTHER_PLANT = "91000000901820890T", "91000000292039715R"
"""Credit codes."""
LATE = PERIOD.ends_on + DAY
EARLY = PERIOD.starts_on - DAY

Row = TypeVar("Row", bound=msgspec.Struct)


def batch(mass_t: str, key: str = "B1", weighed_on: date = MAY, devices: int = 1) -> DeviceBatch:
    return DeviceBatch(
        batch=key, category="TELEVISION", weighed_on=weighed_on, devices=devices, mass_t=mass_t
    )


def lot(
    mass_t: str, key: str = "R1", received_on: date = MAY, material: str = "STEEL"
) -> MaterialLot:
    return MaterialLot(
        receipt=key, receiver="a mill", material=material, received_on=received_on, mass_t=mass_t
    )


def residue(mass_t: str, left_on: date = MAY) -> Residue:
    return Residue(name="circuit boards", left_on=left_on, mass_t=mass_t)


def gas(kg: str, destroyed: str = "1", key: str = "D1", on: date = MAY) -> RefrigerantLot:
    return RefrigerantLot(
        certificate=key, gas="HCFC-22", destroyed_on=on, recovered_kg=kg, destroyed_share=destroyed
    )


def recycling(*rows: msgspec.Struct, plant: str = PLANT, mwh: str = "0") -> Monitored:
    """A plant's year: rows go where they belong by their type."""

    def of(kind: type[Row]) -> tuple[Row, ...]:
        return tuple(row for row in rows if isinstance(row, kind))

    year = Reading(starts_on=PERIOD.starts_on, ends_on=PERIOD.ends_on, quantity=mwh)
    found = ElectronicsRecycling(
        plant=plant,
        batches=of(DeviceBatch),
        materials=of(MaterialLot),
        residues=of(Residue),
        refrigerants=of(RefrigerantLot),
        fuels=of(FuelUse),
        hauls=of(Haul),
        electricity_mwh=of(Reading) or (year,),
    )
    return Monitored(methodology=PILOT, period=PERIOD, as_of=date(2024, 4, 8), activity=found)


def recycled(*rows: msgspec.Struct, plant: str = PLANT, mwh: str = "0") -> Quantified:
    return quantify(recycling(*rows, plant=plant, mwh=mwh), figures(PILOT))


@pytest.mark.parametrize("mass", ["99.999999999999", "100"])
def test_rule_25_credited_mass_reaches_what_was_weighed_in(mass: str) -> None:
    """Steel saves 1.04 t a tonne, of which a tenth displaces nothing."""
    assert recycled(batch("100"), lot(mass)).tonnes == 93


@pytest.mark.parametrize(
    "rows",
    [
        (lot("100.000000000001"),),
        (lot("50"), lot("50.1", "R2", material="ALUMINIUM")),
        (lot("99"), residue("1.1")),
        (lot("99.9"), gas("100.1")),
        (lot("100", received_on=MAY - DAY),),
        (lot("60", received_on=MAY - DAY), lot("40", "R2")),
    ],
)
def test_rule_25_mass_that_was_never_weighed_in_is_refused(rows: tuple[msgspec.Struct]) -> None:
    with pytest.raises(MassExceedsWeighed):
        recycled(batch("100"), *rows)


def test_rule_25_refusal_names_the_day_and_both_masses() -> None:
    with pytest.raises(MassExceedsWeighed) as caught:
        recycled(batch("60", "B1"), batch("60", "B2", MAY + 9 * DAY), lot("90"))
    assert caught.value.values == {"on": "2023-05-02", "given_t": "90", "expected_t": "60"}


def test_rule_25_device_batch_cannot_be_claimed_twice_in_one_report() -> None:
    with pytest.raises(ClaimedTwice) as caught:
        recycled(batch("100"), batch("90"), lot("100"))
    assert caught.value.values == {"noun": "device-batch", "given": f"{PLANT}/B1"}


@pytest.mark.parametrize(
    "rows",
    [
        (lot("1"), lot("2", received_on=MAY + DAY)),
        (lot("1"), lot("2", material="ALUMINIUM")),
        (gas("1"), gas("2", "0.5")),
    ],
)
def test_rule_25_material_lot_and_certificate_count_once(rows: tuple[msgspec.Struct]) -> None:
    with pytest.raises(ClaimedTwice):
        recycled(batch("100"), *rows)


def test_rule_25_every_claim_is_told_so_that_a_second_report_can_be_refused() -> None:
    first = recycled(batch("100"), lot("10"), gas("5"))
    again = recycled(batch("100"), lot("9", "R9"))
    elsewhere = recycled(batch("100"), lot("10"), plant=OTHER_PLANT)
    assert first.claimed == (
        f"destruction/{PLANT}/D1",
        f"device-batch/{PLANT}/B1",
        f"material-lot/{PLANT}/R1",
        f"weighing/{PLANT}/TELEVISION/2023-05-02/1/100",
    )
    assert set(first.claimed) & set(again.claimed) == {
        f"device-batch/{PLANT}/B1",
        f"weighing/{PLANT}/TELEVISION/2023-05-02/1/100",
    }
    assert not set(first.claimed) & set(elsewhere.claimed)


@pytest.mark.parametrize("renamed", [batch("100", "B2"), batch("100.0", "B2")])
def test_rule_25_devices_under_another_name_are_the_same_devices(renamed: DeviceBatch) -> None:
    first, again = recycled(batch("100"), lot("10")), recycled(renamed, lot("9", "R9"))
    assert set(first.claimed) & set(again.claimed)
    with pytest.raises(ClaimedTwice):
        recycled(batch("100"), renamed, lot("100"))
    others = recycled(batch("100", "B2", devices=2), lot("9", "R9"))
    assert not set(first.claimed) & set(others.claimed)


@pytest.mark.parametrize("plant", ["PLANT-HZ-1", "91000000901820890S", "91000000901820890"])
def test_rule_25_a_plant_is_named_by_its_credit_code(plant: str) -> None:
    with pytest.raises(CreditCodeMalformed):
        recycled(batch("100"), lot("10"), plant=plant)


days = st.integers(0, 20).map(lambda number: MAY + number * DAY)
masses = st.decimals(0, 50, places=3).map(lambda value: format(value, "f"))


@given(
    st.lists(st.tuples(days, masses), min_size=1, max_size=5),
    st.lists(st.tuples(days, masses), max_size=5),
)
def test_rule_25_never_more_than_the_mass_in_on_any_day(
    weighed: list[tuple[date, str]], sold: list[tuple[date, str]]
) -> None:
    batches = [
        batch(mass, f"B{number}", day, devices=number)
        for number, (day, mass) in enumerate(weighed, 1)
    ]
    lots = [lot(mass, f"R{number}", day) for number, (day, mass) in enumerate(sold)]

    def until(rows: list[tuple[date, str]], day: date) -> Decimal:
        return sum((Decimal(mass) for on, mass in rows if on <= day), Decimal(0))

    is_balanced = all(until(sold, day) <= until(weighed, day) for day, _ in sold)
    if not is_balanced:
        with pytest.raises(MassExceedsWeighed):
            recycled(*batches, *lots)
        return
    found = recycled(*batches, *lots)
    net = Fraction("1.04") * Fraction("0.9")
    assert found.tonnes == floor(Fraction(until(sold, date.max)) * net)
    assert found.tonnes <= until(weighed, date.max)


@pytest.mark.parametrize("material", ["PCB", "COPPER", "GLASS"])
def test_material_without_both_factors_earns_nothing(material: str) -> None:
    """A circuit board yields metals, not a circuit board: what making one costs is no saving."""
    with pytest.raises(ParameterMissing):
        recycled(batch("100"), lot("1", material=material))


def test_no_factor_is_of_the_size_of_making_parts() -> None:
    virgin = [each for each in figures(PILOT).parameters if each.name.startswith("EF_virgin")]
    assert len(virgin) == 7
    assert all(Decimal(each.value) < 10 for each in virgin)
    assert not any("PCB" in each.name for each in figures(PILOT).parameters)


@pytest.mark.parametrize(
    ("destroyed", "expected"), [("0.5", 0), ("0.51", 17), ("1", 880), ("0.49", 0)]
)
def test_only_what_is_destroyed_beyond_the_baseline_counts(destroyed: str, expected: int) -> None:
    assert recycled(batch("100"), gas("1000", destroyed)).tonnes == expected


def test_more_than_all_of_a_gas_is_refused() -> None:
    with pytest.raises(OutOfRange):
        recycled(batch("100"), gas("1000", "1.000001"))


def test_less_destroyed_than_the_baseline_costs_tonnes() -> None:
    with_less = recycled(batch("100"), lot("90"), gas("10", "0.4"))
    assert recycled(batch("100"), lot("90")).tonnes - with_less.tonnes == 2


def test_plant_fuel_transport_and_leakage_are_taken_off() -> None:
    rows = (
        batch("100"),
        lot("90"),
        FuelUse(used_on=MAY, fuel="DIESEL", mass_t="2"),
        Haul(hauled_on=MAY, tonne_km="50000"),
    )
    net = Fraction(90) * Fraction("1.04") * Fraction("0.9")
    emitted = 20 * Fraction("0.5366") + 2 * Fraction("3.0959") + Fraction(6)
    assert recycled(*rows, mwh="20").tonnes == floor(net - emitted)
    leaking = with_parameter(figures(PILOT), "LE", value="0.1")
    assert quantify(recycling(*rows, mwh="20"), leaking).tonnes == floor(net - emitted - 10)


def test_leakage_of_what_waited_counts_in_the_first_year() -> None:
    leaking = with_parameter(figures(PILOT), "LE", value="0.1")
    early = batch("100", weighed_on=EARLY)
    assert quantify(recycling(early, lot("90")), leaking).tonnes == 74  # 84.24 - 10


@pytest.mark.parametrize("name", ["q[STEEL]", "d[STEEL]", "baseline[HCFC-22]"])
def test_shares_stay_shares(name: str) -> None:
    given = with_parameter(figures(PILOT), name, value="1.1")
    with pytest.raises(OutOfRange):
        quantify(recycling(batch("100"), lot("1"), gas("1")), given)


@pytest.mark.parametrize(
    ("credited", "expected"),
    [("48", ["IMPLAUSIBLE_PER_TONNE"]), ("53.4", ["IMPLAUSIBLE_PER_TONNE"]), ("53.5", [])],
)
def test_too_little_for_a_tonne_is_a_caution(credited: str, expected: list[str]) -> None:
    """0.936 t for a tonne of steel: half a tonne for each of a hundred needs 53.42 of them."""
    found = recycled(batch("100"), lot(credited))
    assert [caution.code for caution in found.cautions] == expected


@pytest.mark.parametrize(("kg", "expected"), [("568", []), ("569", ["IMPLAUSIBLE_PER_TONNE"])])
def test_too_much_for_a_tonne_is_a_caution(kg: str, expected: list[str]) -> None:
    """880 t for a tonne of the gas: five tonnes for each of a hundred need 568.2 kg of it."""
    found = recycled(batch("100"), gas(kg))
    assert [caution.code for caution in found.cautions] == expected


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (lot("1", received_on=PERIOD.ends_on), False),
        (lot("1", received_on=LATE), True),
        (residue("1", LATE), True),
        (gas("1", on=LATE), True),
        (FuelUse(used_on=LATE, fuel="DIESEL", mass_t="1"), True),
        (FuelUse(used_on=EARLY, fuel="DIESEL", mass_t="1"), True),
        (FuelUse(used_on=PERIOD.starts_on, fuel="DIESEL", mass_t="1"), False),
        (Haul(hauled_on=EARLY, tonne_km="1"), True),
        (batch("1", "B2", EARLY), False),
        (batch("1", "B2", PERIOD.ends_on), False),
        (batch("1", "B2", LATE), True),
    ],
)
def test_everything_but_the_weighing_lies_within_the_period(
    row: msgspec.Struct, refused: bool
) -> None:
    if refused:
        with pytest.raises(OutOfRange):
            recycled(batch("100"), lot("90", "R2"), row)
    else:
        assert recycled(batch("100"), lot("90", "R2"), row).tonnes > 0


def test_plants_electricity_is_read_every_day() -> None:
    short = Reading(starts_on=PERIOD.starts_on, ends_on=PERIOD.ends_on - DAY, quantity="1")
    with pytest.raises(ReadingsDoNotFollow):
        recycled(batch("100"), lot("90"), short)


def test_demo_example_comes_to_the_expected_year() -> None:
    found = quantified("electronics_recycling")
    assert found.tonnes == 33_380
    assert not found.cautions
    assert len([key for key in found.claimed if key.startswith("device-batch/")]) == 12
    assert len(activity("electronics_recycling", ElectronicsRecycling).batches) == 12
