"""Rule 20: objections come before the next trading day opens; afterwards the trade counts as accepted."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from uuid import UUID

import pytest

from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import OutOfRange
from services.settlement import disputes
from services.settlement.disputes import (
    ClosedBeforeOpened,
    Dispute,
    DisputedTrade,
    ObjectionTooLate,
    State,
    TradeNotBinding,
)
from services.settlement.messages.market import Session
from services.settlement.terms import Terms, read_terms
from tests.trading import terms

THURSDAY, FRIDAY, MONDAY = date(2026, 8, 20), date(2026, 8, 21), date(2026, 8, 24)
STRICT = read_terms(terms())
TRADE = DisputedTrade("SETTLED", "ACC-S", "ACC-B", "CCER", THURSDAY)
OPEN = Dispute(
    UUID(int=1), "CBGEX", "1", "ACC-S", State.OPEN, datetime(2026, 8, 20, 12, tzinfo=BEIJING)
)


def at(day: date, hour: int, minute: int, second: int = 0, microsecond: int = 0) -> datetime:
    """That moment in Beijing."""
    return datetime.combine(day, time(hour, minute, second, microsecond), BEIJING)


def is_accepted(trade: DisputedTrade, moment: datetime, *versions: Terms) -> bool:
    """Whether an objection is in time."""
    try:
        disputes.require_in_time(trade, versions or [STRICT], CHINA, moment)
    except ObjectionTooLate:
        return False
    return True


@pytest.mark.parametrize(
    ("moment", "is_in_time"),
    [
        (at(THURSDAY, 10, 0), True),
        (at(FRIDAY, 0, 0), True),
        (at(FRIDAY, 9, 29, 59), True),
        (at(FRIDAY, 9, 29, 59, 999_999), True),
        (at(FRIDAY, 9, 30, 0), False),
        (at(FRIDAY, 9, 30, 1), False),
        (at(MONDAY, 9, 0), False),
        (datetime(2026, 8, 21, 1, 29, 59, tzinfo=UTC), True),
        (datetime(2026, 8, 21, 1, 30, tzinfo=UTC), False),
    ],
)
def test_rule_20_objection_before_the_next_trading_day_opens(
    moment: datetime, is_in_time: bool
) -> None:
    assert is_accepted(TRADE, moment) == is_in_time


@pytest.mark.parametrize(
    ("traded_on", "next_day"),
    [
        (FRIDAY, MONDAY),
        (date(2026, 9, 30), date(2026, 10, 8)),  # the holidays of National Day
        (date(2026, 9, 18), date(2026, 9, 21)),  # a Sunday made up for is no trading day
    ],
)
def test_rule_20_weekends_holidays_and_days_made_up_for_do_not_count(
    traded_on: date, next_day: date
) -> None:
    trade = replace(TRADE, traded_on=traded_on)
    assert is_accepted(trade, at(next_day, 9, 29, 59))
    assert not is_accepted(trade, at(next_day, 9, 30))


def test_rule_20_the_first_of_the_sessions_opens_the_day_whatever_their_order() -> None:
    sessions = (Session(opens="13:00", closes="15:00"), Session(opens="10:15", closes="11:30"))
    said = read_terms(terms(sessions=sessions))
    assert is_accepted(TRADE, at(FRIDAY, 10, 14, 59), said)
    assert not is_accepted(TRADE, at(FRIDAY, 10, 15), said)


def test_rule_20_without_sessions_the_next_trading_day_opens_at_midnight() -> None:
    said = read_terms(terms(sessions=()))
    assert is_accepted(TRADE, at(THURSDAY, 23, 59, 59), said)
    assert not is_accepted(TRADE, at(FRIDAY, 0, 0), said)
    daily = read_terms(terms(sessions=(), calendar="EVERY_DAY"))
    assert not is_accepted(replace(TRADE, traded_on=FRIDAY), at(date(2026, 8, 22), 0, 0), daily)


def test_rule_20_the_next_day_opens_by_the_terms_that_are_in_force_then() -> None:
    earlier_sessions = (Session(opens="09:00", closes="15:00"),)
    later = read_terms(terms(valid_from=FRIDAY, sessions=earlier_sessions))
    assert is_accepted(TRADE, at(FRIDAY, 8, 59, 59), STRICT, later)
    assert not is_accepted(TRADE, at(FRIDAY, 9, 0), STRICT, later)


@pytest.mark.parametrize("state", ["CAPTURED", "SETTLED"])
def test_a_trade_that_binds_can_be_disputed(state: str) -> None:
    assert is_accepted(replace(TRADE, state=state), at(THURSDAY, 11, 0))


@pytest.mark.parametrize(
    "trade", [replace(TRADE, state="REJECTED"), replace(TRADE, traded_on=None)]
)
def test_a_trade_that_does_not_bind_cannot_be_disputed(trade: DisputedTrade) -> None:
    with pytest.raises(TradeNotBinding):
        disputes.require_in_time(trade, [STRICT], CHINA, at(THURSDAY, 11, 0))


@pytest.mark.parametrize(("state", "outcome"), [*product(State, ["UPHELD", "DISMISSED"])])
def test_a_dispute_is_decided_once(state: State, outcome: str) -> None:
    dispute = replace(OPEN, state=state)
    if state == State.OPEN:
        assert disputes.closed(dispute, outcome, at(FRIDAY, 9, 0)).state == outcome
    else:
        with pytest.raises(StepNotAllowed):
            disputes.closed(dispute, outcome, at(FRIDAY, 9, 0))


@pytest.mark.parametrize("outcome", ["OPEN", "UPHOLD", "upheld", "", "CORRECTED"])
def test_a_dispute_has_two_outcomes(outcome: str) -> None:
    with pytest.raises(OutOfRange):
        disputes.closed(OPEN, outcome, at(FRIDAY, 9, 0))


def test_a_dispute_is_not_decided_before_it_was_opened() -> None:
    with pytest.raises(ClosedBeforeOpened):
        disputes.closed(OPEN, "UPHELD", OPEN.opened_at - timedelta(microseconds=1))
