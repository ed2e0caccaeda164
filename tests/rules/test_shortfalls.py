"""Shortfalls: how much is owed, what makes it less, and what an account that owes may still do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import Refusal
from services.settlement import shortfalls
from services.settlement.shortfalls import (
    MadeGoodBeforeOwed,
    MoreThanOwed,
    OwedInAnotherProgramme,
    Shortfall,
    ShortfallOpen,
    State,
)
from tests import trading
from tests.trading import BUYER, SELLER

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
REDUCTION = UUID(int=5)


def raised(tonnes: int, before: Shortfall | None = None) -> Shortfall:
    return shortfalls.raised(before, REDUCTION, SELLER, "CCER", tonnes, AT)


def test_what_is_missing_is_owed_until_all_of_it_is_made_good() -> None:
    owed = raised(100)
    assert (owed.tonnes, owed.outstanding, owed.state) == (100, 100, State.OPEN)
    less = shortfalls.reduced(owed, 99, AT)
    assert (less.tonnes, less.outstanding, less.state) == (100, 1, State.OPEN)
    none = shortfalls.reduced(less, 1, AT)
    assert (none.tonnes, none.outstanding, none.state) == (100, 0, State.CLOSED)
    with pytest.raises(StepNotAllowed):
        shortfalls.reduced(none, 1, AT)


def test_more_of_the_same_reductions_adds_to_the_one_shortfall() -> None:
    owed = raised(5, shortfalls.reduced(raised(100), 100, AT))
    assert (owed.tonnes, owed.outstanding, owed.state) == (105, 5, State.OPEN)
    assert owed.shortfall_id == raised(1).shortfall_id
    assert owed.shortfall_id != shortfalls.shortfall_id(REDUCTION, BUYER)


def test_no_more_no_earlier_and_nothing_else_is_made_good() -> None:
    owed = raised(100)
    with pytest.raises(MoreThanOwed) as refused:
        shortfalls.reduced(owed, 101, AT)
    assert (refused.value.given, refused.value.outstanding) == (101, 100)
    with pytest.raises(MadeGoodBeforeOwed):
        shortfalls.reduced(owed, 1, AT - timedelta(microseconds=1))
    shortfalls.require_same_programme(owed, "CCER")
    with pytest.raises(OwedInAnotherProgramme):
        shortfalls.require_same_programme(owed, "WEEE-PILOT")


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=30))
def test_what_is_owed_is_what_was_revoked_less_what_was_made_good(
    acts: list[tuple[bool, int]],
) -> None:
    """In whatever order; a step that is refused changes nothing."""
    owed, revoked, good = raised(10), 10, 0
    for is_more, tonnes in acts:
        if is_more:
            owed, revoked = raised(tonnes, owed), revoked + tonnes
        elif tonnes <= revoked - good:
            owed, good = shortfalls.reduced(owed, tonnes, AT), good + tonnes
        else:
            with pytest.raises(Refusal):
                shortfalls.reduced(owed, tonnes, AT)
        assert (owed.tonnes, owed.outstanding) == (revoked, revoked - good)
        assert (owed.state == State.OPEN) == (owed.outstanding > 0)


def test_who_owes_credits_buys_and_does_not_sell() -> None:
    key = UUID(int=9)
    for owing, is_sold in ((SELLER, False), (BUYER, True)):
        ledger = trading.books()
        known = dict(ledger.accounts)
        known[owing] = msgspec.structs.replace(known[owing], short_of=[key])
        ledger = replace(ledger, accounts=known)
        if is_sold:
            trading.settled(trading.trade(), None, ledger)
            continue
        with pytest.raises(ShortfallOpen) as refused:
            trading.decided(trading.trade(), None, ledger)
        assert (refused.value.account, refused.value.shortfall_id) == (SELLER, key)
        assert trading.is_untouched(ledger)
