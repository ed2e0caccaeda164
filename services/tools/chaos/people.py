"""People: what owners and registrars ask for, through the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from services.kernel.clocks import BEIJING
from services.tools.chaos.asking import ACCEPTED, REFUSED, Asker
from services.tools.chaos.purses import Purses, Stock
from services.tools.chaos.trades import Venues
from services.tools.chaos.world import FIRST_PRICE, Instrument, Owned, Party, World
from services.tools.companies import invented_credit_code

_PARTIES_MAX = 30
_MOVED_MAX = 20


@dataclass
class People:
    """Owners and registrars, each doing one thing after the other."""

    world: World
    asker: Asker
    purses: Purses
    venues: Venues
    random: Random
    _names: "count[int]" = field(default_factory=lambda: count(1))
    _priced: set[Instrument] = field(default_factory=set[Instrument])

    async def owners(self) -> None:
        """Credits go to the venues and come back; what somebody does not have goes nowhere."""
        for _ in range(4):
            stock = self.purses.some(self.random, self.purses.in_registry, _MOVED_MAX)
            await self.move(stock, self._tonnes(), "moveToVenue")
            stock = self.purses.some(self.random, self.purses.at_venue, _MOVED_MAX)
            await self.move(stock, self._tonnes(), "moveFromVenue")
        stock = self.purses.some(self.random, self.purses.in_registry, _MOVED_MAX)
        await self.move(stock, 10**9, "moveToVenue", REFUSED, "NOT_ENOUGH_CREDITS")

    async def registrars(self) -> None:
        """New parties, and a new batch of somebody's credits."""
        await self.issue(self.random.choice(self.world.owned), self.random.randint(100, 1_000))
        name = f"Chaos newcomer {next(self._names)}"
        if len(self.world.parties) < _PARTIES_MAX:
            await self.world.party(name, "TRADER")
        else:
            await self.register(name)
        await self.register(f"{name} branch")
        await self.register(name, "91000000000000000X", REFUSED, "CREDIT_CODE_MALFORMED")

    async def issue(self, owned: Owned, tonnes: int) -> Instrument:
        """Credits of a project are issued to its owner."""
        instrument = await self.world.issued(owned, tonnes)
        self.purses.issued(owned.party.number, instrument, tonnes)
        return instrument

    async def move(
        self,
        stock: Stock,
        tonnes: int,
        name: str,
        expecting: str = ACCEPTED,
        code: str | None = None,
    ) -> None:
        """Credits go to a venue, or come back from it."""
        number, instrument = stock
        party = self.world.party_of(number)
        if expecting == ACCEPTED:
            moved = self.purses.moved_in if name == "moveToVenue" else self.purses.moved_out
            moved(number, instrument, tonnes)
        what: dict[str, Any] = {"venue": instrument.venue, "account": number}
        what |= {"project": instrument.project, "vintage": instrument.vintage}
        at = self._moved_at(instrument)
        given: dict[str, Any] = {**what, "tonnes": tonnes}
        await self.asker.ask(name, party.token, at=at, expecting=expecting, refusal=code, **given)
        if expecting == ACCEPTED and name == "moveToVenue":
            await self._price(party, instrument, what)

    def _moved_at(self, instrument: Instrument) -> datetime | None:
        """Before the day on which it is traded."""
        if not instrument.market.is_day_end:
            return None
        return datetime.combine(self.venues.day - timedelta(days=1), time(9), BEIJING)

    async def _price(self, party: Party, instrument: Instrument, what: Mapping[str, Any]) -> None:
        """The first to bring an instrument to a venue with a band declares its price, and the venue agrees."""
        if instrument in self._priced or instrument.market.band_basis_points is None:
            return
        self._priced.add(instrument)
        venue, given = self.world.venue(instrument.venue), {**what, "price": FIRST_PRICE}
        await self.asker.by_two("declareFirstPrice", party.token, venue, **given)

    async def register(
        self, name: str, credit_code: str = "", expecting: str = ACCEPTED, code: str | None = None
    ) -> None:
        """An organisation is entered."""
        await self.asker.ask(
            "registerOrganisation",
            self.world.registrar,
            expecting=expecting,
            refusal=code,
            name=name,
            creditCode=credit_code or invented_credit_code(name),
        )

    def _tonnes(self) -> int:
        return self.random.randint(1, _MOVED_MAX)
