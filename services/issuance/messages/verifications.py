"""What a verification body says of a monitoring report."""

from uuid import UUID

import msgspec

from services.issuance.messages.documents import Document
from services.issuance.messages.reports import VintageTonnes
from services.runtime.messages import Command, Event


class TeamMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A full-time member of the team that verified."""

    name: str
    is_sector_competent: bool


class RecordVerification(Command, frozen=True, kw_only=True, tag="issuance.record_verification"):
    """The verification body's statement: how many tonnes of each vintage the report proves."""

    report_id: UUID
    verification_body: str
    """The number of its account; never the body that validated the project."""
    team: tuple[TeamMember, ...]
    reviewer: str
    """Who reviewed and decided; no member of the team."""
    tonnes: tuple[VintageTonnes, ...]
    """Every vintage of the report, none with more than its activity comes to with the emission factors of the day."""
    statement: Document
    findings: str = ""
    """How comments were heeded, and why other tonnes were verified than reported."""


class ReductionsVerified(Event, frozen=True, kw_only=True, tag="issuance.report.verified"):
    """The verified quantity is set; only exactly this quantity can be registered."""

    report_id: UUID
    project: str
    verification_body: str
    tonnes: tuple[VintageTonnes, ...]
    statement_sha256: str
    trace_sha256: str | None = None
    """Of the trace that stands from now on, if emission factors came out since the report."""

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"
