"""The scripts of ``deploy/``: what a machine lacks is named in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.tools.launcher.places import CHECKOUT

SCRIPTS = ("up", "test", "tonne")
TOOLS = ("sh", "dirname", "cat", "cmp", "mkdir", "rm", "awk", "env")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts and the lock in a folder of their own, on a machine that has hardly anything."""
    shutil.copytree(CHECKOUT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("demo"))
    shutil.copy(CHECKOUT / "requirements.lock", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


@pytest.mark.parametrize("script", SCRIPTS)
def test_machine_without_python_gets_one_line_with_the_cure(checkout: Path, script: str) -> None:
    """Nothing is installed behind anyone's back where nothing can be fetched without root."""
    done = subprocess.run(
        [checkout / "deploy" / script],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last.startswith("tonne: Python 3.11 or newer was not found. Cure: ")
    assert done.stdout == ""


def test_current_environment_is_not_touched(checkout: Path) -> None:
    """The stamp holds the lock and the place; when both agree, nothing is installed and the command runs."""
    python = checkout / ".tonne" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$PYTHONPATH" "$@"\n')
    python.chmod(0o755)
    stamp = f"{checkout.resolve()}\n{(checkout / 'requirements.lock').read_text()}"
    (checkout / ".tonne" / "venv" / "stamp").write_text(stamp)
    done = subprocess.run(
        [checkout / "deploy" / "up", "--once", "a b"],
        env={"PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{checkout.resolve()} -P -m services.tools up --once a b\n"
    assert done.stderr == ""


@pytest.mark.parametrize("script", [*SCRIPTS, "bootstrap.sh"])
def test_scripts_name_no_registry_and_pipe_no_installer(script: str) -> None:
    """Registries are the machine's choice, not ours."""
    text = (CHECKOUT / "deploy" / script).read_text()
    assert "http" not in text
    assert "curl" not in text
    assert os.access(CHECKOUT / "deploy" / script, os.X_OK) == (script in SCRIPTS)


def test_lock_names_no_registry() -> None:
    """Every package is pinned by hash, none to a host."""
    text = (CHECKOUT / "requirements.lock").read_text()
    assert "://" not in text
    pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line and line.endswith("\\") for line in pinned)
