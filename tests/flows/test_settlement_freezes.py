"""Freezes, releases and enforcement: by order, by two persons, serial by serial, whatever the holder wants."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import RestrictAccount
from services.settlement.messages.freezes import FreezeCredits, Span
from services.settlement.messages.holdings import (
    AcceptTransfer,
    MoveFromVenue,
    ProposeTransfer,
    WithdrawTransfer,
)
from tests.flows import freezing
from tests.flows.freezing import (
    AUTHORITY,
    accepted,
    done,
    enforcement,
    freeze_of,
    freeze_of_account,
    frozen,
    places,
    release_of,
    told,
)
from tests.flows.trading import code
from tests.market import APPROVER, REGISTRAR, Market, Party, Seller, content


def offer(giver: Seller, receiver: Party) -> ProposeTransfer:
    """One tonne for another holder."""
    return ProposeTransfer(
        transfer_id=new_id(),
        from_account=giver.account,
        to_account=receiver.account,
        project=giver.project,
        vintage=giver.vintage,
        tonnes=1,
        ground="INHERITANCE",
        document_sha256="0" * 64,
        reason="inherited",
        expires_on=datetime.now(UTC).date() + timedelta(days=9),
    )


async def span(market: Market, seller: Seller, first: int, last: int) -> Span:
    """These serials of the seller's first batch."""
    batch_id = await freezing.batch_of(market, seller)
    return Span(batch_id=batch_id, first_serial=first, last_serial=last)


async def seen(market: Market, noun: str, viewer: Actor, key: UUID, account: str) -> dict[str, Any]:
    """The object as this person sees it, alone, in the list of the account, and with a history."""
    who = viewer.subject, viewer.organisation, sorted(viewer.roles)
    nulls = ", NULL" * (3 if noun != "enforcement" else 2)
    one = f"SELECT * FROM settlement_read.{noun}($1, $2, $3, $4)"
    listed = f"SELECT * FROM settlement_read.{noun}s($1, $2, $3, $4{nulls}, 100)"
    happened = "SELECT * FROM settlement_read.history($1, $2, $3, $4, NULL, 100)"
    row = await market.database.fetchrow(one, *who, key)
    rows = await market.database.fetch(listed, *who, account)
    assert rows == ([row] if row else [])
    assert bool(await market.database.fetch(happened, *who, f"{noun}/{key}")) == bool(row)
    return dict(row) if row else {}


def total(ranges: list[dict[str, int]]) -> int:
    return sum(one["last_serial"] - one["first_serial"] + 1 for one in ranges)


async def test_nothing_leaves_a_frozen_account_and_what_arrives_stays(market: Market) -> None:
    owner, receiver = await market.owner_with_credits(100, at_venue=50), await market.party()
    actor = owner.party.actor
    waiting = offer(owner, receiver)
    await market.accepted(waiting, actor)
    asked = await market.retire(owner, 1)
    before = await places(market, owner.account)

    await frozen(market, freeze_of_account(owner.account))

    leaving = (market.move(owner, 1), market.move(owner, 1, MoveFromVenue), offer(owner, receiver))
    for command in (*leaving, market.retirement(owner, 1)):
        assert code(await market.send(command, actor)) == "ACCOUNT_FROZEN"
    accepting = AcceptTransfer(transfer_id=waiting.transfer_id)
    assert code(await market.send(accepting, receiver.actor)) == "ACCOUNT_FROZEN"
    assert code(await market.approve(asked)) == "ACCOUNT_FROZEN"
    await market.issue(owner.project, 7, month=2)
    assert await places(market, owner.account) == before | {"registry": before["registry"] + 7}
    await market.deposit(owner.account, 500)
    assert await market.fen(owner.account) == 500
    cash = await market.database.fetchrow(
        "SELECT balance_fen, spendable_fen, withdrawable_fen FROM settlement_read.cash($1, $2, $3, $4)",
        actor.subject, actor.organisation, sorted(actor.roles), owner.account,
    )  # fmt: skip
    assert tuple(cash or ()) == (500, 0, 0)


async def test_nothing_is_traded_with_a_frozen_account_on_either_side(market: Market) -> None:
    seller, buyer = await market.owner_with_credits(100), await market.buyer_with_cash()
    available = (
        "SELECT tonnes, cash_fen FROM settlement_read.available($1, NULL, $2, $3, $1, $4, $5)"
    )
    for account in (seller.account, buyer.account):
        freeze_id = await frozen(market, freeze_of_account(account))

        outcome = await market.settle(market.trade(seller, buyer))

        assert (outcome.state, outcome.code) == ("REJECTED", "ACCOUNT_FROZEN")
        assert outcome.fields == {"account": account, "freeze_id": str(freeze_id)}
        asking = seller.venue, ["venue"], account, seller.project, seller.vintage
        assert tuple(await market.database.fetchrow(available, *asking)) == (0, 0)  # pyright: ignore[reportArgumentType]
        await accepted(market, release_of(freeze_id))
    assert (await market.settle(market.trade(seller, buyer))).state == "SETTLED"


