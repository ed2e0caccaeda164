"""The registry's whole work through GraphQL: parties and accounts, programmes, and a project's life from draft on."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages import (
    AddOfficialDays,
    AmendProgramme,
    ApplyForAccount,
    ApplyForRegistration,
    AppointOperator,
    AssignRole,
    CommentOnProject,
    Document,
    LiftRestriction,
    OpenNotice,
    Parameter,
    PublishMethodology,
    RecordValidation,
    RegisterOrganisation,
    RegisterProgramme,
    RegisterProject,
    ResolveDuplicate,
    RestrictAccount,
    TeamMember,
)
from services.runtime.messages import Command
from services.tools.stack import Stack
from tests.flows.graph import Graph
from tests.market import REGISTRAR, Market
from tests.register import HISTORIAN, PILOT, credit_code

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
PDD = b"project design document"
LIFE = ["drafted", "notice_opened", "commented", "notice_ended", "validated", "registration_applied", "registered"]  # fmt: skip


@pytest.fixture
async def graph(stack: Stack) -> AsyncIterator[Graph]:
    async with aiohttp.ClientSession() as session:
        yield Graph(stack, session)


def ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def document(kind: str, content: bytes = PDD) -> Document:
    return Document(
        kind=kind,
        name=f"{kind}.pdf",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        media_type="application/pdf",
        content=content,
    )


async def accepted(
    graph: Graph, command: Command, actor: Actor = REGISTRAR, days: int = 0, selecting: str = ""
) -> dict[str, Any]:
    """The payload of a mutation that must take effect, so many days ago."""
    payload = await graph.say(
        command, actor, selecting=selecting, effective_at=ago(days) if days else None
    )
    assert payload["outcome"] == "ACCEPTED", payload
    return payload


async def test_a_project_lives_from_draft_to_register(graph: Graph, market: Market) -> None:
    owner, body = await market.party(), market.validation_body
    assert body is not None
    code = market.unique("P")
    draft = msgspec.structs.replace(market.draft(code, owner), name=f"半岛南海上风电 {code}")

    seen = "project { code } draft { code name programme { code } }"
    drafted = await accepted(graph, draft, HISTORIAN, 100, seen)
    assert drafted["project"] is None
    assert drafted["draft"] == {"code": code, "name": draft.name, "programme": {"code": "CCER"}}
    drafts = "{ projectDrafts(first: 100) { nodes { code } } }"
    assert {"code": code} in (await graph.read(drafts, owner.actor))["projectDrafts"]["nodes"]
    for other in (None, STRANGER):
        assert (await graph.read(drafts, other))["projectDrafts"]["nodes"] == []

    notice = OpenNotice(code=code, validation_body=body.account, documents=(document("PDD"),))
    noticed = await accepted(graph, notice, HISTORIAN, 100, "project { status } draft { code }")
    assert (noticed["project"], noticed["draft"]) == ({"status": "IN_PUBLIC_NOTICE"}, None)
    comment = CommentOnProject(comment_id=new_id(), code=code, text="鸟类迁徙怎么办?")
    await accepted(graph, comment, Actor("a.citizen", None, frozenset({"historian"})), 90)
    validation = RecordValidation(
        code=code,
        validation_body=body.account,
        is_positive=True,
        team=tuple(TeamMember(name=name, is_sector_competent=name == "甲") for name in "甲乙"),
        reviewer="丙",
        documents=(document("VALIDATION_REPORT", b"report"),),
        comments_handling="Answered in chapter 4.",
    )
    await accepted(graph, validation, body.actor, 40)
    commitment = (document("COMMITMENT", b"unique"),)
    await accepted(graph, ApplyForRegistration(code=code, documents=commitment), HISTORIAN, 40)
    await accepted(graph, RegisterProject(code=code))

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
    assert [one["kind"] for one in project["documents"]] == [
        "PDD",
        "VALIDATION_REPORT",
        "COMMITMENT",
    ] or {one["kind"] for one in project["documents"]} == {"PDD", "VALIDATION_REPORT", "COMMITMENT"}
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
        await accepted(graph, draft)
        assert market.validation_body is not None
        account = market.validation_body.account
        notice = OpenNotice(code=code, validation_body=account, documents=(document("PDD"),))
        await accepted(graph, notice)
    text = """query ($s: String, $f: ProjectFilter) {
      projects(search: $s, filter: $f, orderBy: LATEST) { nodes { code } } }"""
    for sought, found in (
        (f"红树 {word}", codes[:1]),
        (f"MARSH {word}", codes[1:]),
        (word, codes[::-1]),
        (f"光伏 {word}", []),
        ("红", []),
    ):
        data = await graph.read(text, s=sought, f={"ownerAccount": owner.account})
        assert data["projects"]["nodes"] == [{"code": code} for code in found], sought


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
        await accepted(graph, draft)
        notice = OpenNotice(code=code, validation_body=body.account, documents=(document("PDD"),))
        await accepted(graph, notice)
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
    await accepted(graph, decided)
    data = await graph.read(text, code=codes[1])
    [finding] = data["project"]["duplicates"]
    assert (finding["status"], finding["reason"]) == ("DISMISSED", "other stage")


async def test_an_account_is_applied_for_opened_operated_and_restricted(
    graph: Graph, market: Market
) -> None:
    organisation_id, account_id = new_id(), new_id()
    owner = Actor(market.unique("op"), organisation_id, frozenset({"owner-operator"}))
    organisation = RegisterOrganisation(
        organisation_id=organisation_id, name=market.unique("Org"), credit_code=credit_code()
    )
    registered = await accepted(graph, organisation, selecting="organisation { category country }")
    assert registered["organisation"] == {"category": "ENTERPRISE", "country": "CN"}

    applying = ApplyForAccount(account_id=account_id, organisation_id=organisation_id, kind="OWNER")
    seen = "account { number } application { state kind }"
    applied = await accepted(graph, applying, owner, selecting=seen)
    assert applied["account"] is None
    assert applied["application"] == {"state": "APPLIED", "kind": "OWNER"}
    listed = '{ accountApplications(state: "APPLIED") { nodes { accountId } } }'
    own = (await graph.read(listed, owner))["accountApplications"]["nodes"]
    assert own == [{"accountId": str(account_id)}]
    assert (await graph.read(listed, STRANGER))["accountApplications"]["nodes"] == []

    opening = {"organisationId": str(organisation_id), "kind": "OWNER"}
    opened = await graph.tell(
        "openAccount",
        REGISTRAR,
        opening | {"accountId": str(account_id)},
        selecting="account { number }",
    )
    number = opened["account"]["number"]
    await accepted(graph, AppointOperator(account=number, operator=owner.subject, name="王五"))
    text = "subscription ($n: String) { accountUpdated(number: $n) { status restrictionReason } }"
    async with (
        graph.listening(text, owner, n=number) as mine,
        graph.listening(text, STRANGER) as stranger,
    ):
        restricting = RestrictAccount(account=number, ground="RULES_BROKEN", reason="late papers")
        await accepted(graph, restricting)
        message = await mine.receive_json(timeout=15)
        assert message["payload"]["data"]["accountUpdated"] == {
            "status": "RESTRICTED",
            "restrictionReason": "late papers",
        }
        with pytest.raises(TimeoutError):
            await stranger.receive(timeout=0.5)
    await accepted(graph, LiftRestriction(account=number, reason="papers came"))
    text = """query ($n: String!) { account(number: $n) { id status tradingAccount category
      operators { operator name appointedBy } lifecycle { nodes { type content } } } }"""
    account = (await graph.read(text, owner, n=number))["account"]
    assert account["status"] == "OPEN"
    assert account["operators"] == [
        {"operator": owner.subject, "name": "王五", "appointedBy": REGISTRAR.subject}
    ]
    steps = [one["type"].removeprefix("registry.account.") for one in account["lifecycle"]["nodes"]]
    assert steps == ["applied", "opened", "operator_appointed", "restricted", "restriction_lifted"]
    node = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { number } } }"
    assert (await graph.read(node, owner, ids=[account["id"]]))["nodes"] == [{"number": number}]
    assert (await graph.read(node, STRANGER, ids=[account["id"]]))["nodes"] == [None]


async def test_a_programme_has_versions_roles_methodologies_and_figures(
    graph: Graph, market: Market
) -> None:
    code = market.unique("PR")
    programme = RegisterProgramme(
        code=code,
        name="First",
        country="CN",
        kind="NATIONAL",
        is_ets_eligible=True,
        rule_book="Rules 1",
        valid_from=date(2024, 1, 1),
    )
    await accepted(graph, programme)
    amended = AmendProgramme(code=code, name="Second", rule_book="Rules 2", reason="new edition")
    await accepted(graph, amended)
    await accepted(
        graph, AssignRole(programme=code, role="verifier", person="vera", reason="hired")
    )
    figure = Parameter(
        name="ncv",
        value="0.10",
        unit="GJ/t",
        source="Annex 1",
        edition="2024",
        confidence="VERIFIED",
    )  # pyright: ignore[reportArgumentType]
    methodology = PublishMethodology(
        code=f"{code}-M",
        programme=code,
        name="Method",
        crediting_years_max=10,
        valid_from=date(2024, 1, 1),
        risk_model="BUFFER",
        risk_rate="0.2",  # pyright: ignore[reportArgumentType]
        parameters=(figure,),
    )
    seen = "methodology { riskRate validUntil parameters { name value unit confidence } }"
    published = await accepted(graph, methodology, selecting=seen)
    assert published["methodology"] == {
        "riskRate": "0.2",
        "validUntil": None,
        "parameters": [{"name": "ncv", "value": "0.10", "unit": "GJ/t", "confidence": "VERIFIED"}],
    }
    text = """query ($p: String) { programmeFigures(programme: $p) { nodes { programmeCode
      noticedProjects registeredProjects reductions { registeredTonnes issuedReductions }
      expectedReductions { nodes { expectedAnnualTonnes } } } }
      programmes(first: 100) { nodes { code name version versions { version name reason validUntil }
        roleAssignments { role person } figures { noticedProjects }
        lifecycle { nodes { type } } } } }"""
    await market.until("SELECT EXISTS (SELECT FROM issuance.programme WHERE code = $1)", code)
    data = await graph.read(text, REGISTRAR, p=code)
    assert data["programmeFigures"]["nodes"] == [
        {
            "programmeCode": code,
            "noticedProjects": 0,
            "registeredProjects": 0,
            "reductions": {"registeredTonnes": 0, "issuedReductions": 0},
            "expectedReductions": {"nodes": []},
        }
    ]
    [found] = [one for one in data["programmes"]["nodes"] if one["code"] == code]
    assert (found["name"], found["version"]) == ("Second", 2)
    assert [one["reason"] for one in found["versions"]][1] == "new edition"
    assert found["roleAssignments"] == [{"role": "verifier", "person": "vera"}]
    steps = [one["type"] for one in found["lifecycle"]["nodes"]]
    assert steps == [
        "registry.programme.registered",
        "registry.programme.amended",
        "registry.role.assigned",
    ]
    hidden = await graph.read(text, STRANGER, p=code)
    assert [
        one["roleAssignments"] for one in hidden["programmes"]["nodes"] if one["code"] == code
    ] == [[]]


async def test_official_days_are_added_and_listed(graph: Graph, market: Market) -> None:
    days = AddOfficialDays(
        notice_id=new_id(),
        year=2031,
        holidays=(date(2031, 1, 1),),
        working_days=(date(2031, 1, 4),),
        source="Notice of the State Council",
    )
    await accepted(graph, days)
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


@pytest.mark.parametrize(
    "id_", ["", "x", "UHJvamVjdA==", "Tm9wZTpY", "QWNjb3VudDpub3QtYS11dWlk", "A" * 600]
)
async def test_an_id_that_was_not_made_here_is_bad_input(graph: Graph, id_: str) -> None:
    answer = await graph.ask("query ($id: ID!) { node(id: $id) { id } }", REGISTRAR, id=id_)
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes == {"BAD_INPUT"} or answer["data"] == {"node": None}


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
