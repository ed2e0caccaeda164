"""Trades that settle at the end of the day, and venues that are halted, on real processes."""

import pytest

from tests.flows import floor, past
from tests.flows.trading import Pair, legs, outcomes, subject
from tests.market import Market, content

VENUE = floor.VENUE


@pytest.fixture
async def held(market: Market) -> Pair:
    """A seller of 1000 t and a buyer with a million yuan, whose trades are held until the day is confirmed."""
    code = await floor.programme(market, cycle="DAY_END")
    return await past.seller(market, code), await market.buyer_with_cash(100_000_000)


@pytest.mark.parametrize("mode", ["LIVE", "REPLAY"])
async def test_a_captured_trade_settles_when_its_day_is_closed_and_confirmed(
    market: Market, held: Pair, mode: str
) -> None:
    if mode == "LIVE":
        await _day_by_day(market, held)
        return
    async with past.replay(market):
        await _day_by_day(market, held)


async def _day_by_day(market: Market, held: Pair) -> None:
    day = await past.unused_day(market)
    trades = [market.trade(*held, quantity=n, executed_at=past.at(day)) for n in (10, 20)]
    for trade in trades:
        await market.report(trade)
        told = content(await market.told("settlement.trade.captured", subject(trade)))
        assert told["amount_fen"] == trade["quantity"] * 7076
    assert await legs(market, held) == (970, 0, 0, 100_000_000)

    await past.close(market, VENUE, day, trades)
    reconciled = await market.told("settlement.day.reconciled", f"day/{VENUE}/{day}")
    assert content(reconciled)["is_matched"] is True
    assert await outcomes(market, trades[0]) == ["settlement.trade.captured"]

    await past.confirm(market, VENUE, day)
    delivered: list[int] = []
    for trade in trades:
        told = content(await market.told("settlement.trade.settled", subject(trade)))
        serials = [
            serial
            for one in told["ranges"]
            for serial in range(one["first_serial"], one["last_serial"] + 1)
        ]
        assert len(serials) == trade["quantity"]
        delivered += serials
        assert await outcomes(market, trade) == [
            "settlement.trade.captured",
            "settlement.trade.settled",
        ]
    assert sorted(delivered) == list(range(971, 1001))
    assert await legs(market, held) == (970, 30, 30 * 7076, 100_000_000 - 30 * 7076)


async def test_a_trade_that_is_cancelled_before_it_settles_has_no_effect(
    market: Market, held: Pair
) -> None:
    day = await past.unused_day(market)
    trade = market.trade(*held, executed_at=past.at(day))
    await market.report(trade)
    await market.told("settlement.trade.captured", subject(trade))

    for _ in range(2):
        await market.report(_cancellation(trade), "trade.cancelled")

    assert (await market.outcome(trade)).code == "CANCELLED_BY_VENUE"
    assert await legs(market, held) == (1000, 0, 0, 100_000_000)
    await past.close(market, VENUE, day, [])
    reconciled = await market.told("settlement.day.reconciled", f"day/{VENUE}/{day}")
    assert content(reconciled)["is_matched"] is True


async def test_a_trade_whose_proceeds_are_spent_is_not_cancelled_and_that_is_told_once(
    market: Market, held: Pair
) -> None:
    """The seller buys another instrument of the same market with what it has just been promised."""
    day = await past.unused_day(market)
    other = await past.seller(market, await floor.programme(market, cycle="DAY_END"))
    sale = market.trade(*held, executed_at=past.at(day))
    spending = market.trade(other, held[0].party, executed_at=past.at(day))
    for trade in (sale, spending):
        await market.report(trade)
        await market.told("settlement.trade.captured", subject(trade))

    for _ in range(3):
        await market.report(_cancellation(sale), "trade.cancelled")
    refused = content(await market.told("settlement.trade.cancellation_rejected", subject(sale)))
    await past.close(market, VENUE, day, [sale, spending])
    await past.confirm(market, VENUE, day)

    assert (refused["code"], refused["fields"]["proceeds_fen"]) == ("PROCEEDS_SPENT", "70760")
    for trade in (sale, spending):
        assert (await market.outcome(trade)).state == "SETTLED"
    assert len(market.heard("settlement.trade.cancellation_rejected", subject(sale))) == 1
    assert await market.fen(held[0].account) == 0


