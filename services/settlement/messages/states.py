"""Where trades and other acts can be: the states of their lifecycles, by which clients ask for them too."""

from enum import StrEnum


class TradeState(StrEnum):
    """Where a reported trade is; the last two are final."""

    WAITING = "WAITING"
    CAPTURED = "CAPTURED"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"


class TransferState(StrEnum):
    """Where a transfer is; all but the first are final."""

    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class DisputeState(StrEnum):
    """Where a dispute is."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    DISMISSED = "DISMISSED"


class FreezeState(StrEnum):
    """Where a freeze is."""

    ACTIVE = "ACTIVE"
    RELEASED = "RELEASED"


class ShortfallState(StrEnum):
    """Where a shortfall is; one that is closed opens again when more of its reductions are revoked."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class ObligationState(StrEnum):
    """Where an obligation in the national ETS is; one that is met, or enforced, opens again when more becomes due."""

    NOTIFIED = "NOTIFIED"
    PARTIAL = "PARTIAL"
    MET = "MET"
    OVERDUE = "OVERDUE"
    ENFORCED = "ENFORCED"
