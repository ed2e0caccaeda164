"""The faults: each is done to a running market and says so only if it really happened."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from services.runtime import failpoints
from services.runtime.connection import pause
from services.tools.chaos.field import Field, administered
from services.tools.chaos.schedule import Kind
from services.tools.launcher.ports import free_port
from services.tools.launcher.programs import reporting_ready
from services.tools.launcher.supervisor import Child
from services.tools.stack import SERVICES, silent

FROZEN_SECONDS = 10.0
CUT_SECONDS = 1.5
RESENT = 200
_FIRING_SECONDS = 40
_NUDGE_SECONDS = 1.0
_POLL_SECONDS = 0.05
_BACKENDS = 3

FAILPOINTS: Mapping[Kind, str] = {
    Kind.KILL_IN_PUBLISH: failpoints.IN_PUBLISH,
    Kind.KILL_AFTER_PUBLISH: failpoints.AFTER_PUBLISH,
    Kind.KILL_AFTER_COMMIT: failpoints.AFTER_COMMIT,
    Kind.KILL_IN_APPROVAL: failpoints.IN_APPROVAL,
}
"""Which failpoint a kind goes through; all of them in settlement."""

Fault = Callable[[Field], Awaitable[None]]


class NotFiredError(Exception):
    """A fault was ordered and did not happen: the round proves nothing."""


def killing(name: str) -> Fault:
    """SIGKILL to a process, without warning."""

    async def fault(field: Field) -> None:
        if field.stack.pid(name) is None:
            raise NotFiredError(f"{name} was down already")
        await field.stack.kill(name)

    return fault


def failing_at(name: str) -> Fault:
    """Settlement ends itself at a failpoint; small work is given to it until it has come by."""

    async def fault(field: Field) -> None:
        pid = field.stack.pid("settlement")
        if pid is None:
            raise NotFiredError("settlement was down already")
        armed = field.failpoints / name
        armed.with_suffix(".new").write_text(str(pid), encoding="ascii")
        armed.with_suffix(".new").rename(armed)
        is_over = asyncio.Event()
        field.beside.append(asyncio.create_task(_nudge(field, is_over)))
        try:
            await _until_fired(armed)
        finally:
            is_over.set()

    return fault


async def _nudge(field: Field, is_over: asyncio.Event) -> None:
    """Gives a little work at a time; what was asked for is waited for, however long that takes."""
    await pause(_NUDGE_SECONDS, is_over)
    while not is_over.is_set():
        await field.traffic.nudge()
        await pause(_NUDGE_SECONDS, is_over)


async def _until_fired(armed: Path) -> None:
    fired = armed.with_name(armed.name + failpoints.FIRED)
    try:
        async with asyncio.timeout(_FIRING_SECONDS):
            while not fired.exists():  # noqa: ASYNC110 - another process makes the file
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        armed.unlink(missing_ok=True)
        raise NotFiredError(f"nothing came by {armed.name}") from None
    fired.unlink()


async def end_backends(field: Field) -> None:
    """Some of the database's own processes are told to end, in the middle of what they do."""
    ended = await administered(
        field,
        "SELECT pg_terminate_backend(pid) AS is_ended FROM pg_stat_activity"
        " WHERE usename = ANY ($1) ORDER BY state = 'idle', md5(pid::text || $2) LIMIT $3",
        [f"tonne_{service}" for service in SERVICES],
        str(field.random.random()),
        _BACKENDS,
    )
    if not any(row["is_ended"] for row in ended):
        raise NotFiredError("no backend was there to end")


async def freeze(field: Field) -> None:
    """SIGSTOP to a process for ten seconds: the others cannot tell it from a dead one."""
    name = field.random.choice(SERVICES)
    pid = field.stack.pid(name)
    if pid is None:
        raise NotFiredError(f"{name} was down already")
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(FROZEN_SECONDS)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    finally:
        os.kill(pid, signal.SIGCONT)
    if state != "T":
        raise NotFiredError(f"{name} was not stopped, but {state}")


async def cut(field: Field) -> None:
    """All connections to both servers break, and for a moment none can be made."""
    broken = await asyncio.gather(*(proxy.cut(CUT_SECONDS) for proxy in field.proxies))
    if not all(broken):
        raise NotFiredError(f"connections broken at the proxies: {broken}")


async def resend(field: Field) -> None:
    """Old messages and commands again, in any order."""
    if not await field.traffic.resend(RESENT):
        raise NotFiredError("there was nothing to send again")


async def poison(field: Field) -> None:
    """What nobody can handle, to every queue."""
    if not await field.traffic.poison():
        raise NotFiredError("nothing was sent")


async def second_settlement(field: Field) -> None:
    """A second settlement process beside the first; then one of the two is killed, and the other goes on."""
    program, port = field.stack.children["settlement"].program, free_port()
    beside = replace(
        program,
        name="settlement-beside",
        environment={**program.environment, "TONNE_ADMIN_PORT": str(port)},
        is_ready=reporting_ready(port),
    )
    child = Child(beside, field.stack.folder, silent)
    try:
        await child.start()
        await asyncio.sleep(1)
        if field.random.random() < 0.5:
            await field.stack.kill("settlement")
        else:
            await child.kill()
        await asyncio.sleep(1)
    finally:
        await child.stop()


FAULTS: Mapping[Kind, Fault] = {
    Kind.KILL_SETTLEMENT: killing("settlement"),
    Kind.KILL_ISSUANCE: killing("issuance"),
    Kind.KILL_REGISTRY: killing("registry"),
    Kind.KILL_GATEWAY: killing("gateway"),
    **{kind: failing_at(name) for kind, name in FAILPOINTS.items()},
    Kind.END_BACKEND: end_backends,
    Kind.KILL_POSTGRES: killing("postgres"),
    Kind.KILL_RABBITMQ: killing("rabbitmq"),
    Kind.FREEZE: freeze,
    Kind.CUT_CONNECTIONS: cut,
    Kind.RESEND: resend,
    Kind.POISON: poison,
    Kind.SECOND_SETTLEMENT: second_settlement,
}
