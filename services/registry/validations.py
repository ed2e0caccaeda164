"""What is true of a validation: who validates, with which team, and that the public was heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.documents import Described, require_documents
from services.kernel.names import is_storable
from services.kernel.refusals import Conflict, Invalid, OutOfRange
from services.registry import accounts
from services.registry.accounts import Account
from services.registry.messages.documents import Document
from services.registry.projects import Project

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
