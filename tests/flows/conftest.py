"""What flows share: after each of them all invariants hold."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.tools.stack import Stack
from tests.flows.graph import Graph
from tests.market import Market, Party, Seller


@pytest.fixture(autouse=True)
def _sound(sound_books: None) -> None:
    """Every test here ends with a look at all books."""


@pytest.fixture(scope="session")
async def pair(market: Market) -> tuple[Seller, Party]:
    """A seller and a buyer for tests that change nothing, or count only differences."""
    return await market.owner_with_credits(1_000_000), await market.buyer_with_cash(10**12)


@pytest.fixture
async def graph(stack: Stack) -> AsyncIterator[Graph]:
    """A front end without a token."""
    async with aiohttp.ClientSession() as session:
        yield Graph(stack, session)
