"""Venues and their market: terms, instruments, first prices, days, gaps and disputes."""

from datetime import date
from uuid import UUID

import msgspec

from services.runtime.messages import Command, Event


class OpenVenue(Command, frozen=True, kw_only=True, tag="settlement.open_venue"):
    """Admits a trading venue; its code is its user name at the broker. What is traded there, its terms say."""

    code: str
    name: str


class VenueOpened(Event, frozen=True, kw_only=True, tag="settlement.venue.opened"):
    """A venue may report trades, once it has market terms."""

    code: str
    name: str

    @property
    def subject(self) -> str:
        return f"venue/{self.code}"


class MethodTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One method of trading that is open (trading and settlement rules 2023, articles 12 to 16)."""

    method: str
    """LISTING, BULK, AUCTION or BILATERAL."""
    band_basis_points: int | None = None
    """How far the price may lie from the day's reference price: 1000 is 10 %; null is anywhere."""
    tonnes_min: int = 1
    tonnes_max: int | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """When a venue trades, in Beijing time; both ends belong to it (article 21)."""

    opens: str
    """As "09:30"."""
    closes: str


class MarketTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one programme's market at one venue; what no source establishes is named as unverified."""

    venue: str
    programme: str
    valid_from: date
    """The first day in Beijing whose trades obey these terms, until later ones."""
    cycle: str
    """IMMEDIATE: settled when reported; DAY_END: held, and settled after the day's two confirmations."""
    methods: tuple[MethodTerms, ...]
    sessions: tuple[Session, ...] = ()
    """None: any time of a trading day."""
    calendar: str = "TRADING_DAYS"
    """TRADING_DAYS: Monday to Friday minus holidays (article 21); EVERY_DAY."""
    lot_tonnes: int = 1
    tick_fen: int = 1
    gap_trading_days: int = 5
    """Trading days between opposite trades of one account in one instrument (article 29); 0 is none."""
    listing_trading_days: int = 1
    """Trading days from the first move to the venue until the instrument trades."""
    seller_fee_ppm: int = 0
    """Commission in millionths of the value, rounded half up to the fen."""
    buyer_fee_ppm: int = 0
    fee_account: str | None = None
    """Who receives the commissions."""
    unverified: tuple[str, ...] = ()
    """The fields that no source establishes: configuration that the venue must confirm."""


class SetMarketTerms(Command, frozen=True, kw_only=True, tag="settlement.set_market_terms"):
    """Sets the rules of a programme's market at a venue from a day on; needs two persons."""

    terms: MarketTerms


class MarketTermsSet(Event, frozen=True, kw_only=True, tag="settlement.market.terms_set"):
    """From ``valid_from`` on a programme's trades at a venue obey these terms."""

    terms: MarketTerms

    @property
    def subject(self) -> str:
        return f"market/{self.terms.venue}/{self.terms.programme}"


class StartReplay(Command, frozen=True, kw_only=True, tag="settlement.start_replay"):
    """Lets a venue report recorded history, whose instants lie far from the clock; for historians."""

    venue: str


class EndReplay(Command, frozen=True, kw_only=True, tag="settlement.end_replay"):
    """From now on the venue reports the present: a day that it has closed stays closed; for historians."""

    venue: str


class VenueModeChanged(Event, frozen=True, kw_only=True, tag="settlement.venue.mode_changed"):
    """A venue went into replay, or out of it."""

    venue: str
    mode: str
    """LIVE or REPLAY."""

    @property
    def subject(self) -> str:
        return f"venue/{self.venue}"


class InstrumentListed(Event, frozen=True, kw_only=True, tag="settlement.instrument.listed"):
    """Credits of a project and vintage came to a venue for the first time; they trade from ``listed_on``."""

    venue: str
    project: str
    vintage: int
    programme: str
    listed_on: date

    @property
    def subject(self) -> str:
        return f"instrument/{self.venue}/{self.project}/{self.vintage}"


class DeclareFirstPrice(Command, frozen=True, kw_only=True, tag="settlement.declare_first_price"):
    """The first to bring an instrument names its first reference price; the venue confirms it (article 17)."""

    venue: str
    account: str
    project: str
    vintage: int
    price: str
    """Yuan for one tonne, as a decimal string."""


