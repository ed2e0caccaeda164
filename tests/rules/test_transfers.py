"""Transfers without a trade: what may be offered, who may receive, and how an offer lives and ends."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.kernel.blocks import Block
from services.kernel.clocks import BEIJING
from services.kernel.documents import DigestMalformed
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AccountNotOpen, OutOfRange, Refusal
from services.settlement import transfers
from services.settlement.books import Books
from services.settlement.ledger import Account, Batch, Holding, NotEnoughCredits
from services.settlement.messages.holdings import ProposeTransfer
from services.settlement.transfers import (
    LIFECYCLE,
    DecidedBeforeOffered,
    OfferExpired,
    ReceiverMayNotHold,
    State,
    Step,
    Transfer,
    TransferToOneself,
)

DAY = date(2026, 8, 20)
LAST = date(2026, 8, 27)
OFFER = ProposeTransfer(
    transfer_id=UUID(int=1),
    from_account="ACC-G",
    to_account="ACC-R",
    project="WIND",
    vintage=2024,
    tonnes=10,
    ground="INHERITANCE",
    document_sha256="0" * 64,
    reason="the heir",
    expires_on=LAST,
)
STEPS = (Step.ACCEPT, Step.REFUSE, Step.WITHDRAW)


def at(day: date, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    """That moment in Beijing."""
    return datetime.combine(day, time(hour, minute, second), BEIJING)


OPEN = transfers.proposed(OFFER, "CCER", at(DAY))


@pytest.mark.parametrize("ground", ["INHERITANCE", "ENFORCEMENT", "PROGRAMME_RULE"])
def test_each_of_the_three_grounds_is_one(ground: str) -> None:
    transfers.require_offer(msgspec.structs.replace(OFFER, ground=ground), DAY)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ground": "SALE"}, OutOfRange),
        ({"ground": ""}, OutOfRange),
        ({"ground": "inheritance"}, OutOfRange),
        ({"to_account": "ACC-G"}, TransferToOneself),
        ({"document_sha256": ""}, DigestMalformed),
        ({"document_sha256": "0" * 63}, DigestMalformed),
        ({"document_sha256": "0" * 65}, DigestMalformed),
        ({"document_sha256": "0" * 63 + "g"}, DigestMalformed),
        ({"document_sha256": "A" * 64}, DigestMalformed),
        ({"document_sha256": "0" * 64 + "\n"}, DigestMalformed),
        ({"reason": " "}, OutOfRange),
        ({"reason": "x" * 2001}, OutOfRange),
        ({"expires_on": DAY - timedelta(days=1)}, OutOfRange),
        ({"expires_on": DAY + timedelta(days=366)}, OutOfRange),
        ({"expires_on": date.max}, OutOfRange),
    ],
)
def test_an_offer_that_breaks_a_rule_is_refused(
    changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        transfers.require_offer(msgspec.structs.replace(OFFER, **changes), DAY)


@pytest.mark.parametrize("days", [0, 1, 365])
def test_an_offer_stays_open_for_a_day_to_a_year(days: int) -> None:
    offer = msgspec.structs.replace(OFFER, expires_on=DAY + timedelta(days=days))
    transfers.require_offer(offer, DAY)


@pytest.mark.parametrize(
    ("kind", "status", "refusal"),
    [
        ("OWNER", "OPEN", None),
        ("EMITTER", "OPEN", None),
        ("TRADER", "OPEN", None),
        ("VERIFIER", "OPEN", ReceiverMayNotHold),
        ("AUTHORITY", "OPEN", ReceiverMayNotHold),
        ("OWNER", "RESTRICTED", AccountNotOpen),
        ("OWNER", "CLOSED", AccountNotOpen),
    ],
)
def test_rule_12_only_open_accounts_of_holders_receive(
    kind: str, status: str, refusal: type[Refusal] | None
) -> None:
    receiver = Account("ACC-R", UUID(int=2), kind, status)
    if refusal is None:
        transfers.require_receiver(receiver)
    else:
        with pytest.raises(refusal):
            transfers.require_receiver(receiver)


@pytest.mark.parametrize(("state", "step"), [*product(State, STEPS)])
def test_only_an_open_offer_is_decided_and_only_once(state: State, step: Step) -> None:
    transfer = replace(OPEN, state=state)
    if state == State.PROPOSED:
        assert transfers.decided(transfer, step, at(DAY)).state == LIFECYCLE[state, step]
    else:
        with pytest.raises(StepNotAllowed):
            transfers.decided(transfer, step, at(DAY))
        with pytest.raises(StepNotAllowed):
            transfers.expired(transfer)


@pytest.mark.parametrize("step", STEPS)
def test_an_offer_is_decided_until_midnight_of_its_last_day_in_beijing(step: Step) -> None:
    assert transfers.decided(OPEN, step, at(LAST, 23, 59, 59)).state == LIFECYCLE[OPEN.state, step]
    with pytest.raises(OfferExpired):
        transfers.decided(OPEN, step, at(LAST + timedelta(days=1), 0))


@pytest.mark.parametrize("step", STEPS)
def test_an_offer_is_not_decided_before_it_was_made(step: Step) -> None:
    with pytest.raises(DecidedBeforeOffered):
        transfers.decided(OPEN, step, at(DAY) - timedelta(microseconds=1))


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (7, False), (8, True), (9, True)])
def test_an_offer_expires_the_day_after_its_last(days: int, is_due: bool) -> None:
    assert transfers.is_due(OPEN, DAY + timedelta(days=days)) == is_due
    assert not transfers.is_due(replace(OPEN, state=State.ACCEPTED), LAST + timedelta(days=99))


NUMBERS = st.integers(0, 4)


class Offers(RuleBasedStateMachine):
    """Five offers at most out of 100 tonnes in two batches, against a model that only counts."""

    reached: ClassVar[set[State]] = set()

    def __init__(self) -> None:
        super().__init__()
        batches = [
            Batch(UUID(int=n), "CCER", "CN", "WIND", 2024, n, at(date(2026, 1, n))) for n in (1, 2)
        ]
        accounts = [
            Account(number, UUID(int=n), "OWNER", "OPEN") for n, number in enumerate(("G", "R"))
        ]
        holdings = [Holding(Block(one.batch_id, 1, 51), self.offer(0).kept) for one in batches]
        self.books = Books.of(accounts, batches, holdings, {})
        self.today, self.kept, self.received = DAY, 100, 0
        self.offers: dict[int, Transfer] = {}
        self.expected: dict[int, State] = {}

    def offer(self, number: int, tonnes: int = 1, days: int = 0) -> Transfer:
        return Transfer(
            transfer_id=UUID(int=number),
            from_account="G",
            to_account="R",
            programme="CCER",
            project="WIND",
            vintage=2024,
            tonnes=tonnes,
            expires_on=getattr(self, "today", DAY) + timedelta(days=days),
            state=State.PROPOSED,
            proposed_at=at(getattr(self, "today", DAY)),
        )

    @rule(number=NUMBERS, tonnes=st.integers(1, 60), days=st.integers(0, 9))
    def propose(self, number: int, tonnes: int, days: int) -> None:
        if number in self.offers:
            return
        offer = self.offer(number, tonnes, days)
        try:
            self.books.move("o", offer.instrument, offer.kept, offer.held, tonnes, at(self.today))
        except NotEnoughCredits:
            assert tonnes > self.kept
            return
        assert tonnes <= self.kept
        self.kept -= tonnes
        self.offers[number], self.expected[number] = offer, State.PROPOSED

    @rule(number=NUMBERS, step=st.sampled_from(STEPS))
    def decide(self, number: int, step: Step) -> None:
        before = self.offers.get(number)
        if before is None:
            return
        is_open = self.expected[number] == State.PROPOSED and self.today <= before.expires_on
        try:
            after = transfers.decided(before, step, at(self.today))
        except (OfferExpired, StepNotAllowed):
            assert not is_open
            return
        assert is_open
        self.end(number, after)
        outcomes = {Step.ACCEPT: "ACCEPTED", Step.REFUSE: "REFUSED", Step.WITHDRAW: "WITHDRAWN"}
        self.expected[number] = State(outcomes[step])

    @rule(days=st.integers(1, 6))
    def open_day(self, days: int) -> None:
        self.today += timedelta(days=days)
        for number, transfer in list(self.offers.items()):
            is_due = self.expected[number] == State.PROPOSED and self.today > transfer.expires_on
            assert transfers.is_due(transfer, self.today) == is_due
            if is_due:
                self.end(number, transfers.expired(transfer))
                self.expected[number] = State.EXPIRED

    def end(self, number: int, after: Transfer) -> None:
        is_accepted = after.state == State.ACCEPTED
        target = after.given if is_accepted else after.kept
        moment = at(self.today)
        self.books.move("e", after.instrument, after.held, target, after.tonnes, moment)
        self.received += after.tonnes if is_accepted else 0
        self.kept += 0 if is_accepted else after.tonnes
        self.offers[number] = after

    @invariant()
    def counts_agree(self) -> None:
        offer = self.offer(0)
        open_tonnes = sum(
            transfer.tonnes
            for number, transfer in self.offers.items()
            if self.expected[number] == State.PROPOSED
        )
        found = [
            self.books.available(place, offer.instrument)
            for place in (offer.kept, offer.held, offer.given)
        ]
        assert found == [self.kept, open_tonnes, self.received]
        assert sum(found) == 100
        states = {number: transfer.state for number, transfer in self.offers.items()}
        assert states == self.expected
        Offers.reached.update(states.values())


def test_offers_live_as_the_rule_book_says() -> None:
    run_state_machine_as_test(
        Offers,
        settings=settings(max_examples=60, stateful_step_count=40, derandomize=True, deadline=None),
    )
    assert Offers.reached == set(State)
