"""Failpoints: named places at which a test ends the process without warning; without the setting there are none."""

import asyncio
import os
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

SETTING = "TONNE_FAILPOINTS"
"""A folder, named when the process starts: a file with a failpoint's name holds the process number that it ends."""

AFTER_COMMIT = "consumer.after_commit"
IN_PUBLISH = "relay.in_publish"
AFTER_PUBLISH = "relay.after_publish"
IN_APPROVAL = "approval.inside"
FIRED = ".fired"
"""What the file's name ends with once it has happened."""
_MIDST_SECONDS = 0.001
"""Long enough for messages to be on the wire, too short for the broker to have confirmed them all."""

Result = TypeVar("Result")

_folder = Path(os.environ[SETTING]) if os.environ.get(SETTING) else None


def reach(name: str) -> None:
    """Ends this process here if the failpoint is armed for it; the file is renamed, so it happens once."""
    if _folder is not None and _is_armed(_folder / name):
        (_folder / name).rename(_folder / f"{name}{FIRED}")
        os.kill(os.getpid(), signal.SIGKILL)


async def amid(name: str, work: Awaitable[Result]) -> Result:
    """The result of the work; if the failpoint is armed, the process ends while the work is under way."""
    if _folder is None or not _is_armed(_folder / name):
        return await work
    working = asyncio.ensure_future(work)
    await asyncio.wait([working], timeout=_MIDST_SECONDS)
    if not working.done():
        reach(name)
    return await working


def _is_armed(file: Path) -> bool:
    try:
        return file.read_text(encoding="ascii") == str(os.getpid())
    except FileNotFoundError:
        return False
