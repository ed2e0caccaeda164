"""What the auditor of chaos would see of credits that are used twice, above the cap, for nobody, or while frozen."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.kernel.ids import new_id
from services.tools.chaos import tally
from services.tools.chaos.books import books_of, found_in
from services.tools.chaos.ears import Ears
from services.tools.chaos.judge import judged
from services.tools.chaos.sent import Ask, Contest, Sent
from services.tools.chaos.used import compared_standing, compared_uses, judged_uses
from tests.faults.told import BATCH, GOODS, Shown, ToldMarket, serials

OFFSET, SURRENDER = "ETS_OFFSET_NATIONAL", "ETS_SURRENDER"


@pytest.fixture(name="market")
def _market() -> ToldMarket:
    return ToldMarket()


def test_uses_that_were_told_as_they_were_granted_are_no_finding(market: ToldMarket) -> None:
    market.owes(1_000)
    market.pays(OFFSET, 50, surrendered=0, offset=50)
    market.pays(SURRENDER, 950, surrendered=950, offset=50)
    market.asked("retireCredits", account="ACC-1", tonnes=1, purpose="OMGE", **GOODS)
    freeze = market.freezes(first=1, last=10)
    market.granted("releaseFreeze", freezeId=str(freeze.id))
    market.tells("settlement.freeze.released", f"freeze/{freeze.id}", ranges=[serials(1, 10)])
    assert not judged_uses(market.sent, market.ears)
    assert tally.debts(market.sent) == {"ACC-1/2025": tally.Debt(1_000, 50, 950, 50)}
    assert not tally.standing_freezes(market.sent)


def test_a_use_that_is_lost_told_twice_told_otherwise_or_nobodys_is_seen(
    market: ToldMarket,
) -> None:
    lost = market.granted(
        "retireCredits", account="ACC-1", tonnes=1, purpose="OWN", reportingPeriod="1", **GOODS
    )
    twice = market.use("ENTERPRISE_OFFSET", 5)
    market.retired(twice)
    otherwise = market.use("ENTERPRISE_OFFSET", 5)
    market.ears.by_subject.pop(f"retirement/{otherwise.id}")
    market.retired(otherwise, tonnes=6)
    nobodys = market.asked(
        "retireCredits", account="ACC-1", tonnes=2, purpose="OWN", reportingPeriod="1", **GOODS
    )
    market.retired(nobodys)
    found = judged_uses(market.sent, market.ears)
    assert found.lost == {f"OWN {lost.id} was granted and never told"}
    assert found.duplicated == {f"ENTERPRISE_OFFSET {twice.id} was told 2 times"}
    assert len(found.broken) == 2
    assert {str(otherwise.id) in one or str(nobodys.id) in one for one in found.broken} == {True}


def test_more_than_the_cap_is_seen_at_the_step_that_exceeds_it(market: ToldMarket) -> None:
    market.owes(1_000)
    market.pays(OFFSET, 40, surrendered=0, offset=40)
    market.pays(OFFSET, 20, surrendered=0, offset=60)
    assert judged_uses(market.sent, market.ears).broken == {
        "obligation/ACC-1/2025: 60 t are offset, above the cap of 50"
    }


def test_more_than_is_due_and_sums_that_do_not_add_up_are_seen(market: ToldMarket) -> None:
    market.owes(100)
    market.pays(SURRENDER, 90, surrendered=80, offset=0)
    market.pays(SURRENDER, 20, surrendered=110, offset=0)
    assert judged_uses(market.sent, market.ears).broken == {
        "obligation/ACC-1/2025: event 2 does not add up",
        "obligation/ACC-1/2025: 110 t are paid of 100",
    }


@pytest.mark.parametrize(
    ("sizes", "room", "findings"), [((30, 30), 40, 1), ((30, 30), 60, 0), ((10, 30), 60, 0)]
)
def test_a_contest_gives_no_more_than_there_is(
    market: ToldMarket, sizes: tuple[int, int], room: int, findings: int
) -> None:
    market.sent.contests.append(Contest([market.use(OFFSET, size) for size in sizes], room))
    assert len(judged_uses(market.sent, market.ears).broken) == findings


def test_a_refusal_for_which_there_was_room_is_seen(market: ToldMarket) -> None:
    fields = {"account": "ACC-1", "purpose": OFFSET, "tonnes": 20, **GOODS}
    refused = market.asked("retireCredits", **fields)
    market.sent.contests.append(Contest([market.use(OFFSET, 30), refused], 49))
    assert not judged_uses(market.sent, market.ears)
    market.sent.contests.append(Contest(market.sent.contests[0].asks, 50))
    assert len(judged_uses(market.sent, market.ears).broken) == 1


def test_rivals_may_be_refused_by_their_code_and_by_no_other() -> None:
    sent = Sent()
    for code in ("OFFSET_CAP_EXCEEDED", "ANYTHING"):
        ask = Ask("retireCredits", "", new_id(), {}, "PENDING", rival_code="OFFSET_CAP_EXCEEDED")
        ask.answer = {"outcome": "REFUSED", "errors": [{"code": code}]}
        sent.asks[ask.id] = ask
    assert len(judged(sent, Ears()).broken) == 1


def test_frozen_serials_stay_where_they_are_until_they_are_let_go(market: ToldMarket) -> None:
    _issue(market)
    freeze = market.freezes(first=11, last=20)
    found = found_in(books_of(market.ears.events.values(), {}))
    assert found.misfrozen_tonnes == 0
    assert found.blocks == {
        (BATCH, ("ACC-1", "registry", None)): [(1, 11), (21, 101)],
        (BATCH, ("ACC-1", "frozen", None)): [(11, 21)],
    }
    market.tells(
        "settlement.freeze.released",
        f"freeze/{freeze.id}",
        account="ACC-1",
        ranges=[serials(11, 20)],
    )
    found = found_in(books_of(market.ears.events.values(), {}))
    assert found.blocks == {(BATCH, ("ACC-1", "registry", None)): [(1, 101)]}


def test_what_is_used_while_frozen_or_frozen_twice_is_seen(market: ToldMarket) -> None:
    _issue(market)
    market.freezes(first=11, last=20)
    market.freezes(first=20, last=21)
    used = market.asked(
        "retireCredits", account="ACC-1", tonnes=3, purpose="OWN", reportingPeriod="1", **GOODS
    )
    market.retired(used, ranges=[serials(9, 11)])
    assert found_in(books_of(market.ears.events.values(), {})).misfrozen_tonnes == 2


@pytest.mark.parametrize(("is_named", "misfrozen"), [(True, 0), (False, 5)])
def test_a_cancellation_takes_what_is_frozen_only_by_its_name(
    market: ToldMarket, is_named: bool, misfrozen: int
) -> None:
    _issue(market)
    freeze = market.freezes(first=11, last=20)
    named = {"freezeId": str(freeze.id)} if is_named else {}
    ask = market.granted("cancelCredits", account="ACC-1", tonnes=5, **GOODS, **named)
    market.tells(
        "settlement.credits.cancelled",
        f"retirement/{ask.id}",
        retirement_id=str(ask.id),
        account="ACC-1",
        ranges=[serials(16, 20)],
    )
    books = books_of(market.ears.events.values(), {}, tally.thawing(market.sent))
    assert found_in(books).misfrozen_tonnes == misfrozen


def test_a_freeze_that_is_not_told_and_one_that_nobody_ordered_are_seen(market: ToldMarket) -> None:
    market.granted("freezeAccount", account="ACC-1")
    stray = new_id()
    kind = "settlement.account.frozen"
    market.tells(kind, f"freeze/{stray}", freeze_id=str(stray), account="ACC-2")
    found = judged_uses(market.sent, market.ears)
    assert (len(found.lost), len(found.broken)) == (1, 1)


def test_piles_follow_from_what_was_sent_and_answered_alone(market: ToldMarket) -> None:
    market.asked("draftProject", code="A1", ownerAccount="ACC-1")
    reduction = market.asked("recordReduction", tonnes=100, **GOODS)
    batch = market.granted("issueCredits", reductionId=str(reduction.id))
    market.use("ENTERPRISE_OFFSET", 5)
    span = {"batchId": str(batch.id), "firstSerial": 1, "lastSerial": 10}
    freeze = market.granted("freezeCredits", account="ACC-1", spans=[span])
    given = {"account": "ACC-1", "purpose": "OMGE", **GOODS, "freezeId": str(freeze.id)}
    market.granted("cancelCredits", tonnes=4, **given)
    market.asked("cancelCredits", tonnes=40, **given)
    goods = "A1", 2024
    assert dict(tally.piles(market.sent)) == {
        ("ACC-1", goods, "held"): 91,
        ("ACC-1", goods, "retired"): 5,
        ("ACC-1", goods, "cancelled"): 4,
        ("ACC-1", goods, "frozen"): 6,
    }


def test_what_is_published_of_obligations_and_freezes_is_compared(market: ToldMarket) -> None:
    market.owes(1_000)
    market.use(OFFSET, 50)
    freeze = market.granted("freezeAccount", account="ACC-1")
    right: dict[str, Any] = {
        "accountNumber": "ACC-1",
        "emissionYear": 2025,
        "due": 1_000,
        "cap": 50,
        "surrendered": 0,
        "offset": 50,
        "outstanding": 950,
        "state": "PARTIAL",
        "proofNumber": None,
    }
    stands = {"freezeId": str(freeze.id), "accountNumber": "ACC-1"}
    assert not _standing(market, [right], [stands])
    assert _standing(market, [], []).lost == {
        "obligation ACC-1/2025 is not published",
        f"freeze {freeze.id} does not stand",
    }
    wrong = right | {"offset": 51, "outstanding": 949, "proofNumber": "ETS-2026-00000001"}
    other = stands | {"accountNumber": "ACC-2"}
    more = stands | {"freezeId": str(new_id())}
    assert len(_standing(market, [wrong], [other, more]).broken) == 6


def test_what_is_published_of_uses_is_compared(market: ToldMarket) -> None:
    use, missing = market.use("ENTERPRISE_OFFSET", 5), market.use("ENTERPRISE_OFFSET", 6)
    node = {
        "retirementId": str(use.id),
        "certificateNumber": "RET-2026-00000001",
        "bucket": "retired",
        "accountNumber": "ACC-1",
        "projectCode": "A1",
        "vintage": 2024,
        "tonnes": 4,
        "purpose": "ENTERPRISE_OFFSET",
    }
    stray = node | {"retirementId": str(UUID(int=1))}
    desk: Any = Shown(retirements=[node, stray])
    found = asyncio.run(compared_uses(desk, "", market.sent))
    assert found.lost == {f"retirement {missing.id} is not published"}
    assert found.duplicated == {"certificate RET-2026-00000001 is of 2 uses"}
    assert len(found.broken) == 2


def _standing(market: ToldMarket, obligations: list[Any], freezes: list[Any]) -> Any:
    desk: Any = Shown(obligations=obligations, freezes=freezes)
    return asyncio.run(compared_standing(desk, "", market.sent))


def _issue(market: ToldMarket) -> None:
    """A hundred tonnes in the registry of one account."""
    market.tells("issuance.credits.issued", "batch/1", **serials(1, 100))
    received = {"account": "ACC-1", "bucket": "registry", "range": serials(1, 100)}
    market.tells("settlement.credits.received", "holding/1", **received)
