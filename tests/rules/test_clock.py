"""Rules for the clock: one command a day, the same from whichever process and at whichever start."""

from datetime import UTC, date, datetime, timedelta

import msgspec

from services.registry.handlers import SERVICE
from services.registry.messages.calendars import OpenDay
from services.runtime import clock
from services.runtime.messages import decode, decode_envelope

NOON = datetime(2026, 8, 13, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 8, 13, 16, tzinfo=UTC)  # in Beijing the 14th begins


def opened(now: datetime) -> tuple[str, OpenDay]:
    assert SERVICE.daily is not None
    outgoing = clock.opening("registry", SERVICE.daily, now)
    assert (outgoing.exchange, outgoing.routing_key) == ("", "registry.commands")
    envelope = decode_envelope(outgoing.body)
    assert envelope.effectiveat == now
    assert envelope.sender.roles == {"historian", "registrar"}
    return envelope.id, decode(OpenDay, msgspec.Raw(envelope.data))


def test_a_day_is_opened_under_one_id() -> None:
    identity, command = opened(NOON)
    assert command == OpenDay(date=date(2026, 8, 13))
    assert opened(MIDNIGHT - timedelta(microseconds=1)) == (identity, command)
    later, following = opened(MIDNIGHT)
    assert later != identity
    assert following == OpenDay(date=date(2026, 8, 14))


def test_the_clock_looks_every_minute_and_at_midnight() -> None:
    assert clock.pause_seconds(NOON) == 60
    assert clock.pause_seconds(MIDNIGHT - timedelta(seconds=20)) == 20
    assert clock.pause_seconds(MIDNIGHT) == 60
