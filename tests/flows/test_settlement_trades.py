"""Trades from a venue's message to their outcome, on real processes."""

import asyncio

import pytest

from tests.flows.trading import Pair, legs, outcomes, subject
from tests.market import Market, Outcome, content


async def test_a_reported_trade_settles_both_legs_and_is_told(market: Market) -> None:
    seller, buyer = await market.owner_with_credits(1000), await market.buyer_with_cash(1_000_000)
    trade = market.trade(seller, buyer, quantity=10, price="70.76")

    assert await market.settle(trade) == Outcome("SETTLED", None, {})

    assert await market.tonnes(seller.account, "exchange") == 990
    assert await market.tonnes(buyer.account, "exchange") == 10
    assert await market.fen(seller.account) == 70_760
    assert await market.fen(buyer.account) == 929_240
    told = content(await market.told("settlement.trade.settled", subject(trade)))
    assert told["amount_fen"] == 70_760
    assert told["ranges"][0]["serials"] == f"CCER-CN-{seller.project}-2024-001-991-1000"


async def test_a_trade_that_is_sent_again_changes_nothing(market: Market, pair: Pair) -> None:
    trade = market.trade(*pair)
    await market.settle(trade)
    before = await legs(market, pair)

    for _ in range(5):
        await market.report(trade)
    await market.settle(market.trade(*pair, quantity=1, price="0.01"))

    assert await legs(market, pair) == (
        before[0] - 1,
        before[1] + 1,
        before[2] + 1,
        before[3] - 1,
    )
    assert await outcomes(market, trade) == ["settlement.trade.settled"]


async def test_a_trade_sent_twice_in_one_batch_settles_once(market: Market, pair: Pair) -> None:
    trades = [market.trade(*pair, quantity=1) for _ in range(20)]
    before = await legs(market, pair)

    await asyncio.gather(*(market.report(trade) for trade in trades for _ in range(3)))
    await asyncio.gather(*(market.outcome(trade) for trade in trades))
    await market.settle(market.trade(*pair, quantity=1))

    after = await legs(market, pair)
    assert (before[0] - after[0], after[1] - before[1]) == (21, 21)
    for trade in trades:
        assert await outcomes(market, trade) == ["settlement.trade.settled"]


async def test_the_same_content_in_another_order_of_keys_is_the_same_trade(
    market: Market, pair: Pair
) -> None:
    trade = market.trade(*pair)
    await market.settle(trade)

    await market.report(dict(reversed(list(trade.items()))))
    await market.settle(market.trade(*pair))

    assert await outcomes(market, trade) == ["settlement.trade.settled"]


@pytest.mark.parametrize(
    ("first", "state"),
    [({}, "SETTLED"), ({"quantity": -5}, "REJECTED")],
    ids=["settled", "rejected"],
)
async def test_a_known_id_with_other_content_conflicts_and_the_first_outcome_stands(
    market: Market, pair: Pair, first: dict[str, object], state: str
) -> None:
    trade = market.trade(*pair, **first)
    await market.settle(trade)
    before = await legs(market, pair)

    await market.report({**trade, "quantity": 11})

    told = content(await market.told("settlement.trade.conflicted", subject(trade)))
    assert told["outcome"] == state
    assert (await market.outcome(trade)).state == state
    assert await legs(market, pair) == before


async def test_two_contents_under_one_id_in_one_batch_give_one_outcome_and_a_conflict(
    market: Market, pair: Pair
) -> None:
    trades = [market.trade(*pair, quantity=1) for _ in range(10)]

    reports = [report for trade in trades for report in (trade, {**trade, "quantity": 2})]
    for report in reports:
        await market.report(report)

    for trade in trades:
        await market.told("settlement.trade.conflicted", subject(trade))
        assert await outcomes(market, trade) == [
            "settlement.trade.settled",
            "settlement.trade.conflicted",
        ]


async def test_one_fen_too_little_is_too_little_and_the_exact_sum_is_enough(
    market: Market, pair: Pair
) -> None:
    buyer = await market.buyer_with_cash(999_999)
    trade = market.trade(pair[0], buyer, quantity=100, price="100.00")

    outcome = await market.settle(trade)
    await market.deposit(buyer.account, 1)
    again = await market.settle(market.trade(pair[0], buyer, quantity=100, price="100.00"))

    assert outcome.code == "NOT_ENOUGH_CASH"
    assert outcome.fields["available_fen"] == "999999"
    assert (again.state, await market.fen(buyer.account)) == ("SETTLED", 0)


async def test_a_chain_of_sales_in_one_batch_settles_in_the_order_sent(market: Market) -> None:
    seller = await market.owner_with_credits(100)
    holders = [await market.buyer_with_cash(10_000) for _ in range(4)]
    senders = [seller.party, *holders]
    trades = [
        market.trade(seller, buyer, seller_account=giver.account, quantity=100, price="1")
        for giver, buyer in zip(senders, holders, strict=False)
    ]

    for trade in trades:
        await market.report(trade)

    assert [(await market.outcome(trade)).state for trade in trades] == ["SETTLED"] * 4
    assert await market.tonnes(holders[-1].account, "exchange") == 100
    assert [await market.fen(holder.account) for holder in holders] == [10_000] * 3 + [0]


async def test_of_two_sales_of_the_same_credits_the_first_settles(
    market: Market, pair: Pair
) -> None:
    seller = await market.owner_with_credits(100)
    trades = [market.trade(seller, pair[1], quantity=60) for _ in range(2)]

    for trade in trades:
        await market.report(trade)

    outcomes = [await market.outcome(trade) for trade in trades]
    assert [outcome.code for outcome in outcomes] == [None, "NOT_ENOUGH_CREDITS"]
    assert outcomes[1].fields["available"] == "40"


async def test_the_oldest_batch_and_its_tail_move_first(market: Market, pair: Pair) -> None:
    seller = await market.owner_with_credits(50, at_venue=50)
    await market.issue(seller.project, 50, month=2)
    await market.move_to_venue(seller, 50)
    trade = market.trade(seller, pair[1], quantity=60)

    await market.settle(trade)

    told = content(await market.told("settlement.trade.settled", subject(trade)))
    stem = f"CCER-CN-{seller.project}-2024"
    assert [each["serials"] for each in told["ranges"]] == [f"{stem}-001-1-50", f"{stem}-002-41-50"]
