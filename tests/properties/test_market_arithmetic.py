"""The market's arithmetic against the plainest way to say the same: exact fractions, and days counted one by one."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING
from services.settlement.listings import listed_on
from services.settlement.market import (
    LastTrade,
    OppositeTradeTooSoon,
    totals_of,
)
from services.settlement.messages.market import MethodTerms
from services.settlement.terms import fee_fen, price_band, read_terms
from tests import trading
from tests.trading import DAY, MARKET, SELLER

prices_fen = st.integers(1, 10**8)
ticks = st.sampled_from([1, 2, 5, 10, 25, 100, 10_000])
basis_points = st.integers(1, 9_999)
days = st.dates(date(2024, 1, 22), date(2026, 12, 31))


@given(reference=prices_fen, bps=basis_points, tick=ticks)
@example(reference=9483, bps=1000, tick=1)
@example(reference=9483, bps=3000, tick=1)
def test_rule_14_the_band_is_the_widest_of_whole_ticks_within_the_exact_limits(
    reference: int, bps: int, tick: int
) -> None:
    exact_low = Fraction(reference * (10_000 - bps), 10_000)
    exact_high = Fraction(reference * (10_000 + bps), 10_000)

    lowest, highest = price_band(reference, bps, tick)

    assert lowest == ceil(exact_low / tick) * tick
    assert highest == floor(exact_high / tick) * tick
    assert lowest - tick < exact_low <= lowest
    assert highest <= exact_high < highest + tick


@given(amount=st.integers(1, 2**53 - 1), ppm=st.integers(0, 1_000_000))
@example(amount=1, ppm=500_000)
@example(amount=1_000_000, ppm=2)
def test_rule_17_a_fee_is_the_exact_part_rounded_half_up(amount: int, ppm: int) -> None:
    exact = Fraction(amount * ppm, 1_000_000)

    fee = fee_fen(amount, ppm)

    assert fee == floor(exact + Fraction(1, 2))
    assert 0 <= fee <= amount


Traded = tuple[int, str, int, int]
traded = st.tuples(
    st.integers(0, 6),
    st.sampled_from(["LISTING", "LISTING", "BULK", "AUCTION", "BILATERAL"]),
    st.integers(1, 10**6),
    st.integers(1, 50_000),
)


@given(
    trades=st.lists(traded, max_size=12), shift=st.integers(0, 8), declared=prices_fen, tick=ticks
)
@settings(max_examples=300)
def test_rule_15_the_reference_is_recomputed_from_the_trades_alone(
    trades: Sequence[Traded], shift: int, declared: int, tick: int
) -> None:
    market = trading.market(first_price_fen=declared)
    for day, method, tonnes, price in trades:
        market.add(MARKET, DAY + timedelta(days=day), totals_of(method, tonnes, tonnes * price))

    found = market.reference_fen(MARKET, DAY + timedelta(days=shift), tick)

    assert found == _reference(trades, shift, declared, tick)


def _reference(trades: Sequence[Traded], shift: int, declared: int, tick: int) -> int:
    listing = [one for one in trades if one[1] == "LISTING" and one[0] < shift]
    if not listing:
        return declared
    last = max(day for day, *_ in listing)
    of_last = [(tonnes, price) for day, _, tonnes, price in listing if day == last]
    average = Fraction(sum(t * p for t, p in of_last), sum(t for t, _ in of_last))
    return max(floor(average / tick + Fraction(1, 2)) * tick, tick)


@given(first=days, later=st.integers(0, 25), gap=st.integers(0, 10))
@example(first=date(2025, 9, 26), later=14, gap=5)
@example(first=date(2026, 2, 13), later=14, gap=5)
@settings(max_examples=300, deadline=None)
def test_rule_18_the_gap_is_counted_day_by_day(first: date, later: int, gap: int) -> None:
    """So many trading days, the first trade's included, must be over before the day of the opposite one."""
    day = first + timedelta(days=later)
    assume(CHINA.is_trading(first))
    assume(CHINA.is_trading(day))
    over = sum(CHINA.is_trading(first + timedelta(days=shift)) for shift in range(later))

    is_accepted = _sells(bought_on=first, day=day, gap=gap)

    assert is_accepted == (over >= gap)


def _sells(bought_on: date, day: date, gap: int) -> bool:
    terms = trading.terms(gap_trading_days=gap, methods=(MethodTerms(method="LISTING"),))
    lasts = {SELLER: LastTrade(bought_on=bought_on)}
    market = trading.market(terms, lasts=lasts, listed_on=bought_on)
    at = datetime.combine(day, datetime.min.time(), BEIJING).replace(hour=10)
    try:
        trading.decided(trading.trade(executed_at=at), market)
    except OppositeTradeTooSoon:
        return False
    return True


@given(moved_on=days, number=st.integers(0, 10))
def test_an_instrument_is_listed_after_so_many_trading_days(moved_on: date, number: int) -> None:
    terms = read_terms(trading.terms(listing_trading_days=number))

    day = listed_on(CHINA, terms, moved_on)

    between = [moved_on + timedelta(days=n) for n in range(1, (day - moved_on).days + 1)]
    assert sum(CHINA.is_trading(one) for one in between) == number
    assert not number or CHINA.is_trading(day)
