"""What happens around the tape: moves to the venue, deposits, closes, and the figures due."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import groupby

from services.kernel.clocks import BEIJING, market_day
from services.kernel.money import average_fen, price_fen
from services.tools.companies import SURPLUS, buyer_key
from services.tools.market_days import next_trading_day, previous_trading_day
from services.tools.records import Records
from services.tools.story import Story
from services.tools.tape import Instrument, Stock, Trade, stocks

DEPOSITED = time(9, 0)
CLOSED = time(15, 5)
MOVED = time(16, 0)

DEPOSIT_STEP_FEN = 100_000_000  # deposits come in whole millions of yuan
SENT_TWICE_EVERY = 10
OTHER_CERTIFICATES = 4
"""Beside those of offsets: of the pilot, of the event, and of what both companies surrender."""
WHOLE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument's life on the venue; the seller declares the first reference price."""

    instrument: Instrument
    seller: str
    listed_on: date
    declared_fen: int
    moved_tonnes: int
    sold_tonnes: int
    last_reference_fen: int

    @property
    def left_tonnes(self) -> int:
        """What still lies at the venue after the last day."""
        return self.moved_tonnes - self.sold_tonnes


@dataclass(frozen=True, slots=True)
class Move:
    """An owner's order to move credits to a venue, or back; period 0 is the opening batch, or no single one."""

    owner: str
    instrument: Instrument
    monitoring_period: int
    tonnes: int
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class FirstPrice:
    """What the first to bring an instrument to a venue says of its price."""

    venue: str
    owner: str
    instrument: Instrument
    price_fen: int
    declared_at: datetime


@dataclass(frozen=True, slots=True)
class Deposit:
    """Cash that the bank reports for a buyer before it is needed."""

    buyer: str
    amount_fen: int
    reported_at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class DayClosed:
    """What a venue says at each close, also on a day without volume."""

    venue: str
    day: date
    trades: int
    tonnes: int
    turnover_fen: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report must show after the whole demo; the names are its keys."""

    projects_registered: int
    expected_annual_tonnes: int
    batches_issued: int
    tonnes_issued: int
    trading_days: int
    tonnes_traded: int
    turnover_fen: int
    trades_settled: int
    trades_published: int
    pilot_tonnes_traded: int
    pilot_tonnes_retired: int
    ets_due: int
    ets_surrendered: int
    ets_offset: int
    certificates: int
    invariants_broken: int
    duplicates_sent: int


def beijing(day: date, clock: time) -> datetime:
    """The instant at which Beijing's clocks show this."""
    return datetime.combine(day, clock, BEIJING)


def moves(records: Records, tape: Sequence[Trade]) -> tuple[Move, ...]:
    """Each traded batch moves whole, on the eve of the first day that needs it; oldest first."""
    first_day = {trade.instrument: market_day(trade.executed_at) for trade in reversed(tape)}
    found = (_move(stock, first_day) for stock in stocks(records) if stock.instrument in first_day)
    return tuple(sorted(found, key=lambda move: (move.moved_at, move.instrument)))


def _move(stock: Stock, first_day: Mapping[Instrument, date]) -> Move:
    needed_on = max(first_day[stock.instrument], stock.tradable_on)
    moved_at = beijing(previous_trading_day(needed_on), MOVED)
    return Move(stock.seller, stock.instrument, stock.monitoring_period, stock.tonnes, moved_at)


def listings(tape: Sequence[Trade], moved: Iterable[Move]) -> tuple[Listing, ...]:
    """Every instrument that was traded, in the order of its first day."""
    moved_tonnes: Counter[Instrument] = Counter()
    for move in moved:
        moved_tonnes[move.instrument] += move.tonnes
    by_instrument: defaultdict[Instrument, list[Trade]] = defaultdict(list)
    for trade in tape:
        by_instrument[trade.instrument].append(trade)
    return tuple(
        _listing(instrument, trades, moved_tonnes[instrument])
        for instrument, trades in by_instrument.items()
    )


def _listing(instrument: Instrument, trades: Sequence[Trade], moved_tonnes: int) -> Listing:
    daily = [list(day) for _, day in groupby(trades, key=lambda trade: trade.executed_at.date())]
    return Listing(
        instrument=instrument,
        seller=trades[0].seller,
        listed_on=market_day(trades[0].executed_at),
        declared_fen=_average_fen(daily[0]),
        moved_tonnes=moved_tonnes,
        sold_tonnes=sum(trade.tonnes for trade in trades),
        last_reference_fen=_average_fen(daily[-1]),
    )


def _average_fen(trades: Sequence[Trade]) -> int:
    tonnes = sum(trade.tonnes for trade in trades)
    return average_fen(sum(trade.value_fen for trade in trades), tonnes)


