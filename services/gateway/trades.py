"""Trades: what venues reported and what became of it, for the parties, their venue and overseers."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import strawberry

from services.gateway import reads
from services.gateway.batches import CreditBatch, batch_of
from services.gateway.context import Context, Info
from services.gateway.errors import RefusalField, refusal_fields
from services.gateway.links import ProjectLink, project_of
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.scalars import Fen, Serial, Tonnes
from services.kernel.money import yuan
from services.settlement.messages import holdings
from services.settlement.messages.trades import TradeRejected, TradeSettled


@strawberry.type(description="Serials of one batch, first and last included.")
class SerialRange:
    batch_id: UUID
    first_serial: Serial
    last_serial: Serial
    serials: str = strawberry.field(description="The public serial range.")

    @strawberry.field
    def tonnes(self) -> Tonnes:
        return Tonnes(self.last_serial - self.first_serial + 1)

    @strawberry.field
    async def credit_batch(self, info: Info) -> CreditBatch | None:
        return await batch_of(info, self.batch_id)


def serial_ranges(published: list[dict[str, Any]] | None) -> list[SerialRange]:
    """Serial ranges as a service publishes them."""
    found = msgspec.convert(published or [], list[holdings.SerialRange])
    return [
        SerialRange(
            batch_id=one.batch_id,
            first_serial=Serial(one.first_serial),
            last_serial=Serial(one.last_serial),
            serials=one.serials,
        )
        for one in found
    ]


@strawberry.type(description="A trade as its venue reported it, and its one outcome.")
class Trade(Recorded):
    venue: str = strawberry.field(name="venueCode")
    trade_id: str
    state: str = strawberry.field(
        description="SETTLED or REJECTED for ever, or WAITING for something it names."
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
    state: str | None = strawberry.field(default=None, description="SETTLED, REJECTED or WAITING.")


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


@strawberry.type
class TradeSubscriptions:
    @strawberry.subscription(
        description="Each trade that you may see, once it is settled or rejected."
    )
    async def trade_updated(
        self, info: Info, venue: str | None = None, account: str | None = None
    ) -> AsyncGenerator[Trade, None]:
        info.context.require_viewer()
        kinds = (TradeSettled, TradeRejected)
        async for events in listen(info.context, *kinds):
            named = [event for event in events if venue in (None, event.venue)]
            for trade in await seen(info.context, named):
                if account in (None, trade.seller_account, trade.buyer_account):
                    yield trade


async def seen(context: Context, events: list[TradeSettled | TradeRejected]) -> list[Trade]:
    """Those of the trades that this viewer may see: the read itself decides, as for every query."""
    if not events:
        return []
    venues, trade_ids = [one.venue for one in events], [one.trade_id for one in events]
    return await reads.private(context, Trade, "trades_by_key", venues, trade_ids)
