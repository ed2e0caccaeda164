"""What a start leaves behind: processes by a text that stands in their command line or environment."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes_with(text: str) -> list[str]:
    """Living processes, other than this one, with the text in their command, environment or folder."""
    return [
        command
        for folder in Path("/proc").glob("[0-9]*")
        if int(folder.name) != os.getpid() and (command := _trace(folder, text.encode()))
    ]


def _trace(folder: Path, text: bytes) -> str | None:
    try:
        command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        place = os.fsencode((folder / "cwd").readlink())
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
    if state == "Z" or text not in command + environment + place:
        return None
    return command.replace(b"\0", b" ").decode()


def reached(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Whether the condition holds before the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
