"""Listening: the events of one subscription, decoded, until the viewer's token expires."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TypeVar

import msgspec

from services.gateway.context import Context
from services.gateway.errors import Unauthenticated
from services.runtime.messages import CloudEvent, Event, by_wire_name, wire_name

AnyEvent = TypeVar("AnyEvent", bound=Event)


async def listen(context: Context, *kinds: type[AnyEvent]) -> AsyncGenerator[Sequence[AnyEvent]]:
    """Events of these kinds, several at once when they come fast; what a viewer may see is asked of the reads."""
    named = by_wire_name(kinds)
    with context.house.hub.subscribed(*named) as subscriber:
        batches = subscriber.batches()
        while True:
            try:
                async with asyncio.timeout(context.seconds_left):
                    events = await anext(batches)
            except TimeoutError:
                raise Unauthenticated("The bearer token has expired.") from None
            yield [_decoded(named, event) for event in events]


def _decoded(named: Mapping[str, type[AnyEvent]], event: CloudEvent) -> AnyEvent:
    return msgspec.json.decode(event.data, type=named[event.type])


def events_of(kinds: Sequence[type[Event]], *prefixes: str) -> list[type[Event]]:
    """Those of the events whose names begin so."""
    return [kind for kind in kinds if wire_name(kind).startswith(prefixes)]
