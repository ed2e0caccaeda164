"""What is true of a compliance year: what an emitter is allocated, is paid and owes, and which step comes when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.issuance import allocation
from services.issuance.allocation import Allocation
from services.issuance.allocation_plans import Plan, require_count, require_units
from services.issuance.messages.compliance import OpenComplianceYear, VerifyEmissions
from services.issuance.messages.states import ComplianceState as State
from services.issuance.parties import Account
from services.issuance.reductions import require_tonnes
from services.kernel.clocks import end_of, market_day
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, OutOfRange

EMITTER = "EMITTER"
"""The kind of account that an entity under the national ETS has."""
REASON_LENGTH_MAX = 2_000


class Sector(StrEnum):
    """Whose emissions the national ETS covers."""

    POWER = "POWER"
    STEEL = "STEEL"
    CEMENT = "CEMENT"
    ALUMINIUM = "ALUMINIUM"


class Step(StrEnum):
    """What happens to a compliance year."""

    PREALLOCATE = "PREALLOCATE"
    VERIFY = "VERIFY"
    ALLOCATE = "ALLOCATE"
    REFUND = "REFUND"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.OPENED, Step.PREALLOCATE): State.PREALLOCATED,
    (State.OPENED, Step.VERIFY): State.VERIFIED,
    (State.PREALLOCATED, Step.VERIFY): State.VERIFIED,
    (State.PREALLOCATED, Step.REFUND): State.PREALLOCATED,
    (State.VERIFIED, Step.VERIFY): State.VERIFIED,
    (State.VERIFIED, Step.ALLOCATE): State.ALLOCATED,
    (State.VERIFIED, Step.REFUND): State.VERIFIED,
    (State.ALLOCATED, Step.VERIFY): State.VERIFIED,
    (State.ALLOCATED, Step.REFUND): State.ALLOCATED,
}


@dataclass(eq=False)
class AccountNotEmitter(Conflict):
    """Only entities under the national ETS are allocated allowances (interim regulations 2024)."""

    account: str
    kind: str
    expected: str


@dataclass(eq=False)
class EmissionYearNotOver(Conflict):
    """A year's emissions are verified after it is over."""

    given: date
    emission_year: int


@dataclass(eq=False)
class ComplianceBeforePreviousStep(Conflict):
    """Nothing happens to a compliance year before what happened to it last."""

    given: datetime
    previous: datetime


@dataclass(eq=False)
class OverpaidNotDeducted(Conflict):
    """What was paid above the final allocations of other years is kept back of the next pre-allocation."""

    given: int
    expected: int


@dataclass(eq=False)
class RefundAboveDeduction(Conflict):
    """No more is given back than was kept back."""

    given: int
    expected: int


@dataclass(frozen=True, slots=True)
class ComplianceYear:
    """An emitter's account of one emission year, in tonnes; what is still to come is None."""

    compliance_id: UUID
    account: str
    emission_year: int
    sector: str
    province: str
    plan: str
    plan_version: int
    """By which its latest step was computed."""
    state: State
    changed_at: datetime
    last_verified: int
    deducted: int
    refunded: int = 0
    preallocation_ppm: int | None = None
    preallocated: int | None = None
    preallocation_paid: int | None = None
    due: int | None = None
    offset_max: int | None = None
    obligation_version: int = 0
    final: int | None = None
    topup: int | None = None
    """What the limit of the gap added to the units' allocations."""
    differentiated_reason: str | None = None
    paid: int = 0

    @property
    def subject(self) -> str:
        """How events name it."""
        return f"compliance/{self.compliance_id}"

    @property
    def entitled(self) -> int:
        """What the emitter should have by now: the last allocation less what is kept back."""
        allocated = self.preallocated if self.final is None else self.final
        return (allocated or 0) - self.deducted + self.refunded

    @property
    def payable(self) -> int:
        """What is missing of it."""
        return max(0, self.entitled - self.paid)

    @property
    def overpaid(self) -> int:
        """What was paid above it."""
        return max(0, self.paid - self.entitled)

    @property
    def true_up(self) -> int | None:
        """The final allocation less the pre-allocation."""
        return None if self.final is None else self.final - (self.preallocated or 0)

    @property
    def gap_rate_percent(self) -> Decimal | None:
        """How much of what is due is not allocated."""
        if self.due is None or self.final is None:
            return None
        return allocation.gap_rate_percent(self.due, self.final)

    @property
    def deadline(self) -> datetime:
        """The first instant at which it is too late to surrender: after 31 December of the next year."""
        return end_of(date(self.emission_year + 1, 12, 31))


