"""What is said of a project's place on the register: applied for, decided, lost."""

from datetime import date
from uuid import UUID

from services.registry.messages.documents import Document
from services.runtime.messages import Command, Event


class ApplyForRegistration(
    Command, frozen=True, kw_only=True, tag="registry.apply_for_registration"
):
    """The owner applies for the registration of a positively validated project."""

    code: str
    documents: tuple[Document, ...]
    """One of them the signed COMMITMENT on uniqueness."""


class ProjectRegistrationApplied(
    Event, frozen=True, kw_only=True, tag="registry.project.registration_applied"
):
    """The registry has to decide on the application within 15 working days."""

    code: str
    programme: str
    owner_account: str
    applied_on: date
    decide_by: date
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ProjectDecisionOverdue(
    Event, frozen=True, kw_only=True, tag="registry.project.decision_overdue"
):
    """An alarm: the registry has not decided on the application in time."""

    code: str
    decide_by: date

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class RegisterProject(Command, frozen=True, kw_only=True, tag="registry.register_project"):
    """Registers what was applied for: from then on its verified reductions can become credits."""

    code: str


class ProjectRegistered(Event, frozen=True, kw_only=True, tag="registry.project.registered"):
    """A project is registered; its crediting period bounds what may be credited."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    owner_account: str
    country: str
    registered_on: date
    crediting_from: date
    crediting_until: date
    validation_body: str
    """The number of its account: reductions are verified by another body."""

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class RefuseProject(Command, frozen=True, kw_only=True, tag="registry.refuse_project"):
    """Refuses what was applied for."""

    code: str
    reason: str


class ProjectRefused(Event, frozen=True, kw_only=True, tag="registry.project.refused"):
    """The registry does not register the project."""

    code: str
    programme: str
    reason: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class CancelProject(Command, frozen=True, kw_only=True, tag="registry.cancel_project"):
    """Takes a project off the register for ever, after a second person's approval; there is no way back."""

    code: str
    ground: str
    """OWNER_REQUEST, OWNER_EXTINCT or PROJECT_EXTINCT (measures 2023, article 16)."""
    reason: str


class ProjectCancelled(Event, frozen=True, kw_only=True, tag="registry.project.cancelled"):
    """The project is off the register, and can never be registered again."""

    code: str
    programme: str
    owner_account: str
    cancelled_on: date
    ground: str
    reason: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class RevokeProject(Command, frozen=True, kw_only=True, tag="registry.revoke_project"):
    """Undoes a registration that was obtained by deliberate falsification, after a second person's approval.

    There is no way back, and for three years the owner's applications are refused.
    """

    code: str
    reason: str


class ProjectRevoked(Event, frozen=True, kw_only=True, tag="registry.project.revoked"):
    """The registration was obtained by falsification; the owner's applications are refused for three years."""

    code: str
    programme: str
    owner_account: str
    owner_organisation: UUID
    revoked_on: date
    barred_until: date
    """The first day on which the owner's applications are accepted again."""
    reason: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"
