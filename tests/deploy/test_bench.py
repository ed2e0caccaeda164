"""Benchmarks run from beginning to end on a small scale; what they measure is nobody's promise here."""

import json
from pathlib import Path

import pytest

from services.tools import yardstick
from services.tools.bench.measuring import percentile, spread
from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.finding import PostgresBinaries
from tests.deploy.test_commands import tonne

SPREADS = ("commands_per_second", "pgbench_tps", "ratio")


def test_the_registry_is_loaded_and_searched_beside_pgbench() -> None:
    size = ("--projects", "30", "--reports", "20", "--seconds", "1")
    done = tonne("bench", "registry", *size, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["projects"], figures["reports"]) == (30, 20)
    assert figures["rounds"] >= 3
    for name in SPREADS:
        assert 0 < figures[f"{name}_min"] <= figures[name] <= figures[f"{name}_max"]
    assert figures["growth"] > 0
    assert {"registry", "issuance", "postgres", "rabbitmq"} <= figures["cpu_us_per_command"].keys()


def test_without_pgbench_there_is_one_line_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(yardstick, "find_postgres", lambda: PostgresBinaries(tmp_path, 15, "test"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerMissingError, match=r"pgbench was not found .* Cure: install it"):
        yardstick.find_pgbench()


@pytest.mark.parametrize(
    ("figures", "percent", "expected"),
    [
        ([5.0], 99, 5.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 102)], 99, 100.0),
        ([float(n) for n in range(1, 101)], 100, 100.0),
    ],
)
def test_a_percentile_is_one_of_the_figures(
    figures: list[float], percent: int, expected: float
) -> None:
    assert percentile(figures[::-1], percent) == expected


def test_a_spread_is_middle_least_and_greatest() -> None:
    assert spread([3.0, 1.0, 2.04], 1) == {"median": 2.0, "min": 1.0, "max": 3.0}
