"""Instruments: a project's credits of one vintage at a venue, from when and at which prices they trade there."""

import datetime
from dataclasses import dataclass

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.links import ProjectLink, project_of
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Tonnes
from services.kernel.money import yuan


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference price of an instrument on a day."""

    name: str
    reference_fen: int | None


@strawberry.type(
    description="Between which prices a method may trade on a day, both ends allowed; null is any price."
)
class PriceLimits:
    name: strawberry.Private[str]
    method: str = strawberry.field(description="LISTING, BULK, AUCTION or BILATERAL.")
    reference_fen: strawberry.Private[int | None]
    band_basis_points: int | None
    lowest_fen: strawberry.Private[int | None]
    highest_fen: strawberry.Private[int | None]

    @strawberry.field(description="Yuan for one tonne; rounded to the tick inward.")
    def lowest_price(self) -> str | None:
        return _yuan(self.lowest_fen)

    @strawberry.field(description="Yuan for one tonne; rounded to the tick inward.")
    def highest_price(self) -> str | None:
        return _yuan(self.highest_fen)


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)


@strawberry.type(description="What was traded of an instrument on one day of Beijing.")
class InstrumentDay:
    name: strawberry.Private[str]
    venue: str = strawberry.field(name="venueCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    programme: str = strawberry.field(name="programmeCode")
    date: datetime.date
    trades: int = strawberry.field(description="Captured or settled; those rejected do not count.")
    tonnes: Tonnes
    turnover_fen: Fen
    average_price_fen: strawberry.Private[int | None]
    listing_tonnes: Tonnes = strawberry.field(
        description="Of the listing trades, which alone make the next reference price."
    )
    listing_turnover_fen: Fen
    settled_trades: int
    settled_tonnes: Tonnes
    settled_turnover_fen: Fen

    @strawberry.field(description="Yuan for one tonne, weighted by volume; null without volume.")
    def average_price(self) -> str | None:
        return _yuan(self.average_price_fen)

    @strawberry.field
    async def instrument(self, info: Info) -> "Instrument | None":
        return await instrument_of(info, self.name)


INSTRUMENT_DAYS: Keyset[InstrumentDay] = Keyset(
    "instrumentDays",
    (datetime.date, str, int),
    lambda one: (one.date, one.project, one.vintage),
)
DAYS_INSIDE: Keyset[InstrumentDay] = Keyset(
    "daysOfInstrument", (datetime.date,), lambda one: (one.date,)
)


@strawberry.type(description="One project's credits of one vintage at one venue.")
class Instrument(Recorded):
    venue: str = strawberry.field(name="venueCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    programme: str = strawberry.field(name="programmeCode")
    listed_on: datetime.date = strawberry.field(description="The first day on which it trades.")
    first_price_fen: strawberry.Private[int | None]

    @property
    def subject(self) -> str:
        return f"instrument/{self.venue}/{self.project}/{self.vintage}"

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return await project_of(info, self.project)

    @strawberry.field(
        description="Yuan for one tonne, as its owner declared and the venue confirmed; null until then."
    )
    def first_price(self) -> str | None:
        return _yuan(self.first_price_fen)

    @strawberry.field(
        description="Yuan for one tonne: the average of the listing trades of the latest earlier day that had"
        " any, else the first price; of today in Beijing unless a day is given."
    )
    async def reference_price(self, info: Info, on: datetime.date | None = None) -> str | None:
        many = info.context.loaders.many
        if on is None:
            rows = await many(Reference, "references_today", "name", self.key)
        else:
            rows = await many(Reference, "references_on", "name", self.key, on)
        found = reads.only(rows)
        return found and _yuan(found.reference_fen)

    @strawberry.field(
        description="By method, under the terms of that day; none where it is not traded."
    )
    async def price_limits(self, info: Info, on: datetime.date) -> list[PriceLimits]:
        values = (PriceLimits, "limits_of_instruments", "name", self.key, on)
        return list(await info.context.loaders.many(*values))

    @strawberry.field(description="The days on which it traded, the latest first.")
    async def days(
        self,
        info: Info,
        since: datetime.date | None = None,
        until: datetime.date | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[InstrumentDay]:
        values = (InstrumentDay, "days_of_instruments", "name", self.key, first, after)
        return await DAYS_INSIDE.inside(info, *values, since, until)


INSTRUMENTS: Keyset[Instrument] = Keyset(
    "instruments", (str, int), lambda one: (one.project, one.vintage)
)


async def instrument_of(info: Info, name: str) -> Instrument | None:
    """The instrument with this venue, project and vintage, read together with others of its level."""
    return await info.context.loaders.one(Instrument, "instruments_by_name", "key", name)


@strawberry.type
class InstrumentQueries:
    @strawberry.field(
        description="The instrument of this venue, project and vintage; null until it is listed."
    )
    async def instrument(
        self, info: Info, venue: str, project: str, vintage: int
    ) -> Instrument | None:
        return await instrument_of(info, f"{venue}/{project}/{vintage}")

    @strawberry.field(
        description="A venue's market by day and instrument, the latest day first; only days with trades."
    )
    async def instrument_days(
        self,
        info: Info,
        venue: str,
        since: datetime.date | None = None,
        until: datetime.date | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[InstrumentDay]:
        values = (venue, since, until, *INSTRUMENT_DAYS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, InstrumentDay, "list_instrument_days", *values)
        return INSTRUMENT_DAYS.page(rows, first)
