"""Disputes: a party objects in time, a registrar decides, and the trade stands (rule 20)."""

from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.settlement.messages.market import CloseDispute, ObjectToTrade
from tests.flows.trading import Pair, code, figures, legs, sold
from tests.flows.trading import subject as trade_subject
from tests.market import REGISTRAR, Market, content

Trade = dict[str, Any]


@pytest.fixture
async def sale(market: Market) -> tuple[Pair, Trade]:
    return await sold(market)


def objection(trade: Trade, account: str, **changes: Any) -> ObjectToTrade:
    """An objection that is in order, but for the changes."""
    said: dict[str, Any] = {
        "dispute_id": new_id(),
        "venue": trade["venue"],
        "trade_id": trade["trade_id"],
        "account": account,
        "reason": "not what we agreed",
    }
    return ObjectToTrade(**said | changes)


async def disputes(market: Market, actor: Actor, dispute_id: UUID) -> list[Any]:
    """The dispute as this person sees it."""
    viewer = actor.subject, actor.organisation, sorted(actor.roles)
    one = "SELECT * FROM settlement_read.dispute($1, $2, $3, $4)"
    listed = (
        "SELECT * FROM settlement_read.disputes($1, $2, $3, NULL, NULL, NULL, NULL, NULL, 1000)"
    )
    found = await market.database.fetch(one, *viewer, dispute_id)
    rows = await market.database.fetch(listed, *viewer)
    assert [row for row in rows if row["dispute_id"] == dispute_id] == found
    return found


async def test_a_dispute_is_opened_by_a_party_decided_by_a_registrar_and_undoes_nothing(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    before = await legs(market, pair), await figures(market, trade)
    command = objection(trade, pair[1].account)

    answer = await market.send(command, pair[1].actor)

    assert (answer.outcome, answer.subject) == ("ACCEPTED", trade_subject(trade))
    told = content(await market.told("settlement.trade.disputed", trade_subject(trade)))
    assert told["dispute_id"] == str(command.dispute_id)
    closing = CloseDispute(dispute_id=command.dispute_id, outcome="UPHELD", explanation="a typo")
    assert code(await market.send(closing, pair[1].actor)) == "ROLE_MISSING"
    await market.accepted(closing)
    await market.told("settlement.trade.dispute_closed", trade_subject(trade))
    assert code(await market.send(closing)) == "STEP_NOT_ALLOWED"
    assert (await legs(market, pair), await figures(market, trade)) == before
    for actor in (pair[0].party.actor, pair[1].actor, REGISTRAR):
        (row,) = await disputes(market, actor, command.dispute_id)
        assert (row["state"], row["explanation"]) == ("UPHELD", "a typo")
    stranger = await market.party("TRADER")
    assert await disputes(market, stranger.actor, command.dispute_id) == []


async def test_only_a_party_objects_in_time_to_a_trade_that_binds_and_once(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    seller, buyer = pair[0].party, pair[1]
    stranger = await market.party("TRADER")
    rejected = market.trade(*pair, quantity=1_000_000)
    assert (await market.settle(rejected)).state == "REJECTED"
    refused = [
        (objection(trade, stranger.account), stranger.actor, "UNKNOWN"),
        (objection(trade, seller.account), stranger.actor, "NOT_YET_KNOWN"),
        (objection(trade, seller.account), REGISTRAR, "ROLE_MISSING"),
        (objection(trade, buyer.account, trade_id="never"), buyer.actor, "UNKNOWN"),
        (objection(rejected, buyer.account), buyer.actor, "TRADE_NOT_BINDING"),
        (objection(trade, buyer.account, reason=" "), buyer.actor, "OUT_OF_RANGE"),
    ]
    for command, actor, expected in refused:
        assert code(await market.send(command, actor)) == expected

    first = objection(trade, buyer.account)
    await market.accepted(first, buyer.actor)
    await market.accepted(objection(trade, seller.account), seller.actor)
    assert code(await market.send(objection(trade, buyer.account), buyer.actor)) == "ALREADY_EXISTS"
    closing = CloseDispute(dispute_id=first.dispute_id, outcome="MAYBE", explanation="?")
    assert code(await market.send(closing)) == "OUT_OF_RANGE"
    unknown = CloseDispute(dispute_id=new_id(), outcome="UPHELD", explanation="?")
    assert code(await market.send(unknown)) == "UNKNOWN"
