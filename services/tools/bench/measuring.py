"""What benchmarks measure with: spreads over rounds, percentiles, time and memory of processes with their children."""

import resource
from collections.abc import Mapping, Sequence
from os import sysconf
from pathlib import Path
from statistics import median

_TICKS_PER_SECOND = sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)
"""Where a line of ``/proc/<pid>/stat`` has its parent, and its times with those of the children it waited for."""


def spread(figures: Sequence[float], places: int) -> dict[str, float]:
    """The middle, the least and the greatest of the rounds."""
    named = {"median": median(figures), "min": min(figures), "max": max(figures)}
    return {name: round(figure, places) for name, figure in named.items()}


def percentile(figures: Sequence[float], percent: int) -> float:
    """The least of the figures that so many percent of them do not exceed."""
    return sorted(figures)[max(0, -(-len(figures) * percent // 100) - 1)]


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """By name the CPU time of each process and its descendants so far, and our own as ``client``; Linux only."""
    if not Path("/proc/self/stat").exists():
        return {}
    times, children = _processes()
    spent = {name: _of_tree(pid, times, children) for name, pid in pids.items()}
    own = resource.getrusage(resource.RUSAGE_SELF)
    return spent | {"client": own.ru_utime + own.ru_stime}


def resident_mb(pids: Mapping[str, int]) -> dict[str, int]:
    """By name the memory of each process and its descendants, what they share counted by shares; Linux only."""
    if not Path("/proc/self/smaps_rollup").exists():
        return {}
    _, children = _processes()
    return {name: round(_resident_kib(pid, children) / 1024) for name, pid in pids.items()}


def _resident_kib(pid: int, children: Mapping[int, Sequence[int]]) -> int:
    below = sum(_resident_kib(child, children) for child in children.get(pid, ()))
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return below
    return below + int(text.partition("\nPss:")[2].split()[0])


def _of_tree(pid: int, times: Mapping[int, float], children: Mapping[int, Sequence[int]]) -> float:
    below = children.get(pid, ())
    return times.get(pid, 0.0) + sum(_of_tree(child, times, children) for child in below)


def _processes() -> tuple[dict[int, float], dict[int, list[int]]]:
    """The CPU time and the children of every process."""
    times: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        times[pid] = sum(map(int, fields[_TIMES])) / _TICKS_PER_SECOND
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    return times, children
