"""A compliance year: what an emitter is allocated, paid and owes, step by step, and what stands in the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issuance import compliance
from services.issuance.allocation import allocate
from services.issuance.allocation_plans import EmissionYearNotPlanned, Plan
from services.issuance.compliance import (
    LIFECYCLE,
    AccountNotEmitter,
    ComplianceBeforePreviousStep,
    ComplianceYear,
    EmissionYearNotOver,
    OverpaidNotDeducted,
    RefundAboveDeduction,
    State,
    Step,
)
from services.issuance.messages.compliance import (
    OpenComplianceYear,
    UnitEmissions,
    VerifyEmissions,
)
from services.issuance.parties import Account
from services.kernel.clocks import BEIJING
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import OutOfRange, Refusal
from tests.emitting import PLAN, coal, smelter

AT = datetime(2026, 4, 10, 2, tzinfo=UTC)
ACCOUNT = Account("ACC-1", UUID(int=1), "EMITTER")
OPENING = OpenComplianceYear(
    compliance_id=UUID(int=2),
    account="ACC-1",
    emission_year=2025,
    sector="POWER",
    plan=PLAN.terms.plan,
    last_verified_tonnes=1_000_001,
    province="浙江省",
)


def opened(owed: int = 0, **changes: Any) -> ComplianceYear:
    command = msgspec.structs.replace(OPENING, **changes)
    return compliance.opened(command, PLAN, ACCOUNT, owed, AT)


def preallocated(**changes: Any) -> ComplianceYear:
    return compliance.paid(compliance.preallocate(opened(**changes), PLAN, AT))


def verified(
    year: ComplianceYear, *units: UnitEmissions, reason: str = "", plan: Plan = PLAN
) -> ComplianceYear:
    command = VerifyEmissions(compliance_id=year.compliance_id, units=units, reason=reason)
    return compliance.verify(year, plan, command, AT)


def allocated(year: ComplianceYear, *units: UnitEmissions, reason: str = "") -> ComplianceYear:
    """The year after the verification of these units, and their allocation."""
    year = verified(year, *units, reason=reason)
    return compliance.allocate(year, PLAN, allocate(PLAN, 2025, units), "", AT)


def refunded(year: ComplianceYear, tonnes: int) -> ComplianceYear:
    return compliance.refund(year, PLAN, tonnes, "the decision was lifted", AT)


def test_a_year_from_its_pre_allocation_to_its_true_up() -> None:
    """Half of the last emissions first, less what is kept back; the rest once the year is verified."""
    year = preallocated(adjustment_deduction_tonnes=1_000)
    assert (year.state, year.preallocated, year.preallocation_paid) == (
        State.PREALLOCATED,
        500_000,
        499_000,
    )
    assert (year.paid, year.payable, year.overpaid, year.true_up) == (499_000, 0, 0, None)

    year = allocated(year, coal(verified_tonnes=858_913))
    assert (year.due, year.offset_max, year.obligation_version) == (858_913, 42_945, 1)
    assert (year.final, year.true_up, year.topup) == (790_200, 290_200, 0)
    assert str(year.gap_rate_percent) == "7.99"
    assert year.payable == 790_200 - 1_000 - 499_000
    year = compliance.paid(year)
    assert (year.paid, year.payable) == (789_200, 0)

    year = refunded(year, 400)
    assert (year.state, year.payable, year.refunded) == (State.ALLOCATED, 400, 400)
    assert compliance.paid(year).paid == 790_200 - 600


def test_what_was_pre_allocated_too_much_is_not_paid_again() -> None:
    year = allocated(preallocated(), smelter(verified_tonnes=300_000))
    assert (year.true_up, year.payable, year.overpaid) == (-200_000, 0, 200_000)
    assert compliance.paid(year).paid == 500_000


def test_a_deduction_above_the_pre_allocation_is_kept_back_of_the_rest() -> None:
    year = preallocated(adjustment_deduction_tonnes=600_000)
    assert (year.paid, year.preallocation_paid) == (0, 0)
    year = allocated(year, coal())
    assert year.payable == 790_200 + 9_800 - 600_000 - 9_800


def test_without_a_pre_allocation_everything_is_paid_at_the_end() -> None:
    year = allocated(opened(), coal())
    assert (year.payable, year.true_up) == (790_200, 790_200)


def test_a_late_change_sets_the_obligation_again_and_pays_or_is_owed_the_difference() -> None:
    year = compliance.paid(allocated(opened(), smelter(verified_tonnes=100)))
    more = allocated(year, smelter(verified_tonnes=130), reason="a meter was read again")
    assert (more.due, more.obligation_version, more.payable, more.overpaid) == (130, 2, 30, 0)
    less = allocated(year, smelter(verified_tonnes=90), reason="a meter was read again")
    assert (less.due, less.obligation_version, less.payable, less.overpaid) == (90, 2, 0, 10)
    with pytest.raises(OutOfRange):
        verified(year, smelter())


def test_what_was_overpaid_is_kept_back_of_the_next_pre_allocation() -> None:
    for owed in (-5, 0):
        opened(owed)
    opened(10, adjustment_deduction_tonnes=10)
    with pytest.raises(OverpaidNotDeducted) as refused:
        opened(10, adjustment_deduction_tonnes=9)
    assert (refused.value.given, refused.value.expected) == (9, 10)


ACTS = st.lists(
    st.tuples(st.sampled_from(["verify", "refund"]), st.integers(0, 2_000)), max_size=12
)


@given(last=st.integers(0, 2_000), deduction=st.integers(0, 1_500), acts=ACTS)
def test_whoever_was_allocated_has_what_it_is_entitled_to_and_is_never_paid_twice(
    last: int, deduction: int, acts: list[tuple[str, int]]
) -> None:
    year = preallocated(last_verified_tonnes=last, adjustment_deduction_tonnes=deduction)
    most = max(0, year.entitled)
    for act, tonnes in acts:
        if act == "verify":
            year = allocated(year, smelter(verified_tonnes=tonnes), reason="changed")
        elif 0 < tonnes <= year.deducted - year.refunded:
            year = refunded(year, tonnes)
        year = compliance.paid(year)
        most = max(most, year.entitled)
        assert year.paid == most >= year.entitled
        assert year.overpaid == most - year.entitled if year.final is not None else True
        assert year.offset_max == (year.due or 0) // 20 or year.due is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"emission_year": 2027}, EmissionYearNotPlanned),
        ({"sector": "PAPER"}, OutOfRange),
        ({"province": "\x00"}, OutOfRange),
        ({"last_verified_tonnes": -1}, OutOfRange),
        ({"last_verified_tonnes": TONNES_MAX + 1}, OutOfRange),
        ({"adjustment_deduction_tonnes": -1}, OutOfRange),
    ],
)
def test_a_year_is_opened_in_order(changes: dict[str, Any], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        opened(**changes)


@pytest.mark.parametrize("kind", ["OWNER", "TRADER", "VERIFIER", "AUTHORITY"])
def test_only_emitters_are_allocated_allowances(kind: str) -> None:
    with pytest.raises(AccountNotEmitter):
        compliance.opened(OPENING, PLAN, replace(ACCOUNT, kind=kind), 0, AT)


def test_a_province_need_not_be_known() -> None:
    assert opened(province="").province == ""


def test_emissions_are_verified_once_their_year_is_over() -> None:
    year = replace(opened(), changed_at=AT - timedelta(days=365))
    last = datetime(2025, 12, 31, 23, 59, 59, tzinfo=BEIJING)
    command = VerifyEmissions(compliance_id=year.compliance_id, units=(coal(),))
    with pytest.raises(EmissionYearNotOver):
        compliance.verify(year, PLAN, command, last)
    compliance.verify(year, PLAN, command, last + timedelta(seconds=1))


def test_rule_22_what_is_due_is_due_by_the_last_day_of_the_next_year() -> None:
    deadline = opened().deadline
    assert deadline == datetime(2027, 1, 1, tzinfo=BEIJING)
    assert deadline - timedelta(seconds=1) == datetime(2026, 12, 31, 23, 59, 59, tzinfo=BEIJING)


def test_no_more_is_given_back_than_was_kept_back() -> None:
    year = preallocated(adjustment_deduction_tonnes=100)
    assert refunded(refunded(year, 60), 40).refunded == 100
    with pytest.raises(RefundAboveDeduction) as refused:
        refunded(refunded(year, 60), 41)
    assert (refused.value.given, refused.value.expected) == (101, 100)
    with pytest.raises(OutOfRange):
        refunded(year, 0)
    with pytest.raises(OutOfRange):
        compliance.refund(year, PLAN, 1, " ", AT)


def test_a_differentiated_entity_says_why() -> None:
    year, made = verified(opened(), coal()), allocate(PLAN, 2025, [coal()])
    told = compliance.allocate(year, PLAN, made, "supplies heat to a city", AT)
    assert told.differentiated_reason == "supplies heat to a city"
    assert compliance.allocate(year, PLAN, made, "", AT).differentiated_reason is None
    with pytest.raises(OutOfRange):
        compliance.allocate(year, PLAN, made, " ", AT)


def test_the_gap_is_known_once_there_is_an_allocation() -> None:
    assert opened().gap_rate_percent is None
    assert verified(opened(), coal()).gap_rate_percent is None


def test_every_step_is_computed_by_the_newest_version_of_the_plan() -> None:
    final = Plan(2, msgspec.structs.replace(PLAN.terms, offset_cap_ppm=60_000))
    year = verified(opened(), smelter(), plan=final)
    assert (year.plan_version, year.offset_max) == (2, 6_000)


STEPS: dict[Step, Callable[[ComplianceYear], ComplianceYear]] = {
    Step.PREALLOCATE: lambda year: compliance.preallocate(year, PLAN, AT),
    Step.VERIFY: lambda year: verified(year, coal(), reason="changed"),
    Step.ALLOCATE: lambda year: compliance.allocate(
        year, PLAN, allocate(PLAN, 2025, [coal()]), "", AT
    ),
    Step.REFUND: lambda year: refunded(year, 1),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_a_step_is_taken_from_the_states_of_the_table_only(state: State, step: Step) -> None:
    year = replace(opened(adjustment_deduction_tonnes=1), state=state)
    if (state, step) in LIFECYCLE:
        assert STEPS[step](year).state == LIFECYCLE[state, step]
    else:
        with pytest.raises(StepNotAllowed):
            STEPS[step](year)


@pytest.mark.parametrize("step", Step)
def test_nothing_happens_before_what_happened_last(step: Step) -> None:
    state = next(before for before, after in LIFECYCLE if after == step)
    year = replace(opened(adjustment_deduction_tonnes=1), state=state)
    STEPS[step](year)
    with pytest.raises(ComplianceBeforePreviousStep):
        STEPS[step](replace(year, changed_at=AT + timedelta(microseconds=1)))
