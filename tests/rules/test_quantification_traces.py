"""What holds of every quantification: exact amounts, honest traces, the same bytes again, and vintages that add up."""

import ast
import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, Inexact
from fractions import Fraction
from math import floor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance import quantification
from services.issuance.quantification.activity import (
    Afforestation,
    Calibration,
    Mangrove,
    Meter,
    Monitored,
    OffshoreWind,
    Period,
    Reading,
)
from services.issuance.quantification.decimals import AmountNotDecimal, Rounding, exact, plain
from services.issuance.quantification.formulas import evaluate
from services.issuance.quantification.methods import METHODS, MethodologyDiffers
from services.issuance.quantification.quantify import (
    ActivityMalformed,
    ActivityTooLarge,
    quantify,
    read_activity,
    requantify,
)
from services.issuance.quantification.traces import Step, canonical, read_trace, sha256
from services.issuance.quantification.vintages import whole_tonnes
from services.issuance.quantification.workings import Quantity, TraceTooLarge, Workings
from services.kernel.refusals import OutOfRange, Unknown
from services.registry import methodologies
from services.registry.messages.methodologies import PublishMethodology
from services.registry.methodologies import Methodology
from services.tools.quantify import read, report
from services.tools.records import DEMO
from tests.measured import (
    EXAMPLES,
    IN_CLASS,
    WIND,
    activity,
    example,
    figures,
    margins,
    meter,
    quantified,
    wind,
    wind_figures,
    with_parameter,
)

MODULES = sorted(Path(quantification.__file__).parent.glob("*.py"))
NOT_DECIMAL = [
    "NaN", "sNaN", "Infinity", "-Infinity", "inf", "1e5", "1E5", "1e400", "-1", "+1", "-0", "1_000",
    "1,000", " 1", "1 ", "1\n", "\n1", "1.", ".5", "01", "00", "", "0x10", "１", "٣", "1.0000000000000",
    "1000000000000000", "1/2", "true",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_DECIMAL)
def test_amount_that_is_not_written_out_is_refused(text: str) -> None:
    with pytest.raises(AmountNotDecimal):
        exact(text)


@pytest.mark.parametrize(
    "text", ["0", "0.0", "1", "10", "0.000000000001", "999999999999999.999999999999", "1.50"]
)
def test_amount_that_is_written_out_is_a_number(text: str) -> None:
    assert exact(text) == Decimal(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_there_is_one_way_to_write_a_number(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert plain(Decimal(text)) == text
    assert "E" not in text
    assert text == "0" or not text.endswith(".0")


def as_json(**replaced: object) -> bytes:
    """The wind example's activity data as JSON, with something replaced."""
    found = json.loads(canonical(example("offshore_wind").activity))
    return json.dumps(found | replaced).encode()


def with_quantity(quantity: object) -> bytes:
    """The same with another amount in a reading."""
    found = json.loads(as_json())
    found["exported"][0]["readings"][0]["quantity"] = quantity
    return json.dumps(found).encode()


def test_activity_data_is_read_from_json() -> None:
    assert read_activity(as_json()) == example("offshore_wind").activity
    assert isinstance(read_activity(with_quantity("9000.5")), OffshoreWind)


@pytest.mark.parametrize("quantity", [*NOT_DECIMAL, 9000, 9000.5, None, True, ["1"]])
def test_amount_in_json_is_a_plain_decimal_string(quantity: object) -> None:
    with pytest.raises(ActivityMalformed):
        read_activity(with_quantity(quantity))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        as_json(kind="COAL"),
        as_json(kind=None),
        as_json(unknown="field"),
        as_json(region=""),
        as_json(region="NORTH\n"),
        as_json(region="north"),
        as_json(region="N" * 41),
        as_json(exported=[]),
        as_json(imported=[]),
        as_json().replace(b"booster", b"\\u0000"),
        as_json().replace(b"booster", b"\\ud800"),
        as_json().replace(b"2024-12-31", b"2024-12-32"),
        as_json().replace(b'"2024-12-31"', b"20241231"),
        as_json().replace(b'"0.5S"', b"0.5"),
    ],
)
def test_malformed_activity_data_is_a_refusal(content: bytes) -> None:
    with pytest.raises(ActivityMalformed):
        read_activity(content)


