"""What rule tests of trades share: strict terms, a market, a seller and a buyer, and a trade that settles."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.kernel.blocks import Block
from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING
from services.settlement.books import Books
from services.settlement.ledger import (
    Account,
    Batch,
    Bucket,
    CashKey,
    CashPosition,
    Holding,
    Instrument,
    Place,
)
from services.settlement.market import (
    DayTotals,
    LastTrade,
    Listing,
    Market,
    MarketBooks,
)
from services.settlement.messages.holdings import Instrument as TradedInstrument
from services.settlement.messages.market import MarketTerms, MethodTerms, Session
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.settling import settle
from services.settlement.terms import read_terms
from services.settlement.trades import Captured, Settled
from services.settlement.venues import Venue

VENUE, PROGRAMME, PROJECT, VINTAGE = "CBGEX", "CCER", "WIND", 2024
SELLER, BUYER, FEES = "ACC-S", "ACC-B", "ACC-F"
BATCH = UUID(int=1)
WIND = Instrument(PROJECT, VINTAGE)
MARKET = Market(VENUE, WIND)
DESK, SHELF = Place(SELLER, Bucket.EXCHANGE, VENUE), Place(SELLER, Bucket.REGISTRY)
SELLER_CASH, BUYER_CASH, FEE_CASH = (CashKey(one, VENUE, "CNY") for one in (SELLER, BUYER, FEES))
DAY = date(2026, 8, 20)
"""A Thursday without a holiday near it."""
AT = datetime(2026, 8, 20, 10, tzinfo=BEIJING)
CLOCK = datetime(2030, 1, 1, tzinfo=UTC)
"""Later than any trade here."""

STRICT = MarketTerms(
    venue=VENUE,
    programme=PROGRAMME,
    valid_from=date(2024, 1, 22),
    cycle="IMMEDIATE",
    methods=(
        MethodTerms(method="LISTING", band_basis_points=1000),
        MethodTerms(method="BULK", band_basis_points=3000),
    ),
    sessions=(Session(opens="09:30", closes="11:30"), Session(opens="13:00", closes="15:00")),
)
"""The rules of the Beijing exchange, as far as sources establish them."""
ADMITTED = Venue(VENUE, VENUE, "LIVE", None, is_halted=False, has_backlog=False)


def terms(**changed: Any) -> MarketTerms:
    """The strict terms, but for the changes."""
    return msgspec.structs.replace(STRICT, **changed)


def market(
    said: MarketTerms = STRICT,
    *,
    venue: Venue = ADMITTED,
    first_price_fen: int | None = 10_000,
    listed_on: date = date(2024, 1, 23),
    days: Mapping[date, DayTotals] | None = None,
    lasts: Mapping[str, LastTrade] | None = None,
) -> MarketBooks:
    """A market under these terms, in which the instrument is listed."""
    return MarketBooks(
        calendar=CHINA,
        venues={venue.code: venue},
        terms={(said.venue, said.programme): [read_terms(said)]},
        listings={MARKET: Listing(said.programme, listed_on, first_price_fen)},
        days={MARKET: dict(days or {})},
        lasts={(account, MARKET): last for account, last in (lasts or {}).items()},
    )


def account(number: str, kind: str = "TRADER", status: str = "OPEN") -> Account:
    """An account that may trade if its kind and status let it."""
    return Account(number, UUID(int=9), kind, status, f"TRD-{number}")


def books(cash_fen: int = 1_000_000, tonnes: int = 100, *, seller: Account | None = None) -> Books:
    """The seller has these tonnes at the venue, the buyer this cash there; another account receives fees."""
    return Books.of(
        [seller or account(SELLER, "OWNER"), account(BUYER), account(FEES)],
        [Batch(BATCH, PROGRAMME, "CN", PROJECT, VINTAGE, 1, AT)],
        [Holding(Block(BATCH, 1, 1 + tonnes), DESK)] if tonnes else [],
        {BUYER_CASH: CashPosition(cash_fen)},
    )


TRADE = ExecutedTrade(
    venue=VENUE,
    trade_id="1",
    method="LISTING",
    instrument=TradedInstrument(project=PROJECT, vintage=VINTAGE),
    seller_account=SELLER,
    buyer_account=BUYER,
    quantity=100,
    price="100.00",
    currency="CNY",
    executed_at=AT,
)
"""Of all the seller's credits for all the buyer's cash."""


def trade(**changed: Any) -> ExecutedTrade:
    """The trade that settles, but for the changes."""
    return msgspec.structs.replace(TRADE, **changed)


def decided(
    reported: ExecutedTrade, in_market: MarketBooks | None = None, ledger: Books | None = None
) -> Captured | Settled:
    """What the pure rule makes of a trade."""
    return settle(reported, ledger or books(), in_market or market(), CLOCK)


def captured(reported: ExecutedTrade, in_market: MarketBooks, ledger: Books) -> Captured:
    """The same of a trade that is held for the end of the day."""
    outcome = settle(reported, ledger, in_market, CLOCK)
    assert isinstance(outcome, Captured)
    return outcome


def settled(
    reported: ExecutedTrade, in_market: MarketBooks | None = None, ledger: Books | None = None
) -> Settled:
    """The same of a trade that settles at once."""
    outcome = decided(reported, in_market, ledger)
    assert isinstance(outcome, Settled)
    return outcome


def is_untouched(ledger: Books) -> bool:
    """Whether nothing would be written of these books."""
    changes = [*ledger.changed(), *ledger.added(), *ledger.cash_changes()]
    return not [*changes, *ledger.credit_entries, *ledger.cash_entries]
