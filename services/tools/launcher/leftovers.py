"""One launcher a folder at a time, and an end to what a killed one may have left behind."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.tools.launcher.faults import AlreadyRunningError
from services.tools.launcher.places import made_folder
from services.tools.launcher.spawning import birth_of, kill_session

_LOCK = "launcher.pid"
_PATIENCE_SECONDS = 10


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Holds the folder; the lock goes with this process, however that ends. Raises AlreadyRunningError."""
    made_folder(folder)
    with (folder / _LOCK).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(folder) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def require_not_running(folder: Path) -> None:
    """Raises AlreadyRunningError if a launcher holds the folder."""
    if launcher_of(folder):
        raise _already_running(folder)


def _already_running(folder: Path) -> AlreadyRunningError:
    fact = f"Already running in {folder} as process {launcher_of(folder)}"
    return AlreadyRunningError(fact, "deploy/tonne down")


def launcher_of(folder: Path) -> int | None:
    """The process number of the launcher that holds the folder, or None."""
    try:
        with (folder / _LOCK).open(encoding="ascii") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        return int((folder / _LOCK).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def stop_launcher(folder: Path) -> int | None:
    """Asks the launcher that holds the folder to stop and waits until it has; returns its process number."""
    pid = launcher_of(folder)
    if pid:
        os.kill(pid, signal.SIGTERM)
        while launcher_of(folder):
            time.sleep(0.1)
    return pid


def end_leftovers(folder: Path) -> list[str]:
    """Waits for, at last kills, processes of an earlier start in this folder; returns their names."""
    left = {path.name: pid for path in (folder / "pids").glob("*") if (pid := _living(path))}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and any(birth_of(pid) for pid in left.values()):
        # On Linux they are already ending, because their parent died; elsewhere nobody has told them.
        for pid in left.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.5)
    for pid in left.values():
        kill_session(pid)
    for path in (folder / "pids").glob("*"):
        path.unlink()
    return sorted(left)


def _living(pid_file: Path) -> int | None:
    """The process of this file, if it still is the one that the launcher started."""
    pid, _, birth = pid_file.read_text(encoding="ascii").strip().partition(" ")
    return int(pid) if pid and birth_of(int(pid)) == birth else None
