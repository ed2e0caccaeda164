"""What issuance may be told and what it says: monitoring reports, reductions, and the batches issued from them."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from services.runtime import approval
from services.runtime.messages import Command, Event


class VintageTonnes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole tonnes CO2e that were reduced or removed in one calendar year."""

    vintage: int
    tonnes: int


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document by its content: the digest is its name, and the content is kept here if it is sent along."""

    name: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size_bytes: int
    media_type: str
    content: bytes | None = None
    """Base64 in JSON, at most 256 KiB; of a larger document only the digest is kept."""


class TeamMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A full-time member of the team that verified."""

    name: str
    is_sector_competent: bool


class SubmitReport(Command, frozen=True, kw_only=True, tag="issuance.submit_report"):
    """Drafts the monitoring report of one project and period; what is quantified is computed here and now."""

    report_id: UUID
    project: str
    """The project's public code."""
    period_number: int
    """Which monitoring period of the project, from 1."""
    period_start: date
    period_end: date
    """The last day of the monitoring period."""
    basis: str
    """QUANTIFIED: from activity data, with a trace. ATTESTED: the owner's figures, for which documents stand."""
    activity: str | None = None
    """For QUANTIFIED: what was measured, as JSON text in the form that the methodology's formula reads."""
    tonnes: tuple[VintageTonnes, ...] = ()
    """The tonnes of each calendar year; for ATTESTED."""
    documents: tuple[Document, ...] = ()


class ReportSubmitted(Event, frozen=True, kw_only=True, tag="issuance.report.submitted"):
    """A monitoring report is drafted; its tonnes are only claimed."""

    report_id: UUID
    project: str
    period_number: int
    period_start: date
    period_end: date
    basis: str
    tonnes: tuple[VintageTonnes, ...]
    inputs_sha256: str | None = None
    """Of the activity data, if they are quantified; the trace holds them and has a digest of its own."""
    trace_sha256: str | None = None

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class OpenReportNotice(Command, frozen=True, kw_only=True, tag="issuance.open_report_notice"):
    """Publishes the report for 20 working days and names the body that will verify it."""

    report_id: UUID
    verification_body: str
    """The number of its account."""


class ReportNoticeOpened(Event, frozen=True, kw_only=True, tag="issuance.report.notice_opened"):
    """Everybody may read the report, and comment on it until the last day of the notice."""

    report_id: UUID
    project: str
    verification_body: str
    starts_on: date
    ends_on: date
    """The last day of the notice."""
    is_provisional: bool
    """Computed beyond the official calendar; computed again when that is published."""

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class CommentOnReport(Command, frozen=True, kw_only=True, tag="issuance.comment_on_report"):
    """What anybody has to say of a report while its notice lasts."""

    comment_id: UUID
    report_id: UUID
    text: str


class ReportCommented(Event, frozen=True, kw_only=True, tag="issuance.report.commented"):
    """Somebody commented on the report; the verifier says how the comment was heeded."""

    comment_id: UUID
    report_id: UUID

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class ReportNoticeEnded(Event, frozen=True, kw_only=True, tag="issuance.report.notice_ended"):
    """The last day of the notice is over."""

    report_id: UUID
    ended_on: date

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class RecordVerification(Command, frozen=True, kw_only=True, tag="issuance.record_verification"):
    """The verification body's statement: how many tonnes of each vintage the report proves."""

    report_id: UUID
    verification_body: str
    """The number of its account; never the body that validated the project."""
    team: tuple[TeamMember, ...]
    reviewer: str
    """Who reviewed and decided; no member of the team."""
    tonnes: tuple[VintageTonnes, ...]
    """Every vintage of the report, none with more than reported."""
    statement: Document
    findings: str = ""
    """How comments were heeded, and why fewer tonnes were verified than reported."""


class ReductionsVerified(Event, frozen=True, kw_only=True, tag="issuance.report.verified"):
    """The verified quantity is set; only exactly this quantity can be registered."""

    report_id: UUID
    project: str
    verification_body: str
    tonnes: tuple[VintageTonnes, ...]
    statement_sha256: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class ApplyForReduction(Command, frozen=True, kw_only=True, tag="issuance.apply_for_reduction"):
    """The owner applies for the registration of exactly the verified tonnes."""

    report_id: UUID
    tonnes: int
    """Of all vintages together."""