async def test_an_account_is_free_when_its_last_freeze_is_released(market: Market) -> None:
    owner = await market.owner_with_credits(10, at_venue=0)
    freezes = [await frozen(market, freeze_of_account(owner.account)) for _ in range(2)]
    for freeze_id in freezes:
        assert code(await market.send(market.move(owner, 1), owner.party.actor)) == "ACCOUNT_FROZEN"
        await accepted(market, release_of(freeze_id), AUTHORITY)
    await market.accepted(market.move(owner, 1), owner.party.actor)
    assert code(await done(market, release_of(freezes[0]))) == "STEP_NOT_ALLOWED"
    stranger = (await market.party()).actor
    for freeze_id in freezes:
        assert await told(market, f"freeze/{freeze_id}") == ["account.frozen", "freeze.released"]
    account = (await market.party()).account
    one = await frozen(market, freeze_of_account(account))
    assert await seen(market, "freeze", stranger, one, account) == {}
    row = await seen(market, "freeze", REGISTRAR, one, account)
    assert (row["scope"], row["state"], row["tonnes"]) == ("ACCOUNT", "ACTIVE", 0)
    assert (row["requested_by"], row["approved_by"]) == (REGISTRAR.subject, APPROVER.subject)


async def test_exactly_the_named_serials_are_frozen_and_go_back_to_where_they_were(
    market: Market,
) -> None:
    """The tail of the batch is at the venue: the span lies in both places."""
    owner, buyer = await market.owner_with_credits(100, at_venue=40), await market.buyer_with_cash()
    spans = [await span(market, owner, *one) for one in ((51, 70), (10, 10))]
    order = freeze_of(owner.account, *spans)

    await accepted(market, order, AUTHORITY)

    assert await places(market, owner.account) == {"registry": 49, "exchange": 30, "frozen": 21}
    (event,) = [await market.told("settlement.credits.frozen", f"freeze/{order.freeze_id}")]
    named = [(one["first_serial"], one["last_serial"]) for one in content(event)["ranges"]]
    assert named == [(10, 10), (51, 60), (61, 70)]
    row = await seen(market, "freeze", owner.party.actor, order.freeze_id, owner.account)
    assert total(row["ranges"]) == total(row["held"]) == row["tonnes"] == 21
    assert (await market.settle(market.trade(owner, buyer, quantity=31))).code == (
        "NOT_ENOUGH_CREDITS"
    )
    assert (await market.settle(market.trade(owner, buyer, quantity=30))).state == "SETTLED"

    await accepted(market, release_of(order.freeze_id))

    assert await places(market, owner.account) == {"registry": 60, "exchange": 10}
    assert (await market.settle(market.trade(owner, buyer, quantity=10))).state == "SETTLED"
    row = await seen(market, "freeze", owner.party.actor, order.freeze_id, owner.account)
    assert (row["state"], row["held"], total(row["ranges"])) == ("RELEASED", [], 21)
    assert await told(market, f"freeze/{order.freeze_id}") == ["credits.frozen", "freeze.released"]


async def test_the_first_serial_that_is_not_free_is_named_and_none_is_frozen(
    market: Market,
) -> None:
    owner, other = [await market.owner_with_credits(100, at_venue=0) for _ in range(2)]
    await accepted(market, freeze_of(owner.account, await span(market, owner, 41, 50)))
    before = await places(market, owner.account)
    for first, last, missing in ((30, 60, 41), (45, 45, 45), (90, 101, 101)):
        order = freeze_of(owner.account, await span(market, owner, first, last))
        answer = await done(market, order)
        assert answer.refusal
        assert answer.refusal.code == "SERIAL_NOT_FREE"
        assert answer.refusal.fields["serial"] == str(missing)
    foreign = freeze_of(owner.account, await span(market, other, 1, 1))
    assert code(await done(market, foreign)) == "SERIAL_NOT_FREE"
    assert await places(market, owner.account) == before


async def test_enforcement_gives_all_that_a_freeze_holds_to_another_holder(market: Market) -> None:
    """The account is frozen and restricted too; none of it stands against the court."""
    owner, heir = await market.owner_with_credits(100, at_venue=40), await market.party()
    held = await frozen(market, freeze_of(owner.account, await span(market, owner, 55, 64)))
    await frozen(market, freeze_of_account(owner.account))
    restricted = RestrictAccount(account=owner.account, ground="RULES_BROKEN", reason="late")
    await market.accepted(restricted)
    command = enforcement(owner.account, heir.account, freeze_id=held)

    answer = await accepted(market, command, AUTHORITY)

    subject = f"enforcement/{command.transfer_id}"
    assert answer.subject == subject
    assert await places(market, owner.account) == {"registry": 54, "exchange": 36}
    assert await places(market, heir.account) == {"registry": 10}
    event = content(await market.told("settlement.transfer.enforced", subject))
    assert (event["tonnes"], total(event["ranges"])) == (10, 10)
    for viewer in (owner.party.actor, heir.actor, REGISTRAR):
        row = await seen(market, "enforcement", viewer, command.transfer_id, heir.account)
        assert (row["tonnes"], row["freeze_id"], row["ranges"]) == (10, held, event["ranges"])
    stranger = (await market.party()).actor
    assert await seen(market, "enforcement", stranger, command.transfer_id, heir.account) == {}
    again = msgspec.structs.replace(command, transfer_id=new_id())
    assert code(await done(market, again)) == "FREEZE_HOLDS_NOTHING"
    await accepted(market, release_of(held))


