"""The ledger as it runs, on a real database, against a model that knows only what was sent and what was told."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.postgres import Pool, opened_pool
from services.settlement.ledger import NotEnoughCredits
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue
from services.settlement.messages.retirements import RetireCredits
from tests.conftest import Database
from tests.handlers import deliveries
from tests.handlers.desk import Desk

FIRST = date(2021, 3, 1)
STEPS = 120


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    async with opened_pool(scratch.url("settlement"), "settlement", size=4) as opened:
        yield opened


@dataclass
class Model:
    """Numbers: what each party has in each bucket and in cash, and which trades are held."""

    fen: Counter[str] = field(default_factory=Counter)
    tonnes: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: list[dict[str, Any]] = field(default_factory=list)

    def free(self, account: str) -> int:
        return max(0, self.fen[account] - self.cost(account))

    def cost(self, account: str) -> int:
        return sum(_fen(one) for one in self.held if one["buyer_account"] == account)

    def proceeds(self, account: str) -> int:
        return sum(_fen(one) for one in self.held if one["seller_account"] == account)

    def spendable(self, account: str) -> int:
        return self.fen[account] + self.proceeds(account) - self.cost(account)

    def expect(self, trade: dict[str, Any], *, is_held: bool) -> str:
        """What must become of a trade; if it stands, its effect is taken over."""
        seller, buyer, quantity = (
            trade[name] for name in ("seller_account", "buyer_account", "quantity")
        )
        if quantity > self.tonnes[seller, "exchange"]:
            return "NOT_ENOUGH_CREDITS"
        if _fen(trade) > (self.spendable(buyer) if is_held else self.free(buyer)):
            return "NOT_ENOUGH_CASH"
        if is_held:
            self.put(seller, "exchange", seller, "reserved", quantity)
            self.held.append(trade)
            return "CAPTURED"
        self.put(seller, "exchange", buyer, "exchange", quantity)
        self.pay(trade)
        return "SETTLED"

    def put(self, giver: str, bucket: str, taker: str, target: str, tonnes: int) -> None:
        self.tonnes[giver, bucket] -= tonnes
        self.tonnes[taker, target] += tonnes

    def pay(self, trade: dict[str, Any]) -> None:
        self.fen[trade["buyer_account"]] -= _fen(trade)
        self.fen[trade["seller_account"]] += _fen(trade)

    def settle_all(self) -> None:
        for one in self.held:
            self.put(
                one["seller_account"], "reserved", one["buyer_account"], "exchange", one["quantity"]
            )
            self.pay(one)
        self.held = []

    def may_cancel(self, trade: dict[str, Any]) -> bool:
        seller, course = trade["seller_account"], self.fen[trade["seller_account"]]
        for one in self.held:
            if one is not trade:
                course += _fen(one) * (
                    (one["seller_account"] == seller) - (one["buyer_account"] == seller)
                )
                if course < 0:
                    return False
        return True


def _fen(trade: dict[str, Any]) -> int:
    return trade["quantity"] * int(trade["price"]) * 100


@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_is_sent_in_whatever_order_the_ledger_says_what_the_model_says(
    pool: Pool, seed: int, cycle: str
) -> None:
    run = Run(Desk(pool), random.Random(seed), is_held=cycle == "DAY_END")
    await run.begin(cycle)
    for _ in range(STEPS):
        await run.step()
    await run.end_day()
    await run.compare()
    assert min(run.done.values()) > 0, run.done
    assert await run.desk.broken() == {}


class Run:
    """One random course: what happens, and what the model makes of it."""

    def __init__(self, desk: Desk, chance: random.Random, *, is_held: bool) -> None:
        self.desk, self.chance, self.is_held = desk, chance, is_held
        self.model, self.day, self.of_day = Model(), FIRST, list[dict[str, Any]]()
        kinds = ["SETTLED", "NOT_ENOUGH_CREDITS", "NOT_ENOUGH_CASH", "moved", "used"]
        kinds += ["CANCELLED_BY_VENUE"] if is_held else []
        self.done: Counter[str] = Counter(dict.fromkeys(kinds, 0))

    async def begin(self, cycle: str) -> None:
        await self.desk.furnish(tonnes=120, fen=40_000, cycle=cycle)
        self.parties = [self.desk.seller, self.desk.buyer]
        self.model.tonnes[self.desk.seller, "exchange"] = 120
        self.model.fen[self.desk.buyer] = 40_000
        self.batches = 1

    async def step(self) -> None:
        acts = [self.trade, self.trade, self.trade, self.bank, self.move, self.use, self.issue]
        if self.is_held:
            acts += [self.cancel, self.cancel, self.end_day]
        await self.chance.choice(acts)()

    async def trade(self) -> None:
        """Some trades in one delivery, each of which the model expects to end in one way."""
        trades = [self._trade() for _ in range(self.chance.randint(1, 5))]
        expected = [self.model.expect(one, is_held=self.is_held) for one in trades]
        await self.desk.report(*trades, *self.chance.sample(trades, 1))
        assert await self.desk.states(*trades) == expected
        self.done.update(expected)
        self.of_day += [
            one for one, state in zip(trades, expected, strict=True) if state == "CAPTURED"
        ]

    def _trade(self) -> dict[str, Any]:
        at = f"{self.day}T10:00:00+08:00"
        changed = {"quantity": self.chance.randint(1, 40), "price": str(self.chance.randint(1, 5))}
        sides = self.chance.choice([self.desk.trade, self.desk.trade, self.desk.back])
        return sides(executed_at=at, **changed)

    async def cancel(self) -> None:
        if not self.model.held:
            return
        trade = self.chance.choice(self.model.held)
        may = self.model.may_cancel(trade)
        await self.desk.cancel(trade)
        expected = "CANCELLED_BY_VENUE" if may else "CAPTURED"
        assert await self.desk.states(trade) == [expected]
        self.done[expected] += 1
        if may:
            self.model.held.remove(trade)
            self.of_day.remove(trade)
            self.model.put(
                trade["seller_account"],
                "reserved",
                trade["seller_account"],
                "exchange",
                trade["quantity"],
            )

    async def end_day(self) -> None:
        """Closed and confirmed: all that is held settles, and the next day begins."""
        if self.is_held:
            await self.desk.close(*self.of_day, day=str(self.day))
            await self.desk.confirm(str(self.day))
            await self.desk.sweep()
            assert set(await self.desk.states(*self.of_day)) <= {"SETTLED"}
            self.done["SETTLED"] += len(self.of_day)
            self.model.settle_all()
            self.of_day = []
            self.day += timedelta(days=1)
        await self.compare()

    async def bank(self) -> None:
        account, fen = self.chance.choice(self.parties), self.chance.randint(1, 9_000)
        if self.chance.random() < 0.6:
            await self.desk.withdraw(account, fen)
            self.model.fen[account] -= fen * (fen <= self.model.free(account))
        else:
            await self.desk.deposit(account, fen)
            self.model.fen[account] += fen

    async def move(self) -> None:
        """To the venue or back, or refused."""
        account, tonnes = self.chance.choice(self.parties), self.chance.randint(1, 60)
        kind, source, target = self.chance.choice(
            [(MoveToVenue, "registry", "exchange"), (MoveFromVenue, "exchange", "registry")]
        )
        command = kind(
            move_id=new_id(),
            account=account,
            venue=self.desk.name,
            project=self.desk.name,
            vintage=2024,
            tonnes=tonnes,
        )
        is_there = tonnes <= self.model.tonnes[account, source]
        assert await self._acts(command, account) == is_there
        if is_there:
            self.model.put(account, source, account, target, tonnes)
            self.done["moved"] += 1

    async def use(self) -> None:
        account, tonnes = self.chance.choice(self.parties), self.chance.randint(1, 10)
        command = RetireCredits(
            retirement_id=new_id(),
            account=account,
            project=self.desk.name,
            vintage=2024,
            tonnes=tonnes,
            purpose="ENTERPRISE_OFFSET",
            beneficiary_name="B",
            beneficiary_id="B",
            beneficiary_country="CN",
            reporting_period="2025",
            reason="own emissions",
        )
        is_there = tonnes <= self.model.tonnes[account, "registry"]
        assert await self._acts(command, account) == is_there
        if is_there:
            self.model.put(account, "registry", account, "retired", tonnes)
            self.done["used"] += 1

    async def issue(self) -> None:
        self.batches += 1
        account, tonnes = self.chance.choice(self.parties), self.chance.randint(1, 30)
        issued = deliveries.batch(self.desk.name, account, self.batches, self.desk.name, tonnes)
        await self.desk.learn(issued)
        self.model.tonnes[account, "registry"] += tonnes

    async def _acts(self, command: Any, account: str) -> bool:
        organisation: UUID = await self.desk.pool.fetchval(
            "SELECT organisation_id FROM account WHERE number = $1", account
        )
        owner = Actor("owner", organisation, frozenset({"owner-operator"}))
        try:
            await self.desk.act(command, owner)
        except NotEnoughCredits:
            return False
        return True

    async def compare(self) -> None:
        """What is on record is what the model says, tonne by tonne and fen by fen."""
        for account in self.parties:
            for bucket in ("registry", "exchange", "reserved", "retired"):
                found = await self.desk.tonnes(account, bucket)
                assert found == self.model.tonnes[account, bucket], (account, bucket)
            held, pending = self.model.cost(account), self.model.proceeds(account)
            cash = await self.desk.cash(account)
            assert cash == (self.model.fen[account], held, pending)
        await self._compare_told()

    async def _compare_told(self) -> None:
        """Who was told to have got which serials by trades holds them, or has given them on: never twice at once."""
        holder: dict[tuple[str, int], str] = {}
        for told in await self.desk.said("trade.settled"):
            for one in told["ranges"]:
                for serial in range(one["first_serial"], one["last_serial"] + 1):
                    key = one["batch_id"], serial
                    before = holder.get(key)
                    assert before in (None, told["seller_account"])
                    holder[key] = told["buyer_account"]
        rows = await self.desk.pool.fetch(
            "SELECT h.batch_id, h.first_serial, h.next_serial, h.account"
            " FROM holding h JOIN batch b USING (batch_id) WHERE b.project = $1",
            self.desk.name,
        )
        found = {
            (str(row["batch_id"]), serial): row["account"]
            for row in rows
            for serial in range(row["first_serial"], row["next_serial"])
        }
        assert {key: found[key] for key in holder} == holder
        assert len(found) == sum(self.model.tonnes.values())