class ReductionApplied(Event, frozen=True, kw_only=True, tag="issuance.report.applied"):
    """The registry has to decide on the application within 15 working days."""

    report_id: UUID
    project: str
    tonnes: int
    applied_on: date
    decide_by: date
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class DecisionOverdue(Event, frozen=True, kw_only=True, tag="issuance.report.decision_overdue"):
    """An alarm: the registry has not decided on the application in time."""

    report_id: UUID
    project: str
    decide_by: date

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class ReportDatesComputed(Event, frozen=True, kw_only=True, tag="issuance.report.dates_computed"):
    """A provisional date was computed again from the official calendar."""

    report_id: UUID
    notice_ends_on: date
    decide_by: date | None
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class RegisterReduction(Command, frozen=True, kw_only=True, tag="issuance.register_reduction"):
    """Registers what was applied for: reductions of each vintage, from which credits can be issued."""

    report_id: UUID


class ReductionRegistered(Event, frozen=True, kw_only=True, tag="issuance.report.registered"):
    """The report's verified tonnes are registered; ``issuance.reduction.recorded`` names those of each vintage."""

    report_id: UUID
    project: str
    tonnes: int

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class RefuseReduction(Command, frozen=True, kw_only=True, tag="issuance.refuse_reduction"):
    """Refuses what was applied for; the period is free for another report."""

    report_id: UUID
    reason: str


class ReductionRefused(Event, frozen=True, kw_only=True, tag="issuance.report.refused"):
    """The registry does not register the report's tonnes."""

    report_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class WithdrawReport(Command, frozen=True, kw_only=True, tag="issuance.withdraw_report"):
    """The owner takes a report back before applying; the period is free for another report."""

    report_id: UUID
    reason: str


class ReportWithdrawn(Event, frozen=True, kw_only=True, tag="issuance.report.withdrawn"):
    """The owner has taken the report back."""

    report_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class ReportIssued(Event, frozen=True, kw_only=True, tag="issuance.report.issued"):
    """Credits of every vintage of the report have been issued."""

    report_id: UUID
    project: str
    tonnes: int

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class OpenDay(Command, frozen=True, kw_only=True, tag="issuance.open_day"):
    """A new day: notices whose last day is over end, and decisions that are overdue raise an alarm."""

    date: date


class DayOpened(Event, frozen=True, kw_only=True, tag="issuance.day.opened"):
    """What time had caused by this day is done."""

    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.date}"


class Quantify(Command, frozen=True, kw_only=True, tag="issuance.quantify"):
    """A dry run: the answer's result is what a report with this activity data would claim; nothing is stored."""

    methodology: str
    period_start: date
    period_end: date
    activity: str
    """JSON text, as in a report."""


class PublishGridFactor(Command, frozen=True, kw_only=True, tag="issuance.publish_grid_factor"):
    """Enters a grid's emission factors of one year, as the ministry published them on one day; for ever."""

    region: str
    """Capital letters, such as EAST or SOUTHWEST."""
    year: int
    operating_margin: Decimal
    """tCO2/MWh, like the build margin."""
    build_margin: Decimal
    published_on: date
    source: str
    edition: str
    confidence: str
    """VERIFIED if read in the published text, else UNVERIFIED."""


class GridFactorPublished(Event, frozen=True, kw_only=True, tag="issuance.grid_factor.published"):
    """Reports that are submitted from this day on are quantified with these factors."""

    region: str
    year: int
    operating_margin: Decimal
    build_margin: Decimal
    published_on: date
    source: str
    edition: str
    confidence: str

    @property
    def subject(self) -> str:
        return f"grid_factor/{self.region}-{self.year}"


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


class ReportRevoked(Event, frozen=True, kw_only=True, tag="issuance.report.revoked"):
    """Reductions of the report were falsified; nothing more is issued from it."""

    report_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


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
    SubmitReport,
    OpenReportNotice,
    CommentOnReport,
    RecordVerification,
    ApplyForReduction,
    RegisterReduction,
    RefuseReduction,
    WithdrawReport,
    OpenDay,
    Quantify,
    PublishGridFactor,
    RecordReduction,
    EstimateReduction,
    RevokeReductions,
    IssueCredits,
    ImportOpeningBatch,
    ApproveCommand,
    RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    ReportSubmitted,
    ReportNoticeOpened,
    ReportCommented,
    ReportNoticeEnded,
    ReductionsVerified,
    ReductionApplied,
    DecisionOverdue,
    ReportDatesComputed,
    ReductionRegistered,
    ReductionRefused,
    ReportWithdrawn,
    ReportIssued,
    ReportRevoked,
    DayOpened,
    GridFactorPublished,
    ReductionRecorded,
    ReductionEstimated,
    ReductionsRevoked,
    CreditsIssued,
    ApprovalRequested,
    ApprovalDecided,
)
