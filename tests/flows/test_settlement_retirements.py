"""Retirements and moves: two persons, the owner's own credits, once and for all."""

import re
from typing import Any

import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer
from services.settlement.messages.approvals import ApproveCommand, RefuseCommand
from services.settlement.messages.holdings import MoveFromVenue
from tests.market import APPROVER, REGISTRAR, Market, Party, Seller, content

OTHER_APPROVER = Actor("otto.approver", None, frozenset({"approver"}))


@pytest.fixture(scope="session")
async def owner(market: Market) -> Seller:
    """An owner with 10,000 t in the registry, for tests that count only differences."""
    return await market.owner_with_credits(10_000, at_venue=0)


async def test_a_retirement_needs_a_second_person_and_gets_a_certificate(
    market: Market, owner: Seller
) -> None:
    before = await _holds(market, owner)
    command = market.retirement(owner, 100)

    asked = await market.send(command, owner.party.actor)
    assert (asked.outcome, await _holds(market, owner)) == ("PENDING", before)
    answer = await market.approve(asked)

    assert (answer.outcome, answer.subject) == ("ACCEPTED", f"retirement/{command.retirement_id}")
    assert await _holds(market, owner) == (before[0] - 100, before[1] + 100)
    told = content(await market.told("settlement.credits.retired", answer.subject or ""))
    assert re.fullmatch(r"RET-20\d\d-\d{8}", told["certificate_number"])
    row = await market.database.fetchrow(
        "SELECT requested_by, approved_by FROM settlement.retirement WHERE retirement_id = $1",
        command.retirement_id,
    )
    assert row is not None
    assert tuple(row) == (owner.party.actor.subject, APPROVER.subject)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tonnes": 10_001}, "NOT_ENOUGH_CREDITS"),
        ({"tonnes": 0}, "OUT_OF_RANGE"),
        ({"tonnes": -1}, "OUT_OF_RANGE"),
        ({"tonnes": 2**53}, "OUT_OF_RANGE"),
        ({"tonnes": 2**70}, "OUT_OF_RANGE"),
        ({"vintage": 0}, "OUT_OF_RANGE"),
        ({"vintage": 2**40}, "OUT_OF_RANGE"),
        ({"purpose": "FUN"}, "PURPOSE_UNKNOWN"),
        ({"purpose": "ETS_OFFSET_NATIONAL"}, "OBLIGATION_UNKNOWN"),
        ({"reason": " "}, "STATEMENT_MISSING"),
        ({"beneficiary_name": ""}, "STATEMENT_MISSING"),
        ({"beneficiary_name": "Ben\0"}, "MALFORMED_COMMAND"),
    ],
)
async def test_a_retirement_that_breaks_a_rule_is_refused_at_once(
    market: Market, owner: Seller, changes: dict[str, Any], code: str
) -> None:
    before = await _holds(market, owner)
    command = msgspec.structs.replace(market.retirement(owner, 1), **changes)

    answer = await market.send(command, owner.party.actor)

    assert (answer.outcome, _code(answer)) == ("REFUSED", code)
    assert await _holds(market, owner) == before


async def test_retiring_more_than_held_names_what_there_is(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=40)

    answer = await market.retire(owner, 61)

    assert answer.refusal
    assert (answer.refusal.fields["given"], answer.refusal.fields["available"]) == ("61", "60")


async def test_pilot_credits_are_never_offset_in_the_ets(market: Market) -> None:
    owner = await market.owner_with_credits(100, venue="HZ-PILOT", at_venue=0)

    answer = await market.retire(owner, 1, purpose="ETS_OFFSET_NATIONAL")

    assert _code(answer) == "NOT_ELIGIBLE_FOR_ETS"


async def test_rule_23_neither_maker_nor_registrar_nor_another_companys_approver_can_approve(
    market: Market, owner: Seller
) -> None:
    maker, stranger = owner.party.actor, Actor("eve", new_id(), frozenset({"approver"}))
    both = Actor(maker.subject, maker.organisation, maker.roles | {"approver"})
    before = await _holds(market, owner)
    asked = await market.send(market.retirement(owner, 1), both)

    answers = [await market.approve(asked, actor) for actor in (both, REGISTRAR, stranger)]

    codes = [_code(answer) for answer in answers]
    assert codes == ["MAKER_IS_APPROVER", "ROLE_MISSING", "OTHER_ORGANISATION"]
    assert await _holds(market, owner) == before


