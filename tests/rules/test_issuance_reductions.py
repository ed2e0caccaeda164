"""Rules for reductions and for the batches issued from them."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest

from services.issuance import batches, reductions
from services.issuance.batches import (
    BeforeRecording,
    NotLegacy,
    Opening,
    ProjectIsRegistered,
)
from services.issuance.messages.batches import ImportOpeningBatch
from services.issuance.methodologies import Methodology
from services.issuance.reductions import (
    LIFECYCLE,
    BeforeRegistration,
    GeneratedTooEarly,
    OutsideCreditingPeriod,
    Period,
    PeriodDatesDiffer,
    PeriodNotOver,
    PeriodsOverlap,
    PeriodTaken,
    Programme,
    Project,
    ProjectNotRegistered,
    Reduction,
    RevokedAboveRegistered,
    State,
    Step,
)
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.names import CodeMalformed
from services.kernel.refusals import AlreadyExists, OutOfRange, Refusal
from services.tools.records import load_records

DAY = timedelta(days=1)
NATIONAL = Programme("CCER", "CN", "NATIONAL")
PILOT = Programme("WEEE-PILOT", "CN", "PILOT_ASSOCIATION")
LEGACY = Programme("CCER-LEGACY", "CN", "NATIONAL_LEGACY")
PROJECT = Project(
    code="A210005",
    programme="CCER",
    country="CN",
    owner_account="ACC-00000001",
    registered_on=date(2025, 1, 26),
    crediting_from=date(2020, 9, 1),
    crediting_until=date(2030, 8, 31),
    methodology="CCER-01-002-V01",
    validation_body="ACC-00000009",
)
METHODOLOGY = Methodology("CCER-01-002-V01", "offshore-wind-1", "NONE", None)
REDUCTION = Reduction(
    reduction_id=UUID(int=1),
    project="A210005",
    period_number=1,
    period_start=date(2020, 9, 23),
    period_end=date(2024, 12, 31),
    vintage=2021,
    tonnes=225_714,
    verification_body="核查机构",
    evidence="sha256:00",
    state=State.REGISTERED,
    effective_at=datetime(2025, 3, 1, tzinfo=UTC),
)
ON = date(2025, 3, 1)


def check(programme: Programme = NATIONAL, on: date = ON, /, **changes: object) -> None:
    reduction = replace(REDUCTION, **changes)  # pyright: ignore[reportArgumentType]
    period = Period(reduction.period_number or 0, reduction.period_start, reduction.period_end)
    reductions.require_verified(reduction, PROJECT, programme, on, period)


def test_accepts_real_reductions() -> None:
    check()


def test_accepts_every_real_reduction() -> None:
    real = load_records()
    projects = {project.code: project for project in real.projects}
    periods: dict[str, list[Period]] = {}
    for row in real.reductions:
        project = replace(
            PROJECT,
            registered_on=projects[row.project].registered_on,
            crediting_from=projects[row.project].crediting_from,
            crediting_until=projects[row.project].crediting_to,
        )
        reduction = replace(
            REDUCTION,
            period_number=row.monitoring_period,
            period_start=row.period_from,
            period_end=row.period_to,
            vintage=row.vintage,
            tonnes=row.tonnes,
        )
        period = Period(row.monitoring_period, row.period_from, row.period_to)
        on = max(project.registered_on, row.period_to + DAY)
        reductions.require_verified(reduction, project, NATIONAL, on, period)
        reductions.require_apart(period, periods.setdefault(row.project, []))
        periods[row.project].append(period)


def test_rule_02_reductions_are_made_after_2020_09_22() -> None:
    check(period_start=date(2020, 9, 23))
    for starts_on in (date(2020, 9, 22), date(2020, 9, 21)):
        with pytest.raises(GeneratedTooEarly):
            check(period_start=starts_on)


def test_rule_02_is_the_national_programmes_own() -> None:
    check(PILOT, period_start=date(2020, 9, 22))


def test_a_period_lies_within_the_crediting_period() -> None:
    first, last = PROJECT.crediting_from, PROJECT.crediting_until
    check(PILOT, last + DAY, period_start=first, period_end=last)
    for start, end in ((first - DAY, last), (first, last + DAY)):
        with pytest.raises(OutsideCreditingPeriod):
            check(PILOT, last + 2 * DAY, period_start=start, period_end=end)


def test_a_period_does_not_end_before_it_begins() -> None:
    check(period_end=date(2020, 9, 23), vintage=2020)
    with pytest.raises(OutOfRange):
        check(period_start=date(2020, 9, 25), period_end=date(2020, 9, 24), vintage=2020)


def test_a_vintage_is_a_year_of_the_period() -> None:
    for year in (2020, 2024):
        check(vintage=year)
    for year in (2019, 2025, 0, 2**70, None):
        with pytest.raises(OutOfRange):
            check(vintage=year)


def test_tonnes_are_whole_and_readable_by_every_client() -> None:
    for tonnes in (1, 2**53 - 1):
        check(tonnes=tonnes)
    for tonnes in (0, -1, 2**53):
        with pytest.raises(OutOfRange):
            check(tonnes=tonnes)


@pytest.mark.parametrize("number", [0, -1, 10_000, 2**70])
def test_periods_are_numbered_from_one(number: int) -> None:
    with pytest.raises(OutOfRange):
        check(period_number=number)


@pytest.mark.parametrize("field", ["verification_body", "evidence"])
def test_verifier_and_evidence_are_named(field: str) -> None:
    with pytest.raises(OutOfRange):
        check(**{field: ""})


def test_nothing_is_verified_before_the_period_ends_or_the_project_is_registered() -> None:
    check(NATIONAL, PROJECT.registered_on)
    with pytest.raises(BeforeRegistration):
        check(NATIONAL, PROJECT.registered_on - DAY)
    check(NATIONAL, date(2026, 5, 2), period_end=date(2026, 5, 1))
    with pytest.raises(PeriodNotOver):
        check(NATIONAL, date(2026, 5, 1), period_end=date(2026, 5, 1))


FIRST = Period(1, date(2022, 10, 1), date(2025, 3, 31))


def test_rule_25_periods_of_a_project_do_not_overlap_by_a_day() -> None:
    for apart in (
        Period(2, date(2025, 4, 1), date(2025, 12, 31)),
        Period(2, date(2022, 1, 1), date(2022, 9, 30)),
    ):
        reductions.require_apart(apart, [FIRST])
    for overlapping in (
        Period(2, date(2025, 3, 31), date(2025, 12, 31)),
        Period(2, date(2022, 1, 1), date(2022, 10, 1)),
        Period(2, date(2023, 1, 1), date(2023, 1, 1)),
        Period(2, date(2022, 1, 1), date(2026, 1, 1)),
        replace(FIRST, number=2),
    ):
        with pytest.raises(PeriodsOverlap):
            reductions.require_apart(overlapping, [FIRST])


def test_rule_25_a_report_shares_no_period_not_even_one_of_the_same_dates() -> None:
    reductions.require_unclaimed(Period(2, date(2025, 4, 1), date(2025, 12, 31)), [FIRST])
    for taken, refusal in (
        (FIRST, PeriodTaken),
        (replace(FIRST, starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 2)), PeriodTaken),
        (Period(2, date(2025, 3, 31), date(2025, 12, 31)), PeriodsOverlap),
        (Period(2, date(2022, 1, 1), date(2022, 10, 1)), PeriodsOverlap),
    ):
        with pytest.raises(refusal):
            reductions.require_unclaimed(taken, [FIRST])


def test_vintages_share_a_period_of_the_same_dates_only() -> None:
    reductions.require_apart(FIRST, [FIRST])
    with pytest.raises(PeriodDatesDiffer):
        reductions.require_apart(replace(FIRST, ends_on=FIRST.ends_on + DAY), [FIRST])


def test_a_period_and_vintage_is_registered_once() -> None:
    reductions.require_first(REDUCTION, None)
    with pytest.raises(AlreadyExists):
        reductions.require_first(REDUCTION, UUID(int=9))


def test_a_batch_is_all_the_tonnes_for_the_owner_with_serials_from_one() -> None:
    batch, state = batches.issue(UUID(int=2), REDUCTION, PROJECT, METHODOLOGY, 1, ON)
    assert state is State.ISSUED
    assert batch.serials == "CCER-CN-A210005-2021-001-1-225714"
    assert (batch.tonnes, batch.block.tonnes, batch.is_opening) == (225_714, 225_714, False)
    assert batch.holder_account == PROJECT.owner_account


def stepped(state: State, step: Step) -> State:
    reduction = replace(REDUCTION, state=state)
    if step is Step.REVOKE:
        return reductions.revoke(reduction, 1, "falsified meters").state
    if step is Step.WITHDRAW:
        return reductions.withdraw(reduction, "a better one is known").state
    return batches.issue(UUID(int=2), reduction, PROJECT, METHODOLOGY, 1, ON)[1]


def test_the_lifecycle_has_no_step_that_its_table_lacks() -> None:
    for state, step in product(State, Step):
        if (state, step) in LIFECYCLE:
            assert stepped(state, step) is LIFECYCLE[state, step]
        else:
            with pytest.raises(StepNotAllowed):
                stepped(state, step)


def test_no_more_is_revoked_than_was_registered() -> None:
    some = reductions.revoke(REDUCTION, 225_713, "falsified meters")
    assert some.revoked_tonnes == 225_713
    assert reductions.revoke(some, 1, "falsified meters").revoked_tonnes == 225_714
    for tonnes, refusal in ((2, RevokedAboveRegistered), (0, OutOfRange)):
        with pytest.raises(refusal):
            reductions.revoke(some, tonnes, "falsified meters")
    with pytest.raises(OutOfRange):
        reductions.revoke(REDUCTION, 1, "")


@pytest.mark.parametrize(
    ("model", "rate", "tonnes", "buffered"),
    [
        ("NONE", None, 100, 0),
        ("DEDUCTION", Decimal("0.1"), 100, 0),
        ("BUFFER", Decimal("0.1"), 100, 10),
        ("BUFFER", Decimal("0.1"), 101, 11),
        ("BUFFER", Decimal("0.1"), 99, 10),
        ("BUFFER", Decimal("0.999"), 1, 1),
        ("BUFFER", Decimal("0.1"), 2**53 - 1, 900_719_925_474_100),
    ],
)
def test_a_buffer_is_rounded_up_and_a_deduction_is_no_part_of_a_batch(
    model: str, rate: Decimal | None, tonnes: int, buffered: int
) -> None:
    methodology = replace(METHODOLOGY, risk_model=model, risk_rate=rate)
    reduction = replace(REDUCTION, tonnes=tonnes)
    batch, _ = batches.issue(UUID(int=2), reduction, PROJECT, methodology, 1, ON)
    assert batch.tonnes == tonnes
    assert batch.buffer_tonnes == buffered
    assert batch.buffer_first_serial == (tonnes - buffered + 1 if buffered else None)


@pytest.mark.parametrize("status", ["CANCELLED", "REVOKED"])
def test_nothing_is_issued_once_the_projects_registration_has_ended(status: str) -> None:
    project = replace(PROJECT, status=status)
    with pytest.raises(ProjectNotRegistered):
        batches.issue(UUID(int=2), REDUCTION, project, METHODOLOGY, 1, ON)


@pytest.mark.parametrize(
    ("on", "period_end", "refusal"),
    [
        (date(2025, 2, 28), date(2024, 12, 31), BeforeRecording),
        (date(2025, 1, 25), date(2024, 12, 31), BeforeRegistration),
        (date(2025, 3, 1), date(2025, 3, 1), PeriodNotOver),
    ],
)
def test_nothing_is_issued_too_early(on: date, period_end: date, refusal: type[Refusal]) -> None:
    reduction = replace(REDUCTION, period_end=period_end)
    with pytest.raises(refusal):
        batches.issue(UUID(int=2), reduction, PROJECT, METHODOLOGY, 1, on)


def test_a_day_is_one_of_beijing() -> None:
    """At 17:00 in Greenwich it is the next day already."""
    late = replace(REDUCTION, effective_at=datetime(2025, 2, 28, 17, tzinfo=UTC))
    batches.issue(UUID(int=2), late, PROJECT, METHODOLOGY, 1, date(2025, 3, 1))
    with pytest.raises(BeforeRecording):
        batches.issue(UUID(int=2), late, PROJECT, METHODOLOGY, 1, date(2025, 2, 28))


OPENING = Opening(
    UUID(int=3), "CCER-LEGACY", "LEGACY-0001", 2015, 375_315, "ACC-00000002", "演示存量"
)


def opening(**changes: object) -> Opening:
    return replace(OPENING, **changes)  # pyright: ignore[reportArgumentType]


def test_an_opening_says_what_the_command_says() -> None:
    names = [field.name for field in fields(Opening)]
    assert names == list(ImportOpeningBatch.__struct_fields__)


def test_an_opening_batch_is_marked_and_keeps_its_source() -> None:
    batches.require_opening(OPENING, LEGACY, None, ON)
    batch = batches.bring_in(OPENING, LEGACY, 2)
    assert batch.serials == "CCER-LEGACY-CN-LEGACY-0001-2015-002-1-375315"
    assert batch.is_opening
    assert batch.source == "演示存量"


@pytest.mark.parametrize("programme", [NATIONAL, PILOT])
def test_only_legacy_batches_are_brought_in(programme: Programme) -> None:
    with pytest.raises(NotLegacy):
        batches.require_opening(OPENING, programme, None, ON)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"project": "legacy"}, CodeMalformed),
        ({"source": ""}, OutOfRange),
        ({"tonnes": 0}, OutOfRange),
        ({"vintage": 1989}, OutOfRange),
        ({"vintage": 2026}, OutOfRange),
    ],
)
def test_refuses_opening_batches(change: dict[str, object], refusal: type[Refusal]) -> None:
    for vintage in (1990, 2025):
        batches.require_opening(opening(vintage=vintage), LEGACY, None, ON)
    with pytest.raises(refusal):
        batches.require_opening(opening(**change), LEGACY, None, ON)


def test_credits_of_a_registered_project_are_not_brought_in() -> None:
    with pytest.raises(ProjectIsRegistered):
        batches.require_opening(opening(project="A210005"), LEGACY, PROJECT, ON)
