"""What is said of the batches in which credits are issued."""

from datetime import date
from uuid import UUID

from services.runtime.messages import Command, Event


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
    buffer_first_serial: int | None = None
    """From here to the last serial the credits stand in for reversals, and are not the holder's to give."""
    registered_on: date | None = None
    """The day on which its reductions were registered; None for opening batches and for allowances."""
    conversion_id: UUID | None = None
    """If they live in the stead of others, which are dead."""

    @property
    def subject(self) -> str:
        return f"batch/{self.batch_id}"
