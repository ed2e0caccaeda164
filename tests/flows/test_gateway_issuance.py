"""Issuance's whole work through GraphQL: a report from activity data to credits, and everything behind its tonnes."""

from uuid import UUID

import msgspec
import pytest

from services.issuance.messages.applications import ApplyForReduction, RegisterReduction
from services.issuance.messages.batches import IssueCredits
from services.issuance.messages.notices import CommentOnReport
from services.issuance.messages.reductions import RevokeReductions
from services.issuance.messages.reports import SubmitReport
from services.kernel.actors import Actor
from services.kernel.ids import derived_id, new_id
from tests.flows import monitored
from tests.flows.graph import Graph, until_told
from tests.flows.monitored import METHODOLOGY, NOTICED, TONNES, VERIFIED
from tests.market import APPROVER, Market
from tests.register import HISTORIAN, Party
from tests.wire import eventually

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
AUTHORITY = Actor("aldo.authority", None, frozenset({"authority"}))
LIFE = "submitted notice_opened commented notice_ended verified applied registered issued".split()


@pytest.fixture
async def owner(market: Market) -> Party:
    """An owner, after the methodologies of the demo are published."""
    await monitored.publish(market, METHODOLOGY)
    return await market.party()


async def verified_report(graph: Graph, market: Market, owner: Party) -> SubmitReport:
    """A report that its body has verified, of a new project."""
    body = await market.party("VERIFIER")
    report = monitored.quantified(await monitored.farm(market, owner))
    await graph.accepted(report, HISTORIAN, days_ago=NOTICED)
    await graph.accepted(monitored.noticed(report, body), HISTORIAN, days_ago=NOTICED)
    comment = CommentOnReport(comment_id=new_id(), report_id=report.report_id, text="量对吗?")
    citizen = Actor("a.citizen", None, frozenset({"historian"}))
    await graph.accepted(comment, citizen, days_ago=NOTICED - 10)
    answered = msgspec.structs.replace(
        monitored.verified(report, body), findings="The meters were read again."
    )
    await graph.accepted(answered, body.actor, days_ago=VERIFIED)
    return report


async def test_a_dry_run_shows_the_tonnes_and_every_step_and_stores_nothing(
    graph: Graph, market: Market, owner: Party
) -> None:
    events = "SELECT count(*) FROM issuance.event"
    before = await market.database.fetchval(events)
    seen = "tonnes vintages { vintage tonnes } cautions { code } unverified trace"
    payload = await graph.accepted(monitored.dry_run(), owner.actor, selecting=seen)
    assert payload["tonnes"] == TONNES
    assert payload["vintages"] == [{"vintage": 2024, "tonnes": TONNES}]
    assert payload["trace"]["steps"]
    assert await market.database.fetchval(events) == before

    refused = await graph.say(monitored.dry_run("{}"), owner.actor, selecting=seen)
    assert [error["code"] for error in refused["errors"]] == ["ACTIVITY_MALFORMED"]
    assert (refused["tonnes"], refused["vintages"], refused["trace"]) == (None, [], None)


