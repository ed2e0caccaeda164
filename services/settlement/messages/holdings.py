"""Credits and where they are: batches received, moves to and from venues, transfers, corrections."""

from datetime import date
from uuid import UUID

import msgspec

from services.runtime.messages import Command, Event


class SerialRange(msgspec.Struct, frozen=True, kw_only=True):
    """The serials ``first_serial`` to ``last_serial`` of one batch, both included."""

    batch_id: UUID
    first_serial: int
    last_serial: int
    serials: str


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What is traded: one project's credits of one vintage (trading rules 2023, article 10)."""

    project: str
    vintage: int


class CreditsReceived(Event, frozen=True, kw_only=True, tag="settlement.credits.received"):
    """A batch, or one of its two parts, was credited to its first holder."""

    account: str
    range: SerialRange
    tonnes: int
    bucket: str = "registry"
    """``buffer`` for what stands in for reversals, and is not the holder's to give."""

    @property
    def subject(self) -> str:
        return f"holding/{self.range.batch_id}"


class MoveToVenue(Command, frozen=True, kw_only=True, tag="settlement.move_to_venue"):
    """Moves credits of one project and vintage from the registry to a venue, where they can be sold."""

    move_id: UUID
    account: str
    venue: str
    project: str
    vintage: int
    tonnes: int


class MoveFromVenue(Command, frozen=True, kw_only=True, tag="settlement.move_from_venue"):
    """Moves credits from a venue back to the registry, where they can be retired."""

    move_id: UUID
    account: str
    venue: str
    project: str
    vintage: int
    tonnes: int


class CreditsMoved(Event, frozen=True, kw_only=True, tag="settlement.credits.moved"):
    """Credits went between the registry and a venue; their holder is the same."""

    move_id: UUID
    account: str
    venue: str
    project: str
    vintage: int
    tonnes: int
    to_bucket: str
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"move/{self.move_id}"


class ProposeTransfer(Command, frozen=True, kw_only=True, tag="settlement.propose_transfer"):
    """Offers credits to another holder without a trade; they are held until the offer is decided or expires."""

    transfer_id: UUID
    from_account: str
    to_account: str
    project: str
    vintage: int
    tonnes: int
    ground: str
    """INHERITANCE, ENFORCEMENT or PROGRAMME_RULE (registration rules 2023, articles 14 and 16)."""
    document_sha256: str
    """Of the document that shows the ground, in hexadecimal digits."""
    reason: str
    expires_on: date
    """The last day in Beijing on which the offer may be accepted."""


class AcceptTransfer(Command, frozen=True, kw_only=True, tag="settlement.accept_transfer"):
    """The receiver takes the credits; from then on they are the receiver's."""

    transfer_id: UUID


class RefuseTransfer(Command, frozen=True, kw_only=True, tag="settlement.refuse_transfer"):
    """The receiver does not want the credits; the giver has them back."""

    transfer_id: UUID
    reason: str


class WithdrawTransfer(Command, frozen=True, kw_only=True, tag="settlement.withdraw_transfer"):
    """The giver takes the offer back before it is decided; or the register does, so that no offer hides credits."""

    transfer_id: UUID
    reason: str


class TransferProposed(Event, frozen=True, kw_only=True, tag="settlement.transfer.proposed"):
    """Credits are held for another holder."""

    transfer_id: UUID
    from_account: str
    to_account: str
    project: str
    vintage: int
    tonnes: int
    ground: str
    document_sha256: str
    reason: str
    expires_on: date

    @property
    def subject(self) -> str:
        return f"transfer/{self.transfer_id}"


class TransferAccepted(Event, frozen=True, kw_only=True, tag="settlement.transfer.accepted"):
    """Credits changed hands without a trade."""

    transfer_id: UUID
    from_account: str
    to_account: str
    project: str
    vintage: int
    tonnes: int
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"transfer/{self.transfer_id}"


class TransferEnded(Event, frozen=True, kw_only=True, tag="settlement.transfer.ended"):
    """An offer came to nothing: the giver has the credits back."""

    transfer_id: UUID
    state: str
    """REFUSED, WITHDRAWN or EXPIRED."""
    reason: str | None = None
    """Why it was refused or withdrawn."""

    @property
    def subject(self) -> str:
        return f"transfer/{self.transfer_id}"


class CorrectPosting(Command, frozen=True, kw_only=True, tag="settlement.correct_posting"):
    """Books the opposite of a posting, since nothing is ever edited; needs two persons."""

    correction_id: UUID
    posting: str
    """``trade/<venue>/<id>``, ``move/<id>``, ``transfer/<id>`` or ``cash/<reference>``."""
    reason: str


class PostingCorrected(Event, frozen=True, kw_only=True, tag="settlement.posting.corrected"):
    """The opposite of a posting is booked: what had been given came back."""

    correction_id: UUID
    posting: str
    reason: str
    ranges: list[SerialRange]
    """The serials that went back; those of the same project and vintage, not always the same ones."""
    amount_fen: int
    """The cash that went back, commissions included."""

    @property
    def subject(self) -> str:
        return f"correction/{self.correction_id}"
