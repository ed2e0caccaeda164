"""Settlement is killed without warning in the middle of its work: each trade has one outcome, and nothing is lost."""

import asyncio
from typing import Any

from services.runtime.messages import Answer
from tests.market import Market, Party, Seller

TRADES = 400
KILLS = 4


async def test_killed_in_a_stream_of_trades_each_has_exactly_one_outcome(market: Market) -> None:
    seller = await market.owner_with_credits(TRADES)
    buyer = await market.buyer_with_cash(TRADES * 100)
    trades = _mixed(market, seller, buyer)
    sending = asyncio.create_task(_send(market, trades))

    for kill in range(1, KILLS + 1):
        await _until_decided(market, trades, len(trades) * kill // (KILLS + 2))
        await _kill_and_start(market)
    await sending
    await _until_decided(market, trades, len(trades))

    good = [trade for trade in trades if trade["quantity"] > 0]
    assert await market.tonnes(buyer.account, "exchange") == len(good)
    assert await market.fen(seller.account) == 100 * len(good)
    rows = await market.database.fetch(
        "SELECT aggregate, count(*) AS said FROM settlement.event WHERE aggregate = ANY ($1)"
        " AND type IN ('settlement.trade.settled', 'settlement.trade.rejected') GROUP BY aggregate",
        [f"trade/CBGEX/{trade['trade_id']}" for trade in trades],
    )
    assert {row["said"] for row in rows} == {1}
    assert len(rows) == len(trades)
    for trade in trades:
        kind = "settled" if trade["quantity"] > 0 else "rejected"
        await market.told(f"settlement.trade.{kind}", f"trade/CBGEX/{trade['trade_id']}")


async def test_killed_as_soon_as_a_commit_is_visible_no_trade_settles_twice(market: Market) -> None:
    seller, buyer = await market.owner_with_credits(100), await market.buyer_with_cash(10_000)

    for _ in range(5):
        trades = [market.trade(seller, buyer, quantity=1, price="1") for _ in range(20)]
        sending = asyncio.create_task(_send(market, trades))
        await market.outcome(trades[0])
        await _kill_and_start(market)
        await sending
        for trade in trades:
            assert (await market.outcome(trade)).state == "SETTLED"

    assert await market.tonnes(buyer.account, "exchange") == 100
    assert await market.fen(seller.account) == 10_000


async def test_a_command_whose_service_is_killed_takes_effect_once_when_it_is_repeated(
    market: Market,
) -> None:
    seller = await market.owner_with_credits(100, at_venue=0)
    moves = [market.move(seller, 1) for _ in range(30)]

    async def send_all() -> list[Answer]:
        sent = [market.send(move, seller.party.actor, command_id=move.move_id) for move in moves]
        return await asyncio.gather(*sent)

    first = asyncio.create_task(send_all())
    await market.until(
        "SELECT EXISTS (SELECT FROM settlement.move WHERE account = $1)", seller.account
    )
    await _kill_and_start(market)
    answers = await first

    assert await send_all() == answers
    assert {answer.outcome for answer in answers} == {"ACCEPTED"}
    assert await market.tonnes(seller.account, "exchange") == 30


async def _kill_and_start(market: Market) -> None:
    """Kills without warning; stop and start only spare the supervisor's back-off, which grows with each death."""
    await market.stack.kill("settlement")
    await market.stack.stop("settlement")
    await market.stack.start("settlement")


def _mixed(market: Market, seller: Seller, buyer: Party) -> list[dict[str, Any]]:
    """Every twentieth trade is against the rules."""
    return [
        market.trade(seller, buyer, quantity=-1 if number % 20 == 7 else 1, price="1")
        for number in range(TRADES)
    ]


async def _send(market: Market, trades: list[dict[str, Any]]) -> None:
    """In order, one at a time; every tenth is sent twice."""
    for number, trade in enumerate(trades):
        await market.report(trade)
        if number % 10 == 3:
            await market.report(trade)


async def _until_decided(market: Market, trades: list[dict[str, Any]], count: int) -> None:
    await market.until(
        "SELECT count(*) >= $1 FROM settlement.trade WHERE trade_id = ANY ($2)",
        count,
        [trade["trade_id"] for trade in trades],
        seconds=60,
    )
