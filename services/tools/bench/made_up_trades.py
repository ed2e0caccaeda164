"""Made-up trades that obey the market's rules, but for a known share; a few accounts and instruments are in most."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import accumulate, count
from random import Random

from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING
from services.kernel.money import yuan
from services.runtime.messages import encode
from services.runtime.publishing import Outgoing
from services.tools.bench.made_up_market import FIRST_DAY, METHOD, VENUE, Instrument, Market
from services.tools.client import reported

BREACH_EVERY = 100
TRADES_A_DAY = 10_000
GAP_TRADING_DAYS = 6
"""From one day of trades to the next, so that who bought on the one may sell on the other."""
LOT_TONNES_MAX = 100
SPREAD_PERCENT = 2
"""How far prices lie from the first one at most: the average of a day's trades bounds the next day's at ten."""
RESOLD_PERCENT = 60

_OPENS = time(9, 30)
_BETWEEN_TRADES = timedelta(hours=2) / (TRADES_A_DAY + 1)
_SEED = 20_210_104

Trade = Mapping[str, object]
Lot = tuple[int, int]
"""A trader's place, and the tonnes that were bought."""


@dataclass(frozen=True, slots=True)
class Near:
    """Accounts that a trade cannot have: who has just bought the instrument, and who has nothing at all."""

    buyer: str
    poor: str


class Tape:
    """An endless tape of trades, each of which settles once all before it are decided; the same every time.

    On even days one half of the traders buys and the other sells what it has, on odd days the other way round: so the
    rule that opposite trades lie five trading days apart is kept, and credits still change hands again and again.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._random = Random(_SEED)  # noqa: S311 - made-up trades are no secret
        self._number = 0
        self._day = FIRST_DAY
        self._lots: list[tuple[list[Lot], list[Lot]]] = [([], []) for _ in market.instruments]
        self._latest = 0, market.traders[0]
        self._instruments = _skewed(len(market.instruments))
        self._traders = _skewed(len(market.traders) // 2)

    def take(self, trades: int) -> list[Outgoing]:
        """The next trades, as the messages of their venue."""
        return [self._next() for _ in range(trades)]

    @property
    def _half(self) -> int:
        """Which half of the traders buys today."""
        return self._number // TRADES_A_DAY % 2

    def _next(self) -> Outgoing:
        self._number += 1
        if self._number % TRADES_A_DAY == 0:
            self._day = CHINA.nth_trading_day(self._day, 1 + GAP_TRADING_DAYS)
        is_broken = self._number % BREACH_EVERY == BREACH_EVERY // 2
        return self._message(self._broken() if is_broken else self._traded())

    def _traded(self) -> Trade:
        place = self._picked(self._instruments)
        instrument = self._market.instruments[place]
        buyer = self._buyer()
        seller, tonnes = self._sold(place, instrument.owner)
        self._lots[place][self._half].append((buyer, tonnes))
        self._latest = place, buyer
        spread_fen = instrument.first_price_fen * SPREAD_PERCENT // 100
        price_fen = instrument.first_price_fen + self._random.randint(-spread_fen, spread_fen)
        return self._trade(instrument, seller, buyer, tonnes, price_fen)

    def _buyer(self) -> int:
        """One of the half that buys today, some far more often than others."""
        return self._market.traders[2 * self._picked(self._traders) + self._half]

    def _sold(self, instrument: int, owner: int) -> Lot:
        """Who sells how much: somebody of the other half, of what was bought on an earlier day, or the owner."""
        tonnes = self._random.randint(1, LOT_TONNES_MAX)
        lots = self._lots[instrument][1 - self._half]
        if not lots or self._random.randrange(100) >= RESOLD_PERCENT:
            return owner, tonnes
        place = self._random.randrange(len(lots))
        lots[place], lots[-1] = lots[-1], lots[place]
        seller, held = lots.pop()
        if held > tonnes:
            lots.append((seller, held - tonnes))
        return seller, min(held, tonnes)

    def _broken(self) -> Trade:
        """A trade that breaks one rule; its id says which."""
        breaches = [*BREACHES.items()]
        code, breach = breaches[self._number // BREACH_EVERY % len(breaches)]
        place, buyer = self._latest
        instrument = self._market.instruments[place]
        others = (self._buyer() for _ in count())
        other = next(trader for trader in others if trader != buyer)
        trade = self._trade(instrument, instrument.owner, other, 1, instrument.first_price_fen)
        near = Near(self._market.accounts[buyer], self._market.accounts[-1])
        return {**trade, "trade_id": f"{trade['trade_id']}-{code}", **breach(trade, near)}

    def _picked(self, weights: Sequence[float]) -> int:
        [place] = self._random.choices(range(len(weights)), cum_weights=weights)
        return place

    def _trade(
        self, instrument: Instrument, seller: int, buyer: int, tonnes: int, price_fen: int
    ) -> Trade:
        accounts = self._market.accounts
        since_open = self._number % TRADES_A_DAY * _BETWEEN_TRADES
        return {
            "venue": VENUE,
            "trade_id": f"{self._number:09d}",
            "method": METHOD,
            "instrument": {"project": instrument.project, "vintage": instrument.vintage},
            "seller_account": accounts[seller],
            "buyer_account": accounts[buyer],
            "quantity": tonnes,
            "price": yuan(price_fen),
            "currency": "CNY",
            "executed_at": datetime.combine(self._day, _OPENS, BEIJING) + since_open,
        }

    def _message(self, trade: Trade) -> Outgoing:
        trade_id, executed_at = str(trade["trade_id"]), trade["executed_at"]
        assert isinstance(executed_at, datetime)
        source, kind = f"/venues/{VENUE}", "trade.executed"
        return Outgoing(
            exchange="tonne.trades",
            routing_key=f"{kind}.{VENUE}",
            body=encode(reported(source, kind, trade_id, executed_at, trade)),
            message_id=trade_id,
            user_id=VENUE,
        )


def _skewed(places: int) -> list[float]:
    """Cumulated weights by Zipf's law: the second comes up half as often as the first, the third a third as often."""
    return list(accumulate(1 / (1 + place) for place in range(places)))


def _at_noon(trade: Trade, _: Near) -> Trade:
    executed_at = trade["executed_at"]
    assert isinstance(executed_at, datetime)
    return {"executed_at": executed_at.replace(hour=12)}


BREACHES: Mapping[str, Callable[[Trade, Near], Trade]] = {
    "PRICE_OFF_TICK": lambda trade, _: {"price": f"{trade['price']}5"},
    "PRICE_OUTSIDE_BAND": lambda _, __: {"price": "200.00"},
    "OUTSIDE_SESSION": _at_noon,
    "OPPOSITE_TRADE_TOO_SOON": lambda _, near: {"seller_account": near.buyer},
    "SELF_TRADE": lambda trade, _: {"buyer_account": trade["seller_account"]},
    "METHOD_NOT_OPEN": lambda _, __: {"method": "AUCTION"},
    "NOT_ENOUGH_CREDITS": lambda _, near: {"seller_account": near.poor},
    "NOT_ENOUGH_CASH": lambda _, near: {"buyer_account": near.poor},
}
"""By the code of the refusal what is changed in a trade that would settle."""
