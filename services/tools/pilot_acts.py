"""The demo's recycling story: moved, paid in, traded, refused for ETS use, retired by two persons."""

from dataclasses import replace
from datetime import timedelta

from services.tools.certificates import Use
from services.tools.companies import invented_credit_code
from services.tools.market_acts import PILOT, move_in, move_out, pay_in, send_trades
from services.tools.play import Play
from services.tools.stage import Deposit, Move, pilot_trade
from services.tools.use_acts import require_refused, use_up

PILOT_MOVED_TONNES = 20_000
PILOT_SPARE_FEN = 20_000_000  # so that a newcomer can publish trades by hand
HOUR = timedelta(hours=1)


async def pilot_story(play: Play) -> None:
    """Electronics recycling: moved, paid in, traded, refused for ETS use, retired for own emissions by two persons."""
    trade = pilot_trade(play.records.story)
    eve = trade.executed_at - timedelta(days=1)
    move = Move("pilot-owner", trade.instrument, 1, PILOT_MOVED_TONNES, eve)
    await play.until("the pilot's batch", lambda: _is_credited(play, "pilot-owner"))
    await move_in(play, move, PILOT)
    paid = Deposit("pilot-buyer", trade.value_fen + PILOT_SPARE_FEN, eve, "DEMO-pilot")
    await pay_in(play, [paid], PILOT)
    await send_trades(play, PILOT, [trade])
    await play.until("the pilot's trade", lambda: _is_credited(play, "pilot-buyer"))
    back = replace(
        move, owner="pilot-buyer", tonnes=trade.tonnes, moved_at=trade.executed_at + HOUR
    )
    await move_out(play, back, PILOT)
    await require_refused(play, _attempt(play), "NOT_ELIGIBLE_FOR_ETS")
    await use_up(play, _use(play, "retirement", "ENTERPRISE_OFFSET"))


async def _is_credited(play: Play, key: str) -> bool:
    answer = await play.desk.query(
        "query($number: String!) { account(number: $number) {"
        " holdings(first: 1) { edges { node { tonnes } } } } }",
        play.cast.overseer,
        number=play.cast.numbers[key],
    )
    return bool(answer["account"] and answer["account"]["holdings"]["edges"])


def _use(play: Play, name: str, purpose: str) -> Use:
    """The buyer's use of what it bought."""
    pilot, told = play.records.story.pilot, play.records.story.pilot.retirement
    return Use(
        name=name,
        owner="pilot-buyer",
        maker=told.maker,
        approver=told.approver,
        instrument=pilot_trade(play.records.story).instrument,
        tonnes=told.tonnes,
        purpose=purpose,
        beneficiary=pilot.buyer,
        beneficiary_id=invented_credit_code(pilot.buyer),
        period=str(told.requested_at.year),
        reason=told.reason,
        requested_at=told.requested_at,
        approved_at=told.approved_at,
    )


def _attempt(play: Play) -> Use:
    """Credits of an association's pilot are never accepted in the national ETS (rule 25)."""
    told = play.records.story.pilot.offset_attempt
    return replace(
        _use(play, "offset attempt", "ETS_OFFSET_NATIONAL"),
        tonnes=told.tonnes,
        period=str(told.compliance_year),
        reason="演示：试点减排量不得用于全国碳市场抵销",
        requested_at=told.requested_at,
    )
