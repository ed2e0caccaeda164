"""What is said of the national ETS: allocation plans, and the compliance years of emitters with their allowances."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from services.issuance.messages.carry_overs import CarryOverTerms
from services.runtime.messages import Command, Event


class EmissionYear(msgspec.Struct, frozen=True, kw_only=True):
    """A year whose emissions are paid for with allowances, and what pays for them."""

    emission_year: int
    allowance_vintages: tuple[int, ...]
    """Of which years allowances are accepted."""
    credits_registered_after: date | None = None
    """Only reductions that were registered after this day offset; None: whenever they were."""
    preallocation_ppm: int
    """Millionths of the last verified emissions that are allocated before the verification; rounded down."""
    carry_over: CarryOverTerms | None = None
    """By which allowances of earlier years are carried over into this one; None: by none."""


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """By what figures units of one type are allocated for in one emission year."""

    unit_type: str
    """Capital letters and digits, such as COAL-ABOVE-300."""
    emission_year: int
    method: str
    """OUTPUT: output x benchmark x correction + heat x benchmark. INTENSITY: emissions, and how they compare with
    the balance point. EMISSIONS: as many as were emitted."""
    output: Decimal | None = None
    """For OUTPUT: tCO2 per MWh."""
    heat: Decimal | None = None
    """For OUTPUT: tCO2 per GJ."""
    balance: Decimal | None = None
    """For INTENSITY: the tCO2 per tonne of product at which a unit gets as many allowances as it emitted."""
    floor_ppm: int = 0
    """Millionths of its emissions that a unit of this type gets at least."""


class AllocationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one plan; what is only a draft says so, and is followed by another version."""

    plan: str
    """Its code, such as CEA-2025-2026; a later version has the same one."""
    programme: str
    """Whose allowances are allocated."""
    is_draft: bool
    source: str
    """Title, number and day of the text, and what of it is not in force."""
    emission_years: tuple[EmissionYear, ...]
    offset_cap_ppm: int
    """Millionths of what is due that credits may offset; rounded down."""
    gap_floor_ppm: int
    """Millionths of its verified emissions that an entity gets at least; rounded down."""
    intensity_slope: Decimal
    """By how much the allocation follows the intensity, as long as that is near the balance point."""
    intensity_band: Decimal
    """From so far on the intensity is not near the balance point any more."""
    intensity_limit: Decimal
    """By how much the allocation differs from the emissions from there on."""
    benchmarks: tuple[Benchmark, ...]


class PublishAllocationPlan(
    Command, frozen=True, kw_only=True, tag="issuance.publish_allocation_plan"
):
    """Enters an allocation plan, or the next version of it; what was allocated before stays; needs two persons."""

    terms: AllocationPlan


class AllocationPlanPublished(
    Event, frozen=True, kw_only=True, tag="issuance.allocation_plan.published"
):
    """From now on allowances are allocated by this version of the plan."""

    version: int
    terms: AllocationPlan

    @property
    def subject(self) -> str:
        return f"allocation_plan/{self.terms.plan}"


class OpenComplianceYear(Command, frozen=True, kw_only=True, tag="issuance.open_compliance_year"):
    """Begins an emitter's account of one emission year: what it is allocated, and what it owes."""

    compliance_id: UUID
    account: str
    """The number of an account of kind EMITTER; its holder gets the allowances."""
    emission_year: int
    sector: str
    """POWER, STEEL, CEMENT or ALUMINIUM."""
    plan: str
    """The code of the allocation plan."""
    last_verified_tonnes: int
    """The entity's emissions as they were verified last, from which its pre-allocation follows."""
    adjustment_deduction_tonnes: int = 0
    """What is kept back of the pre-allocation, at least what was paid above earlier final allocations."""
    province: str = ""
    """Whose authority supervises the entity."""


class ComplianceYearOpened(Event, frozen=True, kw_only=True, tag="issuance.compliance_year.opened"):
    """An emitter's compliance year has begun."""

    compliance_id: UUID
    account: str
    emission_year: int
    sector: str
    plan: str
    last_verified_tonnes: int
    adjustment_deduction_tonnes: int
    province: str

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"


