"""Revoked reductions: as many credits of the owner are cancelled, and what is missing is owed until it is made good."""

from typing import Any

import msgspec
import pytest

from services.kernel.actors import Actor
from services.registry.messages.accounts import RestrictAccount
from services.settlement.messages.freezes import Span
from services.settlement.messages.holdings import MoveFromVenue
from tests.flows import freezing
from tests.flows.freezing import (
    AUTHORITY,
    accepted,
    batch_of,
    done,
    freeze_of,
    frozen,
    making_good,
    places,
    revoke,
    shortfall_of,
    told,
)
from tests.flows.trading import code
from tests.market import APPROVER, REGISTRAR, Market, Seller, content

AUDITOR = Actor("otto.auditor", None, frozenset({"auditor"}))


async def records(market: Market, seller: Seller) -> list[tuple[str, int, str, str | None]]:
    """What the public record says of the account's cancellations: project, tonnes, purpose, number."""
    rows = await market.database.fetch(
        "SELECT project, tonnes, purpose, certificate_number, settlement_read.ranges('retirement/'"
        " || retirement_id) AS ranges FROM settlement.retirement WHERE account = $1 AND bucket ="
        " 'cancelled' ORDER BY certificate_number",
        seller.account,
    )
    for row in rows:
        ranges = row["ranges"]
        assert sum(one["last_serial"] - one["first_serial"] + 1 for one in ranges) == row["tonnes"]
    return [(row["project"], row["tonnes"], row["purpose"], row[3][:4]) for row in rows]


async def seen(market: Market, viewer: Any, seller: Seller) -> list[Any]:
    """The shortfalls of the account as this person sees them."""
    who = viewer.subject, viewer.organisation, sorted(viewer.roles)
    listed = "SELECT * FROM settlement_read.shortfalls($1, $2, $3, $4, NULL, NULL, NULL, 9)"
    one = "SELECT * FROM settlement_read.shortfall($1, $2, $3, $4)"
    rows = await market.database.fetch(listed, *who, seller.account)
    for row in rows:
        assert await market.database.fetchrow(one, *who, row["shortfall_id"]) == row
    return rows


async def test_what_the_owner_holds_is_cancelled_the_registry_first(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=40)

    await revoke(market, await batch_of(market, owner), 70)

    assert await places(market, owner.account) == {"exchange": 30, "cancelled": 70}
    assert await records(market, owner) == [(owner.project, 70, "FORCED", "CAN-")]
    assert await seen(market, REGISTRAR, owner) == []
    await market.accepted(market.move(owner, 30, MoveFromVenue), owner.party.actor)


async def test_the_same_batch_goes_first_then_the_same_project_then_the_programme(
    market: Market,
) -> None:
    """The batch is older than all others; a freeze gives what is left, and holds it no more."""
    owner = await market.owner_with_credits(50, at_venue=0)
    batch_id = await batch_of(market, owner)
    await market.issue(owner.project, 30, month=2)
    other = Seller(owner.party, await market.project(owner.party), owner.vintage, owner.venue)
    await market.issue(other.project, 20)
    held = Span(batch_id=batch_id, first_serial=1, last_serial=10)
    freeze_id = await frozen(market, freeze_of(owner.account, held))

    await revoke(market, batch_id, 45)

    assert await records(market, owner) == [(owner.project, 45, "FORCED", "CAN-")]
    assert await places(market, owner.account) == {"registry": 50, "frozen": 5, "cancelled": 45}
    await accepted(market, freezing.release_of(freeze_id))

    await revoke(market, batch_id, 5)
    newer = await market.issue(owner.project, 40, month=3)
    await market.retire(owner, 1)
    await revoke(market, newer, 40)
    assert await places(market, owner.account) == {"registry": 50, "cancelled": 90}

    third = await market.issue(owner.project, 1, month=4)
    await market.approve(await market.retire(owner, 31))
    await revoke(market, third, 1)
    assert (await records(market, owner))[-1] == (other.project, 1, "FORCED", "CAN-")
    assert await seen(market, REGISTRAR, owner) == []


@pytest.fixture
async def debtor(market: Market) -> Seller:
    """An owner who sold 60 of 100 tonnes that turn out to be false; the others are cancelled."""
    owner, buyer = await market.owner_with_credits(100), await market.buyer_with_cash()
    assert (await market.settle(market.trade(owner, buyer, quantity=60))).state == "SETTLED"
    await revoke(market, await batch_of(market, owner), 100)
    return owner


