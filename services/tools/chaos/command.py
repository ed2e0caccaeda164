"""``tonne chaos``: rounds of faults under load on a market of its own, and what an auditor found after each."""

import json
import logging
import time
from pathlib import Path

from services.runtime import telemetry
from services.tools.apart import folder_apart, run_stoppable
from services.tools.chaos.rounds import played
from services.tools.launcher.faults import FIGURES_WRONG

_TALKATIVE = ("aio_pika", "aiormq", "asyncio")
"""Who would print a page for every connection that is broken here on purpose."""


def report(rounds: int, seed: int, as_json: bool) -> int:
    """Plays the rounds and prints the figures; the exit code is 0 if every fault fired and nothing is wrong."""
    telemetry.configure("text")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with folder_apart("chaos") as folder:
        return run_stoppable(_report(folder, rounds, seed, as_json))


async def _report(folder: Path, rounds: int, seed: int, as_json: bool) -> int:
    began = time.monotonic()
    run, figures = await played(folder, rounds, seed)
    figures["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        print(json.dumps(figures, indent=2), flush=True)
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    return 0 if run.is_sound else FIGURES_WRONG
