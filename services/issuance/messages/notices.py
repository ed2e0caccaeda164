"""What is said while a monitoring report is on public notice."""

from datetime import date, datetime
from uuid import UUID

from services.kernel.clocks import end_of
from services.runtime.messages import Command, Event


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

    @property
    def by_itself_at(self) -> datetime | None:
        return end_of(self.ended_on)