def test_line_end_makes_no_second_key() -> None:
    content = canonical(example("electronics_recycling").activity)
    assert read_activity(content)
    with pytest.raises(ActivityMalformed):
        read_activity(content.replace(b'"2023-Q1-TELEVISION"', b'"2023-Q1-TELEVISION\\n"'))


@pytest.mark.parametrize("name", EXAMPLES)
def test_trace_gives_the_same_bytes_again(name: str) -> None:
    found = quantified(name)
    assert canonical(requantify(found.trace)) == canonical(found)
    assert canonical(quantified(name)) == canonical(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_trace_survives_its_storage(name: str) -> None:
    """A database may hand the keys back in another order."""
    found = quantified(name)
    shuffled = json.dumps(dict(reversed(json.loads(canonical(found.trace)).items())))
    again = read_trace(shuffled)
    assert again == found.trace
    assert sha256(again) == sha256(found.trace)
    assert canonical(requantify(again)) == canonical(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_step_follows_from_its_own_formula_and_inputs(name: str) -> None:
    for step in quantified(name).trace.steps:
        assert recomputed(step) == step.result, step.name


def recomputed(step: Step) -> str:
    """The result as it follows from the step alone; a name within ``sum`` or ``min`` may have rows."""
    given: dict[str, Decimal | list[Decimal]] = {}
    rows = row_names(step.formula)
    for name in names_in(ast.parse(step.formula)) - {"sum", "min", "max"}:
        values = [Decimal(each.value) for each in step.inputs if each.symbol == name]
        (given[name],) = [values] if name in rows else values
    return plain(evaluate(step.formula, given, step.rounding))


def row_names(formula: str) -> set[str]:
    """The names within ``sum`` and ``min``."""
    calls = [each for each in ast.walk(ast.parse(formula)) if isinstance(each, ast.Call)]
    return {
        name
        for call in calls
        if names_in(call.func) != {"max"}
        for row in call.args
        for name in names_in(row)
    }


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_says_where_it_comes_from(name: str) -> None:
    trace = quantified(name).trace
    before: set[str] = set()
    for step in trace.steps:
        for figure in step.inputs:
            assert figure.unit
            if figure.source == "step":
                assert figure.name in before
            elif figure.source not in ("activity", "calendar"):
                assert figure.edition
                assert figure.confidence in ("VERIFIED", "UNVERIFIED")
        before.add(step.name)
    assert len(before) == len(trace.steps)


@pytest.mark.parametrize("name", EXAMPLES)
def test_digests_are_those_of_inputs_and_parameters(name: str) -> None:
    trace = quantified(name).trace
    assert trace.inputs_sha256 == sha256(example(name)) == sha256(trace.monitored)
    assert trace.parameters_sha256 == sha256(trace.parameters)


def test_trace_keeps_only_the_figures_that_were_used() -> None:
    given = wind_figures(margins("0.80", "0.30"), margins("0.1", "0.1", 2020))
    found = quantify(wind(meter("100", [IN_CLASS])), given)
    assert [each.year for each in found.trace.parameters.grid_factors] == [2024]
    names = [each.name for each in found.trace.parameters.parameters]
    assert names == ["CALIBRATION_YEARS", "LE", "MPE[0.5S]", "PE", "w_BM", "w_OM"]


def test_unused_figure_changes_nothing_and_a_used_one_changes_the_digest() -> None:
    monitored = wind(meter("100000", [IN_CLASS]))
    found = quantify(monitored, wind_figures())
    unused = quantify(monitored, with_parameter(wind_figures(), "MPE[0.2S]", value="9"))
    used = quantify(monitored, with_parameter(wind_figures(), "PE", value="0.5"))
    assert canonical(unused) == canonical(found)
    assert used.trace.parameters_sha256 != found.trace.parameters_sha256
    assert used.trace.inputs_sha256 == found.trace.inputs_sha256
    assert used.tonnes == found.tonnes - 1


def test_unverified_figures_are_named() -> None:
    assert quantified("offshore_wind").unverified == ("MPE[0.5S]", "grid EXAMPLE 2024")


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=1, max_size=8))
def test_vintages_add_up_to_the_floored_total(years: list[Decimal]) -> None:
    work = Workings(figures(WIND), date(2025, 1, 1))
    reduced = {
        2020 + number: Quantity(value, "tCO2e", f"ER {2020 + number}", "step")
        for number, value in enumerate(years)
    }
    found = [each.tonnes for each in whole_tonnes(work, reduced)]
    assert sum(found) == max(0, floor(sum(Fraction(value) for value in years)))
    assert all(tonnes >= 0 for tonnes in found)
    assert len(found) == len(years)
    if all(value >= 0 for value in years):
        assert all(abs(tonnes - value) < 1 for tonnes, value in zip(found, years, strict=True))


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        (["0.4", "0.4", "0.4"], [0, 0, 1]),
        (["0.5", "0.5"], [0, 1]),
        (["10.9", "10.9"], [10, 11]),
        (["10", "-3", "1"], [7, 0, 1]),
        (["-3", "10"], [0, 7]),
        (["10", "-11"], [0, 0]),
        (["10", "-11", "5"], [0, 0, 4]),
        (["0"], [0]),
        (["-0.001"], [0]),
    ],
)
def test_vintage_is_the_year_in_which_a_tonne_became_whole(
    years: list[str], expected: list[int]
) -> None:
    work = Workings(figures(WIND), date(2025, 1, 1))
    reduced = {
        2020 + number: Quantity(Decimal(value), "t", f"ER {2020 + number}", "step")
        for number, value in enumerate(years)
    }
    assert [each.tonnes for each in whole_tonnes(work, reduced)] == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_vintages_of_every_example_add_up(name: str) -> None:
    found = quantified(name)
    period = example(name).period
    assert sum(each.tonnes for each in found.vintages) == found.tonnes
    years = list(range(period.starts_on.year, period.ends_on.year + 1))
    assert [each.vintage for each in found.vintages] == years


