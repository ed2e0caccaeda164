"""The middle of that model: trades, moves and offers, what they cost, and what is booked back."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from typing import Any

from tests.properties.credit_places import Flow, Place, Places, Verdict

BEIJING = timezone(timedelta(hours=8))


@dataclass
class Trade:
    """A trade at a venue."""

    venue: str
    instrument: str
    seller: str
    buyer: str
    tonnes: int
    fen: int
    report: dict[str, Any]


@dataclass
class Offer:
    """Credits that are held for another holder."""

    giver: str
    taker: str
    instrument: str
    tonnes: int
    last_day: date
    name: str
    is_open: bool = True


@dataclass
class Posting:
    """What may be booked back once."""

    instrument: str
    tonnes: int
    source: Place
    target: Place
    name: str = ""
    is_corrected: bool = False


class Trades(Places):
    """Places, and what is traded and offered between them."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: set[tuple[str, str]] = set()
        self.fen: Counter[tuple[str, str]] = Counter()
        self.held: list[Trade] = []
        self.offers: list[Offer] = []
        self.postings: list[Posting] = []

    def move(self, account: str, venue: str, instrument: str, tonnes: int, inward: bool) -> Verdict:
        """To a venue or back."""
        registry, exchange = (account, "registry", ""), (account, "exchange", venue)
        source, target = (registry, exchange) if inward else (exchange, registry)
        verdict = self.given(account, instrument, tonnes, source, target)

        def end() -> None:
            self.listed.add((venue, instrument))
            self.postings.append(Posting(instrument, tonnes, source, target))

        verdict.effect = end
        return verdict

    def trade(self, trade: Trade) -> Verdict:
        """Settled at once, or held for the end of the day."""
        source = trade.seller, "exchange", trade.venue
        is_held = trade.venue == "D"
        target = (trade.seller, "reserved", "D") if is_held else (trade.buyer, "exchange", "I")
        verdict = self.taken(trade.tonnes, self.at(source, trade.instrument), target=target)
        for party in (trade.seller, trade.buyer):
            verdict = verdict.unless("ACCOUNT_MAY_NOT_TRADE", when=party in self.restricted)
            verdict = verdict.unless("ACCOUNT_FROZEN", when=self.is_frozen(party))
        verdict = verdict.unless("SELF_TRADE", when=trade.seller == trade.buyer)
        verdict = verdict.unless("SHORTFALL_OPEN", when=trade.seller in self.short)
        is_listed = (trade.venue, trade.instrument) in self.listed
        verdict = verdict.unless("INSTRUMENT_NOT_LISTED", when=not is_listed)
        too_dear = trade.fen > self.spendable(trade.buyer, trade.venue)
        verdict = verdict.unless("NOT_ENOUGH_CASH", when=too_dear)
        verdict.effect = lambda: self.held.append(trade) if is_held else self.pay(trade)
        return verdict

    def spendable(self, account: str, venue: str) -> int:
        """What is booked, what is held for purchases, and what sales will bring."""
        return self.fen[account, venue] + sum(
            one.fen * ((one.seller == account) - (one.buyer == account))
            for one in self.held
            if one.venue == venue
        )

    def pay(self, trade: Trade) -> None:
        self.fen[trade.buyer, trade.venue] -= trade.fen
        self.fen[trade.seller, trade.venue] += trade.fen

    def take_back(self, trade: Trade) -> Verdict:
        """The venue cancels what is held, unless the seller could not pay then what it bought since."""
        rest = [one for one in self.held if one is not trade]
        course, broke = self.fen[trade.seller, "D"], False
        for one in rest:
            course += one.fen * ((one.seller == trade.seller) - (one.buyer == trade.seller))
            broke = broke or course < 0
        reserved = self.at((trade.seller, "reserved", "D"), trade.instrument)
        verdict = self.taken(trade.tonnes, reserved, target=(trade.seller, "exchange", "D"))
        verdict = verdict.unless("PROCEEDS_SPENT", when=broke)
        verdict.effect = lambda: self.held.remove(trade)
        return verdict

    def settle_day(self) -> Verdict:
        """Everything that is held is delivered and paid, whatever has become of the accounts since."""

        def end() -> None:
            for one in self.held:
                self.pay(one)
            self.held = []

        return Verdict(flows=[self._delivered(one) for one in self.held], effect=end)

    def _delivered(self, trade: Trade) -> Flow:
        among = self.at((trade.seller, "reserved", "D"), trade.instrument)
        return Flow(trade.tonnes, among, (trade.buyer, "exchange", "D"))

    def correct(self, posting: Posting) -> Verdict:
        """As much goes back, once, if it is still there."""

        def end() -> None:
            posting.is_corrected = True

        there = self.at(posting.target, posting.instrument)
        verdict = self.taken(posting.tonnes, there, target=posting.source)
        verdict = verdict.unless("ALREADY_CORRECTED", when=posting.is_corrected)
        verdict.effect = end
        return verdict

    def offer(self, offer: Offer) -> Verdict:
        kept, held = (offer.giver, "registry", ""), (offer.giver, "reserved", "")
        verdict = self.given(offer.giver, offer.instrument, offer.tonnes, kept, held)
        verdict = verdict.unless("ACCOUNT_NOT_OPEN", when=offer.taker in self.restricted)
        verdict.effect = lambda: self.offers.append(offer)
        return verdict

    def decide(self, offer: Offer, today: date, *, is_taken: bool) -> Verdict:
        verdict = self._ended(offer, offer.taker if is_taken else offer.giver)
        verdict = verdict.unless("STEP_NOT_ALLOWED", when=not offer.is_open)
        verdict = verdict.unless("OFFER_EXPIRED", when=today > offer.last_day)
        if not is_taken:
            return verdict
        verdict = verdict.unless(*self.keeps(offer.giver), when=True)
        return verdict.unless("ACCOUNT_NOT_OPEN", when=offer.taker in self.restricted)

    def _ended(self, offer: Offer, holder: str) -> Verdict:
        def end() -> None:
            offer.is_open = False
            if holder == offer.taker:
                source = (offer.giver, "registry", "")
                self.postings.append(
                    Posting(offer.instrument, offer.tonnes, source, target, offer.name)
                )

        target = (holder, "registry", "")
        among = self.at((offer.giver, "reserved", ""), offer.instrument)
        return Verdict(flows=[Flow(offer.tonnes, among, target)], effect=end)

    def expire(self, today: date) -> Verdict:
        """Offers whose last day is over come to nothing."""
        due = [one for one in self.offers if one.is_open and today > one.last_day]
        ended = [self._ended(one, one.giver) for one in due]

        def end() -> None:
            for one in ended:
                one.effect()

        return Verdict(flows=[flow for one in ended for flow in one.flows], effect=end)
