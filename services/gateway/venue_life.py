"""A venue's life as mutations: opened, given terms, confirmed day by day, halted and cleared; and who listens to it."""

from collections.abc import AsyncGenerator, Sequence

import strawberry

from services.gateway import reads
from services.gateway.commands import CommandPayload, Payload
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.instruments import Instrument, instrument_of
from services.gateway.listening import listen
from services.gateway.market_terms import MarketTerms, newest_terms
from services.gateway.venue_days import VenueDay, day_by_key
from services.gateway.venues import Venue, venue_of
from services.runtime.messages import Event
from services.settlement.messages import market

UPDATES: Sequence[type[Event]] = (
    market.VenueOpened,
    market.VenueModeChanged,
    market.VenueHalted,
    market.GapCleared,
    market.DayReconciled,
    market.DayConfirmed,
    market.CashReconciled,
)


@strawberry.type
class VenuePayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def venue(self, info: Info) -> Venue | None:
        return await venue_of(info, self.key("venue"))


@strawberry.type
class TermsPayload(Payload):
    @strawberry.field(description="Null while it waits for a second person.")
    async def terms(self, info: Info) -> MarketTerms | None:
        key = self.key("market")
        return await newest_terms(info, key) if key else None


@strawberry.type
class InstrumentPayload(Payload):
    @strawberry.field(description="Null while it waits for the venue.")
    async def instrument(self, info: Info) -> Instrument | None:
        return await instrument_of(info, self.key("instrument"))


@strawberry.type
class DayPayload(Payload):
    @strawberry.field
    async def day(self, info: Info) -> VenueDay | None:
        key = self.key("day")
        return await day_by_key(info, key) if key else None


@strawberry.type
class VenueMutations:
    open_venue = mutation(market.OpenVenue, VenuePayload)
    set_market_terms = mutation(market.SetMarketTerms, TermsPayload)
    declare_first_price = mutation(market.DeclareFirstPrice, InstrumentPayload)
    confirm_day = mutation(market.ConfirmDay, DayPayload)
    clear_gap = mutation(market.ClearGap, VenuePayload)
    start_replay = mutation(market.StartReplay, VenuePayload)
    end_replay = mutation(market.EndReplay, VenuePayload)
    open_settlement_day = mutation(market.OpenDay, CommandPayload, called="OpenSettlementDay")


@strawberry.type
class VenueSubscriptions:
    @strawberry.subscription(
        description="Each venue that is opened, halted or cleared, or whose day is counted or confirmed,"
        " as it is then."
    )
    async def venue_updated(
        self, info: Info, code: str | None = None
    ) -> AsyncGenerator[Venue, None]:
        async for events in listen(info.context, *UPDATES):
            codes = list(dict.fromkeys(event.subject.split("/")[1] for event in events))
            wanted = [one for one in codes if code in (None, one)]
            found = await reads.public(info.context, Venue, "venues_by_code", wanted)
            for venue in sorted(found, key=lambda one: wanted.index(one.code)):
                yield venue
