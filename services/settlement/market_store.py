"""What settlement keeps of venues and their markets: one function a statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
from msgspec.structs import astuple

from services.kernel.calendars import CHINA, WorkingCalendar, YearNotice
from services.runtime import queries
from services.runtime.messages import encode
from services.runtime.postgres import Transaction, columns, rows
from services.settlement.ledger import Instrument
from services.settlement.market import DayTotals, LastTrade, Listing, Market, MarketBooks
from services.settlement.messages.market import MarketTerms
from services.settlement.terms import Terms, read_terms
from services.settlement.venues import Venue

sql = queries.load(Path(__file__).with_name("market.sql"))


class MarketChangedError(RuntimeError):
    """A row was not there, although it was made before: nothing of the transaction may stand."""


async def insert_venue(tx: Transaction, code: str, name: str) -> bool:
    """Admits a venue; False if its code is taken."""
    return await tx.connection.fetchval(sql["insert_venue"], code, name) is not None


async def list_venues(tx: Transaction, codes: Sequence[str]) -> dict[str, Venue]:
    """The admitted venues among these codes."""
    found = await tx.connection.fetch(sql["list_venues"], codes)
    return {venue.code: venue for venue in rows(Venue, found)}


async def get_venue(tx: Transaction, code: str) -> Venue | None:
    """A venue, if it was admitted."""
    return (await list_venues(tx, [code])).get(code)


async def set_venue_mode(tx: Transaction, code: str, mode: str) -> None:
    """Puts a venue into replay, or back."""
    await tx.connection.execute(sql["set_venue_mode"], code, mode)


async def insert_terms(tx: Transaction, terms: MarketTerms, approver: str) -> None:
    """Keeps a version of a market's rules for ever."""
    await tx.connection.execute(
        sql["insert_market_terms"],
        terms.venue,
        terms.programme,
        terms.valid_from,
        terms.cycle,
        encode(terms).decode(),
        tx.actor.subject,
        approver,
        tx.recorded_at,
    )


async def list_terms(
    tx: Transaction, venues: Sequence[str]
) -> Mapping[tuple[str, str], Sequence[Terms]]:
    """Every version of the terms at these venues, by venue and programme."""
    terms: dict[tuple[str, str], list[Terms]] = {}
    for one in await tx.connection.fetch(sql["list_market_terms"], venues):
        terms.setdefault((one["venue"], one["programme"]), []).append(_terms(one["terms"]))
    return terms


@lru_cache(maxsize=1_000)
def _terms(stored: str) -> Terms:
    return read_terms(msgspec.json.decode(stored, type=MarketTerms))


async def insert_instrument(
    tx: Transaction, market: Market, programme: str, listed_on: date
) -> bool:
    """Lists an instrument at a venue; False if it is listed there."""
    project, vintage = market.instrument.project, market.instrument.vintage
    inserted = await tx.connection.fetchval(
        sql["insert_instrument"], market.venue, project, vintage, programme, listed_on
    )
    return inserted is not None


async def set_first_price(tx: Transaction, market: Market, price_fen: int, account: str) -> bool:
    """Keeps the first reference price; False if there is one, or if listing trades have made one."""
    project, vintage = market.instrument.project, market.instrument.vintage
    declared = await tx.connection.fetchval(
        sql["set_first_price"], market.venue, project, vintage, price_fen, account
    )
    return declared is not None


async def has_moved_in(tx: Transaction, account: str, market: Market) -> bool:
    """Whether the account ever brought credits of the instrument to the venue."""
    project, vintage = market.instrument.project, market.instrument.vintage
    return await tx.connection.fetchval(
        sql["has_moved_in"], account, market.venue, project, vintage
    )


async def load_market(
    tx: Transaction,
    days: Collection[tuple[Market, date]],
    parties: Collection[tuple[str, Market]] = (),
    venues: Collection[str] = (),
) -> MarketBooks:
    """What a batch of trades on these days, of these parties, needs to know of the markets."""
    markets = {market for market, _ in days}
    codes = sorted({market.venue for market in markets} | set(venues))
    return MarketBooks(
        calendar=await load_calendar(tx),
        venues=await list_venues(tx, codes),
        terms=await list_terms(tx, codes),
        listings=await list_listings(tx, markets),
        days=await _list_days(tx, days),
        lasts=await _list_lasts(tx, parties),
        closed=await _list_closed(tx, {(market.venue, day) for market, day in days}),
    )


