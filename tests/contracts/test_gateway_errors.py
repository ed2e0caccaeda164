"""Errors and scalars: refusals keep their values, faults keep their secrets, numbers stay whole."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from graphql import GraphQLError

from services.gateway.commands import Outcome, answered
from services.gateway.errors import BadInput, RefusalCategory, shown
from services.gateway.project_life import ProjectPayload
from services.gateway.scalars import WHOLE_MAX, decimal, instant, whole
from services.kernel.refusals import Conflict, every_refusal
from services.runtime.messages import Answer, RefusalBody

ID = UUID("01890000-0000-7000-8000-000000000001")
APPROVAL = UUID("01890000-0000-7000-8000-000000000002")
SECRET = "postgresql://tonne_gateway:secret@db/tonne"


@dataclass(eq=False)
class NotEnough(Conflict):
    """There is less than asked for."""

    asked_tonnes: int
    held_tonnes: int


def payload(**answer: Any) -> ProjectPayload:
    return answered(ProjectPayload, ID, Answer(command_id=str(ID), **answer))


def test_a_refusal_keeps_its_code_category_words_and_values() -> None:
    refused = payload(outcome=Answer.REFUSED, refusal=RefusalBody.of(NotEnough(10, 3)))
    [refusal] = refused.errors
    assert refused.outcome is Outcome.REFUSED
    assert (refusal.code, refusal.category) == ("NOT_ENOUGH", RefusalCategory.CONFLICT)
    assert refusal.message == "There is less than asked for."
    assert {field.name: field.value for field in refusal.fields} == {
        "asked_tonnes": "10",
        "held_tonnes": "3",
    }


def test_every_category_of_every_refusal_has_its_place_in_the_schema() -> None:
    categories = {kind.category for kind in every_refusal()}
    assert categories <= {category.value for category in RefusalCategory}


def test_an_accepted_command_names_what_it_was_done_to() -> None:
    done = payload(outcome=Answer.ACCEPTED, subject="project/A-1")
    assert (done.outcome, done.errors, done.command_id) == (Outcome.ACCEPTED, [], ID)
    assert done.key("project") == "A-1"
    assert done.key("account") == ""
    assert done.uuid("account") is None


def test_a_pending_command_names_its_approval() -> None:
    waiting = payload(outcome=Answer.PENDING, subject=f"approval/{APPROVAL}", approval_id=APPROVAL)
    assert (waiting.outcome, waiting.approval_id) == (Outcome.PENDING, APPROVAL)
    assert waiting.uuid("approval") == APPROVAL
    assert waiting.key("project") == ""


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RuntimeError(SECRET), "FAULT"),
        (KeyError(SECRET), "FAULT"),
        (asyncpg.UndefinedTableError(SECRET), "FAULT"),
        (OSError(SECRET), "UNAVAILABLE"),
        (TimeoutError(SECRET), "UNAVAILABLE"),
    ],
)
def test_a_fault_shows_nothing_but_the_id_of_the_request(raised: Exception, code: str) -> None:
    error = shown(GraphQLError(str(raised), original_error=raised), "req-1")
    assert error.extensions == {"code": code, "requestId": "req-1"}
    assert SECRET not in str(error.formatted)
    assert shown(error, "req-1").formatted == error.formatted


def test_what_the_client_did_wrong_is_shown_with_a_code() -> None:
    plain = shown(GraphQLError("Cannot query field 'x'."), "req-1")
    assert plain.formatted == {
        "message": "Cannot query field 'x'.",
        "extensions": {"code": "BAD_INPUT"},
    }
    located = GraphQLError("no", original_error=BadInput("no"))
    assert shown(located, "req-1").extensions == {"code": "BAD_INPUT"}


@pytest.mark.parametrize("value", [0, 1, -5, WHOLE_MAX, -WHOLE_MAX])
def test_a_whole_number_is_itself(value: int) -> None:
    assert whole(value) == value


@pytest.mark.parametrize(
    "value", [1.0, 1.5, float("nan"), True, "1", None, WHOLE_MAX + 1, -WHOLE_MAX - 1, 2**80, [1]]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        whole(value)


def test_an_instant_needs_its_offset() -> None:
    assert instant("2026-03-10T10:15:30Z") == datetime(2026, 3, 10, 10, 15, 30, tzinfo=UTC)
    for value in ("2026-03-10T10:15:30", "2026-03-10", "now", 1741572930, None):
        with pytest.raises(GraphQLError):
            instant(value)


def test_a_decimal_is_a_plain_string() -> None:
    assert decimal("-104.50") == Decimal("-104.50")
    for value in ("NaN", "Infinity", "1e5", "1,5", " 1", "1.", "٣", 1.5, 1, "1" * 40):
        with pytest.raises(GraphQLError):
            decimal(value)
