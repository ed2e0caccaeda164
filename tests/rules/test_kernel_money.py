"""Money and prices (rule 13): whole fen, decimal strings, never a float."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.money import (
    PriceNotDecimal,
    PriceOffTick,
    average_fen,
    price_fen,
    yuan,
)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("70.76", 7076),
        ("70.760", 7076),
        ("70.7", 7070),
        ("70", 7000),
        ("0.01", 1),
        ("999999999999.99", 99_999_999_999_999),
        ("107.360000000000", 10_736),
    ],
)
def test_a_price_on_the_tick_is_read_in_fen(text: str, fen: int) -> None:
    assert price_fen(text) == fen


@pytest.mark.parametrize("text", ["70.765", "0", "0.00", "0.001", "70.76000001"])
def test_a_price_off_the_tick_is_refused_with_the_tick(text: str) -> None:
    with pytest.raises(PriceOffTick) as refused:
        price_fen(text)

    assert refused.value.values == {"given": text, "tick_fen": "1"}


@pytest.mark.parametrize(("text", "tick", "is_fine"), [("1.05", 5, True), ("1.04", 5, False)])
def test_another_venue_may_have_another_tick(text: str, tick: int, is_fine: bool) -> None:
    if is_fine:
        assert price_fen(text, tick) == 105
    else:
        with pytest.raises(PriceOffTick):
            price_fen(text, tick)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "NaN", "nan", "Infinity", "-1", "+1", "1e2", "1E2", "1,000", "1_000", "1.", ".5", "01", "1 ", " 1",
        "1\n", "0x10", "１", "٣", "1.2.3", "1000000000000", "1.0000000000000", "¥1", "--1",
    ],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(PriceNotDecimal) as refused:
        price_fen(text)

    assert refused.value.given == text[:40]


def test_a_refusal_does_not_carry_an_endless_text() -> None:
    with pytest.raises(PriceNotDecimal) as refused:
        price_fen("9" * 1_000_000)

    assert len(refused.value.given) == 40


@given(st.integers(1, 10**14 - 1))
def test_every_price_reads_back_as_it_was_written(fen: int) -> None:
    assert price_fen(yuan(fen)) == fen


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (-5, "-0.05"), (-12345, "-123.45")])
def test_fen_are_written_with_two_places(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_100_t_at_90_and_200_t_at_95_average_93_33() -> None:
    """Rule 15."""
    assert average_fen(100 * 9000 + 200 * 9500, 300) == 9333


@given(st.integers(0, 10**15), st.integers(1, 10**9))
def test_an_average_is_rounded_half_up(turnover: int, tonnes: int) -> None:
    exact = (Decimal(turnover) / Decimal(tonnes)).quantize(Decimal(1), ROUND_HALF_UP)

    assert average_fen(turnover, tonnes) == exact
