"""``tonne bench settlement``: how fast trades settle beside pgbench, how soon it is told, and what a kill costs."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg

from services.runtime.postgres import Connection
from services.runtime.publishing import Outgoing, Publisher
from services.tools import auditor
from services.tools.bench import made_up_market, rounds
from services.tools.bench.crowd import crowded
from services.tools.bench.fleet import opened_fleet
from services.tools.bench.made_up_market import VENUE
from services.tools.bench.made_up_trades import Tape
from services.tools.bench.measuring import percentile, resident_mb
from services.tools.bench.rounds import Rounds, say, spent_since, stack_cpu_seconds, stack_pids
from services.tools.bench.standby import standing_by
from services.tools.bench.venue import (
    fill,
    heard_outcomes,
    held_queue,
    opened_publisher,
    publish_steadily,
)
from services.tools.launcher.faults import NotReadyError
from services.tools.stack import Stack
from services.tools.yardstick import Yardstick, drop_yardstick, made_yardstick

ROUNDS = 3
SERVICES = ("registry", "issuance", "settlement")
"""Nobody reads while trades settle, so there is no gateway."""
WARM_UP = 2_000
KILLED_AFTER_SECONDS = 2
TAKEOVER_SECONDS = 6
PATIENCE_SECONDS = 60

_IN_FLIGHT = 400
_POLL_SECONDS = 0.02
_DECIDED = "SELECT count(*) FROM settlement.trade"
_SETTLED = f"{_DECIDED} WHERE state = 'SETTLED'"
_OTHERWISE = f"{_DECIDED} WHERE substr(trade_id, 11) <> coalesce(code, '')"
"""The id of a trade that breaks a rule ends with the code of the refusal."""
_LAST = "SELECT max(position) FROM settlement.event"
_TOLD = f"{_LAST} HAVING NOT EXISTS (SELECT FROM settlement.outbox)"
"""Null as long as the broker has not confirmed everything."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is settled, by whom, and beside how much else."""

    trades: int
    accounts: int = 2_000
    instruments: int = 100
    blocks: int = 5_000_000
    """How many more holdings there are when growth is measured."""
    yardstick_seconds: int = 5

    @property
    def live(self) -> int:
        """How many trades come in while others settle."""
        return self.trades // 4


@dataclass
class Bench:
    """What a run has at hand, and how many trades it has sent."""

    stack: Stack
    database: Connection
    yardstick: Yardstick
    publisher: Publisher
    tape: Tape
    sent: int = 0
    resident_mb: dict[str, int] = field(default_factory=dict[str, int])

    def next_trades(self, count: int) -> list[Outgoing]:
        """Messages that are about to be published, made before any clock runs."""
        self.sent += count
        return self.tape.take(count)


def report(size: Size, as_json: bool) -> int:
    """Runs the benchmark on a stack of its own and prints the figures; the exit code is 0 if it could."""

    async def measure(opened: AsyncExitStack, stack: Stack) -> Mapping[str, object]:
        return await measured(await _opened(opened, stack, size), size)

    return rounds.report(measure, as_json, SERVICES)


async def _opened(opened: AsyncExitStack, stack: Stack, size: Size) -> Bench:
    database = await asyncpg.connect(stack.admin_database_url)
    opened.push_async_callback(database.close)
    opened.push_async_callback(drop_yardstick, stack.admin_database_url)
    yardstick = await made_yardstick(stack.admin_database_url)
    say(f"making a market of {size.accounts:,} accounts and {size.instruments:,} instruments")
    async with opened_fleet(stack.amqp_urls["gateway"], _IN_FLIGHT) as fleet:
        market = await made_up_market.founded(
            stack, fleet, database, size.accounts, size.instruments
        )
    publisher = await opened.enter_async_context(opened_publisher(stack, VENUE))
    return Bench(stack, database, yardstick, publisher, Tape(market))