async def test_a_report_becomes_credits_and_shows_how_it_was_computed(
    graph: Graph, market: Market, owner: Party
) -> None:
    report = await verified_report(graph, market, owner)
    applying = ApplyForReduction(report_id=report.report_id, tonnes=TONNES)
    await graph.accepted(applying, HISTORIAN, days_ago=VERIFIED)
    await graph.accepted(RegisterReduction(report_id=report.report_id))
    reduction_id = derived_id("reduction", report.report_id, 2024)
    await graph.approved(IssueCredits(batch_id=new_id(), reduction_id=reduction_id))

    data = await graph.read(
        """query ($id: UUID!) { report(id: $id) { id status basis reportedTonnes verifiedTonnes
          project { code } verificationAccount noticeEndsOn unverified
          vintages { vintage verifiedTonnes reduction { status basis report { reportId } } creditBatch { tonnes } }
          verification { reviewer findings team { name } }
          trace { inputsSha256 traceSha256 content }
          comments { nodes { author text } } documents { sha256 }
          lifecycle { nodes { type actor approvedBy } } } }""",
        id=str(report.report_id),
    )
    found = data["report"]
    assert (found["status"], found["basis"], found["verifiedTonnes"]) == (
        "ISSUED",
        "QUANTIFIED",
        TONNES,
    )
    assert found["vintages"] == [
        {
            "vintage": 2024,
            "verifiedTonnes": TONNES,
            "reduction": {
                "status": "ISSUED",
                "basis": "QUANTIFIED",
                "report": {"reportId": str(report.report_id)},
            },
            "creditBatch": {"tonnes": TONNES},
        }
    ]
    assert found["verification"]["findings"] == "The meters were read again."
    assert found["comments"]["nodes"] == [{"author": "a.citizen", "text": "量对吗?"}]
    assert found["trace"]["content"]["inputs_sha256"] == found["trace"]["inputsSha256"]
    steps = [one["type"].removeprefix("issuance.report.") for one in found["lifecycle"]["nodes"]]
    assert steps == LIFE

    node = "query ($id: ID!) { node(id: $id) { ... on MonitoringReport { status } } }"
    assert (await graph.read(node, id=found["id"]))["node"] == {"status": "ISSUED"}
    history = """query ($p: String) { reductions(filter: {project: $p}) { nodes { tonnes
      lifecycle { nodes { type } } creditBatch { lifecycle { nodes { type approvedBy } } } } } }"""
    [reduction] = (await graph.read(history, p=report.project))["reductions"]["nodes"]
    assert [one["type"] for one in reduction["lifecycle"]["nodes"]] == [
        "issuance.reduction.recorded",
        "issuance.reduction.issued",
    ]
    assert reduction["creditBatch"]["lifecycle"]["nodes"] == [
        {"type": "issuance.credits.issued", "approvedBy": APPROVER.subject}
    ]
    figures = """query { programmeFigures(programme: "CCER") { nodes {
      reductions { issuedQuantifiedTonnes issuedAttestedTonnes } } } }"""
    [counted] = (await graph.read(figures))["programmeFigures"]["nodes"]
    assert counted["reductions"]["issuedQuantifiedTonnes"] >= TONNES


async def test_a_draft_is_its_owners_own_affair(graph: Graph, market: Market, owner: Party) -> None:
    draft = monitored.statement(market.unique("draft").encode())
    report = monitored.quantified(await monitored.farm(market, owner), documents=(draft,))
    seen = "report { reportId } ownReport { status reportedTonnes }"
    payload = await graph.accepted(report, owner.actor, selecting=seen)
    assert payload["report"] is None
    assert payload["ownReport"] == {"status": "DRAFT", "reportedTonnes": TONNES}
    text = """query ($p: String!, $id: UUID!) { ownReports(project: $p) { nodes { status } }
      report(id: $id) { status } }"""
    variables = {"p": report.project, "id": str(report.report_id)}
    own = await graph.read(text, owner.actor, **variables)
    assert own == {"ownReports": {"nodes": [{"status": "DRAFT"}]}, "report": None}
    whole = """query ($p: String!) { ownReports(project: $p) { nodes { id lifecycle { nodes { type } }
      vintages { reportedTonnes } documents { sha256 } trace { traceSha256 } cautions { code } } } }"""
    [found] = (await graph.read(whole, owner.actor, p=report.project))["ownReports"]["nodes"]
    assert [one["type"] for one in found["lifecycle"]["nodes"]] == ["issuance.report.submitted"]
    assert found["vintages"] == [{"reportedTonnes": TONNES}]
    digest = report.documents[0].sha256
    assert found["documents"] == [{"sha256": digest}]
    assert found["trace"]["traceSha256"]
    node = "query ($id: ID!) { node(id: $id) { ... on OwnReport { status } } }"
    content = "query ($sha256: String!) { documentContent(sha256: $sha256) { content } }"
    assert (await graph.read(node, owner.actor, id=found["id"]))["node"] == {"status": "DRAFT"}
    assert (await graph.read(content, owner.actor, sha256=digest))["documentContent"]
    for other in (None, STRANGER):
        assert (await graph.read(node, other, id=found["id"]))["node"] is None
        assert (await graph.read(content, other, sha256=digest))["documentContent"] is None
        hidden = await graph.read(text, other, **variables)
        assert hidden == {"ownReports": {"nodes": []}, "report": None}


