"""What is true of a verification: which body, with which team, and how much it may confirm."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.issuance.drafts import VintagesDiffer, listed, require_vintages
from services.issuance.parties import Account
from services.issuance.reductions import Project
from services.issuance.reports import Report
from services.kernel.names import require_text
from services.kernel.refusals import Conflict

VERIFIER = "VERIFIER"
"""The kind of account that a verification body holds."""
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
class VerifiedAboveReported(Conflict):
    """A verifier confirms or lowers what was reported, computed with the emission factors that are out by the day."""

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


def require_confirmed(
    report: Report,
    computed: Mapping[int, int],
    verified: Mapping[int, int],
    findings: str,
    *,
    has_comments: bool,
) -> None:
    """Raises a refusal unless the body confirms what was computed, or lowers it.

    Of comments, and if it is not what the public read in the report, the body says why.
    """
    if verified.keys() != report.reported.keys():
        raise VintagesDiffer(listed(verified), listed(report.reported))
    require_vintages(verified, report.period)
    for year, tonnes in verified.items():
        if tonnes > computed[year]:
            raise VerifiedAboveReported(year, tonnes, computed[year])
    if findings or has_comments or verified != report.reported:
        require_text("findings", findings, FINDINGS_LENGTH_MAX)
