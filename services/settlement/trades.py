"""The rules by which one reported trade settles, read from top to bottom; a broken one rejects the trade."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.kernel.blocks import Block
from services.kernel.clocks import CLOCK_LEEWAY, market_day
from services.kernel.money import FEN_MAX, TONNES_MAX, price_fen, yuan
from services.kernel.refusals import Conflict, Forbidden, Invalid, NotYetKnown
from services.settlement.ledger import Account, Books, Bucket, CashKey, Instrument, Place
from services.settlement.messages import ExecutedTrade, OpenVenue, SerialRange

CURRENCY = "CNY"
TRADING_KINDS = frozenset({"OWNER", "EMITTER", "TRADER"})


class Method(StrEnum):
    """How a venue matched a trade (trading and settlement rules 2023, article 12)."""

    LISTING = "LISTING"
    BULK = "BULK"
    AUCTION = "AUCTION"
    BILATERAL = "BILATERAL"


class Mode(StrEnum):
    """Whether a venue reports the present or recorded history."""

    LIVE = "LIVE"
    REPLAY = "REPLAY"


class State(StrEnum):
    """Where a reported trade is; the last two are final."""

    WAITING = "WAITING"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"


class Step(StrEnum):
    """What happens to a trade that waits for a name to become known."""

    SETTLE = "SETTLE"
    REJECT = "REJECT"
    CANCEL = "CANCEL"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.WAITING, Step.SETTLE): State.SETTLED,
    (State.WAITING, Step.REJECT): State.REJECTED,
    (State.WAITING, Step.CANCEL): State.REJECTED,  # by the venue, before it has settled
}


@dataclass(frozen=True, slots=True)
class Venue:
    """What is traded at a venue, and how."""

    code: str
    name: str
    programmes: Sequence[str]
    methods: Sequence[str]
    tick_fen: int
    mode: str
    closed_on: date | None
    """The last day that the venue has closed."""


@dataclass(eq=False)
class VenueNotOpen(Forbidden):
    """This venue has not been admitted to settlement."""

    venue: str


@dataclass(eq=False)
class MalformedTrade(Invalid):
    """The trade's content is not of the published form."""

    reason: str


@dataclass(eq=False)
class QuantityOutOfRange(Invalid):
    """A quantity is a whole number of tonnes above zero (lot 1 t, article 11)."""

    given: int


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
class ProgrammeNotTraded(Invalid):
    """The venue does not trade credits of this programme."""

    given: str
    expected: str


@dataclass(eq=False)
class AccountMayNotTrade(Forbidden):
    """Only open accounts of owners, emitters and traders may trade (article 47; Measures, article 37)."""

    account: str
    kind: str
    status: str


@dataclass(eq=False)
class CancelledByVenue(Conflict):
    """The venue cancelled the trade before it had settled."""

    reason: str


@dataclass(eq=False)
class TradeIsFinal(Conflict):
    """A trade that has its outcome cannot be cancelled; the way back is an opposite trade."""

    outcome: str


@dataclass(eq=False)
class VenueTermsInvalid(Invalid):
    """A venue has a code, at least one programme, open methods of the rule book and a tick of at least 1 fen."""

    field: str
    given: str
    expected: str


def require_venue_terms(venue: OpenVenue) -> None:
    """Raises VenueTermsInvalid for the first term that no venue can have."""
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,19}", venue.code):
        raise VenueTermsInvalid("code", venue.code[:40], "2 to 20 of A-Z, 0-9 and -")
    if not venue.programmes:
        raise VenueTermsInvalid("programmes", "none", "at least one")
    unknown = set(venue.methods) - set(Method)
    if unknown or not venue.methods:
        raise VenueTermsInvalid("methods", ", ".join(sorted(unknown)), " or ".join(Method))
    if not 0 < venue.tick_fen <= 10_000:
        raise VenueTermsInvalid("tick_fen", str(venue.tick_fen), "1 to 10000")


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled trade: both legs, and the serials that changed hands."""

    trade: ExecutedTrade
    programme: str
    price_fen: int
    amount_fen: int
    ranges: Sequence[SerialRange]

    @property
    def price(self) -> str:
        """Yuan for one tonne."""
        return yuan(self.price_fen)


def posting(venue: str, trade_id: str) -> str:
    """The name under which a trade's entries and events stand."""
    return f"trade/{venue}/{trade_id}"


