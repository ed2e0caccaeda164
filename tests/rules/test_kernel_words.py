"""The kernel's small words: instants, ids, lifecycles, names, actors and refusals."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.actors import (
    Actor,
    OtherOrganisation,
    Role,
    RoleMissing,
    require_organisation,
    require_role,
)
from services.kernel.clocks import TooFarFromClock, is_instant, market_day, require_near
from services.kernel.ids import derived_id, new_id, uuid7
from services.kernel.lifecycles import StepNotAllowed, advance, mermaid
from services.kernel.names import CodeMalformed, require_code, require_text
from services.kernel.refusals import Conflict, OutOfRange, Refusal

NOON = datetime(2026, 8, 20, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-08-19T15:59:59+00:00", date(2026, 8, 19)),
        ("2026-08-19T16:00:00+00:00", date(2026, 8, 20)),
        ("2026-08-20T00:00:00+08:00", date(2026, 8, 20)),
        ("2026-12-31T20:00:00-05:00", date(2027, 1, 1)),
    ],
)
def test_the_market_day_is_that_of_beijing(instant: str, day: date) -> None:
    assert market_day(datetime.fromisoformat(instant)) == day


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_from_the_clock_are_near(seconds: int) -> None:
    require_near(NOON + timedelta(seconds=seconds), NOON)


@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_more_than_five_minutes_from_the_clock_are_refused(seconds: int) -> None:
    with pytest.raises(TooFarFromClock):
        require_near(NOON + timedelta(seconds=seconds), NOON)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (NOON, True),
        (NOON.replace(tzinfo=None), False),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8))), False),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), False),
        (datetime(2, 1, 1, tzinfo=timezone(timedelta(hours=14))), True),
        (datetime(9998, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))), True),
    ],
)
def test_an_instant_has_an_offset_and_stays_in_the_calendar(
    given_: datetime, expected: bool
) -> None:
    assert is_instant(given_) is expected
    if expected:
        market_day(given_)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_a_uuid7_has_its_version_its_variant_and_its_time(unix_ms: int, randomness: int) -> None:
    made = uuid7(unix_ms, randomness)

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == unix_ms
    assert made != uuid7(unix_ms, randomness ^ 1)


def test_later_ids_sort_later() -> None:
    assert uuid7(1, 2**74 - 1) < uuid7(2, 0)
    assert new_id() != new_id()


def test_derived_ids_depend_on_every_part_and_on_nothing_else() -> None:
    assert derived_id("a", "b", 0) == derived_id("a", "b", 0)
    assert len({derived_id("a", "b", 0), derived_id("a", "b", 1), derived_id("b", "a", 0)}) == 3


class _State(StrEnum):
    OPEN = "OPEN"
    DONE = "DONE"


class _Step(StrEnum):
    END = "END"


_TABLE = {(_State.OPEN, _Step.END): _State.DONE}


def test_a_lifecycle_allows_what_its_table_says_and_nothing_else() -> None:
    assert advance(_TABLE, _State.OPEN, _Step.END, "x") == _State.DONE
    with pytest.raises(StepNotAllowed) as refused:
        advance(_TABLE, _State.DONE, _Step.END, "x/1")

    assert refused.value.values == {"subject": "x/1", "state": "DONE", "step": "END"}
    assert mermaid(_TABLE).endswith("OPEN --> DONE: END")


@pytest.mark.parametrize("code", ["A210001", "CCER-01-002-V01", "X", "A" * 40])
def test_a_code_of_capitals_digits_and_hyphens_is_fine(code: str) -> None:
    require_code("code", code)


@pytest.mark.parametrize(
    "code", ["", "a1", "A-", "-A", "A--B", "A B", "A_B", "A\n", "É", "A" * 41, "A/B", "A.B"]
)
def test_any_other_code_is_refused(code: str) -> None:
    with pytest.raises(CodeMalformed):
        require_code("code", code)


@pytest.mark.parametrize("text", ["", " ", "\n", "a\0b", "a\x7f", "\ud800", "x" * 301])
def test_a_text_says_something_and_can_be_stored(text: str) -> None:
    with pytest.raises(OutOfRange):
        require_text("name", text)


@pytest.mark.parametrize("text", ["海上风电", "two\nlines", "x" * 300])
def test_a_real_text_is_fine(text: str) -> None:
    require_text("name", text)


def test_any_of_the_allowed_roles_suffices_and_none_of_the_others() -> None:
    actor = Actor("someone", None, frozenset({"verifier"}))

    require_role(actor, Role.REGISTRAR, Role.VERIFIER)
    with pytest.raises(RoleMissing) as refused:
        require_role(actor, Role.REGISTRAR, Role.HISTORIAN)
    assert refused.value.expected == "registrar or historian"


@pytest.mark.parametrize("acting_for", [None, UUID(int=2)])
def test_only_who_acts_for_an_organisation_acts_for_it(acting_for: UUID | None) -> None:
    require_organisation(Actor("someone", UUID(int=1)), UUID(int=1))
    with pytest.raises(OtherOrganisation):
        require_organisation(Actor("someone", acting_for), UUID(int=1))


@dataclass(eq=False)
class _NotEnoughTEAOf2Kinds(Conflict):
    """There is too little.

    More is said here, which people need not read.
    """

    given: int


def test_a_refusal_is_a_code_a_sentence_and_the_values_that_disagree() -> None:
    refusal = _NotEnoughTEAOf2Kinds(3)

    assert refusal.code() == "_NOT_ENOUGH_TEAOF2_KINDS"
    assert (refusal.category, refusal.text) == ("CONFLICT", "There is too little.")
    assert str(refusal) == "_NOT_ENOUGH_TEAOF2_KINDS: There is too little. (given 3)"
    assert isinstance(refusal, Refusal)
