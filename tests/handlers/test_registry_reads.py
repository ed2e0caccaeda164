"""What the registry publishes of projects: lists and search, counters, drafts and history."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.kernel.ids import new_id
from services.registry.messages.calendars import OpenDay
from services.registry.messages.duplicates import ResolveDuplicate
from services.registry.messages.notices import CommentOnProject
from services.registry.messages.projects import WithdrawProject
from services.registry.messages.registrations import CancelProject
from services.runtime.postgres import Transaction, opened_connection
from tests.conftest import Database
from tests.handlers.projects import (
    BODY,
    CODE,
    OTHER,
    OWNER,
    PASSER_BY,
    REGISTRAR,
    TWIN_CODE,
    VERIFIER,
    Registry,
    at,
    document,
    furnished,
)

SEARCH = (
    "search_pairs @> registry_read.search_pairs($1)"
    " AND search_text LIKE ALL (registry_read.search_patterns($1))"
)


class Readable(Registry):
    """A registry whose one transaction the gateway's role can look into."""

    async def read(self, sql: str, *args: object) -> list[dict[str, Any]]:
        """What the gateway sees."""
        await self.tx.connection.execute("SET LOCAL ROLE tonne_gateway")
        try:
            return [dict(row) for row in await self.tx.connection.fetch(sql, *args)]
        finally:
            await self.tx.connection.execute("SET LOCAL ROLE tonne_registry")

    async def found(self, sought: str) -> list[str]:
        """The codes of the projects that are found."""
        sql = f"SELECT code FROM registry_read.project WHERE {SEARCH} ORDER BY code"
        return [row["code"] for row in await self.read(sql, sought)]


@pytest.fixture
async def public(database: Database) -> AsyncIterator[Readable]:
    connection = await opened_connection(database.admin_url, "registry")
    await connection.transaction().start()
    await connection.execute("SET LOCAL ROLE tonne_registry")
    tx = Transaction(connection, str(new_id()), REGISTRAR, at(7, 1), at(7, 1))
    registry = await furnished(tx)
    yield Readable(**{name: getattr(registry, name) for name in Registry.__dataclass_fields__})
    await connection.close()


async def test_a_draft_is_seen_by_its_owner_and_by_those_who_oversee(public: Readable) -> None:
    await public.say(public.draft())
    assert await public.read("SELECT * FROM registry_read.project") == []
    drafts = "SELECT code FROM registry_read.project_drafts('x', $1, $2, NULL, NULL, 10)"
    history = "SELECT type FROM registry_read.history('x', $1, $2, $3, NULL, 10)"
    for viewer, roles, is_seen in (
        (OWNER, [], True),
        (None, ["registrar"], True),
        (None, ["auditor"], True),
        (OTHER, [], False),
        (None, [], False),
        (BODY, ["verifier", "approver"], False),
    ):
        assert await public.read(drafts, viewer, roles) == [{"code": CODE}] * is_seen
        told = [{"type": "registry.project.drafted"}] * is_seen
        assert await public.read(history, viewer, roles, f"project/{CODE}") == told


async def test_everybody_sees_a_project_from_its_notice_on(public: Readable) -> None:
    await public.registered()
    [project] = await public.read("SELECT * FROM registry_read.project")
    assert project["status"] == "REGISTERED"
    assert project["validation_body"] == f"VERIFIER {BODY}"
    assert project["validation_account"] == public.body
    assert project["owner_name"] == f"OWNER {OWNER}"
    assert (project["notice_ends_on"], project["decide_by"]) == (
        date(2026, 8, 13),
        date(2026, 9, 4),
    )
    documents = await public.read("SELECT * FROM registry_read.project_document ORDER BY kind")
    assert [one["kind"] for one in documents] == ["COMMITMENT", "PDD", "VALIDATION_REPORT"]
    assert not any(one["is_kept"] for one in documents)
    [validation] = await public.read("SELECT * FROM registry_read.validation")
    assert validation["is_positive"]
    assert validation["team"][0] == {"name": "甲", "is_sector_competent": True}


