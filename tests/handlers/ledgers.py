"""A ledger written by hand for tests of what is read: organisations, accounts, batches, entries and trades."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.runtime.postgres import Connection

ALPHA, BETA, GAMMA = UUID(int=1), UUID(int=2), UUID(int=3)
ACCOUNTS = {"ACC-A1": ALPHA, "ACC-A2": ALPHA, "ACC-B": BETA, "ACC-C": GAMMA}
PROJECTS = ("WIND", "SUN", "WOOD")
VENUES = ("CBGEX", "HZ-PILOT", "ABSENT")
START = datetime(2026, 3, 2, 2, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after the ledger began."""
    return START + timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads."""

    subject: str = "somebody"
    organisation: UUID | None = None
    roles: Sequence[str] = ()


REGISTRAR = Viewer("a.registrar", None, ("registrar",))


@dataclass(frozen=True, slots=True)
class Ledger:
    """A connection on which everything is undone at the end, and what stands in it."""

    connection: Connection

    async def read(self, function: str, viewer: Viewer, *given: object) -> list[asyncpg.Record]:
        """The rows of a published function, asked with the gateway's rights."""
        asked = [viewer.subject, viewer.organisation, list(viewer.roles), *given]
        places = ", ".join(f"${place}" for place in range(1, len(asked) + 1))
        await self.connection.execute("SET LOCAL ROLE tonne_gateway")
        found = await self.connection.fetch(
            f"SELECT * FROM settlement_read.{function}({places})", *asked
        )
        await self.connection.execute("RESET ROLE")
        return found

    async def blocks(self, function: str, viewer: Viewer, *given: object) -> int:
        """How many blocks of the database a published function reads, the second time."""
        asked = [viewer.subject, viewer.organisation, list(viewer.roles), *given]
        places = ", ".join(f"${place}" for place in range(1, len(asked) + 1))
        sql = f"SELECT * FROM settlement_read.{function}({places})"
        await self.connection.fetch(sql, *asked)
        explained = await self.connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *asked
        )
        plan = json.loads(explained)[0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    async def furnish(self) -> None:
        """Venues, a programme, accounts, and a batch of each project."""
        await self.connection.execute(
            "INSERT INTO venue (code, name) SELECT code, code FROM unnest($1::text[]) AS new (code)",
            VENUES[:2],
        )
        await self.connection.execute("INSERT INTO programme VALUES ('CCER', 'NATIONAL', true)")
        for number, organisation in ACCOUNTS.items():
            await self.connection.execute(
                "INSERT INTO account (number, account_id, organisation_id, kind)"
                " VALUES ($1, gen_random_uuid(), $2, 'TRADER')",
                number,
                organisation,
            )
        for place, project in enumerate(PROJECTS):
            await self.connection.execute(
                "INSERT INTO batch VALUES ($1, 'CCER', 'CN', $2, 2024, 1, 1, 1000000001, false, $3)",
                UUID(int=100 + place),
                project,
                START,
            )

    async def credit(
        self, source: Any, target: Any, tonnes: int, effective: datetime, recorded: datetime
    ) -> None:
        """An entry between two (account, bucket, venue), of the first project's credits."""
        await self.connection.execute(
            "INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account,"
            " from_bucket, from_venue, to_account, to_bucket, to_venue, effective_at, recorded_at)"
            " VALUES ('test/1', $1, 1, 1 + $2::bigint, $3, $4, $5, $6, $7, $8, $9, $10)",
            UUID(int=100),
            tonnes,
            *(source or (None, None, None)),
            *target,
            effective,
            recorded,
        )

    async def pay(
        self,
        payer: str | None,
        payee: str | None,
        fen: int,
        effective: datetime,
        recorded: datetime,
    ) -> None:
        """An entry of cash at the first venue."""
        await self.connection.execute(
            "INSERT INTO cash_entry (posting, venue, currency, from_account, to_account, amount_fen,"
            " effective_at, recorded_at) VALUES ('test/1', 'CBGEX', 'CNY', $1, $2, $3, $4, $5)",
            payer,
            payee,
            fen,
            effective,
            recorded,
        )

    async def trade(self, first: int, last: int) -> None:
        """Trades of these numbers, spread over venues, projects and accounts, several at each instant."""
        await self.connection.execute(
            """
            INSERT INTO trade (venue, trade_id, digest, state, method, programme, project, vintage, seller_account,
                buyer_account, quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen, executed_at,
                traded_on, recorded_at, code)
            SELECT ($3::text[])[1 + h1 % 3], 'T-' || n, '\\x00',
                CASE WHEN h2 % 7 = 0 THEN 'REJECTED' ELSE 'SETTLED' END,
                'LISTING', 'CCER', ($4::text[])[1 + h3 % 3], 2024, ($5::text[])[1 + h4 % 4],
                ($5::text[])[1 + (h4 + 1 + h2 % 3) % 4], 1, 1, 'CNY', 1, 0, 0,
                $6::timestamptz + make_interval(mins => n / 3), '2026-03-02', now(), CASE WHEN h2 % 7 = 0 THEN 'X' END
            FROM generate_series($1::int, $2::int) AS n
            CROSS JOIN LATERAL (
                SELECT abs(hashint4(n)), abs(hashint4(n + 7)), abs(hashint4(-n)), abs(hashint4(n + 99))
            ) AS hashed (h1, h2, h3, h4)
            """,
            first,
            last,
            VENUES,
            PROJECTS,
            list(ACCOUNTS),
            START,
        )

    async def capture(self, first: int, last: int) -> None:
        """Captured trades of these numbers."""
        await self.connection.execute(
            """
            INSERT INTO captured_trade (venue, trade_id, digest, causation_id, method, programme, project, vintage,
                seller_account, buyer_account, quantity, price_fen, currency, amount_fen, seller_fee_fen, buyer_fee_fen,
                executed_at, traded_on, captured_at)
            SELECT ($3::text[])[1 + n % 2], 'C-' || n, '\\x00', '', 'LISTING', 'CCER', ($4::text[])[1 + n % 3], 2024,
                ($5::text[])[1 + n % 4], ($5::text[])[1 + (n + 1) % 4], 1, 1, 'CNY', 1, 0, 0,
                $6::timestamptz + make_interval(mins => n / 3), '2026-03-02', now()
            FROM generate_series($1::int, $2::int) AS n
            """,
            first,
            last,
            VENUES,
            PROJECTS,
            list(ACCOUNTS),
            START,
        )