class PreallocateAllowances(
    Command, frozen=True, kw_only=True, tag="issuance.preallocate_allowances"
):
    """Issues the pre-allocation less what is kept back of it, before the emissions are verified; irreversible."""

    compliance_id: UUID
    batch_id: UUID


class AllowancesPreallocated(
    Event, frozen=True, kw_only=True, tag="issuance.allowances.preallocated"
):
    """The emitter has its pre-allocation; ``issuance.credits.issued`` tells of the batch."""

    compliance_id: UUID
    account: str
    emission_year: int
    tonnes: int
    """Before what is kept back of it."""
    paid_tonnes: int
    """What was issued now."""

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"


class UnitEmissions(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of an emitter emitted and made in a year, as verified."""

    unit_id: str
    """Capital letters and digits; once for each emitter."""
    unit_type: str
    """Of which the plan has a benchmark."""
    verified_tonnes: int
    output: Decimal | None = None
    """MWh of electricity, or tonnes of product."""
    heat: Decimal | None = None
    """GJ."""
    load_factor: Decimal | None = None
    """For the record; what follows from it is the correction."""
    correction: Decimal | None = None
    """By which the output counts; at most 6 decimal places."""


class VerifyEmissions(Command, frozen=True, kw_only=True, tag="issuance.verify_emissions"):
    """Sets the year's verified emissions, which are what the emitter owes; a later change sets them again."""

    compliance_id: UUID
    units: tuple[UnitEmissions, ...]
    reason: str = ""
    """Why they are set again."""


class ObligationSet(Event, frozen=True, kw_only=True, tag="issuance.obligation.set"):
    """So many allowances are due from the emitter; a later version of the same obligation replaces this one."""

    compliance_id: UUID
    account: str
    organisation_id: UUID
    emission_year: int
    due: int
    """Its verified emissions, in whole tonnes."""
    offset_max: int
    """So many of them at most may be offset with credits."""
    deadline: datetime
    """The first instant at which it is too late."""
    allowance_vintages: tuple[int, ...]
    """Of which years allowances are accepted."""
    credits_registered_after: date | None
    """Credits offset only if their reductions were registered after this day."""
    plan: str
    is_draft: bool
    """Whether the plan is only a draft."""
    version: int
    """From 1."""
    programme: str | None = None
    """Whose allowances are accepted; None, as once told: of any."""

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"


class AllocateAllowances(Command, frozen=True, kw_only=True, tag="issuance.allocate_allowances"):
    """Computes the final allocation and issues what is missing of it; irreversible.

    What was paid above it is kept back of a later pre-allocation.
    """

    compliance_id: UUID
    batch_id: UUID
    differentiated_reason: str = ""
    """Why this entity is treated otherwise than its sector, if it is."""


class AllowancesAllocated(Event, frozen=True, kw_only=True, tag="issuance.allowances.allocated"):
    """The final allocation stands, until a change of the verified emissions."""

    compliance_id: UUID
    account: str
    emission_year: int
    tonnes: int
    true_up_tonnes: int
    """The final allocation less the pre-allocation; below zero if that was too much."""
    paid_tonnes: int
    """What was issued now."""
    overpaid_tonnes: int
    """What was issued above what the entity is entitled to."""
    plan: str
    plan_version: int
    is_draft: bool
    trace_sha256: str

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"


class RefundDeduction(Command, frozen=True, kw_only=True, tag="issuance.refund_deduction"):
    """Gives back what was kept back of the pre-allocation, or a part of it; irreversible."""

    compliance_id: UUID
    batch_id: UUID
    tonnes: int
    reason: str


class DeductionRefunded(Event, frozen=True, kw_only=True, tag="issuance.deduction.refunded"):
    """So much of what was kept back belongs to the emitter after all."""

    compliance_id: UUID
    account: str
    tonnes: int
    paid_tonnes: int
    """What was issued now."""
    reason: str

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"