async def test_a_captured_trade_that_comes_again_with_other_content_conflicts_once(
    market: Market, held: Pair
) -> None:
    day = await past.unused_day(market)
    trade = market.trade(*held, executed_at=past.at(day))
    await market.report(trade)
    await market.told("settlement.trade.captured", subject(trade))

    for _ in range(3):
        await market.report(trade)
        await market.report({**trade, "quantity": 11})
    told = content(await market.told("settlement.trade.conflicted", subject(trade)))
    await past.close(market, VENUE, day, [trade])
    await past.confirm(market, VENUE, day)

    assert told["outcome"] == "CAPTURED"
    assert (await market.outcome(trade)).state == "SETTLED"
    assert await outcomes(market, trade) == [
        "settlement.trade.captured",
        "settlement.trade.conflicted",
        "settlement.trade.settled",
    ]


@pytest.mark.parametrize("cycle", ["IMMEDIATE", "DAY_END"])
async def test_commissions_reach_the_account_that_the_terms_name(
    market: Market, cycle: str
) -> None:
    receiver = await market.party("TRADER")
    code = await floor.programme(
        market,
        cycle=cycle,
        seller_fee_ppm=500,
        buyer_fee_ppm=1_000,
        fee_account=receiver.account,
    )
    seller, buyer = await past.seller(market, code), await market.buyer_with_cash(1_001_000)
    trade = market.trade(seller, buyer, quantity=100, price="100.00")
    if cycle == "IMMEDIATE":
        await market.report(trade)
    else:
        day = await past.unused_day(market)
        trade["executed_at"] = past.at(day)
        await market.report(trade)
        await market.told("settlement.trade.captured", subject(trade))
        await past.close(market, VENUE, day, [trade])
        await past.confirm(market, VENUE, day)

    assert (await market.outcome(trade)).state == "SETTLED"
    told = content(await market.told("settlement.trade.settled", subject(trade)))
    assert (told["seller_fee_fen"], told["buyer_fee_fen"]) == (500, 1_000)
    paid = [await market.fen(one) for one in (seller.account, buyer.account, receiver.account)]
    assert paid == [999_500, 0, 1_500]


async def test_a_count_that_differs_halts_the_venue_until_two_persons_clear_it(
    market: Market, held: Pair
) -> None:
    """The trades of a halted venue wait, of both cycles, and are decided in the order sent."""
    day = await past.unused_day(market)
    captured = market.trade(*held, quantity=900, executed_at=past.at(day))
    await market.report(captured)
    await market.told("settlement.trade.captured", subject(captured))
    await past.close(market, VENUE, day, [])
    try:
        await market.until("SELECT is_halted FROM settlement_read.venue WHERE code = $1", VENUE)
        waiting = [market.trade(*held, quantity=60) for _ in range(3)]
        for trade in waiting:
            await market.report(trade)
        await market.until_waiting(waiting[-1])
        await past.confirm(market, VENUE, day)
        await market.until("SELECT pg_sleep(2.5) IS NOT NULL")
        assert [len(await outcomes(market, one)) for one in (captured, *waiting)] == [1, 0, 0, 0]
    finally:
        await past.clear(market, VENUE, day)

    assert (await market.outcome(captured)).state == "SETTLED"
    await market.told("settlement.trade.captured", subject(waiting[0]))
    assert [(await market.outcome(one)).code for one in waiting[1:]] == ["NOT_ENOUGH_CREDITS"] * 2
    cleared = [one for one in market.events if one.type == "settlement.venue.gap_cleared"]
    assert content(cleared[-1])["is_halted"] is False
    await market.report(_cancellation(waiting[0]), "trade.cancelled")
    assert (await market.outcome(waiting[0])).code == "CANCELLED_BY_VENUE"


def _cancellation(trade: dict[str, object]) -> dict[str, object]:
    return {"venue": trade["venue"], "trade_id": trade["trade_id"], "reason": "typing error"}
