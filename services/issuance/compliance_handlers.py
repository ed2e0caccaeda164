"""What issuance does in the national ETS: plans, and each emitter's allowances and obligation, year by year."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.issuance import (
    allocation,
    allocation_plans,
    batches,
    compliance,
    compliance_store,
    parties,
    standing,
    store,
)
from services.issuance.allocation_plans import Plan
from services.issuance.compliance import ComplianceYear
from services.issuance.messages.compliance import (
    AllocateAllowances,
    AllocationPlanPublished,
    AllowancesAllocated,
    AllowancesPreallocated,
    ComplianceYearOpened,
    DeductionRefunded,
    ObligationSet,
    OpenComplianceYear,
    PreallocateAllowances,
    PublishAllocationPlan,
    RefundDeduction,
    VerifyEmissions,
)
from services.issuance.parties import Account
from services.issuance.quantification.traces import sha256
from services.issuance.reductions import Programme
from services.kernel.actors import Role, require_role
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction

KEEPERS = Role.REGISTRAR, Role.AUTHORITY
"""Who allocates and sets obligations; what is issued or binds is approved by a second person."""


async def publish_allocation_plan(
    tx: Transaction, command: PublishAllocationPlan
) -> Sequence[Event]:
    """Enters the next version of a plan; years that are under way go on by it."""
    require_role(tx.actor, *KEEPERS)
    terms = command.terms
    allocation_plans.require_plan(terms)
    allocation_plans.require_allowances(await _programme(tx, terms.programme))
    if await store.get_project(tx, terms.programme) is not None:
        raise AlreadyExists("project", terms.programme)
    await compliance_store.lock_plans(tx)
    newest = await compliance_store.get_plan(tx, terms.plan)
    if newest is not None and newest.terms.programme != terms.programme:
        raise AlreadyExists("allocation plan", f"{terms.plan} of {newest.terms.programme}")
    plan = Plan(newest.version + 1 if newest else 1, terms)
    await compliance_store.insert_plan(tx, plan)
    return [AllocationPlanPublished(version=plan.version, terms=terms)]


async def open_compliance_year(tx: Transaction, command: OpenComplianceYear) -> Sequence[Event]:
    """Begins an emitter's year; each account has each emission year once."""
    require_role(tx.actor, *KEEPERS)
    plan, _ = await _plan(tx, command.plan)
    account = await standing.account(tx, command.account)
    parties.require_living(account)
    owed = await compliance_store.get_owed(tx, account.number)
    year = compliance.opened(command, plan, account, owed, tx.effective_at)
    if not await compliance_store.insert_year(tx, year):
        noun = f"{year.account} {year.emission_year} or {year.compliance_id}"
        raise AlreadyExists("compliance year", noun)
    return [ComplianceYearOpened(**asdict(command))]


async def preallocate_allowances(
    tx: Transaction, command: PreallocateAllowances
) -> Sequence[Event]:
    """Issues a part of the last verified emissions, less what is kept back."""
    year, plan, programme = await _standing(tx, command.compliance_id)
    allocated = compliance.preallocate(year, plan, tx.effective_at)
    issued = await _pay(tx, allocated, programme, command.batch_id)
    await compliance_store.update_year(tx, compliance.paid(allocated))
    preallocated = AllowancesPreallocated(
        compliance_id=year.compliance_id,
        account=year.account,
        emission_year=year.emission_year,
        tonnes=allocated.preallocated or 0,
        paid_tonnes=allocated.payable,
    )
    return [preallocated, *issued]


async def verify_emissions(tx: Transaction, command: VerifyEmissions) -> Sequence[Event]:
    """Sets the obligation, or sets it again after a change of what was verified."""
    year, plan, _ = await _standing(tx, command.compliance_id)
    verified = compliance.verify(year, plan, command, tx.effective_at)
    await compliance_store.update_year(tx, verified)
    await compliance_store.insert_units(tx, verified, command.units)
    account = await standing.account(tx, year.account)
    return [_obligation(verified, plan, account)]


def _obligation(year: ComplianceYear, plan: Plan, account: Account) -> ObligationSet:
    terms = plan.year(year.emission_year)
    return ObligationSet(
        compliance_id=year.compliance_id,
        account=year.account,
        organisation_id=account.organisation_id,
        emission_year=year.emission_year,
        due=year.due or 0,
        offset_max=year.offset_max or 0,
        deadline=year.deadline,
        allowance_vintages=terms.allowance_vintages,
        credits_registered_after=terms.credits_registered_after,
        plan=year.plan,
        is_draft=plan.terms.is_draft,
        version=year.obligation_version,
        programme=plan.terms.programme,
    )


