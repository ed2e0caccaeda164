"""The registry's whole work through GraphQL: parties and accounts, programmes, and a project's life from draft on."""

import base64
import hashlib
from datetime import date
from uuid import UUID

import msgspec
import pytest

from services.gateway import nodes
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.calendars import AddOfficialDays
from services.registry.messages.duplicates import ResolveDuplicate
from services.registry.messages.notices import CommentOnProject, OpenNotice
from services.registry.messages.registrations import ApplyForRegistration, RegisterProject
from services.registry.messages.validations import RecordValidation, TeamMember
from tests.flows.graph import Graph
from tests.market import Market
from tests.register import HISTORIAN, PILOT, document

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
NOBODY = "01890000-0000-7000-8000-00000000beef"
UNKNOWN = dict.fromkeys(nodes.FINDERS, NOBODY)
PDD = b"project design document"
LIFE = (
    "drafted notice_opened commented notice_ended validated registration_applied registered".split()
)


async def test_a_project_lives_from_draft_to_register(graph: Graph, market: Market) -> None:
    owner, body = await market.party(), market.validation_body
    assert body is not None
    code = market.unique("P")
    draft = msgspec.structs.replace(market.draft(code, owner), name=f"半岛南海上风电 {code}")

    seen = "project { code } draft { code name programme { code } }"
    drafted = await graph.accepted(draft, HISTORIAN, days_ago=100, selecting=seen)
    assert drafted["project"] is None
    assert drafted["draft"] == {"code": code, "name": draft.name, "programme": {"code": "CCER"}}
    drafts = "{ projectDrafts(first: 100) { nodes { code } } }"
    assert {"code": code} in (await graph.read(drafts, owner.actor))["projectDrafts"]["nodes"]
    for other in (None, STRANGER):
        assert (await graph.read(drafts, other))["projectDrafts"]["nodes"] == []

    notice = OpenNotice(code=code, validation_body=body.account, documents=(document("PDD", PDD),))
    noticed = await graph.accepted(
        notice, HISTORIAN, days_ago=100, selecting="project { status } draft { code }"
    )
    assert (noticed["project"], noticed["draft"]) == ({"status": "IN_PUBLIC_NOTICE"}, None)
    comment = CommentOnProject(comment_id=new_id(), code=code, text="鸟类迁徙怎么办?")
    await graph.accepted(comment, Actor("a.citizen", None, frozenset({"historian"})), days_ago=90)
    validation = RecordValidation(
        code=code,
        validation_body=body.account,
        is_positive=True,
        team=tuple(TeamMember(name=name, is_sector_competent=name == "甲") for name in "甲乙"),
        reviewer="丙",
        documents=(document("VALIDATION_REPORT", b"report"),),
        comments_handling="Answered in chapter 4.",
    )
    await graph.accepted(validation, body.actor, days_ago=40)
    commitment = (document("COMMITMENT", b"unique"),)
    await graph.accepted(
        ApplyForRegistration(code=code, documents=commitment), HISTORIAN, days_ago=40
    )
    await graph.accepted(RegisterProject(code=code))

    data = await graph.read(
        """query ($code: String!) { project(code: $code) { id status noticeEndsOn noticeIsProvisional
          validationBody validationAccount closedAt registeredAt
          validation { isPositive reviewer commentsHandling team { name isSectorCompetent } }
          comments { nodes { author text } }
          documents { kind sha256 isKept } duplicates { otherCode } reports { nodes { status } }
          lifecycle { nodes { sequence type actor content } pageInfo { hasNextPage } } } }""",
        code=code,
    )
    project = data["project"]
    assert project["status"] == "REGISTERED"
    assert project["validationAccount"] == body.account
    assert project["comments"]["nodes"] == [{"author": "a.citizen", "text": comment.text}]
    assert project["validation"] == {
        "isPositive": True,
        "reviewer": "丙",
        "commentsHandling": "Answered in chapter 4.",
        "team": [
            {"name": "甲", "isSectorCompetent": True},
            {"name": "乙", "isSectorCompetent": False},
        ],
    }
    assert {one["kind"]: one["isKept"] for one in project["documents"]} == {
        "PDD": True,
        "VALIDATION_REPORT": True,
        "COMMITMENT": True,
    }
    happened = project["lifecycle"]["nodes"]
    assert [one["type"] for one in happened] == [f"registry.project.{step}" for step in LIFE]
    assert [one["sequence"] for one in happened] == list(range(1, len(LIFE) + 1))
    assert happened[4]["actor"] == body.actor.subject
    assert happened[4]["content"]["is_positive"] is True

    content = "query ($d: String!) { documentContent(sha256: $d) { content } }"
    kept = await graph.read(content, d=hashlib.sha256(PDD).hexdigest())
    assert base64.b64decode(kept["documentContent"]["content"]) == PDD
    assert (await graph.read(content, d="0" * 64))["documentContent"] is None

    again = "query ($id: ID!) { node(id: $id) { id ... on Project { code } } }"
    assert (await graph.read(again, id=project["id"]))["node"] == {
        "id": project["id"],
        "code": code,
    }


