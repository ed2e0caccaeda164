"""``tonne doctor``: what a start would find and use, and the cure for what is missing."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from services.tools.launcher import debs
from services.tools.launcher.faults import (
    EXIT_CODES,
    LaunchError,
)
from services.tools.launcher.finding import find_postgres, find_rabbitmq
from services.tools.launcher.given import without_password
from services.tools.launcher.leftovers import launcher_of
from services.tools.launcher.places import (
    STACK,
    account_for,
    cache_folder,
    reachable_place,
    require_room,
)
from services.tools.launcher.ports import GATEWAY_PORT, gateway_port


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a start needs: what was found, or the fault that a start would end with."""

    name: str
    found: str
    exit_code: int = 0


def report(as_json: bool) -> int:
    """Prints every finding; the exit code is that of the first fault, 0 if there is none."""
    findings = [_finding(name, look) for name, look in _LOOKS.items()]
    if as_json:
        print(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        for each in findings:
            print(f"{'MISSING' if each.exit_code else 'ok':8} {each.name:12} {each.found}")
        print("\nExit codes: " + "; ".join(f"{code} {text}" for code, text in EXIT_CODES.items()))
    return next((each.exit_code for each in findings if each.exit_code), 0)


def _finding(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, look())
    except LaunchError as fault:
        return Finding(name, str(fault), fault.exit_code)


def _python() -> str:
    return f"{sys.version.split()[0]} in {sys.prefix}"


def _postgres() -> str:
    given = os.environ.get("TONNE_DATABASE_URL")
    if given:
        return f"TONNE_DATABASE_URL, {without_password(given)}"
    found = find_postgres()
    return f"{found.major} in {found.folder} ({found.origin}){_runs_as('postgres')}"


def _rabbitmq() -> str:
    given = os.environ.get("TONNE_AMQP_URL")
    if given:
        return f"TONNE_AMQP_URL, {without_password(given)}"
    found = find_rabbitmq(reachable_place(cache_folder(), account_for("rabbitmq")))
    if found:
        return f"{found.version} in {found.scripts} ({found.origin}){_runs_as('rabbitmq')}"
    if debs.can_unpack():
        return "not yet: Debian's packages will be downloaded and unpacked, 35 MB, without root"
    raise debs.missing_rabbitmq()


def _runs_as(server: str) -> str:
    account = account_for(server)
    return f", runs as {account.name}" if account else ""


def _port() -> str:
    port = gateway_port(None)
    return f"{port}" if port == GATEWAY_PORT else f"{port}, because {GATEWAY_PORT} is in use"


def _disk() -> str:
    place = next(each for each in (STACK, *STACK.parents) if each.exists())
    require_room(place)
    return f"{shutil.disk_usage(place).free >> 20:,} MB free for {STACK}"


def _running() -> str:
    pid = launcher_of(STACK)
    return f"yes, process {pid}" if pid else "no"


_LOOKS = {
    "Python": _python,
    "PostgreSQL": _postgres,
    "RabbitMQ": _rabbitmq,
    "port": _port,
    "disk": _disk,
    "running": _running,
}
