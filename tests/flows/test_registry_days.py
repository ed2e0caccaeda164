"""Days begin by themselves: the clock of each service sends a command that is handled like any other."""

from datetime import UTC, datetime

import pytest

from services.kernel.clocks import market_day
from tests.market import Market


@pytest.mark.parametrize("service", ["registry", "issuance", "settlement"])
async def test_the_day_is_opened_once(market: Market, service: str) -> None:
    today = market_day(datetime.now(UTC))
    opened = (
        f"SELECT count(*) FROM {service}.event"
        f" WHERE type = '{service}.day.opened' AND aggregate = $1 AND actor = 'tonne-clock'"
    )
    assert await market.until(opened, f"day/{today}") == 1
