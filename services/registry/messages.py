"""What the registry may be told and what it says: organisations, accounts, programmes, methodologies, projects."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from services.runtime import approval
from services.runtime.messages import Command, Event


class RegisterOrganisation(
    Command, frozen=True, kw_only=True, tag="registry.register_organisation"
):
    """Enters a party under the code of its entity; what it is decides whether it may ever trade."""

    organisation_id: UUID
    name: str
    credit_code: str
    """In China the unified social credit code (GB 32100-2015), abroad the LEI (ISO 17442), of a person the number."""
    country: str = "CN"
    category: str = "ENTERPRISE"
    """ENTERPRISE, INSTITUTION, VERIFICATION_BODY, REGULATOR, REGISTRY, EXCHANGE or NATURAL_PERSON."""


class OrganisationRegistered(
    Event, frozen=True, kw_only=True, tag="registry.organisation.registered"
):
    """A legal entity is known to the registry."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str
    category: str = "ENTERPRISE"

    @property
    def subject(self) -> str:
        return f"organisation/{self.organisation_id}"


class ChangeAdmission(Command, frozen=True, kw_only=True, tag="registry.change_admission"):
    """Admits natural persons to the market, or admits no more of them."""

    category: str
    """NATURAL_PERSON: for every other category the law has decided."""
    is_admitted: bool
    reason: str


class AdmissionChanged(Event, frozen=True, kw_only=True, tag="registry.admission.changed"):
    """Parties of this category may take part from now on, or may not."""

    category: str
    is_admitted: bool
    reason: str

    @property
    def subject(self) -> str:
        return f"admission/{self.category}"


class ApplyForAccount(Command, frozen=True, kw_only=True, tag="registry.apply_for_account"):
    """Asks for the organisation's account; the registry decides within 15 working days."""

    account_id: UUID
    organisation_id: UUID
    kind: str
    """OWNER, EMITTER, TRADER, VERIFIER or AUTHORITY (registration rules 2023, article 5)."""


class AccountApplied(Event, frozen=True, kw_only=True, tag="registry.account.applied"):
    """An organisation waits for its account."""

    account_id: UUID
    organisation_id: UUID
    kind: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RefuseAccount(Command, frozen=True, kw_only=True, tag="registry.refuse_account"):
    """Refuses an application for an account; the organisation may apply anew, under another id."""

    account_id: UUID
    reason: str


class AccountRefused(Event, frozen=True, kw_only=True, tag="registry.account.refused"):
    """An application for an account is refused."""

    account_id: UUID
    organisation_id: UUID
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class AccountDecisionOverdue(
    Event, frozen=True, kw_only=True, tag="registry.account.decision_overdue"
):
    """An application for an account has waited longer than the 15 working days that the registry has."""

    account_id: UUID
    organisation_id: UUID
    applied_on: date
    due_on: date

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class OpenAccount(Command, frozen=True, kw_only=True, tag="registry.open_account"):
    """Opens an organisation's one account, applied for under this id or not; the registry gives it its number."""

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


class OpenTradingAccount(Command, frozen=True, kw_only=True, tag="registry.open_trading_account"):
    """Opens the one trading account of an open account that has an operator; without it nothing is traded."""

    trading_account_id: UUID
    account: str
    """The number of the account."""


class TradingAccountOpened(
    Event, frozen=True, kw_only=True, tag="registry.account.trading_account_opened"
):
    """The account may trade."""

    account_id: UUID
    number: str
    trading_account_id: UUID
    trading_account: str
    """The trading account's own number."""

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class AppointOperator(Command, frozen=True, kw_only=True, tag="registry.appoint_operator"):
    """Lets a person operate the account; from the first operator on nobody else does, and there are at most five."""

    account: str
    operator: str
    """The subject of the person's token."""
    name: str
    """The person's real name."""


class OperatorAppointed(
    Event, frozen=True, kw_only=True, tag="registry.account.operator_appointed"
):
    """The person operates the account."""

    account_id: UUID
    number: str
    operator: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class DismissOperator(Command, frozen=True, kw_only=True, tag="registry.dismiss_operator"):
    """Ends what a person may do with the account; a trading account keeps at least one operator."""

    account: str
    operator: str
    reason: str


class OperatorDismissed(
    Event, frozen=True, kw_only=True, tag="registry.account.operator_dismissed"
):
    """The person operates the account no more."""

    account_id: UUID
    number: str
    operator: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RestrictAccount(Command, frozen=True, kw_only=True, tag="registry.restrict_account"):
    """Stops the use of an account until the restriction is lifted (registration rules 2023, article 10)."""

    account: str
    ground: str
    """PAPERS_MISMATCH, CHANGES_UNFILED or RULES_BROKEN."""
    reason: str


class AccountRestricted(Event, frozen=True, kw_only=True, tag="registry.account.restricted"):
    """The account cannot be used: nothing is traded, moved, retired or applied for with it."""

    account_id: UUID
    number: str
    ground: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class LiftRestriction(Command, frozen=True, kw_only=True, tag="registry.lift_restriction"):
    """Lets the account be used again, once what was wrong is put right."""

    account: str
    reason: str