def opened(
    command: OpenComplianceYear, plan: Plan, account: Account, owed: int, at: datetime
) -> ComplianceYear:
    """The year at its beginning; ``owed`` is what other years were overpaid and no deduction has covered."""
    if account.kind != EMITTER:
        raise AccountNotEmitter(account.number, account.kind, EMITTER)
    if command.sector not in Sector.__members__:
        raise OutOfRange("sector", command.sector[:40], ", ".join(Sector))
    if command.province:
        require_text("province", command.province)
    plan.year(command.emission_year)
    require_count("last_verified_tonnes", command.last_verified_tonnes)
    require_count("adjustment_deduction_tonnes", command.adjustment_deduction_tonnes)
    if command.adjustment_deduction_tonnes < owed:
        raise OverpaidNotDeducted(command.adjustment_deduction_tonnes, owed)
    return ComplianceYear(
        compliance_id=command.compliance_id,
        account=account.number,
        emission_year=command.emission_year,
        sector=command.sector,
        province=command.province,
        plan=command.plan,
        plan_version=plan.version,
        state=State.OPENED,
        changed_at=at,
        last_verified=command.last_verified_tonnes,
        deducted=command.adjustment_deduction_tonnes,
    )


def stepped(year: ComplianceYear, step: Step, at: datetime, plan: Plan) -> ComplianceYear:
    """The year after the step; raises a refusal if it is not allowed from its state, or lies before the last one."""
    state = advance(LIFECYCLE, year.state, step, year.subject)
    if at < year.changed_at:
        raise ComplianceBeforePreviousStep(at, year.changed_at)
    return replace(year, state=state, changed_at=at, plan_version=plan.version)


def preallocate(year: ComplianceYear, plan: Plan, at: datetime) -> ComplianceYear:
    """The year with its pre-allocation, of which the deduction is kept back."""
    preallocated = replace(
        stepped(year, Step.PREALLOCATE, at, plan),
        preallocation_ppm=plan.year(year.emission_year).preallocation_ppm,
        preallocated=allocation.preallocated(plan, year.emission_year, year.last_verified),
    )
    return replace(preallocated, preallocation_paid=preallocated.payable)


def verify(
    year: ComplianceYear, plan: Plan, command: VerifyEmissions, at: datetime
) -> ComplianceYear:
    """The year with what is due, which is what was emitted; a change of it has a reason."""
    verified = stepped(year, Step.VERIFY, at, plan)
    if market_day(at).year <= year.emission_year:
        raise EmissionYearNotOver(market_day(at), year.emission_year)
    if year.obligation_version or command.reason:
        require_text("reason", command.reason, REASON_LENGTH_MAX)
    require_units(plan, year.emission_year, command.units)
    due = sum(one.verified_tonnes for one in command.units)
    return replace(
        verified,
        due=due,
        offset_max=allocation.offset_max(plan, due),
        obligation_version=year.obligation_version + 1,
    )


def allocate(
    year: ComplianceYear,
    plan: Plan,
    allocated: Allocation,
    differentiated_reason: str,
    at: datetime,
) -> ComplianceYear:
    """The year with its final allocation."""
    if differentiated_reason:
        require_text("differentiated_reason", differentiated_reason, REASON_LENGTH_MAX)
    return replace(
        stepped(year, Step.ALLOCATE, at, plan),
        final=allocated.tonnes,
        topup=allocated.topup_tonnes,
        differentiated_reason=differentiated_reason or None,
    )


def refund(
    year: ComplianceYear, plan: Plan, tonnes: int, reason: str, at: datetime
) -> ComplianceYear:
    """The year with so much less kept back."""
    refunded = stepped(year, Step.REFUND, at, plan)
    require_text("reason", reason, REASON_LENGTH_MAX)
    require_tonnes(tonnes)
    if year.refunded + tonnes > year.deducted:
        raise RefundAboveDeduction(year.refunded + tonnes, year.deducted)
    return replace(refunded, refunded=year.refunded + tonnes)


def paid(year: ComplianceYear) -> ComplianceYear:
    """The year once everything that is missing has been issued."""
    return replace(year, paid=year.paid + year.payable)
