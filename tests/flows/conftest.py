"""What flows share: after each of them all invariants hold."""

import pytest

from tests.market import Market, Party, Seller


@pytest.fixture(autouse=True)
def _sound(sound_books: None) -> None:
    """Every test here ends with a look at all books."""


@pytest.fixture(scope="session")
async def pair(market: Market) -> tuple[Seller, Party]:
    """A seller and a buyer for tests that change nothing, or count only differences."""
    return await market.owner_with_credits(1_000_000), await market.buyer_with_cash(10**12)
