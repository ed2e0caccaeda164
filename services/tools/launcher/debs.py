"""RabbitMQ and Erlang without root: Debian's own packages, checked by apt, unpacked into a folder of ours."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.places import made_folder

_RECURSIVE_DEPENDENCIES = (
    "apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks "
    "--no-replaces --no-enhances rabbitmq-server"
).split()
_SIMULATED_INSTALL = "apt-get --simulate --no-install-recommends install rabbitmq-server".split()
_CURE = (
    "install RabbitMQ 3.10 or newer (macOS: brew install rabbitmq),"
    " or set TONNE_AMQP_URL to a broker that runs"
)
# Erlang's start scripts hold the place where Debian installs it.
_FIXED_ROOT, _OUR_ROOT = "ROOTDIR=/usr/lib/erlang", 'ROOTDIR="$TONNE_ERLANG_ROOT"'


def can_unpack() -> bool:
    """Whether this system has Debian's tools."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb"))


def missing_rabbitmq() -> ServerMissingError:
    """What to say where there is neither RabbitMQ nor a way to fetch it."""
    return ServerMissingError("RabbitMQ was not found", _CURE)


def unpack_rabbitmq(target: Path) -> None:
    """Downloads and unpacks RabbitMQ; the target appears whole or not at all."""
    if not can_unpack():
        raise missing_rabbitmq()
    made_folder(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        tree = made_folder(Path(work) / "tree")
        for package in _downloaded(made_folder(Path(work) / "debs")):
            _run(["dpkg-deb", "-x", str(package), str(tree)], tree)
        for script in (tree / "usr/lib/erlang").glob("**/bin/erl"):
            _point_to_our_root(script)
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)


def _point_to_our_root(script: Path) -> None:
    if not script.is_symlink():
        script.write_text(script.read_text().replace(_FIXED_ROOT, _OUR_ROOT))


def _downloaded(folder: Path) -> list[Path]:
    """The packages of RabbitMQ; with package lists of our own where the system's are missing or too old."""
    options: list[str] = []
    if not (names := _wanted(folder, options)) or not _download(folder, options, names):
        options = _own_lists(folder)
        names = _wanted(folder, options)
        if not names or not _download(folder, options, names):
            raise ServerMissingError("Debian's packages of RabbitMQ could not be downloaded", _CURE)
    return sorted(folder.glob("*.deb"))


def _own_lists(folder: Path) -> list[str]:
    """Fetches the package lists without root; returns the options with which apt uses them."""
    made_folder(folder / "lists/partial")
    made_folder(folder / "archives/partial")
    options = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}"]
    _run(["apt-get", "-qq", *options, "update"], folder)
    return options


def _wanted(folder: Path, options: Sequence[str]) -> list[str]:
    """RabbitMQ, all of Erlang even if some is installed, and the libraries that are not installed."""
    command, *arguments = _RECURSIVE_DEPENDENCIES
    depends = _run([command, *options, *arguments], folder)
    command, *arguments = _SIMULATED_INSTALL
    missing = _run([command, *options, *arguments], folder)
    names = re.findall(r"^(rabbitmq-server|erlang-[\w.-]+)$", depends, re.MULTILINE)
    return sorted({*names, *re.findall(r"^Inst (lib\S+)", missing, re.MULTILINE)})


def _download(folder: Path, options: Sequence[str], names: Sequence[str]) -> bool:
    _run(["apt-get", "-qq", *options, "download", *names], folder)
    return len(list(folder.glob("*.deb"))) == len(names)


def _run(command: Sequence[str], folder: Path) -> str:
    """The output of the command, and nothing if it fails: what is missing then shows by itself."""
    english = os.environ | {"LC_ALL": "C", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(
        command, cwd=folder, env=english, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""
