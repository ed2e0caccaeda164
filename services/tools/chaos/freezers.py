"""Freezers: courts and authorities stop accounts and serials under load, and let them go again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from services.tools.chaos.asking import PENDING, REFUSED, AskedInVainError
from services.tools.chaos.books import EXCHANGE, REGISTRY, RETIRED
from services.tools.chaos.buying import Buying
from services.tools.chaos.published import Node, shown
from services.tools.chaos.sent import Ask
from services.tools.chaos.uses import SHA256, Uses
from services.tools.chaos.world import EXCHANGE_MARKET, PILOT_MARKET, Instrument, Party
from services.tools.client import QueryError

_NOT_FREE, _STOPPED = "SERIAL_NOT_FREE", "ACCOUNT_FROZEN"
_BOUGHT_TONNES, _SOLD_TONNES, _FROZEN_TONNES = 60, 10, 15
_KEPT = 2
"""So many freezes of serials stand from one round to the next, and none for more than three."""


@dataclass(frozen=True, slots=True)
class Seizure:
    """Serials that a freeze holds, and whose they are."""

    freeze: Ask
    number: str
    instrument: Instrument
    tonnes: int
    is_at_venue: bool


@dataclass
class Freezers:
    """One account that is frozen from round to round, and another one whose serials are."""

    buying: Buying
    uses: Uses
    suspect: Party
    debtor: Party
    _standing: Ask | None = None
    """The freeze of the suspect's account since the last round."""
    _seized: list[Seizure] = field(default_factory=list[Seizure])

    async def accounts(self) -> None:
        """The suspect is let go, trades a little, and is frozen anew with a captured trade in its books."""
        if self._standing is not None:
            await self._let_go(self._standing)
        venues, settled = self.buying.venues, self.buying.settled
        instrument, message = venues.bought(self.suspect, EXCHANGE_MARKET.venue, _BOUGHT_TONNES)
        await settled(message, self.suspect)
        sold = venues.sold(self.suspect, instrument, _SOLD_TONNES)
        _, captured = venues.bought(self.suspect, PILOT_MARKET.venue, _SOLD_TONNES)
        await asyncio.gather(settled(sold), settled(captured))
        self._standing = await self._freeze_account()
        await self._try_in_vain(instrument)

    async def _let_go(self, standing: Ask) -> None:
        """Of two freezes the last one decides."""
        another = await self._freeze_account()
        await self._release(standing)
        side = self.buying.random.choice(("seller_account", "buyer_account"))
        await self.buying.settled(self.buying.venues.stopped(self.suspect, side))
        await self._release(another)

    async def _try_in_vain(self, instrument: Instrument) -> None:
        """Nothing is traded with a frozen account, and nothing leaves it; what was captured before settles."""
        venues, settled = self.buying.venues, self.buying.settled
        stopped = [venues.stopped(self.suspect, f"{side}_account") for side in ("seller", "buyer")]
        stock = self.suspect.number, instrument
        await asyncio.gather(
            *map(settled, stopped),
            self.uses.asked(self.suspect, instrument, 1, "ENTERPRISE_OFFSET", refusal=_STOPPED),
            self.buying.people.move(stock, 1, "moveFromVenue", REFUSED, _STOPPED),
        )

    async def serials(self) -> None:
        """The debtor's serials are frozen while the debtor uses some; and an owner's, while they trade."""
        for _ in range(min(len(self._seized), max(1, len(self._seized) - _KEPT))):
            await self._end(self._seized.pop(0))
        await asyncio.gather(self._freeze_at_home(), self._freeze_at_venue())

    async def _freeze_at_home(self) -> None:
        instrument = await self.buying.brought_home(self.debtor, _BOUGHT_TONNES)
        frozen = await self._race(instrument)
        await self._freeze_in_vain()
        if frozen is not None:
            await self.uses.cancel((self.debtor.number, instrument), 1, str(frozen.id))

    async def _race(self, instrument: Instrument) -> Ask | None:
        """Whoever comes first has the tail of the first block: the freeze, or the debtor's own use."""
        stock = self.debtor.number, instrument
        nodes = await self._nodes(self.debtor.number, REGISTRY, instrument)
        first = nodes[0]
        frozen, asked = await asyncio.gather(
            self._asked(self.debtor.number, _tail(first), _NOT_FREE),
            self.uses.asked(self.debtor, instrument, _SOLD_TONNES, "ENTERPRISE_OFFSET"),
        )
        self.buying.purses.used(*stock, _SOLD_TONNES)
        approve = self.buying.asker.approve
        is_frozen, _ = await asyncio.gather(
            approve(frozen, self.buying.world.second, _NOT_FREE),
            approve(asked, self.debtor.second_token),
        )
        if not is_frozen:
            return None
        self.buying.purses.used(*stock, _tonnes(frozen))
        self._seized.append(Seizure(frozen, *stock, _tonnes(frozen), is_at_venue=False))
        return frozen

    async def _freeze_in_vain(self) -> None:
        """What is used, or frozen already, cannot be frozen."""
        nodes = await self._nodes(self.debtor.number, RETIRED)
        spans = [_tail(node) for node in nodes[:1]]
        spans += [one.freeze.fields["spans"][0] for one in self._seized[-1:]]
        for span in spans:
            await self._asked_in_vain(span)

    async def _freeze_at_venue(self) -> None:
        """Serials of an owner that trades may take at the same moment."""
        owner = self.buying.random.choice(
            [one.party for one in self.buying.world.owned if one.market == EXCHANGE_MARKET]
        )
        nodes = await self._nodes(owner.number, EXCHANGE)
        if not nodes:
            return
        node = self.buying.random.choice(nodes[:5])
        span, purses = _tail(node), self.buying.purses
        goods = node["venueCode"], node["projectCode"], node["vintage"]
        stock = owner.number, Instrument(*goods)
        tonnes = span["lastSerial"] - span["firstSerial"] + 1
        if purses.at_venue[stock] < tonnes:
            return
        purses.withheld(*stock, tonnes)
        frozen = await self._asked(owner.number, span, _NOT_FREE)
        if await self.buying.asker.approve(frozen, self.buying.world.second, _NOT_FREE):
            self._seized.append(Seizure(frozen, *stock, tonnes, is_at_venue=True))
        else:
            purses.returned(*stock, tonnes)

    async def _end(self, seized: Seizure) -> None:
        """What it still holds goes back to where it was."""
        await self._release(seized.freeze)
        if seized.is_at_venue:
            self.buying.purses.returned(seized.number, seized.instrument, seized.tonnes)
        else:
            await self._release_again(seized.freeze)

    async def _nodes(
        self, number: str, bucket: str, instrument: Instrument | None = None
    ) -> Sequence[Node]:
        """What the account shows in this bucket, where a span can be cut out of it."""
        world, desk = self.buying.world, self.buying.asker.desk
        try:
            nodes, _ = await shown(desk, world.overseer, number)
        except (QueryError, aiohttp.ClientError, TimeoutError) as away:
            raise AskedInVainError(f"holdings of {number}: {away}") from away
        wanted = instrument and (instrument.project, instrument.vintage)
        return [
            node
            for node in nodes
            if node["bucket"] == bucket and wanted in (None, (node["projectCode"], node["vintage"]))
        ]

    async def _freeze_account(self) -> Ask:
        fields = {**_order(self.suspect.number), "kind": "JUDICIAL"}
        world = self.buying.world
        asked, _ = await self.buying.asker.by_two(
            "freezeAccount", world.court, world.second, **fields
        )
        return asked

    async def _asked(self, number: str, span: dict[str, Any], rival: str) -> Ask:
        fields: dict[str, Any] = {**_order(number), "spans": [span]}
        ask, _ = await self.buying.asker.ask(
            "freezeCredits", self.buying.world.court, expecting=PENDING, rival=rival, **fields
        )
        return ask

    async def _asked_in_vain(self, span: dict[str, Any]) -> None:
        fields = {**_order(self.debtor.number), "spans": [span]}
        court = self.buying.world.court
        await self.buying.asker.in_vain("freezeCredits", court, _NOT_FREE, **fields)

    async def _release(self, freeze: Ask) -> None:
        world = self.buying.world
        fields = _releasing(freeze)
        await self.buying.asker.by_two("releaseFreeze", world.registrar, world.second, **fields)

    async def _release_again(self, freeze: Ask) -> None:
        """A freeze ends once."""
        token, fields = self.buying.world.registrar, _releasing(freeze)
        await self.buying.asker.in_vain("releaseFreeze", token, "STEP_NOT_ALLOWED", **fields)


def _order(number: str) -> dict[str, Any]:
    return {
        "account": number,
        "kind": "ADMINISTRATIVE",
        "orderedBy": "Chaos court",
        "documentNumber": "2026-1",
        "documentSha256": SHA256,
        "reason": "inquiry",
    }


def _releasing(freeze: Ask) -> dict[str, Any]:
    return {"freezeId": str(freeze.id), "documentSha256": SHA256, "reason": "over"}


def _tail(node: Node) -> dict[str, Any]:
    """The last serials of a block, of which a use would take the same."""
    first, last = int(node["firstSerial"]), int(node["lastSerial"])
    start = max(first, last - _FROZEN_TONNES + 1)
    return {"batchId": node["batchId"], "firstSerial": start, "lastSerial": last}


def _tonnes(freeze: Ask) -> int:
    [span] = freeze.fields["spans"]
    return span["lastSerial"] - span["firstSerial"] + 1
