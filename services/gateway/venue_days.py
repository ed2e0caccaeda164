"""Venue days: what a venue counted beside what was captured, who confirmed it, and the gaps that halted the venue."""

import datetime

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.objects import Node, Recorded
from services.gateway.pages import Keyset
from services.gateway.scalars import Fen, Tonnes


@strawberry.type(description="A venue's day: its own count beside what was captured.")
class VenueDay(Recorded):
    venue: str = strawberry.field(name="venueCode")
    date: datetime.date
    trades: int
    tonnes: Tonnes
    turnover_fen: Fen
    captured_trades: int | None
    captured_tonnes: Tonnes | None
    captured_turnover_fen: Fen | None
    is_matched: bool | None = strawberry.field(
        description="Null until no trade of the day waits any longer."
    )
    confirmed_at: datetime.datetime | None = strawberry.field(
        description="When the registry confirmed it; its captured trades settle then, if it matches."
    )

    @property
    def subject(self) -> str:
        return f"day/{self.venue}/{self.date}"


@strawberry.type(
    description="Where a count differs from the ledger; until cleared it halts a venue."
)
class Gap(Node):
    venue: str = strawberry.field(name="venueCode")
    date: datetime.date
    kind: str = strawberry.field(
        description="TRADES: the venue's count differs; CASH: the bank's statement does."
    )
    opened_at: datetime.datetime
    cleared_at: datetime.datetime | None
    explanation: str | None = strawberry.field(
        description="Null until it is cleared, and to all but the venue and those who watch over it."
    )

    @property
    def subject(self) -> str:
        return f"gap/{self.venue}/{self.date}/{self.kind}"


@strawberry.type(
    description="A venue's day by three hands: the venue's count beside what was captured, and the bank's"
    " newest statement beside what was booked when it came; null is not compared yet. What the bank says is null"
    " to all but the venue and those who watch over it: registrars, auditors and authorities."
)
class Reconciliation:
    venue: str = strawberry.field(name="venueCode")
    date: datetime.date
    trades: int | None
    tonnes: Tonnes | None
    turnover_fen: Fen | None
    captured_trades: int | None
    captured_tonnes: Tonnes | None
    captured_turnover_fen: Fen | None
    trades_are_matched: bool | None
    statement_id: str | None
    currency: str | None
    deposits_fen: Fen | None
    withdrawals_fen: Fen | None
    closing_fen: Fen | None
    booked_deposits_fen: Fen | None
    booked_withdrawals_fen: Fen | None
    booked_closing_fen: Fen | None
    explained_fen: Fen | None = strawberry.field(
        description="By how much the balances differ since an earlier day, as two persons explained then."
    )
    cash_is_matched: bool | None
    is_matched: bool | None = strawberry.field(
        description="Whether both are equal, but for what is explained; false as soon as one is not."
    )


DAYS: Keyset[VenueDay] = Keyset("venueDays", (datetime.date,), lambda one: (one.date,))
RECONCILIATIONS: Keyset[Reconciliation] = Keyset(
    "reconciliations", (datetime.date,), lambda one: (one.date,)
)
GAPS: Keyset[Gap] = Keyset("gaps", (datetime.date, str), lambda one: (one.date, one.kind))


async def day_by_key(info: Info, key: str) -> VenueDay | None:
    """The day by its venue and date, once the venue has closed it; raises ValueError for what is no day."""
    venue, _, day = key.partition("/")
    values = (venue, datetime.date.fromisoformat(day))
    return reads.only(await reads.public(info.context, VenueDay, "get_venue_day", *values))


async def gap_by_key(info: Info, key: str) -> Gap | None:
    """The gap by its venue, date and kind; raises ValueError for what is none."""
    venue, day, kind = key.split("/")
    values = (venue, datetime.date.fromisoformat(day), kind)
    return reads.only(await reads.visible(info.context, Gap, "get_gap", *values))
