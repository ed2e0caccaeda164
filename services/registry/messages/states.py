"""Where projects, accounts and questions can be: the states of their lifecycles, by which clients ask for them too."""

from enum import StrEnum


class ProjectState(StrEnum):
    """Where a project is."""

    DRAFT = "DRAFT"
    IN_PUBLIC_NOTICE = "IN_PUBLIC_NOTICE"
    NOTICE_ENDED = "NOTICE_ENDED"
    VALIDATED_POSITIVE = "VALIDATED_POSITIVE"
    VALIDATED_NEGATIVE = "VALIDATED_NEGATIVE"
    REGISTRATION_APPLIED = "REGISTRATION_APPLIED"
    REGISTERED = "REGISTERED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"
    REVOKED = "REVOKED"


class AccountState(StrEnum):
    """Where an account is; from closure there is no way back."""

    OPEN = "OPEN"
    RESTRICTED = "RESTRICTED"
    CLOSED = "CLOSED"


class ApplicationState(StrEnum):
    """Where an application for an account is; a decision is final."""

    APPLIED = "APPLIED"
    OPENED = "OPENED"
    REFUSED = "REFUSED"


class QuestionState(StrEnum):
    """Where the question is whether two projects are one."""

    OPEN = "OPEN"
    DISMISSED = "DISMISSED"
    CONFIRMED = "CONFIRMED"
