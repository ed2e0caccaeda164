"""Carry-overs over all servers: by what was sold, held and met, earlier allowances die, and then later ones live."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.issuance.messages import approvals as issuance
from services.issuance.messages.carry_overs import CarryOverAllowances, CarryOverTerms
from services.issuance.messages.compliance import (
    OpenComplianceYear,
    PreallocateAllowances,
    PublishAllocationPlan,
)
from services.kernel.actors import Actor
from services.kernel.clocks import BEIJING
from services.kernel.ids import new_id
from services.runtime.messages import Command
from services.settlement.messages import approvals as settlement
from services.settlement.messages.market import OpenDay
from services.settlement.messages.retirements import RetireCredits
from services.tools import auditor
from services.tools.stack import Stack
from tests import emitting
from tests.flows import emitters, floor, national
from tests.flows.acts import TRADED_DAYS_AGO, as_historian
from tests.flows.graph import Graph
from tests.flows.national import National
from tests.flows.stillness import until_quiet
from tests.flows.test_conversions import decided, is_conserved
from tests.market import APPROVER, Market, Seller, content
from tests.register import HISTORIAN

CONVERSION = """query ($id: UUID!) { conversion(id: $id) { state accountNumber sourceProgrammeCode
  targetProgrammeCode sourceVintage targetVintage sourceTonnes targetTonnes factor complianceId certificateNumber
  code fields { name value } creditBatch { vintage tonnes conversion { conversionId } } } }"""
YEAR = """query ($id: UUID!) { complianceYear(id: $id) { carriedOverTonnes paidTonnes
  lifecycle { nodes { type } } } }"""
RECORD = """query ($number: String!) { publicRetirement(certificateNumber: $number) {
  purpose bucket vintage tonnes conversion { complianceId } } }"""
PLANNED = """query ($code: String!) { allocationPlans(code: $code) { nodes { version emissionYears {
  carryOver { sourceVintages baseTonnes soldPpm soldSince soldUntil heldOn surrenderedYears applyBy } } } } }"""


@pytest.fixture(scope="module")
async def ets(market: Market) -> National:
    """Allowances of the year before last are carried over into the last: ten, and 1.5 times what was sold."""
    ets = await national.opened(market)
    await emitters.approved(market, PublishAllocationPlan(terms=_carrying(ets)))
    return ets


def _carrying(ets: National) -> Any:
    """The next version of the plan."""
    before, last = ets.plan.terms.emission_years
    yesterday = floor.today() - timedelta(days=1)
    terms = CarryOverTerms(
        source_vintages=(ets.year - 1,),
        base_tonnes=10,
        sold_ppm=1_500_000,
        sold_since=yesterday - timedelta(days=30),
        sold_until=yesterday,
        held_on=yesterday,
        surrendered_years=(ets.year - 1,),
        apply_by=yesterday + timedelta(days=7),
    )
    years = before, msgspec.structs.replace(last, carry_over=terms)
    return msgspec.structs.replace(ets.plan.terms, emission_years=years)


async def done(market: Market, command: Command, actor: Actor, at: datetime) -> None:
    """It was asked for at this instant, and approved."""
    asked = await market.send(command, as_historian(actor), effective_at=at)
    assert asked.approval_id is not None, asked
    service = settlement if isinstance(command, RetireCredits) else issuance
    approving = service.ApproveCommand(approval_id=asked.approval_id)
    answer = await market.send(approving, as_historian(APPROVER), effective_at=at)
    assert answer.refusal is None, answer.refusal


async def emitter(market: Market, ets: National, due: int, allowances: int) -> Seller:
    """Since last June it has had so many allowances of the year before, and owed so many for that."""
    at = datetime(ets.year, 6, 1, 10, tzinfo=BEIJING)
    party = await emitters.emitter(market)
    opening = emitters.opening(
        ets.plan, party.account, emission_year=ets.year - 1, last_verified_tonnes=allowances
    )
    answer = await market.send(opening, HISTORIAN, effective_at=at)
    assert answer.refusal is None, answer.refusal
    paying = PreallocateAllowances(compliance_id=opening.compliance_id, batch_id=new_id())
    await done(market, paying, HISTORIAN, at)
    known = "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)"
    await market.until(known, paying.batch_id)
    unit = emitting.smelter(verified_tonnes=due)
    await done(market, emitters.verifying(opening, unit), HISTORIAN, at)
    owes = "SELECT EXISTS (SELECT FROM settlement.obligation WHERE account = $1)"
    await market.until(owes, party.account)
    return Seller(party, ets.programme, ets.year - 1, floor.VENUE)


async def met(market: Market, ets: National, one: Seller, tonnes: int) -> None:
    """It surrendered them before the deadline."""
    at = datetime(ets.year, 12, 31, 23, 59, 59, tzinfo=BEIJING)
    await done(market, ets.surrender(one, tonnes), one.party.actor, at)


async def sold(market: Market, one: Seller, tonnes: int) -> None:
    """It sold them some days ago."""
    owner = as_historian(one.party.actor)
    await market.past(TRADED_DAYS_AGO + 1, market.move(one, tonnes), owner)
    buyer = await market.buyer_with_cash(tonnes)
    then = (datetime.now(UTC) - timedelta(days=TRADED_DAYS_AGO)).isoformat()
    trade = market.trade(one, buyer, quantity=tonnes, price="0.01", executed_at=then)
    outcome = await market.settle(trade)
    assert outcome.state == "SETTLED", outcome


async def opened(market: Market, ets: National, one: Seller) -> OpenComplianceYear:
    """The year into which it carries over."""
    opening = emitters.opening(ets.plan, one.account, last_verified_tonnes=0)
    await market.accepted(opening)
    return opening


def asking(year: OpenComplianceYear, one: Seller, tonnes: int) -> CarryOverAllowances:
    """A carry-over that is in order."""
    return CarryOverAllowances(
        conversion_id=new_id(),
        batch_id=new_id(),
        compliance_id=year.compliance_id,
        source_vintage=one.vintage,
        tonnes=tonnes,
    )


async def seen(graph: Graph, document: str, key: object, actor: Actor | None = None) -> Any:
    """The one thing that the document asks for."""
    [found] = (await graph.read(document, actor, id=str(key))).values()
    return found


async def test_an_emitter_carries_over_what_the_formula_gives_and_not_a_tonne_more(
    graph: Graph, market: Market, stack: Stack, ets: National
) -> None:
    """It held 100, surrendered 60 in time and sold 10: 10 + 1.5 x 10 are 25 of the 30 that it held yesterday."""
    one = await emitter(market, ets, due=60, allowances=100)
    await met(market, ets, one, 60)
    await sold(market, one, 10)
    year = await opened(market, ets, one)
    owner = one.party.actor

    above = asking(year, one, 26)
    await graph.approved(above, owner)
    assert await decided(market, above) == "REFUSED"
    refused = await seen(graph, CONVERSION, above.conversion_id, owner)
    assert refused["code"] == "CARRY_OVER_LIMIT_EXCEEDED"
    values = {field["name"]: field["value"] for field in refused["fields"]}
    assert values == {"given": "26", "limit": "25", "held": "30", "carried_over": "0"}
    assert (await seen(graph, YEAR, year.compliance_id, owner))["carriedOverTonnes"] == 0
    assert await market.tonnes(one.account, "registry") == 30

    command = asking(year, one, 25)
    told = await graph.approved(command, owner)
    assert told["subject"] == f"conversion/{command.conversion_id}"
    assert await decided(market, command) == "ISSUED"
    made = await seen(graph, CONVERSION, command.conversion_id)
    assert made["sourceProgrammeCode"] == made["targetProgrammeCode"] == ets.programme
    assert (made["sourceVintage"], made["targetVintage"]) == (ets.year - 1, ets.year)
    assert (made["sourceTonnes"], made["targetTonnes"], made["factor"]) == (25, 25, "1")
    assert made["complianceId"] == str(year.compliance_id)
    assert made["creditBatch"] == {
        "vintage": ets.year,
        "tonnes": 25,
        "conversion": {"conversionId": str(command.conversion_id)},
    }
    record = (await graph.read(RECORD, number=made["certificateNumber"]))["publicRetirement"]
    assert made["certificateNumber"].startswith("CAN-")
    assert record == {
        "purpose": "CARRY_OVER",
        "bucket": "cancelled",
        "vintage": ets.year - 1,
        "tonnes": 25,
        "conversion": {"complianceId": str(year.compliance_id)},
    }
    after = await seen(graph, YEAR, year.compliance_id, owner)
    assert (after["carriedOverTonnes"], after["paidTonnes"]) == (25, 0)
    assert [one["type"] for one in after["lifecycle"]["nodes"]] == [
        "issuance.compliance_year.opened",
        "issuance.allowances.carried_over",
    ]
    last = asking(year, one, 1)
    await graph.approved(last, owner)
    assert await decided(market, last) == "REFUSED"
    await until_quiet(market)
    assert await is_conserved(stack)
    differing = await auditor.unsettled_differences(stack.database_urls)
    assert differing["settlement.batches_equal_issuance"] == 0


async def test_whoever_did_not_surrender_in_time_keeps_what_it_has(
    graph: Graph, market: Market, stack: Stack, ets: National
) -> None:
    one = await emitter(market, ets, due=60, allowances=100)
    await market.accepted(OpenDay(date=floor.today()))
    await market.told("settlement.obligation.overdue", f"obligation/{one.account}/{ets.year - 1}")
    year = await opened(market, ets, one)
    command = asking(year, one, 1)
    await graph.approved(command, one.party.actor)
    assert await decided(market, command) == "REFUSED"
    subject = f"conversion/{command.conversion_id}"
    for service in ("settlement", "issuance"):
        said = content(await market.told(f"{service}.conversion.refused", subject))
        assert said["code"] == "NOT_SURRENDERED_IN_TIME"
        assert said["fields"]["state"] == "OVERDUE"
    assert await market.tonnes(one.account, "registry") == 100
    assert market.heard("issuance.credits.issued", f"batch/{command.batch_id}") == []
    await until_quiet(market)
    assert await is_conserved(stack)


async def test_the_terms_of_the_plan_are_public(graph: Graph, ets: National) -> None:
    found = await graph.read(PLANNED, code=ets.plan.terms.plan)
    first, second = found["allocationPlans"]["nodes"]
    assert [one["carryOver"] for one in first["emissionYears"]] == [None, None]
    none, terms = (one["carryOver"] for one in second["emissionYears"])
    yesterday = date.fromisoformat(terms["heldOn"])
    assert none is None
    assert terms == {
        "sourceVintages": [ets.year - 1],
        "baseTonnes": 10,
        "soldPpm": 1_500_000,
        "soldSince": str(yesterday - timedelta(days=30)),
        "soldUntil": str(yesterday),
        "heldOn": str(yesterday),
        "surrenderedYears": [ets.year - 1],
        "applyBy": str(yesterday + timedelta(days=7)),
    }
