"""Cancellations: ordered by one person, approved by another, of whoever's credits, once and for all (rule 23)."""

import re
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer
from services.settlement.messages.retirements import CancelCredits
from tests.flows.acts import offered
from tests.flows.floor import today
from tests.flows.trading import code
from tests.market import APPROVER, REGISTRAR, Market, Seller, content

AUTHORITY = Actor("mee", None, frozenset({"authority"}))


def cancellation(seller: Seller, tonnes: int) -> CancelCredits:
    """An order that is in order."""
    return CancelCredits(
        retirement_id=new_id(),
        account=seller.account,
        project=seller.project,
        vintage=seller.vintage,
        tonnes=tonnes,
        purpose="FORCED",
        document_sha256="0" * 64,
        reason="false reductions",
    )


async def cancelled(market: Market, seller: Seller, tonnes: int) -> Answer:
    """The final answer to an order that two persons give."""
    asked = await market.send(cancellation(seller, tonnes))
    return asked if asked.refusal else await market.approve(asked)


async def holds(market: Market, seller: Seller) -> tuple[int, int]:
    return (
        await market.tonnes(seller.account, "registry"),
        await market.tonnes(seller.account, "cancelled"),
    )


@pytest.mark.parametrize("actor", [REGISTRAR, AUTHORITY], ids=["registrar", "authority"])
async def test_rule_23_a_cancellation_needs_a_second_person_and_gets_a_certificate(
    market: Market, actor: Actor
) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    order = cancellation(owner, 30)
    asked = await market.send(order, actor)
    assert (asked.outcome, await holds(market, owner)) == ("PENDING", (100, 0))

    answer = await market.approve(asked)

    assert (answer.outcome, answer.subject) == ("ACCEPTED", f"retirement/{order.retirement_id}")
    assert await holds(market, owner) == (70, 30)
    told = content(await market.told("settlement.credits.cancelled", answer.subject or ""))
    assert re.fullmatch(r"CAN-20\d\d-\d{8}", told["certificate_number"])
    assert (told["purpose"], told["reporting_period"]) == ("FORCED", "")
    row = await market.database.fetchrow(
        "SELECT requested_by, approved_by, document_sha256, beneficiary_name"
        " FROM settlement.retirement WHERE retirement_id = $1",
        order.retirement_id,
    )
    assert row is not None
    assert tuple(row) == (actor.subject, APPROVER.subject, order.document_sha256, None)


async def test_rule_23_nobody_approves_their_own_order(market: Market) -> None:
    owner = await market.owner_with_credits(1, at_venue=0)
    both = Actor("rita.both", None, frozenset({"registrar", "approver"}))
    asked = await market.send(cancellation(owner, 1), both)

    assert code(await market.approve(asked, both)) == "MAKER_IS_APPROVER"
    assert code(await market.approve(asked, REGISTRAR)) == "ROLE_MISSING"
    assert await holds(market, owner) == (1, 0)


async def test_rule_23_what_is_cancelled_cannot_be_transferred_moved_used_or_cancelled_again(
    market: Market,
) -> None:
    owner, heir = await market.owner_with_credits(101, at_venue=0), await market.party("TRADER")
    assert code(await cancelled(market, owner, 102)) == "NOT_ENOUGH_CREDITS"
    assert code(await cancelled(market, owner, 100)) is None
    person = owner.party.actor

    refused = [
        await market.send(offered(owner, heir, today(), tonnes=2), person),
        await market.send(market.move(owner, 2), person),
        await market.retire(owner, 2),
        await cancelled(market, owner, 2),
    ]
    assert [code(answer) for answer in refused] == ["NOT_ENOUGH_CREDITS"] * 4
    assert code(await market.send(offered(owner, heir, today(), tonnes=1), person)) is None
    assert await holds(market, owner) == (0, 100)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"purpose": "ENTERPRISE_OFFSET"}, "PURPOSE_UNKNOWN"),
        ({"purpose": "CONVERSION_OUT"}, "PURPOSE_UNKNOWN"),
        ({"purpose": ""}, "PURPOSE_UNKNOWN"),
        ({"reason": " "}, "OUT_OF_RANGE"),
        ({"document_sha256": ""}, "DIGEST_MALFORMED"),
        ({"tonnes": 0}, "OUT_OF_RANGE"),
        ({"vintage": 0}, "OUT_OF_RANGE"),
        ({"purpose": "REVERSAL_COMPENSATION"}, "NOT_ENOUGH_CREDITS"),
        ({"account": "ACC-99999996"}, "NOT_YET_KNOWN"),
        ({"freeze_id": UUID(int=1)}, "UNKNOWN"),
    ],
)
async def test_an_order_that_breaks_a_rule_is_refused_at_once(
    market: Market, pair: tuple[Seller, Any], changes: dict[str, Any], refusal: str
) -> None:
    order = msgspec.structs.replace(cancellation(pair[0], 1), **changes)
    answer = await market.send(order)
    assert (answer.outcome, code(answer)) == ("REFUSED", refusal)


async def test_owners_and_auditors_order_no_cancellation(
    market: Market, pair: tuple[Seller, Any]
) -> None:
    auditor = Actor("an.auditor", None, frozenset({"auditor"}))
    for actor in (pair[0].party.actor, auditor):
        assert code(await market.send(cancellation(pair[0], 1), actor)) == "ROLE_MISSING"
