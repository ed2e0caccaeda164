"""What a verification body says of a project before its registration."""

from datetime import date

import msgspec

from services.registry.messages.documents import Document
from services.runtime.messages import Command, Event


class TeamMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A full-time member of the team that validated."""

    name: str
    is_sector_competent: bool


class RecordValidation(Command, frozen=True, kw_only=True, tag="registry.record_validation"):
    """The validation body's report on a project whose notice is over; a negative one ends it."""

    code: str
    validation_body: str
    """The number of its account: the body that the notice named."""
    is_positive: bool
    team: tuple[TeamMember, ...]
    """At least two, one of them competent in the sector."""
    reviewer: str
    """Who reviewed and decided; no member of the team."""
    documents: tuple[Document, ...]
    """One of them the VALIDATION_REPORT."""
    comments_handling: str = ""
    """How the public's comments were handled; not empty if there were any."""


class ProjectValidated(Event, frozen=True, kw_only=True, tag="registry.project.validated"):
    """A verification body has said whether the project meets the rules."""

    code: str
    programme: str
    validation_body: str
    """The number of its account."""
    validation_body_name: str
    is_positive: bool
    validated_on: date
    is_late: bool
    """More than 100 days after the notice opened."""

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ProjectValidationOverdue(
    Event, frozen=True, kw_only=True, tag="registry.project.validation_overdue"
):
    """An alarm: the body has not reported within 100 days after the notice opened."""

    code: str
    validation_body: str
    validate_by: date

    @property
    def subject(self) -> str:
        return f"project/{self.code}"
