"""The demo's later acts: venues, moves, deposits, the trade tape day by day, and the recycling story."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from services.kernel.clocks import market_day
from services.runtime.messages import CloudEvent
from services.tools.client import Answered, RefusedError, reported
from services.tools.companies import invented_credit_code
from services.tools.play import ACCEPTED, PENDING, REFUSED, Play
from services.tools.register_acts import OPENING_DAY
from services.tools.stage import (
    SENT_TWICE_EVERY,
    DayClosed,
    Deposit,
    Move,
    beijing,
    day_closes,
    deposits,
    moves,
    pilot_trade,
)
from services.tools.tape import Instrument, Trade, trade_body

EXCHANGE, PILOT = "CBGEX", "HZ-PILOT"
PILOT_MOVED_TONNES = 20_000
PILOT_SPARE_FEN = 20_000_000  # so that a newcomer can publish trades by hand


async def venues(play: Play) -> None:
    """The two venues, both in replay: what they report is history."""
    story, opened = play.records.story, beijing(OPENING_DAY, time(11))
    legacy = [story.opening_batch.programme]
    traded = {EXCHANGE: ["CCER", *legacy], PILOT: [story.pilot.programme]}
    for venue in story.venues:
        await play.command(
            "openVenue",
            play.cast.registrar,
            ("venue", venue.code),
            opened,
            code=venue.code,
            name=venue.name,
            programmes=traded[venue.code],
            methods=[venue.method],
        )
        await play.command(
            "startReplay", play.cast.registrar, ("replay", venue.code), opened, venue=venue.code
        )


async def moves_to_venue(play: Play) -> None:
    """Owners move their credits to the exchange, each batch on the eve of its first trade."""
    await play.until("every batch to be credited", lambda: _all_credited(play))
    moved = [_move(play, move, EXCHANGE) for move in moves(play.records, play.tape)]
    await play.all("moves to the venue", moved)


async def _all_credited(play: Play) -> bool:
    """Settlement learns of batches by event; an owner sees them in the account once it has."""
    owed: Counter[str] = Counter()
    for move in moves(play.records, play.tape):
        owed[move.seller] += move.tonnes
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


async def _move(play: Play, move: Move, venue: str) -> None:
    await play.command(
        "moveToVenue",
        play.cast.owner(move.seller),
        ("move", move.instrument, move.monitoring_period),
        move.moved_at,
        account=play.cast.numbers[move.seller],
        venue=venue,
        project=move.instrument.project,
        vintage=move.instrument.vintage,
        tonnes=move.tonnes,
    )


async def cash(play: Play) -> None:
    """The bank reports what buyers paid in, quarter by quarter, before they need it."""
    await _pay_in(play, list(deposits(play.tape)), EXCHANGE)


async def _pay_in(play: Play, paid: Sequence[Deposit], venue: str) -> None:
    messages = [("bank.deposit_reported", _deposit(play, deposit, venue)) for deposit in paid]
    await play.senders["bank"].send("tonne.bank", messages)
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
        await _send_trades(play, EXCHANGE, [*trades, *again])
        await play.senders[EXCHANGE].send(
            "tonne.trades", [(f"venue.day_closed.{EXCHANGE}", _close(close))]
        )
        play.on_progress("trades published", number, len(play.tape))
    await play.until("every day to be counted", lambda: _days_counted(play, len(closes)))


def _day(trade: Trade) -> date:
    return market_day(trade.executed_at)


async def _send_trades(play: Play, venue: str, trades: Iterable[Trade]) -> None:
    key = f"trade.executed.{venue}"
    messages = [(key, trade_event(trade, play.cast.numbers)) for trade in trades]
    await play.senders[venue].send("tonne.trades", messages)
    play.sent += [event.id for _, event in messages] if venue == EXCHANGE else []


def trade_event(trade: Trade, numbers: Mapping[str, str]) -> CloudEvent:
    """The message by which a venue reports the trade."""
    content = trade_body(trade, numbers)
    source = f"/venues/{trade.venue}"
    return reported(source, "trade.executed", trade.trade_id, trade.executed_at, content)


def _close(close: DayClosed) -> CloudEvent:
    content = {
        "venue": EXCHANGE,
        "date": close.day,
        "trades": close.trades,
        "tonnes": close.tonnes,
        "turnover_fen": close.turnover_fen,
    }
    event_id = f"close-{close.day}"
    return reported(f"/venues/{EXCHANGE}", "venue.day_closed", event_id, close.closed_at, content)


async def _days_counted(play: Play, days: int) -> bool:
    document = (
        'query($after: String) { venueDays(venue: "CBGEX", first: 100, after: $after) {'
        " edges { node { date } } pageInfo { hasNextPage endCursor } } }"
    )
    counted = len(await play.desk.everything(document, "venueDays"))
    play.on_progress("days counted", counted, days)
    return counted >= days


async def pilot_story(play: Play) -> None:
    """Electronics recycling: moved, paid in, traded, refused for ETS use, retired for own emissions by two persons."""
    trade = pilot_trade(play.records.story)
    eve = trade.executed_at - timedelta(days=1)
    move = Move("pilot-owner", trade.instrument, 1, PILOT_MOVED_TONNES, eve)
    await play.until("the pilot's batch", lambda: _is_credited(play, "pilot-owner"))
    await _move(play, move, PILOT)
    paid = Deposit("pilot-buyer", trade.value_fen + PILOT_SPARE_FEN, eve, "DEMO-pilot")
    await _pay_in(play, [paid], PILOT)
    await _send_trades(play, PILOT, [trade])
    await play.until("the pilot's trade", lambda: _is_credited(play, "pilot-buyer"))
    await _move_back(play, trade)
    await _refused_offset(play, trade.instrument)
    await _retire(play, trade.instrument)


async def _is_credited(play: Play, key: str) -> bool:
    answer = await play.desk.query(
        "query($number: String!) { account(number: $number) {"
        " holdings(first: 1) { edges { node { tonnes } } } } }",
        play.cast.overseer,
        number=play.cast.numbers[key],
    )
    return bool(answer["account"] and answer["account"]["holdings"]["edges"])


async def _move_back(play: Play, trade: Trade) -> None:
    """The buyer takes the credits to the registry, where they can be used."""
    await play.command(
        "moveFromVenue",
        play.cast.owner("pilot-buyer"),
        ("move back", trade.trade_id),
        trade.executed_at + timedelta(hours=1),
        account=play.cast.numbers["pilot-buyer"],
        venue=PILOT,
        project=trade.instrument.project,
        vintage=trade.instrument.vintage,
        tonnes=trade.tonnes,
    )


async def _refused_offset(play: Play, instrument: Instrument) -> None:
    """Credits of an association's pilot are never accepted in the national ETS (rule 25)."""
    attempt = play.records.story.pilot.offset_attempt
    refused = await _ask_retirement(
        play,
        instrument,
        "demo-maker",
        ("offset attempt",),
        attempt.requested_at,
        REFUSED,
        tonnes=attempt.tonnes,
        purpose="ETS_OFFSET_NATIONAL",
        period=attempt.compliance_year,
        reason="演示：试点减排量不得用于全国碳市场抵销",
    )
    if refused.refusals[0]["code"] != "NOT_ELIGIBLE_FOR_ETS":
        raise RefusedError(str(refused.refusals))


