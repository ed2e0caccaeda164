"""A private PostgreSQL: its data folder, its program, its database."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.tools.launcher.faults import NotReadyError
from services.tools.launcher.finding import PostgresBinaries, find_postgres
from services.tools.launcher.places import (
    Account,
    account_for,
    is_reachable,
    made_folder,
    reachable_place,
    write_private,
)
from services.tools.launcher.programs import Program

DATABASE = "tonne"
SUPERUSER = "postgres"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may be too long, and who may enter differs
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",  # after each checkpoint every page is logged whole once more
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For data that nobody will miss. A process that is killed still loses nothing: only a power cut does.
_FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A cluster in a folder of its own, on a port of its own."""

    binaries: PostgresBinaries
    folder: Path
    port: int
    password: str
    account: Account | None
    is_fast: bool

    def url(self, database: str = DATABASE) -> str:
        """The address for the superuser."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"


def prepared_server(
    folder: Path, cache: Path, *, port: int, password: str, is_fast: bool
) -> PostgresServer:
    """A server whose data folder exists; takes half a second the first time."""
    account = account_for("postgres")
    place = made_folder(reachable_place(folder, account) / "postgres", 0o755, account)
    written = place / "data" / "PG_VERSION"
    binaries = find_postgres(int(written.read_text(encoding="ascii")) if written.exists() else None)
    server = PostgresServer(
        binaries=_reachable(binaries, cache, account),
        folder=place,
        port=port,
        password=password,
        account=account,
        is_fast=is_fast,
    )
    if not written.exists():
        _initialize(server)
    return server


def _reachable(
    binaries: PostgresBinaries, cache: Path, account: Account | None
) -> PostgresBinaries:
    """The binaries where the account can run them: a copy, if they lie below a closed folder."""
    if is_reachable(binaries.folder / "postgres", account):
        return binaries
    copy = reachable_place(cache, account) / f"postgresql-{binaries.major}"
    if not copy.exists():
        half = copy.with_suffix(".new")
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(binaries.folder.parent, half, symlinks=True)
        half.rename(copy)
    return PostgresBinaries(copy / "bin", binaries.major, binaries.origin)


def _initialize(server: PostgresServer) -> None:
    half = server.folder / "data.new"
    shutil.rmtree(half, ignore_errors=True)
    password_file = write_private(server.folder / "password", server.password, server.account)
    # With plain C, trigram search is blind to Chinese; the builtin provider is the same on every system.
    provider = ["--locale-provider=builtin"] if server.binaries.major >= 17 else []
    done = subprocess.run(
        [
            *(server.binaries.folder / "initdb", "--pgdata", half, "--username", SUPERUSER),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums"),
            *(*provider, f"--pwfile={password_file}", "--no-instructions", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
        user=server.account.user_id if server.account else None,
        group=server.account.group_id if server.account else None,
        extra_groups=[] if server.account else None,
    )
    password_file.unlink()
    if done.returncode:
        raise NotReadyError(
            f"PostgreSQL could not make its data folder: {done.stderr.strip()}",
            "deploy/tonne reset, then start again",
        )
    half.rename(server.folder / "data")


def postgres_program(server: PostgresServer) -> Program:
    """The server as a program; it ends at once but cleanly when the launcher dies."""
    settings = _SETTINGS | {"port": str(server.port)} | (_FAST_SETTINGS if server.is_fast else {})
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        argv=(
            str(server.binaries.folder / "postgres"),
            "-D",
            str(server.folder / "data"),
            *options,
        ),
        environment={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        folder=server.folder,
        is_ready=lambda: _makes_database(server),
        account=server.account,
        stop_signal=signal.SIGQUIT if server.is_fast else signal.SIGINT,
        death_signal=signal.SIGINT,
    )


async def _makes_database(server: PostgresServer) -> bool:
    """Ready once the database exists, made here the first time."""
    try:
        connection = await asyncpg.connect(server.url(database="postgres"), timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    try:
        known = await connection.fetch("SELECT FROM pg_database WHERE datname = $1", DATABASE)
        if not known:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return True
