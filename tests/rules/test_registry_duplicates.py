"""Rules for projects that may be one: rule 25, as far as it is the registry's."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import OutOfRange
from services.registry import duplicates
from services.registry.duplicates import (
    Candidate,
    Duplicate,
    DuplicateUnresolved,
    Question,
    State,
    name_similarity_percent,
)
from services.registry.positions import EARTH_RADIUS_METRES, Position, distance_metres
from services.registry.projects import State as ProjectState
from tests.rules.test_registry_projects import DRAFT

MICRO = Decimal("0.000001")
FAR_NORTH = Decimal("38.0")
SAME_SITE, NEAR = DRAFT.latitude + Decimal("0.00449"), DRAFT.latitude + Decimal("0.00451")
"""A degree of latitude is 111.2 km: these are 499 m and 501 m away."""
TWIN = Candidate(
    code="VCS-1",
    programme="VCS",
    activity=DRAFT.activity,
    name=DRAFT.name,
    longitude=DRAFT.longitude,
    latitude=DRAFT.latitude,
    crediting_from=date(2022, 4, 1),
    crediting_until=date(2032, 3, 31),
    state=ProjectState.REGISTERED,
)
OTHER_NAME = "抽水蓄能电站"


def found(**changes: object) -> list[Duplicate]:
    candidate = replace(TWIN, **changes)  # pyright: ignore[reportArgumentType]
    return duplicates.found(DRAFT, [candidate])


def test_rule_25_the_same_project_in_another_programme_is_found() -> None:
    [twin] = found()
    assert twin == Duplicate("A210001", "VCS-1", "VCS", 0, 100, is_same_activity=True)


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        ({"name": OTHER_NAME}, True),
        ({"activity": "ONSHORE_WIND"}, True),
        ({"latitude": FAR_NORTH}, True),
        ({"name": OTHER_NAME, "activity": "ONSHORE_WIND"}, True),
        ({"name": OTHER_NAME, "activity": "ONSHORE_WIND", "latitude": SAME_SITE}, True),
        ({"name": OTHER_NAME, "activity": "ONSHORE_WIND", "latitude": NEAR}, False),
        ({"name": OTHER_NAME, "latitude": FAR_NORTH}, False),
        ({"activity": "ONSHORE_WIND", "latitude": FAR_NORTH}, False),
    ],
)
def test_rule_25_two_of_site_activity_and_name_are_enough_or_the_very_same_site(
    change: dict[str, object], is_found: bool
) -> None:
    assert bool(found(**change)) is is_found


@pytest.mark.parametrize(
    ("begins", "ends", "is_found"),
    [
        (date(2010, 1, 1), date(2022, 3, 31), False),
        (date(2010, 1, 1), date(2022, 4, 1), True),
        (date(2032, 3, 31), date(2042, 1, 1), True),
        (date(2032, 4, 1), date(2042, 1, 1), False),
    ],
)
def test_rule_25_periods_that_share_one_day_overlap(
    begins: date, ends: date, is_found: bool
) -> None:
    assert bool(found(crediting_from=begins, crediting_until=ends)) is is_found


def test_rule_25_a_site_is_five_kilometres_wide() -> None:
    degree = Decimal(180) / Decimal("3.14159265358979323846")
    reach = degree * 5000 / EARTH_RADIUS_METRES
    for north, is_found in ((reach, True), (reach + Decimal("0.00001"), False)):
        latitude = (DRAFT.latitude + north).quantize(MICRO)
        assert bool(found(name=OTHER_NAME, latitude=latitude)) is is_found


def test_rule_10_a_cancelled_project_that_comes_back_is_found_at_any_time() -> None:
    again = {"programme": DRAFT.programme, "crediting_from": date(1990, 1, 1)}
    ended = again | {"crediting_until": date(1999, 1, 1)}
    assert found(**ended, state=ProjectState.CANCELLED)
    assert not found(**ended, state=ProjectState.REGISTERED)
    assert not found(**again, state=ProjectState.REGISTERED)


@pytest.mark.parametrize(
    ("one", "other", "percent"),
    [
        ("海上风电", "海上风电", 100),
        ("海上风电", "海上光电", 33),
        ("Wind Farm (I)", "wind-farm i", 100),
        ("Ｗind１", "wind1", 100),
        ("甲", "甲", 100),
        ("甲", "乙", 0),
        ("甲", "甲乙", 0),
        ("山东海上风电项目一期", "山东海上风电项目二期", 77),
    ],
)
def test_names_are_compared_by_pairs_of_characters(one: str, other: str, percent: int) -> None:
    assert name_similarity_percent(one, other) == percent
    assert name_similarity_percent(other, one) == percent


places = st.builds(
    Position,
    st.decimals(-180, 180, places=6),
    st.decimals(-90, 90, places=6),
)


@given(places, places)
def test_a_distance_is_that_of_the_haversine_formula(one: Position, other: Position) -> None:
    """In floating point it differs by its own error at most."""
    north, north_too = math.radians(one.latitude), math.radians(other.latitude)
    along = math.sin(math.radians(float(other.longitude - one.longitude)) / 2) ** 2
    across = math.sin((north_too - north) / 2) ** 2
    chord = min(1.0, across + math.cos(north) * math.cos(north_too) * along)
    expected = 2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(chord))
    assert abs(distance_metres(one, other) - expected) <= 1
    assert distance_metres(one, other) == distance_metres(other, one)


@given(places, places)
def test_what_lies_further_north_or_south_than_a_site_needs_no_distance(
    one: Position, other: Position
) -> None:
    if abs(one.latitude - other.latitude) > duplicates.SITE_DEGREES_MAX:
        assert distance_metres(one, other) > duplicates.SITE_METRES_MAX


def test_distances_that_are_known() -> None:
    def at(longitude: str, latitude: str) -> Position:
        return Position(Decimal(longitude), Decimal(latitude))

    half_the_equator = 20_015_115
    assert distance_metres(at("0", "0"), at("180", "0")) == half_the_equator
    assert distance_metres(at("7", "90"), at("100", "-90")) == half_the_equator
    assert distance_metres(at("180", "12"), at("-180", "12")) == 0
    assert distance_metres(at("121", "36"), at("121", "36.00001")) == 1


OPEN = Question("A", "B", State.OPEN)


def test_rule_25_a_person_says_with_a_reason_whether_two_projects_are_one() -> None:
    assert duplicates.resolve(OPEN, "another site", is_same=False) is State.DISMISSED
    confirmed = replace(OPEN, state=duplicates.resolve(OPEN, "the same", is_same=True))
    assert confirmed.state is State.CONFIRMED
    assert duplicates.resolve(confirmed, "it has left", is_same=False) is State.DISMISSED
    for reason in ("", " "):
        with pytest.raises(OutOfRange):
            duplicates.resolve(OPEN, reason, is_same=False)
    for state, is_same in (
        (State.DISMISSED, False),
        (State.DISMISSED, True),
        (State.CONFIRMED, True),
    ):
        with pytest.raises(StepNotAllowed):
            duplicates.resolve(replace(OPEN, state=state), "again", is_same=is_same)


def test_rule_25_neither_of_two_is_registered_until_the_question_is_dismissed() -> None:
    for state in (State.OPEN, State.CONFIRMED):
        for project, other in (("A", "B"), ("B", "A")):
            with pytest.raises(DuplicateUnresolved) as refusal:
                duplicates.require_unique(project, [replace(OPEN, state=state)])
            assert refusal.value.other == other
    dismissed = replace(OPEN, state=State.DISMISSED)
    duplicates.require_unique("A", [dismissed])
    duplicates.require_unique("A", [])
    with pytest.raises(DuplicateUnresolved):
        duplicates.require_unique("A", [dismissed, Question("C", "A", State.OPEN)])
