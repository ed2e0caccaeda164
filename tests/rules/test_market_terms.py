"""The terms of a market: which can be held against a trade, and how versions follow each other."""

from contextlib import nullcontext
from datetime import date, timedelta

import pytest

from services.kernel.refusals import Invalid
from services.settlement.messages.market import MethodTerms, Session
from services.settlement.terms import (
    MarketTermsInForce,
    Method,
    read_terms,
    require_later,
    terms_on,
)
from tests import trading


def _hours(number: int) -> tuple[Session, ...]:
    """So many sessions of half an hour."""
    return tuple(Session(opens=f"{hour:02}:00", closes=f"{hour:02}:30") for hour in range(number))


BROKEN_TERMS: list[tuple[dict[str, object], str]] = [
    ({"cycle": "T2"}, "cycle"),
    ({"calendar": "WEEKENDS"}, "calendar"),
    ({"tick_fen": 0}, "tick_fen"),
    ({"tick_fen": -1}, "tick_fen"),
    ({"tick_fen": 10_001}, "tick_fen"),
    ({"lot_tonnes": 0}, "lot_tonnes"),
    ({"lot_tonnes": 1_000_001}, "lot_tonnes"),
    ({"gap_trading_days": -1}, "gap_trading_days"),
    ({"gap_trading_days": 251}, "gap_trading_days"),
    ({"listing_trading_days": -1}, "listing_trading_days"),
    ({"listing_trading_days": 251}, "listing_trading_days"),
    ({"seller_fee_ppm": -1}, "seller_fee_ppm"),
    ({"buyer_fee_ppm": 1_000_001, "fee_account": "ACC"}, "buyer_fee_ppm"),
    ({"buyer_fee_ppm": 1}, "fee_account"),
    ({"seller_fee_ppm": 1}, "fee_account"),
    ({"methods": ()}, "methods"),
    ({"methods": (MethodTerms(method="RAFFLE"),)}, "methods"),
    ({"methods": (MethodTerms(method="BULK"),) * 2}, "methods"),
    ({"methods": (MethodTerms(method="BULK", band_basis_points=0),)}, "band_basis_points"),
    ({"methods": (MethodTerms(method="BULK", band_basis_points=10_000),)}, "band_basis_points"),
    ({"methods": (MethodTerms(method="BULK", tonnes_min=0),)}, "tonnes_min"),
    ({"methods": (MethodTerms(method="BULK", tonnes_min=2, tonnes_max=1),)}, "tonnes_max"),
    ({"sessions": (Session(opens="nine", closes="ten"),)}, "sessions"),
    ({"sessions": (Session(opens="11:30", closes="09:30"),)}, "sessions"),
    ({"sessions": (Session(opens="09:30", closes="09:30"),)}, "sessions"),
    ({"sessions": (Session(opens="09:30+08:00", closes="11:30"),)}, "sessions"),
    ({"sessions": (Session(opens="09:30", closes="11:30"),) * 2}, "sessions"),
    ({"sessions": _hours(11)}, "sessions"),
    ({"unverified": ("nonsense",)}, "unverified"),
    (
        {"lot_tonnes": 10, "methods": (MethodTerms(method="BULK", tonnes_min=7, tonnes_max=9),)},
        "tonnes_max",
    ),
]


@pytest.mark.parametrize(("changes", "field"), BROKEN_TERMS)
def test_terms_that_no_trade_can_be_held_against_are_refused(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        read_terms(trading.terms(**changes))

    assert (refusal.value.code(), refusal.value.values["field"]) == ("MARKET_TERMS_INVALID", field)


@pytest.mark.parametrize(
    "changes",
    [
        {"tick_fen": 1, "lot_tonnes": 1},
        {"tick_fen": 10_000, "lot_tonnes": 1_000_000},
        {"gap_trading_days": 0, "listing_trading_days": 0},
        {"gap_trading_days": 250, "listing_trading_days": 250},
        {"seller_fee_ppm": 1_000_000, "buyer_fee_ppm": 1, "fee_account": "ACC"},
        {"fee_account": "ACC"},
        {"methods": tuple(MethodTerms(method=one) for one in Method)},
        {"methods": (MethodTerms(method="BULK", band_basis_points=1),)},
        {"methods": (MethodTerms(method="BULK", band_basis_points=9_999),)},
        {"methods": (MethodTerms(method="BULK", tonnes_min=2, tonnes_max=2),)},
        {"sessions": ()},
    ],
)
def test_terms_at_the_ends_of_what_is_possible_are_read(changes: dict[str, object]) -> None:
    assert read_terms(trading.terms(**changes))


@pytest.mark.parametrize(
    ("valid_from", "today", "is_later"),
    [
        (date(2025, 3, 10), date(2025, 3, 1), False),
        (date(2025, 3, 11), date(2025, 3, 1), True),
        (date(2025, 3, 14), date(2025, 3, 14), False),
        (date(2025, 3, 15), date(2025, 3, 14), True),
    ],
)
def test_terms_follow_all_earlier_ones_on_a_day_that_has_not_begun(
    valid_from: date, today: date, is_later: bool
) -> None:
    earlier = [read_terms(trading.terms(valid_from=date(2025, 3, day))) for day in (10, 3)]
    later = read_terms(trading.terms(valid_from=valid_from))

    if is_later:
        require_later(later, earlier, today)
    else:
        with pytest.raises(MarketTermsInForce):
            require_later(later, earlier, today)
    require_later(later, [], today)  # the first may be of a day that is over


@pytest.mark.parametrize(("day", "found"), [(2, None), (3, 3), (9, 3), (10, 10), (11, 10)])
def test_the_newest_version_that_has_begun_is_in_force(day: int, found: int | None) -> None:
    versions = [read_terms(trading.terms(valid_from=date(2025, 3, one))) for one in (10, 3)]
    terms = terms_on(date(2025, 3, day), versions)
    assert (terms and terms.valid_from.day) == found


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions": _hours(10)},
        {"unverified": ("cycle", "sessions")},
        {"lot_tonnes": 10, "methods": (MethodTerms(method="BULK", tonnes_min=7, tonnes_max=10),)},
    ],
)
def test_terms_at_the_limits_are_read(changes: dict[str, object]) -> None:
    read_terms(trading.terms(**changes))


@pytest.mark.parametrize(("days", "is_refused"), [(366, False), (367, True)])
def test_terms_are_set_a_year_ahead_at_most(days: int, is_refused: bool) -> None:
    today = date(2026, 3, 2)
    ahead = read_terms(trading.terms(valid_from=today + timedelta(days=days)))
    with pytest.raises(Invalid) if is_refused else nullcontext():
        require_later(ahead, [], today)
