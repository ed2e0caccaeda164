"""Where reports and reductions can be: the states of their lifecycles, by which clients ask for them too."""

from enum import StrEnum


class ReportState(StrEnum):
    """Where a report is."""

    DRAFT = "DRAFT"
    IN_PUBLIC_NOTICE = "IN_PUBLIC_NOTICE"
    NOTICE_ENDED = "NOTICE_ENDED"
    VERIFIED = "VERIFIED"
    REGISTRATION_APPLIED = "REGISTRATION_APPLIED"
    REGISTERED = "REGISTERED"
    ISSUED = "ISSUED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    REVOKED = "REVOKED"


class ReductionState(StrEnum):
    """Where reductions are; an estimate stays one, or is taken back."""

    REGISTERED = "REGISTERED"
    ISSUED = "ISSUED"
    REVOKED = "REVOKED"
    ESTIMATED = "ESTIMATED"
    WITHDRAWN = "WITHDRAWN"
