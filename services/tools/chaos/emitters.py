"""Emitters: each round more is due, credits offset up to the cap, and allowances pay for the rest."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from services.tools.chaos.asking import as_far_as_answered
from services.tools.chaos.buying import Buying
from services.tools.chaos.national import Emitter, verified
from services.tools.chaos.sent import NOTIFIED, Ask, Contest
from services.tools.chaos.uses import NOT_ENOUGH, Uses
from services.tools.chaos.world import Instrument

_OFFSET, _SURRENDER, _OWN = "ETS_OFFSET_NATIONAL", "ETS_SURRENDER", "ENTERPRISE_OFFSET"
_ABOVE_CAP, _MORE_THAN_DUE = "OFFSET_CAP_EXCEEDED", "MORE_THAN_DUE"
_DUE_MIN, _DUE_MAX = 1_000, 3_000
_SPARE_TONNES = 20
_RIVALS = 3


@dataclass
class Emitters:
    """Those who owe for a year; for each of them one person acts alone."""

    buying: Buying
    uses: Uses
    _turns: "count[int]" = field(default_factory=count)

    async def pay_some(self) -> None:
        """All but one of them, in turn."""
        emitters, turn = self.buying.world.emitters, next(self._turns)
        paying = [one for place, one in enumerate(emitters) if (place + turn) % len(emitters)]
        await asyncio.gather(*(as_far_as_answered(self.pay(one)) for one in paying))

    async def pay(self, emitter: Emitter) -> None:
        """One round of one emitter, who is told of more that is due and pays for most of it."""
        random = self.buying.random
        await verified(self.buying.world, emitter, random.randint(_DUE_MIN, _DUE_MAX))
        await self.buying.heard(emitter.subject, NOTIFIED, times=emitter.versions)
        stock = await self.buying.brought_home(emitter.party, emitter.room + _SPARE_TONNES)
        half = (emitter.outstanding - emitter.room) // 2
        await asyncio.gather(self._offset(emitter, stock), self._surrender(emitter, half))
        await self._break_a_rule(emitter, stock)
        await self._fight(emitter, emitter.allowances, _SURRENDER, emitter.outstanding)
        if emitter.outstanding and random.random() < 0.7:
            await self._surrender(emitter, emitter.outstanding)
        await self._use_the_rest(emitter, stock)

    async def _offset(self, emitter: Emitter, stock: Instrument) -> None:
        """More than the cap leaves room for, all at once: it must hold, and nobody knows who is first."""
        await self._fight(emitter, stock, _OFFSET, emitter.room)
        await self.uses.asked(
            emitter.party,
            stock,
            emitter.room + 1,
            _OFFSET,
            refusal=_ABOVE_CAP,
            period=emitter.year,
        )

    async def _surrender(self, emitter: Emitter, tonnes: int) -> None:
        """Allowances for so much of what is due."""
        asked = await self._asked(emitter, emitter.allowances, tonnes, _SURRENDER)
        if await self.buying.asker.approve(asked, emitter.party.second_token):
            emitter.surrendered += tonnes

    async def _fight(self, emitter: Emitter, stock: Instrument, purpose: str, room: int) -> None:
        """Several uses, each of which would fit alone, are approved together."""
        if room < 2:
            return
        code = {_OFFSET: _ABOVE_CAP, _SURRENDER: _MORE_THAN_DUE, _OWN: NOT_ENOUGH}[purpose]
        least = room // _RIVALS + 1
        sizes = [self.buying.random.randint(least, room) for _ in range(_RIVALS)]
        asking = (self._asked(emitter, stock, size, purpose) for size in sizes)
        asks = await asyncio.gather(*asking)
        self.buying.asker.sent.contests.append(Contest(asks, room))
        second = emitter.party.second_token
        approving = (self.buying.asker.approve(ask, second, code) for ask in asks)
        for size, is_done in zip(sizes, await asyncio.gather(*approving), strict=True):
            if is_done:
                self._count(emitter, stock, purpose, size)

    async def _asked(self, emitter: Emitter, stock: Instrument, tonnes: int, purpose: str) -> Ask:
        party, year = emitter.party, emitter.year
        return await self.uses.asked(party, stock, tonnes, purpose, period=year)

    def _count(self, emitter: Emitter, stock: Instrument, purpose: str, tonnes: int) -> None:
        if purpose == _SURRENDER:
            emitter.surrendered += tonnes
            return
        self.buying.purses.used(emitter.party.number, stock, tonnes)
        if purpose == _OFFSET:
            emitter.offset += tonnes

    async def _break_a_rule(self, emitter: Emitter, stock: Instrument) -> None:
        """Allowances offset nothing, credits surrender nothing, and for another year nothing is due."""
        party, year = emitter.party, emitter.year
        instrument, purpose, period, code = self.buying.random.choice(
            (
                (emitter.allowances, _OFFSET, year, "NOT_ELIGIBLE_FOR_ETS"),
                (stock, _SURRENDER, year, "NOT_SURRENDERABLE"),
                (stock, _OFFSET, year - 1, "OBLIGATION_UNKNOWN"),
                (emitter.allowances, _SURRENDER, year - 1, "OBLIGATION_UNKNOWN"),
            )
        )
        await self.uses.asked(party, instrument, 1, purpose, refusal=code, period=period)

    async def _use_the_rest(self, emitter: Emitter, stock: Instrument) -> None:
        """Everything that is left of these credits is wanted several times over."""
        left = self.buying.purses.in_registry[emitter.party.number, stock]
        await self._fight(emitter, stock, _OWN, left)
