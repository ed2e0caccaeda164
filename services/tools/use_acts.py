"""Uses of credits in the demo: asked for by one person, approved by another, and their certificates downloaded."""

import json

from services.tools.cast import demo_id
from services.tools.certificates import Use, require_certificate, require_pdf
from services.tools.client import Answered, RefusedError
from services.tools.companies import buyer_key, invented_credit_code
from services.tools.market_acts import EXCHANGE, move_out
from services.tools.play import PENDING, REFUSED, Play
from services.tools.stage import Move
from services.tools.tape import Instrument

APPROVER = "demo-approver"
EVENT_CERTIFICATE = "RET-2026-00000001"
"""The number in a market where nothing but the demo was played."""


async def event(play: Play) -> None:
    """A buyer of the tape retires credits for an event, and downloads the first certificate of the year."""
    told = play.records.story.event
    buyer, instrument = buyer_key(play.records, told.buyer), Instrument(told.project, told.vintage)
    await move_out(play, Move(buyer, instrument, 0, told.tonnes, told.moved_at), EXCHANGE)
    number = await use_up(
        play,
        Use(
            name="event",
            owner=buyer,
            maker=play.cast.operator(buyer),
            approver=APPROVER,
            instrument=instrument,
            tonnes=told.tonnes,
            purpose="EVENT_NEUTRALITY",
            beneficiary=told.buyer,
            beneficiary_id=invented_credit_code(told.buyer),
            period=str(told.held_on),
            reason=told.reason,
            requested_at=told.retired_at,
            approved_at=told.retired_at,
        ),
    )
    require_pdf(number, await play.desk.download(f"/certificates/{number}.pdf"))


async def use_up(play: Play, use: Use) -> str:
    """Retires the credits and reads their certificate; returns its number."""
    asked = await _ask(play, use, PENDING)
    await play.command(
        "approve",
        play.cast.owner_approver(use.owner, use.approver),
        ("approved", use.name),
        use.approved_at,
        approvalId=asked.approval_id,
    )
    return await _certified(play, use)


async def require_refused(play: Play, use: Use, code: str) -> None:
    """Asks, and requires this refusal."""
    refused = await _ask(play, use, REFUSED)
    if refused.refusals[0]["code"] != code:
        raise RefusedError(str(refused.refusals))


async def _ask(play: Play, use: Use, expecting: str) -> Answered:
    return await play.command(
        "retireCredits",
        play.cast.owner(use.owner, use.maker),
        ("use", use.name),
        use.requested_at,
        expecting=expecting,
        account=play.cast.numbers[use.owner],
        project=use.instrument.project,
        vintage=use.instrument.vintage,
        tonnes=use.tonnes,
        purpose=use.purpose,
        beneficiaryName=use.beneficiary,
        beneficiaryId=use.beneficiary_id,
        beneficiaryCountry="CN",
        reportingPeriod=use.period,
        reason=use.reason,
    )


async def _certified(play: Play, use: Use) -> str:
    """The number of the certificate, which is read as by anybody: without a login."""
    retirement_id, account = demo_id("use", use.name), play.cast.numbers[use.owner]
    document = "query($id: UUID!) { retirement(id: $id) { certificateNumber } }"
    found = await play.desk.query(document, id=str(retirement_id))
    number = found["retirement"]["certificateNumber"]
    content = json.loads(await play.desk.download(f"/certificates/{number}.json"))
    require_certificate(use, retirement_id, account, number, content)
    play.certificates.add(number)
    return number
