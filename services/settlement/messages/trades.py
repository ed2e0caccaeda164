"""Trades: what venues report, and what becomes of it."""

from datetime import date, datetime

import msgspec

from services.runtime.messages import Event
from services.settlement.messages.holdings import Instrument, SerialRange


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


class _OfTrade(Event, frozen=True, kw_only=True):
    venue: str
    trade_id: str

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class _Binding(_OfTrade, frozen=True, kw_only=True):
    """What is told of a trade that obeys every rule."""

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
    seller_fee_fen: int
    buyer_fee_fen: int
    executed_at: datetime


class TradeCaptured(_Binding, frozen=True, kw_only=True, tag="settlement.trade.captured"):
    """The trade binds: credits and cash are held until the day is confirmed by venue and registry."""


class TradeSettled(_Binding, frozen=True, kw_only=True, tag="settlement.trade.settled"):
    """Delivered versus paid, final and irrevocable: both legs, with the serials that changed hands."""

    ranges: list[SerialRange]


class TradeRejected(_OfTrade, frozen=True, kw_only=True, tag="settlement.trade.rejected"):
    """The trade breaks a rule and has no effect: the code, and the values that disagree."""

    code: str
    message: str
    fields: dict[str, str]


class TradeConflicted(_OfTrade, frozen=True, kw_only=True, tag="settlement.trade.conflicted"):
    """A known trade id came again with other content; the first outcome stands."""

    outcome: str
    """What the first message led to: SETTLED, CAPTURED, REJECTED or WAITING."""
    given_digest: str


class CancellationRejected(
    _OfTrade, frozen=True, kw_only=True, tag="settlement.trade.cancellation_rejected"
):
    """The venue asked to cancel a trade that is final, or unknown."""

    code: str
    message: str
    fields: dict[str, str]
