"""What settlement's refusals name: offers, corrections, disputes, a first price and a halted venue."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.kernel.actors import Actor
from services.kernel.clocks import market_day
from services.kernel.ids import new_id
from services.settlement.messages.holdings import CorrectPosting, ProposeTransfer
from services.settlement.messages.market import ObjectToTrade
from tests.flows import floor
from tests.market import Market, Party, Seller

OFFERED_DAYS_AGO = 3
TRADED_DAYS_AGO = 3


@dataclass(frozen=True, slots=True)
class Acts:
    """Who did what; each of it is where one more step is refused."""

    halted: str
    """A venue."""
    priced: Seller
    """Whose instrument has a first price."""
    giver: Seller
    receiver: Party
    offer: UUID
    """Made today."""
    overdue: UUID
    """Made some days ago, for that day only."""
    buyer: Party
    old_trade: str
    """Some days old."""
    rejected_trade: str
    dispute: UUID
    """Opened today."""
    moved: str
    """A posting."""
    corrected: str
    """A posting that has been corrected."""

    def transfer(self, **changes: Any) -> ProposeTransfer:
        """An offer that is in order, but for the changes."""
        return offered(self.giver, self.receiver, floor.today(), **changes)


def as_historian(actor: Actor) -> Actor:
    """The same person, who may also say what has been done earlier."""
    return replace(actor, roles=actor.roles | {"historian"})


def offered(giver: Seller, receiver: Party, until: date, **changes: Any) -> ProposeTransfer:
    """One tonne offered until this day."""
    given: dict[str, Any] = {
        "transfer_id": new_id(),
        "from_account": giver.account,
        "to_account": receiver.account,
        "project": giver.project,
        "vintage": giver.vintage,
        "tonnes": 1,
        "ground": "INHERITANCE",
        "document_sha256": "0" * 64,
        "reason": "inherited",
        "expires_on": until,
    }
    return ProposeTransfer(**given | changes)


async def built(market: Market) -> Acts:
    """All of it, once done."""
    code = await floor.programme(market)
    priced, old = [await floor.seller(market, code, at_venue=tonnes) for tonnes in (500, 0)]
    await floor.priced(market, priced, "70.00")
    giver, receiver = await market.owner_with_credits(100, at_venue=0), await market.party("TRADER")
    buyer = await market.buyer_with_cash()
    old_trade, rejected_trade, dispute = await _traded(market, priced, old, buyer)
    moved, corrected = await _corrected(market, priced)
    return Acts(
        halted=await floor.halted(market),
        priced=priced,
        giver=giver,
        receiver=receiver,
        offer=await _offered(market, giver, receiver, 0),
        overdue=await _offered(market, giver, receiver, OFFERED_DAYS_AGO),
        buyer=buyer,
        old_trade=old_trade,
        rejected_trade=rejected_trade,
        dispute=dispute,
        moved=moved,
        corrected=corrected,
    )


async def _offered(market: Market, giver: Seller, receiver: Party, days_ago: int) -> UUID:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    offer = offered(giver, receiver, market_day(at))
    await market.past(days_ago, offer, as_historian(giver.party.actor))
    return offer.transfer_id


async def _traded(
    market: Market, seller: Seller, old: Seller, buyer: Party
) -> tuple[str, str, UUID]:
    """A trade of some days ago, a rejected one, and the dispute about one of today."""
    owner = as_historian(old.party.actor)
    await market.past(TRADED_DAYS_AGO + 1, market.move(old, 100), owner)
    then = (datetime.now(UTC) - timedelta(days=TRADED_DAYS_AGO)).isoformat()
    trades = (
        market.trade(old, buyer, executed_at=then),
        market.trade(seller, buyer, price="70.001"),
        market.trade(seller, buyer),
    )
    states = [(await market.settle(trade)).state for trade in trades]
    assert states == ["SETTLED", "REJECTED", "SETTLED"]
    old_trade, rejected, fresh = (trade["trade_id"] for trade in trades)
    objection = ObjectToTrade(
        dispute_id=new_id(),
        venue=seller.venue,
        trade_id=fresh,
        account=buyer.account,
        reason="not ours",
    )
    await market.accepted(objection, buyer.actor)
    return old_trade, rejected, objection.dispute_id


async def _corrected(market: Market, seller: Seller) -> tuple[str, str]:
    """The postings of two moves, of which the second one has been corrected."""
    moves = [market.move(seller, tonnes) for tonnes in (1, 2)]
    for move in moves:
        await market.accepted(move, seller.party.actor)
    moved, corrected = (f"move/{move.move_id}" for move in moves)
    correcting = CorrectPosting(correction_id=new_id(), posting=corrected, reason="typing error")
    done = await market.approve(await market.accepted(correcting))
    assert done.refusal is None, done.refusal
    return moved, corrected