async def test_the_history_tells_who_when_and_why(public: Readable) -> None:
    await public.registered()
    closing = CancelProject(code=CODE, ground="OWNER_REQUEST", reason="停产")
    await public.say(closing, REGISTRAR, at(9, 2))
    history = "SELECT * FROM registry_read.history('x', NULL, '{}', $1, $2, $3)"
    told = await public.read(history, f"project/{CODE}", None, 100)
    assert [one["type"].removeprefix("registry.project.") for one in told] == [
        "drafted",
        "notice_opened",
        "notice_ended",
        "validated",
        "registration_applied",
        "registered",
        "cancelled",
    ]
    assert [one["sequence"] for one in told] == list(range(1, 8))
    assert told[3]["actor"] == VERIFIER.subject
    assert told[6]["effective_at"] == at(9, 2)
    assert '"reason":"停产"' in told[6]["body"]
    assert await public.read(history, f"project/{CODE}", 2, 3) == told[2:5]
    assert await public.read(history, "programme/CCER", None, 10)
    assert await public.read(history, "project/NONE", None, 10) == []
    assert await public.read(history, f"organisation/{OWNER}", None, 10) == []
    own = "SELECT type FROM registry_read.history('x', $1, '{}', $2, NULL, 10)"
    assert await public.read(own, OWNER, f"organisation/{OWNER}")
    assert await public.read(own, OTHER, f"organisation/{OWNER}") == []


async def test_comments_documents_and_duplicates_are_public(public: Readable) -> None:
    await public.noticed()
    comment = CommentOnProject(comment_id=new_id(), code=CODE, text="鸟类迁徙？")
    await public.say(comment, PASSER_BY, at(7, 18))
    [said] = await public.read("SELECT * FROM registry_read.project_comment")
    assert (said["author"], said["text"]) == (PASSER_BY.subject, "鸟类迁徙？")
    content = b"%PDF"
    await public.say(public.twin(), when=at(7, 18))
    noticing = public.notice(TWIN_CODE, documents=(document("PDD", content),))
    await public.say(noticing, when=at(7, 18))
    [kept] = await public.read("SELECT * FROM registry_read.document_content")
    assert kept["content"] == content
    reason = "另一风场"
    answer = ResolveDuplicate(code=CODE, other=TWIN_CODE, is_same=False, reason=reason)
    await public.say(answer, REGISTRAR, at(7, 19))
    asked = "SELECT * FROM registry_read.project_duplicate WHERE project = $1"
    for project, other in ((CODE, TWIN_CODE), (TWIN_CODE, CODE)):
        [pair] = await public.read(asked, project)
        assert (pair["other"], pair["status"], pair["reason"]) == (other, "DISMISSED", reason)
        assert pair["resolved_by"] == REGISTRAR.subject


async def test_counters_are_separate_figures_of_each_programme(public: Readable) -> None:
    places = (Decimal(20) + number for number in range(10))

    def elsewhere(number: int, **changes: object) -> dict[str, object]:
        return {"code": f"A{number}", "latitude": next(places), **changes}

    await public.say(public.draft(**elsewhere(1)))
    await public.noticed(public.draft(**elsewhere(2)))
    await public.say(WithdrawProject(code="A2", reason="-"), when=at(7, 18))
    await public.noticed(public.draft(**elsewhere(3)))
    await public.say(public.validation("A3", is_positive=False), VERIFIER, at(8, 14))
    await public.applied(public.draft(**elsewhere(4)))
    await public.registered(public.draft(**elsewhere(5)))
    await public.registered(public.draft(**elsewhere(6, province="海南省")))
    await public.registered(public.draft(**elsewhere(7)))
    closing = CancelProject(code="A7", ground="OWNER_REQUEST", reason="-")
    await public.say(closing, REGISTRAR, at(9, 2))
    other = {"programme": "PILOT", "methodology": "PILOT-M", "expected_annual_tonnes": 5}
    await public.registered(public.draft(**elsewhere(8, name="回收", activity="OTHER", **other)))
    counters = await public.read(
        "SELECT * FROM registry_read.project_counter"
        " WHERE programme IN ('CCER', 'PILOT') ORDER BY programme"
    )
    assert counters == [
        {
            "programme": "CCER",
            "noticed": 6,
            "validated": 4,
            "registered": 3,
            "withdrawn": 1,
            "refused": 0,
            "cancelled": 1,
            "revoked": 0,
        },
        {
            "programme": "PILOT",
            "noticed": 1,
            "validated": 1,
            "registered": 1,
            "withdrawn": 0,
            "refused": 0,
            "cancelled": 0,
            "revoked": 0,
        },
    ]
    expected = await public.read(
        "SELECT methodology, province, projects, expected_annual_tonnes"
        " FROM registry_read.expected_reduction ORDER BY methodology, province"
    )
    assert [tuple(one.values()) for one in expected] == [
        ("CCER-01-002-V01", "山东省", 1, 497_191),
        ("CCER-01-002-V01", "海南省", 1, 497_191),
        ("PILOT-M", "山东省", 1, 5),
    ]


