"""A copy of the tree that is mutated one place at a time, and the named tests that run on it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

import asyncpg

from services.tools.launcher.places import CHECKOUT
from services.tools.stack import Stack
from tests.mutants.mutant import Mutant

_FOLDERS = "services", "schema", "tests"
_ASSERTIONS = "AssertionError", "assert ", "Failed: DID NOT RAISE"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run of pytest."""

    exit_code: int
    seconds: float
    failures: Sequence[str]
    """What each failed test says, on one line."""
    errors: Sequence[str]
    """The same of tests whose fixtures failed, and of files that could not be read."""
    output: str

    def is_caught(self, complaint: str) -> bool:
        """Whether tests ran, and one failed by what it asserts (or with the complaint that is expected)."""
        expected = (*_ASSERTIONS, complaint) if complaint else _ASSERTIONS
        is_clear = any(part in failure for failure in self.failures for part in expected)
        return self.exit_code == 1 and is_clear and not self.errors


@dataclass
class Copy:
    """The copied tree, the servers that its tests use, and the warm process that runs them."""

    folder: Path
    servers: Stack
    process: subprocess.Popen[str]
    numbers: Iterator[int]

    async def run(self, nodes: Sequence[str], mutant: Mutant | None = None) -> Run:
        """Runs these tests on the tree as it is now; a mutant of the schema needs a database of its own."""
        is_schema_changed = mutant is not None and mutant.file.startswith("schema/")
        number = next(self.numbers)
        report, output = self.folder / f"{number}.xml", self.folder / f"{number}.log"
        quiet = "-q --tb=short --no-header -p no:cacheprovider".split()
        wanted = {
            "arguments": [*nodes, *quiet, f"--junitxml={report}"],
            "environment": {
                "TONNE_TEST_ADMIN_URL": await self._database(number if is_schema_changed else 0),
                "TONNE_TEST_AMQP_URL": self.servers.amqp_urls["registry"],
            },
            "is_compiling": mutant is None,
            "output": str(output),
        }
        began = time.monotonic()
        exit_code = await asyncio.to_thread(self._told, wanted)
        seconds = time.monotonic() - began
        failures, errors = _complaints(report) if report.exists() else ([], ["no report"])
        return Run(exit_code, seconds, failures, errors, output.read_text(encoding="utf-8"))

    async def _database(self, number: int) -> str:
        """The address of this database, which is made if need be."""
        name = f"mutant_{number}"
        connection = await asyncpg.connect(self.servers.admin_database_url)
        known = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if not await connection.fetchval(known, name):
            await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return urlsplit(self.servers.admin_database_url)._replace(path=f"/{name}").geturl()

    def _told(self, wanted: object) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """The copy with this mutant in it; what was compiled before is as valid afterwards."""
        path = self.folder / mutant.file
        text, written = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(mutant.applied(text), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))


@contextmanager
def opened_copy(folder: Path, servers: Stack) -> Iterator[Copy]:
    """A copy of the tree in this folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _FOLDERS:
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    shutil.copy2(CHECKOUT / "pyproject.toml", folder)
    script = Path(__file__).with_name("warm.py")
    process = subprocess.Popen(
        [sys.executable, "-P", script],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Copy(folder, servers, process, count(1))
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(30)


def _complaints(report: Path) -> tuple[list[str], list[str]]:
    tree = Xml.parse(report)
    failures, errors = (
        [one.get("message", "") for one in tree.iter(kind)] for kind in ("failure", "error")
    )
    return failures, errors