def deposits(trades: Sequence[Trade]) -> Iterator[Deposit]:
    """Before each quarter's first open: what a buyer lacks for it, in whole millions of yuan."""
    cash_fen: Counter[str] = Counter()
    for quarter, bought in groupby(trades, key=_quarter):
        quarters_trades = list(bought)
        reported_at = beijing(market_day(quarters_trades[0].executed_at), DEPOSITED)
        for trade in quarters_trades:
            cash_fen[trade.buyer] -= trade.value_fen
        for buyer in sorted(cash_fen):
            if cash_fen[buyer] < 0:
                amount_fen = -(cash_fen[buyer] // DEPOSIT_STEP_FEN) * DEPOSIT_STEP_FEN
                cash_fen[buyer] += amount_fen
                yield Deposit(buyer, amount_fen, reported_at, f"DEMO-{quarter}-{buyer}")


def _quarter(trade: Trade) -> str:
    day = market_day(trade.executed_at)
    return f"{day.year}Q{(day.month + 2) // 3}"


def day_closes(records: Records, tape: Sequence[Trade]) -> tuple[DayClosed, ...]:
    """The closes of all disclosed days; only how many trades there were comes from the tape."""
    trades = Counter(market_day(trade.executed_at) for trade in tape)
    return tuple(
        DayClosed(
            venue="CBGEX",
            day=row.day,
            trades=trades[row.day],
            tonnes=row.tonnes,
            turnover_fen=row.turnover_fen,
            closed_at=beijing(row.day, CLOSED),
        )
        for row in records.days
    )


def pilot_trade(story: Story) -> Trade:
    """The one trade of the electronics-recycling story."""
    pilot = story.pilot
    return Trade(
        venue=pilot.venue,
        trade_id=pilot.trade.trade_id,
        method="BILATERAL",
        instrument=Instrument(pilot.project, pilot.issuance.vintage),
        seller="pilot-owner",
        buyer="pilot-buyer",
        tonnes=pilot.trade.tonnes,
        price_fen=price_fen(pilot.trade.price_yuan),
        executed_at=pilot.trade.executed_at,
    )


def offset_max(records: Records) -> int:
    """How much of what it owes the company that is short may offset."""
    ets = records.story.ets
    [plan] = [one for one in records.allocation_plans if one.plan == ets.plan]
    return ets.short.due * plan.offset_cap_ppm // WHOLE_PPM


def allowance_trades(records: Records) -> tuple[Trade, Trade]:
    """What it buys of the other company: what neither its allocation nor the offset covers; rejected, then settled."""
    ets, sale = records.story.ets, records.story.ets.sale
    rejected = Trade(
        venue=ets.venue,
        trade_id=sale.rejected_id,
        method="LISTING",
        instrument=Instrument(ets.programme, ets.emission_year),
        seller=SURPLUS,
        buyer=buyer_key(records, ets.short.name),
        tonnes=ets.short.due - ets.short.allocated_tonnes - offset_max(records),
        price_fen=price_fen(sale.price_yuan),
        executed_at=sale.rejected_at,
    )
    return rejected, replace(rejected, trade_id=sale.trade_id, executed_at=sale.executed_at)


def next_trade(records: Records, tape: Sequence[Trade]) -> Trade:
    """One more valid trade, for a newcomer to publish by hand: on the day after the last."""
    listing = max(listings(tape, moves(records, tape)), key=lambda listing: listing.left_tonnes)
    cash_fen: Counter[str] = Counter()
    for deposit in deposits(tape):
        cash_fen[deposit.buyer] += deposit.amount_fen
    for trade in tape:
        cash_fen[trade.buyer] -= trade.value_fen
    day = next_trading_day(records.days[-1].day)
    return Trade(
        venue="CBGEX",
        trade_id=f"{day:%Y%m%d}-000001",
        method="LISTING",
        instrument=listing.instrument,
        seller=listing.seller,
        buyer=max(sorted(cash_fen), key=lambda buyer: cash_fen[buyer]),
        tonnes=100,
        price_fen=listing.last_reference_fen,
        executed_at=beijing(day, time(10, 15)),
    )


def expected_figures(records: Records, tape: Sequence[Trade]) -> Figures:
    """The report's figures from the records; only how many trades there are is the tape's."""
    pilot, due = records.story.pilot, records.story.ets.short.due
    offset = offset_max(records)
    return Figures(
        projects_registered=len(records.projects),
        expected_annual_tonnes=sum(row.expected_annual_tonnes for row in records.projects),
        batches_issued=len(records.issued),
        tonnes_issued=sum(row.tonnes for row in records.issued),
        trading_days=len(records.days),
        tonnes_traded=sum(row.tonnes for row in records.days),
        turnover_fen=sum(row.turnover_fen for row in records.days),
        trades_settled=len(tape),
        trades_published=len(tape),
        pilot_tonnes_traded=pilot.trade.tonnes,
        pilot_tonnes_retired=pilot.retirement.tonnes,
        ets_due=due,
        ets_surrendered=due - offset,
        ets_offset=offset,
        certificates=len(records.story.ets.discharge.offsets) + OTHER_CERTIFICATES,
        invariants_broken=0,
        duplicates_sent=len(tape) // SENT_TWICE_EVERY,
    )
