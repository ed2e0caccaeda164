"""The demo's trade tape: made up, obedient to the market's rules, and equal to every public day.

Only daily totals are public. A greedy search finds what could have been traded: owners only sell,
buyers hold; each day is filled from the listed instruments whose price band holds the day's two
ticks, nearest first, else a new instrument lists. Nothing here is random: lots, buyers and times
are drawn from a digest of their content.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

from services.kernel.clocks import BEIJING
from services.kernel.money import average_fen, yuan
from services.tools.companies import buyer_keys, owner_keys
from services.tools.market_days import ONE_DAY, next_trading_day, trading_day_from
from services.tools.records import Records, TradingDay

LOTS_TONNES = (500, 1_000, 2_000, 3_000, 5_000, 5_000, 7_000, 8_000)
SESSION = timedelta(hours=2)
SESSION_STARTS = (time(9, 30), time(13, 0))
DAY_MS = 2 * (SESSION // timedelta(milliseconds=1))


class TapeStuckError(Exception):
    """No instrument is left that could fill the day: records and rules contradict each other."""


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """What the venue lists: the credits of one project and vintage."""

    project: str
    vintage: int


@dataclass(frozen=True, slots=True)
class Stock:
    """One issued batch: its tonnes trade from the next trading day after the move to the venue."""

    instrument: Instrument
    seller: str
    monitoring_period: int
    tonnes: int
    issued_on: date
    tradable_on: date


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution; seller and buyer are keys of organisations."""

    venue: str
    trade_id: str
    method: str
    instrument: Instrument
    seller: str
    buyer: str
    tonnes: int
    price_fen: int
    executed_at: datetime
    currency: str = "CNY"

    @property
    def value_fen(self) -> int:
        """What the buyer pays."""
        return self.tonnes * self.price_fen


@dataclass(frozen=True, slots=True, order=True)
class Fill:
    """Tonnes of one instrument at one price on one day, before they are split into trades."""

    day: date
    instrument: Instrument
    price_fen: int
    tonnes: int


@dataclass(slots=True)
class Board:
    """What is left to sell, and the last average price of each listed instrument."""

    left_tonnes: dict[Instrument, int]
    reference_fen: dict[Instrument, int]

    def bring(self, stock: Stock) -> None:
        """Makes the batch tradable."""
        left = self.left_tonnes.get(stock.instrument, 0)
        self.left_tonnes[stock.instrument] = left + stock.tonnes

    def sell(self, instrument: Instrument, tonnes: int, turnover_fen: int) -> None:
        """Takes the tonnes off the board; their average is the next day's reference."""
        self.left_tonnes[instrument] -= tonnes
        self.reference_fen[instrument] = average_fen(turnover_fen, tonnes)

    def nearest(self, low_fen: int, high_fen: int, day: TradingDay) -> list[Instrument]:
        """The listed ones whose band holds both ticks, nearest to the day's average first."""

        def distance(instrument: Instrument) -> tuple[int, Instrument]:
            reference = self.reference_fen[instrument]
            return abs(reference * day.tonnes - day.turnover_fen), instrument

        fitting = (
            instrument
            for instrument, reference in self.reference_fen.items()
            if self.left_tonnes[instrument] and within_band(reference, low_fen, high_fen)
        )
        return sorted(fitting, key=distance)

    def newcomer(self, tonnes: int) -> Instrument:
        """The unlisted instrument that just suffices, else the largest."""
        fresh = sorted(
            (left, instrument)
            for instrument, left in self.left_tonnes.items()
            if instrument not in self.reference_fen
        )
        if not fresh:
            raise TapeStuckError(f"{tonnes} t short")
        return next((instrument for left, instrument in fresh if left >= tonnes), fresh[-1][1])


def build_tape(records: Records) -> tuple[Trade, ...]:
    """All trades of the venue CBGEX in the order of their execution."""
    fills = search(records.days, stocks(records))
    sellers, buyers = owner_keys(records), buyer_keys(records)
    return tuple(
        trade
        for day, lots in groupby(split(fills), key=attrgetter("day"))
        for trade in _trades_of(day, list(lots), sellers, buyers)
    )


def stocks(records: Records) -> list[Stock]:
    """All batches that can be sold, issued on the day of registration, or after the period's end if that is later."""
    registered_on = {project.code: project.registered_on for project in records.projects}
    sellers, opening = owner_keys(records), records.story.opening_batch
    rows = [(opening.project, opening.vintage, 0, opening.tonnes, opening.imported_on)]
    for row in records.issued:
        issued_on = max(registered_on[row.project], row.period_to + ONE_DAY)
        rows.append((row.project, row.vintage, row.monitoring_period, row.tonnes, issued_on))
    return [
        Stock(
            instrument=Instrument(project, vintage),
            seller=sellers[project],
            monitoring_period=period,
            tonnes=tonnes,
            issued_on=issued_on,
            tradable_on=next_trading_day(trading_day_from(issued_on)),
        )
        for project, vintage, period, tonnes, issued_on in rows
    ]