@pytest.mark.parametrize(
    ("formula", "given", "expected"),
    [
        ("a + b * c", {"a": 1, "b": 2, "c": 3}, "7"),
        ("(a - b) / 4", {"a": 3, "b": 2}, "0.25"),
        ("sum(x)", {"x": []}, "0"),
        ("sum(x * (1 - y))", {"x": [1, 2], "y": [0, 1]}, "1"),
        ("sum(x * a)", {"x": [1, 2], "a": 3}, "9"),
        ("max(0, min(x))", {"x": [3, -1]}, "0"),
        ("max(0, min(x))", {"x": [3, 2]}, "2"),
    ],
)
def test_formula_is_computed_from_its_text(
    formula: str, given: dict[str, int | list[int]], expected: str
) -> None:
    values = {
        name: [Decimal(row) for row in value] if isinstance(value, list) else Decimal(value)
        for name, value in given.items()
    }
    assert plain(evaluate(formula, values)) == expected


@pytest.mark.parametrize(
    "formula", ["a ** 2", "a // 2", "-a", "abs(a)", "a.real", "1.5 * a", "sum(a, a)", "'a'", "x"]
)
def test_formula_has_no_other_words(formula: str) -> None:
    with pytest.raises(ValueError, match="a formula has no"):
        evaluate(formula, {"a": Decimal(1), "x": [Decimal(1)]})


def test_rows_of_a_sum_belong_together() -> None:
    with pytest.raises(ValueError, match="argument 2 is"):
        evaluate("sum(x * y)", {"x": [Decimal(1), Decimal(2)], "y": [Decimal(1)]})


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.UP, "0.33333333333333333334"),
        (Rounding.DOWN, "0.33333333333333333333"),
        (Rounding.WHOLE, "0"),
    ],
)
def test_division_without_end_is_rounded_only_where_it_is_said(
    rounding: Rounding, expected: str
) -> None:
    assert plain(evaluate("a / 3", {"a": Decimal(1)}, rounding)) == expected
    with pytest.raises(Inexact):
        evaluate("a / 3", {"a": Decimal(1)})


def test_loss_is_rounded_away_from_zero() -> None:
    assert plain(evaluate("a / 3", {"a": Decimal(-1)}, Rounding.WHOLE)) == "-1"
    assert plain(evaluate("a / 3", {"a": Decimal(-1)}, Rounding.DOWN)) == "-0.33333333333333333334"


