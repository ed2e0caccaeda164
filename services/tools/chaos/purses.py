"""Purses: at least so much everyone has, so that the sender of a trade knows beforehand that it must settle."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from services.tools.chaos.world import Instrument, Party

Stock = tuple[str, Instrument]
"""An account and an instrument."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A trade as both sides agreed on it."""

    seller: Party
    buyer: Party
    instrument: Instrument
    tonnes: int
    price_fen: int

    @property
    def amount_fen(self) -> int:
        """What it is worth."""
        return self.tonnes * self.price_fen

    @property
    def seller_fee_fen(self) -> int:
        """The seller's commission."""
        return _fee_fen(self.amount_fen, self.instrument.market.seller_fee_ppm)

    @property
    def buyer_fee_fen(self) -> int:
        """The buyer's commission."""
        return _fee_fen(self.amount_fen, self.instrument.market.buyer_fee_ppm)

    @property
    def cost_fen(self) -> int:
        """What the buyer pays."""
        return self.amount_fen + self.buyer_fee_fen

    @property
    def proceeds_fen(self) -> int:
        """What the seller gets."""
        return self.amount_fen - self.seller_fee_fen


def _fee_fen(amount_fen: int, ppm: int) -> int:
    """Millionths of the amount, half a fen and more rounded up."""
    whole, rest = divmod(amount_fen * ppm, 1_000_000)
    return whole + (rest >= 500_000)


@dataclass
class Purses:
    """What was given is gone at once; what was received counts from the end of the round, when it has settled."""

    at_venue: Counter[Stock] = field(default_factory=Counter[Stock])
    in_registry: Counter[Stock] = field(default_factory=Counter[Stock])
    cash: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    apart: set[str] = field(default_factory=set[str])
    """Accounts for which one person acts alone: nobody else draws on what they have."""
    _to_venue: Counter[Stock] = field(default_factory=Counter[Stock])
    _to_registry: Counter[Stock] = field(default_factory=Counter[Stock])
    _to_cash: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def issued(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """Credits are on their way to the account."""
        self._to_registry[number, instrument] += tonnes

    def moved_in(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """Credits go from the registry to the venue."""
        self.in_registry[number, instrument] -= tonnes
        self._to_venue[number, instrument] += tonnes

    def moved_out(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """Credits go from the venue to the registry."""
        self.at_venue[number, instrument] -= tonnes
        self._to_registry[number, instrument] += tonnes

    def used(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """Credits are used up, cancelled or converted."""
        self.in_registry[number, instrument] -= tonnes

    def withheld(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """Credits at the venue are at nobody's disposal."""
        self.at_venue[number, instrument] -= tonnes

    def returned(self, number: str, instrument: Instrument, tonnes: int) -> None:
        """They are free there again once the round is over."""
        self._to_venue[number, instrument] += tonnes

    def shown(self, deal: Deal) -> None:
        """The seller must have the credits until the trade is judged, which is to fail for another reason."""
        self.withheld(deal.seller.number, deal.instrument, deal.tonnes)
        self.returned(deal.seller.number, deal.instrument, deal.tonnes)

    def sold(self, deal: Deal) -> None:
        """The seller's credits and the buyer's cash are gone."""
        self.at_venue[deal.seller.number, deal.instrument] -= deal.tonnes
        self.cash[deal.buyer.number, deal.instrument.venue] -= deal.cost_fen

    def delivered(self, deal: Deal) -> None:
        """Credits and cash are on their way to the other side."""
        self._to_venue[deal.buyer.number, deal.instrument] += deal.tonnes
        self._to_cash[deal.seller.number, deal.instrument.venue] += deal.proceeds_fen

    def undone(self, deal: Deal) -> None:
        """Both sides get back what they gave."""
        self._to_venue[deal.seller.number, deal.instrument] += deal.tonnes
        self._to_cash[deal.buyer.number, deal.instrument.venue] += deal.cost_fen

    def paid_in(self, number: str, venue: str, amount_fen: int) -> None:
        """The bank has reported a deposit."""
        self._to_cash[number, venue] += amount_fen

    def paid_out(self, number: str, venue: str, amount_fen: int) -> None:
        """The bank has reported a withdrawal."""
        self.cash[number, venue] -= amount_fen

    def settle(self) -> None:
        """The round is over: what was on its way has arrived."""
        self.at_venue += self._to_venue
        self.in_registry += self._to_registry
        self.cash += self._to_cash
        for arrived in (self._to_venue, self._to_registry, self._to_cash):
            arrived.clear()

    def arrived(self, number: str) -> None:
        """What was on its way to this account has arrived already, as whoever acts for it alone has heard."""
        for here, coming in (
            (self.at_venue, self._to_venue),
            (self.in_registry, self._to_registry),
        ):
            for stock in [one for one in coming if one[0] == number]:
                here[stock] += coming.pop(stock)

    def some(
        self, random: Random, stocks: Counter[Stock], tonnes: int, venue: str | None = None
    ) -> Stock:
        """Any stock of at least so many tonnes, but of those who act alone; small ones are as likely as large ones."""
        return random.choice(
            sorted(
                key
                for key, held in stocks.items()
                if held >= tonnes and key[0] not in self.apart and venue in (None, key[1].venue)
            )
        )