def settle(trade: ExecutedTrade, venue: Venue | None, books: Books, clock: datetime) -> Settled:
    """Delivers versus payment: all checks first, then both legs; a refusal leaves the books as they were.

    Raises the refusal of the first rule that is broken, or NotYetKnown for an account or instrument that settlement
    has not heard of yet.
    """
    if venue is None:
        raise VenueNotOpen(trade.venue)
    price = _check_terms(trade, venue, clock)
    instrument = Instrument(trade.instrument.project, trade.instrument.vintage)
    for number in (trade.seller_account, trade.buyer_account):
        _require_trading(books.account(number))
    programme = books.programme_of(instrument)
    if programme not in venue.programmes:
        raise ProgrammeNotTraded(programme, " or ".join(venue.programmes))

    amount = price * trade.quantity
    seller = Place(trade.seller_account, Bucket.EXCHANGE, venue.code)
    payer = CashKey(trade.buyer_account, venue.code, trade.currency)
    books.require_credits(seller, instrument, trade.quantity)
    books.require_cash(payer, amount)

    # From here on the trade settles.
    delivered = _deliver(trade, seller, instrument, books)
    payee = CashKey(trade.seller_account, venue.code, trade.currency)
    books.pay(posting(trade.venue, trade.trade_id), payer, payee, amount, trade.executed_at)
    return Settled(trade, programme, price, amount, books.ranges(delivered))


def _check_terms(trade: ExecutedTrade, venue: Venue, clock: datetime) -> int:
    """What the message alone can break; returns the price in fen."""
    if not 0 < trade.quantity <= TONNES_MAX:
        raise QuantityOutOfRange(trade.quantity)
    price = price_fen(trade.price, venue.tick_fen)
    if price * trade.quantity > FEN_MAX:
        raise AmountOutOfRange(trade.quantity, trade.price)
    if trade.currency != CURRENCY:
        raise CurrencyNotSettled(trade.currency, CURRENCY)
    if trade.method not in venue.methods:
        raise MethodNotOpen(trade.method, " or ".join(venue.methods))
    # A trade that waited in the queue through an outage still stands, so only the future is refused.
    if trade.executed_at > clock + CLOCK_LEEWAY:
        raise ExecutedInFuture(trade.executed_at.isoformat(), clock.isoformat())
    _require_open_day(trade, venue)
    if trade.seller_account == trade.buyer_account:
        raise SelfTrade(trade.seller_account)
    return price


def _require_open_day(trade: ExecutedTrade, venue: Venue) -> None:
    day = market_day(trade.executed_at)
    if venue.mode == Mode.LIVE and venue.closed_on is not None and day <= venue.closed_on:
        raise DayIsClosed(day, venue.closed_on)


def _require_trading(account: Account) -> None:
    if account.kind not in TRADING_KINDS or account.status != "OPEN":
        raise AccountMayNotTrade(account.number, account.kind, account.status)
    if account.trading_account is None:
        raise NotYetKnown("trading account", account.number)


def _deliver(
    trade: ExecutedTrade, seller: Place, instrument: Instrument, books: Books
) -> tuple[Block, ...]:
    buyer = Place(trade.buyer_account, Bucket.EXCHANGE, seller.venue)
    return books.move(
        posting(trade.venue, trade.trade_id),
        instrument,
        seller,
        buyer,
        trade.quantity,
        trade.executed_at,
    )
