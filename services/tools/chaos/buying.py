"""Buying: those who act for one account alone buy at a venue, and know when it is theirs."""

from dataclasses import dataclass
from random import Random

from services.tools.chaos.asking import AskedInVainError, Asker
from services.tools.chaos.ears import Ears
from services.tools.chaos.people import People
from services.tools.chaos.pipes import Pipes
from services.tools.chaos.purses import Purses
from services.tools.chaos.sent import CAPTURED, REJECTED, SETTLED, Message
from services.tools.chaos.trades import Venues, subject_in
from services.tools.chaos.world import EXCHANGE_MARKET, Instrument, Party, World


@dataclass
class Buying:
    """All that it takes to trade for one account and to hear what came of it."""

    world: World
    asker: Asker
    purses: Purses
    venues: Venues
    people: People
    pipes: Pipes
    ears: Ears
    random: Random

    async def settled(self, message: Message, *parties: Party) -> None:
        """Sends a trade and waits for its outcome; what these parties receive is theirs at once."""
        await self.pipes.send([message])
        await self.heard(subject_in(message), CAPTURED, SETTLED, REJECTED)
        for party in parties:
            self.purses.arrived(party.number)

    async def heard(self, subject: str, *types: str, times: int = 1) -> None:
        """Waits until it is told; raises AskedInVainError if that is in vain."""
        if not await self.ears.is_told(subject, *types, times=times):
            raise AskedInVainError(f"{subject}: {', '.join(types)} is not told")

    async def brought_home(self, party: Party, tonnes: int) -> Instrument:
        """The party buys credits at the exchange and takes them into the registry, where they can be used."""
        instrument, message = self.venues.bought(party, EXCHANGE_MARKET.venue, tonnes)
        await self.settled(message, party)
        await self.people.move((party.number, instrument), tonnes, "moveFromVenue")
        self.purses.arrived(party.number)
        return instrument
