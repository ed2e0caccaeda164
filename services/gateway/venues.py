"""Venues: where credits are traded, under which terms, in what, and how their days went."""

from datetime import date

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.instruments import INSTRUMENTS, Instrument
from services.gateway.market_terms import MarketTerms, terms_in_force, terms_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.venue_days import DAYS, GAPS, RECONCILIATIONS, Gap, Reconciliation, VenueDay


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

    @strawberry.field(description="Every version of the rules of its markets, the latest first.")
    async def terms(
        self,
        info: Info,
        programme: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[MarketTerms]:
        return await terms_of(info, self.code, programme, first, after)

    @strawberry.field(
        description="The rules that a day's trades obey; null where the programme is not traded."
    )
    async def terms_in_force(self, info: Info, programme: str, on: date) -> MarketTerms | None:
        return await terms_in_force(info, self.code, programme, on)

    @strawberry.field(description="What is listed there, by project and vintage.")
    async def instruments(
        self,
        info: Info,
        programme: str | None = None,
        project: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Instrument]:
        values = (Instrument, "instruments_of_venues", "venue", self.code, first, after)
        return await INSTRUMENTS.inside(info, *values, programme, project)

    @strawberry.field(description="The days that it has closed, the latest first.")
    async def days(
        self,
        info: Info,
        since: date | None = None,
        until: date | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[VenueDay]:
        values = (VenueDay, "days_of_venues", "venue", self.code, first, after)
        return await DAYS.inside(info, *values, since, until)

    @strawberry.field(description="Ledger, venue and bank beside each other, the latest day first.")
    async def reconciliations(
        self,
        info: Info,
        since: date | None = None,
        until: date | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Reconciliation]:
        viewer, organisation, roles = info.context.viewer.triple
        named = (Reconciliation, "reconciliations_of_venues", "venue", self.code, first, after)
        filters = (viewer, organisation, tuple(roles), since, until)
        return await RECONCILIATIONS.inside(info, *named, *filters)

    @strawberry.field(description="What halted it, the latest first.")
    async def gaps(
        self,
        info: Info,
        is_open: bool | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Gap]:
        viewer, organisation, roles = info.context.viewer.triple
        named = (Gap, "gaps_of_venues", "venue", self.code, first, after)
        return await GAPS.inside(info, *named, viewer, organisation, tuple(roles), is_open)


VENUES: Keyset[Venue] = Keyset("venues", (str,), lambda one: (one.code,))


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

    @strawberry.field(description="The venue with this code.")
    async def venue(self, info: Info, code: str) -> Venue | None:
        return await venue_of(info, code)

    @strawberry.field(description="A venue's days, the latest first.")
    async def venue_days(
        self, info: Info, venue: str, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[VenueDay]:
        values = (VenueDay, "days_of_venues", "venue", venue, first, after, None, None)
        return await DAYS.inside(info, *values)
