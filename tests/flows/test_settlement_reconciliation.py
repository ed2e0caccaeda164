"""The bank's statement through the broker: a difference stops the venue, and two persons let it go on."""

from datetime import UTC, date, datetime
from typing import Any

from services.kernel.clocks import market_day
from services.runtime.messages import Answer
from services.settlement.messages.market import ClearGap
from tests.market import REGISTRAR, Market, Party, cloud_event, content

VENUE = "HZ-PILOT"
STATEMENT = "bank.statement_reported"


async def report(market: Market, closing_difference_fen: int = 0) -> dict[str, Any]:
    """Reports what the ledger booked today, but for the difference; waits for what comes of it."""
    today = market_day(datetime.now(UTC))
    booked = await market.database.fetchrow(
        "SELECT coalesce(sum(deposits_fen) FILTER (WHERE date = $2), 0)::bigint AS deposits,"
        " coalesce(sum(withdrawals_fen) FILTER (WHERE date = $2), 0)::bigint AS withdrawals,"
        " coalesce(sum(deposits_fen - withdrawals_fen), 0)::bigint AS closing"
        " FROM settlement.bank_day WHERE venue = $1 AND date <= $2",
        VENUE,
        today,
    )
    assert booked
    said = {
        "statement_id": market.unique("STATEMENT"),
        "venue": VENUE,
        "currency": "CNY",
        "date": today.isoformat(),
        "deposits_fen": booked["deposits"],
        "withdrawals_fen": booked["withdrawals"],
        "closing_balance_fen": booked["closing"] + closing_difference_fen,
    }
    body = cloud_event("/bank", STATEMENT, said, market.unique("bank"))
    await market.publish("bank", "tonne.bank", STATEMENT, body, user_id="bank")
    sql = "SELECT EXISTS (SELECT FROM settlement.bank_statement WHERE statement_id = $1)"
    await market.until(sql, said["statement_id"])
    return said


async def clear(market: Market, day: str) -> Answer:
    """Clears the gap by two persons."""
    gap = ClearGap(
        venue=VENUE, date=date.fromisoformat(day), kind="CASH", explanation="a fee of the bank"
    )
    return await market.approve(await market.send(gap, REGISTRAR))


async def test_a_difference_of_the_bank_stops_the_venue_until_two_persons_clear_it(
    market: Market,
) -> None:
    seller = await market.owner_with_credits(100, VENUE)
    buyer: Party = await market.buyer_with_cash(1_000_000, VENUE)
    matched = await report(market)
    day = f"day/{VENUE}/{matched['date']}"
    told = content(await market.told("settlement.cash.reconciled", day))
    assert (told["is_matched"], told["booked_balance_fen"]) == (
        True,
        matched["closing_balance_fen"],
    )
    assert (await market.settle(market.trade(seller, buyer))).state == "SETTLED"

    wrong = await report(market, closing_difference_fen=1)
    await market.told("settlement.venue.halted", f"venue/{VENUE}")
    waiting = market.trade(seller, buyer)
    await market.report(waiting)
    await market.until_waiting(waiting)

    answer = await clear(market, wrong["date"])

    assert answer.outcome == Answer.ACCEPTED
    assert (await market.outcome(waiting)).state == "SETTLED"
