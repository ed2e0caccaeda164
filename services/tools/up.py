"""``tonne up``: the stack, the demo on an empty database, and what one can do next."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import asyncpg

from services.tools import demo
from services.tools.apart import folder_apart, run_stoppable
from services.tools.launcher.faults import FIGURES_WRONG
from services.tools.launcher.leftovers import require_not_running
from services.tools.launcher.places import STACK, write_private
from services.tools.launcher.ports import GATEWAY_PORT, gateway_port
from services.tools.screen import Screen
from services.tools.stack import Stack, attached_stack, running_stack
from services.tools.use_acts import EVENT_CERTIFICATE

_DEMO_FILE = "demo.json"


def stay(asked_port: int | None, as_json: bool) -> int:
    """Runs the market in its folder until a signal; returns the exit code."""
    return run_stoppable(_stay(asked_port, as_json), interrupted=0)


def once(asked_port: int | None, as_json: bool) -> int:
    """Runs the demo in an empty folder, then stops everything; returns the exit code."""
    port = gateway_port(asked_port) if asked_port else None
    with folder_apart("once") as folder:
        return run_stoppable(_once(folder, port, as_json))


def load_into_running(as_json: bool) -> int:
    """Loads the demo into the market that runs; returns the exit code."""
    return run_stoppable(_load_into_running(as_json))


async def _stay(asked_port: int | None, as_json: bool) -> int:
    screen = Screen()
    require_not_running(STACK)
    port = gateway_port(asked_port)
    if asked_port is None and port != GATEWAY_PORT:
        screen.say(f"port {GATEWAY_PORT} is in use, the gateway takes {port}")
    async with running_stack(STACK, port=port, on_line=screen.line) as stack:
        if await _wants_demo(stack):
            _verdict(await _load(stack, screen), as_json)
        for line in _next_steps(stack):
            screen.say(line)
        await asyncio.Event().wait()
    return 0


async def _once(folder: Path, port: int | None, as_json: bool) -> int:
    screen = Screen()
    async with running_stack(folder, port=port, on_line=screen.line) as stack:
        report = await _load(stack, screen)
    return _verdict(report, as_json)


async def _load_into_running(as_json: bool) -> int:
    report = await _load(attached_stack(STACK), Screen())
    return _verdict(report, as_json)


async def _load(stack: Stack, screen: Screen) -> Mapping[str, object]:
    """Loads the demo; the file left behind says whether it was loaded whole, or must be taken up again."""
    write_private(stack.folder / _DEMO_FILE, "{}")
    with screen.progress():
        report = await demo.load(stack, screen.advance)
    write_private(stack.folder / _DEMO_FILE, json.dumps(report))
    return report


async def _wants_demo(stack: Stack) -> bool:
    """Whether nobody is registered yet, or a demo was broken off; that days have opened says nothing."""
    file = stack.folder / _DEMO_FILE
    if file.exists():
        return file.read_text(encoding="utf-8") == "{}"
    connection = await asyncpg.connect(stack.admin_database_url)
    try:
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM registry.organisation)")
    finally:
        await connection.close()


def _verdict(report: Mapping[str, object], as_json: bool) -> int:
    """Prints the report; the exit code is 0 only if every figure is what the records say."""
    if as_json:
        print(json.dumps(report, indent=2), flush=True)
    else:
        for name, value in report.items():
            print(f"{name:24} {value:>20,}" if isinstance(value, int) else f"{name:24} {value:>20}")
    wrong = demo.differences(report)
    for difference in wrong:
        print(f"tonne: wrong figure: {difference}", file=sys.stderr)
    return FIGURES_WRONG if wrong else 0


def _next_steps(stack: Stack) -> list[str]:
    """What one can do now, ready to be copied."""
    return [
        f"GraphiQL    {stack.graphql_url}",
        f"certificate {urljoin(stack.graphql_url, f'certificates/{EVENT_CERTIFICATE}')}",
        f"query       curl -s {stack.graphql_url} -H 'content-type: application/json' -d '{_QUERY}'",
        "trade       deploy/tonne trade",
        "stop        Ctrl-C",
    ]


_QUERY = json.dumps({"query": "{ projects(first: 3) { edges { node { code name status } } } }"})
