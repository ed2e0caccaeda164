"""What issuance may be told and what it says: verified reductions and the credit batches issued from them."""

from datetime import date
from uuid import UUID

from services.runtime import approval
from services.runtime.messages import Command, Event


class RecordReduction(Command, frozen=True, kw_only=True, tag="issuance.record_reduction"):
    """Registers the verified reductions of one project, monitoring period and vintage."""

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
    """Verified reductions are registered; they are not credits yet."""

    reduction_id: UUID
    project: str
    period_number: int
    period_start: date
    period_end: date
    vintage: int
    tonnes: int

    @property
    def subject(self) -> str:
        return f"reduction/{self.reduction_id}"


class EstimateReduction(Command, frozen=True, kw_only=True, tag="issuance.estimate_reduction"):
    """Notes an estimate of a monitoring period that nobody has verified: counted nowhere, never issued."""

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


class IssueCredits(Command, frozen=True, kw_only=True, tag="issuance.issue_credits"):
    """Issues registered reductions as one batch of serialised credits to the project's owner; irreversible."""

    batch_id: UUID
    reduction_id: UUID


class ImportOpeningBatch(Command, frozen=True, kw_only=True, tag="issuance.import_opening_batch"):
    """Brings in credits that another registry issued before Tonne; for historians, never for ETS use."""

    batch_id: UUID
    programme: str
    project: str
    vintage: int
    tonnes: int
    holder_account: str
    source: str


class CreditsIssued(Event, frozen=True, kw_only=True, tag="issuance.credits.issued"):
    """A batch exists: the serials ``first_serial`` to ``last_serial``, both included, belong to the holder."""

    batch_id: UUID
    programme: str
    country: str
    project: str
    vintage: int
    batch_number: int
    first_serial: int
    last_serial: int
    tonnes: int
    holder_account: str
    serials: str
    """The public serial range, ``PROG-CTRY-PROJECT-VINTAGE-BATCH-START-END``."""
    is_opening: bool
    """Recorded history of another registry, brought in by a historian."""

    @property
    def subject(self) -> str:
        return f"batch/{self.batch_id}"


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="issuance.approve_command"):
    """Approves what another person asked issuance for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="issuance.refuse_command"):
    """Refuses what another person asked issuance for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="issuance.approval.requested"
):
    """A command to issuance waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="issuance.approval.decided"
):
    """What a second person said of a command to issuance."""


APPROVALS = approval.Words(ApproveCommand, RefuseCommand, ApprovalRequested, ApprovalDecided)

COMMANDS: tuple[type[Command], ...] = (
    RecordReduction,
    EstimateReduction,
    IssueCredits,
    ImportOpeningBatch,
    ApproveCommand,
    RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    ReductionRecorded,
    ReductionEstimated,
    CreditsIssued,
    ApprovalRequested,
    ApprovalDecided,
)
