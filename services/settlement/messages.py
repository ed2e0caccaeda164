"""What settlement may be told and what it says: venues, moves, trades, cash and retirements."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from services.runtime import approval
from services.runtime.messages import Command, Event


class SerialRange(msgspec.Struct, frozen=True, kw_only=True):
    """The serials ``first_serial`` to ``last_serial`` of one batch, both included."""

    batch_id: UUID
    first_serial: int
    last_serial: int
    serials: str


class OpenVenue(Command, frozen=True, kw_only=True, tag="settlement.open_venue"):
    """Admits a trading venue; its code is its user name at the broker."""

    code: str
    name: str
    programmes: list[str]
    """Whose credits may be traded there."""
    methods: list[str]
    """LISTING, BULK, AUCTION or BILATERAL (trading and settlement rules 2023, article 12)."""
    tick_fen: int = 1


class VenueOpened(Event, frozen=True, kw_only=True, tag="settlement.venue.opened"):
    """A venue may report trades."""

    code: str
    name: str
    programmes: list[str]
    methods: list[str]
    tick_fen: int

    @property
    def subject(self) -> str:
        return f"venue/{self.code}"


class StartReplay(Command, frozen=True, kw_only=True, tag="settlement.start_replay"):
    """Lets a venue report recorded history, whose instants lie far from the clock; for historians."""

    venue: str


class EndReplay(Command, frozen=True, kw_only=True, tag="settlement.end_replay"):
    """From now on the venue reports the present: a day that it has closed stays closed; for historians."""

    venue: str


class VenueModeChanged(Event, frozen=True, kw_only=True, tag="settlement.venue.mode_changed"):
    """A venue went into replay, or out of it."""

    venue: str
    mode: str
    """LIVE or REPLAY."""

    @property
    def subject(self) -> str:
        return f"venue/{self.venue}"


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


class CashMoved(Event, frozen=True, kw_only=True, tag="settlement.cash.moved"):
    """The bank reported a deposit (positive) or a withdrawal (negative), and it is booked."""

    bank_reference: str
    account: str
    venue: str
    currency: str
    amount_fen: int

    @property
    def subject(self) -> str:
        return f"cash/{self.bank_reference}"


class CashRejected(Event, frozen=True, kw_only=True, tag="settlement.cash.rejected"):
    """What the bank reported cannot be booked; people must look at it."""

    bank_reference: str
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"cash/{self.bank_reference}"


class TradeSettled(Event, frozen=True, kw_only=True, tag="settlement.trade.settled"):
    """Delivered versus paid, final and irrevocable: both legs, with the serials that changed hands."""

    venue: str
    trade_id: str
    method: str
    project: str
    vintage: int
    seller_account: str
    buyer_account: str
    quantity: int
    """Whole tonnes CO2e."""
    price: str
    """Yuan for one tonne, as a decimal string."""
    currency: str
    amount_fen: int
    executed_at: datetime
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class TradeRejected(Event, frozen=True, kw_only=True, tag="settlement.trade.rejected"):
    """The trade breaks a rule and has no effect: the code, and the values that disagree."""

    venue: str
    trade_id: str
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class TradeConflicted(Event, frozen=True, kw_only=True, tag="settlement.trade.conflicted"):
    """A known trade id came again with other content; the first outcome stands."""

    venue: str
    trade_id: str
    outcome: str
    """What the first message led to: SETTLED, REJECTED or WAITING."""
    given_digest: str

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class CancellationRejected(
    Event, frozen=True, kw_only=True, tag="settlement.trade.cancellation_rejected"
):
    """The venue asked to cancel a trade that is final, or unknown."""

    venue: str
    trade_id: str
    code: str
    message: str
    fields: dict[str, str]

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class DayReconciled(Event, frozen=True, kw_only=True, tag="settlement.day.reconciled"):
    """A venue's day as it reported it, beside what settled: equal or not."""

    venue: str
    date: date
    trades: int
    tonnes: int
    turnover_fen: int
    settled_trades: int
    settled_tonnes: int
    settled_turnover_fen: int
    is_matched: bool

    @property
    def subject(self) -> str:
        return f"day/{self.venue}/{self.date}"


class RetireCredits(Command, frozen=True, kw_only=True, tag="settlement.retire_credits"):
    """Takes credits out of circulation for ever, for a beneficiary and a purpose; needs two persons."""

    retirement_id: UUID
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    beneficiary_name: str
    beneficiary_id: str
    """Unified social credit code or LEI."""
    beneficiary_country: str
    reporting_period: str
    reason: str
    is_public: bool = True
    """Whether the beneficiary's name may be shown to everyone."""


class CreditsRetired(Event, frozen=True, kw_only=True, tag="settlement.credits.retired"):
    """Credits were used, once and for all; the certificate number finds the public record."""

    retirement_id: UUID
    certificate_number: str
    account: str
    project: str
    vintage: int
    tonnes: int
    purpose: str
    reporting_period: str
    ranges: list[SerialRange]

    @property
    def subject(self) -> str:
        return f"retirement/{self.retirement_id}"


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="settlement.approve_command"):
    """Approves what another person asked settlement for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="settlement.refuse_command"):
    """Refuses what another person asked settlement for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="settlement.approval.requested"
):
    """A command to settlement waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="settlement.approval.decided"
):
    """What a second person said of a command to settlement."""


APPROVALS = approval.Words(ApproveCommand, RefuseCommand, ApprovalRequested, ApprovalDecided)

COMMANDS: tuple[type[Command], ...] = (
    OpenVenue,
    StartReplay,
    EndReplay,
    MoveToVenue,
    MoveFromVenue,
    RetireCredits,
    ApproveCommand,
    RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    VenueOpened,
    VenueModeChanged,
    CreditsReceived,
    CreditsMoved,
    CashMoved,
    CashRejected,
    TradeSettled,
    TradeRejected,
    TradeConflicted,
    CancellationRejected,
    DayReconciled,
    CreditsRetired,
    ApprovalRequested,
    ApprovalDecided,
)


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What is traded: one project's credits of one vintage (trading rules 2023, article 10)."""

    project: str
    vintage: int


class ExecutedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``trade.executed``: what a venue reports. Account numbers are the public ones."""

    venue: str
    trade_id: str
    method: str
    instrument: Instrument
    seller_account: str
    buyer_account: str
    quantity: int
    """Whole tonnes CO2e, above zero."""
    price: str
    """Yuan for one tonne, as a decimal string: "107.36"."""
    currency: str
    executed_at: datetime


class CancelledTrade(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``trade.cancelled``: possible only while the trade has not settled."""

    venue: str
    trade_id: str
    reason: str


class ClosedDay(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``venue.day_closed``: the venue's own count of its trading day."""

    venue: str
    date: date
    trades: int
    tonnes: int
    turnover_fen: int


class ReportedCash(msgspec.Struct, frozen=True, kw_only=True):
    """The ``data`` of ``bank.deposit_reported`` and ``bank.withdrawal_reported``."""

    bank_reference: str
    """Unique for ever: the same reference is booked once."""
    account: str
    venue: str
    """At which venue the money may be spent."""
    currency: str
    amount_fen: int
    """Above zero, in fen."""
    booked_at: datetime
