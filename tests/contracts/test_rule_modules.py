"""Rules are exact and know no clock: no float, no file, no present day in any module that the contract lists."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = frozenset({"float", "open", "eval", "exec", "input"})
CLOCKS = frozenset({"today", "now", "utcnow", "fromtimestamp"})


def _rule_modules() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [rules] = [one for one in contracts["contracts"] if one["name"] == "Rules do no I/O"]
    kernel = [f"services.kernel.{path.stem}" for path in (ROOT / "services/kernel").glob("*.py")]
    return sorted([*rules["source_modules"], *kernel])


@pytest.mark.parametrize("module", _rule_modules())
def test_no_float_clock_or_file_in_a_rule(module: str) -> None:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
        assert not (isinstance(node, ast.Name) and node.id in NAMES), node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCKS, node.lineno
