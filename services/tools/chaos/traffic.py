"""Traffic: what venues, the bank, owners and registrars do all the while, with outcomes known beforehand."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any

from services.tools.chaos.asking import Asker, as_far_as_answered
from services.tools.chaos.bank import Bank
from services.tools.chaos.buying import Buying
from services.tools.chaos.ears import Ears
from services.tools.chaos.emitters import Emitters
from services.tools.chaos.freezers import Freezers
from services.tools.chaos.people import People
from services.tools.chaos.pipes import Pipes, body_of
from services.tools.chaos.poison import doses
from services.tools.chaos.purses import Purses
from services.tools.chaos.sent import RECONCILED, Ask, Message, Poison, Sent
from services.tools.chaos.trades import Traded, Venues, subject_in
from services.tools.chaos.uses import Uses
from services.tools.chaos.world import BATCH_TONNES, MARKETS, World

CASH_FEN = 10_000_000_000
_CHUNK = 8
_PAUSE_SECONDS = 0.08
_BANK_SHARE = 0.06
_REPEATED = frozenset(
    {
        "moveToVenue",
        "moveFromVenue",
        "retireCredits",
        "cancelCredits",
        "freezeAccount",
        "freezeCredits",
        "releaseFreeze",
        "requestConversion",
        "verifyEmissions",
        "issueCredits",
        "approve",
        "refuse",
    }
)
_REPEATED_AFTER = 12
"""So many of a round's commands come again when the fault is over."""


