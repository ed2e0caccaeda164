"""The national ETS over the gateway: from the plan to the allowances that an emitter holds and what it owes."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.compliance import (
    AllocateAllowances,
    OpenComplianceYear,
    PreallocateAllowances,
    PublishAllocationPlan,
    RefundDeduction,
)
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from tests import emitting
from tests.flows import emitters
from tests.flows.emitters import last_year, verifying
from tests.flows.graph import Graph
from tests.market import APPROVER, REGISTRAR, Market, content
from tests.register import Party

STRANGER = Actor("sam", UUID("01890000-0000-7000-8000-00000000dead"), frozenset({"owner-operator"}))
AUTHORITY = Actor("aldo.authority", None, frozenset({"authority"}))
EMITTED = emitting.coal(verified_tonnes=858_913)
"""Eight in a hundred more than it is allocated."""


@pytest.fixture(scope="session")
async def plan(market: Market) -> PublishAllocationPlan:
    """A plan under a programme of its own, published by two persons."""
    publishing = emitters.plan(market, await emitters.programme(market))
    await emitters.approved(market, publishing)
    return publishing


@pytest.fixture
async def emitter(market: Market) -> Party:
    return await emitters.emitter(market)


def year_of(plan: PublishAllocationPlan, emitter: Party, **changes: Any) -> OpenComplianceYear:
    """The last year of a power company whose emissions were a million tonnes before."""
    given: dict[str, Any] = {"last_verified_tonnes": 1_000_001}
    return emitters.opening(plan, emitter.account, **given | changes)


YEAR = """query ($id: UUID!) { complianceYear(id: $id) { id accountNumber creditCode emissionYear sector province
  planCode isDraft state lastVerifiedTonnes preallocationPpm preallocatedTonnes adjustmentDeductionTonnes
  refundedDeductionTonnes preallocationPaidTonnes dueTonnes offsetMaxTonnes obligationVersion deadline finalTonnes
  topupTonnes trueUpTonnes gapRatePercent differentiatedReason paidTonnes overpaidTonnes traceSha256
  plan { code version isDraft programme { kind } }
  units { unitId unitType verifiedTonnes output heat loadFactor correction initialTonnes topupTonnes finalTonnes }
  payments { creditBatch { projectCode vintage tonnes isOpening registeredOn } }
  trace { traceSha256 content } lifecycle { nodes { type approvedBy } } } }"""


async def test_a_power_company_gets_its_allowances_and_owes_its_emissions(
    graph: Graph, market: Market, plan: PublishAllocationPlan, emitter: Party
) -> None:
    seen = "complianceYear { state paidTonnes }"
    opening = year_of(plan, emitter, adjustment_deduction_tonnes=1_000, province="浙江省")
    payload = await graph.accepted(opening, selecting=seen)
    assert payload["complianceYear"] == {"state": "OPENED", "paidTonnes": 0}
    year_id = opening.compliance_id
    await graph.approved(PreallocateAllowances(compliance_id=year_id, batch_id=new_id()))
    await graph.approved(verifying(opening, EMITTED))
    await graph.approved(AllocateAllowances(compliance_id=year_id, batch_id=new_id()))
    refunding = RefundDeduction(
        compliance_id=year_id, batch_id=new_id(), tonnes=400, reason="the decision was lifted"
    )
    await graph.approved(refunding, AUTHORITY)

    subject, programme = f"compliance/{year_id}", plan.terms.programme
    told = content(await market.told("issuance.obligation.set", subject))
    deadline = f"{last_year() + 2}-01-01T00:00:00+08:00"
    assert (told["account"], told["emission_year"], told["due"], told["offset_max"]) == (
        emitter.account,
        last_year(),
        858_913,
        42_945,
    )
    assert (told["deadline"], told["is_draft"], told["version"]) == (deadline, True, 1)
    assert told["allowance_vintages"] == [last_year(), last_year() + 1]
    assert told["credits_registered_after"] == "2024-01-22"

    found = (await graph.read(YEAR, emitter.actor, id=str(year_id)))["complianceYear"]
    assert (found["state"], found["isDraft"], found["sector"]) == ("ALLOCATED", True, "POWER")
    assert (found["preallocatedTonnes"], found["preallocationPaidTonnes"]) == (500_000, 499_000)
    assert (found["finalTonnes"], found["trueUpTonnes"], found["topupTonnes"]) == (
        790_200,
        290_200,
        0,
    )
    assert (found["dueTonnes"], found["offsetMaxTonnes"]) == (858_913, 42_945)
    assert (found["gapRatePercent"], found["paidTonnes"]) == ("7.99", 789_600)
    assert found["plan"] == {
        "code": plan.terms.plan,
        "version": 1,
        "isDraft": True,
        "programme": {"kind": "ALLOWANCE"},
    }
    assert found["units"] == [
        {
            "unitId": "COAL-1",
            "unitType": "COAL-ABOVE-300",
            "verifiedTonnes": 858_913,
            "output": "1000000",
            "heat": "0",
            "loadFactor": None,
            "correction": "1",
            "initialTonnes": 790_200,
            "topupTonnes": 0,
            "finalTonnes": 790_200,
        }
    ]
    batches = [one["creditBatch"] for one in found["payments"]]
    assert [one["tonnes"] for one in batches] == [499_000, 290_200, 400]
    assert batches[0] == {
        "projectCode": programme,
        "vintage": last_year(),
        "tonnes": 499_000,
        "isOpening": False,
        "registeredOn": None,
    }
    steps = [one["formula"] for one in found["trace"]["content"]["steps"]]
    assert "Qe * Be * Ff + Qh * Bh" in steps
    assert found["trace"]["traceSha256"] == found["traceSha256"]
    happened = [(one["type"], one["approvedBy"]) for one in found["lifecycle"]["nodes"]]
    assert happened == [
        ("issuance.compliance_year.opened", None),
        ("issuance.allowances.preallocated", APPROVER.subject),
        ("issuance.obligation.set", APPROVER.subject),
        ("issuance.allowances.allocated", APPROVER.subject),
        ("issuance.deduction.refunded", APPROVER.subject),
    ]
    await market.until(
        "SELECT sum(next_serial - first_serial) = 789600 FROM settlement.holding WHERE account = $1",
        emitter.account,
    )
    await market.told(
        "settlement.obligation.notified", f"obligation/{emitter.account}/{last_year()}"
    )
    owing = "query ($id: UUID!) { complianceYear(id: $id) { obligation { due cap isDraft } } }"
    owed = (await graph.read(owing, emitter.actor, id=str(year_id)))["complianceYear"]
    assert owed["obligation"] == {"due": 858_913, "cap": 42_945, "isDraft": True}


async def test_a_compliance_year_is_its_organisations_own(
    graph: Graph, plan: PublishAllocationPlan, emitter: Party
) -> None:
    opening = year_of(plan, emitter)
    await graph.accepted(opening)
    listed = """query ($a: String) { complianceYears(filter: {account: $a, state: OPENED}) {
      nodes { complianceId } } }"""
    node = """query ($id: ID!) { node(id: $id) { ... on ComplianceYear { complianceId
      lifecycle { nodes { type } } units { unitId } } } }"""
    own = (await graph.read(YEAR, REGISTRAR, id=str(opening.compliance_id)))["complianceYear"]
    for viewer, is_seen in (
        (emitter.actor, True),
        (REGISTRAR, True),
        (AUTHORITY, True),
        (STRANGER, False),
        (None, False),
    ):
        rows = (await graph.read(listed, viewer, a=emitter.account))["complianceYears"]["nodes"]
        assert rows == ([{"complianceId": str(opening.compliance_id)}] if is_seen else [])
        found = (await graph.read(node, viewer, id=own["id"]))["node"]
        assert (found is not None) == is_seen
        if is_seen:
            assert [one["type"] for one in found["lifecycle"]["nodes"]] == [
                "issuance.compliance_year.opened"
            ]


async def test_a_plan_is_public_with_all_its_versions(
    graph: Graph, market: Market, plan: PublishAllocationPlan
) -> None:
    drafted = emitters.plan(market, plan.terms.programme)
    await graph.approved(drafted)
    terms = msgspec.structs.replace(drafted.terms, is_draft=False, source="the final text")
    await graph.approved(PublishAllocationPlan(terms=terms))
    text = """query ($c: String) { allocationPlans(code: $c) { nodes {
      id code version isDraft source offsetCapPpm gapFloorPpm intensitySlope intensityBand intensityLimit
      emissionYears { emissionYear allowanceVintages creditsRegisteredAfter preallocationPpm }
      benchmarks { unitType emissionYear method output heat balance floorPpm }
      lifecycle { nodes { type approvedBy } } } } }"""
    found = await graph.read(text, c=drafted.terms.plan)
    first, second = found["allocationPlans"]["nodes"]
    assert [(one["version"], one["isDraft"]) for one in (first, second)] == [(1, True), (2, False)]
    assert (second["offsetCapPpm"], second["source"]) == (50_000, "the final text")
    assert first["emissionYears"][0] == {
        "emissionYear": last_year(),
        "allowanceVintages": [last_year(), last_year() + 1],
        "creditsRegisteredAfter": "2024-01-22",
        "preallocationPpm": 500_000,
    }
    coal = {"method": "OUTPUT", "output": "0.7902", "heat": "0.1027", "balance": None}
    of_coal = {"unitType": "COAL-ABOVE-300", "emissionYear": last_year(), "floorPpm": 0}
    assert of_coal | coal in first["benchmarks"]
    told = {"type": "issuance.allocation_plan.published", "approvedBy": APPROVER.subject}
    assert first["lifecycle"]["nodes"] == [told, told]
    node = "query ($id: ID!) { node(id: $id) { ... on AllocationPlan { version } } }"
    for one in (first, second):
        assert (await graph.read(node, id=one["id"]))["node"] == {"version": one["version"]}


async def test_who_allocates_at_once_pays_once(
    market: Market, plan: PublishAllocationPlan, emitter: Party
) -> None:
    opening = year_of(plan, emitter)
    await market.accepted(opening)
    await emitters.approved(market, verifying(opening, EMITTED))
    asked = [
        await market.accepted(
            AllocateAllowances(compliance_id=opening.compliance_id, batch_id=new_id())
        )
        for _ in range(4)
    ]
    answers = await asyncio.gather(
        *(
            market.send(ApproveCommand(approval_id=one.approval_id), APPROVER)
            for one in asked
            if one.approval_id
        )
    )
    codes = sorted(one.refusal.code if one.refusal else "" for one in answers)
    assert codes == ["", *["STEP_NOT_ALLOWED"] * 3]
    await market.until(
        "SELECT sum(next_serial - first_serial) = 790200 FROM settlement.holding WHERE account = $1",
        emitter.account,
    )


async def test_a_late_change_pays_the_difference_and_sets_the_obligation_again(
    graph: Graph, market: Market, plan: PublishAllocationPlan, emitter: Party
) -> None:
    opening = year_of(plan, emitter)
    await market.accepted(opening)
    for number, tonnes in enumerate((2_000, 2_100), start=1):
        await graph.approved(verifying(opening, emitting.smelter(verified_tonnes=tonnes)))
        allocating = AllocateAllowances(compliance_id=opening.compliance_id, batch_id=new_id())
        await graph.approved(allocating)
        text = """query ($id: UUID!) { complianceYear(id: $id) { dueTonnes obligationVersion paidTonnes
          units { verifiedTonnes } } }"""
        seen = await graph.read(text, emitter.actor, id=str(opening.compliance_id))
        assert seen["complianceYear"] == {
            "dueTonnes": tonnes,
            "obligationVersion": number,
            "paidTonnes": tonnes,
            "units": [{"verifiedTonnes": tonnes}],
        }
