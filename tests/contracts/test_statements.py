"""Every statement of every service is one that its own role may run against the migrated schema."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.runtime import migrate, queries
from services.runtime.postgres import Connection, opened_connection
from tests.conftest import Database

SERVICES = Path(migrate.__file__).parents[1]
FILES = [
    pytest.param(service, path, id=f"{service}-{path.parent.name}-{path.stem}")
    for service in migrate.SERVICES
    for path in (SERVICES / "runtime" / "queries.sql", *sorted((SERVICES / service).glob("*.sql")))
]


@pytest.fixture
async def connection(service: str, database: Database) -> AsyncIterator[Connection]:
    connection = await opened_connection(database.url(service), service)
    yield connection
    await connection.close()


@pytest.mark.parametrize(("service", "path"), FILES)
async def test_every_statement_is_understood_and_allowed(
    path: Path, connection: Connection
) -> None:
    for name, statement in queries.load(path).items():
        try:
            await _explain(connection, statement)
        except Exception as fault:
            raise AssertionError(f"{name}: {fault}") from fault


async def _explain(connection: Connection, statement: str) -> None:
    """Preparing asks for the form only, explaining asks for the rights too."""
    parameters = (await connection.prepare(statement)).get_parameters()
    values = f"({', '.join(['NULL'] * len(parameters))})" if parameters else ""
    await connection.execute(f"PREPARE asked AS {statement}")
    await connection.execute(f"EXPLAIN EXECUTE asked{values}; DEALLOCATE asked")


@pytest.mark.parametrize("service", migrate.SERVICES)
async def test_an_empty_house_breaks_no_invariant(service: str, connection: Connection) -> None:
    invariants = queries.load(migrate.SCHEMA_FOLDER / service / "invariants.sql")
    assert invariants
    for name, statement in invariants.items():
        count = await connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
        assert count == 0, name