async def test_what_is_approved_cannot_be_approved_again(market: Market, owner: Seller) -> None:
    asked = await market.retire(owner, 1)
    await market.approve(asked)
    before = await _holds(market, owner)

    again = await market.approve(asked, OTHER_APPROVER)

    assert _code(again) == "APPROVAL_NOT_PENDING"
    assert await _holds(market, owner) == before


async def test_what_is_refused_cannot_be_approved(market: Market, owner: Seller) -> None:
    asked = await market.retire(owner, 1)
    before = await _holds(market, owner)
    assert asked.approval_id is not None
    refuse = RefuseCommand(approval_id=asked.approval_id, reason="wrong beneficiary")

    assert (await market.send(refuse, APPROVER)).outcome == "ACCEPTED"

    assert _code(await market.approve(asked, OTHER_APPROVER)) == "APPROVAL_NOT_PENDING"
    assert await _holds(market, owner) == before


async def test_an_approval_that_nobody_asked_for_is_unknown(market: Market) -> None:
    answer = await market.send(ApproveCommand(approval_id=new_id()), APPROVER)

    assert _code(answer) == "APPROVAL_UNKNOWN"


async def test_of_two_retirements_of_the_same_credits_the_second_approval_is_refused(
    market: Market,
) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    asked = [await market.retire(owner, 60) for _ in range(2)]

    answers = [await market.approve(each) for each in asked]

    assert [_code(answer) for answer in answers] == [None, "NOT_ENOUGH_CREDITS"]
    assert await _holds(market, owner) == (40, 60)


@pytest.mark.parametrize("tonnes", [1, 10_000_000], ids=["held", "not held"])
async def test_another_organisations_account_can_be_used_by_nobody_else(
    market: Market, owner: Seller, tonnes: int
) -> None:
    stranger = (await market.party()).actor
    before = await _holds(market, owner)

    answer = await market.send(market.retirement(owner, tonnes), stranger)

    assert _code(answer) == "NOT_YET_KNOWN"
    assert answer.refusal
    assert answer.refusal.fields == {"noun": "account", "given": owner.account}
    assert await _holds(market, owner) == before


@pytest.mark.parametrize("role", ["registrar", "approver", "auditor", "historian"])
async def test_only_an_operator_of_the_owner_retires(
    market: Market, owner: Seller, role: str
) -> None:
    actor = Actor("someone", owner.party.organisation_id, frozenset({role}))

    assert _code(await market.send(market.retirement(owner, 1), actor)) == "ROLE_MISSING"


async def test_a_repeated_command_gets_its_first_answer(market: Market, owner: Seller) -> None:
    command_id, command = new_id(), market.retirement(owner, 1)
    first = await market.send(command, owner.party.actor, command_id=command_id)
    approve_id = new_id()
    assert first.approval_id is not None
    approve = ApproveCommand(approval_id=first.approval_id)
    approved = await market.send(approve, APPROVER, command_id=approve_id)
    before = await _holds(market, owner)

    assert await market.send(command, owner.party.actor, command_id=command_id) == first
    assert await market.send(approve, APPROVER, command_id=approve_id) == approved
    assert await _holds(market, owner) == before


async def test_a_repeated_refusal_is_the_first_one_even_when_it_would_pass_now(
    market: Market,
) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    command_id, command = new_id(), market.retirement(owner, 101)
    first = await market.send(command, owner.party.actor, command_id=command_id)
    await market.issue(owner.project, 50, month=2)
    await market.until(
        "SELECT sum(next_serial - first_serial) = 150 FROM settlement.holding WHERE account = $1",
        owner.account,
    )

    assert await market.send(command, owner.party.actor, command_id=command_id) == first
    assert (await market.send(command, owner.party.actor)).outcome == "PENDING"


