"""What every act of the demo has at hand: the records, the cast, a desk, senders, and the progress bar."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import msgspec

from services.runtime.messages import Command, encode
from services.tools.cast import Cast, demo_id
from services.tools.client import Answered, Desk, Sender
from services.tools.records import Records
from services.tools.tape import Trade

ACCEPTED, PENDING, REFUSED = "ACCEPTED", "PENDING", "REFUSED"
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.2

OnProgress = Callable[[str, int, int], None]


def fields_of(command: Command) -> dict[str, Any]:
    """The fields of a message as its mutation's input has them."""
    told = msgspec.json.decode(encode(command), type=dict[str, Any])
    del told["type"]
    return _spelled(told)


def _spelled(value: Any) -> Any:
    """Structs inside a message have plain field names, however deep they lie."""
    if isinstance(value, dict):
        return {_camel(name): _spelled(one) for name, one in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_spelled(one) for one in cast(list[Any], value)]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def document(text: str) -> dict[str, object]:
    """A plain text as a document of this name, which is sent along."""
    content = text.encode()
    return {
        "name": text,
        "sha256": hashlib.sha256(content).hexdigest(),
        "sizeBytes": len(content),
        "mediaType": "text/plain",
        "content": base64.b64encode(content).decode(),
    }


class NotReachedError(TimeoutError):
    """The market did not get to where the demo waits for it."""


@dataclass
class Play:
    """One performance; every step has an id of its own, so that a broken-off demo can be taken up again."""

    records: Records
    tape: Sequence[Trade]
    cast: Cast
    desk: Desk
    senders: Mapping[str, Sender]
    """By user of the broker: the venues and the bank."""
    on_progress: OnProgress
    sent: list[str] = field(default_factory=list[str])
    """The trade id of every message that was published to the exchange's venue, twice where it was sent twice."""
    certificates: set[str] = field(default_factory=set[str])
    """The number of every certificate that was downloaded and says what was asked for."""

    async def command(
        self,
        name: str,
        token: str,
        step: Sequence[object],
        effective_at: datetime,
        /,
        selecting: str = "",
        expecting: str = ACCEPTED,
        **fields: object,
    ) -> Answered:
        """Sends a mutation under the id of this step, and requires its outcome."""
        answered = await self.desk.command(
            name, token, demo_id(*step), effective_at, selecting, **fields
        )
        return answered.require(expecting)

    async def by_two(
        self,
        name: str,
        token: str,
        second: str,
        step: Sequence[object],
        effective_at: datetime,
        /,
        **fields: object,
    ) -> None:
        """Sends a mutation that needs a second person, and that person's approval."""
        answered = await self.desk.command(name, token, demo_id(*step), effective_at, "", **fields)
        asked = answered.require(PENDING)
        await self.command(
            "approve", second, (*step, "approved"), effective_at, approvalId=asked.approval_id
        )

    async def all(self, label: str, steps: Sequence[Awaitable[object]]) -> None:
        """Takes the steps side by side and shows how far they are."""
        done = 0

        async def counted(step: Awaitable[object]) -> None:
            nonlocal done
            await step
            done += 1
            self.on_progress(label, done, len(steps))

        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(counted(step))

    async def until(self, what: str, is_reached: Callable[[], Awaitable[bool]]) -> None:
        """Waits until the market shows it; raises NotReachedError after two minutes without."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await is_reached():  # noqa: ASYNC110 - the market is another process
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise NotReachedError(f"waited {PATIENCE_SECONDS:.0f} s for {what}") from None