class RestrictionLifted(
    Event, frozen=True, kw_only=True, tag="registry.account.restriction_lifted"
):
    """The account can be used again."""

    account_id: UUID
    number: str
    reason: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class CloseAccount(Command, frozen=True, kw_only=True, tag="registry.close_account"):
    """Closes an account and its trading account for ever, after a second person's approval."""

    account: str
    ground: str
    """MERGER, SPLIT, DISSOLUTION, BANKRUPTCY or DEATH (registration rules 2023, article 11)."""
    reason: str


class AccountClosed(Event, frozen=True, kw_only=True, tag="registry.account.closed"):
    """The account is closed; what it holds waits for a change of title."""

    account_id: UUID
    number: str
    ground: str
    reason: str
    approved_by: str

    @property
    def subject(self) -> str:
        return f"account/{self.account_id}"


class RegisterProgramme(Command, frozen=True, kw_only=True, tag="registry.register_programme"):
    """Enters a crediting programme, such as CCER, with the first version of its rules."""

    code: str
    name: str
    country: str
    kind: str
    """NATIONAL, NATIONAL_LEGACY or PILOT_ASSOCIATION: what its credits may be used for follows from it."""
    is_ets_eligible: bool
    """Whether credits may ever be offset in the national ETS; further conditions are the rule book's."""
    rule_book: str = ""
    """By which published rules it goes: title, number and edition."""
    valid_from: date | None = None
    """The first day on which these rules are in force; without one, the day on which they are entered."""


class ProgrammeRegistered(Event, frozen=True, kw_only=True, tag="registry.programme.registered"):
    """A crediting programme is known."""

    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool
    rule_book: str = ""
    valid_from: date | None = None

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"


class AmendProgramme(Command, frozen=True, kw_only=True, tag="registry.amend_programme"):
    """Enters the next version of a programme's name and rules, in force from the day on which it is entered."""

    code: str
    name: str
    rule_book: str
    reason: str


class ProgrammeAmended(Event, frozen=True, kw_only=True, tag="registry.programme.amended"):
    """A programme goes by a new version of its rules."""

    code: str
    version: int
    name: str
    rule_book: str
    valid_from: date
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"


class AssignRole(Command, frozen=True, kw_only=True, tag="registry.assign_role"):
    """Gives a person a role in one programme; from the first one on nobody else has that role there."""

    programme: str
    role: str
    """registrar or verifier."""
    person: str
    """The subject of the person's token."""
    reason: str


class RoleAssigned(Event, frozen=True, kw_only=True, tag="registry.role.assigned"):
    """A person holds the role in the programme."""

    programme: str
    role: str
    person: str
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.programme}"


class EndRole(Command, frozen=True, kw_only=True, tag="registry.end_role"):
    """Takes from a person a role in one programme."""

    programme: str
    role: str
    person: str
    reason: str


class RoleEnded(Event, frozen=True, kw_only=True, tag="registry.role.ended"):
    """A person holds the role in the programme no more."""

    programme: str
    role: str
    person: str
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.programme}"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a methodology, with where it stands; what was not read in the text itself is UNVERIFIED."""

    name: str
    value: Decimal
    unit: str
    """As published; 1 for what has none."""
    source: str
    edition: str
    confidence: str
    """VERIFIED or UNVERIFIED."""


class PublishMethodology(Command, frozen=True, kw_only=True, tag="registry.publish_methodology"):
    """Enters one version of a methodology under its code, such as CCER-01-002-V01, with all of its figures."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    """The longest crediting period it allows, in years."""
    valid_from: date
    """The first day on which projects may apply under it."""
    valid_until: date | None = None
    """The last such day; open until it is set, once."""
    crediting_years_min: int = 1
    additionality: str = "PROOF"
    """EXEMPT, CONDITIONAL or PROOF."""
    risk_model: str = "NONE"
    """NONE, DEDUCTION or BUFFER: what is done about reversals."""
    risk_rate: Decimal | None = None
    """The share, above 0 and below 1, that is deducted or set aside."""
    formula_id: str | None = None
    """The formula by which Tonne quantifies; without one, reports can only be attested."""
    confidence: str = "UNVERIFIED"
    """Of the crediting years, additionality and risk: VERIFIED if read in the published text."""
    source: str = ""
    parameters: tuple[Parameter, ...] = ()


class MethodologyPublished(Event, frozen=True, kw_only=True, tag="registry.methodology.published"):
    """A version of a methodology may be used; this is all that quantification needs of it."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    valid_from: date
    valid_until: date | None = None
    crediting_years_min: int = 1
    additionality: str = "PROOF"
    risk_model: str = "NONE"
    risk_rate: Decimal | None = None
    formula_id: str | None = None
    confidence: str = "UNVERIFIED"
    source: str = ""
    parameters: tuple[Parameter, ...] = ()

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"


class EndMethodology(Command, frozen=True, kw_only=True, tag="registry.end_methodology"):
    """Sets the last day on which projects may apply under a version, once, after a second person's approval."""

    code: str
    valid_until: date
    reason: str


