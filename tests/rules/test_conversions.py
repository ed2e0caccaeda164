"""Conversions: by which terms, between which programmes, and how many tonnes live in the stead of how many."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance import batches, conversions
from services.issuance.conversions import (
    LIFECYCLE,
    Conversion,
    ConversionNotOpen,
    ConversionTermsInForce,
    NeverConverted,
    State,
    Step,
    Terms,
)
from services.issuance.messages.conversions import RequestConversion, SetConversionTerms
from services.issuance.quantification.decimals import AmountNotDecimal
from services.issuance.reductions import (
    BeforeRegistration,
    Programme,
    Project,
    ProjectNotRegistered,
)
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import OutOfRange

DAY = timedelta(days=1)
TODAY = date(2026, 3, 2)
NATIONAL = Programme("CCER", "CN", "NATIONAL", is_ets_eligible=True)
CLOSED = Programme("CN-OLD", "CN", "NATIONAL")
PILOT = Programme("WEEE-PILOT", "CN", "PILOT_ASSOCIATION")
OTHER = Programme("OTHER-PILOT", "CN", "PILOT_ASSOCIATION")
ALLOWANCES = Programme("CEA", "CN", "ALLOWANCE")
PROJECT = Project(
    code="O1",
    programme="OTHER-PILOT",
    country="CN",
    owner_account="ACC-00000001",
    registered_on=TODAY,
    crediting_from=date(2020, 9, 1),
    crediting_until=date(2030, 8, 31),
    methodology="M",
    validation_body="ACC-00000009",
)
COMMAND = RequestConversion(
    conversion_id=UUID(int=1),
    batch_id=UUID(int=2),
    account="ACC-00000007",
    source_project="W1",
    source_vintage=2024,
    source_tonnes=1_001,
    target_project="O1",
    target_vintage=2024,
)
HALF = Decimal("0.5")


def said(**changes: object) -> SetConversionTerms:
    terms = SetConversionTerms(
        source_programme="WEEE-PILOT",
        target_programme="OTHER-PILOT",
        factor=HALF,
        valid_from=TODAY,
        source="agreement 1/2026",
    )
    return msgspec.structs.replace(terms, **changes)


def terms(factor: Decimal | None = HALF, valid_from: date = TODAY) -> Terms:
    return conversions.read_terms(said(factor=factor, valid_from=valid_from))


def reserved() -> Conversion:
    return conversions.reserve(COMMAND, PILOT, PROJECT, 3, HALF)


@pytest.mark.parametrize("factor", ["1", "0.5", "0.000000000001", "1.0"])
def test_a_factor_makes_at_most_one_of_one(factor: str) -> None:
    assert terms(Decimal(factor)).factor == Decimal(factor)


@pytest.mark.parametrize("factor", ["0", "1.000000000001", "2", "1E+1"])
def test_a_factor_makes_neither_nothing_nor_more(factor: str) -> None:
    with pytest.raises(OutOfRange):
        terms(Decimal(factor))


@pytest.mark.parametrize("factor", ["-0.5", "NaN", "Infinity", "0.0000000000001"])
def test_a_factor_is_a_plain_decimal(factor: str) -> None:
    with pytest.raises(AmountNotDecimal):
        terms(Decimal(factor))


@pytest.mark.parametrize(
    "changes",
    [{"source": " "}, {"target_programme": "WEEE-PILOT"}],
    ids=lambda one: next(iter(one)),
)
def test_terms_name_their_rule_book_and_two_programmes(changes: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        conversions.read_terms(said(**changes))


@pytest.mark.parametrize(
    ("source", "target", "is_allowed"),
    [
        (PILOT, OTHER, True),
        (OTHER, PILOT, True),
        (NATIONAL, PILOT, True),
        (PILOT, CLOSED, True),
        (PILOT, NATIONAL, False),
        (CLOSED, NATIONAL, False),
        (PILOT, ALLOWANCES, False),
        (ALLOWANCES, PILOT, False),
    ],
    ids=lambda one: getattr(one, "code", one),
)
def test_rule_25_nothing_is_converted_into_what_counts_in_the_national_ets(
    source: Programme, target: Programme, is_allowed: bool
) -> None:
    if is_allowed:
        conversions.require_convertible(source, target)
    else:
        with pytest.raises(NeverConverted):
            conversions.require_convertible(source, target)


def test_terms_follow_each_other_and_change_no_day_that_has_begun() -> None:
    long_ago = TODAY - 1_000 * DAY
    conversions.require_later(terms(valid_from=long_ago), [], TODAY)
    conversions.require_later(terms(valid_from=TODAY + DAY), [terms(valid_from=long_ago)], TODAY)
    conversions.require_later(terms(valid_from=TODAY + 366 * DAY), [], TODAY)
    with pytest.raises(ConversionTermsInForce):
        conversions.require_later(terms(valid_from=TODAY), [terms(valid_from=long_ago)], TODAY)
    later = terms(valid_from=TODAY + 9 * DAY)
    for day in (TODAY + DAY, TODAY + 9 * DAY):
        with pytest.raises(ConversionTermsInForce):
            conversions.require_later(terms(valid_from=day), [later], TODAY)
    with pytest.raises(OutOfRange):
        conversions.require_later(terms(valid_from=TODAY + 367 * DAY), [], TODAY)


def test_the_newest_terms_that_have_begun_are_in_force_until_a_conversion_is_closed() -> None:
    versions = [terms(None, TODAY + 2 * DAY), terms(HALF), terms(Decimal(1), TODAY + DAY)]
    expected = {-1: None, 0: HALF, 1: Decimal(1), 2: None, 100: None}
    for days, factor in expected.items():
        day = TODAY + days * DAY
        if factor is None:
            with pytest.raises(ConversionNotOpen):
                conversions.factor_on(day, versions, "WEEE-PILOT", "OTHER-PILOT")
        else:
            found = conversions.factor_on(day, versions, "WEEE-PILOT", "OTHER-PILOT")
            assert found == factor


@pytest.mark.parametrize(
    ("tonnes", "factor", "expected"),
    [
        (1, "1", 1),
        (2, "0.5", 1),
        (3, "0.5", 1),
        (1_001, "0.5", 500),
        (10, "0.333333333333", 3),
        (3, "0.333333333334", 1),
        (TONNES_MAX, "1.000000000000", TONNES_MAX),
        (TONNES_MAX, "0.999999999999", 9_007_199_254_731_983),
    ],
)
def test_tonnes_are_rounded_down(tonnes: int, factor: str, expected: int) -> None:
    assert conversions.converted(tonnes, Decimal(factor)) == expected


@pytest.mark.parametrize(
    ("tonnes", "factor"),
    [(0, "1"), (-1, "1"), (TONNES_MAX + 1, "1"), (1, "0.5"), (3, "0.333333333333")],
)
def test_less_than_a_tonne_is_not_converted(tonnes: int, factor: str) -> None:
    with pytest.raises(OutOfRange):
        conversions.converted(tonnes, Decimal(factor))


FACTORS = st.integers(1, 10**12).map(lambda parts: Decimal(parts).scaleb(-12))


def living(tonnes: int, factor: Decimal) -> int:
    """How many live in the stead of these; none if less than one would."""
    try:
        return conversions.converted(tonnes, factor)
    except OutOfRange:
        return 0


@given(st.integers(1, TONNES_MAX), FACTORS)
def test_what_lives_is_what_died_times_the_factor_without_the_last_part_of_a_tonne(
    tonnes: int, factor: Decimal
) -> None:
    lost = tonnes * int(factor.scaleb(12)) - living(tonnes, factor) * 10**12
    assert 0 <= lost < 10**12


@given(st.integers(1, 10**9), st.integers(1, 10**9), FACTORS)
def test_nobody_gains_by_converting_in_parts(one: int, other: int, factor: Decimal) -> None:
    assert living(one, factor) + living(other, factor) <= living(one + other, factor)


def test_the_vintage_is_a_year_and_stays_what_it_is() -> None:
    conversions.require_vintage(COMMAND)
    for source, target in ((2024, 2025), (2025, 2024), (1989, 1989), (2**40, 2**40), (-1, -1)):
        changed = msgspec.structs.replace(COMMAND, source_vintage=source, target_vintage=target)
        with pytest.raises(OutOfRange):
            conversions.require_vintage(changed)


def test_the_targets_project_is_registered_on_the_day() -> None:
    conversions.require_target(PROJECT, TODAY)
    with pytest.raises(BeforeRegistration):
        conversions.require_target(PROJECT, TODAY - DAY)
    for status in ("CANCELLED", "REVOKED"):
        with pytest.raises(ProjectNotRegistered):
            conversions.require_target(replace(PROJECT, status=status), TODAY)


def test_the_reserved_batch_is_the_holders_and_says_from_what_it_comes() -> None:
    target = reserved().target
    assert (target.holder_account, target.tonnes, target.vintage) == ("ACC-00000007", 500, 2024)
    assert target.serials == "OTHER-PILOT-CN-O1-2024-003-1-500"
    told = batches.issued(target)
    assert (told.conversion_id, told.is_opening, told.batch_id) == (UUID(int=1), False, UUID(int=2))


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_a_conversion_is_decided_once(state: State, step: Step) -> None:
    conversion = replace(reserved(), state=state)
    if state is State.PENDING:
        assert conversions.stepped(conversion, step).state == LIFECYCLE[state, step]
    else:
        with pytest.raises(StepNotAllowed):
            conversions.stepped(conversion, step)
