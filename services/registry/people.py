"""What is true of people: which roles a programme gives, and takes back."""

from collections.abc import Collection

from services.kernel.actors import Assignment, Role
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, OutOfRange, Unknown

ASSIGNABLE = (Role.REGISTRAR, Role.VERIFIER)
"""Roles that are held for a programme; operators are appointed for an account."""

PERSON_LENGTH_MAX = 200


def require_assignable(role: str, person: str, reason: str) -> None:
    """Raises OutOfRange unless the role is one that programmes give, to somebody, for a reason."""
    if role not in ASSIGNABLE:
        raise OutOfRange("role", role[:40], ", ".join(ASSIGNABLE))
    require_text("person", person, PERSON_LENGTH_MAX)
    require_text("reason", reason)


def require_new(assignment: Assignment, assigned: Collection[Assignment]) -> None:
    """Raises AlreadyExists if the person holds the role."""
    if assignment in assigned:
        raise AlreadyExists("assignment", f"{assignment.role} {assignment.person}")


def require_held(assignment: Assignment, assigned: Collection[Assignment]) -> None:
    """Raises Unknown unless the person holds the role."""
    if assignment not in assigned:
        raise Unknown("assignment", f"{assignment.role} {assignment.person}"[:240])
