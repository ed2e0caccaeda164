"""What flows of trades look at: what two parties have, and what was said of a trade."""

from typing import Any

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
