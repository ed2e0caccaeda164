"""Where reports, reductions and conversions can be: the states of their lives, by which clients ask for them too."""

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


class ConversionState(StrEnum):
    """Where a conversion is; its batch exists once it is issued, and in no other state."""

    PENDING = "PENDING"
    ISSUED = "ISSUED"
    REFUSED = "REFUSED"


class ComplianceState(StrEnum):
    """Where an emitter's compliance year is in issuance; how it meets its obligation is settlement's."""

    OPENED = "OPENED"
    PREALLOCATED = "PREALLOCATED"
    VERIFIED = "VERIFIED"
    ALLOCATED = "ALLOCATED"
