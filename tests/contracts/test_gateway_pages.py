"""Pages: a cursor leads to the row after its own, and any other text is refused."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.errors import BadInput, LimitExceeded
from services.gateway.pages import Keyset, rows_wanted

INSTANT = datetime(2026, 3, 10, 10, 15, 30, 123456, UTC)
ID = UUID("01890000-0000-7000-8000-000000000001")


@dataclass
class Row:
    at: datetime
    id: UUID
    tonnes: int
    code: str


ROWS: Keyset[Row] = Keyset(
    "rows", (datetime, UUID, int, str), lambda row: (row.at, row.id, row.tonnes, row.code)
)
OTHERS: Keyset[Row] = Keyset("others", ROWS.types, ROWS.key)


def row(tonnes: int = 5, code: str = "A-1") -> Row:
    return Row(INSTANT, ID, tonnes, code)


@given(st.integers(-(2**53), 2**53), st.text())
def test_a_cursor_brings_back_the_key_of_its_row(tonnes: int, code: str) -> None:
    cursor = ROWS.cursor(row(tonnes, code[:50]))
    assert ROWS.after(cursor) == (INSTANT, ID, tonnes, code[:50])


def test_the_first_page_begins_after_nothing() -> None:
    assert ROWS.after(None) == (None, None, None, None)


def test_a_page_ends_where_it_says_and_knows_whether_there_is_more() -> None:
    rows = [row(tonnes) for tonnes in range(4)]
    page = ROWS.page(rows, 3)
    assert [edge.node.tonnes for edge in page.edges] == [0, 1, 2]
    assert page.nodes == rows[:3]
    assert page.page_info.has_next_page
    assert page.page_info.end_cursor == ROWS.cursor(rows[2])
    assert not ROWS.page(rows, 4).page_info.has_next_page


def test_an_empty_page_has_no_end() -> None:
    page = ROWS.page([], 3)
    assert (page.edges, page.page_info.end_cursor, page.page_info.has_next_page) == (
        [],
        None,
        False,
    )


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
def test_a_page_holds_1_to_100_rows(first: int) -> None:
    with pytest.raises(LimitExceeded, match=str(first)):
        rows_wanted(first)


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


GOOD = ["rows", INSTANT.isoformat(), str(ID), 5, "A-1"]
BAD = {
    "empty": "",
    "noise": "xx",
    "not base64": "%%%%",
    "beyond ASCII": "游标",
    "not JSON": base64.urlsafe_b64encode(b"[").decode(),
    "no list": encoded({}),
    "too short": encoded(GOOD[:-1]),
    "too long": encoded([*GOOD, 1]),
    "another type": encoded([*GOOD[:3], "5", "A-1"]),
    "a float": encoded([*GOOD[:3], 5.5, "A-1"]),
    "no instant": encoded(["rows", "yesterday", *GOOD[2:]]),
    "huge": encoded([*GOOD[:4], "A" * 1000]),
    "deep": base64.urlsafe_b64encode(b"[" * 300).decode(),
    "null key": encoded([*GOOD[:4], None]),
    "cut": encoded(GOOD)[:-3],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_cursor_is_refused_without_details(name: str) -> None:
    with pytest.raises(BadInput, match="This cursor was not made by this list"):
        ROWS.after(BAD[name])


def test_the_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(BadInput, match="another list"):
        ROWS.after(OTHERS.cursor(row()))


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_no_altered_cursor_is_a_fault(place: int, character: str) -> None:
    cursor = ROWS.cursor(row())
    place %= len(cursor)
    try:
        key = ROWS.after(cursor[:place] + character + cursor[place + 1 :])
    except BadInput:
        return
    assert len(key) == 4
