"""What flows of trades look at: what two parties have, and what was said of a trade."""

from typing import Any

from services.runtime.messages import Answer
from tests.market import Market, Party, Seller

Pair = tuple[Seller, Party]


def subject(trade: dict[str, Any]) -> str:
    """The aggregate under which its events stand."""
    return f"trade/{trade['venue']}/{trade['trade_id']}"


async def legs(market: Market, pair: Pair) -> tuple[int, int, int, int]:
    """What the two have: tonnes of the seller and the buyer, fen of the seller and the buyer."""
    seller, buyer = pair
    return (
        await market.tonnes(seller.account, "exchange"),
        await market.tonnes(buyer.account, "exchange"),
        await market.fen(seller.account),
        await market.fen(buyer.account),
    )


async def outcomes(market: Market, trade: dict[str, Any]) -> list[str]:
    """Every event that was stored about the trade."""
    found = await market.database.fetch(
        "SELECT type FROM settlement.event WHERE aggregate = $1 ORDER BY sequence", subject(trade)
    )
    return [row["type"] for row in found]


async def sold(market: Market) -> tuple[Pair, dict[str, Any]]:
    """A seller of 100 t at the venue, a buyer with 1,000.00 yuan, and a settled trade of 10 t for 707.60 yuan."""
    pair = await market.owner_with_credits(100), await market.buyer_with_cash(100_000)
    trade = market.trade(*pair)
    assert (await market.settle(trade)).state == "SETTLED"
    return pair, trade


async def figures(market: Market, trade: dict[str, Any]) -> tuple[Any, ...]:
    """The trade's row and its day in the market's figures."""
    row = await market.database.fetchrow(
        "SELECT * FROM settlement.trade WHERE trade_id = $1", trade["trade_id"]
    )
    day = await market.database.fetchrow(
        "SELECT * FROM settlement.instrument_day WHERE project = $1", trade["instrument"]["project"]
    )
    assert row
    assert day
    return tuple(row), tuple(day)


def code(answer: Answer) -> str | None:
    """Why the command was refused."""
    return answer.refusal and answer.refusal.code