async def test_what_is_missing_is_owed_and_the_owner_only_receives_buys_and_makes_good(
    market: Market, debtor: Seller
) -> None:
    actor, source = debtor.party.actor, await market.owner_with_credits(100)
    owed = await shortfall_of(market, debtor.account)
    key = owed["shortfall_id"]
    assert (owed["tonnes"], owed["outstanding"], owed["state"]) == (60, 60, "OPEN")
    event = content(await market.told("settlement.shortfall.opened", f"shortfall/{key}"))
    assert (event["account"], event["outstanding"]) == (debtor.account, 60)
    assert await places(market, debtor.account) == {"cancelled": 40}

    await market.issue(debtor.project, 25, month=2)
    for command in (market.move(debtor, 1), market.retirement(debtor, 1)):
        assert code(await market.send(command, actor)) == "SHORTFALL_OPEN"
    bought = Seller(debtor.party, source.project, source.vintage, source.venue)
    buying = market.trade(source, debtor.party, quantity=50, price="1.00")
    assert (await market.settle(buying)).state == "SETTLED"
    selling = market.trade(bought, source.party, quantity=1, price="1.00")
    assert (await market.settle(selling)).code == "SHORTFALL_OPEN"

    assert code(await done(market, making_good(debtor, key, 61), actor)) == "MORE_THAN_OWED"
    assert code(await done(market, making_good(debtor, key, 26), actor)) == "NOT_ENOUGH_CREDITS"
    await accepted(market, making_good(debtor, key, 25), actor)
    owed = await shortfall_of(market, debtor.account)
    assert (owed["outstanding"], owed["state"]) == (35, "OPEN")
    await accepted(market, making_good(bought, key, 35), actor)

    owed = await shortfall_of(market, debtor.account)
    assert (owed["tonnes"], owed["outstanding"], owed["state"]) == (60, 0, "CLOSED")
    assert await told(market, f"shortfall/{key}") == [
        "shortfall.opened", "shortfall.reduced", "shortfall.reduced", "shortfall.closed"
    ]  # fmt: skip
    assert (await market.settle(selling | {"trade_id": market.unique("T")})).state == "SETTLED"
    assert code(await done(market, making_good(debtor, key, 1), actor)) == "STEP_NOT_ALLOWED"


async def test_a_second_revocation_adds_and_opens_what_was_closed(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    batch_id = await batch_of(market, owner)
    await market.approve(await market.retire(owner, 100))
    await revoke(market, batch_id, 10)
    await revoke(market, batch_id, 20)
    owed = await shortfall_of(market, owner.account)
    assert (owed["tonnes"], owed["outstanding"]) == (30, 30)
    await market.issue(owner.project, 40, month=2)
    making = making_good(owner, owed["shortfall_id"], 30)
    await accepted(market, making, owner.party.actor)

    await revoke(market, batch_id, 70)

    owed = await shortfall_of(market, owner.account)
    assert (owed["tonnes"], owed["outstanding"], owed["state"]) == (90, 60, "OPEN")
    assert await places(market, owner.account) == {"retired": 100, "cancelled": 40}
    assert code(await market.send(market.move(owner, 1), owner.party.actor)) == "SHORTFALL_OPEN"


async def test_no_stranger_makes_good_and_another_person_approves(
    market: Market, debtor: Seller
) -> None:
    key = (await shortfall_of(market, debtor.account))["shortfall_id"]
    await market.issue(debtor.project, 5, month=2)
    stranger = await market.owner_with_credits(5, at_venue=0)
    command = making_good(debtor, key, 5)
    assert code(await market.send(command, stranger.party.actor)) == "UNKNOWN"
    assert code(await market.send(command, AUDITOR)) == "ROLE_MISSING"
    asked = await market.send(command, debtor.party.actor)
    assert code(await market.approve(asked, REGISTRAR)) == "ROLE_MISSING"
    assert [len(await seen(market, who, debtor)) for who in (stranger.party.actor, REGISTRAR)] == [
        0,
        1,
    ]
    assert (await seen(market, debtor.party.actor, debtor))[0]["outstanding"] == 60


async def test_a_frozen_account_gives_nothing_even_for_what_it_owes(
    market: Market, debtor: Seller
) -> None:
    key = (await shortfall_of(market, debtor.account))["shortfall_id"]
    await market.issue(debtor.project, 5, month=2)
    await frozen(market, freezing.freeze_of_account(debtor.account))
    answer = await done(market, making_good(debtor, key, 5), debtor.party.actor)
    assert code(answer) == "ACCOUNT_FROZEN"


async def test_what_the_owner_does_not_make_good_is_taken_on_a_document_whatever_the_account_is(
    market: Market, debtor: Seller
) -> None:
    key = (await shortfall_of(market, debtor.account))["shortfall_id"]
    await market.issue(debtor.project, 65, month=2)
    await frozen(market, freezing.freeze_of_account(debtor.account))
    ground = RestrictAccount(account=debtor.account, ground="RULES_BROKEN", reason="falsified")
    await market.accepted(ground)
    command = making_good(debtor, key, 60)

    assert code(await market.send(command)) == "DIGEST_MALFORMED"
    forced = msgspec.structs.replace(command, document_sha256="ab" * 32)
    both = Actor(REGISTRAR.subject, None, frozenset({"registrar", "approver"}))
    asked = await market.send(forced, both)
    assert code(await market.approve(asked, both)) == "MAKER_IS_APPROVER"
    await accepted(market, forced, AUTHORITY)

    owed = await shortfall_of(market, debtor.account)
    assert (owed["outstanding"], owed["state"]) == (0, "CLOSED")
    assert await places(market, debtor.account) == {"registry": 5, "cancelled": 100}
    record = await market.database.fetchrow(
        "SELECT document_sha256, requested_by, approved_by FROM settlement.retirement WHERE"
        " retirement_id = $1",
        forced.retirement_id,
    )
    assert tuple(record or ()) == ("ab" * 32, AUTHORITY.subject, APPROVER.subject)