@pytest.mark.parametrize("other", ["content", "sender"])
async def test_a_known_command_id_with_other_content_is_refused(
    market: Market, owner: Seller, other: str
) -> None:
    command_id, command = new_id(), market.retirement(owner, 1)
    first = await market.send(command, owner.party.actor, command_id=command_id)
    changed = msgspec.structs.replace(command, tonnes=2) if other == "content" else command
    actor = owner.party.actor
    sender = actor if other == "content" else Actor("twin", actor.organisation, actor.roles)

    answer = await market.send(changed, sender, command_id=command_id)

    assert _code(answer) == "SAME_ID_OTHER_CONTENT"
    assert await market.send(command, actor, command_id=command_id) == first


async def test_one_retirement_id_retires_once(market: Market, owner: Seller) -> None:
    asked = await market.retire(owner, 1, retirement_id=(retirement_id := new_id()))
    await market.approve(asked)
    before = await _holds(market, owner)

    again = await market.retire(owner, 1, retirement_id=retirement_id)

    assert _code(again) == "ALREADY_EXISTS"
    assert await _holds(market, owner) == before


async def test_retired_credits_cannot_be_moved_sold_or_retired_again(market: Market) -> None:
    owner, buyer = await market.owner_with_credits(101, at_venue=1), await market.buyer_with_cash()
    await market.settle(market.trade(owner, buyer, quantity=1))
    await market.approve(await market.retire(owner, 100))

    move = await market.send(market.move(owner, 1), owner.party.actor)
    retirement = await market.retire(owner, 1)
    sale = await market.settle(market.trade(owner, buyer, quantity=1))

    codes = [_code(move), _code(retirement), sale.code]
    assert codes == ["NOT_ENOUGH_CREDITS"] * 3
    assert await _holds(market, owner) == (0, 100)


async def test_credits_at_a_venue_go_back_before_they_are_retired(market: Market) -> None:
    owner = await market.owner_with_credits(100)
    back = market.move(owner, 30, MoveFromVenue)

    assert _code(await market.retire(owner, 30)) == "NOT_ENOUGH_CREDITS"
    assert (await market.send(back, owner.party.actor)).outcome == "ACCEPTED"

    assert (await market.approve(await market.retire(owner, 30))).outcome == "ACCEPTED"
    assert await _holds(market, owner) == (0, 30)


async def test_a_move_id_moves_once(market: Market) -> None:
    owner = await market.owner_with_credits(100, at_venue=0)
    move = market.move(owner, 10)

    answers = [await market.send(move, owner.party.actor) for _ in range(2)]

    assert [_code(answer) for answer in answers] == [None, "ALREADY_EXISTS"]
    assert await market.tonnes(owner.account, "exchange") == 10


async def test_certificates_are_numbered_without_a_gap(market: Market, owner: Seller) -> None:
    for tonnes in (1, 20_000, 1):
        answer = await market.retire(owner, tonnes)
        if answer.approval_id:
            await market.approve(answer)

    rows = await market.database.fetch("SELECT certificate_number FROM settlement.retirement")
    by_series: dict[str, list[int]] = {}
    for row in rows:
        series, number = row["certificate_number"].rsplit("-", 1)
        by_series.setdefault(series, []).append(int(number))
    assert by_series
    for numbers in by_series.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


async def test_a_command_without_a_known_account_may_be_repeated_with_the_same_id(
    market: Market, owner: Seller
) -> None:
    nowhere = Seller(
        Party(owner.party.organisation_id, new_id(), "ACC-99999996", owner.party.actor),
        owner.project,
        owner.vintage,
        owner.venue,
    )

    answer = await market.retire(nowhere, 1, command_id=new_id())

    assert _code(answer) == "NOT_YET_KNOWN"


def _code(answer: Answer) -> str | None:
    return answer.refusal.code if answer.refusal else None


async def _holds(market: Market, owner: Seller) -> tuple[int, int]:
    return (
        await market.tonnes(owner.account, "registry"),
        await market.tonnes(owner.account, "retired"),
    )
