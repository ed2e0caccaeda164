"""Disputes: a party disagrees with a trade, and a registrar decides; nothing is undone by it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.states import DisputeState

if TYPE_CHECKING:
    from services.gateway.trades import Trade

TradeLink = Annotated["Trade", strawberry.lazy("services.gateway.trades")] | None


@strawberry.type(description="An objection to a trade; its history is the trade's.")
class Dispute(Recorded):
    dispute_id: UUID
    venue: str = strawberry.field(name="venueCode")
    trade_id: str
    account: str = strawberry.field(name="accountNumber", description="The party that objects.")
    reason: str
    state: DisputeState = strawberry.field(description="OPEN, UPHELD or DISMISSED.")
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    explanation: str | None
    recorded_at: datetime

    @property
    def subject(self) -> str:
        return f"trade/{self.trade_key}"

    @property
    def key(self) -> str:
        return str(self.dispute_id)

    @property
    def trade_key(self) -> str:
        """By which its trade is known."""
        return f"{self.venue}/{self.trade_id}"

    @strawberry.field
    async def trade(self, info: Info) -> TradeLink:
        from services.gateway.trades import trade_of

        return await trade_of(info, self.venue, self.trade_id)


DISPUTES: Keyset[Dispute] = Keyset(
    "disputes", (datetime, UUID), lambda one: (one.opened_at, one.dispute_id)
)


async def dispute_of(info: Info, dispute_id: UUID) -> Dispute | None:
    """The dispute with this id, if the viewer may see it."""
    values = (info.context, Dispute, "get_dispute", dispute_id)
    return reads.only(await reads.private(*values))


async def disputes_of_trade(info: Info, trade_key: str) -> Sequence[Dispute]:
    """The objections to a trade, read together with those of others of its level."""
    viewer, organisation, roles = info.context.viewer.triple
    return await info.context.loaders.many(
        Dispute, "disputes_of_trades", "trade_key", trade_key, viewer, organisation, tuple(roles)
    )


@strawberry.input(description="Each given value must match.")
class DisputeFilter:
    venue: str | None = None
    trade_id: str | None = None
    state: DisputeState | None = None


@strawberry.type
class DisputeQueries:
    @strawberry.field(description="Disputes on trades that you may see, the latest first.")
    async def disputes(
        self,
        info: Info,
        filter_: DisputeFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Dispute]:
        wanted = filter_ or DisputeFilter()
        rows = await reads.private(
            info.context,
            Dispute,
            "list_disputes",
            wanted.venue,
            wanted.trade_id,
            wanted.state,
            *DISPUTES.after(after),
            rows_wanted(first),
        )
        return DISPUTES.page(rows, first)

    @strawberry.field(description="The dispute with this id; null if you may not see it.")
    async def dispute(self, info: Info, id_: UUID) -> Dispute | None:
        return await dispute_of(info, id_)
