"""What is true of a verification: which body, with which team, and how much it may confirm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.issuance.drafts import VintagesDiffer, listed, require_vintages
from services.issuance.messages.verifications import TeamMember
from services.issuance.parties import Account
from services.issuance.reductions import Project
from services.issuance.reports import Report
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange

VERIFIER = "VERIFIER"
"""The kind of account that a verification body holds."""
TEAM_MIN, COMPETENT_MIN = 2, 1
"""Full-time members of a team, and of those with the sector's competence (CNCA-CCER-01:2023)."""
TEAM_MAX = 50
FINDINGS_LENGTH_MAX = 4_000


@dataclass(eq=False)
class ReportVerifierNotBody(Conflict):
    """Reductions are verified by an organisation that holds an account of kind VERIFIER."""

    account: str
    kind: str


@dataclass(eq=False)
class VerifierIsValidator(Conflict):
    """Reductions are verified by another body than the one that validated the project (measures 2023, article 20)."""

    verification_body: str
    validation_body: str


@dataclass(eq=False)
class OtherVerificationBody(Conflict):
    """The body that verifies is the one that the notice named."""

    given: str
    expected: str | None


@dataclass(eq=False)
class VerificationTeamTooSmall(Invalid):
    """A verification team has at least two members."""

    given: int
    expected: int


@dataclass(eq=False)
class VerificationTeamNotCompetent(Invalid):
    """At least one member of a verification team is competent in the sector."""

    given: int
    expected: int


@dataclass(eq=False)
class VerificationReviewerInTeam(Invalid):
    """Who reviews and decides is no member of the team, and nobody is in it twice."""

    given: str


@dataclass(eq=False)
class VerifiedAboveReported(Conflict):
    """A verifier confirms or lowers what was reported; for more there must be another report."""

    vintage: int
    given: int
    expected: int


def require_other_body(body: Account, project: Project) -> None:
    """Raises a refusal unless it is a verification body, and not the one that validated the project (rule 6)."""
    if body.kind != VERIFIER:
        raise ReportVerifierNotBody(body.number, body.kind)
    if body.number == project.validation_body:
        raise VerifierIsValidator(body.number, project.validation_body)


def require_named(report: Report, body: str) -> None:
    """Raises OtherVerificationBody unless the notice named this body."""
    if body != report.verification_body:
        raise OtherVerificationBody(body, report.verification_body)


def require_team(team: Sequence[TeamMember], reviewer: str) -> None:
    """Raises a refusal unless the team is large and competent enough, and another person reviewed (rule 6)."""
    if len(team) > TEAM_MAX:
        raise OutOfRange("team", str(len(team)), f"at most {TEAM_MAX}")
    if len(team) < TEAM_MIN:
        raise VerificationTeamTooSmall(len(team), TEAM_MIN)
    competent = sum(member.is_sector_competent for member in team)
    if competent < COMPETENT_MIN:
        raise VerificationTeamNotCompetent(competent, COMPETENT_MIN)
    seen: set[str] = set()
    for name in (*(member.name for member in team), reviewer):
        require_text("team", name)
        if name in seen:
            raise VerificationReviewerInTeam(name)
        seen.add(name)


def require_confirmed(
    report: Report, verified: Mapping[int, int], findings: str, *, has_comments: bool
) -> None:
    """Raises a refusal unless the body confirms what was reported, or lowers it; then, and of comments, it says why."""
    if verified.keys() != report.reported.keys():
        raise VintagesDiffer(listed(verified), listed(report.reported))
    require_vintages(verified, report.period)
    for year, tonnes in verified.items():
        if tonnes > report.reported[year]:
            raise VerifiedAboveReported(year, tonnes, report.reported[year])
    if findings or has_comments or verified != report.reported:
        require_text("findings", findings, FINDINGS_LENGTH_MAX)
