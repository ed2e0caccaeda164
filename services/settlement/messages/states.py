"""Where trades, transfers and disputes can be: the states of their lifecycles, by which clients ask for them too."""

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
