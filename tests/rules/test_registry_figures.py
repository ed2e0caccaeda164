"""Rules for the figures of methodologies: what quantification can read, and one rate for reversals."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance.methodologies import learned
from services.kernel.refusals import OutOfRange
from services.registry import methodologies
from services.registry.messages.methodologies import MethodologyPublished, Parameter
from services.registry.methodologies import Methodology

METHODOLOGY = Methodology(
    code="CCER-14-001-V01",
    programme="CCER",
    name="造林碳汇",
    crediting_years_max=40,
    valid_from=date(2023, 10, 24),
    risk_model="DEDUCTION",
    risk_rate=Decimal("0.10"),
)


def valid(**changes: object) -> None:
    methodologies.require_valid(replace(METHODOLOGY, **changes))  # pyright: ignore[reportArgumentType]


def figure(value: str | Decimal, name: str = "w_OM") -> Parameter:
    return Parameter(
        name=name,
        value=Decimal(value),
        unit="1",
        source="CCER-01-002-V01",
        edition="2023",
        confidence="VERIFIED",
    )


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "0E+99", "1E+999999"),
        *("-0.000000000001", "-1", "-0", "-0.0"),
        *("1E-13", "0.1234567890123", "0.1000000000000", "0E-13"),
        *("1E+15", "1000000000000000", "1000000000000000.5"),
    ],
)
def test_refuses_a_figure_that_quantification_cannot_read(value: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        valid(parameters=(figure(value),))
    assert refused.value.values == {
        "field": "parameters.w_OM",
        "given": str(Decimal(value)),
        "expected": "0 or more, with at most 15 digits before the point and 12 behind it",
    }


@pytest.mark.parametrize(
    "value",
    [
        *("0", "0.0", "1", "00.5", "1E+14", "0E+14"),
        *("1E-12", "0.123456789012", "0.100000000000", "0E-12"),
        *("999999999999999", "999999999999999.999999999999"),
    ],
)
def test_accepts_a_figure_up_to_its_last_digit(value: str) -> None:
    valid(parameters=(figure(value),))
    assert _is_learned(Decimal(value))


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=0, max_value=10**15 - 1)
)
def test_every_ordinary_decimal_is_a_figure(value: Decimal) -> None:
    assert methodologies.is_figure(value)


@given(
    st.booleans(),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.integers(-30, 30),
)
def test_what_the_registry_publishes_issuance_can_learn(
    is_negative: bool, digits: list[int], exponent: int
) -> None:
    value = Decimal((int(is_negative), tuple(digits), exponent))
    assert not methodologies.is_figure(value) or _is_learned(value)


def _is_learned(value: Decimal) -> bool:
    """Whether issuance could quantify with a methodology that has this figure."""
    event = MethodologyPublished(
        code="X",
        programme="CCER",
        name="X",
        crediting_years_max=1,
        valid_from=date(2024, 1, 1),
        parameters=(figure(value),),
    )
    try:
        return bool(learned(event).parameters)
    except msgspec.ValidationError:
        return False


@pytest.mark.parametrize("value", ["0.1", "0.10", "0.100000000000"])
def test_the_formula_deducts_at_the_rate_that_the_version_has_for_reversals(value: str) -> None:
    valid(formula_id="afforestation-1", parameters=(figure(value, "K_RISK"),))
    valid(parameters=(figure(value, "K_RISK"),))


@pytest.mark.parametrize("value", ["0", "0.099999999999", "0.100000000001", "1"])
def test_refuses_another_deduction_than_the_rate(value: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        valid(formula_id="afforestation-1", parameters=(figure(value, "K_RISK"),))
    assert refused.value.values == {
        "field": "parameters.K_RISK",
        "given": value,
        "expected": "0.10, the risk_rate",
    }


def test_refuses_a_formula_that_would_not_deduct_what_the_version_says() -> None:
    with pytest.raises(OutOfRange) as refused:
        valid(formula_id="afforestation-1")
    assert refused.value.values["given"] == "none"


@pytest.mark.parametrize("risk", [("NONE", None), ("BUFFER", Decimal("0.1"))])
def test_nothing_is_deducted_where_the_risk_model_is_another(
    risk: tuple[str, Decimal | None],
) -> None:
    model, rate = risk
    valid(risk_model=model, risk_rate=rate, formula_id="afforestation-1")
    valid(risk_model=model, risk_rate=rate, parameters=(figure("0", "K_RISK"),))
    with pytest.raises(OutOfRange):
        valid(risk_model=model, risk_rate=rate, parameters=(figure("0.1", "K_RISK"),))