async def test_reports_and_reductions_that_change_are_told_to_anybody(
    graph: Graph, market: Market, owner: Party
) -> None:
    report = await verified_report(graph, market, owner)
    told = "subscription ($p: String) { reportUpdated(project: $p) { status } }"
    reduced = "subscription ($p: String) { reductionUpdated(project: $p) { status revokedTonnes } }"
    async with (
        graph.listening(told, None, p=report.project) as reports,
        graph.listening(reduced, None, p=report.project) as reductions,
    ):
        applying = ApplyForReduction(report_id=report.report_id, tonnes=TONNES)
        await graph.accepted(applying, HISTORIAN, days_ago=VERIFIED)
        await until_told(reports, {"status": "REGISTRATION_APPLIED"})
        await graph.accepted(RegisterReduction(report_id=report.report_id))
        await until_told(reductions, {"status": "REGISTERED", "revokedTonnes": 0})
        reduction_id = derived_id("reduction", report.report_id, 2024)
        issuing = IssueCredits(batch_id=new_id(), reduction_id=reduction_id)
        await graph.approved(issuing)
        await until_told(reductions, {"status": "ISSUED", "revokedTonnes": 0})
        revoking = RevokeReductions(reduction_id=reduction_id, tonnes=5, reason="falsified")
        await graph.approved(revoking, AUTHORITY)
        await until_told(reductions, {"status": "REVOKED", "revokedTonnes": 5})


async def test_grid_factors_are_listed_as_published(graph: Graph, owner: Party) -> None:
    text = "{ gridFactors(first: 100) { nodes { id region year lifecycle { nodes { type approvedBy } } } } }"
    factors = (await graph.read(text))["gridFactors"]["nodes"]
    [example] = [one for one in factors if one["region"] == "EXAMPLE"]
    told = {"type": "issuance.grid_factor.published", "approvedBy": APPROVER.subject}
    assert example["lifecycle"]["nodes"] == [told]
    node = "query ($id: ID!) { node(id: $id) { ... on GridFactor { region year } } }"
    found = (await graph.read(node, id=example["id"]))["node"]
    assert found == {"region": "EXAMPLE", "year": 2024}
    assert {"region": "EXAMPLE", "year": 2024} in [
        {name: one[name] for name in ("region", "year")} for one in factors
    ]


async def test_a_methodology_that_cannot_be_computed_says_why(
    graph: Graph, market: Market, owner: Party
) -> None:
    code = market.unique("M")
    wind = monitored.methodology(METHODOLOGY, code=code, programme="CCER", formula_id="wind-99")
    await graph.accepted(wind)
    text = "{ methodologies(first: 100) { nodes { code unreadable } } }"

    async def why() -> str | None:
        nodes = (await graph.read(text))["methodologies"]["nodes"]
        return {one["code"]: one["unreadable"] for one in nodes}[code]

    assert "wind-99" in (await eventually(why) or "")


@pytest.mark.parametrize(
    "text",
    [
        "reports(filter: {status: NOPE}) { nodes { status } }",
        "reductions(filter: {status: NOPE}) { nodes { status } }",
        "projects(filter: {status: NOPE}) { nodes { status } }",
        "approvals(state: NOPE) { nodes { state } }",
        "accountApplications(state: NOPE) { nodes { state } }",
    ],
)
async def test_a_state_that_is_none_is_bad_input(graph: Graph, text: str) -> None:
    answer = await graph.ask(f"{{ {text} }}", None)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]