class FirstPriceDeclared(
    Event, frozen=True, kw_only=True, tag="settlement.instrument.first_price_declared"
):
    """The instrument has its first reference price."""

    venue: str
    project: str
    vintage: int
    account: str
    price: str

    @property
    def subject(self) -> str:
        return f"instrument/{self.venue}/{self.project}/{self.vintage}"


class ConfirmDay(Command, frozen=True, kw_only=True, tag="settlement.confirm_day"):
    """The registry's confirmation of a closed day: with the venue's, its held trades settle (article 28)."""

    venue: str
    date: date


class DayConfirmed(Event, frozen=True, kw_only=True, tag="settlement.day.confirmed"):
    """The registry has confirmed a venue's day."""

    venue: str
    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.venue}/{self.date}"


class DayReconciled(Event, frozen=True, kw_only=True, tag="settlement.day.reconciled"):
    """A venue's day as it reported it, beside what was captured: equal or not."""

    venue: str
    date: date
    trades: int
    tonnes: int
    turnover_fen: int
    captured_trades: int
    captured_tonnes: int
    captured_turnover_fen: int
    is_matched: bool

    @property
    def subject(self) -> str:
        return f"day/{self.venue}/{self.date}"


class CashReconciled(Event, frozen=True, kw_only=True, tag="settlement.cash.reconciled"):
    """The bank's statement of a venue's cash beside the ledger: equal, but for what is explained, or not."""

    venue: str
    currency: str
    date: date
    deposits_fen: int
    withdrawals_fen: int
    closing_balance_fen: int
    booked_deposits_fen: int
    booked_withdrawals_fen: int
    booked_balance_fen: int
    explained_fen: int
    """By how much the balances differ since an earlier day, as two persons explained then."""
    is_matched: bool

    @property
    def subject(self) -> str:
        return f"day/{self.venue}/{self.date}"


class VenueHalted(Event, frozen=True, kw_only=True, tag="settlement.venue.halted"):
    """A count of the venue or the bank differs from the ledger: nothing of the venue settles until it is cleared."""

    venue: str
    date: date
    kind: str
    """TRADES: the venue's count differs; CASH: the bank's statement does."""

    @property
    def subject(self) -> str:
        return f"venue/{self.venue}"


class ClearGap(Command, frozen=True, kw_only=True, tag="settlement.clear_gap"):
    """Explains why a count differed, so that the venue settles again; needs two persons."""

    venue: str
    date: date
    kind: str
    explanation: str


class GapCleared(Event, frozen=True, kw_only=True, tag="settlement.venue.gap_cleared"):
    """A difference is explained; a venue without another one settles again."""

    venue: str
    date: date
    kind: str
    explanation: str
    is_halted: bool
    """Whether another difference still stops the venue."""

    @property
    def subject(self) -> str:
        return f"venue/{self.venue}"


class ObjectToTrade(Command, frozen=True, kw_only=True, tag="settlement.object_to_trade"):
    """A party disagrees with a trade, before the next trading day opens (article 32); nothing is undone by it."""

    dispute_id: UUID
    venue: str
    trade_id: str
    account: str
    reason: str


class TradeDisputed(Event, frozen=True, kw_only=True, tag="settlement.trade.disputed"):
    """A party disagrees with a trade."""

    dispute_id: UUID
    venue: str
    trade_id: str
    account: str
    reason: str

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class CloseDispute(Command, frozen=True, kw_only=True, tag="settlement.close_dispute"):
    """Decides a dispute; one that is upheld is cured by an opposite, approved posting."""

    dispute_id: UUID
    outcome: str
    """UPHELD or DISMISSED."""
    explanation: str


class DisputeClosed(Event, frozen=True, kw_only=True, tag="settlement.trade.dispute_closed"):
    """A dispute is decided."""

    dispute_id: UUID
    venue: str
    trade_id: str
    outcome: str
    explanation: str

    @property
    def subject(self) -> str:
        return f"trade/{self.venue}/{self.trade_id}"


class OpenDay(Command, frozen=True, kw_only=True, tag="settlement.open_day"):
    """A new day: offers of credits whose last day is over expire, and what is still owed at its deadline is overdue."""

    date: date


class DayOpened(Event, frozen=True, kw_only=True, tag="settlement.day.opened"):
    """What time had caused by this day is done."""

    date: date

    @property
    def subject(self) -> str:
        return f"day/{self.date}"
