"""The demo's national ETS: one company is short of allowances for 2025, offsets up to the cap and buys the rest."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from services.issuance.messages.compliance import PublishAllocationPlan, VerifyEmissions
from services.kernel.clocks import market_day
from services.kernel.money import price_fen
from services.tools.cast import demo_id
from services.tools.certificates import Use
from services.tools.client import RefusedError
from services.tools.companies import SURPLUS, buyer_key, invented_credit_code
from services.tools.market_acts import (
    EXCHANGE,
    close_day,
    confirm_day,
    counted_days,
    declare_first_price,
    move_in,
    move_out,
    pay_in,
    send_trades,
)
from services.tools.play import Play, document, fields_of
from services.tools.stage import (
    CLOSED,
    DayClosed,
    Deposit,
    FirstPrice,
    Move,
    allowance_trades,
    beijing,
)
from services.tools.story import Emitter, Offset
from services.tools.tape import Instrument, Trade
from services.tools.use_acts import APPROVER, require_refused, use_up

REASONS = {"ETS_OFFSET_NATIONAL": "配额清缴抵销", "ETS_SURRENDER": "配额清缴"}


def short_key(play: Play) -> str:
    """The key of the company that is short of allowances."""
    return buyer_key(play.records, play.records.story.ets.short.name)


async def allocate_all(play: Play) -> None:
    """The plan for 2025, and both companies' allowances by it; from now on they owe what they emitted."""
    ets = play.records.story.ets
    [plan] = [one for one in play.records.allocation_plans if one.plan == ets.plan]
    await _two_registrars(
        play,
        "publishAllocationPlan",
        ("allocation plan", plan.plan),
        ets.published_on,
        **fields_of(PublishAllocationPlan(terms=plan)),
    )
    companies = {short_key(play): ets.short, SURPLUS: ets.surplus}
    await play.all("allowances", [_allocate(play, *company) for company in companies.items()])


async def _allocate(play: Play, key: str, emitter: Emitter) -> None:
    ets = play.records.story.ets
    year = ("compliance year", key)
    await play.command(
        "openComplianceYear",
        play.cast.registrar,
        year,
        _morning(ets.opened_on),
        account=play.cast.numbers[key],
        emissionYear=ets.emission_year,
        sector="POWER",
        plan=ets.plan,
        lastVerifiedTonnes=emitter.last_verified_tonnes,
    )
    year_id = demo_id(*year)
    verified = fields_of(VerifyEmissions(compliance_id=year_id, units=(emitter.unit,)))
    of_year = {"complianceId": str(year_id)}
    for name, day, said in (
        ("preallocateAllowances", ets.opened_on, of_year),
        ("verifyEmissions", ets.verified_on, verified),
        ("allocateAllowances", ets.allocated_on, of_year),
    ):
        await _two_registrars(play, name, (name, key), day, **said)


async def _two_registrars(
    play: Play, name: str, step: tuple[object, ...], day: date, /, **said: object
) -> None:
    registrar, second = play.cast.registrar, play.cast.second
    await play.by_two(name, registrar, second, step, _morning(day), **said)


def _morning(day: date) -> datetime:
    return beijing(day, time(9))


async def buy_allowances(play: Play) -> None:
    """The other company sells what it does not need; while a court freezes its account, it cannot."""
    ets, sale = play.records.story.ets, play.records.story.ets.sale
    rejected, trade = allowance_trades(play.records)
    spare = ets.surplus.allocated_tonnes - ets.surplus.due
    allowances = trade.instrument
    await play.until("the allowances", lambda: _is_allocated(play))
    await move_in(play, Move(SURPLUS, allowances, 0, spare, sale.moved_at), ets.venue)
    first = FirstPrice(
        ets.venue, SURPLUS, allowances, price_fen(sale.first_price_yuan), ets.freeze.frozen_at
    )
    await declare_first_price(play, first)
    paid = Deposit(trade.buyer, sale.deposit_yuan * 100, sale.moved_at, "DEMO-ets")
    await pay_in(play, [paid], ets.venue)
    await _freeze(play)
    await send_trades(play, ets.venue, [rejected])
    await play.until("the rejection", lambda: _is(play, rejected, "REJECTED", "ACCOUNT_FROZEN"))
    await _release(play)
    await _settle(play, trade)
    bought = Move(
        trade.buyer, allowances, 0, trade.tonnes, play.records.story.ets.discharge.moved_at
    )
    await move_out(play, bought, ets.venue)


async def _is_allocated(play: Play) -> bool:
    """Settlement has heard of what both owe, and of the allowances of the seller."""
    due = [await obligation_of(play, key) for key in (short_key(play), SURPLUS)]
    return all(due)


