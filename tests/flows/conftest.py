"""After every flow, all invariants of all services hold."""

from collections.abc import AsyncIterator

import pytest

from services.tools import auditor
from services.tools.stack import Stack
from tests.market import Market, Party, Seller


@pytest.fixture(autouse=True)
async def sound_books(stack: Stack) -> AsyncIterator[None]:
    """No invariant is broken at the instant after the test."""
    yield
    broken = await auditor.broken_invariants(stack.database_urls)
    assert {name: rows for name, rows in broken.items() if rows} == {}


@pytest.fixture(scope="session")
async def pair(market: Market) -> tuple[Seller, Party]:
    """A seller and a buyer for tests that change nothing, or count only differences."""
    return await market.owner_with_credits(1_000_000), await market.buyer_with_cash(10**12)
