"""Rejections of trades by the rules of their market: code by code, what makes a trade that is in order break one."""

from dataclasses import dataclass
from typing import Any

from services.settlement.messages.market import MethodTerms, Session
from tests.flows import floor
from tests.market import Market, Party, Seller

SATURDAY, MONDAY = "2025-03-08", "2025-03-10"
MORNING = Session(opens="09:30", closes="11:30")
CODES = (
    "FEE_RECEIVER_MAY_NOT_TRADE",
    "INSTRUMENT_NOT_LISTED",
    "NOT_TRADING_DAY",
    "OPPOSITE_TRADE_TOO_SOON",
    "OUTSIDE_SESSION",
    "PRICE_OUTSIDE_BAND",
    "PROCEEDS_SPENT",
    "REFERENCE_PRICE_MISSING",
)


@dataclass(frozen=True, slots=True)
class Strict:
    """Sellers in markets with rules, a buyer with cash, and who receives the commissions."""

    banded: Seller
    """Its price may lie 10 % from the first one; opposite trades keep a gap of five days."""
    unpriced: Seller
    """The same, without a first price."""
    timed: Seller
    """Traded in the morning of trading days; listed today."""
    buyer: Party
    receiver: Party


async def built(market: Market) -> Strict:
    """The markets, each with its own programme."""
    receiver = await market.party("TRADER")
    rules: dict[str, Any] = {
        "methods": (MethodTerms(method="LISTING", band_basis_points=1000),),
        "gap_trading_days": 5,
        "seller_fee_ppm": 1000,
        "buyer_fee_ppm": 2000,
        "fee_account": receiver.account,
    }
    banding = await floor.programme(market, **rules)
    timing = await floor.programme(market, calendar="TRADING_DAYS", sessions=(MORNING,))
    banded, unpriced = [await floor.seller(market, banding) for _ in range(2)]
    await floor.priced(market, banded, "70.00")
    return Strict(
        banded=banded,
        unpriced=unpriced,
        timed=await floor.seller(market, timing),
        buyer=await market.buyer_with_cash(),
        receiver=receiver,
    )


def trades(market: Market, strict: Strict) -> dict[str, dict[str, Any]]:
    """What is rejected at once, by code; the seller of the banded instrument has sold to the buyer before."""
    banded, buyer = strict.banded, strict.buyer
    sold: dict[str, Any] = {"price": "70.00"}
    opposite = {"seller_account": buyer.account, "buyer_account": banded.account}

    def timed(at: str) -> dict[str, Any]:
        return market.trade(strict.timed, buyer, executed_at=f"{at}:00+08:00")

    return {
        "FEE_RECEIVER_MAY_NOT_TRADE": market.trade(banded, strict.receiver, **sold),
        "INSTRUMENT_NOT_LISTED": timed(f"{MONDAY}T10:00"),
        "NOT_TRADING_DAY": timed(f"{SATURDAY}T10:00"),
        "OPPOSITE_TRADE_TOO_SOON": market.trade(banded, buyer, **sold, **opposite),
        "OUTSIDE_SESSION": timed(f"{MONDAY}T03:00"),
        "PRICE_OUTSIDE_BAND": market.trade(banded, buyer, price="77.01"),
        "REFERENCE_PRICE_MISSING": market.trade(strict.unpriced, buyer, **sold),
    }
