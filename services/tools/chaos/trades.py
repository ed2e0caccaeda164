"""Trades as venues report them: right ones, wrong ones, cancelled ones, and what must become of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

import msgspec

from services.kernel.clocks import BEIJING, market_day
from services.kernel.money import yuan
from services.tools.chaos.purses import Deal, Purses
from services.tools.chaos.sent import (
    CAPTURED,
    RECONCILED,
    REJECTED,
    SETTLED,
    Message,
    Sent,
    Told,
)
from services.tools.chaos.world import MARKET_AT, MARKETS, Instrument, Party, World
from services.tools.client import reported

TONNES_MAX = 40
_ENOUGH_FEN = 500_000
"""Pays for any one trade."""
_HISTORY = timedelta(days=600)
"""Before today, so that there are days for as many rounds."""
NOBODY = "ACC-99999999"
_WRONG_SHARE, _CONFLICT_SHARE, _CANCEL_SHARE, _TWICE_SHARE = 0.15, 0.03, 0.03, 0.05

_OFF_BAND = "PRICE_OUTSIDE_BAND"
_WRONGS: Mapping[str, tuple[dict[str, Any], str]] = {
    "no tonnes": ({"quantity": -1}, "QUANTITY_OUT_OF_RANGE"),
    "off tick": ({"price": "50.001"}, "PRICE_OFF_TICK"),
    "no decimal": ({"price": "5e3"}, "PRICE_NOT_DECIMAL"),
    "foreign money": ({"currency": "USD"}, "CURRENCY_NOT_SETTLED"),
    "no method": ({"method": "BARTER"}, "METHOD_NOT_OPEN"),
    "with itself": ({"buyer_account": None}, "SELF_TRADE"),
    "far off": ({"price": "90.00"}, _OFF_BAND),
    "NUL": ({"currency": "C\0Y"}, "MALFORMED_TRADE"),
    "not a trade": ({"quantity": "many"}, "MALFORMED_TRADE"),
}


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade as it was reported, and what it must come to."""

    body: dict[str, Any]
    deal: Deal

    @property
    def key(self) -> tuple[str, str]:
        """Its venue and id."""
        return self.body["venue"], self.body["trade_id"]

    def told(self, becomes: str) -> Told:
        """The event that must be told of it."""
        deal = self.deal
        content: dict[str, object] = {
            "seller_account": deal.seller.number,
            "buyer_account": deal.buyer.number,
            "quantity": deal.tonnes,
            "amount_fen": deal.amount_fen,
            "seller_fee_fen": deal.seller_fee_fen,
            "buyer_fee_fen": deal.buyer_fee_fen,
            "project": deal.instrument.project,
            "vintage": deal.instrument.vintage,
        }
        return Told(subject_of(self.body), becomes, None, content)


