"""The demo while its processes and servers are killed: the figures are the same as without."""

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from services.tools import auditor, demo
from services.tools.stack import Stack, running_stack

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
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_stack(folder, fast=True) as stack:
            killer = Killer(stack)
            report = await demo.load(stack, killer.on_progress)
            await killer.rest()
            broken = await auditor.verify(stack)

    assert killer.killed == list(VICTIMS)
    assert demo.differences(report) == []
    assert not any(broken.values())


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
