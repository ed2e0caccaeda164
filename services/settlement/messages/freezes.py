"""Freezes of accounts and of serials, their release, and title that changes without the holder."""

from uuid import UUID

import msgspec

from services.runtime.messages import Command, Event
from services.settlement.messages.holdings import SerialRange


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Serials of one batch, first and last included."""

    batch_id: UUID
    first_serial: int
    last_serial: int


class _Order(Command, frozen=True, kw_only=True):
    """What a court or an authority ordered."""

    freeze_id: UUID
    account: str
    kind: str
    """JUDICIAL or ADMINISTRATIVE (registration rules 2023, article 16)."""
    ordered_by: str
    """The court or authority."""
    document_number: str
    document_sha256: str
    """Of the order, in hexadecimal digits."""
    reason: str


class FreezeAccount(_Order, frozen=True, kw_only=True, tag="settlement.freeze_account"):
    """Freezes an account on order: nothing leaves it, nothing is traded, what arrives stays; needs two persons."""


class FreezeCredits(_Order, frozen=True, kw_only=True, tag="settlement.freeze_credits"):
    """Freezes exactly these serials of an account on order, in the registry or at a venue; needs two persons."""

    spans: tuple[Span, ...]


class _Ordered(Event, frozen=True, kw_only=True):
    """What stands by order, until it is released."""

    freeze_id: UUID
    account: str
    kind: str
    ordered_by: str
    document_number: str
    document_sha256: str
    reason: str

    @property
    def subject(self) -> str:
        return f"freeze/{self.freeze_id}"


class AccountFrozen(_Ordered, frozen=True, kw_only=True, tag="settlement.account.frozen"):
    """Nothing leaves the account until its last freeze is released."""


class CreditsFrozen(_Ordered, frozen=True, kw_only=True, tag="settlement.credits.frozen"):
    """These serials are held until their freeze is released."""

    tonnes: int
    ranges: list[SerialRange]


class ReleaseFreeze(Command, frozen=True, kw_only=True, tag="settlement.release_freeze"):
    """Ends a freeze: serials that it still holds go back to where they were; needs two persons."""

    freeze_id: UUID
    document_sha256: str
    """Of the order that ends it, in hexadecimal digits."""
    reason: str


class FreezeReleased(Event, frozen=True, kw_only=True, tag="settlement.freeze.released"):
    """A freeze has ended; other freezes of the same account stand."""

    freeze_id: UUID
    account: str
    document_sha256: str
    reason: str
    ranges: list[SerialRange]
    """The serials that went back; none of a freeze of the whole account."""

    @property
    def subject(self) -> str:
        return f"freeze/{self.freeze_id}"


class EnforceTransfer(Command, frozen=True, kw_only=True, tag="settlement.enforce_transfer"):
    """Changes the title without the holder, whatever the state of the holder's account; needs two persons."""

    transfer_id: UUID
    from_account: str
    to_account: str
    ground: str
    """ENFORCEMENT or INHERITANCE (registration rules 2023, articles 14 and 16)."""
    document_sha256: str
    """Of the document that shows the ground, in hexadecimal digits."""
    reason: str
    freeze_id: UUID | None = None
    """Everything that this freeze of serials holds; or project, vintage and tonnes of what is free."""
    project: str | None = None
    vintage: int | None = None
    tonnes: int | None = None


class TransferEnforced(Event, frozen=True, kw_only=True, tag="settlement.transfer.enforced"):
    """Credits have another holder, by law."""

    transfer_id: UUID
    from_account: str
    to_account: str
    ground: str
    document_sha256: str
    reason: str
    freeze_id: UUID | None
    tonnes: int
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"enforcement/{self.transfer_id}"
