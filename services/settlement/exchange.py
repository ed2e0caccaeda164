"""The venue's wire format, turned into ours at this door and nowhere else."""

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR
from typing import TypeVar

import msgspec

from services.kernel.clocks import is_instant
from services.kernel.refusals import Refusal
from services.runtime.deliveries import Delivery, Incoming
from services.runtime.messages import (
    UNSTORABLE,
    CloudEvent,
    Malformed,
    canonical,
    decode_envelope,
    digest,
    is_storable,
)
from services.settlement.messages.trades import CancelledTrade, ClosedDay, ExecutedTrade
from services.settlement.trades import MalformedTrade


class _Key(msgspec.Struct, frozen=True):
    """The least that must be readable, so that the outcome can be told."""

    venue: str
    trade_id: str


class TradeReport(msgspec.Struct, frozen=True, gc=False):
    """A reported trade: its key, what it says, or why that cannot be read."""

    venue: str
    trade_id: str
    digest: bytes
    content: bytes
    causation_id: str
    trade: ExecutedTrade | None
    fault: Refusal | None

    @property
    def key(self) -> tuple[str, str]:
        """By which the trade settles exactly once."""
        return self.venue, self.trade_id


class Cancellation(msgspec.Struct, frozen=True, gc=False):
    """A venue's wish to cancel a trade that has not settled."""

    causation_id: str
    digest: bytes
    cancelled: CancelledTrade


class DayClose(msgspec.Struct, frozen=True, gc=False):
    """A venue's count of its day."""

    causation_id: str
    digest: bytes
    closed: ClosedDay


Report = TradeReport | Cancellation | DayClose


def read_report(delivery: Delivery | Incoming) -> Report:
    """What a venue reports; raises Malformed when the outcome could be told to nobody.

    The broker vouches for ``user_id``, so a report under another venue's name is nobody's.
    """
    envelope = decode_envelope(delivery.body)
    kind, _, routed_venue = delivery.routing_key.rpartition(".")
    reader = _READERS.get(envelope.type)
    if reader is None or envelope.type != kind:
        raise Malformed(f"type {envelope.type} under routing key {delivery.routing_key}")
    if delivery.user_id != routed_venue or envelope.source != f"/venues/{routed_venue}":
        raise Malformed(
            f"source {envelope.source}, user {delivery.user_id} and routing key {delivery.routing_key}"
            " do not name one venue"
        )
    report, venue = reader(envelope)
    if venue != routed_venue:
        raise Malformed(f"venue {venue} reported by {routed_venue}")
    return report


def _trade_report(envelope: CloudEvent) -> tuple[Report, str]:
    try:
        key = msgspec.json.decode(envelope.data, type=_Key)
        content = _content(envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed(f"no readable venue and trade_id: {fault}") from None
    if not 0 < len(key.trade_id) <= 100 or not key.trade_id.isprintable():
        raise Malformed("trade_id must have 1 to 100 printable characters")
    return read_trade(key.venue, key.trade_id, content, envelope.id), key.venue


def _content(envelope: CloudEvent) -> bytes:
    """What the report says in canonical JSON, or as it came if it holds a number that no computer does."""
    try:
        return canonical(envelope.data)
    except msgspec.MsgspecError:
        return bytes(envelope.data)


def read_trade(venue: str, trade_id: str, content: bytes, causation_id: str) -> TradeReport:
    """A trade report from its content in canonical JSON, as it came or as it was stored to wait."""
    trade, fault = None, None
    try:
        trade = _executed(content)
    except MalformedTrade as malformed:
        fault = malformed
    return TradeReport(venue, trade_id, digest(content), content, causation_id, trade, fault)


def _executed(content: bytes) -> ExecutedTrade:
    if not is_storable(content):
        raise MalformedTrade(UNSTORABLE)
    try:
        trade = msgspec.json.decode(content, type=ExecutedTrade)
    except msgspec.MsgspecError as unreadable:
        raise MalformedTrade(str(unreadable)) from None
    if not is_instant(trade.executed_at):
        raise MalformedTrade("executed_at must name its offset from UTC, and lie in the calendar")
    if not MINYEAR <= trade.instrument.vintage <= MAXYEAR:
        raise MalformedTrade("vintage must be a calendar year")
    return trade


def _cancellation(envelope: CloudEvent) -> tuple[Report, str]:
    cancelled = _strict(envelope, CancelledTrade)
    content = digest(envelope.type, canonical(envelope.data))
    return Cancellation(envelope.id, content, cancelled), cancelled.venue


def _day_close(envelope: CloudEvent) -> tuple[Report, str]:
    closed = _strict(envelope, ClosedDay)
    if min(closed.trades, closed.tonnes, closed.turnover_fen) < 0:
        raise Malformed("a day's trades, tonnes and turnover are not negative")
    if max(closed.trades, closed.tonnes, closed.turnover_fen) >= 2**63:
        raise Malformed("a day's figures must fit 64 bits")
    return DayClose(envelope.id, digest(canonical(envelope.data)), closed), closed.venue


_Content = TypeVar("_Content", CancelledTrade, ClosedDay)


def _strict(envelope: CloudEvent, kind: type[_Content]) -> _Content:
    if not is_storable(envelope.data):
        raise Malformed(UNSTORABLE)
    try:
        return msgspec.json.decode(envelope.data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed(f"{envelope.type}: {fault}") from None


_READERS: dict[str, Callable[[CloudEvent], tuple[Report, str]]] = {
    "trade.executed": _trade_report,
    "trade.cancelled": _cancellation,
    "venue.day_closed": _day_close,
}
