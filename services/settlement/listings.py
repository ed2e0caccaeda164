"""Listings: an instrument that comes to a venue trades there from a day on, and its owner declares a first price."""

from dataclasses import dataclass
from datetime import date

from services.kernel.calendars import WorkingCalendar
from services.kernel.refusals import Conflict, Forbidden
from services.settlement.market import Listing, Market, MarketBooks
from services.settlement.terms import Terms
from services.settlement.trading_days import after_trading_days
from services.settlement.venues import ProgrammeNotTraded, VenueIsHalted, VenueNotOpen


@dataclass(eq=False)
class NotFirstOwner(Forbidden):
    """The first price is declared by an account that brought the instrument to the venue (article 17)."""

    account: str
    venue: str


@dataclass(eq=False)
class FirstPriceKnown(Conflict):
    """An instrument has one first price, declared before it trades."""

    project: str
    vintage: int


def listed_on(calendar: WorkingCalendar, terms: Terms, moved_on: date) -> date:
    """The first day on which an instrument trades that came to the venue on this day."""
    return after_trading_days(calendar, terms.days, moved_on, terms.listing_trading_days)


def require_listing(books: MarketBooks, market: Market, programme: str, moved_on: date) -> Listing:
    """The listing of an instrument that comes to a venue, or is there; raises what stands against it.

    VenueNotOpen, VenueIsHalted, or ProgrammeNotTraded where the venue has no terms for it on this day.
    """
    venue = books.venues.get(market.venue)
    if venue is None:
        raise VenueNotOpen(market.venue)
    if venue.is_halted:
        raise VenueIsHalted(market.venue)
    terms = books.terms_on(market.venue, programme, moved_on)
    if terms is None:
        raise ProgrammeNotTraded(programme, market.venue, moved_on)
    listing = books.listings.get(market)
    if listing is not None:
        return listing
    return Listing(programme, listed_on(books.calendar, terms, moved_on), None)
