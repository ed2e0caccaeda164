"""What is true of a transfer without a trade: its grounds, its life, and who may hold what is given."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.kernel.clocks import market_day
from services.kernel.documents import require_digest
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import AccountNotOpen, Conflict, Forbidden, Invalid, OutOfRange
from services.settlement.ledger import Account, Bucket, Instrument, Place
from services.settlement.messages.holdings import ProposeTransfer
from services.settlement.messages.states import TransferState as State

OPEN_DAYS_MAX = 365
"""For how long an offer may stay open."""
REASON_LENGTH_MAX = 2_000
HOLDING_KINDS = frozenset({"OWNER", "EMITTER", "TRADER"})
"""Verifying bodies and authorities hold no credits (measures 2023, article 37)."""


class Ground(StrEnum):
    """Why credits change hands outside the market (registration rules 2023, articles 14 and 16)."""

    INHERITANCE = "INHERITANCE"
    ENFORCEMENT = "ENFORCEMENT"
    PROGRAMME_RULE = "PROGRAMME_RULE"


class Step(StrEnum):
    """What happens to a proposed transfer: by the receiver, by the giver, or by time."""

    ACCEPT = "ACCEPT"
    REFUSE = "REFUSE"
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.PROPOSED, Step.ACCEPT): State.ACCEPTED,
    (State.PROPOSED, Step.REFUSE): State.REFUSED,
    (State.PROPOSED, Step.WITHDRAW): State.WITHDRAWN,
    (State.PROPOSED, Step.EXPIRE): State.EXPIRED,
}


@dataclass(eq=False)
class TransferToOneself(Invalid):
    """Credits are transferred to another holder."""

    account: str


@dataclass(eq=False)
class ReceiverMayNotHold(Forbidden):
    """Only owners, emitters and traders hold credits (measures 2023, article 37)."""

    account: str
    kind: str


@dataclass(eq=False)
class OfferExpired(Conflict):
    """An offer is decided on its last day or before."""

    transfer: UUID
    given: date
    expires_on: date


@dataclass(eq=False)
class DecidedBeforeOffered(Conflict):
    """An offer is decided after it was made."""

    given: datetime
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """An offer of credits, and what became of it."""

    transfer_id: UUID
    from_account: str
    to_account: str
    programme: str
    project: str
    vintage: int
    tonnes: int
    expires_on: date
    state: State
    proposed_at: datetime

    @property
    def instrument(self) -> Instrument:
        """What is given."""
        return Instrument(self.project, self.vintage)

    @property
    def kept(self) -> Place:
        """Where the credits come from, and go back to when the offer comes to nothing."""
        return Place(self.from_account, Bucket.REGISTRY)

    @property
    def held(self) -> Place:
        """Where the credits are while the offer is open."""
        return Place(self.from_account, Bucket.RESERVED)

    @property
    def given(self) -> Place:
        """Where the credits are once the offer is accepted."""
        return Place(self.to_account, Bucket.REGISTRY)


def require_offer(offer: ProposeTransfer, today: date) -> None:
    """Raises the refusal of the first thing that an offer may not say."""
    if offer.from_account == offer.to_account:
        raise TransferToOneself(offer.from_account)
    if offer.ground not in list(Ground):
        raise OutOfRange("ground", offer.ground[:40], " or ".join(Ground))
    require_digest(offer.document_sha256)
    require_text("reason", offer.reason, REASON_LENGTH_MAX)
    last = today + timedelta(days=OPEN_DAYS_MAX)
    if not today <= offer.expires_on <= last:
        raise OutOfRange("expires_on", offer.expires_on.isoformat(), f"{today} to {last}")


def require_receiver(receiver: Account) -> None:
    """Raises ReceiverMayNotHold or AccountNotOpen unless the account may receive credits."""
    if receiver.kind not in HOLDING_KINDS:
        raise ReceiverMayNotHold(receiver.number, receiver.kind)
    if receiver.status != "OPEN":
        raise AccountNotOpen(receiver.number, receiver.status)


def proposed(offer: ProposeTransfer, programme: str, at: datetime) -> Transfer:
    """The transfer that the offer opens."""
    return Transfer(
        transfer_id=offer.transfer_id,
        from_account=offer.from_account,
        to_account=offer.to_account,
        programme=programme,
        project=offer.project,
        vintage=offer.vintage,
        tonnes=offer.tonnes,
        expires_on=offer.expires_on,
        state=State.PROPOSED,
        proposed_at=at,
    )


def is_due(transfer: Transfer, today: date) -> bool:
    """Whether nobody may decide the offer any more, although nobody has."""
    return transfer.state == State.PROPOSED and today > transfer.expires_on


def decided(transfer: Transfer, step: Step, at: datetime) -> Transfer:
    """The transfer after its giver or its receiver has decided; raises what stands against it."""
    state = advance(LIFECYCLE, transfer.state, step, f"transfer/{transfer.transfer_id}")
    if at < transfer.proposed_at:
        raise DecidedBeforeOffered(at, transfer.proposed_at)
    if is_due(transfer, market_day(at)):
        raise OfferExpired(transfer.transfer_id, market_day(at), transfer.expires_on)
    return replace(transfer, state=state)


def expired(transfer: Transfer) -> Transfer:
    """The transfer whose last day is over."""
    subject = f"transfer/{transfer.transfer_id}"
    return replace(transfer, state=advance(LIFECYCLE, transfer.state, Step.EXPIRE, subject))


def offer_posting(transfer_id: UUID) -> str:
    """The name under which a transfer's credits are held, and released."""
    return f"offer/{transfer_id}"


def posting(transfer_id: UUID) -> str:
    """The name under which a transfer's entries and events stand."""
    return f"transfer/{transfer_id}"
