"""Trading in the past: credits that came to a venue long ago, days of which nobody else knows, a venue in replay."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from services.kernel.clocks import BEIJING
from services.settlement.messages.market import ClearGap, ConfirmDay, EndReplay, StartReplay
from tests.flows import floor
from tests.flows.acts import as_historian
from tests.market import REGISTRAR, Market, Seller
from tests.register import HISTORIAN

LISTED = datetime(2024, 2, 1, 10, tzinfo=BEIJING)


async def moved(market: Market, seller: Seller, tonnes: int, at: datetime = LISTED) -> Seller:
    """The seller brought these credits to its venue at this instant."""
    actor = as_historian(seller.party.actor)
    answer = await market.send(market.move(seller, tonnes), actor, effective_at=at)
    assert answer.refusal is None, answer.refusal
    return seller


async def seller(market: Market, programme: str, tonnes: int = 1000) -> Seller:
    """A seller of a programme's credits, all of which came to the venue long ago."""
    return await moved(market, await floor.seller(market, programme, tonnes, 0), tonnes)


async def unused_day(market: Market, venue: str = floor.VENUE) -> date:
    """A day long past, later than all that the venue has closed, on which nobody trades but who asked for it."""
    closed = await market.database.fetchval(
        "SELECT max(date) FROM settlement.venue_day WHERE venue = $1", venue
    )
    return max(closed or LISTED.date(), LISTED.date()) + timedelta(days=2)


def at(day: date, clock: str = "10:00") -> str:
    """An instant of this day in Beijing."""
    return datetime.combine(day, time.fromisoformat(clock), BEIJING).isoformat()


async def close(market: Market, venue: str, day: date, trades: Sequence[dict[str, Any]]) -> None:
    """The venue closes a day with the count of these trades."""
    figures = {
        "trades": len(trades),
        "tonnes": sum(one["quantity"] for one in trades),
        "turnover_fen": sum(one["quantity"] * round(float(one["price"]) * 100) for one in trades),
    }
    closed = {"venue": venue, "date": day.isoformat(), **figures}
    await market.report(closed, "venue.day_closed")


async def confirm(market: Market, venue: str, day: date) -> None:
    """The registry confirms a day, once it has heard of the venue's close."""
    await market.until(
        "SELECT EXISTS (SELECT FROM settlement.venue_day WHERE venue = $1 AND date = $2)",
        venue,
        day,
    )
    await market.accepted(ConfirmDay(venue=venue, date=day))


async def clear(market: Market, venue: str, day: date) -> None:
    """Two persons explain why the venue's count of a day differed."""
    clearing = ClearGap(venue=venue, date=day, kind="TRADES", explanation="a report was lost")
    asked = await market.accepted(clearing, REGISTRAR)
    answer = await market.approve(asked)
    assert answer.refusal is None, answer.refusal


@asynccontextmanager
async def replay(market: Market, venue: str = floor.VENUE) -> AsyncIterator[None]:
    """Within, the venue reports recorded history."""
    await market.accepted(StartReplay(venue=venue), HISTORIAN)
    try:
        yield
    finally:
        await market.accepted(EndReplay(venue=venue), HISTORIAN)
