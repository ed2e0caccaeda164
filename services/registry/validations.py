"""What is true of a validation: who validates, with which team, and that the public was heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.documents import Described, require_documents
from services.kernel.names import is_storable, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange
from services.registry import accounts
from services.registry.accounts import Account
from services.registry.messages.documents import Document
from services.registry.messages.validations import TeamMember
from services.registry.projects import Project

TEAM_MIN, COMPETENT_MIN = 2, 1
"""Full-time members of a team, and of those with the sector's competence (CNCA-CCER-01:2023)."""
TEAM_MAX = 50
TEXT_LENGTH_MAX = 4_000

DOCUMENT_KINDS = ("PDD", "VALIDATION_REPORT", "APPLICATION_FORM", "COMMITMENT", "OTHER")


@dataclass(eq=False)
class AccountNotVerifier(Conflict):
    """Projects are validated by an organisation that holds an account of kind VERIFIER."""

    account: str
    kind: str


@dataclass(eq=False)
class OtherValidationBody(Conflict):
    """The body that validates is the one that the notice named."""

    given: str
    expected: str | None


@dataclass(eq=False)
class ValidationTeamTooSmall(Invalid):
    """A validation team has at least two members."""

    given: int
    expected: int


@dataclass(eq=False)
class ValidationTeamNotCompetent(Invalid):
    """At least one member of a validation team is competent in the sector."""

    given: int
    expected: int


@dataclass(eq=False)
class ReviewerInTeam(Invalid):
    """Who reviews and decides is no member of the team, and nobody is in it twice."""

    given: str


@dataclass(eq=False)
class CommentsNotHandled(Invalid):
    """The report says how the public's comments were handled (measures 2023, article 13)."""

    comments: int


@dataclass(eq=False)
class DocumentMissing(Invalid):
    """This step publishes a document that was not sent."""

    kind: str


def require_verifier(body: Account) -> None:
    """Raises AccountNotVerifier unless the account is a verification body's."""
    if body.kind != accounts.Kind.VERIFIER:
        raise AccountNotVerifier(body.number, body.kind)


def require_named(project: Project, body: Account) -> None:
    """Raises OtherValidationBody unless the notice named this body."""
    if project.validation_body != body.number:
        raise OtherValidationBody(body.number, project.validation_body)


def require_team(team: Sequence[TeamMember], reviewer: str) -> None:
    """Raises a refusal unless the team is large and competent enough, and another person reviewed (rule 6)."""
    if len(team) > TEAM_MAX:
        raise OutOfRange("team", str(len(team)), f"at most {TEAM_MAX}")
    if len(team) < TEAM_MIN:
        raise ValidationTeamTooSmall(len(team), TEAM_MIN)
    competent = sum(member.is_sector_competent for member in team)
    if competent < COMPETENT_MIN:
        raise ValidationTeamNotCompetent(competent, COMPETENT_MIN)
    seen: set[str] = set()
    for name in (*(member.name for member in team), reviewer):
        require_text("team", name)
        if name in seen:
            raise ReviewerInTeam(name)
        seen.add(name)


def require_comments_handled(comments: int, handling: str) -> None:
    """Raises CommentsNotHandled if the public was not answered."""
    if len(handling) > TEXT_LENGTH_MAX or not is_storable(handling):
        raise OutOfRange(
            "comments_handling", handling[:40], f"at most {TEXT_LENGTH_MAX} characters"
        )
    if comments and not handling.strip():
        raise CommentsNotHandled(comments)


def require_attached(documents: Sequence[Document], kind: str) -> None:
    """Raises a refusal unless every document is what it says, and one is of this kind."""
    described: Sequence[Described] = documents
    require_documents(described)
    for document in documents:
        if document.kind not in DOCUMENT_KINDS:
            raise OutOfRange("document.kind", document.kind[:40], ", ".join(DOCUMENT_KINDS))
    if all(document.kind != kind for document in documents):
        raise DocumentMissing(kind)
