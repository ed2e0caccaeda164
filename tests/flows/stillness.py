"""Stillness: when nothing changes by itself any more, and a digest of all that is on record."""

from tests.market import Market

SERVICES = ("registry", "issuance", "settlement")


async def until_quiet(market: Market) -> None:
    """Waits until every event has been told and heard, so that nothing changes by itself any more."""
    told = " + ".join(f"(SELECT count(*) FROM {one}.outbox)" for one in SERVICES)
    heard = " + ".join(f"(SELECT count(*) FROM {one}.inbox)" for one in SERVICES)
    seen = -1
    while True:
        await market.until(f"SELECT {told} = 0")
        before, seen = seen, await market.database.fetchval(f"SELECT {heard}")
        if seen == before:
            return
        await market.until("SELECT pg_sleep(1) IS NOT NULL")


async def snapshot(market: Market) -> dict[str, str]:
    """A digest of each table that holds what people did; only the inboxes note what was refused."""
    tables = await market.database.fetch(
        "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables"
        " WHERE table_schema = ANY ($1) AND table_type = 'BASE TABLE'"
        " AND table_name NOT IN ('inbox', 'outbox')",
        SERVICES,
    )
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, md5(string_agg(md5(one::text), '' ORDER BY md5(one::text)))"
        f" AS digest FROM {name} AS one"
        for (name,) in tables
    )
    return {row["name"]: row["digest"] for row in await market.database.fetch(query)}
