"""The market's rules that need more than the trade: when, at which price, and how long after an opposite trade."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import BEIJING
from services.kernel.money import average_fen, yuan
from services.kernel.refusals import Conflict, Forbidden, Invalid
from services.settlement.ledger import Instrument
from services.settlement.terms import Method, Terms, price_band, terms_on
from services.settlement.trading_days import after_trading_days, is_open
from services.settlement.venues import Venue


class Market(msgspec.Struct, frozen=True, gc=False):
    """An instrument at a venue: what it is called there."""

    venue: str
    instrument: Instrument


class Listing(msgspec.Struct, frozen=True, gc=False):
    """From when an instrument trades at a venue, and the first price that was declared for it."""

    programme: str
    listed_on: date
    first_price_fen: int | None


class DayTotals(msgspec.Struct, frozen=True, gc=False):
    """What was traded of an instrument on a day; of it the listing trades; and what has settled."""

    trades: int = 0
    tonnes: int = 0
    turnover_fen: int = 0
    listing_tonnes: int = 0
    listing_turnover_fen: int = 0
    settled_trades: int = 0
    settled_tonnes: int = 0
    settled_turnover_fen: int = 0

    def plus(self, other: "DayTotals", sign: int = 1) -> "DayTotals":
        """The totals with another's added, or taken away."""
        return DayTotals(
            self.trades + sign * other.trades,
            self.tonnes + sign * other.tonnes,
            self.turnover_fen + sign * other.turnover_fen,
            self.listing_tonnes + sign * other.listing_tonnes,
            self.listing_turnover_fen + sign * other.listing_turnover_fen,
            self.settled_trades + sign * other.settled_trades,
            self.settled_tonnes + sign * other.settled_tonnes,
            self.settled_turnover_fen + sign * other.settled_turnover_fen,
        )


class LastTrade(msgspec.Struct, frozen=True, gc=False):
    """When an account last bought and last sold an instrument."""

    bought_on: date | None = None
    sold_on: date | None = None


NO_TOTALS = DayTotals()
NEVER = LastTrade()


@dataclass(eq=False)
class NotTradingDay(Invalid):
    """Markets trade Monday to Friday minus holidays; a weekend day made up for is no trading day (article 21)."""

    given: date


@dataclass(eq=False)
class OutsideSession(Invalid):
    """The venue was not in session then (article 21); both ends of a session belong to it."""

    given: str
    expected: str


@dataclass(eq=False)
class InstrumentNotListed(Conflict):
    """An instrument trades from the trading day after its credits first came to the venue."""

    project: str
    vintage: int
    given: date
    listed_on: str


@dataclass(eq=False)
class ReferencePriceMissing(Conflict):
    """An instrument that has not traded yet needs a first price, declared by its owner and confirmed (article 17)."""

    project: str
    vintage: int


@dataclass(eq=False)
class PriceOutsideBand(Invalid):
    """The price lies too far from the day's reference price (article 16)."""

    given: str
    lowest: str
    highest: str
    reference: str


@dataclass(eq=False)
class OppositeTradeTooSoon(Forbidden):
    """Who bought may sell, and who sold may buy, the same instrument only after a gap of trading days (article 29)."""

    account: str
    given: date
    opposite_on: date
    gap_trading_days: int