@dataclass
class Traffic:
    """Everything that comes from outside."""

    world: World
    asker: Asker
    prober: Asker
    """At a desk of its own, where it waits for nobody."""
    pipes: Pipes
    purses: Purses
    venues: Venues
    bank: Bank
    people: People
    uses: Uses
    emitters: Emitters
    freezers: Freezers
    sent: Sent
    random: Random
    ears: Ears
    resent: int = 0
    _probes: "count[int]" = field(default_factory=lambda: count(1))

    @classmethod
    def of(
        cls,
        world: World,
        asker: Asker,
        prober: Asker,
        pipes: Pipes,
        ears: Ears,
        sent: Sent,
        random: Random,
    ) -> "Traffic":
        """Traffic in this world; whoever sends, sends from the same purses."""
        suspect, debtor = world.stopped
        alone = suspect, debtor, *(one.party for one in world.emitters)
        purses = Purses(apart={one.number for one in alone})
        venues = Venues(world, purses, sent, random)
        bank = Bank(world, purses, sent, random)
        people = People(world, asker, purses, venues, random)
        uses = Uses(world, asker, purses, random)
        buying = Buying(world, asker, purses, venues, people, pipes, ears, random)
        return cls(
            world=world,
            asker=asker,
            prober=prober,
            pipes=pipes,
            purses=purses,
            venues=venues,
            bank=bank,
            people=people,
            uses=uses,
            emitters=Emitters(buying, uses),
            freezers=Freezers(buying, uses, suspect, debtor),
            sent=sent,
            random=random,
            ears=ears,
        )

    async def endow(self) -> None:
        """Credits to the owners, cash to the traders; half of the credits go to the venue."""
        issued = await asyncio.gather(
            *(self.people.issue(o, BATCH_TONNES) for o in self.world.owned)
        )
        venues = {instrument.venue for instrument in issued}
        buyers = [*self.world.traders, *map(self.world.party_of, sorted(self.purses.apart))]
        paid = [self.bank.deposit(b.number, v, CASH_FEN) for v in sorted(venues) for b in buyers]
        await self.pipes.send(paid)

    async def move_in(self) -> None:
        """Once the credits have arrived."""
        moves = [
            self.people.move(stock, held // 2, "moveToVenue")
            for stock, held in sorted(self.purses.in_registry.items())
        ]
        await asyncio.gather(*moves)

    def settle(self) -> None:
        """Nothing is on its way any more."""
        self.purses.settle()
        self.venues.settle()

    async def flow(self, messages: int) -> None:
        """One round's traffic: venues and bank in their order, and people with their commands beside."""
        lanes = [
            self._day_end(*self.venues.turn()),
            self.people.owners(),
            self.people.registrars(),
            self.uses.retirers(),
            self.uses.rule_breakers(),
            self.uses.cancellers(),
            self.uses.converters(),
            self.freezers.accounts(),
            self.freezers.serials(),
            self.emitters.pay_some(),
            self._repeaters(),
        ]
        async with asyncio.TaskGroup() as group:
            for lane in (self._reports(messages), *lanes):
                group.create_task(as_far_as_answered(lane))

    async def finish(self) -> None:
        """The last day ends too."""
        await as_far_as_answered(self._day_end(*self.venues.turn()))

    async def _day_end(self, day: date, held: Sequence[Traded]) -> None:
        """The venues close the day that is over; where their count agrees, the registry confirms it."""
        await self.pipes.send(self.venues.closed(day, held))
        self.venues.confirmed(held)
        for market in MARKETS:
            subject = f"day/{market.venue}/{day}"
            if market.is_day_end and await self.ears.is_told(subject, RECONCILED):
                given: dict[str, Any] = {"venue": market.venue, "date": day.isoformat()}
                await self.asker.ask("confirmDay", self.world.registrar, **given)

    async def _reports(self, messages: int) -> None:
        """In chunks, so that it takes a while."""
        waiting: list[Message] = []
        done = 0
        while done < messages:
            some = [self.bank.some()] if self.random.random() < _BANK_SHARE else self.venues.some()
            done += len(some)
            waiting += some
            if len(waiting) >= _CHUNK or done >= messages:
                await self.pipes.send(waiting)
                waiting = []
                await asyncio.sleep(_PAUSE_SECONDS)
        await self._contradict_bank()

    async def _contradict_bank(self) -> None:
        """A known bank reference with another amount is nobody's order: it lies among the dead letters."""
        booked = next(one for one in self.sent.messages if one.user == "bank")
        changed = self.bank.contradicted(booked, self.random.randint(1, 10**9))
        digest = sha256(body_of(changed)).hexdigest()
        self.sent.poison.append(Poison("settlement.bank.dead", digest))
        await self.pipes.send([changed])

    async def _repeaters(self) -> None:
        """Commands of earlier rounds are sent again, some of them with other content."""
        asks = self._answered()
        await self._again(self.random.sample(asks, min(6, len(asks))))
        changeable = [ask for ask in asks if _otherwise(ask)]
        for ask in self.random.sample(changeable, min(2, len(changeable))):
            await self.asker.contradict(ask, **_otherwise(ask))

    async def repeat_after(self) -> None:
        """Once the fault is over: the latest commands again, of which the dead may have answered some to nobody."""
        asks = self._answered()[-2 * _REPEATED_AFTER :]
        chosen = self.random.sample(asks, min(_REPEATED_AFTER, len(asks)))
        await as_far_as_answered(self._again(chosen))
        for ask in [one for one in chosen if _otherwise(one)][:2]:
            await as_far_as_answered(self.asker.contradict(ask, **_otherwise(ask)))

    async def _again(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            self.resent += 1
            await self.asker.repeat(ask)

    def _answered(self) -> list[Ask]:
        asks = self.sent.asks.values()
        return [ask for ask in asks if ask.answer is not None and ask.name in _REPEATED]

    async def nudge(self) -> None:
        """A little of everything, for a fault that waits for work: a trade that settles, and a retirement."""
        await self.pipes.send(self.venues.good())
        stock = self.purses.some(self.random, self.purses.in_registry, 1)
        await as_far_as_answered(self.uses.retire(stock, 1))

    async def probe(self) -> str:
        """A trade that settles, by whose outcome one sees that the market works; returns its subject."""
        [message] = self.venues.good()
        await self.pipes.send([message])
        return subject_in(message)

    async def probe_command(self) -> None:
        """A command that the registry answers."""
        people, name = replace(self.people, asker=self.prober), f"Chaos probe {next(self._probes)}"
        await as_far_as_answered(people.register(name))

    async def resend(self, messages: int) -> int:
        """Messages of all earlier rounds again, in any order, and commands too; returns how many."""
        again = self.random.sample(self.sent.messages, min(messages, len(self.sent.messages)))
        await self.pipes.send(again)
        asks = self._answered()
        repeated = self.random.sample(asks, min(messages // 10, len(asks)))
        repeating = (as_far_as_answered(self.asker.repeat(ask)) for ask in repeated)
        await asyncio.gather(*repeating)
        self.resent += len(again) + len(repeated)
        return len(again) + len(repeated)

    async def poison(self) -> int:
        """One dose of every kind; returns how many."""
        prepared = [*doses(self.random.choice(self.world.owned).market.venue)]
        self.sent.poison += [dose.poison for dose in prepared]
        await self.pipes.pour(prepared)
        return len(prepared)


def _otherwise(ask: Ask) -> Mapping[str, Any]:
    """Another content under the same id; none of a decision, which says only on what."""
    for name in ("tonnes", "sourceTonnes"):
        if name in ask.fields:
            return {name: ask.fields[name] + 1}
    is_decision = ask.name in ("approve", "refuse")
    return {"reason": "changed"} if "reason" in ask.fields and not is_decision else {}
