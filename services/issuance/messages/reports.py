"""What is said of monitoring reports from their draft to their issued credits."""

from datetime import date
from uuid import UUID

import msgspec

from services.issuance.messages.documents import Document
from services.runtime.messages import Command, Event


class VintageTonnes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole tonnes CO2e that were reduced or removed in one calendar year."""

    vintage: int
    tonnes: int


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


class ReportDatesComputed(Event, frozen=True, kw_only=True, tag="issuance.report.dates_computed"):
    """A provisional date was computed again from the official calendar."""

    report_id: UUID
    notice_ends_on: date
    decide_by: date | None
    is_provisional: bool

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


class ReportRevoked(Event, frozen=True, kw_only=True, tag="issuance.report.revoked"):
    """Reductions of the report were falsified; nothing more is issued from it."""

    report_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"
