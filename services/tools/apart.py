"""Runs that stand apart: a folder of their own below the state folder, gone at the end, and one way to stop them."""

import asyncio
import signal
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from services.tools.launcher.leftovers import launcher_of
from services.tools.launcher.places import STATE, made_folder, remove_data

INTERRUPTED = 130
_FRESH_SECONDS = 60


@contextmanager
def folder_apart(prefix: str) -> Iterator[Path]:
    """An empty folder; a fault leaves it behind with its logs, until the next run of this prefix."""
    for earlier in STATE.glob(f"{prefix}-*"):
        is_fresh = time.time() - earlier.stat().st_mtime < _FRESH_SECONDS
        if not launcher_of(earlier) and not is_fresh:
            remove_data(earlier)
    folder = made_folder(Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=made_folder(STATE))))
    yield folder
    remove_data(folder)


def run_stoppable(work: Coroutine[Any, Any, int], interrupted: int = INTERRUPTED) -> int:
    """The result of the work; the first Ctrl-C, hang-up or SIGTERM ends it in good order, later ones change nothing."""

    async def stoppable() -> int:
        task = asyncio.ensure_future(work)
        is_asked = False

        def ask_once() -> None:
            nonlocal is_asked
            if not is_asked:
                is_asked = True
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ask_once)
        try:
            return await task
        except asyncio.CancelledError:
            return interrupted

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(stoppable())