async def measured(bench: Bench, size: Size) -> dict[str, object]:
    """Settles the trades and returns every figure."""
    began = time.monotonic()
    await _drain(bench, min(WARM_UP, size.trades // 10))
    await bench.yardstick.transactions_per_second(1)
    empty = await _rounds(bench, size)
    live = await _live(bench, size.live, empty.rate / 2)
    takeover_seconds = await _takeover(bench, empty.rate / 2)
    await crowded(bench.database, size.blocks)
    full = await _rounds(bench, size)
    return {
        "accounts": size.accounts,
        "instruments": size.instruments,
        **empty.figures(),
        **live,
        "rss_mb": bench.resident_mb,
        "blocks": size.blocks,
        "growth": round(full.ratio / empty.ratio, 2),
        "takeover_seconds": round(takeover_seconds, 2),
        "settled": await bench.database.fetchval(_SETTLED),
        "decided_otherwise": await bench.database.fetchval(_OTHERWISE),
        "invariants_broken": await _invariants_broken(bench.database),
        "seconds": round(time.monotonic() - began, 1),
    }


async def _rounds(bench: Bench, size: Size) -> Rounds:
    """The yardstick and a share of the trades in turn."""
    drained = Rounds("trade")
    for place in range(ROUNDS):
        await bench.stack.stop("settlement")
        tps = await bench.yardstick.transactions_per_second(size.yardstick_seconds)
        seconds, cpu = await _drain(bench, size.trades // ROUNDS)
        drained.add(size.trades // ROUNDS, seconds, tps, cpu)
        say(
            f"round {place + 1} of {ROUNDS}: {drained.per_second[-1]:,.0f} trades/s,"
            f" pgbench {tps:,.0f} tps"
        )
    return drained


async def _drain(bench: Bench, count: int) -> tuple[float, dict[str, float]]:
    """Fills the queue, then lets go of it: the seconds until the broker has every outcome, and who spent them."""
    await bench.stack.stop("settlement")
    trades = bench.next_trades(count)
    async with held_queue(bench.stack):
        await fill(bench.publisher, trades)
        await bench.stack.start("settlement")
        last = await bench.database.fetchval(_LAST) + count
        before, began = stack_cpu_seconds(bench.stack), time.monotonic()
    await _all_told(bench, last)
    seconds, cpu = time.monotonic() - began, spent_since(before, bench.stack)
    bench.resident_mb |= resident_mb(stack_pids(bench.stack))
    if await bench.database.fetchval(_DECIDED) != bench.sent:
        raise NotReadyError("not every trade was decided", "read the log of settlement")
    return seconds, cpu


async def _all_told(bench: Bench, last: int) -> None:
    """Waits until history has come this far and the broker has confirmed all of it."""
    while (await bench.database.fetchval(_TOLD) or 0) < last:  # noqa: ASYNC110 - other processes act
        await asyncio.sleep(_POLL_SECONDS)


async def _live(bench: Bench, count: int, per_second: float) -> dict[str, object]:
    """The milliseconds from publishing a trade to hearing its outcome, while so many come in a second."""
    say(f"publishing {per_second:,.0f} trades/s")
    trades = bench.next_trades(count)
    async with heard_outcomes(bench.stack) as outcomes:
        published = await publish_steadily(bench.publisher, trades, per_second)
        heard = await outcomes.wait_for(published, PATIENCE_SECONDS)
    waits_ms = [1_000 * (heard[trade_id] - at) for trade_id, at in published.items()]
    return {
        "live_trades_per_second": round(count / (max(heard.values()) - min(published.values())), 1),
        "latency_p50_ms": round(percentile(waits_ms, 50), 1),
        "latency_p99_ms": round(percentile(waits_ms, 99), 1),
    }


async def _takeover(bench: Bench, per_second: float) -> float:
    """The seconds from the kill of the active process to the first outcome of a trade that came after it."""
    say("killing settlement while another process stands by")
    trades = bench.next_trades(round(TAKEOVER_SECONDS * per_second))
    async with standing_by(bench.stack, "settlement"), heard_outcomes(bench.stack) as outcomes:
        publishing = asyncio.create_task(publish_steadily(bench.publisher, trades, per_second))
        await asyncio.sleep(KILLED_AFTER_SECONDS)
        killed_at = time.monotonic()
        await bench.stack.kill("settlement")
        published = await publishing
        heard = await outcomes.wait_for(published, PATIENCE_SECONDS)
    return min(heard[trade_id] for trade_id, at in published.items() if at > killed_at) - killed_at


async def _invariants_broken(database: Connection) -> int:
    """The rows that break one of settlement's invariants; with millions of holdings that takes its time."""
    async with database.transaction(isolation="repeatable_read", readonly=True):
        await database.execute("SET LOCAL search_path = settlement; SET LOCAL work_mem = '256MB'")
        found = [await database.fetch(sql) for sql in auditor.invariants("settlement").values()]
    return sum(map(len, found))
