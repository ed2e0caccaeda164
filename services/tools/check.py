"""Every check of the project, then its tests: what ``deploy/test`` runs."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from services.tools.launcher.places import CHECKOUT

_LINES_MAX = 200
_BIN = Path(sys.executable).parent
CHECKS: Sequence[tuple[str, Sequence[str | Path]]] = (
    ("format", (_BIN / "ruff", "format", "--check", "--quiet", ".")),
    ("lint", (_BIN / "ruff", "check", "--quiet", ".")),
    ("types", (_BIN / "basedpyright", "--level", "error")),
    ("imports", (_BIN / "lint-imports", "--no-cache")),
    ("contracts", (sys.executable, "-P", "-m", "services.tools", "contracts", "--check")),
)


def run_checks() -> list[str]:
    """Runs every check, tells in one line how it went, and returns the names of those that failed."""
    return [name for name, command in CHECKS if not _passes(name, command)]


def _passes(name: str, command: Sequence[str | Path]) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outcome = "passed" if done.returncode == 0 else "FAILED"
    print(f"{name:10} {outcome} in {time.monotonic() - began:.1f} s", flush=True)
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[:_LINES_MAX]), flush=True)
    return done.returncode == 0


def run_tests(arguments: Sequence[str]) -> int:
    """Runs pytest; its summary line is the last line of the output."""
    command = [sys.executable, "-P", "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


def check(arguments: Sequence[str]) -> int:
    """Without arguments everything, else only pytest with them; the exit code is 0 if all passed."""
    failed = [] if arguments else run_checks()
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", flush=True)
    return run_tests(arguments) or int(bool(failed))