async def _retire(play: Play, instrument: Instrument) -> None:
    use = play.records.story.pilot.retirement
    asked = await _ask_retirement(
        play,
        instrument,
        use.maker,
        ("retirement",),
        use.requested_at,
        PENDING,
        tonnes=use.tonnes,
        purpose="ENTERPRISE_OFFSET",
        period=use.requested_at.year,
        reason=use.reason,
    )
    await play.command(
        "approve",
        play.cast.owner_approver("pilot-buyer", use.approver),
        ("retirement approved",),
        use.approved_at,
        expecting=ACCEPTED,
        approvalId=asked.approval_id,
    )


async def _ask_retirement(
    play: Play,
    instrument: Instrument,
    maker: str,
    step: Sequence[object],
    at: datetime,
    expecting: str,
    *,
    tonnes: int,
    purpose: str,
    period: int,
    reason: str,
) -> Answered:
    pilot = play.records.story.pilot
    return await play.command(
        "retireCredits",
        play.cast.owner("pilot-buyer", maker),
        step,
        at,
        expecting=expecting,
        account=play.cast.numbers["pilot-buyer"],
        project=instrument.project,
        vintage=instrument.vintage,
        beneficiaryName=pilot.buyer,
        beneficiaryId=invented_credit_code(pilot.buyer),
        beneficiaryCountry="CN",
        isPublic=True,
        tonnes=tonnes,
        purpose=purpose,
        reportingPeriod=str(period),
        reason=reason,
    )


async def end_replays(play: Play) -> None:
    """From now on both venues report the present."""
    last = play.records.days[-1].day
    for venue in (EXCHANGE, PILOT):
        await play.command(
            "endReplay",
            play.cast.registrar,
            ("end of replay", venue),
            beijing(last, time(18)),
            venue=venue,
        )
