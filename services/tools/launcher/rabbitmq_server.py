"""A private RabbitMQ node with its own port mapper: nothing of it listens beyond the loopback interface."""

import json
import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.finding import RabbitBinaries, fetched_rabbitmq
from services.tools.launcher.places import (
    Account,
    account_for,
    made_folder,
    reachable_place,
    write_private,
)
from services.tools.launcher.programs import Program, accepts_user, listening

# The node's name is also the name of its data folder, so it stays when ports change. A bare system cannot look up
# even localhost; an address needs what Erlang calls a long name.
_NODE = "tonne@127.0.0.1"
_ERLANG_OPTIONS = (
    "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false "
    "+sbwt none +sbwtdcpu none +sbwtdio none"
)
_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
max_message_size = 4194304
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 1GB
load_definitions = {definitions}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitServer:
    """A node in a folder of its own, on ports of its own."""

    binaries: RabbitBinaries
    folder: Path
    port: int
    mapper_port: int
    distribution_port: int
    account: Account | None
    is_fast: bool


def prepared_server(
    folder: Path, cache: Path, *, ports: Mapping[str, int], is_fast: bool
) -> RabbitServer:
    """A node whose binaries and folders exist; the first time on a machine that downloads packages."""
    account = account_for("rabbitmq")
    binaries = fetched_rabbitmq(reachable_place(cache, account))
    place = made_folder(reachable_place(folder, account) / "rabbitmq", 0o755, account)
    for name in ("home", "data", "log"):
        made_folder(place / name, 0o700, account)
    cookie = place / "home" / ".erlang.cookie"
    if not cookie.exists():
        write_private(cookie, secrets.token_hex(20), account).chmod(0o400)
    return RabbitServer(
        binaries=binaries,
        folder=place,
        port=ports["amqp"],
        mapper_port=ports["mapper"],
        distribution_port=ports["distribution"],
        account=account,
        is_fast=is_fast,
    )


def write_configuration(server: RabbitServer, definitions: Mapping[str, object]) -> None:
    """Writes what the node reads when it boots: its settings, and the topology with its users."""
    text = json.dumps(definitions, ensure_ascii=False, indent=1)
    path = write_private(server.folder / "definitions.json", text, server.account)
    configuration = _CONFIGURATION.format(port=server.port, definitions=path)
    write_private(server.folder / "rabbitmq.conf", configuration, server.account)
    write_private(server.folder / "advanced.config", "[].\n", server.account)
    write_private(server.folder / "enabled_plugins", "[].\n", server.account)


def mapper_program(server: RabbitServer) -> Program:
    """Erlang's port mapper in the foreground, as a child of ours: one that the node starts outlives it."""
    environment = _environment(server)
    mapper = shutil.which("epmd", path=environment["PATH"])
    if not mapper:
        raise ServerMissingError("Erlang's epmd was not found", "install Erlang with RabbitMQ")
    return Program(
        name="epmd",
        argv=(mapper, "-address", "127.0.0.1", "-port", str(server.mapper_port)),
        environment=environment,
        folder=server.folder,
        is_ready=listening(server.mapper_port),
        account=server.account,
    )


def broker_program(server: RabbitServer, known_url: str) -> Program:
    """The node as a program, ready when the user of this URL may enter; signals reach it directly."""
    return Program(
        name="rabbitmq",
        argv=(str(server.binaries.scripts / "rabbitmq-server"),),
        environment=_environment(server),
        folder=server.folder,
        is_ready=lambda: accepts_user(known_url),
        account=server.account,
        stop_signal=signal.SIGKILL if server.is_fast else signal.SIGTERM,
    )


def _environment(server: RabbitServer) -> dict[str, str]:
    place = server.folder
    return _surroundings(server.binaries) | {
        "HOME": str(place / "home"),
        "LC_ALL": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(server.mapper_port),
        "RABBITMQ_NODENAME": _NODE,
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(place / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(place / "data"),
        "RABBITMQ_LOG_BASE": str(place / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_DIST_PORT": str(server.distribution_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_OPTIONS,
        # So the script replaces itself by the Erlang machine instead of waiting for it.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def _surroundings(binaries: RabbitBinaries) -> dict[str, str]:
    """Where the node finds Erlang and its libraries."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if binaries.tree is None:
        return {"PATH": path}
    erlang = binaries.tree / "usr/lib/erlang"
    machines = [str(each.parent) for each in erlang.glob("erts-*/bin/epmd")]
    folders = (binaries.tree / "lib", binaries.tree / "usr/lib")
    libraries = [str(each) for folder in folders for each in folder.glob("*-linux-*")]
    return {
        "PATH": ":".join([str(erlang / "bin"), *machines, path]),
        "TONNE_ERLANG_ROOT": str(erlang),
        "LD_LIBRARY_PATH": ":".join(libraries),
    }
