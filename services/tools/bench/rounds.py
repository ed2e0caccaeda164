"""Rounds of a benchmark: the yardstick and a share of the work in turn, what they came to, and its figures in print."""

import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from services.tools.apart import folder_apart, run_stoppable
from services.tools.bench.measuring import cpu_seconds, spread
from services.tools.stack import SERVICES, Stack, running_stack
from services.tools.yardstick import find_pgbench


class Measured(Protocol):
    """A benchmark: what it needs it opens on the stack, and what it returns is printed."""

    async def __call__(self, opened: AsyncExitStack, stack: Stack) -> Mapping[str, object]:
        """Measures and returns every figure."""
        ...


@dataclass
class Rounds:
    """What the rounds came to."""

    noun: str
    """What is counted: a command, a trade."""
    count: int = 0
    per_second: list[float] = field(default_factory=list[float])
    pgbench_tps: list[float] = field(default_factory=list[float])
    cpu_seconds: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, count: int, seconds: float, tps: float, cpu: Mapping[str, float]) -> None:
        """Notes a round: how much was done in which time, and what every process spent on it."""
        self.count += count
        self.per_second.append(count / seconds)
        self.pgbench_tps.append(tps)
        for name, spent in cpu.items():
            self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + spent

    @property
    def ratios(self) -> list[float]:
        """Of each round the rate beside the yardstick's."""
        pairs = zip(self.per_second, self.pgbench_tps, strict=True)
        return [rate / tps for rate, tps in pairs]

    @property
    def ratio(self) -> float:
        """The middle one."""
        return median(self.ratios)

    @property
    def rate(self) -> float:
        """The middle one of those by the clock."""
        return median(self.per_second)

    def figures(self) -> dict[str, object]:
        """Middle, least and greatest of the rounds, and where the CPU time of each piece of work went."""
        spreads = {
            f"{self.noun}s_per_second": spread(self.per_second, 1),
            "pgbench_tps": spread(self.pgbench_tps, 1),
            "ratio": spread(self.ratios, 3),
        }
        cpu = {
            name: round(1e6 * seconds / self.count)
            for name, seconds in sorted(self.cpu_seconds.items())
        }
        return {
            "rounds": len(self.pgbench_tps),
            f"{self.noun}s": self.count,
            **{name: one["median"] for name, one in spreads.items()},
            **{
                f"{name}_{end}": one[end] for name, one in spreads.items() for end in ("min", "max")
            },
            f"cpu_us_per_{self.noun}": cpu | {"all": sum(cpu.values())},
        }


def stack_cpu_seconds(stack: Stack) -> dict[str, float]:
    """By name the CPU time of each process of the stack so far, and our own."""
    return cpu_seconds(stack_pids(stack))


def stack_pids(stack: Stack) -> dict[str, int]:
    """By name the numbers of the processes that run."""
    children = stack.children.items()
    return {name: child.pid for name, child in children if child.pid is not None}


def spent_since(before: Mapping[str, float], stack: Stack) -> dict[str, float]:
    """By name the CPU time since then."""
    return {
        name: seconds - before[name]
        for name, seconds in stack_cpu_seconds(stack).items()
        if name in before
    }


def report(measured: Measured, as_json: bool, services: tuple[str, ...] = SERVICES) -> int:
    """Runs a benchmark on a stack of its own and prints the figures; the exit code is 0 if it could."""
    find_pgbench()
    with folder_apart("bench") as folder:

        async def whole() -> int:
            async with AsyncExitStack() as opened:
                say("starting a stack of its own")
                running = running_stack(folder, services=services)
                stack = await opened.enter_async_context(running)
                _print(await measured(opened, stack), as_json)
            return 0

        return run_stoppable(whole())


def _print(figures: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, indent=2), flush=True)
        return
    for name, value in figures.items():
        print(f"{name:24} {value}")


def say(line: str) -> None:
    """Tells whoever waits how far it is."""
    print(line, file=sys.stderr, flush=True)
