"""Quantification of electricity into the grid: rule 9, metering corrections, grid factors and fuels."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance.quantification.activity import (
    Calibration,
    Meter,
    OffshoreWind,
    Period,
    Reading,
    SolarThermal,
)
from services.issuance.quantification.metering import MORE
from services.issuance.quantification.parameters import (
    GridFactor,
    GridFactorMissing,
    ParameterMissing,
    ParameterUnitDiffers,
    grid_factor,
)
from services.issuance.quantification.periods import ReadingsDoNotFollow
from services.issuance.quantification.quantify import quantify
from services.issuance.quantification.workings import ClaimedTwice
from services.kernel.refusals import OutOfRange, Unknown
from tests.measured import (
    IN_CLASS,
    YEAR,
    activity,
    calibrated,
    changed,
    margins,
    meter,
    quantified,
    wind,
    wind_figures,
    with_parameter,
    without_parameter,
)

DAY = timedelta(days=1)


def tonnes(exported: Meter, imported: Meter | None = None) -> int:
    return quantify(wind(exported, imported), wind_figures()).tonnes


@pytest.mark.parametrize(
    ("exported", "imported", "calibrations", "expected"),
    [
        ("100000", "500", [IN_CLASS], 54_725),
        ("100000", "500", [], 54_448),  # 54,448.625
        ("100000.001", "500", [IN_CLASS], 54_725),
        ("99999.999", "500", [IN_CLASS], 54_724),
        ("100000", "500.001", [IN_CLASS], 54_724),
        ("100000", "499.999", [IN_CLASS], 54_725),
        ("100001.818", "500", [IN_CLASS], 54_725),  # 54,725.9999
        ("100001.8182", "500", [IN_CLASS], 54_726),
        ("1.8181", "0", [IN_CLASS], 0),
        ("1.8182", "0", [IN_CLASS], 1),
        ("0", "0", [IN_CLASS], 0),
        ("0", "500", [IN_CLASS], 0),
    ],
)
def test_rule_09_halves_the_margins_and_rounds_down(
    exported: str, imported: str, calibrations: list[Calibration], expected: int
) -> None:
    given = meter(exported, calibrations), meter(imported, calibrations)
    assert tonnes(*given) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("offshore_wind", 54_725), ("offshore_wind_uncalibrated", 54_448)]
)
def test_rule_09_is_what_the_demo_shows(name: str, expected: int) -> None:
    found = quantified(name)
    assert found.tonnes == expected
    steps = {step.name: step for step in found.trace.steps}
    assert steps["EF_CM 2024"].formula == "EF_OM * w_OM + EF_BM * w_BM"
    assert steps["EF_CM 2024"].result == "0.55"
    assert steps["ER 2024"].result == {54_725: "54725", 54_448: "54448.625"}[expected]


@pytest.mark.parametrize(("om", "bm", "valid"), [("0.5", "0.5", True), ("0.5", "0.6", False)])
def test_rule_09_margins_weigh_one_together(om: str, bm: str, valid: bool) -> None:
    weighed = with_parameter(with_parameter(wind_figures(), "w_OM", value=om), "w_BM", value=bm)
    if valid:
        assert quantify(wind(meter("100", [IN_CLASS])), weighed).tonnes == 55
    else:
        with pytest.raises(OutOfRange):
            quantify(wind(meter("100", [IN_CLASS])), weighed)


amounts = st.decimals(0, 10**12, places=6).map(lambda value: format(value, "f"))
rates = st.decimals(0, 2, places=6).map(lambda value: format(value, "f"))


@given(amounts, amounts, rates, rates, st.booleans())
def test_agrees_with_fractions(
    exported: str, imported: str, om: str, bm: str, is_calibrated: bool
) -> None:
    calibrations = [IN_CLASS] if is_calibrated else []
    monitored = wind(meter(exported, calibrations), meter(imported, calibrations))
    e = Fraction(0 if is_calibrated else 5, 1000)
    net = Fraction(exported) * (1 - e) - Fraction(imported) * (1 + e)
    expected = floor(net * (Fraction(om) + Fraction(bm)) / 2)
    assert quantify(monitored, wind_figures(margins(om, bm))).tonnes == max(0, expected)


@given(amounts, amounts, amounts)
def test_more_exported_is_never_less_and_more_imported_never_more(
    exported: str, imported: str, more: str
) -> None:
    def larger(amount: str) -> Meter:
        return meter(format(Decimal(amount) + Decimal(more), "f"), [IN_CLASS])

    first, second = meter(exported, [IN_CLASS]), meter(imported, [IN_CLASS])
    assert tonnes(larger(exported), second) >= tonnes(first, second)
    assert tonnes(first, larger(imported)) <= tonnes(first, second)


def test_amounts_of_all_the_digits_that_are_allowed_stay_exact() -> None:
    longest = "999999999999999.999999999999"
    factor = margins("0.999999999999", "0.999999999999")
    monitored = wind(meter(longest, []), meter("0.000000000001", []))
    e = Fraction(5, 1000)
    net = Fraction(longest) * (1 - e) - Fraction("0.000000000001") * (1 + e)
    found = quantify(monitored, wind_figures(factor))
    assert found.tonnes == floor(net * Fraction("0.999999999999"))


def test_result_that_no_client_could_read_is_refused() -> None:
    with pytest.raises(OutOfRange):
        quantify(
            wind(meter("999999999999999", [IN_CLASS])), wind_figures(margins("999999999", "0"))
        )


MIDYEAR = date(2024, 7, 1)


@pytest.mark.parametrize(
    ("calibrations", "corrected_percent"),
    [
        ([IN_CLASS], "0"),
        ([calibrated(YEAR.starts_on, YEAR.ends_on, "0.5")], "0"),
        ([calibrated(YEAR.starts_on, YEAR.ends_on, "0.500001")], "0.500001"),
        ([calibrated(YEAR.starts_on, YEAR.ends_on, "0.8")], "0.8"),
        ([], "0.5"),
        ([calibrated(YEAR.starts_on, YEAR.ends_on - DAY)], "0.5"),
        ([calibrated(YEAR.starts_on + DAY, YEAR.ends_on)], "0.5"),
        ([calibrated(date(2023, 9, 1), MIDYEAR - DAY), calibrated(MIDYEAR, YEAR.ends_on)], "0"),
        ([calibrated(MIDYEAR, YEAR.ends_on), calibrated(date(2023, 9, 1), MIDYEAR - DAY)], "0"),
        ([calibrated(date(2023, 9, 1), MIDYEAR - DAY), calibrated(MIDYEAR + DAY, YEAR.ends_on)], "0.5"),
        ([calibrated(date(2023, 9, 1), MIDYEAR, "0.7"), calibrated(MIDYEAR, YEAR.ends_on)], "0.7"),
        ([calibrated(date(2022, 9, 1), date(2023, 8, 31))], "0.5"),
    ],
)  # fmt: skip
def test_correction_by_what_is_known_of_the_meter(
    calibrations: list[Calibration], corrected_percent: str
) -> None:
    found = quantify(wind(meter("1000000", calibrations)), wind_figures())
    (e,) = [each for each in found.trace.steps[0].inputs if each.symbol == "e"]
    assert e.value == corrected_percent
    corrected = [caution.code for caution in found.cautions] == ["METERING_CORRECTED"]
    assert corrected == (corrected_percent != "0")


@pytest.mark.parametrize(("late", "expected"), [(0, 5500), (1, 5497), (2, 5494)])
def test_only_the_days_of_a_late_calibration_are_corrected(late: int, expected: int) -> None:
    """Ten readings of a thousand MWh, of which those of late days lose half a percent."""
    first = date(2024, 1, 1)
    readings = [
        Reading(starts_on=first + n * DAY, ends_on=first + n * DAY, quantity="1000")
        for n in range(10)
    ]
    due = date(2024, 1, 4)
    in_time = calibrated(due + (1 + late) * DAY, date(2024, 12, 31))
    calibrations = [calibrated(date(2023, 1, 5), due), in_time]
    period = Period(starts_on=first, ends_on=date(2024, 1, 10))
    nothing = [Reading(starts_on=first, ends_on=period.ends_on, quantity="0")]
    monitored = wind(
        meter("", calibrations, readings), meter("", [IN_CLASS], nothing), period=period
    )
    assert quantify(monitored, wind_figures()).tonnes == expected


@given(st.lists(st.tuples(st.integers(0, 365), st.integers(0, 200), rates), max_size=4))
def test_no_calibration_ever_adds_tonnes(certificates: list[tuple[int, int, str]]) -> None:
    calibrations = [
        calibrated(YEAR.starts_on + first * DAY, YEAR.starts_on + (first + days) * DAY, error)
        for first, days, error in certificates
    ]
    given = meter("100000", calibrations), meter("500", calibrations)
    assert tonnes(*given) <= 54_725


@pytest.mark.parametrize(
    ("calibration", "valid"),
    [
        (calibrated(date(2024, 1, 1), date(2024, 12, 31)), True),
        (calibrated(date(2024, 1, 1), date(2025, 1, 1)), False),
        (calibrated(date(2024, 2, 29), date(2025, 2, 28)), True),
        (calibrated(date(2024, 2, 29), date(2025, 3, 1)), False),
        (calibrated(date(2024, 3, 2), date(2024, 3, 1)), False),
        (calibrated(date(9999, 1, 1), date(9999, 12, 31)), False),
    ],
)
def test_a_certificate_stands_for_a_year_at_most(calibration: Calibration, valid: bool) -> None:
    if valid:
        assert tonnes(meter("10", [calibration])) == 5
    else:
        with pytest.raises(OutOfRange):
            tonnes(meter("10", [calibration]))


def spans(*days: tuple[date, date]) -> list[Reading]:
    return [Reading(starts_on=first, ends_on=last, quantity="100") for first, last in days]


@pytest.mark.parametrize(
    ("readings", "refusal"),
    [
        (spans((YEAR.starts_on, MIDYEAR), (MIDYEAR + DAY, YEAR.ends_on)), None),
        (spans((YEAR.starts_on, MIDYEAR), (MIDYEAR + 2 * DAY, YEAR.ends_on)), ReadingsDoNotFollow),
        (spans((YEAR.starts_on, MIDYEAR), (MIDYEAR, YEAR.ends_on)), ReadingsDoNotFollow),
        (spans((YEAR.starts_on + DAY, YEAR.ends_on)), ReadingsDoNotFollow),
        (spans((YEAR.starts_on - DAY, YEAR.ends_on)), ReadingsDoNotFollow),
        (spans((YEAR.starts_on, YEAR.ends_on - DAY)), ReadingsDoNotFollow),
        (spans((YEAR.starts_on, YEAR.ends_on + DAY)), OutOfRange),
        (spans((YEAR.starts_on, MIDYEAR), (MIDYEAR + DAY, MIDYEAR)), OutOfRange),
    ],
)
def test_readings_follow_each_other_through_the_period(
    readings: list[Reading], refusal: type[Exception] | None
) -> None:
    exported = meter("", [IN_CLASS], readings)
    if refusal is None:
        assert tonnes(exported) == 110
    else:
        with pytest.raises(refusal):
            tonnes(exported)
        with pytest.raises(refusal):
            tonnes(meter("1", [IN_CLASS]), exported)


def test_reading_lies_within_one_calendar_year() -> None:
    period = Period(starts_on=date(2023, 7, 1), ends_on=date(2024, 6, 30))
    once = spans((period.starts_on, period.ends_on))
    with pytest.raises(OutOfRange):
        quantify(wind(meter("", [], once), meter("", [], once), period), wind_figures())


def test_one_metering_point_counts_once() -> None:
    found = activity("offshore_wind", OffshoreWind)
    twice = msgspec.structs.replace(found, exported=found.exported * 2)
    with pytest.raises(ClaimedTwice):
        changed("offshore_wind", twice)


@pytest.mark.parametrize(
    ("year", "as_of", "expected"),
    [
        (2021, date(2030, 1, 1), 2021),
        (2022, date(2030, 1, 1), 2021),
        (2023, date(2025, 6, 1), 2023),
        (2023, date(2025, 5, 31), 2021),
        (2024, date(2025, 6, 1), 2023),
        (2020, date(2030, 1, 1), 2019),
        (2019, date(2020, 12, 29), 2019),
        (2019, date(2020, 12, 28), None),
        (2018, date(2030, 1, 1), None),
    ],
)
def test_nearest_earlier_year_counts_until_the_factor_is_out(
    year: int, as_of: date, expected: int | None
) -> None:
    factors = [
        margins("0.9", "0.4", 2019, date(2020, 12, 29)),
        margins("0.7", "0.2", 2023, date(2025, 6, 1)),
        margins("0.8", "0.3", 2021, date(2023, 5, 1)),
    ]
    if expected is None:
        with pytest.raises(GridFactorMissing):
            grid_factor(factors, "TEST", year, as_of)
    else:
        assert grid_factor(factors, "TEST", year, as_of).year == expected


def test_correction_of_a_factor_counts_from_its_own_day() -> None:
    first = margins("0.9", "0.4", 2023, date(2024, 6, 1))
    second = margins("0.8", "0.3", 2023, date(2024, 9, 1))
    assert grid_factor([second, first], "TEST", 2023, date(2024, 8, 31)) == first
    for factors in ([first, second], [second, first]):
        assert grid_factor(factors, "TEST", 2023, date(2024, 9, 1)) == second


def test_earlier_years_factor_is_a_caution() -> None:
    early = margins("0.80", "0.30", 2022)
    found = quantify(wind(meter("100", [IN_CLASS])), wind_figures(early))
    assert [each.code for each in found.cautions] == ["GRID_FACTORS_OF_EARLIER_YEAR"]
    assert found.tonnes == 55


def test_unknown_region_is_refused() -> None:
    other = msgspec.structs.replace(margins("0.8", "0.3"), region="ELSEWHERE")
    with pytest.raises(Unknown):
        quantify(wind(meter("100", [IN_CLASS])), wind_figures(other))


def test_each_year_has_its_own_factor() -> None:
    period = Period(starts_on=date(2023, 1, 1), ends_on=date(2024, 12, 31))
    days = spans((date(2023, 1, 1), date(2023, 12, 31)), (date(2024, 1, 1), date(2024, 12, 31)))
    certificates = [IN_CLASS, calibrated(date(2023, 1, 1), date(2023, 12, 31))]
    nothing = [msgspec.structs.replace(each, quantity="0") for each in days]
    monitored = wind(meter("", certificates, days), meter("", certificates, nothing), period=period)
    factors: list[GridFactor] = [
        margins("0.80", "0.30"),
        margins("0.90", "0.40", 2023, date(2024, 6, 1)),
    ]
    found = quantify(monitored, wind_figures(*factors))
    assert [(each.vintage, each.tonnes) for each in found.vintages] == [(2023, 65), (2024, 55)]


def test_fuel_is_counted_against_the_owner() -> None:
    """27.4204853505 tC and 60.737849271 tC, computed by hand from the defaults for natural gas."""
    found = activity("solar_thermal", SolarThermal)
    none = changed("solar_thermal", msgspec.structs.replace(found, fuels=()))
    steps = {step.name: step for step in quantified("solar_thermal").trace.steps}
    burnt = Fraction("4.65") + Fraction("10.3")
    carbon = burnt * Fraction("389.31") * Fraction("0.0153") * Fraction("0.99")
    assert Fraction(steps["PE 2023"].result) + Fraction(steps["PE 2024"].result) == carbon * 44 / 12
    assert none.tonnes - quantified("solar_thermal").tonnes in (323, 324)


def test_uncalibrated_fuel_meter_counts_more() -> None:
    found = activity("solar_thermal", SolarThermal)
    (fuel,) = found.fuels
    loose = msgspec.structs.replace(found, fuels=(msgspec.structs.replace(fuel, calibrations=()),))
    steps = {step.name: step for step in changed("solar_thermal", loose).trace.steps}
    assert steps["FC NATURAL-GAS salt heater 2023"].formula == MORE
    counted = Fraction(steps["FC NATURAL-GAS salt heater 2023"].result)
    assert counted == Fraction("4.65") * Fraction("1.02")


def test_period_without_fuel_readings_is_refused() -> None:
    found = activity("solar_thermal", SolarThermal)
    (fuel,) = found.fuels
    short = msgspec.structs.replace(fuel, readings=fuel.readings[:-1])
    with pytest.raises(ReadingsDoNotFollow):
        changed("solar_thermal", msgspec.structs.replace(found, fuels=(short,)))


def test_fuel_in_another_unit_is_refused() -> None:
    found = activity("solar_thermal", SolarThermal)
    (fuel,) = found.fuels
    other = msgspec.structs.replace(fuel, unit="t")
    with pytest.raises(ParameterUnitDiffers):
        changed("solar_thermal", msgspec.structs.replace(found, fuels=(other,)))


@pytest.mark.parametrize("name", ["w_OM", "w_BM", "PE", "LE", "MPE[0.5S]", "CALIBRATION_YEARS"])
def test_nothing_is_computed_without_its_parameter(name: str) -> None:
    with pytest.raises(ParameterMissing):
        quantify(wind(meter("1", [IN_CLASS])), without_parameter(wind_figures(), name))


@pytest.mark.parametrize("name", ["w_OM", "w_BM", "PE", "LE", "MPE[0.5S]", "CALIBRATION_YEARS"])
def test_parameter_in_another_unit_is_refused(name: str) -> None:
    other = with_parameter(wind_figures(), name, unit="kg")
    with pytest.raises(ParameterUnitDiffers):
        quantify(wind(meter("1", [IN_CLASS])), other)
