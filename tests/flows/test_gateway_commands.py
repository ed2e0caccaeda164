"""Mutations on real services: translated, answered, repeatable, and refused with the values that disagree."""

from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.tools.stack import Stack
from tests.flows.graph import Graph
from tests.market import APPROVER, REGISTRAR, Market, Seller

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))


def methodology(market: Market) -> dict[str, Any]:
    return {
        "code": market.unique("M"),
        "programme": "CCER",
        "name": "Wind",
        "creditingYearsMax": 10,
        "validFrom": "2024-01-01",
    }


def retirement(seller: Seller, tonnes: int) -> dict[str, Any]:
    return {
        "account": seller.account,
        "project": seller.project,
        "vintage": seller.vintage,
        "tonnes": tonnes,
        "purpose": "ENTERPRISE_OFFSET",
        "beneficiaryName": "Beneficiary Ltd",
        "beneficiaryId": "91110000000000000A",
        "beneficiaryCountry": "CN",
        "reportingPeriod": "2025",
        "reason": "own emissions",
    }


def codes(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], error["category"]) for error in payload["errors"]]


async def test_a_command_is_accepted_and_its_object_can_be_read_at_once(
    graph: Graph, market: Market
) -> None:
    given, command_id = methodology(market), new_id()
    payload = await graph.tell(
        "publishMethodology",
        REGISTRAR,
        given,
        command_id,
        "methodology { code programmeCode programme { name } }",
    )
    assert payload == {
        "commandId": str(command_id),
        "outcome": "ACCEPTED",
        "subject": f"methodology/{given['code']}",
        "approvalId": None,
        "errors": [],
        "methodology": {
            "code": given["code"],
            "programmeCode": "CCER",
            "programme": {"name": "CCER"},
        },
    }


async def test_a_repeat_gets_the_first_answer_and_other_content_is_refused(
    graph: Graph, market: Market
) -> None:
    given, command_id = methodology(market), new_id()
    first = await graph.tell("publishMethodology", REGISTRAR, given, command_id)
    assert await graph.tell("publishMethodology", REGISTRAR, given, command_id) == first

    other = await graph.tell("publishMethodology", REGISTRAR, given | {"name": "Solar"}, command_id)
    assert (other["outcome"], codes(other)) == (
        "REFUSED",
        [("SAME_ID_OTHER_CONTENT", "CONFLICT")],
    )
    assert other["errors"][0]["fields"] == [{"name": "id", "value": str(command_id)}]


async def test_an_opened_account_tells_its_number(graph: Graph, market: Market) -> None:
    party = await market.party()
    data = await graph.read(
        "query ($n: String!) { account(number: $n) { accountId } }", REGISTRAR, n=party.account
    )
    assert data["account"]["accountId"] == str(party.account_id)


async def test_without_a_token_nothing_is_sent(graph: Graph, market: Market) -> None:
    given = {"i": {"id": str(new_id()), **methodology(market)}}
    text = "mutation ($i: PublishMethodologyInput!) { publishMethodology(input: $i) { outcome } }"
    answer = await graph.ask(text, None, **given)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_service_decides_who_may(graph: Graph, market: Market) -> None:
    payload = await graph.tell("publishMethodology", STRANGER, methodology(market))
    assert codes(payload) == [("ROLE_MISSING", "FORBIDDEN")]
    assert payload["outcome"] == "REFUSED"


@pytest.mark.parametrize(
    "change",
    [
        {"creditingYearsMax": "ten"},
        {"creditingYearsMax": 2**40},
        {"effectiveAt": "2026-03-10T10:15:30"},
        {"id": "no id"},
        {"unknown": 1},
    ],
)
async def test_a_wrong_argument_is_bad_input(
    graph: Graph, market: Market, change: dict[str, Any]
) -> None:
    given = {"id": str(new_id()), **methodology(market), **change}
    text = "mutation ($i: PublishMethodologyInput!) { publishMethodology(input: $i) { outcome } }"
    answer = await graph.ask(text, REGISTRAR, i=given)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_INPUT"}