async def _freeze(play: Play) -> None:
    told = play.records.story.ets.freeze
    await play.by_two(
        "freezeAccount",
        play.cast.registrar,
        play.cast.second,
        ("freeze", SURPLUS),
        told.frozen_at,
        account=play.cast.numbers[SURPLUS],
        kind=told.kind,
        orderedBy=told.ordered_by,
        documentNumber=told.document_number,
        documentSha256=document(told.document_number)["sha256"],
        reason=told.reason,
    )


async def _release(play: Play) -> None:
    told = play.records.story.ets.freeze
    await play.by_two(
        "releaseFreeze",
        play.cast.registrar,
        play.cast.second,
        ("release", SURPLUS),
        told.released_at,
        freezeId=str(demo_id("freeze", SURPLUS)),
        documentSha256=document(told.release_reason)["sha256"],
        reason=told.release_reason,
    )


async def _settle(play: Play, trade: Trade) -> None:
    """The trade of a day, the venue's close and the registry's confirmation of it."""
    day = market_day(trade.executed_at)
    close = DayClosed(trade.venue, day, 1, trade.tonnes, trade.value_fen, beijing(day, CLOSED))
    await send_trades(play, trade.venue, [trade])
    await close_day(play, close)
    await play.until("the day", lambda: _is_counted(play, trade.venue))
    await confirm_day(play, close)
    await play.until("the allowances bought", lambda: _is(play, trade, "SETTLED"))


async def _is_counted(play: Play, venue: str) -> bool:
    return await counted_days(play, venue) > 0


async def _is(play: Play, trade: Trade, state: str, code: str | None = None) -> bool:
    """Whether the trade has its outcome; raises RefusedError for another one than this."""
    answer = await play.desk.query(
        "query($venue: String!, $id: String!) { trade(venue: $venue, tradeId: $id) { state code } }",
        play.cast.overseer,
        venue=trade.venue,
        id=trade.trade_id,
    )
    told = answer["trade"]
    if told is None or told["state"] in ("WAITING", "CAPTURED"):
        return False
    if (told["state"], told["code"]) != (state, code):
        raise RefusedError(f"trade {trade.trade_id}: {told}")
    return True


async def meet_obligations(play: Play) -> None:
    """Credits exactly up to the cap, not a tonne more; allowances for all the rest; and the seller's own obligation."""
    ets, told = play.records.story.ets, play.records.story.ets.discharge
    short, last = short_key(play), told.offsets[-1]
    for offset in told.offsets:
        taken = offset.tonnes + (offset is last)
        instrument = Instrument(offset.project, offset.vintage)
        await move_out(play, Move(short, instrument, 0, taken, told.moved_at), EXCHANGE)
    for offset in told.offsets:
        await use_up(play, _offset(play, offset))
    one_more = replace(last, tonnes=1)
    await require_refused(play, _offset(play, one_more), "OFFSET_CAP_EXCEEDED")
    left = ets.short.due - sum(offset.tonnes for offset in told.offsets)
    await use_up(play, _surrender(play, short, ets.short, left))
    await use_up(play, _surrender(play, SURPLUS, ets.surplus, ets.surplus.due))


def _offset(play: Play, offset: Offset) -> Use:
    ets = play.records.story.ets
    instrument, at = Instrument(offset.project, offset.vintage), ets.discharge.offset_at
    purpose = "ETS_OFFSET_NATIONAL"
    return _use(play, short_key(play), ets.short, instrument, offset.tonnes, purpose, at)


def _surrender(play: Play, key: str, emitter: Emitter, tonnes: int) -> Use:
    ets = play.records.story.ets
    instrument, at = Instrument(ets.programme, ets.emission_year), ets.discharge.surrendered_at
    return _use(play, key, emitter, instrument, tonnes, "ETS_SURRENDER", at)


def _use(
    play: Play,
    key: str,
    emitter: Emitter,
    instrument: Instrument,
    tonnes: int,
    purpose: str,
    at: datetime,
) -> Use:
    """What a company does about what it owes for the year."""
    year = play.records.story.ets.emission_year
    return Use(
        name=f"{purpose} {key} {instrument} {tonnes}",
        owner=key,
        maker=play.cast.operator(key),
        approver=APPROVER,
        instrument=instrument,
        tonnes=tonnes,
        purpose=purpose,
        beneficiary=emitter.name,
        beneficiary_id=invented_credit_code(emitter.name),
        period=str(year),
        reason=f"{year}年度{REASONS[purpose]}（演示）",
        requested_at=at,
        approved_at=at,
    )


async def obligation_of(play: Play, key: str) -> Mapping[str, Any]:
    """What this company owes for the year, and what it has done about it; empty before it is known."""
    answer = await play.desk.query(
        "query($account: String!, $year: Int!) { obligation(account: $account, year: $year) {"
        " due surrendered offset } }",
        play.cast.overseer,
        account=play.cast.numbers[key],
        year=play.records.story.ets.emission_year,
    )
    return answer["obligation"] or {}
