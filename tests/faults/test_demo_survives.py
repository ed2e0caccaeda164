"""The demo while its processes and servers are killed: the figures are the same as without."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.tools import auditor, demo
from services.tools.client import opened_desk
from services.tools.records import load_records
from services.tools.stack import Stack, running_stack
from services.tools.use_acts import EVENT_CERTIFICATE

VICTIMS = {
    900: "settlement",
    1800: "rabbitmq",
    2700: "settlement",
    3600: "postgres",
    4500: "settlement",
    demo.expected()["trades_published"]: "settlement",
}
"""Who is killed when so many trades were published; the last number is all of them."""


async def test_killing_processes_and_servers_in_the_middle_of_the_replay_changes_no_figure() -> (
    None
):
    """Nor does playing everything once more."""
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_stack(folder, fast=True) as stack:
            killer = Killer(stack)
            report = await demo.load(stack, killer.on_progress)
            await killer.rest()
            again = await demo.load(stack, killer.on_progress)
            broken = await auditor.verify(stack)
            made_neutral = await certified(stack, EVENT_CERTIFICATE)

    assert killer.killed == list(VICTIMS)
    assert demo.differences(report) == demo.differences(again) == []
    assert not any(broken.values())
    assert made_neutral["purpose"] == "EVENT_NEUTRALITY"
    assert made_neutral["tonnes"] == load_records().story.event.tonnes


async def certified(stack: Stack, number: str) -> Mapping[str, Any]:
    """What anybody reads under this certificate number."""
    async with opened_desk(stack.graphql_url) as desk:
        return json.loads(await desk.download(f"/certificates/{number}.json"))


class Killer:
    """Watches the demo's progress and kills at chosen points of it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kills: list[asyncio.Task[None]] = []
        self.killed: list[int] = []

    def on_progress(self, label: str, done: int, _total: int) -> None:
        if label != "trades published":
            return
        for point, victim in VICTIMS.items():
            if point <= done and point not in self.killed:
                self.killed.append(point)
                self._kills.append(asyncio.create_task(self._kill(victim)))

    async def _kill(self, victim: str) -> None:
        with suppress(ProcessLookupError):  # it is down already, from the kill before
            await self._stack.kill(victim)

    async def rest(self) -> None:
        """Waits until every kill was carried out and everyone is back."""
        await asyncio.gather(*self._kills)
        for victim in {*VICTIMS.values()}:
            await self._stack.wait_until_ready(victim)