def test_other_methodology_formula_or_activity_is_refused() -> None:
    monitored = example("offshore_wind")
    with pytest.raises(MethodologyDiffers):
        quantify(monitored, figures("CCER-01-001-V01"))
    given = figures(WIND)
    with pytest.raises(Unknown):
        quantify(monitored, msgspec.structs.replace(given, formula_id="offshore-wind-2"))
    with pytest.raises(MethodologyDiffers):
        quantify(monitored, msgspec.structs.replace(given, formula_id="afforestation-1"))
    forest = msgspec.structs.replace(monitored, activity=example("afforestation").activity)
    assert isinstance(forest.activity, Afforestation)
    with pytest.raises(MethodologyDiffers):
        quantify(forest, given)


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [
        (date(2024, 1, 2), date(2024, 1, 1)),
        (date(1989, 12, 31), date(1990, 1, 1)),
        (date(2199, 12, 31), date(2200, 1, 1)),
        (date(2020, 1, 1), date(2060, 1, 1)),
        (date.min, date.max),
    ],
)
def test_period_runs_forward_and_is_credited(starts_on: date, ends_on: date) -> None:
    found = example("afforestation")
    period = msgspec.structs.replace(found.period, starts_on=starts_on, ends_on=ends_on)
    with pytest.raises(OutOfRange):
        quantify(msgspec.structs.replace(found, period=period), figures(found.methodology))


def test_every_formula_has_a_methodology_and_an_example() -> None:
    folder = DEMO / "methodologies"
    codes = sorted(path.stem for path in folder.glob("*.toml"))
    assert sorted(figures(code).formula_id for code in codes) == sorted(METHODS)
    assert sorted({example(name).methodology for name in EXAMPLES}) == codes


@pytest.mark.parametrize(
    "path", sorted((DEMO / "methodologies").glob("*.toml")), ids=lambda path: path.stem
)
def test_demo_methodology_is_one_that_the_registry_would_publish(path: Path) -> None:
    command = read(path, PublishMethodology)
    methodologies.require_valid(Methodology(**msgspec.structs.asdict(command)))
    given = {each.name: plain(each.value) for each in command.parameters}
    assert given == {each.name: each.value for each in figures(command.code).parameters}


@pytest.mark.parametrize("name", EXAMPLES)
def test_command_prints_the_same_as_issuance_would_store(name: str) -> None:
    printed = report(DEMO / "activity" / f"{name}.toml", None, None, as_json=True)
    assert json.loads(printed) == json.loads(canonical(quantified(name)))
    text = report(DEMO / "activity" / f"{name}.toml", None, None, as_json=False)
    assert f"total: {quantified(name).tonnes:,} t CO2e" in text


