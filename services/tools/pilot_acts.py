"""The demo's recycling story: moved, paid in, traded, refused for ETS use, retired by two persons."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.tools.client import Answered, RefusedError
from services.tools.companies import invented_credit_code
from services.tools.market_acts import PILOT, move_in, pay_in, send_trades
from services.tools.play import ACCEPTED, PENDING, REFUSED, Play
from services.tools.stage import Deposit, Move, pilot_trade
from services.tools.tape import Instrument, Trade

PILOT_MOVED_TONNES = 20_000
PILOT_SPARE_FEN = 20_000_000  # so that a newcomer can publish trades by hand


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
