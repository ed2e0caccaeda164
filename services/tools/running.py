"""Commands for the market that ``tonne up`` runs in another terminal."""

import asyncio
import json

from services.tools import auditor
from services.tools.launcher.faults import FIGURES_WRONG
from services.tools.launcher.places import STACK
from services.tools.stack import attached_stack
from services.tools.trade import example_trade, publish_trade


def verify(as_json: bool) -> int:
    """Prints every invariant with the number of rows that break it; the exit code is 0 if none does."""
    broken = asyncio.run(auditor.verify(attached_stack(STACK)))
    if as_json:
        print(json.dumps(broken, indent=2))
    else:
        for name, rows in broken.items():
            print(f"{rows:>8}  {name}")
    return FIGURES_WRONG if any(broken.values()) else 0


def trade(tonnes: int, price_yuan: str) -> int:
    """Publishes a trade and prints its outcome; the exit code is 0 if it settled."""
    outcome = asyncio.run(publish_trade(attached_stack(STACK), example_trade(tonnes, price_yuan)))
    print(outcome.text)
    return 0 if outcome.is_settled else 1
