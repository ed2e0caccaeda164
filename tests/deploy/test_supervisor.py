"""The supervisor keeps children running, tells when they are ready, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.tools.launcher.faults import NotReadyError
from services.tools.launcher.leftovers import end_leftovers
from services.tools.launcher.places import CHECKOUT
from services.tools.launcher.ports import free_port
from services.tools.launcher.programs import Program, listening
from services.tools.launcher.supervisor import supervised
from tests.deploy.traces import processes_with, reached

ALONE = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    server.accept()[0].close()
"""
WITH_A_CHILD = (
    """
import subprocess
subprocess.Popen(["sleep", "600"])
"""
    + ALONE
)


def program(folder: Path, script: str = WITH_A_CHILD, name: str = "listener") -> Program:
    """A child that listens on a port and has a child of its own."""
    port = free_port()
    return Program(
        name=name,
        argv=(sys.executable, "-c", script, str(port)),
        environment=os.environ | {"TRACE": str(folder)},
        folder=folder,
        is_ready=listening(port),
        ready_timeout_seconds=20,
    )


class Lines(list[tuple[str, str]]):
    """What the supervisor showed."""

    def add(self, name: str, text: str) -> None:
        self.append((name, text))

    def hold(self, part: str) -> bool:
        """Whether a line holds this."""
        return any(part in text for _, text in self)


async def test_killed_child_is_started_again(tmp_path: Path) -> None:
    """After kill -9 there is another process, ready, and the log says what happened."""
    lines = Lines()
    async with supervised(tmp_path, lines.add) as supervisor:
        await supervisor.start([program(tmp_path)])
        child = supervisor.children["listener"]
        first = child.pid
        await child.kill()
        await child.wait_until_ready()
        assert child.pid not in (None, first)
    assert lines.hold("ended with SIGKILL; starting it again in 0.2 s")
    assert lines.hold("listening")
    assert "listening" in (tmp_path / "logs" / "listener.log").read_text()


async def test_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    """What a child started itself ends with it."""
    async with supervised(tmp_path, Lines().add) as supervisor:
        await supervisor.start([program(tmp_path)])
        assert len(processes_with(str(tmp_path))) == 2
    assert processes_with(str(tmp_path)) == []
    assert list((tmp_path / "pids").iterdir()) == []


async def test_stopped_child_stays_down_until_started(tmp_path: Path) -> None:
    """Stopping is not dying: nothing is restarted."""
    async with supervised(tmp_path, Lines().add) as supervisor:
        await supervisor.start([program(tmp_path)])
        child = supervisor.children["listener"]
        await child.stop()
        await asyncio.sleep(0.5)
        assert child.pid is None
        await child.start()
        assert child.pid is not None


async def test_child_that_keeps_dying_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """Three deaths before it was ready are enough."""
    with pytest.raises(NotReadyError, match="no such table") as refused:
        async with supervised(tmp_path, Lines().add) as supervisor:
            await supervisor.start([program(tmp_path, "raise SystemExit('no such table')")])
    assert "read " in refused.value.cure


async def test_fault_of_one_child_stops_the_others(tmp_path: Path) -> None:
    """A start that fails half-way leaves nothing running."""
    good, bad = program(tmp_path), program(tmp_path, "raise SystemExit(3)", "broken")
    with pytest.raises(NotReadyError):
        async with supervised(tmp_path, Lines().add) as supervisor:
            await supervisor.start([good, bad])
    assert processes_with(str(tmp_path)) == []


ORPHANS = """
import asyncio, sys
from pathlib import Path
from services.tools.launcher.supervisor import supervised
from tests.deploy.test_supervisor import ALONE, Lines, program

async def main():
    async with supervised(Path(sys.argv[1]), Lines().add) as supervisor:
        await supervisor.start([program(Path(sys.argv[1]), ALONE)])
        print("started", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_children_die_with_a_killed_launcher(tmp_path: Path) -> None:
    """Also after kill -9 of the launcher nothing is left when the next start begins."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    assert launcher.stdout
    assert launcher.stdout.readline() == b"started\n"
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    assert reached(lambda: not processes_with(str(tmp_path)), 10)
    end_leftovers(tmp_path)
    assert list((tmp_path / "pids").iterdir()) == []
