"""What is said of projects by their owners, and of the dates that they wait for."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from services.runtime.messages import Command, Event


class DraftProject(Command, frozen=True, kw_only=True, tag="registry.draft_project"):
    """Enters a project under its public code, which it keeps for ever; nobody else sees it yet."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    activity: str
    """What reduces: one of a closed list, by which projects of different programmes are compared."""
    owner_account: str
    """The number of the account that its credits will be issued to."""
    name: str
    province: str
    longitude: Decimal
    """Degrees east, -180 to 180."""
    latitude: Decimal
    """Degrees north, -90 to 90."""
    construction_started_on: date
    crediting_from: date
    crediting_until: date
    """The last day of the crediting period."""
    expected_annual_tonnes: int
    notes: str = ""


class ProjectDrafted(Event, frozen=True, kw_only=True, tag="registry.project.drafted"):
    """A project is entered; it is its owner's own affair until its notice opens."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    activity: str
    owner_account: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class WithdrawProject(Command, frozen=True, kw_only=True, tag="registry.withdraw_project"):
    """The owner takes a project back while its notice lasts, for ever."""

    code: str
    reason: str


class ProjectWithdrawn(Event, frozen=True, kw_only=True, tag="registry.project.withdrawn"):
    """The owner has taken the project back."""

    code: str
    programme: str
    reason: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ProjectDatesComputed(Event, frozen=True, kw_only=True, tag="registry.project.dates_computed"):
    """The date that a project waits for was computed again, because the official calendar changed."""

    code: str
    notice_ends_on: date
    decide_by: date | None
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"project/{self.code}"
