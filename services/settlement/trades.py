"""Trades: where they are on their way, what refuses them, and what a captured and a settled one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import msgspec

from services.kernel.money import yuan
from services.kernel.refusals import Conflict, Forbidden, Invalid
from services.settlement.ledger import CashKey, Instrument
from services.settlement.market import Market
from services.settlement.messages.holdings import SerialRange
from services.settlement.messages.states import TradeState as State
from services.settlement.messages.trades import ExecutedTrade

CURRENCY = "CNY"


class Step(StrEnum):
    """What happens to a trade on the way to its outcome."""

    CAPTURE = "CAPTURE"
    SETTLE = "SETTLE"
    REJECT = "REJECT"
    CANCEL = "CANCEL"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.WAITING, Step.CAPTURE): State.CAPTURED,
    (State.WAITING, Step.SETTLE): State.SETTLED,
    (State.WAITING, Step.REJECT): State.REJECTED,
    (State.WAITING, Step.CANCEL): State.REJECTED,
    (State.CAPTURED, Step.SETTLE): State.SETTLED,
    (State.CAPTURED, Step.CANCEL): State.REJECTED,  # by the venue, before it has settled
}


@dataclass(eq=False)
class MalformedTrade(Invalid):
    """The trade's content is not of the published form."""

    reason: str


@dataclass(eq=False)
class QuantityOutOfRange(Invalid):
    """A quantity is a whole number of lots, within what the method of trading allows (articles 11 and 14)."""

    given: int
    expected: str


@dataclass(eq=False)
class AmountOutOfRange(Invalid):
    """The trade's value is more fen than the books count."""

    quantity: int
    price: str


@dataclass(eq=False)
class CurrencyNotSettled(Invalid):
    """Trades are settled in yuan."""

    given: str
    expected: str


@dataclass(eq=False)
class MethodNotOpen(Invalid):
    """The venue has not opened this method of trading (article 12)."""

    given: str
    expected: str


@dataclass(eq=False)
class ExecutedInFuture(Invalid):
    """A trade cannot have been executed after the present."""

    given: str
    clock: str


@dataclass(eq=False)
class DayIsClosed(Conflict):
    """The venue has closed this day and reported its count; only a venue in replay may go back."""

    given: date
    closed_on: date


@dataclass(eq=False)
class SelfTrade(Invalid):
    """Seller and buyer are the same account (article 13)."""

    account: str


@dataclass(eq=False)
class AccountMayNotTrade(Forbidden):
    """Only open accounts of owners, emitters and traders may trade (article 47; Measures, article 37)."""

    account: str
    kind: str
    status: str


@dataclass(eq=False)
class FeeReceiverMayNotTrade(Forbidden):
    """Who receives the commissions of a market does not trade in it (article 47)."""

    account: str
    venue: str


@dataclass(eq=False)
class ProceedsSpent(Conflict):
    """The seller has spent what the trade is to bring, so that it cannot be cancelled."""

    account: str
    proceeds_fen: int
    spendable_fen: int


@dataclass(eq=False)
class CancelledByVenue(Conflict):
    """The venue cancelled the trade before it had settled."""

    reason: str


@dataclass(eq=False)
class TradeNotDecidable(Conflict):
    """Deciding this trade failed again and again by a fault of settlement's own; nothing of it took effect."""

    faults: int


@dataclass(eq=False)
class TradeIsFinal(Conflict):
    """A trade that has its outcome cannot be cancelled; the way back is an opposite trade."""

    outcome: str


class Captured(msgspec.Struct, frozen=True, gc=False):
    """A trade that obeys every rule: what it costs, and what the venue and its terms make of it."""

    trade: ExecutedTrade
    market: Market
    """Where it was traded, and what."""
    programme: str
    cycle: str
    price_fen: int
    amount_fen: int
    seller_fee_fen: int
    buyer_fee_fen: int
    fee_account: str | None
    traded_on: date

    @property
    def seller(self) -> CashKey:
        """The seller's cash."""
        return CashKey(self.trade.seller_account, self.trade.venue, self.trade.currency)

    @property
    def buyer(self) -> CashKey:
        """The buyer's cash."""
        return CashKey(self.trade.buyer_account, self.trade.venue, self.trade.currency)

    @property
    def receiver(self) -> CashKey | None:
        """Whose the commissions are."""
        if self.fee_account is None:
            return None
        return CashKey(self.fee_account, self.trade.venue, self.trade.currency)

    @property
    def cost_fen(self) -> int:
        """What the buyer pays, with commission."""
        return self.amount_fen + self.buyer_fee_fen

    @property
    def proceeds_fen(self) -> int:
        """What the seller gets, less commission."""
        return self.amount_fen - self.seller_fee_fen

    @property
    def price(self) -> str:
        """Yuan for one tonne."""
        return yuan(self.price_fen)


class Settled(msgspec.Struct, frozen=True, gc=False):
    """A settled trade: both legs, and the serials that changed hands."""

    captured: Captured
    ranges: Sequence[SerialRange]


def market_of(trade: ExecutedTrade) -> Market:
    """Where a trade was reported from, and what was traded."""
    instrument = Instrument(trade.instrument.project, trade.instrument.vintage)
    return Market(trade.venue, instrument)


def posting(venue: str, trade_id: str) -> str:
    """The name under which a trade's entries and events stand."""
    return f"trade/{venue}/{trade_id}"


def capture_posting(venue: str, trade_id: str) -> str:
    """The name under which a trade's credits are held, and released."""
    return f"capture/{venue}/{trade_id}"