@dataclass
class Venues:
    """What the venues report, trade by trade; everything is noted before it is sent."""

    world: World
    purses: Purses
    sent: Sent
    random: Random
    day: date = field(default_factory=lambda: market_day(datetime.now(UTC)) - _HISTORY)
    """The day of the venues that settle at its end: each round is one."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _final: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Trades of earlier rounds, which have settled."""
    _fresh: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _held: list[Traded] = field(default_factory=list[Traded])
    """Captured trades of the day."""

    def settle(self) -> None:
        """The round is over: its trades are final, but for those that are held."""
        self._final += self._fresh
        self._fresh.clear()

    def turn(self) -> tuple[date, list[Traded]]:
        """The next day begins; returns the one that is over with its captured trades."""
        day, held = self.day, self._held
        self.day, self._held = day + timedelta(days=1), []
        return day, held

    def closed(self, day: date, held: Sequence[Traded]) -> list[Message]:
        """The venues' counts of a day that is over."""
        messages: list[Message] = []
        for market in MARKETS:
            if market.is_day_end:
                own = [one.deal for one in held if one.deal.instrument.market == market]
                messages.append(self._close(market.venue, day, own))
        return messages

    def _close(self, venue: str, day: date, deals: Sequence[Deal]) -> Message:
        counted = {
            "trades": len(deals),
            "tonnes": sum(deal.tonnes for deal in deals),
            "turnover_fen": sum(deal.amount_fen for deal in deals),
        }
        subject = f"day/{venue}/{day}"
        found = {f"captured_{name}": figure for name, figure in counted.items()}
        self.sent.days[subject] = Told(subject, RECONCILED, None, found | {"is_matched": True})
        return self._message(
            "venue.day_closed", {"venue": venue, "date": day.isoformat(), **counted}
        )

    def confirmed(self, held: Sequence[Traded]) -> None:
        """The registry confirms the day: what was captured must settle."""
        for one in held:
            self.sent.trades[one.key] = one.told(SETTLED)
            self.purses.delivered(one.deal)
            self._fresh.append(one.body)

    def some(self) -> list[Message]:
        """The next messages: mostly one trade that settles."""
        lot = self.random.random()
        if lot < _WRONG_SHARE:
            return self._wrong()
        if lot < _WRONG_SHARE + _CONFLICT_SHARE and self._final:
            return self._conflicting()
        if lot < _WRONG_SHARE + _CONFLICT_SHARE + _CANCEL_SHARE:
            return self._cancelled()
        messages = self.good()
        return messages * 2 if self.random.random() < _TWICE_SHARE else messages

    def good(self) -> list[Message]:
        """A trade that settles, at once or when its day is confirmed."""
        return [self._dealt(self._deal())]

    def bought(self, buyer: Party, venue: str, tonnes: int) -> tuple[Instrument, Message]:
        """This party buys so much of whatever somebody has; what it was, and the trade."""
        stocks = self.purses.at_venue
        number, instrument = self.purses.some(self.random, stocks, tonnes, venue)
        seller = self.world.party_of(number)
        deal = Deal(seller, buyer, instrument, tonnes, self._price_fen(instrument))
        return instrument, self._dealt(deal)

    def sold(self, seller: Party, instrument: Instrument, tonnes: int) -> Message:
        """This party sells of what it has."""
        buyer, price_fen = self._buyer(seller, instrument.venue), self._price_fen(instrument)
        return self._dealt(Deal(seller, buyer, instrument, tonnes, price_fen))

    def stopped(self, frozen: Party, side: str) -> Message:
        """Somebody trades with a frozen account, ``seller_account`` or ``buyer_account``."""
        body = self._template() | {side: frozen.number}
        [message] = self._noted(body, Told(subject_of(body), REJECTED, "ACCOUNT_FROZEN"))
        return message

    def _dealt(self, deal: Deal) -> Message:
        traded = Traded(self._body(deal), deal)
        self.purses.sold(deal)
        if deal.instrument.market.is_day_end:
            self._held.append(traded)
            [message] = self._noted(traded.body, traded.told(CAPTURED))
        else:
            self.purses.delivered(deal)
            self._fresh.append(traded.body)
            [message] = self._noted(traded.body, traded.told(SETTLED))
        return message

    def _deal(self) -> Deal:
        number, instrument = self.purses.some(self.random, self.purses.at_venue, TONNES_MAX)
        seller = self.world.party_of(number)
        return Deal(
            seller,
            self._buyer(seller, instrument.venue),
            instrument,
            self.random.randint(1, TONNES_MAX),
            self._price_fen(instrument),
        )

    def _price_fen(self, instrument: Instrument) -> int:
        return self.random.randint(*instrument.market.prices_fen)

    def _buyer(self, seller: Party, venue: str) -> Party:
        """The first ones buy most."""
        able = [
            one
            for one in self.world.traders
            if one != seller and self.purses.cash[one.number, venue] >= _ENOUGH_FEN
        ]
        return self.random.choices(able, [1 / (place + 1) for place in range(len(able))])[0]

    def _body(self, deal: Deal) -> dict[str, Any]:
        instrument, now = deal.instrument, datetime.now(UTC)
        if instrument.market.is_day_end:
            now = datetime.combine(self.day, time(10), BEIJING)
        return {
            "venue": instrument.venue,
            "trade_id": f"T-{next(self._numbers)}",
            "method": instrument.market.method,
            "instrument": {"project": instrument.project, "vintage": instrument.vintage},
            "seller_account": deal.seller.number,
            "buyer_account": deal.buyer.number,
            "quantity": deal.tonnes,
            "price": yuan(deal.price_fen),
            "currency": "CNY",
            "executed_at": now.isoformat(),
        }

    def _template(self) -> dict[str, Any]:
        """A trade that would settle, but is not meant to."""
        return self._body(self._deal())

    def _wrong(self) -> list[Message]:
        """A trade that breaks one rule."""
        make = self.random.choice([self._without_cash, self._without_credits, self._misworded])
        body, code = make()
        return self._noted(body, Told(subject_of(body), REJECTED, code))

    def _without_cash(self) -> tuple[dict[str, Any], str]:
        assert self.world.pauper
        deal = self._deal()
        self.purses.shown(deal)
        return self._body(deal) | {"buyer_account": self.world.pauper.number}, "NOT_ENOUGH_CASH"

    def _without_credits(self) -> tuple[dict[str, Any], str]:
        assert self.world.pauper
        seller = {"seller_account": self.world.pauper.number}
        return self._template() | seller, "NOT_ENOUGH_CREDITS"

    def _misworded(self) -> tuple[dict[str, Any], str]:
        changes, code = _WRONGS[self.random.choice(sorted(_WRONGS))]
        body = self._template() | changes
        if code == _OFF_BAND and MARKET_AT[body["venue"]].band_basis_points is None:
            return self._misworded()
        if body["buyer_account"] is None:
            body["buyer_account"] = body["seller_account"]
        return body, code

    def _conflicting(self) -> list[Message]:
        """A known id with other content: the first outcome stands, and everyone hears of it."""
        body = self.random.choice(self._final)
        self.sent.conflicts.add(subject_of(body))
        return [self._message("trade.executed", body | {"quantity": body["quantity"] + 1})]

    def _cancelled(self) -> list[Message]:
        """A trade is cancelled: a final one, too late; one that is held; or one that must wait for an account."""
        lot = self.random.random()
        if self._final and lot < 0.3:
            body = self.random.choice(self._final)
            self.sent.late_cancellations.add(subject_of(body))
            return [self._cancel(body)]
        if self._held and lot < 0.6:
            held = self._held.pop(self.random.randrange(len(self._held)))
            self.purses.undone(held.deal)
            self.sent.trades[held.key] = _cancelled(held.body)
            return [self._cancel(held.body)]
        body = self._template() | {"buyer_account": NOBODY}
        return [*self._noted(body, _cancelled(body)), self._cancel(body)]

    def _cancel(self, body: Mapping[str, Any]) -> Message:
        cancellation = {"venue": body["venue"], "trade_id": body["trade_id"], "reason": "mistyped"}
        return self._message("trade.cancelled", cancellation)

    def _noted(self, body: Mapping[str, Any], told: Told) -> list[Message]:
        self.sent.trades[body["venue"], body["trade_id"]] = told
        return [self._message("trade.executed", body)]

    def _message(self, kind: str, body: Mapping[str, Any]) -> Message:
        venue, event_id = body["venue"], f"ce-{next(self._numbers)}"
        event = reported(f"/venues/{venue}", kind, event_id, datetime.now(UTC), body)
        message = Message(venue, "tonne.trades", f"{kind}.{venue}", event)
        self.sent.messages.append(message)
        return message


def subject_in(message: Message) -> str:
    """Under which the events of the trade in this message stand."""
    return subject_of(msgspec.json.decode(message.event.data))


def subject_of(body: Mapping[str, Any]) -> str:
    """Under which its events stand."""
    return f"trade/{body['venue']}/{body['trade_id']}"


def _cancelled(body: Mapping[str, Any]) -> Told:
    return Told(subject_of(body), REJECTED, "CANCELLED_BY_VENUE")
