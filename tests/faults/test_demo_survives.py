"""The demo while its processes are killed: the figures are the same as without."""

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from services.tools import auditor, demo
from services.tools.stack import Stack, running_stack

KILLS_AT = (900, 2500, 4000)  # trades published


async def test_killing_settlement_in_the_middle_of_the_replay_changes_no_figure() -> None:
    """Settlement is killed three times while the tape is published, and once when all of it is."""
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_stack(folder, fast=True) as stack:
            killer = Killer(stack)
            report = await demo.load(stack, killer.on_progress)
            await killer.rest()
            broken = await auditor.verify(stack)

    assert killer.killed == [*KILLS_AT, "last"]
    assert demo.differences(report) == []
    assert not any(broken.values())


class Killer:
    """Watches the demo's progress and kills settlement at chosen points of it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kills: list[asyncio.Task[None]] = []
        self.killed: list[int | str] = []

    def on_progress(self, label: str, done: int, total: int) -> None:
        if label != "trades published":
            return
        due = [point for point in KILLS_AT if point <= done and point not in self.killed]
        if due:
            self._kill(due[0])
        elif done == total and "last" not in self.killed:
            self._kill("last")

    def _kill(self, point: int | str) -> None:
        self.killed.append(point)
        self._kills.append(asyncio.create_task(self._stack.kill("settlement")))

    async def rest(self) -> None:
        """Waits until every kill was carried out and settlement is back."""
        for kill in self._kills:
            with suppress(ProcessLookupError):  # it was down already, from the kill before
                await kill
        await self._stack.wait_until_ready("settlement")
