"""The auditor: reads each service's books by its own connection and counts what is not as it must be."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import LiteralString, Protocol

from services.runtime import queries
from services.runtime.migrate import SCHEMA_FOLDER, SERVICES
from services.runtime.postgres import Connection, opened_connection

_COMPARED = {
    "batches": ("issuance", "settlement"),
    "holders": ("issuance", "settlement"),
    "conversions": ("issuance", "settlement"),
    "obligations": ("issuance", "settlement"),
    "accounts": ("registry", "settlement"),
    "programmes": ("registry", "settlement"),
    "methodologies": ("registry", "issuance"),
    "organisations": ("registry", "issuance"),
}
"""What the second service has learned from the first; of conversions, what either has done at the other's word."""

_sql = queries.load(Path(__file__).with_name("settled.sql"))


class Databases(Protocol):
    """A market whose databases can be read, as ``stack.Stack`` describes it."""

    @property
    def database_urls(self) -> Mapping[str, str]:
        """By service: the URL with that role."""
        ...


async def verify(market: Databases) -> dict[str, int]:
    """Every invariant and every comparison by name, with the number of rows that break it."""
    urls = market.database_urls
    return await broken_invariants(urls) | await unsettled_differences(urls)


async def broken_invariants(urls: Mapping[str, str]) -> dict[str, int]:
    """What must be true at every instant: by name the rows that break it, 0 where all is well."""
    broken: dict[str, int] = {}
    for service in SERVICES:
        async with _reading(urls[service], service) as connection:
            for name, sql in invariants(service).items():
                broken[f"{service}.{name}"] = len(await connection.fetch(sql))
    return broken


def invariants(service: str) -> Mapping[str, LiteralString]:
    """The queries of one service that must return no row."""
    return queries.load(SCHEMA_FOLDER / service / "invariants.sql")


async def unsettled_differences(urls: Mapping[str, str]) -> dict[str, int]:
    """What must be equal once nothing is on its way any more: by name the keys on which two services differ."""
    differing: dict[str, int] = {}
    for noun, (teller, learner) in _COMPARED.items():
        told, learned = await _contents(urls, teller, noun), await _contents(urls, learner, noun)
        differing[f"{learner}.{noun}_equal_{teller}"] = len(told ^ learned)
    return differing


async def _contents(urls: Mapping[str, str], service: str, noun: str) -> set[tuple[str, str]]:
    """Every key with the digest of what the service says of it."""
    said = _sql[f"{service}_{noun}"]
    digests = f"SELECT key, md5(content) AS digest FROM ({said}) AS said"  # noqa: S608 - from our own file
    async with _reading(urls[service], service) as connection:
        return {(row["key"], row["digest"]) for row in await connection.fetch(digests)}


@asynccontextmanager
async def _reading(url: str, schema: str) -> AsyncIterator[Connection]:
    """A session that sees one instant and changes nothing."""
    connection = await opened_connection(url, schema)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL enable_seqscan = on")
            yield connection
    finally:
        await connection.close()