class MethodologyEnded(Event, frozen=True, kw_only=True, tag="registry.methodology.ended"):
    """After its last day no project can apply under this version; what is registered goes on under it."""

    code: str
    valid_until: date
    reason: str

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document by its content: the digest is its name, and the content is kept here if it is sent along."""

    kind: str
    """PDD (the project design document), VALIDATION_REPORT, APPLICATION_FORM, COMMITMENT or OTHER."""
    name: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size_bytes: int
    media_type: str
    content: bytes | None = None
    """Base64 in JSON, at most 256 KiB; of a larger document only the digest is kept."""


class TeamMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A full-time member of the team that validated."""

    name: str
    is_sector_competent: bool


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


class ProjectDuplicateFound(
    Event, frozen=True, kw_only=True, tag="registry.project.duplicate_found"
):
    """Another project may be the same: neither can be registered until a person has said that they are not."""

    code: str
    other: str
    other_programme: str
    distance_metres: int
    name_similarity_percent: int
    is_same_activity: bool

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ResolveDuplicate(Command, frozen=True, kw_only=True, tag="registry.resolve_duplicate"):
    """Says of two projects that they are the same, or that they are not, and why."""

    code: str
    other: str
    is_same: bool
    """The same project is registered only once: then neither can be registered while this stands."""
    reason: str


class ProjectDuplicateResolved(
    Event, frozen=True, kw_only=True, tag="registry.project.duplicate_resolved"
):
    """A person has said whether two projects are the same."""

    code: str
    other: str
    is_same: bool
    reason: str

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


class ProjectNoticeEnded(Event, frozen=True, kw_only=True, tag="registry.project.notice_ended"):
    """The last day of the notice is over."""

    code: str
    ended_on: date

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


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


class ProjectDatesComputed(Event, frozen=True, kw_only=True, tag="registry.project.dates_computed"):
    """The date that a project waits for was computed again, because the official calendar changed."""

    code: str
    notice_ends_on: date
    decide_by: date | None
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class AddOfficialDays(Command, frozen=True, kw_only=True, tag="registry.add_official_days"):
    """Adds a notice of the State Council on the days off of one year; provisional dates are computed again."""

    notice_id: UUID
    year: int
    holidays: tuple[date, ...]
    """Days off, weekend days among them or not."""
    working_days: tuple[date, ...]
    """Weekend days that are worked to make up."""
    source: str


class OfficialDaysAdded(Event, frozen=True, kw_only=True, tag="registry.calendar.days_added"):
    """The calendar of a year is official; a later notice replaces what an earlier one said of a day."""

    notice_id: UUID
    year: int
    holidays: tuple[date, ...]
    working_days: tuple[date, ...]
    source: str

    @property
    def subject(self) -> str:
        return f"calendar/{self.year}"


class OpenDay(Command, frozen=True, kw_only=True, tag="registry.open_day"):
    """A new day: notices whose last day is over end, and what is overdue raises an alarm."""

    date: date


class DayOpened(Event, frozen=True, kw_only=True, tag="registry.day.opened"):
    """What time had caused by this day is done."""

    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.date}"


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
    ChangeAdmission,
    ApplyForAccount,
    RefuseAccount,
    OpenAccount,
    OpenTradingAccount,
    AppointOperator,
    DismissOperator,
    RestrictAccount,
    LiftRestriction,
    CloseAccount,
    RegisterProgramme,
    AmendProgramme,
    AssignRole,
    EndRole,
    PublishMethodology,
    EndMethodology,
    DraftProject,
    OpenNotice,
    CommentOnProject,
    WithdrawProject,
    RecordValidation,
    ApplyForRegistration,
    RegisterProject,
    RefuseProject,
    CancelProject,
    RevokeProject,
    ResolveDuplicate,
    AddOfficialDays,
    OpenDay,
    ApproveCommand,
    RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    OrganisationRegistered,
    AdmissionChanged,
    AccountApplied,
    AccountRefused,
    AccountDecisionOverdue,
    AccountOpened,
    TradingAccountOpened,
    OperatorAppointed,
    OperatorDismissed,
    AccountRestricted,
    RestrictionLifted,
    AccountClosed,
    ProgrammeRegistered,
    ProgrammeAmended,
    RoleAssigned,
    RoleEnded,
    MethodologyPublished,
    MethodologyEnded,
    ProjectDrafted,
    ProjectNoticeOpened,
    ProjectCommented,
    ProjectWithdrawn,
    ProjectNoticeEnded,
    ProjectValidated,
    ProjectValidationOverdue,
    ProjectRegistrationApplied,
    ProjectDecisionOverdue,
    ProjectRegistered,
    ProjectRefused,
    ProjectCancelled,
    ProjectRevoked,
    ProjectDuplicateFound,
    ProjectDuplicateResolved,
    ProjectDatesComputed,
    OfficialDaysAdded,
    DayOpened,
    ApprovalRequested,
    ApprovalDecided,
)
