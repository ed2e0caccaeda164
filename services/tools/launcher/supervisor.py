"""The supervisor: ordered start, readiness, readable logs, restart with back-off, and a stop that leaves nothing."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from services.tools.launcher.faults import NotReadyError
from services.tools.launcher.places import made_folder
from services.tools.launcher.programs import Program
from services.tools.launcher.spawning import birth_of, kill_session, spawn

OnLine = Callable[[str, str], None]
Result = TypeVar("Result")

_BACK_OFF_SECONDS = (0.2, 0.5, 1, 2, 5, 10)
_STEADY_SECONDS = 5
_DEATHS_BEFORE_READY_MAX = 3
_POLL_SECONDS = 0.05
_LOG_BYTES_MAX = 20 * 1024 * 1024
_LINE_BYTES_MAX = 64 * 1024


class Child:
    """One supervised process: it is started again when it dies, until it is told to stop."""

    def __init__(self, program: Program, folder: Path, on_line: OnLine) -> None:
        self.program = program
        self.deaths = 0
        self.last_lines: deque[str] = deque(maxlen=5)
        self._on_line = on_line
        self._log = _kept_short(made_folder(folder / "logs") / f"{program.name}.log")
        self._pid_file = made_folder(folder / "pids") / program.name
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process number, or None while it is down."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Starts the process unless it is running; returns when it is ready."""
        if self._keeper is None:
            self.deaths = 0
            self._keeper = asyncio.create_task(self._keep_running(), name=self.program.name)
        await self.wait_until_ready()

    async def wait_until_ready(self) -> None:
        """Returns when the process says that it is ready; raises NotReadyError if that takes too long."""
        deaths, deadline = self.deaths, time.monotonic() + self.program.ready_timeout_seconds
        while not (self._process and await self.program.is_ready()):
            if self._keeper and self._keeper.done():
                self._keeper.result()
            if self.deaths - deaths >= _DEATHS_BEFORE_READY_MAX or time.monotonic() > deadline:
                raise NotReadyError(
                    f"{self.program.name} did not become ready: {' | '.join(self.last_lines)}",
                    f"read {self._log}",
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def kill(self) -> None:
        """Kills the process without warning; the supervisor starts it again. Returns when it is dead."""
        if process := self._process:
            process.kill()
            await process.wait()

    async def stop(self) -> None:
        """Ends the process, kindly at first, and everything that it started."""
        if self._keeper is None:
            return
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        self._keeper = None

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            code = await self._run_once()
            self.deaths += 1
            failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures
            pause_seconds = _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
            failures += 1
            self._say(f"ended with {_ending(code)}; starting it again in {pause_seconds} s")
            await asyncio.sleep(pause_seconds)

    async def _run_once(self) -> int:
        process, output, transport = await spawn(self.program)
        self._process = process
        self._pid_file.write_text(f"{process.pid} {birth_of(process.pid)}\n", encoding="ascii")
        copying = asyncio.create_task(self._copy_lines(output))
        try:
            return await process.wait()
        finally:
            await self._end(process)
            self._process = None
            self._pid_file.unlink(missing_ok=True)
            await asyncio.wait([copying], timeout=1)  # wait_for may swallow a cancellation here
            copying.cancel()
            transport.close()

    async def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError, TimeoutError):
            process.send_signal(self.program.stop_signal)
            async with asyncio.timeout(self.program.stop_timeout_seconds):
                await process.wait()
        kill_session(process.pid)
        await process.wait()

    async def _copy_lines(self, output: asyncio.StreamReader) -> None:
        async for line in _lines(output):
            self._say(line)

    def _say(self, line: str) -> None:
        self.last_lines.append(line)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self._on_line(self.program.name, line)


def _kept_short(log: Path) -> Path:
    """The log file; what grew large over earlier starts is put aside, and lost the next time."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_suffix(".old"))
    return log


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


async def _lines(output: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines that hold something; one that never ends is cut, so that it cannot fill the memory."""
    rest = b""
    while chunk := await output.read(_LINE_BYTES_MAX):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LINE_BYTES_MAX:
            whole, rest = [*whole, rest], b""
        for line in whole:
            if text := line.decode(errors="replace").rstrip():
                yield text
    if text := rest.decode(errors="replace").rstrip():
        yield text


async def together(*works: Coroutine[Any, Any, Result]) -> list[Result]:
    """The results of works side by side; the first fault ends the others before it is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Supervisor:
    """The children of one stack in the order in which they were started."""

    def __init__(self, folder: Path, on_line: OnLine) -> None:
        self.children: dict[str, Child] = {}
        self._folder = folder
        self._on_line = on_line

    async def start(self, programs: Sequence[Program]) -> None:
        """Starts these programs side by side; returns when all are ready."""
        started = [Child(each, self._folder, self._on_line) for each in programs]
        self.children |= {child.program.name: child for child in started}
        await together(*(child.start() for child in started))

    async def stop(self) -> None:
        """Stops the children in reverse order."""
        for child in reversed(self.children.values()):
            await child.stop()


@asynccontextmanager
async def supervised(folder: Path, on_line: OnLine) -> AsyncIterator[Supervisor]:
    """A supervisor that stops its children at the end, whatever the end is."""
    supervisor = Supervisor(folder, on_line)
    try:
        yield supervisor
    finally:
        await supervisor.stop()
