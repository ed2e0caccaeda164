"""Transfers without a trade: held when offered, delivered when accepted, given back when nothing comes of it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.kernel.actors import Actor
from services.kernel.clocks import market_day
from services.kernel.ids import new_id
from services.registry.messages.accounts import LiftRestriction, RestrictAccount
from services.runtime.messages import Command
from services.settlement.messages.holdings import (
    AcceptTransfer,
    ProposeTransfer,
    RefuseTransfer,
    WithdrawTransfer,
)
from services.settlement.messages.market import OpenDay
from tests.flows.trading import Pair, code
from tests.market import REGISTRAR, Market, content
from tests.register import HISTORIAN

DAY = timedelta(days=1)


def today() -> date:
    return market_day(datetime.now(UTC))


@pytest.fixture(scope="session")
async def heirs(market: Market) -> Pair:
    """A giver with 10,000 t in the registry and a receiver, for tests that count only differences."""
    return await market.owner_with_credits(10_000, at_venue=0), await market.party("OWNER")


def offer(heirs: Pair, tonnes: int = 100, **changes: Any) -> ProposeTransfer:
    """An offer that is in order, but for the changes."""
    giver, receiver = heirs
    proposed = ProposeTransfer(
        transfer_id=new_id(),
        from_account=giver.account,
        to_account=receiver.account,
        project=giver.project,
        vintage=giver.vintage,
        tonnes=tonnes,
        ground="INHERITANCE",
        document_sha256="ab" * 32,
        reason="the will of the founder",
        expires_on=today() + DAY,
    )
    return msgspec.structs.replace(proposed, **changes)


async def held(market: Market, heirs: Pair) -> tuple[int, int, int]:
    """Tonnes of the giver in the registry and offered, and of the receiver."""
    giver, receiver = heirs
    return (
        await market.tonnes(giver.account, "registry"),
        await market.tonnes(giver.account, "reserved"),
        await market.tonnes(receiver.account, "registry"),
    )


async def proposed(
    market: Market, heirs: Pair, tonnes: int = 100, **changes: Any
) -> ProposeTransfer:
    """An offer that was made."""
    command = offer(heirs, tonnes, **changes)
    await market.accepted(command, heirs[0].party.actor)
    return command


async def published(market: Market, actor: Actor, command: ProposeTransfer) -> dict[str, Any]:
    """The transfer as this person sees it; nothing if it may not be seen."""
    viewer = actor.subject, actor.organisation, sorted(actor.roles)
    one = "SELECT * FROM settlement_read.transfer($1, $2, $3, $4)"
    listed = "SELECT * FROM settlement_read.transfers($1, $2, $3, $4, NULL, NULL, NULL, 1000)"
    found = await market.database.fetchrow(one, *viewer, command.transfer_id)
    rows = await market.database.fetch(listed, *viewer, command.from_account)
    assert [row for row in rows if row["transfer_id"] == command.transfer_id] == [found] * bool(
        found
    )
    return dict(found) if found else {}


async def history(market: Market, actor: Actor, command: ProposeTransfer) -> list[str]:
    """What happened to the transfer, as this person sees it."""
    rows = await market.database.fetch(
        "SELECT type FROM settlement_read.history($1, $2, $3, $4, NULL, 100)",
        actor.subject,
        actor.organisation,
        sorted(actor.roles),
        f"transfer/{command.transfer_id}",
    )
    return [row["type"].removeprefix("settlement.transfer.") for row in rows]


async def test_offered_credits_are_held_and_delivered_when_accepted(
    market: Market, heirs: Pair
) -> None:
    giver, receiver = heirs
    before = await held(market, heirs)
    command = await proposed(market, heirs, 100)
    subject = f"transfer/{command.transfer_id}"
    assert await held(market, heirs) == (before[0] - 100, before[1] + 100, before[2])
    told = content(await market.told("settlement.transfer.proposed", subject))
    assert told["expires_on"] == command.expires_on.isoformat()

    answer = await market.send(AcceptTransfer(transfer_id=command.transfer_id), receiver.actor)

    assert (answer.outcome, answer.subject) == ("ACCEPTED", subject)
    assert await held(market, heirs) == (before[0] - 100, before[1], before[2] + 100)
    told = content(await market.told("settlement.transfer.accepted", subject))
    ranges = told["ranges"]
    assert sum(one["last_serial"] - one["first_serial"] + 1 for one in ranges) == 100
    for actor in (giver.party.actor, receiver.actor, REGISTRAR):
        seen = await published(market, actor, command)
        assert (seen["state"], seen["ranges"]) == ("ACCEPTED", ranges)
        assert (seen["proposed_by"], seen["decided_by"]) == (
            giver.party.actor.subject,
            receiver.actor.subject,
        )
        assert await history(market, actor, command) == ["proposed", "accepted"]


@pytest.mark.parametrize("kind", [RefuseTransfer, WithdrawTransfer])
async def test_an_offer_that_is_refused_or_withdrawn_gives_the_credits_back(
    market: Market, heirs: Pair, kind: type[RefuseTransfer | WithdrawTransfer]
) -> None:
    giver, receiver = heirs
    before = await held(market, heirs)
    command = await proposed(market, heirs)
    actor = receiver.actor if kind is RefuseTransfer else giver.party.actor

    await market.accepted(kind(transfer_id=command.transfer_id, reason="not now"), actor)

    assert await held(market, heirs) == before
    state = "REFUSED" if kind is RefuseTransfer else "WITHDRAWN"
    seen = await published(market, receiver.actor, command)
    assert (seen["state"], seen["decision_reason"], seen["ranges"]) == (state, "not now", [])
    subject = f"transfer/{command.transfer_id}"
    assert content(await market.told("settlement.transfer.ended", subject))["state"] == state


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tonnes": 10_001}, "NOT_ENOUGH_CREDITS"),
        ({"tonnes": 0}, "OUT_OF_RANGE"),
        ({"tonnes": -1}, "OUT_OF_RANGE"),
        ({"tonnes": 2**70}, "OUT_OF_RANGE"),
        ({"vintage": 2**40}, "OUT_OF_RANGE"),
        ({"ground": "SALE"}, "OUT_OF_RANGE"),
        ({"document_sha256": "the will"}, "DIGEST_MALFORMED"),
        ({"expires_on": date(2024, 1, 1)}, "OUT_OF_RANGE"),
        ({"expires_on": date(9999, 12, 31)}, "OUT_OF_RANGE"),
        ({"reason": ""}, "OUT_OF_RANGE"),
    ],
)
async def test_an_offer_that_breaks_a_rule_is_refused_and_holds_nothing(
    market: Market, heirs: Pair, changes: dict[str, Any], expected: str
) -> None:
    before = await held(market, heirs)

    answer = await market.send(offer(heirs, **changes), heirs[0].party.actor)

    assert (answer.outcome, code(answer)) == ("REFUSED", expected)
    assert await held(market, heirs) == before


async def test_nobody_receives_from_oneself_and_no_verifier_receives(
    market: Market, heirs: Pair
) -> None:
    giver = heirs[0]
    verifier = await market.party("VERIFIER")
    cases = {giver.account: "TRANSFER_TO_ONESELF", verifier.account: "RECEIVER_MAY_NOT_HOLD"}
    for account, expected in cases.items():
        answer = await market.send(offer(heirs, to_account=account), giver.party.actor)
        assert code(answer) == expected


async def test_only_the_giver_offers_and_withdraws_and_only_the_receiver_accepts_and_refuses(
    market: Market, heirs: Pair
) -> None:
    giver, receiver = heirs
    stranger = await market.party("OWNER")
    command = await proposed(market, heirs)
    before = await held(market, heirs)
    accepting = AcceptTransfer(transfer_id=command.transfer_id)
    refusing = RefuseTransfer(transfer_id=command.transfer_id, reason="no")
    withdrawing = WithdrawTransfer(transfer_id=command.transfer_id, reason="no")
    wrong: list[tuple[Command, Actor, str]] = [
        (offer(heirs), receiver.actor, "NOT_YET_KNOWN"),
        (accepting, giver.party.actor, "OTHER_ORGANISATION"),
        (refusing, giver.party.actor, "OTHER_ORGANISATION"),
        (withdrawing, receiver.actor, "OTHER_ORGANISATION"),
        *((one, stranger.actor, "UNKNOWN") for one in (accepting, refusing, withdrawing)),
    ]

    for one, actor, expected in wrong:
        assert code(await market.send(one, actor)) == expected
    assert code(await market.send(accepting, REGISTRAR)) == "ROLE_MISSING"
    assert (
        code(await market.send(AcceptTransfer(transfer_id=new_id()), receiver.actor)) == "UNKNOWN"
    )

    assert await held(market, heirs) == before
    assert await published(market, stranger.actor, command) == {}
    assert await history(market, stranger.actor, command) == []
    await market.accepted(withdrawing, giver.party.actor)
    assert code(await market.send(accepting, receiver.actor)) == "STEP_NOT_ALLOWED"


async def test_an_id_is_used_once(market: Market, heirs: Pair) -> None:
    command = await proposed(market, heirs, 1)
    before = await held(market, heirs)

    answer = await market.send(command, heirs[0].party.actor)

    assert code(answer) == "ALREADY_EXISTS"
    assert await held(market, heirs) == before


async def test_acceptance_needs_two_open_accounts_and_refusal_none(market: Market) -> None:
    heirs = await market.owner_with_credits(100, at_venue=0), await market.party("OWNER")
    command = await proposed(market, heirs)
    accepting = AcceptTransfer(transfer_id=command.transfer_id)
    status = "SELECT EXISTS (SELECT FROM settlement.account WHERE number = $1 AND status = $2)"
    for party in (heirs[0].party, heirs[1]):
        await market.accepted(
            RestrictAccount(account=party.account, ground="PAPERS_MISMATCH", reason="papers")
        )
        await market.until(status, party.account, "RESTRICTED")
        assert code(await market.send(accepting, heirs[1].actor)) == "ACCOUNT_NOT_OPEN"
        if party is heirs[1]:
            break
        await market.accepted(LiftRestriction(account=party.account, reason="cured"))
        await market.until(status, party.account, "OPEN")

    refusing = RefuseTransfer(transfer_id=command.transfer_id, reason="not now")
    await market.accepted(refusing, heirs[1].actor)

    assert await held(market, heirs) == (100, 0, 0)


async def test_an_offer_expires_with_the_day_after_its_last(market: Market, heirs: Pair) -> None:
    before = await held(market, heirs)
    giver, receiver = heirs[0].party.actor, heirs[1].actor
    yesterday = datetime.now(UTC) - DAY
    command = offer(heirs, 7, expires_on=market_day(yesterday))
    told = Actor(giver.subject, giver.organisation, giver.roles | {"historian"})
    assert (await market.send(command, told, effective_at=yesterday)).refusal is None
    accepting = AcceptTransfer(transfer_id=command.transfer_id)
    assert code(await market.send(accepting, receiver)) == "OFFER_EXPIRED"

    opening = OpenDay(date=market_day(yesterday))
    assert (await market.send(opening, HISTORIAN, effective_at=yesterday)).refusal is None
    assert (await published(market, REGISTRAR, command))["state"] == "PROPOSED"
    for _ in range(2):
        await market.accepted(OpenDay(date=today()), HISTORIAN)

    seen = await published(market, REGISTRAR, command)
    assert (seen["state"], seen["decision_reason"]) == ("EXPIRED", None)
    assert await held(market, heirs) == before
    ended = await market.told("settlement.transfer.ended", f"transfer/{command.transfer_id}")
    assert content(ended)["state"] == "EXPIRED"
    assert await history(market, REGISTRAR, command) == ["proposed", "ended"]


async def test_a_day_is_opened_by_registrars_and_clocks_on_the_day_itself(
    market: Market, heirs: Pair
) -> None:
    assert code(await market.send(OpenDay(date=today() + DAY), HISTORIAN)) == "OUT_OF_RANGE"
    assert code(await market.send(OpenDay(date=today()), heirs[0].party.actor)) == "ROLE_MISSING"


async def test_of_many_who_decide_at_once_exactly_one_does(market: Market, heirs: Pair) -> None:
    giver, receiver = heirs
    before = await held(market, heirs)
    offers = [await proposed(market, heirs, 10) for _ in range(5)]

    answers = await asyncio.gather(
        *(market.send(AcceptTransfer(transfer_id=o.transfer_id), receiver.actor) for o in offers),
        *(
            market.send(WithdrawTransfer(transfer_id=o.transfer_id, reason="no"), giver.party.actor)
            for o in offers
        ),
    )

    codes = sorted(code(answer) or "" for answer in answers)
    assert codes == [""] * 5 + ["STEP_NOT_ALLOWED"] * 5
    taken = 10 * sum(answer.refusal is None for answer in answers[:5])
    assert await held(market, heirs) == (before[0] - taken, before[1], before[2] + taken)
