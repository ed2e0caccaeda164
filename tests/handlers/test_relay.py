"""The relay against a real database and a broker that stands in: what is committed is told, late or twice."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from services.kernel.actors import SYSTEM
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import outbox, relay
from services.runtime.messages import Event
from services.runtime.postgres import Connection, Pool, Transaction, opened_connection, opened_pool
from services.runtime.publishing import Outgoing, Publisher
from services.runtime.relay import Relay
from services.runtime.topology import is_listened
from services.settlement.messages.market import GapCleared, VenueHalted
from tests.conftest import Database

NOW = datetime(2026, 8, 20, 2, tzinfo=UTC)
HALTED = VenueHalted(venue="CBGEX", date=NOW.date(), kind="TRADES")


@dataclass
class Broker:
    """Keeps what is published, and confirms it unless it is told not to."""

    pool: Pool
    is_confirming: bool = True
    said: list[Outgoing] = field(default_factory=list)
    kept: int = 0
    """How many rows the outbox still had when the last message came."""

    async def publish_many(self, outgoings: Sequence[Outgoing]) -> list[BaseException | None]:
        self.kept = await self.pool.fetchval("SELECT count(*) FROM outbox")
        self.said += outgoings
        unsafe = None if self.is_confirming else TimeoutError("not confirmed in time")
        return [*([None] * (len(outgoings) - 1)), unsafe]

    def told(self) -> list[str]:
        """The codes of the programmes of which the broker was told, in its order."""
        return [one.body.decode().split('"code":"')[1].split('"')[0] for one in self.said]


@dataclass
class Teller:
    """The registry's relay, and what there is to tell."""

    pool: Pool
    connection: Connection
    broker: Broker
    relay: Relay

    async def relay_all(self) -> None:
        """Tells until nothing is left."""
        while await self.relay._relay_some(self.connection, cast("Publisher", self.broker)):
            pass

    async def write(self, connection: Connection, *codes: str) -> None:
        """A transaction has these to say."""
        tx = Transaction(connection, codes[0], SYSTEM, NOW, NOW)
        await outbox.enqueue(connection, await outbox.append(tx, [programme(c) for c in codes]))

    async def commit(self, *codes: str) -> None:
        """The same in a transaction of its own."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self.write(connection, *codes)

    async def left(self) -> int:
        """How many rows the outbox has."""
        return await self.pool.fetchval("SELECT count(*) FROM outbox")


@pytest.fixture
async def teller(scratch: Database) -> AsyncIterator[Teller]:
    url = scratch.url("registry")
    async with opened_pool(url, "registry", size=4) as pool:
        await pool.execute("DELETE FROM outbox; DELETE FROM inbox WHERE message_id LIKE 'A-%'")
        connection = await opened_connection(url, "registry")
        yield Teller(pool, connection, Broker(pool), Relay("registry", url, is_listened))
        await connection.close()


def programme(code: str) -> Event:
    return ProgrammeRegistered(
        code=code, name=code, country="CN", kind="NATIONAL", is_ets_eligible=True
    )


async def test_what_commits_late_is_told_although_later_rows_were_told_before(
    teller: Teller,
) -> None:
    """Rows are numbered when they are written, and seen when they are committed."""
    async with teller.pool.acquire() as slow, slow.transaction():
        await teller.write(slow, "R-SLOW")
        await teller.commit("R-QUICK")
        await teller.relay_all()
        assert teller.broker.told() == ["R-QUICK"]

    await teller.relay_all()

    assert teller.broker.told() == ["R-QUICK", "R-SLOW"]
    assert await teller.left() == 0


async def test_a_row_leaves_the_outbox_only_when_all_its_events_are_confirmed(
    teller: Teller,
) -> None:
    await teller.commit("R-A", "R-B", "R-C")
    teller.broker.is_confirming = False
    with pytest.raises(TimeoutError):
        await teller.relay_all()
    assert (teller.broker.kept, await teller.left()) == (1, 1)
    first, teller.broker.said = teller.broker.said, []
    teller.broker.is_confirming = True

    await teller.relay_all()

    assert (
        teller.broker.said == first
    )  # to the last byte, so that who has it already passes it over
    assert (teller.broker.kept, await teller.left()) == (1, 0)


async def test_events_that_a_service_listens_to_must_find_a_queue(teller: Teller) -> None:
    await teller.commit("R-MUST")
    await teller.relay_all()
    assert [one.mandatory for one in teller.broker.said] == [True]


async def test_one_relay_a_service_is_elected_and_another_when_it_has_gone(
    teller: Teller, scratch: Database
) -> None:
    second = await opened_connection(scratch.url("registry"), "registry")
    assert await teller.relay._is_elected(teller.connection)
    assert not await teller.relay._is_elected(second)

    await teller.connection.close()

    assert await teller.relay._is_elected(second)
    await second.close()


async def test_a_first_answer_is_kept_for_seven_days_at_least(teller: Teller) -> None:
    ages = {"young": timedelta(), "week": timedelta(days=7, hours=1), "old": timedelta(days=366)}
    for name, age in ages.items():
        await teller.pool.execute(
            "INSERT INTO inbox VALUES ('commands', $1, '', '', $2)",
            f"R-{name}",
            datetime.now(UTC) - age,
        )

    await teller.relay._prune_some(teller.connection)

    kept = await teller.pool.fetch("SELECT message_id FROM inbox WHERE message_id LIKE 'R-%'")
    assert {one["message_id"] for one in kept} == {"R-young", "R-week"}


async def aged(teller: Teller, number: int) -> None:
    """So many answers that are long out of date."""
    await teller.pool.execute(
        "INSERT INTO inbox SELECT 'commands', 'A-' || n, '', '', now() - interval '99 days'"
        " FROM generate_series(1, $1::int) AS n",
        number,
    )


async def old_answers(teller: Teller) -> int:
    return await teller.pool.fetchval("SELECT count(*) FROM inbox WHERE message_id LIKE 'A-%'")


async def test_old_answers_are_forgotten_in_portions_until_none_is_left(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_PRUNED_AT_ONCE", 10)
    await aged(teller, 25)
    left: list[int] = []
    for _ in range(4):
        await teller.relay._prune_some(teller.connection)
        left.append(await old_answers(teller))
    assert left == [15, 5, 0, 0]

    await aged(teller, 1)
    await teller.relay._prune_some(teller.connection)
    assert await old_answers(teller) == 1, "not looked for again at once"


async def test_a_portion_is_found_by_the_index(teller: Teller) -> None:
    plan = await teller.pool.fetch(f"EXPLAIN {outbox.sql['prune_inbox'].replace('$1', '10')}")
    assert any("inbox_received" in one[0] for one in plan)


async def test_pruning_that_fails_keeps_nothing_waiting(teller: Teller) -> None:
    await aged(teller, 1)
    await teller.connection.execute("SET lock_timeout = '50ms'")
    async with teller.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM inbox WHERE message_id LIKE 'A-%' FOR UPDATE")
        await teller.relay._prune_some(teller.connection)

    await teller.commit("R-SAID")
    await teller.relay_all()
    assert teller.broker.told() == ["R-SAID"]


def test_one_message_that_leads_to_two_events_of_a_subject_gives_them_two_ids() -> None:
    """A report is first captured and later settled: who has heard the one must not pass over the other."""
    tx = Transaction(cast("Connection", None), "report-1", SYSTEM, NOW, NOW)
    cleared = GapCleared(
        venue="CBGEX", date=NOW.date(), kind="TRADES", explanation="", is_halted=False
    )
    [[halted], [again], [other]] = [outbox.facts(tx, [one]) for one in (HALTED, HALTED, cleared)]
    assert HALTED.subject == cleared.subject
    assert halted.id == again.id != other.id
