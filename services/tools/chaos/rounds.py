"""The rounds: traffic, a fault in the middle of it, recovery without help, and the auditor's look at the books."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
from aio_pika.exceptions import AMQPError

from services.runtime.connection import connected
from services.runtime.postgres import OUTAGES
from services.runtime.topology import queue_names
from services.tools import auditor
from services.tools.chaos import tally
from services.tools.chaos.books import books_of, found_in
from services.tools.chaos.ears import QUEUE
from services.tools.chaos.faults import FAILPOINTS, FAULTS, NotFiredError
from services.tools.chaos.field import Field, administered, opened_field
from services.tools.chaos.judge import Findings, judged, outstanding
from services.tools.chaos.published import compared, compared_markets, compared_trades
from services.tools.chaos.schedule import ROUNDS_FOR_ALL, Kind, scheduled
from services.tools.chaos.sent import CAPTURED, REJECTED, SETTLED
from services.tools.chaos.used import compared_standing, compared_uses, judged_uses
from services.tools.chaos.world import MARKETS

MESSAGES = 250
_PATIENCE_SECONDS = 90
_POLL_SECONDS = 0.1
_UNTOLD = " OR ".join(
    f"EXISTS (SELECT FROM {service}.outbox)" for service in ("registry", "issuance", "settlement")
)


@dataclass
class Run:
    """What the rounds so far came to."""

    seed: int
    rounds: int = 0
    fired: Counter[Kind] = field(default_factory=Counter[Kind])
    unfired: list[str] = field(default_factory=list[str])
    findings: Findings = field(default_factory=Findings)
    given_up: int = 0
    """How many outcomes the auditor has waited for in vain, and waits for no more."""
    recovery_seconds: list[float] = field(default_factory=list[float])

    def figures(self, place: Field) -> dict[str, object]:
        """Every figure that is printed."""
        types = Counter(one.type for one in place.ears.events.values())
        return {
            "rounds": self.rounds,
            "faults": {str(kind): self.fired[kind] for kind in Kind},
            "failpoints": {name: self.fired[kind] for kind, name in FAILPOINTS.items()},
            "sent": len(place.sent.trades),
            "captured": types[CAPTURED],
            "settled": types[SETTLED],
            "rejected": types[REJECTED],
            "used": tally.counted(place.sent),
            "cash_reports": len(place.sent.cash),
            "commands": len(place.sent.asks),
            "resent": place.traffic.resent,
            "poison": len(place.sent.poison),
            "events": len(place.ears.events),
            "events_told": place.ears.told,
            "lost": len(self.findings.lost),
            "duplicated": len(self.findings.duplicated),
            "invariants_broken": len(self.findings.broken),
            "recovery_seconds_max": round(max(self.recovery_seconds, default=0.0), 1),
            "faults_unfired": self.unfired,
            "seed": self.seed,
        }

    @property
    def is_sound(self) -> bool:
        """Whether every fault fired and nothing was found."""
        missing = self.rounds >= ROUNDS_FOR_ALL and set(Kind) - self.fired.keys()
        return not (self.findings or self.unfired or missing)


async def played(folder: Path, rounds: int, seed: int) -> tuple[Run, dict[str, object]]:
    """All rounds on a market of their own."""
    run = Run(seed)
    async with opened_field(folder, seed) as place:
        await _endowed(place, run)
        _say("founded and endowed")
        for number, kind in enumerate(scheduled(seed, rounds), 1):
            began = time.monotonic()
            await _round(place, kind, run)
            run.rounds = number
            _say_round(run, kind, rounds, time.monotonic() - began)
        await place.traffic.finish()
        await _checked(place, run)
        token, desk = place.traffic.world.overseer, place.desk
        _add(run, await compared_trades(desk, token, place.ears))
        _add(run, await compared_uses(desk, token, place.sent))
        return run, run.figures(place)


async def _endowed(place: Field, run: Run) -> None:
    """Credits and cash are there before the first fault."""
    await place.traffic.endow()
    await _still(place, run)
    place.traffic.settle()
    await place.traffic.move_in()
    await _checked(place, run)


async def _round(place: Field, kind: Kind, run: Run) -> None:
    flowing = asyncio.create_task(place.traffic.flow(MESSAGES))
    await asyncio.sleep(place.random.uniform(0.3, 1.2))
    try:
        await FAULTS[kind](place)
    except NotFiredError as unfired:
        run.unfired.append(f"{kind}: {unfired}")
    else:
        run.fired[kind] += 1
    run.recovery_seconds.append(await _recovered(place))
    await place.traffic.repeat_after()
    await asyncio.gather(flowing, *place.beside)
    place.beside.clear()
    await _checked(place, run)


async def _recovered(place: Field) -> float:
    """The seconds until every process is ready, a new trade has its outcome, and a command is answered."""
    began = time.monotonic()
    subject = await place.traffic.probe()
    await place.traffic.probe_command()
    await _until(lambda: _is_told(place, subject))
    for name in place.stack.children:
        await place.stack.wait_until_ready(name)
    return time.monotonic() - began


async def _is_told(place: Field, subject: str) -> bool:
    return bool(place.ears.of(subject, CAPTURED, SETTLED, REJECTED))


async def _checked(place: Field, run: Run) -> None:
    """Waits until nothing is on its way, then lets the auditor look at everything."""
    await _still(place, run)
    place.traffic.settle()
    findings = judged(place.sent, place.ears)
    findings.add(judged_uses(place.sent, place.ears))
    world, desk = place.traffic.world, place.desk
    assert world.broker
    fees = {market.venue: world.broker.number for market in MARKETS}
    thawing, piles = tally.thawing(place.sent), tally.piles(place.sent)
    books = books_of(place.ears.events.values(), fees, thawing)
    numbers = [party.number for party in world.parties]
    programmes = {market.venue: market.programme for market in MARKETS}
    token = world.overseer
    findings.add(await compared(desk, token, numbers, books, found_in(books), piles))
    findings.add(await compared_standing(desk, token, place.sent))
    findings.add(await compared_markets(desk, token, programmes, place.ears))
    own = await auditor.verify(place.stack)
    findings.broken |= {f"{name}: {rows} rows" for name, rows in own.items() if rows}
    _add(run, findings)


def _add(run: Run, findings: Findings) -> None:
    known = set(run.findings.lines())
    run.findings.add(findings)
    for line in run.findings.lines():
        if line not in known:
            _say(line)


async def _still(place: Field, run: Run) -> None:
    """Until all that was sent has its outcome, no outbox and no queue holds anything; or patience is over."""
    await _until(lambda: _has_outcomes(place, run))
    run.given_up = outstanding(place.sent, place.ears)
    await _until(lambda: _is_drained(place))


async def _has_outcomes(place: Field, run: Run) -> bool:
    return outstanding(place.sent, place.ears) <= run.given_up


async def _is_drained(place: Field) -> bool:
    try:
        [row] = await administered(place, f"SELECT {_UNTOLD} AS is_untold")
        return not row["is_untold"] and not await _queued(place)
    except (*OUTAGES, asyncpg.PostgresError, AMQPError, aiohttp.ClientError):
        return False


async def _queued(place: Field) -> int:
    """How many messages wait in any queue of a service or of the auditor."""
    connection = await connected(place.stack.amqp_urls["operator"])
    try:
        channel = await connection.channel()
        waiting = 0
        for name in (*queue_names(), QUEUE):
            queue = await channel.get_queue(name, ensure=True)
            waiting += queue.declaration_result.message_count or 0
        return waiting
    finally:
        await connection.close()


async def _until(is_reached: Callable[[], Awaitable[bool]]) -> None:
    """Waits; what is not reached when patience is over is for the auditor to find."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not await is_reached() and time.monotonic() < deadline:  # noqa: ASYNC110 - others act
        await asyncio.sleep(_POLL_SECONDS)


def _say_round(run: Run, kind: Kind, rounds: int, seconds: float) -> None:
    _say(
        f"round {run.rounds} of {rounds}: {kind}, recovered in {run.recovery_seconds[-1]:.1f} s,"
        f" {seconds:.1f} s in all, {len(run.findings.lines())} findings"
    )


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
