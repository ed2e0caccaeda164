"""A desk at a venue of its own, on real books: two parties, an instrument, terms, and what the venue and people say."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg

from services.kernel.actors import Actor
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import inbox
from services.runtime.consumer import Done, Verdict
from services.runtime.deliveries import Delivery
from services.runtime.messages import Command, Event
from services.runtime.postgres import Pool, Transaction
from services.settlement import day_end, days, waiting
from services.settlement.bank import bank_work
from services.settlement.capture import capture_work
from services.settlement.handlers import SERVICE
from services.settlement.messages.market import (
    ClearGap,
    ConfirmDay,
    MarketTerms,
    MethodTerms,
    OpenVenue,
    SetMarketTerms,
)
from services.tools.auditor import invariants
from tests.conftest import Database
from tests.handlers import deliveries

PATIENCE = timedelta(seconds=60)
REGISTRAR = Actor("registrar-1", None, frozenset({"registrar", "historian"}))
_numbers = count(1)

Work = Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]


@dataclass
class Desk:
    """One venue and what happens there; names are new for each, so that desks share a database."""

    pool: Pool
    name: str = field(default_factory=lambda: f"DESK-{next(_numbers)}")
    work: Work = field(init=False)

    def __post_init__(self) -> None:
        self.work = capture_work(self.pool, PATIENCE)

    @property
    def seller(self) -> str:
        return f"{self.name}-S"

    @property
    def buyer(self) -> str:
        return f"{self.name}-B"

    @property
    def fees(self) -> str:
        return f"{self.name}-F"

    async def furnish(self, *, tonnes: int = 10_000, fen: int = 10**9, **terms: Any) -> None:
        """The venue, its programme and parties; the seller's credits lie there, and the buyer's cash."""
        programme = ProgrammeRegistered(
            code=self.name, name=self.name, country="CN", kind="NATIONAL", is_ets_eligible=True
        )
        issued = deliveries.batch(self.name, self.seller, programme=self.name, tonnes=tonnes)
        accounts = [deliveries.account(one) for one in (self.seller, self.buyer, self.fees)]
        await self.learn(programme, *(said for pair in accounts for said in pair), issued)
        await self.act(OpenVenue(code=self.name, name=self.name))
        await self.act(SetMarketTerms(terms=self.terms(**terms)))
        await self.list_instrument(tonnes)
        await self.deposit(self.buyer, fen)

    def terms(self, **changed: Any) -> MarketTerms:
        """Terms under which anything goes and is held for the end of the day, but for the changes."""
        wanted: dict[str, Any] = {
            "venue": self.name,
            "programme": self.name,
            "valid_from": date(2020, 1, 1),
            "cycle": "DAY_END",
            "methods": (MethodTerms(method="LISTING"),),
            "calendar": "EVERY_DAY",
            "gap_trading_days": 0,
            "listing_trading_days": 0,
        }
        return MarketTerms(**wanted | changed)

    async def list_instrument(self, tonnes: int, account: str | None = None) -> None:
        """The instrument is listed since long ago, and the account's credits lie at the venue."""
        holder = account or self.seller
        await self.pool.execute(
            "INSERT INTO instrument (venue, project, vintage, programme, listed_on)"
            " VALUES ($1, $1, 2024, $1, '2020-01-01') ON CONFLICT DO NOTHING",
            self.name,
        )
        await self.pool.execute(
            "WITH moved AS (UPDATE holding SET bucket = 'exchange', venue = $2 WHERE account = $1"
            " AND bucket = 'registry' RETURNING *)"
            " INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account,"
            " from_bucket, to_account, to_bucket, to_venue, effective_at, recorded_at)"
            " SELECT 'move/' || batch_id, batch_id, first_serial, next_serial, account, 'registry',"
            " account, 'exchange', $2, now(), now() FROM moved",
            holder,
            self.name,
        )

    async def learn(self, *events: Event) -> None:
        """Settlement hears of these."""
        verdicts = await inbox.events_work(SERVICE, self.pool)(
            [deliveries.event(said) for said in events]
        )
        assert list(verdicts) == [Done()] * len(events)

    async def act(self, command: Command, actor: Actor = REGISTRAR) -> Sequence[Event]:
        """A command is carried out, approved by a second person."""
        handler = SERVICE.commands[type(command)]
        now = datetime.now(UTC)
        async with self.pool.acquire() as connection, connection.transaction():
            tx = Transaction(connection, "act", actor, now, now, approved_by="approver-1")
            return await handler(tx, command)

    async def deposit(self, account: str, fen: int) -> None:
        """The bank reports a deposit."""
        assert await bank_work(self.pool)([deliveries.cash(account, fen, venue=self.name)]) == [
            Done()
        ]

    async def withdraw(self, account: str, fen: int) -> None:
        """The bank reports a withdrawal, which may be rejected."""
        await bank_work(self.pool)([deliveries.cash(account, -fen, venue=self.name)])

    def trade(self, **changed: Any) -> dict[str, Any]:
        """A trade of one tonne for one yuan, executed on 2021-03-01."""
        return (
            deliveries.trade(
                venue=self.name,
                instrument={"project": self.name, "vintage": 2024},
                seller_account=self.seller,
                buyer_account=self.buyer,
                executed_at="2021-03-01T10:00:00+08:00",
            )
            | changed
        )

    def back(self, **changed: Any) -> dict[str, Any]:
        """The same the other way round."""
        return self.trade(seller_account=self.buyer, buyer_account=self.seller) | changed

    async def report(self, *trades: dict[str, Any]) -> None:
        """The venue reports trades, in one delivery of many."""
        reports = [deliveries.report(one, venue=self.name) for one in trades]
        assert list(await self.work(reports)) == [Done()] * len(trades)

    async def cancel(self, trade: dict[str, Any]) -> None:
        """The venue takes a trade back."""
        wanted = {"venue": self.name, "trade_id": trade["trade_id"], "reason": "typing error"}
        await self.work([deliveries.report(wanted, kind="trade.cancelled", venue=self.name)])

    async def close(self, *trades: dict[str, Any], day: str = "2021-03-01") -> None:
        """The venue closes its day with the count of these trades."""
        fen = sum(one["quantity"] * round(float(one["price"]) * 100) for one in trades)
        closed = {
            "venue": self.name,
            "date": day,
            "trades": len(trades),
            "tonnes": sum(one["quantity"] for one in trades),
            "turnover_fen": fen,
        }
        await self.work([deliveries.report(closed, kind="venue.day_closed", venue=self.name)])

    async def confirm(self, day: str = "2021-03-01") -> None:
        """The registry confirms the day."""
        await self.act(ConfirmDay(venue=self.name, date=date.fromisoformat(day)))

    async def clear(self, day: str = "2021-03-01") -> None:
        """Two persons explain why the counts differed."""
        cleared = ClearGap(
            venue=self.name, date=date.fromisoformat(day), kind="TRADES", explanation="late report"
        )
        await self.act(cleared)

    async def sweep(self) -> None:
        """All that the sweep does until nothing is left to be done."""
        while await waiting.sweep(self.pool, PATIENCE):
            pass
        for work in (days.count_days, day_end.settle_confirmed):
            while await work(self.pool):
                pass

    async def states(self, *trades: dict[str, Any]) -> list[str | None]:
        """Where each of these trades is: its state, or the code of its rejection."""
        sql = (
            "SELECT coalesce(code, state) FROM trade WHERE venue = $1 AND trade_id = $2"
            " UNION ALL SELECT 'CAPTURED' FROM captured_trade WHERE venue = $1 AND trade_id = $2"
            " UNION ALL SELECT 'WAITING' FROM waiting_trade WHERE venue = $1 AND trade_id = $2"
        )
        return [await self.pool.fetchval(sql, self.name, one["trade_id"]) for one in trades]

    async def cash(self, account: str) -> tuple[int, int, int]:
        """What the account has at this venue, what of it is held, and what is expected."""
        found = await self.pool.fetchrow(
            "SELECT balance_fen, held_fen, pending_fen FROM cash_position"
            " WHERE account = $1 AND venue = $2",
            account,
            self.name,
        )
        return tuple(found) if found else (0, 0, 0)  # pyright: ignore[reportReturnType]

    async def tonnes(self, account: str, bucket: str = "exchange") -> int:
        """What the account holds in this bucket."""
        return await self.pool.fetchval(
            "SELECT coalesce(sum(next_serial - first_serial), 0)::bigint FROM holding"
            " WHERE account = $1 AND bucket = $2",
            account,
            bucket,
        )

    async def said(self, kind: str) -> list[dict[str, Any]]:
        """What was said of this kind about the venue."""
        found = await self.pool.fetch(
            "SELECT body::text FROM event WHERE type = $1 ORDER BY position", f"settlement.{kind}"
        )
        bodies = [json.loads(one["body"]) for one in found]
        return [body for body in bodies if body.get("venue") == self.name]

    async def broken(self) -> dict[str, list[Any]]:
        """The invariants that do not hold, with the rows that break them."""
        found = {
            name: [dict(row) for row in await self.pool.fetch(sql)]
            for name, sql in invariants("settlement").items()
            if name != "no_old_outbox"
        }
        return {
            name: rows for name, rows in found.items() if any(self.name in str(row) for row in rows)
        }


@asynccontextmanager
async def failing(
    scratch: Database, desk: Desk, written: str, condition: str
) -> AsyncIterator[None]:
    """Within, a row of which this is true is refused at the commit, after all others were written."""
    meant = condition.replace("SELLER", desk.seller).replace("BUYER", desk.buyer)
    admin = await asyncpg.connect(scratch.admin_url)
    await admin.execute("SET search_path = settlement")
    await admin.execute(
        "CREATE FUNCTION fail_leg() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE EXCEPTION ''a leg fails''; END'"
    )
    await admin.execute(
        f"CREATE CONSTRAINT TRIGGER failing_leg AFTER {written} DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW WHEN ({meant}) EXECUTE FUNCTION fail_leg()"
    )
    try:
        yield
    finally:
        await admin.execute("DROP FUNCTION fail_leg CASCADE")
        await admin.close()