def test_command_reads_json_too(tmp_path: Path) -> None:
    path = tmp_path / "activity.json"
    path.write_bytes(canonical(example("mangrove")))
    assert "total: 2,931 t CO2e" in report(path, None, None, as_json=False)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.toml", "kind = ", ActivityMalformed),
        ("a.json", "{", ActivityMalformed),
        ("a.toml", "", ActivityMalformed),
    ],
)
def test_command_refuses_what_it_cannot_read(
    tmp_path: Path, name: str, content: str, refusal: type[Exception]
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(refusal):
        report(path, None, None, as_json=False)


def test_command_refuses_a_methodology_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "activity.json"
    path.write_bytes(canonical(msgspec.structs.replace(example("mangrove"), methodology="NONE")))
    with pytest.raises(Unknown):
        report(path, None, None, as_json=False)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_float_clock_or_file_in_the_modules(module: Path) -> None:
    banned = {
        "float",
        "open",
        "eval",
        "exec",
        "print",
        "input",
        "round",
        "today",
        "now",
        "from_float",
    }
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
        assert not (isinstance(node, ast.Name) and node.id in banned)
        assert not (isinstance(node, ast.Attribute) and node.attr in banned)


def wind_by_day(meters: int, days: int, calibrations: Sequence[Calibration] = ()) -> OffshoreWind:
    """As many readings as days of each meter, and one meter that takes electricity."""
    first = date(2024, 1, 1)
    readings = tuple(
        Reading(starts_on=day, ends_on=day, quantity="123.456")
        for day in (first + timedelta(days=number) for number in range(days))
    )

    def named(name: str) -> Meter:
        return msgspec.structs.replace(meter("0", calibrations, readings), point=name)

    exported = tuple(named(f"gate {number}") for number in range(meters))
    return OffshoreWind(region="TEST", exported=exported, imported=(named("gate"),))


def monitored_by_day(activity: OffshoreWind) -> Monitored:
    last = activity.imported[0].readings[-1].ends_on
    period = Period(starts_on=date(2024, 1, 1), ends_on=last)
    return msgspec.structs.replace(wind(meter("0")), period=period, activity=activity)


def test_activity_has_a_limited_number_of_rows_in_all() -> None:
    """Ten meters with 499 readings each are 5,000 rows; one row more is refused."""
    most = wind_by_day(9, 499)
    assert quantify(monitored_by_day(most), wind_figures()).tonnes
    more = monitored_by_day(wind_by_day(9, 499, [IN_CLASS]))
    with pytest.raises(ActivityTooLarge) as caught:
        quantify(more, wind_figures())
    assert caught.value.values == {"given": "5010", "expected": "5000"}


@pytest.mark.parametrize("flats", [100, 130])
def test_a_trace_has_a_limited_number_of_figures(flats: int) -> None:
    """Forty years of the same flats are few rows, of which every year takes two figures each."""
    given = activity("mangrove", Mangrove)
    stands = tuple(
        msgspec.structs.replace(given.flats[0], stratum=f"{number}") for number in range(flats)
    )
    monitored = msgspec.structs.replace(
        example("mangrove"),
        period=Period(starts_on=date(2020, 1, 1), ends_on=date(2059, 12, 31)),
        activity=msgspec.structs.replace(given, flats=stands, fuels=()),
    )
    if flats == 100:
        assert quantify(monitored, figures("CCER-14-002-V01")).tonnes
    else:
        with pytest.raises(TraceTooLarge):
            quantify(monitored, figures("CCER-14-002-V01"))


def test_a_trace_has_a_limited_size() -> None:
    """Names count as they are written: three bytes a Chinese character."""
    given = wind_by_day(3, 1_200)
    long_names = tuple(
        msgspec.structs.replace(each, point=f"{number}" + "表" * 99)
        for number, each in enumerate(given.exported)
    )
    monitored = monitored_by_day(msgspec.structs.replace(given, exported=long_names))
    with pytest.raises(TraceTooLarge) as caught:
        quantify(monitored, wind_figures())
    assert "bytes" in caught.value.values["given"]


spans = st.tuples(st.integers(-40, 400), st.integers(0, 80), st.integers(0, 12)).map(
    lambda span: Calibration(
        valid_from=date(2024, 1, 1) + timedelta(days=span[0]),
        valid_until=date(2024, 1, 1) + timedelta(days=span[0] + span[1]),
        error_percent=f"0.{span[2]}",
    )
)


@given(st.lists(spans, max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_the_error_of_a_reading_is_that_of_its_worst_day(
    calibrations: list[Calibration], lengths: list[int]
) -> None:
    """Day by day, the slow way: what some certificate found, if every day has one."""
    readings: list[Reading] = []
    first = date(2024, 1, 1)
    for length in lengths:
        last = min(first + timedelta(days=length - 1), date(2024, 12, 31))
        readings.append(Reading(starts_on=first, ends_on=last, quantity="1"))
        first = last + timedelta(days=1)
    period = Period(starts_on=date(2024, 1, 1), ends_on=first - timedelta(days=1))
    gate = meter("0", calibrations, readings)
    idle = meter("0", [IN_CLASS], [Reading(**_days(period), quantity="0")])
    found = quantify(wind(gate, idle, period), wind_figures())
    step = next(each for each in found.trace.steps if each.name == "EG_export 2024")
    errors = [Decimal(each.value) for each in step.inputs if each.symbol == "e"]
    assert errors == [_worst(each, calibrations) for each in readings]


def _days(period: Period) -> dict[str, date]:
    return {"starts_on": period.starts_on, "ends_on": period.ends_on}


def _worst(reading: Reading, calibrations: list[Calibration]) -> Decimal:
    days = [
        reading.starts_on + timedelta(days=number)
        for number in range((reading.ends_on - reading.starts_on).days + 1)
    ]
    by_day = [
        [
            Decimal(each.error_percent)
            for each in calibrations
            if each.valid_from <= day <= each.valid_until
        ]
        for day in days
    ]
    worst = max((error for found in by_day for error in found), default=Decimal(0))
    permitted = Decimal("0.5")
    if worst > permitted:
        return worst
    return Decimal(0) if all(by_day) else permitted