@dataclass
class MarketBooks:
    """What a batch of trades needs to know of the markets; what it adds is collected here."""

    calendar: WorkingCalendar
    venues: Mapping[str, Venue] = field(default_factory=dict[str, Venue])
    terms: Mapping[tuple[str, str], Sequence[Terms]] = field(
        default_factory=dict[tuple[str, str], Sequence[Terms]]
    )
    """By venue and programme, every version."""
    listings: Mapping[Market, Listing] = field(default_factory=dict[Market, Listing])
    days: dict[Market, dict[date, DayTotals]] = field(
        default_factory=dict[Market, dict[date, DayTotals]]
    )
    """Of each instrument the days of the batch, and before each the latest that had listing trades."""
    lasts: dict[tuple[str, Market], LastTrade] = field(
        default_factory=dict[tuple[str, Market], LastTrade]
    )
    _days_before: dict[tuple[Market, date], DayTotals] = field(
        default_factory=dict[tuple[Market, date], DayTotals]
    )
    closed: Collection[tuple[str, date]] = ()
    """Of the days of the batch those that their venues have closed."""
    _last_changes: set[tuple[str, Market]] = field(default_factory=set[tuple[str, Market]])
    _terms_on: dict[tuple[str, str, date], Terms | None] = field(
        default_factory=dict[tuple[str, str, date], Terms | None]
    )

    def terms_on(self, venue: str, programme: str, day: date) -> Terms | None:
        """The terms in force on a day; None where the programme is not traded."""
        key = venue, programme, day
        if key not in self._terms_on:
            self._terms_on[key] = terms_on(day, self.terms.get((venue, programme), ()))
        return self._terms_on[key]

    def reference_fen(self, market: Market, day: date, tick_fen: int) -> int | None:
        """The day's reference price: the average of the listing trades of the latest earlier day that had any.

        Weighted by volume and rounded half up to the day's tick, of which it is at least one; before the first one
        the declared price (article 17).
        """
        days = self.days.get(market, {})
        earlier = [one for one, totals in days.items() if one < day and totals.listing_tonnes]
        if earlier:
            totals = days[max(earlier)]
            average = average_fen(totals.listing_turnover_fen, totals.listing_tonnes, tick_fen)
            return max(average, tick_fen)
        listing = self.listings.get(market)
        return listing and listing.first_price_fen

    def add(self, market: Market, day: date, totals: DayTotals, sign: int = 1) -> None:
        """Counts what was traded, or takes it back."""
        days = self.days.setdefault(market, {})
        before = days.get(day, NO_TOTALS)
        self._days_before.setdefault((market, day), before)
        days[day] = before.plus(totals, sign)

    def note(self, market: Market, day: date, seller: str, buyer: str) -> None:
        """Remembers who sold and who bought."""
        sold = self.lasts.get((seller, market), NEVER)
        if sold.sold_on is None or sold.sold_on < day:
            self._set_last((seller, market), replace(sold, sold_on=day))
        bought = self.lasts.get((buyer, market), NEVER)
        if bought.bought_on is None or bought.bought_on < day:
            self._set_last((buyer, market), replace(bought, bought_on=day))

    def _set_last(self, key: tuple[str, Market], last: LastTrade) -> None:
        self.lasts[key] = last
        self._last_changes.add(key)

    def day_changes(self) -> Iterator[tuple[Market, date, DayTotals]]:
        """What was added to each instrument's day."""
        for (market, day), before in self._days_before.items():
            yield market, day, self.days[market][day].plus(before, sign=-1)

    def last_changes(self) -> Iterator[tuple[str, Market, LastTrade]]:
        """Who bought or sold later than before."""
        return ((*key, self.lasts[key]) for key in self._last_changes)


def require_session(executed_at: datetime, day: date, terms: Terms, books: MarketBooks) -> None:
    """Raises NotTradingDay or OutsideSession unless the venue was in session then (rule 16)."""
    if not is_open(books.calendar, terms.days, day):
        raise NotTradingDay(day)
    at = executed_at.astimezone(BEIJING).time()
    if terms.sessions and not any(opens <= at <= closes for opens, closes in terms.sessions):
        sessions = " or ".join(
            f"{opens:%H:%M} to {closes:%H:%M}" for opens, closes in terms.sessions
        )
        raise OutsideSession(at.isoformat(), sessions)


def require_listed(market: Market, day: date, books: MarketBooks) -> None:
    """Raises InstrumentNotListed before the first day on which the instrument trades."""
    listing = books.listings.get(market)
    if listing is None or day < listing.listed_on:
        listed_on = str(listing.listed_on) if listing else "never moved to the venue"
        raise InstrumentNotListed(
            market.instrument.project, market.instrument.vintage, day, listed_on
        )


def require_in_band(
    price_fen: int, market: Market, day: date, method: str, terms: Terms, books: MarketBooks
) -> None:
    """Raises PriceOutsideBand, or ReferencePriceMissing, where the method has a price band (rules 14 and 15)."""
    basis_points = terms.methods[method].band_basis_points
    if basis_points is None:
        return
    reference = books.reference_fen(market, day, terms.tick_fen)
    if reference is None:
        raise ReferencePriceMissing(market.instrument.project, market.instrument.vintage)
    lowest, highest = price_band(reference, basis_points, terms.tick_fen)
    if not lowest <= price_fen <= highest:
        raise PriceOutsideBand(yuan(price_fen), yuan(lowest), yuan(highest), yuan(reference))


def require_gap(
    account: str, opposite_on: date | None, day: date, terms: Terms, books: MarketBooks
) -> None:
    """Raises OppositeTradeTooSoon within the gap after, or before, an opposite trade (rule 18)."""
    gap = terms.gap_trading_days
    if not gap or opposite_on is None:
        return
    earlier, later = sorted((opposite_on, day))
    if later < after_trading_days(books.calendar, terms.days, earlier, gap):
        raise OppositeTradeTooSoon(account, day, opposite_on, gap)


def totals_of(method: str, tonnes: int, amount_fen: int) -> DayTotals:
    """What one captured trade adds to its day; only listing trades make the reference price."""
    is_listing = method == Method.LISTING
    return DayTotals(
        trades=1,
        tonnes=tonnes,
        turnover_fen=amount_fen,
        listing_tonnes=tonnes if is_listing else 0,
        listing_turnover_fen=amount_fen if is_listing else 0,
    )


def settled_totals(tonnes: int, amount_fen: int) -> DayTotals:
    """What one settled trade adds to its day."""
    return DayTotals(settled_trades=1, settled_tonnes=tonnes, settled_turnover_fen=amount_fen)
