"""Venues: where credits are traded, and their days as reported beside what settled."""

from datetime import date

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Tonnes
from services.settlement.messages import market


@strawberry.type(description="A trading venue; its code is its user name at the broker.")
class Venue(Recorded):
    code: str
    name: str
    is_halted: bool = strawberry.field(
        description="Whether a gap between its count, the bank's and the ledger's stops it."
    )
    mode: str = strawberry.field(description="LIVE, or REPLAY while it reports recorded history.")

    @property
    def subject(self) -> str:
        return f"venue/{self.code}"


@strawberry.type(description="A venue's day: its own count beside what was captured.")
class VenueDay:
    venue: str = strawberry.field(name="venueCode")
    date: date
    trades: int
    tonnes: Tonnes
    turnover_fen: Fen
    captured_trades: int | None
    captured_tonnes: Tonnes | None
    captured_turnover_fen: Fen | None
    is_matched: bool | None = strawberry.field(
        description="Null until no trade of the day waits any longer."
    )


VENUES: Keyset[Venue] = Keyset("venues", (str,), lambda one: (one.code,))
DAYS: Keyset[VenueDay] = Keyset("venueDays", (date,), lambda one: (one.date,))


async def venue_of(info: Info, code: str) -> Venue | None:
    """The venue with this code, read together with others of its level."""
    return await info.context.loaders.one(Venue, "venues_by_code", "code", code)


@strawberry.type
class VenueQueries:
    @strawberry.field(description="All venues, by code.")
    async def venues(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Venue]:
        values = (*VENUES.after(after), rows_wanted(first))
        rows = await reads.public(info.context, Venue, "list_venues", *values)
        return VENUES.page(rows, first)

    @strawberry.field(description="A venue's days, the latest first.")
    async def venue_days(
        self, info: Info, venue: str, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[VenueDay]:
        values = (venue, *DAYS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, VenueDay, "list_venue_days", *values)
        return DAYS.page(rows, first)


@strawberry.type
class VenuePayload(Payload):
    @strawberry.field
    async def venue(self, info: Info) -> Venue | None:
        return await venue_of(info, self.key("venue"))


@strawberry.type
class VenueMutations:
    open_venue = mutation(market.OpenVenue, VenuePayload)
    set_market_terms = mutation(market.SetMarketTerms, VenuePayload)
    declare_first_price = mutation(market.DeclareFirstPrice, VenuePayload)
    confirm_day = mutation(market.ConfirmDay, VenuePayload)
    clear_gap = mutation(market.ClearGap, VenuePayload)
    start_replay = mutation(market.StartReplay, VenuePayload)
    end_replay = mutation(market.EndReplay, VenuePayload)
