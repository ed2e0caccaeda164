"""The hub: events reach those who want them, and who has missed some is told so."""

import asyncio

import msgspec
import pytest

from services.gateway.errors import Interrupted
from services.gateway.hub import EVENTS_AT_ONCE, EVENTS_WAITING_MAX, Hub, Subscriber
from services.runtime.caller import Caller, ServiceUnreachable
from services.runtime.messages import CloudEvent
from services.runtime.topology import is_listened

KIND = "settlement.trade.settled"


class Line:
    """What a hub needs of a broker's subscription."""

    def __init__(self, *bodies: tuple[str, bytes]) -> None:
        self.bodies = list(bodies)

    async def next_batch(self, size: int, timeout_seconds: float | None) -> list[object]:
        if not self.bodies:
            raise ConnectionError
        found, self.bodies = self.bodies, []

        class Delivery(msgspec.Struct):
            routing_key: str
            body: bytes

        return [Delivery(key, body) for key, body in found]


def event(number: int = 0, kind: str = KIND) -> CloudEvent:
    return CloudEvent(specversion="1.0", id=str(number), source="/settlement", type=kind)


def sent(number: int = 0, kind: str = KIND) -> tuple[str, bytes]:
    return kind, msgspec.json.encode(event(number, kind))


async def drained(subscriber: Subscriber) -> tuple[list[str], str]:
    """The ids of what comes until the interruption, and its reason."""
    found: list[str] = []
    try:
        async for batch in subscriber.batches():
            found += [one.id for one in batch]
    except Interrupted as interrupted:
        return found, interrupted.message
    raise AssertionError("unreachable")


async def run(hub: Hub, *bodies: tuple[str, bytes]) -> None:
    with pytest.raises(ConnectionError):
        await hub.run(Line(*bodies))  # pyright: ignore[reportArgumentType]


async def test_events_reach_in_order_those_who_want_their_type() -> None:
    hub = Hub()
    with hub.subscribed(KIND) as wanting, hub.subscribed("issuance.credits.issued") as other:
        await run(hub, sent(1), sent(2), sent(3, "settlement.venue.opened"))
        assert (await drained(wanting))[0] == ["1", "2"]
        assert (await drained(other))[0] == []


async def test_an_unreadable_event_does_not_end_the_hub() -> None:
    hub = Hub()
    with hub.subscribed(KIND) as wanting:
        await run(hub, (KIND, b"{"), sent(1))
        assert (await drained(wanting))[0] == ["1"]


async def test_a_lost_broker_interrupts_every_subscription_after_what_came_before() -> None:
    hub = Hub()
    with hub.subscribed(KIND) as wanting:
        await run(hub, sent(1))
        await run(hub, sent(2))
        assert await drained(wanting) == (["1"], "Events were missed while the broker was away.")


async def test_a_reader_that_lags_is_dropped_with_the_reason_and_holds_no_more() -> None:
    subscriber = Subscriber(frozenset({KIND}))
    for number in range(EVENTS_WAITING_MAX + 10):
        subscriber.offer(event(number))
    ids, reason = await drained(subscriber)
    assert ids == [str(number) for number in range(EVENTS_WAITING_MAX)]
    assert reason == "More than 1000 events were waiting for this reader."


async def test_a_reader_that_waits_is_woken() -> None:
    subscriber = Subscriber(frozenset({KIND}))
    reading = asyncio.ensure_future(anext(subscriber.batches()))
    await asyncio.sleep(0)
    subscriber.offer(event(1))
    assert [one.id for one in await reading] == ["1"]


async def test_events_that_wait_come_together_but_not_all_at_once() -> None:
    subscriber = Subscriber(frozenset({KIND}))
    for number in range(EVENTS_AT_ONCE + 5):
        subscriber.offer(event(number))
    batches = subscriber.batches()
    assert [len(await anext(batches)) for _ in range(2)] == [EVENTS_AT_ONCE, 5]


async def test_nothing_more_comes_to_a_subscription_that_has_ended() -> None:
    hub = Hub()
    with hub.subscribed(KIND) as gone:
        pass
    await run(hub, sent(1))
    gone.interrupt("ended")
    assert await drained(gone) == ([], "ended")


async def test_without_a_broker_a_call_is_refused_at_once() -> None:
    async with asyncio.timeout(0.5):
        with pytest.raises(ServiceUnreachable) as caught:
            await Caller().call(event(7))
    assert caught.value.category == "UNAVAILABLE"
    assert caught.value.values == {"command_id": "7"}


def test_nobody_must_hear_what_only_subscriptions_want() -> None:
    assert not is_listened(KIND)
