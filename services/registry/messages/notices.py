"""What is said while a project is on public notice."""

from datetime import date, datetime
from uuid import UUID

from services.kernel.clocks import end_of
from services.registry.messages.documents import Document
from services.runtime.messages import Command, Event


class OpenNotice(Command, frozen=True, kw_only=True, tag="registry.open_notice"):
    """Publishes a project for 20 working days, with its design document and the body that will validate it."""

    code: str
    validation_body: str
    """The number of its account, of kind VERIFIER."""
    documents: tuple[Document, ...]
    """One of them the PDD."""


class ProjectNoticeOpened(Event, frozen=True, kw_only=True, tag="registry.project.notice_opened"):
    """Everybody may read the project, and comment on it until the last day of the notice."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    owner_account: str
    validation_body: str
    starts_on: date
    ends_on: date
    """The last day of the notice."""
    is_provisional: bool
    """Computed beyond the official calendar; computed again when that is published."""
    validate_by: date
    """Until then the body reports, in principle; later an alarm is raised."""

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class CommentOnProject(Command, frozen=True, kw_only=True, tag="registry.comment_on_project"):
    """What anybody has to say of a project while its notice lasts; it is public."""

    comment_id: UUID
    code: str
    text: str


class ProjectCommented(Event, frozen=True, kw_only=True, tag="registry.project.commented"):
    """Somebody commented on the project; the validating body says how comments were handled."""

    comment_id: UUID
    code: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ProjectNoticeEnded(Event, frozen=True, kw_only=True, tag="registry.project.notice_ended"):
    """The last day of the notice is over."""

    code: str
    ended_on: date

    @property
    def subject(self) -> str:
        return f"project/{self.code}"

    @property
    def by_itself_at(self) -> datetime | None:
        return end_of(self.ended_on)
