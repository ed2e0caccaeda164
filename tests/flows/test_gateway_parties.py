"""Parties, accounts, programmes and nodes through GraphQL: opened, governed, and seen by whoever may see them."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from services.gateway import nodes
from services.gateway.objects import global_id
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import (
    ApplyForAccount,
    AppointOperator,
    LiftRestriction,
    RestrictAccount,
)
from services.registry.messages.methodologies import Parameter, PublishMethodology
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import AmendProgramme, AssignRole, RegisterProgramme
from tests.flows.graph import Graph, until_told
from tests.market import REGISTRAR, Market
from tests.register import credit_code

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
NOBODY = "01890000-0000-7000-8000-00000000beef"
UNKNOWN = dict.fromkeys(nodes.FINDERS, NOBODY) | {
    "Approval": f"registry/{NOBODY}",
    "Gap": f"{NOBODY}/2020-01-01/CASH",
    "MarketTerms": f"{NOBODY}/CCER/2020-01-01",
    "VenueDay": f"{NOBODY}/2020-01-01",
    "GridFactor": "NOWHERE/2024/2024-12-31",
    "Obligation": f"{NOBODY}/2025",
}
PDD = b"project design document"
LIFE = (
    "drafted notice_opened commented notice_ended validated registration_applied registered".split()
)


async def test_an_account_is_applied_for_opened_operated_and_restricted(
    graph: Graph, market: Market
) -> None:
    organisation_id, account_id = new_id(), new_id()
    owner = Actor(market.unique("op"), organisation_id, frozenset({"owner-operator"}))
    organisation = RegisterOrganisation(
        organisation_id=organisation_id, name=market.unique("Org"), credit_code=credit_code()
    )
    registered = await graph.accepted(organisation, selecting="organisation { category country }")
    assert registered["organisation"] == {"category": "ENTERPRISE", "country": "CN"}

    applying = ApplyForAccount(account_id=account_id, organisation_id=organisation_id, kind="OWNER")
    seen = "account { number } application { state kind }"
    applied = await graph.accepted(applying, owner, selecting=seen)
    assert applied["account"] is None
    assert applied["application"] == {"state": "APPLIED", "kind": "OWNER"}
    listed = "{ accountApplications(state: APPLIED) { nodes { accountId } } }"
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
    await graph.accepted(AppointOperator(account=number, operator=owner.subject, name="王五"))
    text = "subscription ($n: String) { accountUpdated(number: $n) { status restrictionReason } }"
    async with (
        graph.listening(text, owner, n=number) as mine,
        graph.listening(text, STRANGER) as stranger,
    ):
        restricting = RestrictAccount(account=number, ground="RULES_BROKEN", reason="late papers")
        await graph.accepted(restricting)
        restricted = {"status": "RESTRICTED", "restrictionReason": "late papers"}
        await until_told(mine, restricted)
        with pytest.raises(TimeoutError):
            await stranger.receive(timeout=0.5)
    await graph.accepted(LiftRestriction(account=number, reason="papers came"))
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
    await graph.accepted(programme)
    amended = AmendProgramme(code=code, name="Second", rule_book="Rules 2", reason="new edition")
    await graph.accepted(amended)
    await graph.accepted(AssignRole(programme=code, role="verifier", person="vera", reason="hired"))
    figure = Parameter(
        name="ncv",
        value=Decimal("0.10"),
        unit="GJ/t",
        source="Annex 1",
        edition="2024",
        confidence="VERIFIED",
    )
    methodology = PublishMethodology(
        code=f"{code}-M",
        programme=code,
        name="Method",
        crediting_years_max=10,
        valid_from=date(2024, 1, 1),
        risk_model="BUFFER",
        risk_rate=Decimal("0.2"),
        parameters=(figure,),
    )
    seen = "methodology { riskRate validUntil parameters { name value unit confidence } }"
    published = await graph.accepted(methodology, selecting=seen)
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


@pytest.mark.parametrize("id_", ["", "x", "Tm9wZTpY", "QWNjb3VudDpub3QtYS11dWlk", "A" * 600])
async def test_an_id_that_was_not_made_here_is_bad_input(graph: Graph, id_: str) -> None:
    answer = await graph.ask("query ($id: ID!) { node(id: $id) { id } }", REGISTRAR, id=id_)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]


async def test_an_id_of_nothing_leads_to_nothing(graph: Graph) -> None:
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [global_id(kind, key) for kind, key in UNKNOWN.items()]
    for actor in (REGISTRAR, None):
        assert (await graph.read(text, actor, ids=ids))["nodes"] == [None] * len(ids)
