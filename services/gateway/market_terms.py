"""Market terms: every version of the rules of one programme's market at one venue, and what nobody has verified."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

import msgspec
import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.objects import Recorded, decoded
from services.gateway.pages import Connection, Keyset
from services.gateway.programmes import Programme, programme_of
from services.gateway.scalars import Fen, Tonnes
from services.settlement.messages import market


@strawberry.type(description="One method of trading that is open.")
class MethodTerms:
    method: str = strawberry.field(description="LISTING, BULK, AUCTION or BILATERAL.")
    band_basis_points: int | None = strawberry.field(
        description="How far a price may lie from the reference price; 1000 is 10 %, null anywhere."
    )
    tonnes_min: Tonnes
    tonnes_max: Tonnes | None


@strawberry.type(description="When a venue trades, in Beijing time; both ends belong to it.")
class Session:
    opens: str
    closes: str


@strawberry.type(description="One version of the rules of a programme's market at a venue.")
class MarketTerms(Recorded):
    venue: str = strawberry.field(name="venueCode")
    programme: str = strawberry.field(name="programmeCode")
    valid_from: date = strawberry.field(
        description="The first day in Beijing whose trades obey it, until later terms."
    )
    cycle: str = strawberry.field(
        description="IMMEDIATE: settled when reported; DAY_END: after the day's two confirmations."
    )
    terms: strawberry.Private[Any]
    recorded_at: datetime

    @property
    def subject(self) -> str:
        return f"market/{self.venue}/{self.programme}"

    @property
    def key(self) -> str:
        return f"{self.venue}/{self.programme}/{self.valid_from}"

    @cached_property
    def said(self) -> market.MarketTerms:
        """The terms as they were set."""
        return msgspec.convert(decoded(self.terms), market.MarketTerms)

    @strawberry.field(name="programme")
    async def its_programme(self, info: Info) -> Programme | None:
        return await programme_of(info, self.programme)

    @strawberry.field(description="The methods that are open; no other one is.")
    def methods(self) -> list[MethodTerms]:
        return [
            MethodTerms(
                method=one.method,
                band_basis_points=one.band_basis_points,
                tonnes_min=Tonnes(one.tonnes_min),
                tonnes_max=None if one.tonnes_max is None else Tonnes(one.tonnes_max),
            )
            for one in self.said.methods
        ]

    @strawberry.field(description="None: any time of a day on which the market is open.")
    def sessions(self) -> list[Session]:
        return [Session(opens=one.opens, closes=one.closes) for one in self.said.sessions]

    @strawberry.field(description="TRADING_DAYS: Monday to Friday minus holidays; or EVERY_DAY.")
    def calendar(self) -> str:
        return self.said.calendar

    @strawberry.field
    def lot_tonnes(self) -> Tonnes:
        return Tonnes(self.said.lot_tonnes)

    @strawberry.field
    def tick_fen(self) -> Fen:
        return Fen(self.said.tick_fen)

    @strawberry.field(description="Between opposite trades of one account in one instrument.")
    def gap_trading_days(self) -> int:
        return self.said.gap_trading_days

    @strawberry.field(description="From the first move to the venue until the instrument trades.")
    def listing_trading_days(self) -> int:
        return self.said.listing_trading_days

    @strawberry.field(description="The seller's commission in millionths of the value.")
    def seller_fee_ppm(self) -> int:
        return self.said.seller_fee_ppm

    @strawberry.field(description="The buyer's commission in millionths of the value.")
    def buyer_fee_ppm(self) -> int:
        return self.said.buyer_fee_ppm

    @strawberry.field(description="Who receives the commissions.")
    def fee_account(self) -> str | None:
        return self.said.fee_account

    @strawberry.field(
        description="The fields that no source establishes: configuration that the venue must confirm."
    )
    def unverified(self) -> list[str]:
        return list(self.said.unverified)


TERMS: Keyset[MarketTerms] = Keyset(
    "marketTerms", (str, date), lambda one: (one.programme, one.valid_from)
)


async def terms_of(
    info: Info, venue: str, programme: str | None, first: int, after: str | None
) -> Connection[MarketTerms]:
    """Every version at a venue, read together with those of other venues of its level."""
    return await TERMS.inside(
        info, MarketTerms, "terms_of_venues", "venue", venue, first, after, programme
    )


async def terms_in_force(info: Info, venue: str, programme: str, on: date) -> MarketTerms | None:
    """The version that a day's trades obey."""
    found = await info.context.loaders.many(
        MarketTerms, "terms_in_force", "venue", venue, programme, on
    )
    return reads.only(found)


async def terms_by_key(info: Info, key: str) -> MarketTerms | None:
    """One version by venue, programme and first day; raises ValueError for what is no day."""
    venue, programme, valid_from = _parts(key, 3)
    values = (venue, programme, date.fromisoformat(valid_from))
    return reads.only(await reads.public(info.context, MarketTerms, "get_market_terms", *values))


async def newest_terms(info: Info, key: str) -> MarketTerms | None:
    """The version that was set last, by venue and programme."""
    venue, programme = _parts(key, 2)
    values = (venue, programme)
    return reads.only(await reads.public(info.context, MarketTerms, "newest_market_terms", *values))


def _parts(key: str, number: int) -> Sequence[str]:
    parts = key.split("/")
    if len(parts) != number:
        raise ValueError(key)
    return parts
