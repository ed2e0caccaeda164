"""Starting one process so that it can neither outlive the launcher nor keep rights it does not need."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

from services.tools.launcher.programs import Program

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _before_exec(program: Program, launcher: int) -> Callable[[], None]:
    """What the new process does first. Changing the account clears the death signal, so that comes last."""

    def prepare() -> None:
        os.umask(0o022)
        if program.account:
            os.setgroups([])
            os.setgid(program.account.group_id)
            os.setuid(program.account.user_id)
        if _LIBC:
            _LIBC.prctl(_PR_SET_PDEATHSIG, program.death_signal)
            if os.getppid() != launcher:
                os.kill(os.getpid(), signal.SIGKILL)

    return prepare


async def spawn(program: Program) -> tuple[Process, asyncio.StreamReader, asyncio.ReadTransport]:
    """Starts the program in a session of its own (Ctrl-C reaches only the launcher), with one stream of output."""
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            env=dict(program.environment),
            cwd=program.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            preexec_fn=_before_exec(program, os.getpid()),
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, *await _opened_reader(reading)


async def _opened_reader(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    """Our own pipe: asyncio's would let ``wait`` hang for as long as a grandchild holds it open."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


def kill_session(leader: int) -> None:
    """Kills what is left of the session that this process led."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def birth_of(pid: int) -> str | None:
    """When the process began; None if there is none. A number is given to others later, a birth is not."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or None
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
