"""The demo's later acts: venues, moves, deposits, the trade tape day by day, and the recycling story."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from itertools import groupby

from services.kernel.clocks import market_day
from services.kernel.money import yuan
from services.runtime.messages import CloudEvent
from services.settlement.messages.market import SetMarketTerms
from services.tools.client import reported
from services.tools.play import Play, fields_of
from services.tools.register_acts import OPENING_DAY
from services.tools.stage import (
    SENT_TWICE_EVERY,
    DayClosed,
    Deposit,
    FirstPrice,
    Listing,
    Move,
    beijing,
    day_closes,
    deposits,
    listings,
    moves,
)
from services.tools.tape import Trade, trade_body

EXCHANGE, PILOT, BANK = "CBGEX", "HZ-PILOT", "bank"
FIRST_PRICE_DECLARED = time(9)


async def venues(play: Play) -> None:
    """The venues with the rules of their markets, all in replay: what they report is history."""
    registrar, opened = play.cast.registrar, beijing(OPENING_DAY, time(11))
    for venue in play.records.story.venues:
        step = "venue", venue.code
        await play.command("openVenue", registrar, step, opened, code=venue.code, name=venue.name)
        await play.command(
            "startReplay", registrar, ("replay", venue.code), opened, venue=venue.code
        )
    for terms in play.records.market_terms:
        step = "market terms", terms.venue, terms.programme
        said = fields_of(SetMarketTerms(terms=terms))
        await play.by_two("setMarketTerms", registrar, play.cast.second, step, opened, **said)


async def moves_to_venue(play: Play) -> None:
    """Owners move their credits to the exchange, each batch on the eve of its first trade."""
    await play.until("every batch to be credited", lambda: _all_credited(play))
    moved = [move_in(play, move, EXCHANGE) for move in moves(play.records, play.tape)]
    await play.all("moves to the venue", moved)


async def first_prices(play: Play) -> None:
    """Who brings an instrument names its first reference price, and the venue confirms it."""
    listed = listings(play.tape, moves(play.records, play.tape))
    await play.all("first prices", [_first_price(play, listing) for listing in listed])


async def _first_price(play: Play, listing: Listing) -> None:
    declared_at = beijing(listing.listed_on, FIRST_PRICE_DECLARED)
    said = listing.seller, listing.instrument, listing.declared_fen, declared_at
    await declare_first_price(play, FirstPrice(EXCHANGE, *said))


async def declare_first_price(play: Play, first: FirstPrice) -> None:
    await play.by_two(
        "declareFirstPrice",
        play.cast.owner(first.owner),
        play.cast.venue(first.venue),
        ("first price", first.instrument),
        first.declared_at,
        venue=first.venue,
        account=play.cast.numbers[first.owner],
        project=first.instrument.project,
        vintage=first.instrument.vintage,
        price=yuan(first.price_fen),
    )


async def _all_credited(play: Play) -> bool:
    """Settlement learns of batches by event; an owner sees them in the account once it has, and until they are sold."""
    if await counted_days(play, EXCHANGE):
        return True
    owed: Counter[str] = Counter()
    for move in moves(play.records, play.tape):
        owed[move.owner] += move.tonnes
    for seller, tonnes in owed.items():
        answer = await play.desk.query(
            "query($number: String!) { account(number: $number) {"
            " holdings(first: 100) { edges { node { tonnes } } } } }",
            play.cast.overseer,
            number=play.cast.numbers[seller],
        )
        held = sum(int(edge["node"]["tonnes"]) for edge in answer["account"]["holdings"]["edges"])
        if held < tonnes:
            return False
    return True


async def move_in(play: Play, move: Move, venue: str) -> None:
    await _move(play, "moveToVenue", move, venue)


async def move_out(play: Play, move: Move, venue: str) -> None:
    """To the registry, where credits can be used."""
    await _move(play, "moveFromVenue", move, venue)


async def _move(play: Play, name: str, move: Move, venue: str) -> None:
    await play.command(
        name,
        play.cast.owner(move.owner),
        (name, move.owner, move.instrument, move.monitoring_period),
        move.moved_at,
        account=play.cast.numbers[move.owner],
        venue=venue,
        project=move.instrument.project,
        vintage=move.instrument.vintage,
        tonnes=move.tonnes,
    )


async def cash(play: Play) -> None:
    """The bank reports what buyers paid in, quarter by quarter, before they need it."""
    await pay_in(play, list(deposits(play.tape)), EXCHANGE)


async def pay_in(play: Play, paid: Sequence[Deposit], venue: str) -> None:
    messages = [("bank.deposit_reported", _deposit(play, deposit, venue)) for deposit in paid]
    await play.senders[BANK].send("tonne.bank", messages)
    owed: Counter[str] = Counter()
    for deposit in paid:
        owed[deposit.buyer] += deposit.amount_fen
    await play.until("the deposits to be booked", lambda: _is_paid_in(play, owed, venue))


def _deposit(play: Play, deposit: Deposit, venue: str) -> CloudEvent:
    content = {
        "bank_reference": deposit.reference,
        "account": play.cast.numbers[deposit.buyer],
        "venue": venue,
        "currency": "CNY",
        "amount_fen": deposit.amount_fen,
        "booked_at": deposit.reported_at,
    }
    kind = "bank.deposit_reported"
    return reported("/bank", kind, deposit.reference, deposit.reported_at, content)


async def _is_paid_in(play: Play, owed: Mapping[str, int], venue: str) -> bool:
    """Booked if the references are; a demo that is taken up again may have spent some already."""
    for buyer, amount_fen in owed.items():
        answer = await play.desk.query(
            "query($number: String!) { account(number: $number) {"
            " cash { venueCode balanceFen } holdings(first: 1) { edges { node { tonnes } } } } }",
            play.cast.overseer,
            number=play.cast.numbers[buyer],
        )
        account = answer["account"]
        balance = sum(int(c["balanceFen"]) for c in account["cash"] if c["venueCode"] == venue)
        if balance < amount_fen and not account["holdings"]["edges"]:
            return False
    return True


async def tape(play: Play) -> None:
    """Day by day: the trades, every tenth of them twice, and the close; then waits until all days are counted."""
    closes = day_closes(play.records, play.tape)
    by_day = {day: list(trades) for day, trades in groupby(play.tape, key=_day)}
    number = 0
    for close in closes:
        trades = by_day.get(close.day, [])
        again = [t for n, t in enumerate(trades, number + 1) if n % SENT_TWICE_EVERY == 0]
        number += len(trades)
        await send_trades(play, EXCHANGE, [*trades, *again])
        await close_day(play, close)
        play.on_progress("trades published", number, len(play.tape))
    await play.until("every day to be counted", lambda: _days_counted(play, len(closes)))
    await play.all("days confirmed", [confirm_day(play, close) for close in closes])
    await play.until("every trade to settle", lambda: _all_settled(play))


async def confirm_day(play: Play, close: DayClosed) -> None:
    """The registry's confirmation, after the venue's own: the day's trades settle."""
    await play.command(
        "confirmDay",
        play.cast.registrar,
        ("confirmation", close.venue, close.day),
        close.closed_at + timedelta(hours=1),
        venue=close.venue,
        date=close.day.isoformat(),
    )


