"""What the registry may be told and what it says: organisations, accounts, programmes, methodologies, projects."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from services.runtime import approval
from services.runtime.messages import Command, Event


class RegisterOrganisation(
    Command, frozen=True, kw_only=True, tag="registry.register_organisation"
):
    """Enters a legal entity under its unified social credit code (18 characters, GB 32100-2015)."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str = "CN"


class OrganisationRegistered(
    Event, frozen=True, kw_only=True, tag="registry.organisation.registered"
):
    """A legal entity is known to the registry."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str

    @property
    def subject(self) -> str:
        return f"organisation/{self.organisation_id}"


class OpenAccount(Command, frozen=True, kw_only=True, tag="registry.open_account"):
    """Opens an organisation's one account; the registry gives it its public number."""

    account_id: UUID
    organisation_id: UUID
    kind: str
    """OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY (registration rules 2023, article 5)."""


class AccountOpened(Event, frozen=True, kw_only=True, tag="registry.account.opened"):
    """An account is open; others know it by its number."""

    account_id: UUID
    number: str
    organisation_id: UUID
    kind: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RegisterProgramme(Command, frozen=True, kw_only=True, tag="registry.register_programme"):
    """Enters a crediting programme, such as CCER."""

    code: str
    name: str
    country: str
    kind: str
    """NATIONAL, NATIONAL_LEGACY or PILOT_ASSOCIATION: what its credits may be used for follows from it."""
    is_ets_eligible: bool
    """Whether credits may ever be offset in the national ETS; further conditions are the rule book's."""


class ProgrammeRegistered(Event, frozen=True, kw_only=True, tag="registry.programme.registered"):
    """A crediting programme is known."""

    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"


class PublishMethodology(Command, frozen=True, kw_only=True, tag="registry.publish_methodology"):
    """Enters one version of a methodology under its code, such as CCER-01-002-V01."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    """The longest crediting period it allows, in years."""


class MethodologyPublished(Event, frozen=True, kw_only=True, tag="registry.methodology.published"):
    """A version of a methodology may be used."""

    code: str
    programme: str
    name: str
    crediting_years_max: int

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"


class SubmitProject(Command, frozen=True, kw_only=True, tag="registry.submit_project"):
    """Applies for the registration of a project, under its public code."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
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
    validation_body: str
    notes: str = ""


class ProjectSubmitted(Event, frozen=True, kw_only=True, tag="registry.project.submitted"):
    """A project waits for its registration."""

    project_id: UUID
    code: str
    programme: str
    methodology: str
    owner_account: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class RegisterProject(Command, frozen=True, kw_only=True, tag="registry.register_project"):
    """Registers a submitted project: from then on its verified reductions can become credits."""

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

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="registry.approve_command"):
    """Approves what another person asked the registry for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="registry.refuse_command"):
    """Refuses what another person asked the registry for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="registry.approval.requested"
):
    """A command to the registry waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="registry.approval.decided"
):
    """What a second person said of a command to the registry."""


APPROVALS = approval.Words(ApproveCommand, RefuseCommand, ApprovalRequested, ApprovalDecided)

COMMANDS: tuple[type[Command], ...] = (
    RegisterOrganisation,
    OpenAccount,
    RegisterProgramme,
    PublishMethodology,
    SubmitProject,
    RegisterProject,
    ApproveCommand,
    RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    OrganisationRegistered,
    AccountOpened,
    ProgrammeRegistered,
    MethodologyPublished,
    ProjectSubmitted,
    ProjectRegistered,
    ApprovalRequested,
    ApprovalDecided,
)
