"""Carry-overs: how many allowances of earlier years live on, who may carry them over, from when and until when."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance import carry_overs
from services.issuance.allocation_plans import Plan, require_plan
from services.issuance.carry_overs import CarryOverNotOpen, CarryOverNotPlanned
from services.issuance.conversions import Conversion
from services.issuance.messages.carry_overs import (
    AllowancesCarriedOver,
    CarryOverAllowances,
    CarryOverTerms,
)
from services.issuance.reductions import Programme
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import OutOfRange
from services.settlement.carry_overs import (
    CarryOverLimitExceeded,
    NotSurrenderedInTime,
    Stand,
    limit,
    most,
    require_met,
)
from services.settlement.obligations import State
from tests.emitting import CARRY_OVER, PLAN
from tests.rules.test_compliance import opened
from tests.rules.test_obligations import OWED

ALLOWANCES = Programme("CEA", "CN", "ALLOWANCE")
COMMAND = CarryOverAllowances(
    conversion_id=UUID(int=1),
    batch_id=UUID(int=2),
    compliance_id=UUID(int=3),
    source_vintage=2024,
    tonnes=10_000,
)


def terms(**changes: Any) -> CarryOverTerms:
    return msgspec.structs.replace(CARRY_OVER, **changes)


def test_the_demo_has_the_terms_of_the_plans_and_of_the_notice() -> None:
    assert terms() == CarryOverTerms(
        source_vintages=(2019, 2020, 2021, 2022, 2023, 2024),
        base_tonnes=10_000,
        sold_ppm=1_500_000,
        sold_since=date(2024, 1, 1),
        sold_until=date(2025, 12, 31),
        held_on=date(2025, 12, 31),
        surrendered_years=(2023, 2024),
        apply_by=date(2026, 6, 10),
    )


@pytest.mark.parametrize(
    ("net_sold", "expected"),
    [
        (-1_000_000, 10_000),
        (-1, 10_000),
        (0, 10_000),
        (1, 10_001),  # 10,001.5 is rounded down
        (2, 10_003),
        (3, 10_004),  # 10,004.5
        (100_001, 160_001),  # 160,001.5
        (1_000_000, 1_510_000),
    ],
)
def test_ten_thousand_and_one_and_a_half_times_what_was_sold_net(
    net_sold: int, expected: int
) -> None:
    """T = floor(10,000 + 1.5 x max(0, net sold))."""
    assert limit(terms(), net_sold) == expected


TONNES = st.integers(0, TONNES_MAX)


@given(st.integers(-TONNES_MAX, TONNES_MAX), TONNES, st.integers(0, 10_000_000))
def test_the_limit_is_the_formula_in_fractions_and_grows_with_what_was_sold(
    net_sold: int, base: int, ppm: int
) -> None:
    made = terms(base_tonnes=base, sold_ppm=ppm)
    assert limit(made, net_sold) == floor(base + Fraction(ppm, 1_000_000) * max(0, net_sold))
    assert limit(made, net_sold + 1) >= limit(made, net_sold) >= base


STANDS = st.builds(
    Stand,
    net_sold=st.integers(-30_000, 30_000),
    held=st.integers(0, 60_000),
    waiting=st.integers(0, 5_000),
    carried_over=st.just(0),
)


@given(STANDS, st.lists(st.integers(1, 20_000), max_size=12))
def test_however_often_it_is_asked_for_nobody_carries_over_more_than_the_limit_or_than_was_held(
    stand: Stand, wanted: list[int]
) -> None:
    end = min(floor(10_000 + Fraction(3, 2) * max(0, stand.net_sold)), stand.held - stand.waiting)
    for tonnes in wanted:
        try:
            assert most(terms(), stand, tonnes) == end
        except CarryOverLimitExceeded:
            assert stand.carried_over + tonnes > end
        else:
            stand = replace(stand, carried_over=stand.carried_over + tonnes)
            assert stand.carried_over <= end


@pytest.mark.parametrize(
    ("stand", "end"),
    [
        (Stand(net_sold=0, held=50_000, waiting=0, carried_over=0), 10_000),
        (Stand(net_sold=0, held=9_999, waiting=0, carried_over=0), 9_999),
        (Stand(net_sold=0, held=10_001, waiting=2, carried_over=0), 9_999),
        (Stand(net_sold=1_001, held=50_000, waiting=0, carried_over=0), 11_501),
        (Stand(net_sold=1_001, held=50_000, waiting=0, carried_over=11_000), 501),
        (Stand(net_sold=1_001, held=11_100, waiting=0, carried_over=11_000), 100),
    ],
)
def test_the_last_tonne_is_carried_over_and_the_next_is_not(stand: Stand, end: int) -> None:
    assert most(terms(), stand, end) == end + stand.carried_over
    with pytest.raises(CarryOverLimitExceeded) as refused:
        most(terms(), stand, end + 1)
    assert refused.value.given == end + 1
    assert min(refused.value.limit, refused.value.held) == end + stand.carried_over


def test_whoever_waits_to_surrender_more_than_it_has_carries_nothing_over() -> None:
    with pytest.raises(CarryOverLimitExceeded) as refused:
        most(terms(), Stand(net_sold=0, held=5, waiting=9, carried_over=0), 1)
    assert refused.value.held == 0


@pytest.mark.parametrize("state", State)
def test_only_what_was_met_in_time_is_good_enough(state: State) -> None:
    owed = replace(OWED, state=state)
    if state == State.MET:
        require_met("ACC-1", 2024, owed)
        return
    with pytest.raises(NotSurrenderedInTime) as refused:
        require_met("ACC-1", 2024, owed)
    assert (refused.value.emission_year, refused.value.state) == (2024, state)


def test_what_is_not_on_record_was_not_met() -> None:
    with pytest.raises(NotSurrenderedInTime):
        require_met("ACC-1", 2023, None)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 6, 10), True),
        (date(2026, 6, 11), False),
    ],
)
def test_it_is_asked_for_after_the_day_that_counts_and_until_the_last_one(
    day: date, is_open: bool
) -> None:
    if is_open:
        carry_overs.require_open(terms(), day)
        return
    with pytest.raises(CarryOverNotOpen):
        carry_overs.require_open(terms(), day)


def test_it_is_not_asked_for_before_it_is_known_what_was_sold() -> None:
    later = terms(sold_until=date(2026, 2, 1))
    with pytest.raises(CarryOverNotOpen):
        carry_overs.require_open(later, date(2026, 2, 1))
    carry_overs.require_open(later, date(2026, 2, 2))


def test_nothing_is_carried_over_into_a_year_whose_plan_has_no_terms_for_it() -> None:
    assert carry_overs.terms_of(PLAN, 2025) == terms()
    with pytest.raises(CarryOverNotPlanned):
        carry_overs.terms_of(PLAN, 2026)


def reserved(**changes: Any) -> Conversion:
    command = msgspec.structs.replace(COMMAND, **changes)
    return carry_overs.reserve(command, opened(), terms(), ALLOWANCES, 3)


def test_what_is_reserved_is_as_much_of_the_year_for_the_same_holder() -> None:
    made = reserved()
    assert (made.source_programme, made.source_project, made.factor) == ("CEA", "CEA", Decimal(1))
    assert (made.source_vintage, made.source_tonnes) == (2024, 10_000)
    target = made.target
    assert target.serials == "CEA-CN-CEA-2025-003-1-10000"
    assert (target.holder_account, target.conversion_id) == ("ACC-1", COMMAND.conversion_id)
    assert (target.compliance_id, target.registered_on, target.source) == (None, None, None)
    assert carry_overs.told(made) == [
        AllowancesCarriedOver(
            compliance_id=COMMAND.compliance_id,
            conversion_id=COMMAND.conversion_id,
            account="ACC-1",
            emission_year=2025,
            source_vintage=2024,
            tonnes=10_000,
        )
    ]
    assert carry_overs.told(replace(made, compliance_id=None)) == []


@pytest.mark.parametrize(
    "changes",
    [{"source_vintage": 2018}, {"source_vintage": 2025}, {"tonnes": 0}, {"tonnes": TONNES_MAX + 1}],
)
def test_what_is_not_among_the_vintages_and_no_tonnes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange):
        reserved(**changes)


@pytest.mark.parametrize("vintage", [2019, 2024])
def test_the_first_and_the_last_of_the_vintages_are_carried_over(vintage: int) -> None:
    assert reserved(source_vintage=vintage).source_vintage == vintage


def planned(**changes: Any) -> Plan:
    years = tuple(
        msgspec.structs.replace(one, carry_over=terms(**changes)) if one.carry_over else one
        for one in PLAN.terms.emission_years
    )
    return Plan(1, msgspec.structs.replace(PLAN.terms, emission_years=years))


@pytest.mark.parametrize(
    "changes",
    [
        {"source_vintages": ()},
        {"source_vintages": (2018, 2024)},
        {"source_vintages": (2024, 2024)},
        {"source_vintages": (2024, 2025)},
        {"surrendered_years": ()},
        {"surrendered_years": (2024, 2025)},
        {"base_tonnes": -1},
        {"base_tonnes": TONNES_MAX + 1},
        {"sold_ppm": -1},
        {"sold_ppm": 10_000_001},
        {"sold_since": date(2026, 1, 1)},
        {"apply_by": date(2025, 12, 31)},
        {"sold_until": date(2026, 6, 10)},
    ],
)
def test_terms_can_be_computed_with(changes: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange) as refused:
        require_plan(planned(**changes).terms)
    assert refused.value.field in {*changes, "apply_by"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"base_tonnes": 0, "sold_ppm": 0},
        {"sold_ppm": 10_000_000},
        {"sold_since": date(2025, 12, 31)},
        {"apply_by": date(2026, 1, 1)},
    ],
)
def test_terms_at_their_ends_are_in_order(changes: dict[str, Any]) -> None:
    require_plan(planned(**changes).terms)