@pytest.mark.parametrize(
    ("sought", "is_found"),
    [
        ("海上", True),
        ("海上风电", True),
        ("风电 山东", True),
        ("Ａ２１０００１", True),
        ("a2100", True),
        ("Wind", True),
        ("wind FARM", True),
        ("海风", False),
        ("风电 海南", False),
        ("wind mill", False),
        ("100%", True),
        ("00_", False),
        ("风", False),
        ("", False),
        (" ", False),
    ],
)
async def test_words_of_two_characters_are_found(
    public: Readable, sought: str, is_found: bool
) -> None:
    name = "半岛南海上风电项目 Wind Farm 100% (一期)"
    await public.noticed(public.draft(name=name))
    assert await public.found(sought) == [CODE] * is_found


@pytest.mark.parametrize("sought", ["海上", "渤海", "wind"])
async def test_search_uses_its_index(public: Readable, sought: str) -> None:
    """Among ten thousand projects, most of which do not match; the plan is the planner's own choice."""
    await public.tx.connection.execute("SET LOCAL ROLE tonne_owner")
    await public.tx.connection.execute(
        """
        INSERT INTO project (code, project_id, programme, methodology, activity, owner_account, name, province,
            longitude, latitude, construction_started_on, crediting_from, crediting_until, expected_annual_tonnes,
            notes, drafted_at, recorded_at, changed_at, state, validation_body, notice_opened_at, notice_ends_on,
            notice_is_provisional, validate_by)
        SELECT 'P-' || n, gen_random_uuid(), 'CCER', 'CCER-01-002-V01', 'OTHER', $1,
            CASE WHEN n % 200 = 0 THEN '渤海海上风电 offshore wind ' ELSE '光伏电站 solar ' END || n, '甘肃省',
            100, 40, '2020-01-01', '2021-01-01', '2030-12-31', n, '',
            now(), now(), now(), 'IN_PUBLIC_NOTICE', $2, now(), '2030-01-01', false, '2030-01-01'
        FROM generate_series(1, 10000) AS n
        """,
        public.owner,
        public.body,
    )
    await public.tx.connection.execute("ANALYZE project")
    await public.tx.connection.execute("SET LOCAL ROLE tonne_registry")
    sql = f"EXPLAIN SELECT * FROM registry_read.project WHERE {SEARCH} ORDER BY code LIMIT 51"
    await public.tx.connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    plan = "\n".join(row["QUERY PLAN"] for row in await public.read(sql, sought))
    assert "Bitmap Index Scan on project_search" in plan, plan
    assert len(await public.found(sought)) == 50


async def test_a_day_and_a_calendar_have_a_history_too(public: Readable) -> None:
    await public.say(OpenDay(date=date(2026, 7, 1)))
    history = "SELECT type FROM registry_read.history('x', NULL, '{}', $1, NULL, 10)"
    assert await public.read(history, "day/2026-07-01") == [{"type": "registry.day.opened"}]
