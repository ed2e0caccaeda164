"""Runs pytest again and again in forks of one process that has the libraries in memory, and none of our own code.

Each line of the input is what to run, in JSON: ``arguments``, ``environment``, whether what it compiles is kept
(``is_compiling``), and the file for the ``output``; each line of the output is the exit code.
"""

import json
import os
import sys
from importlib import import_module

LIBRARIES = """
    pytest pytest_asyncio hypothesis asyncpg aio_pika aiohttp.web msgspec pydantic_settings prometheus_client structlog
    typer rich.console chinese_calendar joserfc.jwt strawberry uvloop
""".split()


def main() -> None:
    for library in LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if not child:
            sys.dont_write_bytecode = not wanted["is_compiling"]
            _run(wanted["arguments"], wanted["environment"], wanted["output"])
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """In the child: as if pytest had just been started with these."""
    import pytest

    os.environ.update(environment)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = pytest.main(arguments)
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
