"""Mistakes: a posting is corrected by its opposite, by two persons, once and without a trace in the figures."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer
from services.settlement.messages.holdings import (
    AcceptTransfer,
    CorrectPosting,
    MoveFromVenue,
    MoveToVenue,
    ProposeTransfer,
)
from tests.flows.trading import Pair, code, figures, legs, sold
from tests.flows.trading import subject as trade_subject
from tests.market import APPROVER, REGISTRAR, Market, Seller, content
from tests.register import HISTORIAN

Trade = dict[str, Any]


@pytest.fixture
async def sale(market: Market) -> tuple[Pair, Trade]:
    return await sold(market)


def correction(posting: str) -> CorrectPosting:
    return CorrectPosting(correction_id=new_id(), posting=posting, reason="entered twice")


async def corrected(market: Market, posting: str) -> Answer:
    """The final answer to a correction that two persons ask for."""
    asked = await market.send(correction(posting))
    return asked if asked.refusal else await market.approve(asked)


async def seen(market: Market, actor: Actor, posting: str) -> list[Any]:
    """The corrections of a posting, as this person sees them."""
    viewer = actor.subject, actor.organisation, sorted(actor.roles)
    listed = "SELECT * FROM settlement_read.corrections($1, $2, $3, NULL, $4, NULL, NULL, 10)"
    one = "SELECT * FROM settlement_read.correction($1, $2, $3, $4)"
    told = "SELECT type FROM settlement_read.history($1, $2, $3, $4, NULL, 10)"
    rows = await market.database.fetch(listed, *viewer, posting)
    for row in rows:
        assert await market.database.fetchrow(one, *viewer, row["correction_id"]) == row
        events = await market.database.fetch(told, *viewer, f"correction/{row['correction_id']}")
        assert [event["type"] for event in events] == ["settlement.posting.corrected"]
    return rows


async def test_the_opposite_of_a_trade_brings_everything_back_and_changes_no_figure(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    assert await legs(market, pair) == (90, 10, 70_760, 29_240)
    before = await figures(market, trade)
    asked = await market.send(correction(trade_subject(trade)))
    assert (asked.outcome, await legs(market, pair)) == ("PENDING", (90, 10, 70_760, 29_240))

    answer = await market.approve(asked)

    assert answer.outcome == "ACCEPTED"
    assert await legs(market, pair) == (100, 0, 0, 100_000)
    assert await figures(market, trade) == before
    told = content(await market.told("settlement.posting.corrected", answer.subject or ""))
    assert (told["posting"], told["amount_fen"]) == (trade_subject(trade), 70_760)
    assert sum(one["last_serial"] - one["first_serial"] + 1 for one in told["ranges"]) == 10
    stranger = await market.party("TRADER")
    assert await seen(market, stranger.actor, trade_subject(trade)) == []
    for actor in (pair[0].party.actor, pair[1].actor, REGISTRAR):
        (row,) = await seen(market, actor, trade_subject(trade))
        assert (row["tonnes"], row["amount_fen"], row["ranges"]) == (10, 70_760, told["ranges"])
        assert (row["requested_by"], row["approved_by"]) == (REGISTRAR.subject, APPROVER.subject)


async def test_a_posting_is_corrected_once_for_ever(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    posting = trade_subject(trade)
    asked = [await market.send(correction(posting)) for _ in range(5)]

    answers = await asyncio.gather(*(market.approve(one) for one in asked))

    codes = sorted(code(answer) or "" for answer in answers)
    assert codes == ["", *["ALREADY_CORRECTED"] * 4]
    assert await legs(market, pair) == (100, 0, 0, 100_000)
    assert code(await corrected(market, posting)) == "ALREADY_CORRECTED"
    (row,) = await seen(market, REGISTRAR, posting)
    assert code(await corrected(market, f"correction/{row['correction_id']}")) == (
        "POSTING_NOT_CORRECTABLE"
    )


async def test_a_correction_id_is_used_once(market: Market) -> None:
    party = await market.party("TRADER")
    first, second = [f"cash/{await market.deposit(party.account, 5)}" for _ in range(2)]
    command = correction(first)
    await market.approve(await market.send(command))
    again = CorrectPosting(correction_id=command.correction_id, posting=second, reason="again")

    assert code(await market.send(again)) == "ALREADY_EXISTS"
    assert await market.fen(party.account) == 5


async def test_credits_that_are_gone_do_not_come_back(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    seller, buyer = pair
    bought = Seller(buyer, seller.project, seller.vintage, seller.venue)
    await market.accepted(market.move(bought, 1, MoveFromVenue), buyer.actor)
    before = await legs(market, pair)

    answer = await corrected(market, trade_subject(trade))

    assert answer.refusal
    assert (answer.refusal.code, answer.refusal.fields["available"]) == ("NOT_ENOUGH_CREDITS", "9")
    assert await legs(market, pair) == before


async def test_cash_that_is_gone_between_request_and_approval_does_not_come_back(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    asked = await market.send(correction(trade_subject(trade)))
    report = market.cash(pair[0].account, 1)
    await market.report_cash(report, "bank.withdrawal_reported")
    await market.bank_outcome(report["bank_reference"])

    answer = await market.approve(asked)

    assert code(answer) == "NOT_ENOUGH_CASH"
    assert await legs(market, pair) == (90, 10, 70_759, 29_240)


async def test_a_move_and_a_transfer_are_taken_back(market: Market) -> None:
    giver, receiver = await market.owner_with_credits(100, at_venue=0), await market.party("OWNER")
    move = market.move(giver, 60)
    assert isinstance(move, MoveToVenue)
    await market.accepted(move, giver.party.actor)
    offered = ProposeTransfer(
        transfer_id=new_id(),
        from_account=giver.account,
        to_account=receiver.account,
        project=giver.project,
        vintage=giver.vintage,
        tonnes=40,
        ground="ENFORCEMENT",
        document_sha256="0" * 64,
        reason="judgment",
        expires_on=datetime.now(UTC).date() + timedelta(days=9),
    )
    transfer = f"transfer/{offered.transfer_id}"
    await market.accepted(offered, giver.party.actor)
    assert code(await corrected(market, transfer)) == "UNKNOWN"
    await market.accepted(AcceptTransfer(transfer_id=offered.transfer_id), receiver.actor)
    assert await market.tonnes(receiver.account, "registry") == 40

    for posting in (transfer, f"move/{move.move_id}"):
        assert (await corrected(market, posting)).outcome == "ACCEPTED"

    assert await market.tonnes(receiver.account, "registry") == 0
    assert await market.tonnes(giver.account, "registry") == 100
    assert await market.tonnes(giver.account, "exchange") == 0


async def test_a_deposit_and_a_withdrawal_are_taken_back(market: Market) -> None:
    party = await market.party("TRADER")
    deposits = [await market.deposit(party.account, fen) for fen in (500, 70)]
    report = market.cash(party.account, 100)
    await market.report_cash(report, "bank.withdrawal_reported")
    await market.bank_outcome(report["bank_reference"])
    assert await market.fen(party.account) == 470

    assert code(await corrected(market, f"cash/{deposits[0]}")) == "NOT_ENOUGH_CASH"
    for reference in (report["bank_reference"], deposits[0]):
        assert (await corrected(market, f"cash/{reference}")).outcome == "ACCEPTED"

    assert await market.fen(party.account) == 70


async def test_retirement_issuance_and_what_is_unknown_are_not_corrected(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    command = market.retirement(owner, 1)
    await market.approve(await market.send(command, owner.party.actor))
    issued = await market.database.fetchval(
        "SELECT posting FROM settlement.credit_entry WHERE to_account = $1 AND from_account IS NULL",
        owner.account,
    )
    for posting in (f"retirement/{command.retirement_id}", issued):
        assert code(await corrected(market, posting)) == "POSTING_NOT_CORRECTABLE"
    for posting in ("trade/CBGEX/never", f"move/{new_id()}", "cash/never", "transfer/x"):
        assert code(await corrected(market, posting)) == "UNKNOWN"
    assert await market.tonnes(owner.account, "retired") == 1


async def test_a_correction_is_asked_for_by_a_registrar_and_approved_by_another_person(
    market: Market, sale: tuple[Pair, Trade]
) -> None:
    pair, trade = sale
    command = correction(trade_subject(trade))
    assert code(await market.send(command, pair[0].party.actor)) == "ROLE_MISSING"
    both = Actor(REGISTRAR.subject, None, frozenset({"registrar", "approver"}))
    asked = await market.send(command, both)
    assert code(await market.approve(asked, both)) == "MAKER_IS_APPROVER"
    assert await legs(market, pair) == (90, 10, 70_760, 29_240)


async def test_nothing_is_corrected_before_it_was_posted(market: Market) -> None:
    party = await market.party("TRADER")
    reference = await market.deposit(party.account, 5)
    yesterday = datetime.now(UTC) - timedelta(days=1)

    command = correction(f"cash/{reference}")
    answer = await market.send(command, HISTORIAN, effective_at=yesterday)

    assert code(answer) == "CORRECTED_BEFORE_POSTED"
