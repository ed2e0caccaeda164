"""Refusals of issuance about the national ETS: code by code, what provokes them."""

import msgspec

from services.issuance.messages.carry_overs import CarryOverAllowances
from services.issuance.messages.compliance import (
    OpenComplianceYear,
    PreallocateAllowances,
    RefundDeduction,
)
from services.kernel.ids import new_id
from tests.emitting import coal, smelter
from tests.flows.emitters import Emitters, last_year, verifying
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import NATIONAL
from tests.register import HISTORIAN


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    emitters = world.emitters
    return _plans(emitters) | _years(world, emitters) | _steps(emitters) | _carry_overs(emitters)


def _plans(emitters: Emitters) -> dict[str, Attempt]:
    terms = msgspec.structs.replace(emitters.plan.terms, programme=NATIONAL)
    return {"NOT_ALLOWANCES": Attempt(msgspec.structs.replace(emitters.plan, terms=terms))}


def _years(world: World, emitters: Emitters) -> dict[str, Attempt]:
    overpaid, this_year = emitters.overpaid.account, last_year() + 1
    return {
        "ACCOUNT_NOT_EMITTER": Attempt(emitters.opening(world.owner.account)),
        "EMISSION_YEAR_NOT_PLANNED": Attempt(
            emitters.opening(overpaid, emission_year=this_year + 1)
        ),
        "OVERPAID_NOT_DEDUCTED": Attempt(
            emitters.opening(overpaid, emission_year=this_year, adjustment_deduction_tonnes=399)
        ),
    }


def _steps(emitters: Emitters) -> dict[str, Attempt]:
    year, current = emitters.preallocated, emitters.current
    other_type, no_output = coal(unit_type="WIND"), coal(output=None)
    refunding = RefundDeduction(
        compliance_id=year.compliance_id, batch_id=new_id(), tonnes=11, reason="lifted"
    )
    paying = PreallocateAllowances(compliance_id=current.compliance_id, batch_id=new_id())
    return {
        "BENCHMARK_MISSING": Attempt(verifying(year, other_type)),
        "COMPLIANCE_BEFORE_PREVIOUS_STEP": Attempt(paying, HISTORIAN, days_ago=1),
        "EMISSION_YEAR_NOT_OVER": Attempt(verifying(current, smelter())),
        "REFUND_ABOVE_DEDUCTION": Attempt(refunding),
        "UNIT_FIGURES_DIFFER": Attempt(verifying(year, no_output)),
    }


def _carry_overs(emitters: Emitters) -> dict[str, Attempt]:
    def into(year: OpenComplianceYear) -> Attempt:
        command = CarryOverAllowances(
            conversion_id=new_id(),
            batch_id=new_id(),
            compliance_id=year.compliance_id,
            source_vintage=last_year() - 1,
            tonnes=1,
        )
        return Attempt(command, emitters.emitter.actor)

    return {
        "CARRY_OVER_NOT_OPEN": into(emitters.current),
        "CARRY_OVER_NOT_PLANNED": into(emitters.preallocated),
    }
