"""Migrations: numbered SQL files applied once under a lock, roles and published reads made anew each time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.runtime.postgres import Connection

SCHEMA_FOLDER = Path(__file__).resolve().parents[2] / "schema"
SERVICES = ("registry", "issuance", "settlement")
GATEWAY = "gateway"
_LOCK_KEY = 7_000
_OWNER = "tonne_owner"


class SchemaMismatchError(RuntimeError):
    """A migration that was applied has changed since: this database belongs to another version."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file that is applied once to one service's schema."""

    service: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, by which an altered file is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(service: str) -> list[Migration]:
    """The messaging tables, then the service's own files in order."""
    files = [SCHEMA_FOLDER / "messaging.sql", *sorted((SCHEMA_FOLDER / service).glob("[0-9]*.sql"))]
    return [Migration(service, file.name, file.read_text(encoding="utf-8")) for file in files]


def role(name: str) -> str:
    """The login role of a service or of the gateway."""
    return f"tonne_{name}"


def roles_sql(passwords: Mapping[str, str]) -> list[str]:
    """Statements that make the roles or give them these passwords."""
    logins = [(role(name), password) for name, password in passwords.items()]
    return [
        *(_role_if_missing(name) for name in (_OWNER, *(login for login, _ in logins))),
        f"GRANT {_OWNER} TO CURRENT_USER",
        *(f"ALTER ROLE {login} LOGIN PASSWORD '{_quoted(word)}'" for login, word in logins),
    ]


def _role_if_missing(name: str) -> str:
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f"THEN CREATE ROLE {name} NOLOGIN; END IF; END $$"
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


async def migrate(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Brings the database to this version; returns the names of what was applied.

    ``passwords`` are those of the login roles by name (the services and the gateway). Raises SchemaMismatchError when
    an applied file has changed, and asyncpg.PostgresError when the rights do not suffice.
    """
    connection = await asyncpg.connect(admin_url, timeout=5, command_timeout=60)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
            if not await _lacks_only_rights(connection, passwords):
                for statement in roles_sql(passwords):
                    await connection.execute(statement)
            return [name for s in SERVICES for name in await _migrate_service(connection, s)]
    finally:
        await connection.close()


async def _lacks_only_rights(connection: Connection, passwords: Mapping[str, str]) -> bool:
    """Whether an administrator has made all roles already, since this user may not."""
    may = await connection.fetchval(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    made = await connection.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1::text[])",
        [_OWNER, *(role(name) for name in passwords)],
    )
    return not may and made == len(passwords) + 1


async def _migrate_service(connection: Connection, service: str) -> list[str]:
    await connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {_OWNER};"
        f"SET LOCAL ROLE {_OWNER}; SET LOCAL search_path = {service};"
        "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    records = await connection.fetch("SELECT name, checksum FROM migration")
    known = {record["name"]: record["checksum"] for record in records}
    applied = [m for m in migrations(service) if not _is_applied(m, known)]
    for migration in applied:
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migration (name, checksum) VALUES ($1, $2)",
            migration.name,
            migration.checksum,
        )
    await _publish_reads(connection, service)
    await connection.execute("RESET ROLE; RESET search_path")
    return [f"{service}/{migration.name}" for migration in applied]


def _is_applied(migration: Migration, known: Mapping[str, str]) -> bool:
    checksum = known.get(migration.name)
    if checksum not in (None, migration.checksum):
        raise SchemaMismatchError(
            f"{migration.service}/{migration.name} was applied in another version: tonne reset"
        )
    return checksum is not None


async def _publish_reads(connection: Connection, service: str) -> None:
    """Makes the published views and functions anew, and grants each role what it may do, nothing more."""
    read, login, gateway = f"{service}_read", role(service), role(GATEWAY)
    await connection.execute("RESET ROLE")
    await connection.execute(
        f"DROP SCHEMA IF EXISTS {read} CASCADE; CREATE SCHEMA {read} AUTHORIZATION {_OWNER};"
        f"SET LOCAL ROLE {_OWNER};"
        f"SET LOCAL search_path = {service}"
    )
    own = sorted((SCHEMA_FOLDER / service).glob("read*.sql"))
    for path in (SCHEMA_FOLDER / "approvals.sql", *own):
        text = path.read_text(encoding="utf-8")
        await connection.execute(text.replace("{service}", service))
    await connection.execute(
        f"GRANT USAGE ON SCHEMA {service} TO {login};"
        f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {service} TO {login};"
        f"REVOKE INSERT ON migration FROM {login};"
        f"GRANT UPDATE (answer), DELETE ON inbox TO {login};"
        f"GRANT DELETE ON outbox TO {login};"
        f"GRANT UPDATE (state, decided_by, decided_at, reason) ON approval TO {login};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {login};"
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {read} FROM PUBLIC;"
        f"GRANT USAGE ON SCHEMA {read} TO {gateway};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {read} TO {gateway};"
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {read} TO {gateway}"
    )