async def test_enforcement_takes_what_is_free_in_the_registry_and_then_at_venues(
    market: Market,
) -> None:
    owner, heir = await market.owner_with_credits(100, at_venue=40), await market.party()
    await frozen(market, freeze_of(owner.account, await span(market, owner, 1, 10)))

    def taking(tonnes: int) -> Any:
        return enforcement(owner.account, heir.account, **freezing.of(owner, tonnes))

    answer = await done(market, taking(91))
    assert answer.refusal
    assert (answer.refusal.code, answer.refusal.fields["available"]) == ("NOT_ENOUGH_CREDITS", "90")
    await accepted(market, taking(30))
    assert await places(market, owner.account) == {"registry": 20, "exchange": 40, "frozen": 10}
    await accepted(market, taking(25))
    assert await places(market, owner.account) == {"exchange": 35, "frozen": 10}
    assert await places(market, heir.account) == {"registry": 55}


async def test_an_offer_does_not_keep_credits_from_an_order(market: Market) -> None:
    """It could stay open for a year; neither party of it ends it."""
    owner, friend, heir = (
        await market.owner_with_credits(1, at_venue=0),
        await market.party(),
        await market.party(),
    )
    hiding = offer(owner, friend)
    await market.accepted(hiding, owner.party.actor)
    await frozen(market, freeze_of_account(owner.account))
    taking = enforcement(owner.account, heir.account, **freezing.of(owner, 1))
    assert code(await done(market, taking)) == "NOT_ENOUGH_CREDITS"

    withdrawing = WithdrawTransfer(transfer_id=hiding.transfer_id, reason="an order")
    assert code(await market.send(withdrawing, heir.actor)) == "UNKNOWN"
    await market.accepted(withdrawing, AUTHORITY)

    again = msgspec.structs.replace(taking, transfer_id=new_id())
    await accepted(market, again, AUTHORITY)
    assert await places(market, heir.account) == {"registry": 1}


async def test_orders_are_asked_for_by_the_registry_or_an_authority_and_approved_by_another(
    market: Market,
) -> None:
    owner, heir = await market.owner_with_credits(10, at_venue=0), await market.party()
    actor = owner.party.actor
    held = await frozen(market, freeze_of(owner.account, await span(market, owner, 1, 1)))
    both = Actor(REGISTRAR.subject, None, frozenset({"registrar", "approver"}))
    for command in (
        freeze_of_account(owner.account),
        freeze_of(owner.account, await span(market, owner, 2, 2)),
        release_of(held),
        enforcement(owner.account, heir.account, freeze_id=held),
    ):
        assert code(await market.send(command, actor)) == "ROLE_MISSING"
        assert code(await market.approve(await market.send(command, both), both)) == (
            "MAKER_IS_APPROVER"
        )
    assert await places(market, owner.account) == {"registry": 9, "frozen": 1}


async def test_an_order_counts_once_whoever_repeats_it(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    order = freeze_of(owner.account, await span(market, owner, 1, 10))
    asked = [await market.send(order) for _ in range(5)]

    answers = await asyncio.gather(*(market.approve(one) for one in asked))

    codes = sorted(code(answer) or "" for answer in answers)
    assert codes[0] == ""
    assert set(codes[1:]) <= {"ALREADY_EXISTS", "SERIAL_NOT_FREE"}
    assert await places(market, owner.account) == {"registry": 90, "frozen": 10}
    unused = msgspec.structs.replace(freeze_of_account(owner.account), freeze_id=order.freeze_id)
    assert code(await done(market, unused)) == "ALREADY_EXISTS"


@pytest.mark.parametrize("tonnes", [60, 30])
async def test_freezes_and_moves_at_the_same_time_leave_each_serial_in_one_place(
    market: Market, tonnes: int
) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    orders: list[FreezeCredits] = [
        freeze_of(owner.account, await span(market, owner, first, first + 14))
        for first in (1, 31, 61, 86)
    ]
    asked = [await market.send(order) for order in orders]
    moves = [market.move(owner, tonnes // 6) for _ in range(6)]

    await asyncio.gather(
        *(market.approve(one) for one in asked),
        *(market.send(move, owner.party.actor) for move in moves),
    )

    found = await places(market, owner.account)
    assert sum(found.values()) == 100
    assert found["frozen"] % 15 == 0
    assert found["exchange"] % (tonnes // 6) == 0
