"""What issuance's refusals about the national ETS name: a plan, emitters, and compliance years on every step."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.compliance import (
    AllocateAllowances,
    Benchmark,
    EmissionYear,
    OpenComplianceYear,
    PreallocateAllowances,
    PublishAllocationPlan,
    UnitEmissions,
    VerifyEmissions,
)
from services.kernel.ids import new_id
from services.registry.messages.programmes import RegisterProgramme
from services.runtime.messages import Command
from tests import emitting
from tests.flows import floor
from tests.market import Market, Party
from tests.wire import APPROVER


@dataclass(frozen=True, slots=True)
class Emitters:
    """Two emitters under one plan, for the emissions of the last year and of this one."""

    plan: PublishAllocationPlan
    emitter: Party
    preallocated: OpenComplianceYear
    """Of the last year; ten tonnes were kept back."""
    current: OpenComplianceYear
    """Of this year, which is not over."""
    overpaid: Party
    """Was pre-allocated more than it was allocated in the end."""

    @property
    def programme(self) -> str:
        """Whose allowances these are."""
        return self.plan.terms.programme

    def opening(self, account: str, **changes: Any) -> OpenComplianceYear:
        """A year that is in order, but for the changes."""
        return opening(self.plan, account, **changes)


def opening(plan: PublishAllocationPlan, account: str, **changes: Any) -> OpenComplianceYear:
    """The last year of an emitter of a thousand tonnes."""
    given: dict[str, Any] = {
        "compliance_id": new_id(),
        "account": account,
        "emission_year": last_year(),
        "sector": "POWER",
        "plan": plan.terms.plan,
        "last_verified_tonnes": 1_000,
    }
    return OpenComplianceYear(**given | changes)


def verifying(year: OpenComplianceYear, *units: UnitEmissions) -> VerifyEmissions:
    """The statement that these units emitted what they say."""
    return VerifyEmissions(compliance_id=year.compliance_id, units=units, reason="verified")


def last_year() -> int:
    """The year whose emissions are verified now."""
    return floor.today().year - 1


async def programme(market: Market) -> str:
    """A new programme of allowances."""
    code = market.unique("CEA")
    registering = RegisterProgramme(
        code=code, name=code, country="CN", kind="ALLOWANCE", is_ets_eligible=False
    )
    await market.accepted(registering)
    await market.until("SELECT EXISTS (SELECT FROM issuance.programme WHERE code = $1)", code)
    return code


def plan(market: Market, programme: str, **changes: Any) -> PublishAllocationPlan:
    """The demo's plan for the last year and this one, under a programme of its own; carry-overs begin tomorrow."""
    not_yet = msgspec.structs.replace(
        emitting.CARRY_OVER, held_on=floor.today(), apply_by=floor.today() + timedelta(days=9)
    )
    years = tuple(
        EmissionYear(
            emission_year=year,
            allowance_vintages=(year, year + 1),
            credits_registered_after=date(2024, 1, 22),
            preallocation_ppm=500_000,
            carry_over=not_yet if year > last_year() else None,
        )
        for year in (last_year(), last_year() + 1)
    )
    benchmarks = tuple(
        msgspec.structs.replace(one, emission_year=last_year())
        for one in emitting.PLAN.terms.benchmarks
        if one.emission_year == emitting.YEAR
    )
    smelter = Benchmark(unit_type="SMELTER", emission_year=last_year() + 1, method="EMISSIONS")
    given: dict[str, Any] = {
        "plan": market.unique("PLAN"),
        "programme": programme,
        "emission_years": years,
        "benchmarks": (*benchmarks, smelter),
    }
    return emitting.published(**given | changes)


async def approved(market: Market, command: Command) -> None:
    """A command that two persons want takes effect."""
    asked = await market.accepted(command)
    assert asked.approval_id is not None
    await market.accepted(ApproveCommand(approval_id=asked.approval_id), APPROVER)


async def emitter(market: Market) -> Party:
    """A new organisation under the national ETS, of which issuance has heard."""
    party = await market.party("EMITTER")
    heard = "SELECT EXISTS (SELECT FROM issuance.account WHERE number = $1)"
    await market.until(heard, party.account)
    return party


async def built(market: Market) -> Emitters:
    """All of it, once done."""
    publishing = plan(market, await programme(market))
    await approved(market, publishing)
    one, other = await emitter(market), await emitter(market)
    preallocated = opening(publishing, one.account, adjustment_deduction_tonnes=10)
    current = opening(publishing, one.account, emission_year=last_year() + 1)
    overpaid = opening(publishing, other.account)
    for year in (preallocated, current, overpaid):
        await market.accepted(year)
    for year in (preallocated, overpaid):
        paying = PreallocateAllowances(compliance_id=year.compliance_id, batch_id=new_id())
        await approved(market, paying)
    await approved(market, verifying(overpaid, emitting.smelter(verified_tonnes=100)))
    allocating = AllocateAllowances(compliance_id=overpaid.compliance_id, batch_id=new_id())
    await approved(market, allocating)
    return Emitters(publishing, one, preallocated, current, other)
