"""The yardstick of every benchmark: pgbench's TPC-B on the same server in the same run, for absolute figures wander."""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from services.tools.launcher.faults import NotReadyError, ServerMissingError
from services.tools.launcher.finding import find_postgres

CLIENTS = 8
THREADS = 2
SCALE = 10
"""A million accounts: what is measured is the transaction, not the wait for one hot row."""

_DATABASE = "tonne_yardstick"
_TPS = re.compile(r"^tps = ([0-9.]+) \(without", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A database for pgbench beside ours, on the same server."""

    program: Path
    environment: Mapping[str, str]
    """Where the server is and who enters: what stands on a command line everybody can read."""

    async def transactions_per_second(self, seconds: int) -> float:
        """What eight clients reach with prepared statements: each a durable transfer of three rows."""
        arguments = f"--protocol=prepared --client={CLIENTS} --jobs={THREADS}"
        printed = await self.run(*arguments.split(), f"--time={seconds}")
        found = _TPS.search(printed)
        if found is None:
            raise NotReadyError("pgbench printed no tps", f"run {self.program} by hand")
        return float(found[1])

    async def run(self, *arguments: str) -> str:
        """What the program prints; it is ended if nobody waits for it any more."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            env=os.environ | self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            printed, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotReadyError(
                f"pgbench failed: {_last_line(said)}", f"run {self.program} by hand"
            )
        return printed.decode()


async def made_yardstick(admin_url: str) -> Yardstick:
    """The yardstick, its tables filled; made anew if an earlier run left one."""
    program = find_pgbench()
    await drop_yardstick(admin_url)
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await connection.close()
    yardstick = Yardstick(program, _environment(admin_url))
    await yardstick.run("--initialize", "--quiet", f"--scale={SCALE}")
    return yardstick


def _environment(admin_url: str) -> dict[str, str]:
    parts = urlsplit(admin_url)
    return {
        "PGHOST": parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": _DATABASE,
    }


async def drop_yardstick(admin_url: str) -> None:
    """Removes the yardstick's database, if there is one."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    finally:
        await connection.close()


def find_pgbench() -> Path:
    """The program beside the server's own, or on the path; raises ServerMissingError."""
    folder = find_postgres().folder
    beside, on_path = folder / "pgbench", shutil.which("pgbench")
    if os.access(beside, os.X_OK):
        return beside
    if on_path:
        return Path(on_path)
    raise ServerMissingError(
        f"pgbench was not found in {folder}",
        "install it (Debian: postgresql-contrib), or name a folder that has it in TONNE_POSTGRES_BIN",
    )


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
