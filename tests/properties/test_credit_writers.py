"""Fifty who write at once to one account and one batch: trades, freezes, uses, offsets; and nothing is lost."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.issuance.messages.batches import CreditsIssued
from services.issuance.messages.compliance import ObligationSet
from services.issuance.messages.reductions import ReductionsRevoked
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Command
from services.runtime.postgres import opened_pool
from services.settlement.messages.freezes import (
    EnforceTransfer,
    FreezeCredits,
    ReleaseFreeze,
    Span,
)
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue
from services.settlement.messages.market import OpenDay
from services.settlement.messages.retirements import CancelCredits, RetireCredits
from tests.conftest import Database, new_database
from tests.handlers.desk import REGISTRAR
from tests.properties.credit_market import SHA
from tests.properties.credit_orders import ORDER
from tests.properties.credit_world import START, World

WRITERS, ACTS, TONNES, CAP = 50, 4, 6_000, 300
PATIENT = {"lock_timeout": "60s", "statement_timeout": "60s"}
KINDS = "trade back freeze freeze freeze use offset offset cancel move revoke enforce tell open_day".split()
EXPECTED = {
    "NOT_ENOUGH_CREDITS", "SERIAL_NOT_FREE", "OFFSET_CAP_EXCEEDED", "FREEZE_HOLDS_NOTHING",
}  # fmt: skip
"""Why somebody came too late."""


@pytest.fixture(scope="module")
async def world(database: Database) -> AsyncIterator[World]:
    """A database with one batch that one account holds, half of it at a venue; as many connections as writers."""
    async with new_database(database) as fresh, AsyncExitStack() as pools:
        sizes = {"settlement": WRITERS, "issuance": 2}
        opened = {
            service: await pools.enter_async_context(
                opened_pool(fresh.url(service), service, size, PATIENT)
            )
            for service, size in sizes.items()
        }
        made = World(opened)
        await made.furnish()
        yield made


class Writers:
    """What each of them does, and what became of it."""

    def __init__(self, world: World, batch_id: UUID) -> None:
        self.world, self.batch_id = world, batch_id
        self.told: Counter[str] = Counter()
        """Tonnes by what became of them."""
        self.refused: Counter[str] = Counter()
        self.clock = asyncio.Lock()

    async def write(self, number: int) -> None:
        """One writer: a few acts of one kind, one after the other."""
        chance = random.Random(number)
        for _ in range(ACTS):
            await getattr(self, KINDS[number % len(KINDS)])(chance)

    async def does(self, kind: str, tonnes: int, command: Command, actor: Actor) -> bool:
        """Whether it took effect; what is refused is refused for lack of something, and for nothing else."""
        code, _ = await self.world.attempt(self.world.act(command, actor))
        assert code is None or code in EXPECTED, (kind, code)
        self.told[kind] += tonnes if code is None else 0
        self.refused[code or "no"] += 1
        return code is None

    def what(self, tonnes: int) -> dict[str, Any]:
        return {"account": self.world.full("E"), "tonnes": tonnes, **self.world.of("N1")}

    async def trade(self, chance: random.Random) -> None:
        await self._trade("trade", "E", "B", chance)

    async def back(self, chance: random.Random) -> None:
        await self._trade("back", "B", "E", chance)

    async def _trade(self, kind: str, seller: str, buyer: str, chance: random.Random) -> None:
        tonnes, desk = chance.randint(1, 60), self.world.desks["I"]
        report = self.world.report("I", "N1", seller, buyer, tonnes, 1)
        await desk.report(report)
        (state,) = await desk.states(report)
        assert state == "SETTLED" or state in EXPECTED
        self.told[kind] += tonnes * (state == "SETTLED")

    async def move(self, chance: random.Random) -> None:
        kind = chance.choice([MoveToVenue, MoveFromVenue])
        tonnes = chance.randint(1, 200)
        command = kind(move_id=new_id(), venue=self.world.full("I"), **self.what(tonnes))
        await self.does("move", tonnes, command, self.world.owner("E"))

    async def freeze(self, chance: random.Random) -> None:
        """Serials are frozen, and then released, cancelled, given to another, or kept."""
        first, tonnes = chance.randint(1, TONNES - 50), chance.randint(1, 50)
        span = Span(batch_id=self.batch_id, first_serial=first, last_serial=first + tonnes - 1)
        command = FreezeCredits(
            freeze_id=new_id(), account=self.world.full("E"), spans=(span,), **ORDER
        )
        if not await self.does("freeze", tonnes, command, REGISTRAR):
            return
        end = chance.choice(["release", "cancel", "enforce", "keep"])
        if end == "release":
            release = ReleaseFreeze(freeze_id=command.freeze_id, document_sha256=SHA, reason="paid")
            await self.does("release", tonnes, release, REGISTRAR)
        elif end == "cancel":
            await self._cancel("cancel_frozen", tonnes, freeze_id=command.freeze_id)
        elif end == "enforce":
            await self._enforce("enforce_frozen", tonnes, {"freeze_id": command.freeze_id})

    async def cancel(self, chance: random.Random) -> None:
        await self._cancel("cancel", chance.randint(1, 30))

    async def _cancel(self, kind: str, tonnes: int, **more: Any) -> None:
        command = CancelCredits(
            retirement_id=new_id(),
            purpose="FORCED",
            document_sha256=SHA,
            reason="as ordered",
            **self.what(tonnes),
            **more,
        )
        await self.does(kind, tonnes, command, REGISTRAR)

    async def enforce(self, chance: random.Random) -> None:
        given = self.what(chance.randint(1, 30))
        given.pop("account")
        await self._enforce("enforce", given["tonnes"], given)

    async def _enforce(self, kind: str, tonnes: int, what: dict[str, Any]) -> None:
        command = EnforceTransfer(
            transfer_id=new_id(),
            from_account=self.world.full("E"),
            to_account=self.world.full("B"),
            ground="ENFORCEMENT",
            document_sha256=SHA,
            reason="judgment",
            **what,
        )
        await self.does(kind, tonnes, command, REGISTRAR)

    async def use(self, chance: random.Random) -> None:
        await self._use("use", chance.randint(1, 30), "EVENT_NEUTRALITY")

    async def offset(self, chance: random.Random) -> None:
        await self._use("offset", chance.randint(5, 30), "ETS_OFFSET_NATIONAL")

    async def _use(self, kind: str, tonnes: int, purpose: str) -> None:
        command = RetireCredits(
            retirement_id=new_id(),
            purpose=purpose,
            beneficiary_name="Power Station",
            beneficiary_id="91110000000000000A",
            beneficiary_country="CN",
            reporting_period="2020",
            reason="emissions",
            **self.what(tonnes),
        )
        await self.does(kind, tonnes, command, self.world.owner("E"))

    async def revoke(self, chance: random.Random) -> None:
        """False reductions are answered at once by whatever the account has."""
        tonnes = chance.randint(1, 30)
        event = ReductionsRevoked(
            reduction_id=new_id(),
            report_id=None,
            batch_id=self.batch_id,
            owner_account=self.world.full("E"),
            tonnes=tonnes,
            reason="falsified",
            **self.world.of("N1"),
        )
        await self.world.learn(event, "settlement")
        self.told["revoke"] += tonnes

    async def tell(self, chance: random.Random) -> None:
        """Issuance says again what is due, in versions that come in any order."""
        version = chance.randint(2, 100)
        await self.world.learn(_owed(self.world, version), "settlement")
        self.told["tell"] += 1

    async def open_day(self, chance: random.Random) -> None:
        """There is one clock: a day is not told twice at once."""
        async with self.clock:
            await self.does("open_day", 1, OpenDay(date=self.world.today), REGISTRAR)


async def test_fifty_concurrent_writers_of_one_account_and_one_batch_lose_nothing(
    world: World,
) -> None:
    """What everyone was told adds up to what is on record; any deadlock would be an error of the one who met it."""
    writers = Writers(world, await _furnish(world))
    await writers.trade(random.Random(0))  # from now on it is this process that settles trades

    await asyncio.gather(*(writers.write(number) for number in range(WRITERS)))

    told, places = writers.told, Counter((await world.places()).values())
    assert places.total() == TONNES
    frozen = told["freeze"] - told["release"] - told["cancel_frozen"] - told["enforce_frozen"]
    retired = told["use"] + told["offset"]
    cancelled = told["cancel"] + told["cancel_frozen"] + told["revoke"]
    given = told["enforce"] + told["enforce_frozen"]
    sold = told["trade"] - told["back"]
    free = places["E", "registry", ""] + places["E", "exchange", "I"]
    assert [
        free,
        places["E", "frozen", ""],
        places["E", "retired", ""],
        places["E", "cancelled", ""],
        places["B", "registry", ""],
        places["B", "exchange", "I"],
    ] == [
        TONNES - frozen - retired - cancelled - given - sold,
        frozen,
        retired,
        cancelled,
        given,
        sold,
    ]
    assert CAP - 30 < told["offset"] <= CAP
    assert await world.obligations() == {"E": ("PARTIAL", 10_000, CAP, 0, told["offset"])}
    assert min(told.values()) > 0, told
    assert writers.refused["OFFSET_CAP_EXCEEDED"] > 0
    assert await world.broken() == {}


async def _furnish(world: World) -> UUID:
    """One batch, which came from another owner, half of it at the venue; what is owed, and cash."""
    batch = CreditsIssued(
        **world.of("N1"),
        batch_id=new_id(),
        programme=world.full("N"),
        country="CN",
        batch_number=1,
        first_serial=1,
        last_serial=TONNES,
        tonnes=TONNES,
        holder_account=world.full("S"),
        serials="-",
        is_opening=False,
        registered_on=date(2021, 6, 1),
    )
    world.born(batch.batch_id)
    for event in (batch, _owed(world, 1)):
        await world.learn(event, "settlement")
    title = EnforceTransfer(
        transfer_id=new_id(),
        from_account=world.full("S"),
        to_account=world.full("E"),
        ground="INHERITANCE",
        document_sha256=SHA,
        reason="bought",
        tonnes=TONNES,
        **world.of("N1"),
    )
    await world.act(title, REGISTRAR)
    desk, owner = world.desks["I"], world.owner("E")
    moving = MoveToVenue(
        move_id=new_id(),
        account=world.full("E"),
        venue=desk.name,
        tonnes=TONNES // 2,
        **world.of("N1"),
    )
    await world.act(moving, owner)
    for account in "EB":
        await desk.deposit(world.full(account), 10**8)
    return batch.batch_id


def _owed(world: World, version: int) -> ObligationSet:
    return ObligationSet(
        compliance_id=UUID(int=1),
        account=world.full("E"),
        organisation_id=world.organisations["E"],
        emission_year=2020,
        due=10_000,
        offset_max=CAP,
        deadline=START + timedelta(days=90),
        allowance_vintages=(2020, 2021),
        credits_registered_after=date(2021, 1, 1),
        plan="PLAN",
        is_draft=True,
        version=version,
    )