def search(days: Iterable[TradingDay], stock: Iterable[Stock]) -> Iterator[Fill]:
    """Fills every day that has volume; raises TapeStuckError when one cannot be filled."""
    waiting = deque(sorted(stock, key=attrgetter("tradable_on", "instrument", "monitoring_period")))
    board = Board({}, {})
    for day in days:
        while waiting and waiting[0].tradable_on <= day.day:
            board.bring(waiting.popleft())
        if day.tonnes:
            yield from fill(day, board)


def fill(day: TradingDay, board: Board) -> Iterator[Fill]:
    """Sells the day at two ticks: V tonnes for T fen are T mod V at p + 1, the rest at p."""
    price_fen, dear_left = divmod(day.turnover_fen, day.tonnes)
    candidates = deque(board.nearest(price_fen, price_fen + (dear_left > 0), day))
    missing = day.tonnes
    while missing:
        instrument = candidates.popleft() if candidates else board.newcomer(missing)
        tonnes = min(board.left_tonnes[instrument], missing)
        dear = min(tonnes, dear_left)
        board.sell(instrument, tonnes, tonnes * price_fen + dear)
        missing, dear_left = missing - tonnes, dear_left - dear
        for price, part in ((price_fen + 1, dear), (price_fen, tonnes - dear)):
            if part:
                yield Fill(day.day, instrument, price, part)


def within_band(reference_fen: int, low_fen: int, high_fen: int) -> bool:
    """Whether both lie within 10 % of the reference, the limits rounded inward to the tick."""
    return -(-9 * reference_fen // 10) <= low_fen and high_fen <= 11 * reference_fen // 10


def split(fills: Iterable[Fill]) -> Iterator[Fill]:
    """Cuts each fill into the lots of single trades."""
    for whole in fills:
        instrument, left = whole.instrument, whole.tonnes
        while left:
            drawn = draw(whole.day, instrument.project, instrument.vintage, whole.price_fen, left)
            tonnes = min(left, LOTS_TONNES[drawn % len(LOTS_TONNES)])
            yield replace(whole, tonnes=tonnes)
            left -= tonnes


def draw(*content: object) -> int:
    """A number that looks random and depends on nothing but the content."""
    return int.from_bytes(blake2b("/".join(map(str, content)).encode(), digest_size=8).digest())


def executed_at(day: date, number: int, trades: int) -> datetime:
    """An instant in the sessions; within a day a later number is always a later millisecond."""
    offset_ms = (number * DAY_MS + draw("instant", day, number) % (DAY_MS - trades)) // trades
    afternoon, offset_ms = divmod(offset_ms, DAY_MS // 2)
    start = datetime.combine(day, SESSION_STARTS[afternoon], BEIJING)
    return start + timedelta(milliseconds=offset_ms)


def _trades_of(
    day: date, lots: Sequence[Fill], sellers: Mapping[str, str], buyers: Sequence[str]
) -> Iterator[Trade]:
    order = sorted(range(len(lots)), key=lambda place: draw("order", day, place))
    for number, lot in enumerate(lots[place] for place in order):
        yield Trade(
            venue="CBGEX",
            trade_id=f"{day:%Y%m%d}-{number + 1:06d}",
            method="LISTING",
            instrument=lot.instrument,
            seller=sellers[lot.instrument.project],
            buyer=buyers[draw("buyer", day, number) % len(buyers)],
            tonnes=lot.tonnes,
            price_fen=lot.price_fen,
            executed_at=executed_at(day, number, len(lots)),
        )


def trade_body(trade: Trade, account_numbers: Mapping[str, str]) -> dict[str, object]:
    """The body of the trade message, with the public account numbers of the two parties."""
    return {
        "venue": trade.venue,
        "trade_id": trade.trade_id,
        "method": trade.method,
        "instrument": {"project": trade.instrument.project, "vintage": trade.instrument.vintage},
        "seller_account": account_numbers[trade.seller],
        "buyer_account": account_numbers[trade.buyer],
        "quantity": trade.tonnes,
        "price": yuan(trade.price_fen),
        "currency": trade.currency,
        "executed_at": trade.executed_at.isoformat(timespec="milliseconds"),
    }
