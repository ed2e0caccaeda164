"""What is said of reductions: recorded, estimated, revoked."""

from datetime import date
from uuid import UUID

from services.runtime.messages import Command, Event


class RecordReduction(Command, frozen=True, kw_only=True, tag="issuance.record_reduction"):
    """Brings in reductions that were registered before Tonne, on the basis ATTESTED; for historians."""

    reduction_id: UUID
    project: str
    """The project's public code."""
    period_number: int
    """Which monitoring period of the project, from 1."""
    period_start: date
    period_end: date
    """The last day of the monitoring period."""
    vintage: int
    """The calendar year in which the reductions were made."""
    tonnes: int
    """Whole tonnes CO2e, rounded down by the verifier."""
    verification_body: str
    evidence: str
    """Where the verifier's statement is, or its digest."""


class ReductionRecorded(Event, frozen=True, kw_only=True, tag="issuance.reduction.recorded"):
    """Verified reductions of one vintage are registered; they are not credits yet."""

    reduction_id: UUID
    project: str
    period_number: int
    period_start: date
    period_end: date
    vintage: int
    tonnes: int
    basis: str
    report_id: UUID | None = None
    """None for what was registered before Tonne."""

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"


class EstimateReduction(Command, frozen=True, kw_only=True, tag="issuance.estimate_reduction"):
    """Notes an estimate of the public record that nobody has verified: never counted or issued; for historians."""

    reduction_id: UUID
    project: str
    period_start: date
    period_end: date
    tonnes: int
    source: str


class ReductionEstimated(Event, frozen=True, kw_only=True, tag="issuance.reduction.estimated"):
    """An estimate of a monitoring period is noted."""

    reduction_id: UUID
    project: str
    period_start: date
    period_end: date
    tonnes: int
    source: str

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"


class WithdrawEstimate(Command, frozen=True, kw_only=True, tag="issuance.withdraw_estimate"):
    """Takes an estimate back, whether it was wrong or a better one is noted."""

    reduction_id: UUID
    reason: str


class EstimateWithdrawn(Event, frozen=True, kw_only=True, tag="issuance.reduction.withdrawn"):
    """The estimate stands no more."""

    reduction_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"


class ReductionIssued(Event, frozen=True, kw_only=True, tag="issuance.reduction.issued"):
    """Credits were issued from the reductions, one for each tonne; ``issuance.credits.issued`` tells of the batch."""

    reduction_id: UUID
    project: str
    vintage: int
    batch_id: UUID
    tonnes: int

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"


class RevokeReductions(Command, frozen=True, kw_only=True, tag="issuance.revoke_reductions"):
    """An authority found them falsified: nothing more is issued from the report, and as many credits must go."""

    reduction_id: UUID
    tonnes: int
    """How many of these tonnes are false."""
    reason: str


class ReductionsRevoked(Event, frozen=True, kw_only=True, tag="issuance.reductions.revoked"):
    """So many tonnes are false; if credits were issued from them, the owner owes their cancellation."""

    reduction_id: UUID
    report_id: UUID | None
    project: str
    vintage: int
    batch_id: UUID | None
    """None if no credits were issued from them."""
    owner_account: str
    tonnes: int
    reason: str

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"