async def allocate_allowances(tx: Transaction, command: AllocateAllowances) -> Sequence[Event]:
    """Computes the final allocation by the plan's newest version, and issues what is missing of it."""
    year, plan, programme = await _standing(tx, command.compliance_id)
    # Nothing is computed of what is not verified yet.
    compliance.stepped(year, compliance.Step.ALLOCATE, tx.effective_at, plan)
    units = await compliance_store.list_units(tx, year)
    made = allocation.allocate(plan, year.emission_year, units)
    reason = command.differentiated_reason
    allocated = compliance.allocate(year, plan, made, reason, tx.effective_at)
    issued = await _pay(tx, allocated, programme, command.batch_id)
    await compliance_store.update_year(tx, compliance.paid(allocated), made.trace)
    await compliance_store.set_unit_allocations(tx, year, made.units)
    told = AllowancesAllocated(
        compliance_id=year.compliance_id,
        account=year.account,
        emission_year=year.emission_year,
        tonnes=made.tonnes,
        true_up_tonnes=allocated.true_up or 0,
        paid_tonnes=allocated.payable,
        overpaid_tonnes=allocated.overpaid,
        plan=year.plan,
        plan_version=plan.version,
        is_draft=plan.terms.is_draft,
        trace_sha256=sha256(made.trace),
    )
    return [told, *issued]


async def refund_deduction(tx: Transaction, command: RefundDeduction) -> Sequence[Event]:
    """Gives back what was kept back, or a part of it."""
    year, plan, programme = await _standing(tx, command.compliance_id)
    values = plan, command.tonnes, command.reason, tx.effective_at
    refunded = compliance.refund(year, *values)
    issued = await _pay(tx, refunded, programme, command.batch_id)
    await compliance_store.update_year(tx, compliance.paid(refunded))
    told = DeductionRefunded(
        compliance_id=year.compliance_id,
        account=year.account,
        tonnes=command.tonnes,
        paid_tonnes=refunded.payable,
        reason=command.reason,
    )
    return [told, *issued]


async def _pay(
    tx: Transaction, year: ComplianceYear, programme: Programme, batch_id: UUID
) -> Sequence[Event]:
    """Issues what is missing of the emitter's allocation, if anything is."""
    if not year.payable:
        return []
    parties.require_living(await standing.account(tx, year.account))
    number = await standing.next_number(tx, batch_id, programme.code, year.emission_year)
    await standing.require_one_programme(tx, programme.code, programme.code)
    batch = batches.allowances(batch_id, year, programme, number)
    await store.insert_batch(tx, batch)
    return [batches.issued(batch)]


async def _standing(tx: Transaction, compliance_id: UUID) -> tuple[ComplianceYear, Plan, Programme]:
    """The year, locked, with the newest version of its plan, if the actor may step it; raises Unknown."""
    require_role(tx.actor, *KEEPERS)
    year = await compliance_store.lock_year(tx, compliance_id)
    if year is None:
        raise Unknown("compliance year", str(compliance_id))
    return year, *await _plan(tx, year.plan)


async def _plan(tx: Transaction, code: str) -> tuple[Plan, Programme]:
    """The newest version of the plan and its programme, in which the actor must be one who allocates."""
    plan = await compliance_store.get_plan(tx, code)
    if plan is None:
        raise Unknown("allocation plan", code)
    return plan, await _programme(tx, plan.terms.programme)


async def _programme(tx: Transaction, code: str) -> Programme:
    programme = await store.get_programme(tx, code)
    if programme is None:
        raise NotYetKnown("programme", code)
    await standing.require_assigned(tx, code, *KEEPERS)
    return programme


COMMANDS: Mapping[type[Command], Handler] = {
    PublishAllocationPlan: publish_allocation_plan,
    OpenComplianceYear: open_compliance_year,
    PreallocateAllowances: preallocate_allowances,
    VerifyEmissions: verify_emissions,
    AllocateAllowances: allocate_allowances,
    RefundDeduction: refund_deduction,
}
FOUR_EYES: Mapping[type[Command], Role] = {
    command: Role.APPROVER for command in COMMANDS if command is not OpenComplianceYear
}
