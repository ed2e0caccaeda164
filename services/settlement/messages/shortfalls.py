"""What an owner owes when reductions are revoked and the credits are no longer there to be cancelled."""

from uuid import UUID

from services.runtime.messages import Command, Event


class ShortfallOpened(Event, frozen=True, kw_only=True, tag="settlement.shortfall.opened"):
    """More tonnes were revoked than the owner held: so many are owed; said again when more are revoked."""

    shortfall_id: UUID
    account: str
    programme: str
    reduction_id: UUID
    tonnes: int
    """Ever owed for these reductions."""
    outstanding: int
    """Owed now."""

    @property
    def subject(self) -> str:
        return f"shortfall/{self.shortfall_id}"


class MakeGood(Command, frozen=True, kw_only=True, tag="settlement.make_good"):
    """Cancels credits of the same programme for what is owed, irrevocably; needs two persons.

    The owner asks for it, as long as the account is open; or a registrar or an authority, whatever its state.
    """

    retirement_id: UUID
    shortfall_id: UUID
    project: str
    vintage: int
    tonnes: int
    reason: str
    document_sha256: str | None = None
    """Of the decision, if it is not the owner who asks."""


class ShortfallReduced(Event, frozen=True, kw_only=True, tag="settlement.shortfall.reduced"):
    """Credits were cancelled for what is owed; the record of it is found by the retirement's id."""

    shortfall_id: UUID
    account: str
    retirement_id: UUID
    tonnes: int
    outstanding: int
    """Owed now."""

    @property
    def subject(self) -> str:
        return f"shortfall/{self.shortfall_id}"


class ShortfallClosed(Event, frozen=True, kw_only=True, tag="settlement.shortfall.closed"):
    """Nothing is owed any more for these reductions."""

    shortfall_id: UUID
    account: str

    @property
    def subject(self) -> str:
        return f"shortfall/{self.shortfall_id}"