async def test_what_no_record_can_hold_never_reaches_a_service(
    graph: Graph, market: Market
) -> None:
    given = {"id": str(new_id()), **methodology(market), "name": "nul\0"}
    text = "mutation ($i: PublishMethodologyInput!) { publishMethodology(input: $i) { outcome } }"
    answer = await graph.ask(text, REGISTRAR, i=given)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_INPUT"}


async def test_a_retirement_waits_for_a_second_person_and_is_then_public(
    graph: Graph, market: Market
) -> None:
    seller = await market.owner_with_credits(1000, at_venue=0)
    owner = seller.party.actor
    asked = await graph.tell(
        "retireCredits", owner, retirement(seller, 100), selecting="retirement { tonnes }"
    )
    assert (asked["outcome"], asked["retirement"]) == ("PENDING", None)
    decision = {"approvalId": asked["approvalId"]}

    own = await graph.tell("approve", owner, decision)
    assert codes(own) == [("MAKER_IS_APPROVER", "FORBIDDEN")]
    stranger = await graph.tell("approve", STRANGER, decision)
    assert codes(stranger) == [("APPROVAL_UNKNOWN", "NOT_FOUND")]

    done = await graph.tell("approve", APPROVER, decision, selecting="approval { state command }")
    assert (done["outcome"], done["approval"]["state"]) == ("ACCEPTED", "APPROVED")
    assert done["approval"]["command"]["tonnes"] == 100
    kind, _, retirement_id = done["subject"].partition("/")
    assert kind == "retirement"
    data = await graph.read(
        "query ($id: UUID!) { retirement(id: $id) { tonnes certificateNumber requestedBy ranges { tonnes } } }",
        id=retirement_id,
    )
    assert data["retirement"]["ranges"] == [{"tonnes": 100}]
    assert data["retirement"]["requestedBy"] is None


async def test_a_refused_approval_ends_the_command(graph: Graph, market: Market) -> None:
    seller = await market.owner_with_credits(1000, at_venue=0)
    asked = await graph.tell("retireCredits", seller.party.actor, retirement(seller, 100))
    refused = await graph.tell(
        "refuse",
        APPROVER,
        {"approvalId": asked["approvalId"], "reason": "wrong period"},
        selecting="approval { state reason decidedBy }",
    )
    assert refused["approval"] == {
        "state": "REFUSED",
        "reason": "wrong period",
        "decidedBy": APPROVER.subject,
    }
    assert await market.tonnes(seller.account, "registry") == 1000


async def test_retiring_more_than_is_held_names_the_values(graph: Graph, market: Market) -> None:
    seller = await market.owner_with_credits(1000, at_venue=0)
    payload = await graph.tell("retireCredits", seller.party.actor, retirement(seller, 1001))
    assert payload["outcome"] == "REFUSED"
    values = {field["value"] for field in payload["errors"][0]["fields"]}
    assert {"1001", "1000"} <= values


async def test_another_organisations_account_is_out_of_reach(graph: Graph, market: Market) -> None:
    seller = await market.owner_with_credits(1000, at_venue=0)
    payload = await graph.tell("retireCredits", STRANGER, retirement(seller, 1))
    assert payload["outcome"] == "REFUSED"
    assert "1000" not in str(payload["errors"])
    assert await market.tonnes(seller.account, "registry") == 1000


async def test_without_an_answer_the_outcome_is_unknown_and_the_repeat_brings_it(
    graph: Graph, market: Market, stack: Stack
) -> None:
    given, command_id = methodology(market), new_id()
    await stack.stop("registry")
    try:
        unknown = await graph.tell("publishMethodology", REGISTRAR, given, command_id)
    finally:
        await stack.start("registry")
    assert (unknown["outcome"], codes(unknown)) == (
        "UNKNOWN",
        [("OUTCOME_UNKNOWN", "UNAVAILABLE")],
    )
    repeated = await graph.tell("publishMethodology", REGISTRAR, given, command_id)
    assert repeated["outcome"] == "ACCEPTED"