async def _all_settled(play: Play) -> bool:
    settled = await settled_trades(play)
    play.on_progress("trades settled", settled, len(play.tape))
    return settled >= len(play.tape)


async def settled_trades(play: Play) -> int:
    """How many trades of the exchange have settled."""
    settled = 0
    for terms in play.records.market_terms:
        if terms.venue != EXCHANGE:
            continue
        answer = await play.desk.query(
            "query($programme: String!) { market(programme: $programme) { trades } }",
            programme=terms.programme,
        )
        settled += int(answer["market"]["trades"]) if answer["market"] else 0
    return settled


def _day(trade: Trade) -> date:
    return market_day(trade.executed_at)


async def send_trades(play: Play, venue: str, trades: Iterable[Trade]) -> None:
    key = f"trade.executed.{venue}"
    messages = [(key, trade_event(trade, play.cast.numbers)) for trade in trades]
    await play.senders[venue].send("tonne.trades", messages)
    play.sent += [event.id for _, event in messages] if venue == EXCHANGE else []


def trade_event(trade: Trade, numbers: Mapping[str, str]) -> CloudEvent:
    """The message by which a venue reports the trade."""
    content = trade_body(trade, numbers)
    source = f"/venues/{trade.venue}"
    return reported(source, "trade.executed", trade.trade_id, trade.executed_at, content)


async def close_day(play: Play, close: DayClosed) -> None:
    key = f"venue.day_closed.{close.venue}"
    await play.senders[close.venue].send("tonne.trades", [(key, _close(close))])


def _close(close: DayClosed) -> CloudEvent:
    content = {
        "venue": close.venue,
        "date": close.day,
        "trades": close.trades,
        "tonnes": close.tonnes,
        "turnover_fen": close.turnover_fen,
    }
    event_id = f"close-{close.day}"
    source = f"/venues/{close.venue}"
    return reported(source, "venue.day_closed", event_id, close.closed_at, content)


async def _days_counted(play: Play, days: int) -> bool:
    counted = await counted_days(play, EXCHANGE)
    play.on_progress("days counted", counted, days)
    return counted >= days


async def counted_days(play: Play, venue: str) -> int:
    """How many of its days a venue has closed."""
    document = (
        "query($venue: String!, $after: String) { venueDays(venue: $venue, first: 100, after: $after) {"
        " edges { node { date } } pageInfo { hasNextPage endCursor } } }"
    )
    return len(await play.desk.everything(document, "venueDays", venue=venue))


async def end_replays(play: Play) -> None:
    """From now on the venues report the present."""
    last = play.records.days[-1].day
    for venue in play.senders.keys() - {BANK}:
        await play.command(
            "endReplay",
            play.cast.registrar,
            ("end of replay", venue),
            beijing(last, time(18)),
            venue=venue,
        )
