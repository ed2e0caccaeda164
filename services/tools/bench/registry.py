"""``tonne bench registry``: how fast a country's register is loaded by command, and whether search stays quick."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from services.runtime.postgres import Connection
from services.tools.bench import made_up, rounds
from services.tools.bench.fleet import Act, Fleet, opened_fleet
from services.tools.bench.measuring import percentile
from services.tools.bench.rounds import Rounds, say, spent_since, stack_cpu_seconds
from services.tools.client import Desk, opened_desk
from services.tools.stack import Stack
from services.tools.yardstick import Yardstick, drop_yardstick, made_yardstick

ROUNDS = 5
IN_FLIGHT = 400
SMALL = 100
"""How many projects there are when search is first measured; all of them are registered, and reports are for them."""
WARM_UP = 500
"""Rows of commands before the first round, at most so many."""
SEARCH_BLOCKS = 5
"""Of these the quietest counts: what else runs on the machine only ever adds to the time of a search."""
SEARCHES_MAX = 250

_POLL_SECONDS = 0.05
_QUERY = """query($filter: ProjectFilter, $search: String) {
  projects(filter: $filter, search: $search, first: 20) {
    edges { node { code name province status ownerName expectedAnnualTonnes creditingFrom creditingUntil } }
    pageInfo { hasNextPage endCursor }
  }
}"""
_UNTOLD = "SELECT EXISTS (SELECT FROM registry.outbox) OR EXISTS (SELECT FROM issuance.outbox)"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is loaded."""

    projects: int
    reports: int
    yardstick_seconds: int = 4

    @property
    def searches(self) -> int:
        """How many searches a block has."""
        return min(SEARCHES_MAX, self.projects)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run has at hand."""

    stack: Stack
    fleet: Fleet
    desk: Desk
    database: Connection
    yardstick: Yardstick


def report(size: Size, as_json: bool) -> int:
    """Runs the benchmark on a stack of its own and prints the figures; the exit code is 0 if it could."""

    async def measure(opened: AsyncExitStack, stack: Stack) -> Mapping[str, object]:
        return await measured(await _opened(opened, stack), size)

    return rounds.report(measure, as_json)


async def _opened(opened: AsyncExitStack, stack: Stack) -> Bench:
    database = await asyncpg.connect(stack.admin_database_url)
    opened.push_async_callback(database.close)
    opened.push_async_callback(drop_yardstick, stack.admin_database_url)
    yardstick = await made_yardstick(stack.admin_database_url)
    fleet = await opened.enter_async_context(opened_fleet(stack.amqp_urls["gateway"], IN_FLIGHT))
    desk = await opened.enter_async_context(opened_desk(stack.graphql_url))
    return Bench(stack, fleet, desk, database, yardstick)


async def measured(bench: Bench, size: Size) -> dict[str, object]:
    """Loads the register and returns every figure."""
    began = time.monotonic()
    parties = await _founded(bench)
    small = min(SMALL, size.projects)
    await bench.fleet.send_all(made_up.registered(number, parties) for number in range(small))
    small_p99 = await _searched(bench, small, size.searches)
    rows = list(_rows(size, small, parties))
    warm_up = min(WARM_UP, len(rows) // 10)
    await bench.fleet.send_all(rows[:warm_up])
    await _all_told(bench)
    loaded = await _rounds(bench, rows[warm_up:], size.yardstick_seconds)
    large_p99 = await _searched(bench, size.projects, size.searches)
    return {
        "projects": size.projects,
        "reports": size.reports,
        **loaded.figures(),
        "projects_p99_ms_small": round(1_000 * small_p99, 2),
        "projects_p99_ms_large": round(1_000 * large_p99, 2),
        "growth": round(large_p99 / small_p99, 2),
        "seconds": round(time.monotonic() - began, 1),
    }


async def _founded(bench: Bench) -> made_up.Parties:
    """Programmes, methodologies and parties, known to issuance too; returns the numbers of the accounts."""
    for act in made_up.rule_books():
        answer = await bench.fleet.send(act)
        if answer.approval_id is not None:
            await bench.fleet.send(made_up.approved(answer.approval_id))
    acts = made_up.parties()
    await bench.fleet.send_all(acts.values())
    await _all_told(bench)
    found = await bench.database.fetch("SELECT account_id, number FROM registry.account")
    numbers = {one["account_id"]: one["number"] for one in found}
    *owners, body = (numbers[account_id] for account_id in acts)
    return made_up.Parties(owners, body)


def _rows(size: Size, small: int, parties: made_up.Parties) -> Iterator[Sequence[Act]]:
    """What remains to be loaded: projects and reports evenly mixed, so that both services work all the time."""
    projects, reports = size.projects - small, size.reports
    registered = made_up.national_projects(small)
    order = [
        *((number / projects, small + number, True) for number in range(projects)),
        *((number / reports, number, False) for number in range(reports)),
    ]
    for _, number, is_project in sorted(order):
        yield (
            made_up.published(number, parties) if is_project else made_up.report(number, registered)
        )


async def _rounds(bench: Bench, rows: Sequence[Sequence[Act]], yardstick_seconds: int) -> Rounds:
    """The yardstick and a share of the rows in turn; a round is over when everything is answered and told."""
    loaded = Rounds("command")
    await bench.yardstick.transactions_per_second(1)
    for place in range(ROUNDS):
        tps = await bench.yardstick.transactions_per_second(yardstick_seconds)
        before, began = stack_cpu_seconds(bench.stack), time.monotonic()
        accepted = await bench.fleet.send_all(rows[place::ROUNDS])
        await _all_told(bench)
        seconds = time.monotonic() - began
        loaded.add(accepted, seconds, tps, spent_since(before, bench.stack))
        say(
            f"round {place + 1} of {ROUNDS}: {loaded.per_second[-1]:,.0f} commands/s,"
            f" pgbench {tps:,.0f} tps"
        )
    return loaded


async def _all_told(bench: Bench) -> None:
    """Waits until the broker has confirmed every event."""
    while await bench.database.fetchval(_UNTOLD):  # noqa: ASYNC110 - it is other processes that act
        await asyncio.sleep(_POLL_SECONDS)


async def _searched(bench: Bench, projects: int, count: int) -> float:
    """The p99 in seconds of searches, one after the other, on tables that autovacuum would have visited by then."""
    await bench.database.execute("VACUUM (ANALYZE)")
    blocks = [
        [await _search(bench, block * count + place, projects) for place in range(count)]
        for block in range(SEARCH_BLOCKS + 1)
    ]
    return min(percentile(block, 99) for block in blocks[1:])


async def _search(bench: Bench, place: int, projects: int) -> float:
    """The seconds until the answer to one of three kinds of search, each with a filter beside the text."""
    number = place * 7919 % projects
    name, kind = made_up.words(number)
    wanted, search = (
        ({"programme": made_up.NATIONAL}, kind),
        ({"province": made_up.province(number)}, kind),
        ({"programme": made_up.NATIONAL}, name),
    )[place % 3]
    began = time.perf_counter()
    await bench.desk.query(_QUERY, filter=wanted, search=search)
    return time.perf_counter() - began
