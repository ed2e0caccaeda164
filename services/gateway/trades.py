"""Trades: what venues reported and what became of it, for the parties, their venue and overseers."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

import strawberry

from services.gateway import reads
from services.gateway.commands import Payload
from services.gateway.context import Context, Info
from services.gateway.corrections import Correction, correction_of_posting
from services.gateway.disputes import Dispute, disputes_of_trade
from services.gateway.errors import RefusalField, refusal_fields
from services.gateway.inputs import mutation
from services.gateway.instruments import Instrument, instrument_of
from services.gateway.links import ProjectLink, project_of
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Tonnes
from services.gateway.serials import SerialRange, serial_ranges
from services.gateway.states import TradeState
from services.kernel.money import yuan
from services.settlement.messages import market
from services.settlement.messages.trades import TradeCaptured, TradeRejected, TradeSettled


@strawberry.type(description="A trade as its venue reported it, and its one outcome.")
class Trade(Recorded):
    venue: str = strawberry.field(name="venueCode")
    trade_id: str
    state: TradeState = strawberry.field(
        description="SETTLED or REJECTED for ever; CAPTURED until its day is confirmed; WAITING for"
        " something it names, or for its venue to be cleared."
    )
    method: str | None
    programme: str | None = strawberry.field(name="programmeCode")
    project: str | None = strawberry.field(name="projectCode")
    vintage: int | None
    seller_account: str | None
    buyer_account: str | None
    quantity: Tonnes | None
    price_fen: strawberry.Private[int | None]
    currency: str | None
    amount_fen: Fen | None
    seller_fee_fen: Fen | None = strawberry.field(
        description="The seller gets the amount less this."
    )
    buyer_fee_fen: Fen | None = strawberry.field(description="The buyer pays the amount and this.")
    executed_at: datetime | None
    recorded_at: datetime
    code: str | None = strawberry.field(description="Why it was rejected, for programs.")
    message: str | None = strawberry.field(description="Why it was rejected, for people.")
    fields: strawberry.Private[dict[str, Any] | None]
    ranges: strawberry.Private[list[dict[str, Any]] | None]

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"

    @strawberry.field(description="Yuan for one tonne, as a decimal string.")
    def price(self) -> str | None:
        return None if self.price_fen is None else yuan(self.price_fen)

    @strawberry.field(name="fields", description="The values that disagreed when it was rejected.")
    def its_fields(self) -> list[RefusalField]:
        return refusal_fields(self.fields or {})

    @strawberry.field(name="ranges", description="The serials that were delivered.")
    def its_ranges(self) -> list[SerialRange]:
        return serial_ranges(self.ranges)

    @strawberry.field(name="project")
    async def its_project(self, info: Info) -> ProjectLink:
        return None if self.project is None else await project_of(info, self.project)

    @strawberry.field(description="What was traded, as it is listed there.")
    async def instrument(self, info: Info) -> Instrument | None:
        return await instrument_of(info, f"{self.venue}/{self.project}/{self.vintage}")

    @strawberry.field(description="Objections to it, at most one of each party.")
    async def disputes(self, info: Info) -> list[Dispute]:
        return list(await disputes_of_trade(info, self.key))

    @strawberry.field(description="The opposite entries, if it was corrected; it stays settled.")
    async def correction(self, info: Info) -> Correction | None:
        return await correction_of_posting(info, self.subject)


TRADES: Keyset[Trade] = Keyset(
    "trades", (datetime, str, str), lambda one: (one.executed_at, one.venue, one.trade_id)
)


async def trade_of(info: Info, venue: str, trade_id: str) -> Trade | None:
    """The trade of this venue and id, if the viewer may see it."""
    values = (info.context, Trade, "get_trade", venue, trade_id)
    return reads.only(await reads.private(*values))


@strawberry.input(description="Each given value must match.")
class TradeFilter:
    venue: str | None = None
    account: str | None = strawberry.field(default=None, description="As seller or as buyer.")
    project: str | None = None
    state: TradeState | None = strawberry.field(
        default=None, description="CAPTURED, SETTLED or REJECTED."
    )


@strawberry.type
class TradeQueries:
    @strawberry.field(description="Trades that you may see, the latest first.")
    async def trades(
        self,
        info: Info,
        filter_: TradeFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Trade]:
        wanted = filter_ or TradeFilter()
        rows = await reads.private(
            info.context,
            Trade,
            "list_trades",
            wanted.venue,
            wanted.account,
            wanted.project,
            wanted.state,
            *TRADES.after(after),
            rows_wanted(first),
        )
        return TRADES.page(rows, first)

    @strawberry.field(description="The trade of this venue and id; null if you may not see it.")
    async def trade(self, info: Info, venue: str, trade_id: str) -> Trade | None:
        return await trade_of(info, venue, trade_id)


@strawberry.type(description="The disputed trade.")
class DisputePayload(Payload):
    @strawberry.field
    async def trade(self, info: Info) -> Trade | None:
        venue, _, trade_id = self.key("trade").partition("/")
        return await trade_of(info, venue, trade_id)


@strawberry.type
class TradeMutations:
    object_to_trade = mutation(market.ObjectToTrade, DisputePayload, "dispute_id")
    close_dispute = mutation(market.CloseDispute, DisputePayload)


UPDATES = (TradeCaptured, TradeSettled, TradeRejected, market.TradeDisputed, market.DisputeClosed)


@strawberry.type
class TradeSubscriptions:
    @strawberry.subscription(
        description="Each trade that you may see, once it is captured, settled, rejected or disputed,"
        " as it is then."
    )
    async def trade_updated(
        self, info: Info, venue: str | None = None, account: str | None = None
    ) -> AsyncGenerator[Trade, None]:
        info.context.require_viewer()
        async for events in listen(info.context, *UPDATES):
            keys = dict.fromkeys((event.venue, event.trade_id) for event in events)
            named = [key for key in keys if venue in (None, key[0])]
            for trade in await seen(info.context, named):
                if account in (None, trade.seller_account, trade.buyer_account):
                    yield trade


async def seen(context: Context, keys: Sequence[tuple[str, str]]) -> list[Trade]:
    """Those of the trades that this viewer may see: the read itself decides, as for every query."""
    if not keys:
        return []
    venues, trade_ids = map(list, zip(*keys, strict=True))
    return await reads.private(context, Trade, "trades_by_key", venues, trade_ids)