async def test_projects_are_found_by_chinese_and_english_words(
    graph: Graph, market: Market
) -> None:
    owner, word = await market.party(), market.unique("W").lower()
    codes = [market.unique("P") for _ in range(2)]
    for code, name in zip(codes, (f"滩涂红树林 {word}", f"Salt marsh {word}"), strict=True):
        draft = msgspec.structs.replace(market.draft(code, owner), name=name)
        await graph.accepted(draft, owner.actor)
        assert market.validation_body is not None
        account = market.validation_body.account
        notice = OpenNotice(code=code, validation_body=account, documents=(document("PDD", PDD),))
        await graph.accepted(notice, owner.actor)
    text = """query ($s: String, $f: ProjectFilter) {
      projects(search: $s, filter: $f, orderBy: LATEST) { nodes { code } } }"""
    for sought, found in (
        (f"红树 {word}", codes[:1]),
        (f"MARSH {word}", codes[1:]),
        (word, codes[::-1]),
        (f"光伏 {word}", []),
        (f"红 {word}", codes[:1]),
    ):
        data = await graph.read(text, s=sought, f={"ownerAccount": owner.account})
        assert data["projects"]["nodes"] == [{"code": code} for code in found], sought


@pytest.mark.parametrize("sought", ["", " ", "红", "A", "a b 红", "\u3000红\u3000"])
async def test_a_search_without_a_word_of_two_characters_is_refused(
    graph: Graph, sought: str
) -> None:
    text = "query ($s: String) { projects(search: $s) { nodes { code } } }"
    [error] = (await graph.ask(text, s=sought))["errors"]
    assert error["extensions"] == {"code": "BAD_INPUT"}
    assert "two characters" in error["message"]


async def test_what_may_be_one_project_is_shown_on_both_until_a_person_decides(
    graph: Graph, market: Market
) -> None:
    owner, body = await market.party(), market.validation_body
    assert body is not None
    codes = [market.unique("D") for _ in range(2)]
    for code, programme in zip(codes, ("CCER", PILOT), strict=True):
        draft = msgspec.structs.replace(
            market.draft(code, owner, programme),
            name=f"一个项目 {codes[0]}",
            activity="BIOGAS",
            longitude=market.draft(code, owner).longitude - 20,
        )
        await graph.accepted(draft, owner.actor)
        notice = OpenNotice(
            code=code, validation_body=body.account, documents=(document("PDD", PDD),)
        )
        await graph.accepted(notice, owner.actor)
    text = """query ($code: String!) { project(code: $code) {
      duplicates { otherCode other { code } distanceMetres status reason } } }"""
    for code, other in (codes, codes[::-1]):
        data = await graph.read(text, code=code)
        assert data["project"]["duplicates"] == [
            {
                "otherCode": other,
                "other": {"code": other},
                "distanceMetres": 0,
                "status": "OPEN",
                "reason": None,
            }
        ]
    decided = ResolveDuplicate(code=codes[0], other=codes[1], is_same=False, reason="other stage")
    await graph.accepted(decided)
    data = await graph.read(text, code=codes[1])
    [finding] = data["project"]["duplicates"]
    assert (finding["status"], finding["reason"]) == ("DISMISSED", "other stage")


async def test_official_days_are_added_and_listed(graph: Graph, market: Market) -> None:
    days = AddOfficialDays(
        notice_id=new_id(),
        year=2031,
        holidays=(date(2031, 1, 1),),
        working_days=(date(2031, 1, 4),),
        source="Notice of the State Council",
    )
    await graph.approved(days)
    data = await graph.read(
        "{ officialDays(year: 2031) { nodes { noticeId holidays workingDays source } } }"
    )
    assert data["officialDays"]["nodes"] == [
        {
            "noticeId": str(days.notice_id),
            "holidays": ["2031-01-01"],
            "workingDays": ["2031-01-04"],
            "source": days.source,
        }
    ]


async def test_a_published_project_that_changes_is_told_to_anybody(
    graph: Graph, market: Market
) -> None:
    owner = await market.party()
    text = "subscription ($p: String) { projectUpdated(programme: $p) { code status } }"
    async with graph.listening(text, None, p="CCER") as socket:
        code = await market.project(owner)
        seen: list[str] = []
        while "REGISTERED" not in seen:
            message = await socket.receive_json(timeout=15)
            update = message["payload"]["data"]["projectUpdated"]
            seen += [update["status"]] * (update["code"] == code)
    assert set(seen) <= {
        "IN_PUBLIC_NOTICE",
        "NOTICE_ENDED",
        "VALIDATED_POSITIVE",
        "REGISTRATION_APPLIED",
        "REGISTERED",
    }
