"""The clock: tells a service through its own queue that a new day has begun in Beijing; that is all it does."""

import asyncio
from datetime import UTC, datetime, time, timedelta

import msgspec

from services.kernel.actors import Role
from services.kernel.clocks import BEIJING, market_day
from services.kernel.ids import derived_id
from services.runtime import telemetry
from services.runtime.inbox import Daily
from services.runtime.messages import CloudEvent, encode, wire_name
from services.runtime.publishing import Outgoing, Publisher

ACTOR = "tonne-clock"
_LOOK_SECONDS = 60.0

log = telemetry.logger("clock")


async def run(service: str, daily: Daily, publisher: Publisher) -> None:
    """Says each day once, at its beginning or when the process starts, until cancelled."""
    said = None
    while True:
        now = datetime.now(UTC)
        if market_day(now) != said:
            await publisher.publish(opening(service, daily, now))
            said = market_day(now)
            log.info("day opens", service=service, date=said.isoformat())
        await asyncio.sleep(pause_seconds(now))


def opening(service: str, daily: Daily, now: datetime) -> Outgoing:
    """The command that opens the day; from every process and at every start it has the same id, so it is done once.

    It may wait in the queue longer than a clock may differ: therefore the clock is a historian.
    """
    day = market_day(now)
    command = daily(day)
    envelope = CloudEvent(
        specversion="1.0",
        id=str(derived_id("day", service, day)),
        source=f"/{service}/clock",
        type=wire_name(type(command)),
        time=now,
        datacontenttype="application/json",
        effectiveat=now,
        actor=ACTOR,
        actorroles=f"{Role.HISTORIAN},{Role.REGISTRAR}",
        data=msgspec.Raw(encode(command)),
    )
    return Outgoing(
        exchange="",
        routing_key=f"{service}.commands",
        body=encode(envelope),
        message_id=envelope.id,
    )


def pause_seconds(now: datetime) -> float:
    """Until the next midnight in Beijing, but at most a minute: a machine may have slept."""
    midnight = datetime.combine(market_day(now) + timedelta(days=1), time(), BEIJING)
    return min((midnight - now).total_seconds(), _LOOK_SECONDS)
