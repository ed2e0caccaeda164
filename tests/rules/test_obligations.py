"""Obligations in the national ETS (rules 21 and 22): what counts towards them, up to how much, and by when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
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

from services.issuance.messages.compliance import ObligationSet
from services.kernel.blocks import Block
from services.kernel.clocks import BEIJING
from services.kernel.lifecycles import StepNotAllowed, advance
from services.kernel.refusals import Refusal
from services.settlement import discharges, obligations
from services.settlement.discharges import (
    MoreThanDue,
    ObligationOverdue,
    OffsetCapExceeded,
    OwnCreditsNotAccepted,
    RegisteredTooEarly,
    Stock,
    Use,
    VintageNotAllowed,
)
from services.settlement.ledger import Bucket, Holding, Instrument, NotEnoughCredits, Place
from services.settlement.obligations import (
    LIFECYCLE,
    Obligation,
    ObligationNotOverdue,
    State,
    Step,
)
from services.settlement.retirements import Purpose, Retirement

DEADLINE = datetime(2027, 1, 1, tzinfo=BEIJING)
BEFORE, AFTER = DEADLINE - timedelta(days=90), DEADLINE + timedelta(days=90)
DUE, CAP = 1_000_019, 50_000
OWN, OTHER = UUID(int=1), UUID(int=2)
MARKET_OPENED = date(2024, 1, 22)
SAID = ObligationSet(
    compliance_id=UUID(int=9),
    account="ACC-1",
    organisation_id=OWN,
    emission_year=2025,
    due=DUE,
    offset_max=CAP,
    deadline=DEADLINE,
    allowance_vintages=(2026, 2025),
    credits_registered_after=MARKET_OPENED,
    plan="CEA-2025-2026",
    is_draft=True,
    version=1,
)
OWED = obligations.notified(SAID, None)
ARREARS = replace(OWED, emission_year=2024, allowance_vintages=tuple(range(2019, 2027)))


def offset(tonnes: int, at: datetime = BEFORE) -> Use:
    return Use(Purpose.ETS_OFFSET_NATIONAL, 2023, tonnes, at)


def surrender(tonnes: int, at: datetime = BEFORE, vintage: int = 2025) -> Use:
    return Use(Purpose.ETS_SURRENDER, vintage, tonnes, at)


def stock(
    number: int,
    tonnes: int,
    registered_on: date | None = date(2025, 6, 1),
    organisation: UUID = OTHER,
    bucket: Bucket = Bucket.REGISTRY,
) -> Stock:
    """A block in a batch of its own."""
    venue = "CBGEX" if bucket == Bucket.EXCHANGE else None
    holding = Holding(Block(UUID(int=number), 1, tonnes + 1), Place("ACC-1", bucket, venue))
    return Stock(holding, registered_on, organisation)


def test_rule_21_offsets_end_at_the_cap() -> None:
    assert DUE * 5 // 100 == CAP
    discharges.require_accepted(OWED, offset(50_000))
    with pytest.raises(OffsetCapExceeded) as refused:
        discharges.require_accepted(OWED, offset(50_001))
    assert refused.value.values == {"given": "50001", "cap": "50000", "used": "0"}


@pytest.mark.parametrize(
    ("used", "tonnes", "is_accepted"),
    [(1, 49_999, True), (1, 50_000, False), (49_999, 1, True), (49_999, 2, False), (50_000, 1, False)],
)  # fmt: skip
def test_rule_21_the_cap_is_one_for_all_offsets_of_an_entity_and_year(
    used: int, tonnes: int, is_accepted: bool
) -> None:
    before = replace(OWED, offset_used=used, surrendered=7)
    if is_accepted:
        discharges.require_accepted(before, offset(tonnes))
    else:
        with pytest.raises(OffsetCapExceeded):
            discharges.require_accepted(before, offset(tonnes))


@pytest.mark.parametrize(
    ("registered_on", "is_accepted"),
    [
        (date(2024, 1, 21), False),
        (date(2024, 1, 22), False),
        (date(2024, 1, 23), True),
        (None, False),
    ],
)
def test_rule_21_credits_count_that_were_registered_after_the_day(
    registered_on: date | None, is_accepted: bool
) -> None:
    one = stock(5, 10, registered_on)
    if is_accepted:
        assert discharges.accepted(OWED, OWN, [one], 10) == [one.holding]
    else:
        with pytest.raises(RegisteredTooEarly) as refused:
            discharges.accepted(OWED, OWN, [one], 10)
        assert refused.value.values == {
            "given": str(registered_on),
            "registered_after": "2024-01-22",
        }


def test_rule_21_without_a_day_in_the_plan_any_registered_credits_count() -> None:
    undated = replace(OWED, credits_registered_after=None)
    one = stock(5, 10, date(2015, 1, 1))
    assert discharges.accepted(undated, OWN, [one], 10) == [one.holding]
    with pytest.raises(RegisteredTooEarly):
        discharges.accepted(undated, OWN, [stock(5, 10, None)], 10)


def test_rule_21_an_entitys_own_credits_never_count() -> None:
    with pytest.raises(OwnCreditsNotAccepted) as refused:
        discharges.accepted(OWED, OWN, [stock(5, 10, organisation=OWN)], 1)
    assert refused.value.values == {"account": "ACC-1", "batch": str(UUID(int=5))}


def test_rule_21_of_an_instrument_only_the_accepted_batches_are_given() -> None:
    early, own, good = (
        stock(1, 10, MARKET_OPENED), stock(2, 10, organisation=OWN), stock(3, 10),
    )  # fmt: skip
    stocks = [early, own, good]
    assert discharges.accepted(OWED, OWN, stocks, 10) == [good.holding]
    with pytest.raises(RegisteredTooEarly):
        discharges.accepted(OWED, OWN, stocks, 11)
    with pytest.raises(OwnCreditsNotAccepted):
        discharges.accepted(OWED, OWN, stocks[1:], 20)
    # Nor would there be enough with them: the ledger says so.
    assert discharges.accepted(OWED, OWN, stocks, 31) == [good.holding]


@pytest.mark.parametrize(
    ("obligation", "vintage", "is_accepted"),
    [
        (OWED, 2024, False),
        (OWED, 2025, True),
        (OWED, 2026, True),
        (OWED, 2027, False),
        (ARREARS, 2018, False),
        (ARREARS, 2019, True),
        (ARREARS, 2025, True),
        (ARREARS, 2026, True),
    ],
)
def test_rule_22_allowances_pay_by_the_matrix_of_vintages(
    obligation: Obligation, vintage: int, is_accepted: bool
) -> None:
    if is_accepted:
        discharges.require_accepted(obligation, surrender(1, vintage=vintage))
    else:
        with pytest.raises(VintageNotAllowed):
            discharges.require_accepted(obligation, surrender(1, vintage=vintage))


def test_rule_22_the_vintages_that_pay_are_named() -> None:
    with pytest.raises(VintageNotAllowed) as refused:
        discharges.require_accepted(OWED, surrender(1, vintage=2024))
    assert refused.value.values == {"given": "2024", "expected": "2025, 2026"}


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=BEIJING), State.MET),
        (datetime(2026, 12, 31, 15, 59, 59, 999_999, tzinfo=UTC), State.MET),
        (datetime(2027, 1, 1, tzinfo=BEIJING), State.ENFORCED),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), State.ENFORCED),
    ],
)
def test_rule_22_the_year_ends_to_the_second_in_beijing(at: datetime, state: State) -> None:
    use = surrender(DUE, at)
    discharges.require_accepted(OWED, use)
    after, steps = obligations.followed(discharges.counted(OWED, use), at)
    assert after.state == state
    assert (Step.MISS in steps) == (state == State.ENFORCED)
    untouched, _ = obligations.followed(OWED, at)
    assert untouched.state == (State.NOTIFIED if state == State.MET else State.OVERDUE)


def test_rule_22_after_the_deadline_only_allowances_count() -> None:
    discharges.require_accepted(OWED, offset(1, DEADLINE - timedelta(microseconds=1)))
    with pytest.raises(ObligationOverdue):
        discharges.require_accepted(OWED, offset(1, DEADLINE))
    discharges.require_accepted(OWED, surrender(1, AFTER))


@pytest.mark.parametrize("use", [surrender, offset])
def test_rule_22_nobody_pays_more_than_is_owed(use: Any) -> None:
    left = replace(OWED, surrendered=DUE - 10, state=State.PARTIAL)
    discharges.require_accepted(left, use(10))
    with pytest.raises(MoreThanDue) as refused:
        discharges.require_accepted(left, use(11))
    assert refused.value.values == {"given": "11", "outstanding": "10"}


def test_what_was_surrendered_and_offset_is_what_is_no_longer_owed() -> None:
    after, _ = obligations.followed(discharges.counted(OWED, offset(CAP)), BEFORE)
    assert (after.state, after.offset_used, after.outstanding) == (State.PARTIAL, CAP, DUE - CAP)
    after, _ = obligations.followed(discharges.counted(after, surrender(DUE - CAP)), BEFORE)
    assert (after.state, after.discharged, after.outstanding) == (State.MET, DUE, 0)


def test_what_was_done_in_time_counts_as_in_time_when_a_historian_enters_it() -> None:
    overdue, _ = obligations.followed(OWED, AFTER)
    after, _ = obligations.followed(discharges.counted(overdue, surrender(DUE)), BEFORE)
    assert (overdue.state, after.state) == (State.OVERDUE, State.MET)


def again(before: Obligation, due: int, at: datetime) -> Obligation:
    said = msgspec.structs.replace(SAID, version=before.version + 1, due=due, offset_max=due // 20)
    after, _ = obligations.followed(obligations.notified(said, before), at)
    return after


def test_an_obligation_that_is_raised_has_lost_its_proof_and_is_met_anew() -> None:
    met, _ = obligations.followed(replace(OWED, surrendered=DUE, proof_number="ETS-1"), BEFORE)
    met = replace(met, proof_number="ETS-2026-00000001")
    assert again(met, DUE, BEFORE) == replace(met, version=2)
    raised = again(met, DUE + 1, BEFORE)
    assert (raised.state, raised.outstanding, raised.proof_number) == (State.PARTIAL, 1, None)
    assert again(met, DUE + 1, AFTER).state == State.OVERDUE
    lowered = again(met, DUE - 5, AFTER)
    assert (lowered.state, lowered.outstanding, lowered.proof_number) == (
        State.MET, 0, met.proof_number,
    )  # fmt: skip


def test_an_obligation_that_is_lowered_is_met_by_what_was_paid() -> None:
    partly, _ = obligations.followed(discharges.counted(OWED, surrender(10)), BEFORE)
    assert again(partly, 10, BEFORE).state == State.MET
    assert again(partly, 10, AFTER).state == State.ENFORCED
    assert again(partly, 11, BEFORE).state == State.PARTIAL
    assert again(OWED, 0, BEFORE).state == State.MET
    assert again(again(OWED, 0, AFTER), 3, AFTER).state == State.OVERDUE


@pytest.mark.parametrize("state", sorted(State))
def test_only_what_is_overdue_is_enforced(state: State) -> None:
    if state == State.OVERDUE:
        obligations.require_overdue(replace(OWED, state=state))
        return
    with pytest.raises(ObligationNotOverdue):
        obligations.require_overdue(replace(OWED, state=state))


@pytest.mark.parametrize(("state", "step"), [*product(State, Step)])
def test_the_lifecycle_has_no_other_rows(state: State, step: Step) -> None:
    if (state, step) in LIFECYCLE:
        assert advance(LIFECYCLE, state, step, "o") == LIFECYCLE[state, step]
    else:
        with pytest.raises(StepNotAllowed):
            advance(LIFECYCLE, state, step, "o")


@pytest.mark.parametrize(
    ("given", "year"),
    [
        ("2025", 2025),
        ("1000", 1000),
        ("9999", 9999),
        ("", None),
        ("0025", None),
        ("20255", None),
        ("2025 ", None),
        ("2025\n", None),
        ("2025-Q1", None),
        ("٢٠٢٥", None),
    ],
)
def test_an_obligation_is_named_by_its_year(given: str, year: int | None) -> None:
    assert obligations.emission_year(given) == year


def taken(tonnes: int) -> Retirement:
    return Retirement(UUID(int=1), "ACC-1", "CEA", Instrument("CEA", 2025), tonnes, "X", "y")


def test_enforcement_takes_the_registrys_then_the_venues_then_the_frozen_allowances() -> None:
    frozen = stock(1, 10, bucket=Bucket.FROZEN)
    venue = stock(2, 10, bucket=Bucket.EXCHANGE)
    free = stock(3, 10)
    stocks = [frozen, venue, free]
    spans = discharges.seized(stocks, taken(25))
    assert [(one.place.bucket, one.block.first, one.block.next) for one in spans] == [
        (Bucket.REGISTRY, 1, 11), (Bucket.EXCHANGE, 1, 11), (Bucket.FROZEN, 6, 11),
    ]  # fmt: skip
    assert len(discharges.seized(stocks, taken(30))) == 3
    with pytest.raises(NotEnoughCredits):
        discharges.seized(stocks, taken(31))


class Years(RuleBasedStateMachine):
    """Uses, versions and days in any order, against a model that only counts."""

    reached: ClassVar[set[State]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.one, self.now = again(OWED, 100, BEFORE), BEFORE
        self.due, self.cap, self.surrendered, self.offset = 100, 5, 0, 0

    @rule(tonnes=st.integers(1, 120), is_offset=st.booleans(), vintage=st.integers(2024, 2026))
    def use(self, tonnes: int, is_offset: bool, vintage: int) -> None:
        is_late = self.now >= DEADLINE
        is_accepted = tonnes <= self.due - self.surrendered - self.offset and (
            not is_late and self.offset + tonnes <= self.cap if is_offset else vintage != 2024
        )
        use = offset(tonnes, self.now) if is_offset else surrender(tonnes, self.now, vintage)
        try:
            discharges.require_accepted(self.one, use)
        except Refusal:
            assert not is_accepted
            return
        assert is_accepted
        self.one, _ = obligations.followed(discharges.counted(self.one, use), self.now)
        self.offset += tonnes if is_offset else 0
        self.surrendered += 0 if is_offset else tonnes

    @rule(due=st.integers(0, 150))
    def say_again(self, due: int) -> None:
        self.one, self.due, self.cap = again(self.one, due, self.now), due, due // 20

    @rule(days=st.integers(1, 40))
    def open_day(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.one, _ = obligations.followed(self.one, self.now)

    @invariant()
    def agrees(self) -> None:
        one = self.one
        assert (one.surrendered, one.offset_used) == (self.surrendered, self.offset)
        assert one.outstanding == max(0, self.due - self.surrendered - self.offset)
        is_open = one.state in (State.NOTIFIED, State.PARTIAL, State.OVERDUE)
        assert is_open == (one.outstanding > 0)
        assert (one.state == State.OVERDUE) == (is_open and self.now >= DEADLINE)
        assert one.state != State.NOTIFIED or one.discharged == 0
        Years.reached.add(one.state)


def test_an_obligation_lives_as_the_rule_book_says() -> None:
    run_state_machine_as_test(
        Years,
        settings=settings(max_examples=80, stateful_step_count=40, derandomize=True, deadline=None),
    )
    assert Years.reached == set(State)
