"""The market: what settled, day by day and in total."""

import datetime

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.programmes import Programme, programme_of
from services.gateway.scalars import Fen, Tonnes
from services.kernel.money import yuan


@strawberry.interface(description="What settled in a span of time.")
class Turnover:
    trades: int
    tonnes: Tonnes
    turnover_fen: Fen
    average_price_fen: strawberry.Private[int | None]

    @strawberry.field(description="Yuan for one tonne, weighted by volume; null without volume.")
    def average_price(self) -> str | None:
        return None if self.average_price_fen is None else yuan(self.average_price_fen)


@strawberry.type(description="One day of Beijing at one venue.")
class MarketDay(Turnover):
    programme: str = strawberry.field(name="programmeCode")
    venue: str = strawberry.field(name="venueCode")
    date: datetime.date


DAYS: Keyset[MarketDay] = Keyset(
    "marketDays", (datetime.date, str), lambda one: (one.date, one.venue)
)


@strawberry.type(description="All that settled in one programme's credits.")
class Market(Turnover):
    programme: str = strawberry.field(name="programmeCode")
    first_day: datetime.date | None
    last_day: datetime.date | None

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(description="The days with trades, the latest first.")
    async def days(
        self,
        info: Info,
        since: datetime.date | None = None,
        until: datetime.date | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[MarketDay]:
        values = (self.programme, since, until, *DAYS.after(after), rows_wanted(first))
        rows = await reads.public(info.context, MarketDay, "list_market_days", *values)
        return DAYS.page(rows, first)


@strawberry.type
class MarketQueries:
    @strawberry.field(description="A programme's market; null until the first trade settles.")
    async def market(self, info: Info, programme: str) -> Market | None:
        return await info.context.loaders.one(Market, "market_totals", "programme", programme)
