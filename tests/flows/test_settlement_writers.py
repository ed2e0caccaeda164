"""Fifty who write at once to one account and one batch: trades, moves, offers and uses, and nothing is lost."""

import asyncio
import random
from typing import Any

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer, Command
from services.settlement.messages.holdings import (
    AcceptTransfer,
    MoveFromVenue,
    MoveToVenue,
    ProposeTransfer,
)
from tests.flows import floor
from tests.flows.acts import offered
from tests.market import Market, Party, Seller

WRITERS, TONNES = 50, 10_000
EXPECTED = {None, "NOT_ENOUGH_CREDITS"}


async def test_fifty_concurrent_writers_of_one_account_and_one_batch_lose_nothing(
    market: Market,
) -> None:
    """What everyone was answered adds up, tonne by tonne, to what is on record; nobody hears of a deadlock."""
    seller = await market.owner_with_credits(TONNES, at_venue=TONNES // 2)
    buyer, heir = await market.buyer_with_cash(10**9), await market.party("TRADER")
    await market.deposit(seller.account, 10**9)
    chance = random.Random(20)
    writers = [_write(market, seller, buyer, heir, chance.choice(KINDS), n) for n in range(WRITERS)]

    told = await asyncio.gather(*writers)

    registry, venue, sold, given, offered_, used = TONNES // 2, TONNES // 2, 0, 0, 0, 0
    for kind, tonnes, is_done in (one for each in told for one in each):
        moved = tonnes * is_done
        if kind == "trade":
            venue, sold = venue - moved, sold + moved
        elif kind == "back":
            venue, sold = venue + moved, sold - moved
        elif kind == "in":
            registry, venue = registry - moved, venue + moved
        elif kind == "out":
            registry, venue = registry + moved, venue - moved
        elif kind == "offer":
            registry, offered_ = registry - moved, offered_ + moved
        elif kind == "accept":
            offered_, given = offered_ - moved, given + moved
        elif kind == "use":
            registry, used = registry - moved, used + moved
    assert [
        await market.tonnes(seller.account, "registry"),
        await market.tonnes(seller.account, "exchange"),
        await market.tonnes(seller.account, "reserved"),
        await market.tonnes(seller.account, "retired"),
        await market.tonnes(buyer.account, "exchange"),
        await market.tonnes(heir.account, "registry"),
    ] == [registry, venue, offered_, used, sold, given]
    assert {kind for each in told for kind, _, is_done in each if is_done} >= {
        "trade", "back", "in", "out", "offer", "accept", "use",
    }  # fmt: skip
    assert registry + venue + offered_ + used + sold + given == TONNES


KINDS = ["trade", "trade", "back", "in", "out", "offer", "use"]
Told = list[tuple[str, int, bool]]


async def _write(
    market: Market, seller: Seller, buyer: Party, heir: Party, kind: str, number: int
) -> Told:
    """One writer: a few acts of one kind, one after the other."""
    told: Told = []
    chance = random.Random(number)
    for _ in range(4):
        tonnes = chance.randint(1, 300)
        told += await _act(market, seller, buyer, heir, kind, tonnes)
    return told


async def _act(
    market: Market, seller: Seller, buyer: Party, heir: Party, kind: str, tonnes: int
) -> Told:
    owner = seller.party.actor
    if kind in ("trade", "back"):
        trade = market.trade(seller, buyer, quantity=tonnes, price="0.01")
        if kind == "back":
            trade |= {"seller_account": buyer.account, "buyer_account": seller.account}
        return [(kind, tonnes, await _settles(market, trade))]
    if kind in ("in", "out"):
        move = market.move(seller, tonnes, MoveToVenue if kind == "in" else MoveFromVenue)
        return [(kind, tonnes, await _is_done(market, move, owner))]
    if kind == "offer":
        offer: ProposeTransfer = offered(seller, heir, floor.today(), tonnes=tonnes)
        if not await _is_done(market, offer, owner):
            return [(kind, tonnes, False)]
        accepting = AcceptTransfer(transfer_id=offer.transfer_id)
        return [
            (kind, tonnes, True),
            ("accept", tonnes, await _is_done(market, accepting, heir.actor)),
        ]
    asked = await market.retire(seller, tonnes, command_id=new_id())
    if asked.refusal:
        assert asked.refusal.code in EXPECTED
        return [(kind, tonnes, False)]
    return [(kind, tonnes, _accepted(await market.approve(asked)))]


async def _settles(market: Market, trade: dict[str, Any]) -> bool:
    outcome = await market.settle(trade)
    assert outcome.code in EXPECTED, outcome
    return outcome.state == "SETTLED"


async def _is_done(market: Market, command: Command, actor: Actor) -> bool:
    return _accepted(await market.send(command, actor))


def _accepted(answer: Answer) -> bool:
    assert (answer.refusal and answer.refusal.code) in EXPECTED, answer
    return answer.outcome == Answer.ACCEPTED