async def _list_closed(
    tx: Transaction, days: Collection[tuple[str, date]]
) -> Collection[tuple[str, date]]:
    if not days:
        return ()
    found = await tx.connection.fetch(sql["list_closed_days"], *columns(days))
    return {(one["venue"], one["date"]) for one in found}


async def list_listings(tx: Transaction, markets: Collection[Market]) -> dict[Market, Listing]:
    """These instruments where they are listed."""
    if not markets:
        return {}
    found = await tx.connection.fetch(sql["list_listings"], *columns(map(_key, markets)))
    return {
        _market(one): Listing(one["programme"], one["listed_on"], one["first_price_fen"])
        for one in found
    }


async def _list_days(
    tx: Transaction, wanted: Collection[tuple[Market, date]]
) -> dict[Market, dict[date, DayTotals]]:
    days: dict[Market, dict[date, DayTotals]] = {}
    if not wanted:
        return days
    asked = columns((*_key(market), day) for market, day in wanted)
    for one in await tx.connection.fetch(sql["list_instrument_days"], *asked):
        venue, project, vintage, day, *totals = one
        market = Market(venue, Instrument(project, vintage))
        days.setdefault(market, {})[day] = DayTotals(*totals)
    return days


async def _list_lasts(
    tx: Transaction, parties: Collection[tuple[str, Market]]
) -> dict[tuple[str, Market], LastTrade]:
    if not parties:
        return {}
    asked = columns((account, *_key(market)) for account, market in parties)
    return {
        (one["account"], _market(one)): LastTrade(one["bought_on"], one["sold_on"])
        for one in await tx.connection.fetch(sql["list_last_trades"], *asked)
    }


async def write_market(tx: Transaction, market: MarketBooks) -> None:
    """Writes the difference set-based."""
    changes = sorted(market.day_changes(), key=lambda one: (_key(one[0]), one[1]))
    if changes:
        keys = columns((*_key(traded), day) for traded, day, _ in changes)
        await tx.connection.execute(sql["open_instrument_days"], *keys)
        added = columns((*_key(traded), day, *astuple(totals)) for traded, day, totals in changes)
        status = await tx.connection.execute(sql["add_to_instrument_days"], *added)
        if status != f"UPDATE {len(changes)}":
            raise MarketChangedError(f"{status}, expected {len(changes)}")
    lasts = columns(
        (account, *_key(traded), last.bought_on, last.sold_on)
        for account, traded, last in market.last_changes()
    )
    if lasts:
        await tx.connection.execute(sql["set_last_trades"], *lasts)


async def recount_last_trade(tx: Transaction, account: str, market: Market) -> None:
    """Counts anew when the account last traded the instrument: a trade of it was cancelled."""
    await tx.connection.execute(sql["recount_last_trade"], account, *_key(market))


async def insert_calendar_notice(
    tx: Transaction,
    notice_id: UUID,
    year: int,
    holidays: Collection[date],
    working_days: Collection[date],
) -> None:
    """Learns of the days off of a year."""
    await tx.connection.execute(
        sql["insert_calendar_notice"],
        notice_id,
        year,
        list(holidays),
        list(working_days),
        tx.recorded_at,
    )


async def load_calendar(tx: Transaction) -> WorkingCalendar:
    """The official calendar with every notice that was learned."""
    found = await tx.connection.fetch(sql["list_calendar_notices"])
    return _calendar(
        tuple(
            YearNotice(one["year"], tuple(one["holidays"]), tuple(one["working_days"]))
            for one in found
        )
    )


@lru_cache(maxsize=8)
def _calendar(notices: tuple[YearNotice, ...]) -> WorkingCalendar:
    """Always the same one of the same notices, so that what is counted by it is counted once."""
    return CHINA.with_notices(notices)


def _key(market: Market) -> tuple[str, str, int]:
    return market.venue, market.instrument.project, market.instrument.vintage


def _market(record: asyncpg.Record) -> Market:
    return Market(record["venue"], Instrument(record["project"], record["vintage"]))
