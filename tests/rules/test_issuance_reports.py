"""Rules for monitoring reports: what may be reported, who verifies it, when and how much may be applied for."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from uuid import UUID

import pytest

from services.issuance import drafts, reports, verifications
from services.issuance.drafts import Basis, BasisNotAccepted, ReportContentDiffers, VintagesDiffer
from services.issuance.messages.documents import Document
from services.issuance.messages.reports import SubmitReport, VintageTonnes
from services.issuance.parties import Account
from services.issuance.reductions import (
    GeneratedTooEarly,
    OutsideCreditingPeriod,
    Period,
    PeriodNotOver,
    PeriodsOverlap,
    Programme,
    Project,
    ProjectNotRegistered,
)
from services.issuance.reports import (
    LIFECYCLE,
    GeneratedTooLongAgo,
    QuantityNotVerified,
    Report,
    ReportBeforePreviousStep,
    ReportNoticeNotOpen,
    ReportNoticeStillOpen,
    State,
    Step,
)
from services.issuance.verifications import (
    OtherVerificationBody,
    ReportVerifierNotBody,
    VerifiedAboveReported,
    VerifierIsValidator,
)
from services.kernel.calendars import CHINA
from services.kernel.clocks import BEIJING
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import OutOfRange, OwnerBarred, Refusal

DAY = timedelta(days=1)
NATIONAL = Programme("CCER", "CN", "NATIONAL")
PILOT = Programme("WEEE-PILOT", "CN", "PILOT_ASSOCIATION")
PROJECT = Project(
    code="A210005",
    programme="CCER",
    country="CN",
    owner_account="ACC-00000001",
    registered_on=date(2025, 1, 26),
    crediting_from=date(2020, 9, 1),
    crediting_until=date(2030, 8, 31),
    methodology="CCER-01-002-V01",
    validation_body="ACC-00000008",
)
PERIOD = Period(1, date(2022, 1, 1), date(2024, 12, 31))
BODY = Account("ACC-00000009", UUID(int=9), "VERIFIER")
REPORTED = {2022: 75_238, 2023: 75_238, 2024: 75_238}
"""Together the real project's 225,714 tonnes."""
REPORT = Report(
    report_id=UUID(int=1),
    project="A210005",
    period=PERIOD,
    basis=Basis.QUANTIFIED,
    state=State.VERIFIED,
    changed_at=datetime(2025, 2, 1, tzinfo=UTC),
    reported=REPORTED,
    verified=REPORTED,
    verification_body=BODY.number,
    notice_starts_on=date(2025, 2, 1),
    notice_ends_on=date(2025, 3, 3),
    notice_is_provisional=False,
)


def at(day: date, hour: int = 9) -> datetime:
    """That hour in Beijing."""
    return datetime.combine(day, time(hour), BEIJING)


def period(first: date, last: date) -> Period:
    return Period(1, first, last)


@pytest.mark.parametrize("first", [date(2020, 9, 21), date(2020, 9, 22), date(2020, 9, 23)])
def test_rule_02_a_report_is_of_days_after_2020_09_22(first: date) -> None:
    given = period(first, date(2021, 12, 31))
    if first == date(2020, 9, 23):
        drafts.require_reportable(given, PROJECT, NATIONAL, date(2025, 2, 1), [])
    else:
        with pytest.raises(GeneratedTooEarly):
            drafts.require_reportable(given, PROJECT, NATIONAL, date(2025, 2, 1), [])
    drafts.require_reportable(given, PROJECT, PILOT, date(2025, 2, 1), [])


@pytest.mark.parametrize(
    ("first", "is_accepted"),
    [
        (date(2021, 2, 27), False),
        (date(2021, 2, 28), False),
        (date(2021, 3, 1), True),
        (date(2021, 3, 2), True),
    ],
)
def test_rule_03_within_five_years_before_the_application(first: date, is_accepted: bool) -> None:
    report = replace(REPORT, period=period(first, date(2024, 12, 31)))
    applied_on = date(2026, 3, 1)
    if is_accepted:
        applied = reports.apply(report, 225_714, NATIONAL, CHINA, at(applied_on))
        assert (applied.state, applied.applied_on) == (State.REGISTRATION_APPLIED, applied_on)
    else:
        with pytest.raises(GeneratedTooLongAgo):
            reports.apply(report, 225_714, NATIONAL, CHINA, at(applied_on))
    reports.apply(report, 225_714, PILOT, CHINA, at(applied_on))


def test_rule_03_five_years_before_a_leap_day_are_the_last_day_of_february() -> None:
    assert reports.years_before(date(2028, 2, 29), 5) == date(2023, 2, 28)
    assert reports.years_before(date(2028, 2, 29), 4) == date(2024, 2, 29)
    for first, is_accepted in ((date(2023, 2, 27), False), (date(2023, 2, 28), True)):
        if is_accepted:
            reports.require_recent(period(first, first), date(2028, 2, 29), NATIONAL)
        else:
            with pytest.raises(GeneratedTooLongAgo):
                reports.require_recent(period(first, first), date(2028, 2, 29), NATIONAL)


def test_rule_04_the_notice_has_twenty_working_days_with_both_ends() -> None:
    draft = replace(REPORT, state=State.DRAFT)
    noticed = reports.open_notice(draft, BODY.number, CHINA, at(date(2026, 7, 17)))
    assert noticed.notice_ends_on == date(2026, 8, 13)
    assert noticed.notice_is_provisional is False
    for day, is_over in (
        (date(2026, 8, 12), False),
        (date(2026, 8, 13), False),
        (date(2026, 8, 14), True),
    ):
        found = reports.on_day(noticed, day)
        assert (found.state is State.NOTICE_ENDED) == is_over
        if is_over:
            reports.require_notice_over(found, day)
            assert found.changed_at == at(date(2026, 8, 14), 0)
        else:
            with pytest.raises(ReportNoticeStillOpen):
                reports.require_notice_over(found, day)


def test_a_notice_that_leaves_the_official_calendar_is_provisional_and_computed_again() -> None:
    draft = replace(REPORT, state=State.DRAFT)
    for opened_on, is_provisional in ((date(2026, 12, 3), False), (date(2026, 12, 7), True)):
        noticed = reports.open_notice(draft, BODY.number, CHINA, at(opened_on))
        assert noticed.notice_is_provisional is is_provisional
    made_up = CHINA.with_year(2027, [date(2027, 1, 1)], [date(2027, 1, 2)])
    again = reports.recomputed(noticed, made_up)
    assert again.notice_is_provisional is False
    assert (noticed.notice_ends_on, again.notice_ends_on) == (date(2027, 1, 4), date(2027, 1, 2))
    assert reports.recomputed(REPORT, made_up) == REPORT


def test_rule_05_the_decision_is_overdue_on_the_sixteenth_working_day() -> None:
    applied = reports.apply(REPORT, 225_714, NATIONAL, CHINA, at(date(2026, 3, 2)))
    assert applied.decide_by == date(2026, 3, 20)  # the fifteenth weekday, the 2nd being the first
    for day, is_due in (
        (date(2026, 3, 20), False),
        (date(2026, 3, 21), False),  # a Saturday
        (date(2026, 3, 23), True),
        (date(2026, 3, 24), True),
    ):
        assert reports.is_alarm_due(applied, CHINA, day) is is_due
    assert not reports.is_alarm_due(REPORT, CHINA, date(2030, 1, 7))
    later = CHINA.with_year(2026, [date(2026, 3, 9)], [])
    assert reports.recomputed(applied, later).decide_by == date(2026, 3, 23)


def test_rule_06_the_verifier_is_not_the_validator() -> None:
    verifications.require_other_body(BODY, PROJECT)
    with pytest.raises(VerifierIsValidator):
        verifications.require_other_body(replace(BODY, number=PROJECT.validation_body), PROJECT)
    for kind in ("OWNER", "TRADER", "AUTHORITY", "EMITTER"):
        with pytest.raises(ReportVerifierNotBody):
            verifications.require_other_body(replace(BODY, kind=kind), PROJECT)


def test_rule_06_the_verifier_is_the_one_that_the_notice_named() -> None:
    verifications.require_named(REPORT, BODY.number)
    with pytest.raises(OtherVerificationBody):
        verifications.require_named(REPORT, "ACC-00000010")


@pytest.mark.parametrize("tonnes", [225_713, 225_714, 225_715, 0, 2**53])
def test_rule_07_exactly_the_verified_tonnes_are_applied_for(tonnes: int) -> None:
    if tonnes == 225_714:
        reports.apply(REPORT, tonnes, NATIONAL, CHINA, at(date(2025, 4, 1)))
    else:
        with pytest.raises(QuantityNotVerified):
            reports.apply(REPORT, tonnes, NATIONAL, CHINA, at(date(2025, 4, 1)))


@pytest.mark.parametrize(
    ("verified", "findings", "refusal"),
    [
        (REPORTED, "", None),
        (REPORTED | {2024: 75_237}, "one meter was late", None),
        (REPORTED | {2024: 75_237}, "", OutOfRange),
        (REPORTED | {2024: 0}, "no evidence", None),
        (REPORTED | {2024: 75_239}, "more", VerifiedAboveReported),
        (REPORTED | {2024: -1}, "less", OutOfRange),
        (REPORTED | {2025: 0}, "", VintagesDiffer),
        ({2022: 1, 2023: 1}, "", VintagesDiffer),
        ({2022: 0, 2023: 0, 2024: 0}, "nothing", OutOfRange),
    ],
)
def test_a_verifier_confirms_or_lowers_what_was_reported(
    verified: dict[int, int], findings: str, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        confirm(verified, findings)
    else:
        with pytest.raises(refusal):
            confirm(verified, findings)


def confirm(
    verified: dict[int, int], findings: str = "", computed: dict[int, int] = REPORTED, **more: bool
) -> None:
    has_comments = more.get("has_comments", False)
    verifications.require_confirmed(REPORT, computed, verified, findings, has_comments=has_comments)


@pytest.mark.parametrize("computed", [75_237, 75_239])
def test_a_verifier_confirms_what_the_factors_of_the_day_make_of_the_report(computed: int) -> None:
    newer = REPORTED | {2024: computed}
    confirm(newer, "the factors of 2024 are out", newer)
    with pytest.raises(OutOfRange):
        confirm(newer, "", newer)
    with pytest.raises(VerifiedAboveReported):
        confirm(REPORTED | {2024: computed + 1}, "more", newer)


def test_a_verifier_answers_the_public() -> None:
    with pytest.raises(OutOfRange):
        confirm(REPORTED, has_comments=True)
    confirm(REPORTED, "heeded", has_comments=True)


def test_rule_10_an_owner_who_falsified_does_not_apply_until_three_years_are_over() -> None:
    barred_until = date(2029, 3, 1)
    for day, is_barred in ((date(2029, 2, 28), True), (barred_until, False)):
        if is_barred:
            with pytest.raises(OwnerBarred):
                reports.require_not_barred("ACC-00000001", barred_until, day)
        else:
            reports.require_not_barred("ACC-00000001", barred_until, day)
    reports.require_not_barred("ACC-00000001", None, barred_until)


def test_rule_25_a_report_of_an_overlapping_period_is_refused() -> None:
    on = date(2025, 2, 1)
    drafts.require_reportable(
        PERIOD, PROJECT, NATIONAL, on, [Period(2, date(2021, 1, 1), date(2021, 12, 31))]
    )
    with pytest.raises(PeriodsOverlap):
        drafts.require_reportable(
            PERIOD, PROJECT, NATIONAL, on, [Period(2, date(2021, 1, 1), date(2022, 1, 1))]
        )


@pytest.mark.parametrize(
    ("given", "project", "on", "refusal"),
    [
        (replace(PERIOD, number=0), PROJECT, date(2025, 2, 1), OutOfRange),
        (period(date(2024, 2, 2), date(2024, 2, 1)), PROJECT, date(2025, 2, 1), OutOfRange),
        (
            period(date(2024, 1, 1), date(2030, 9, 1)),
            PROJECT,
            date(2031, 1, 1),
            OutsideCreditingPeriod,
        ),
        (period(date(2024, 1, 1), date(2025, 2, 1)), PROJECT, date(2025, 2, 1), PeriodNotOver),
        (period(date(2024, 1, 1), date(2025, 2, 2)), PROJECT, date(2025, 2, 1), PeriodNotOver),
        (PERIOD, replace(PROJECT, status="CANCELLED"), date(2025, 2, 1), ProjectNotRegistered),
        (PERIOD, replace(PROJECT, status="REVOKED"), date(2025, 2, 1), ProjectNotRegistered),
    ],
)
def test_what_cannot_be_reported(
    given: Period, project: Project, on: date, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        drafts.require_reportable(given, project, NATIONAL, on, [])


def test_a_report_comes_from_the_day_after_its_period_on() -> None:
    given = period(date(2024, 1, 1), date(2025, 2, 1))
    drafts.require_reportable(given, PROJECT, NATIONAL, date(2025, 2, 2), [])


@pytest.mark.parametrize("code", [None, "91350100M000100Y43"])
def test_rule_25_devices_are_weighed_in_at_a_plant_of_the_owner(code: str | None) -> None:
    drafts.require_own_plant("91000000069823582C", "91000000069823582C")
    with pytest.raises(drafts.PlantOfOthers):
        drafts.require_own_plant("91000000069823582C", code)


def submission(**changes: object) -> SubmitReport:
    values: dict[str, object] = {
        "report_id": UUID(int=1),
        "project": "A210005",
        "period_number": 1,
        "period_start": PERIOD.starts_on,
        "period_end": PERIOD.ends_on,
        "basis": "QUANTIFIED",
        "activity": "{}",
    }
    return SubmitReport(**values | changes)  # pyright: ignore[reportArgumentType]


TONNES = (VintageTonnes(vintage=2022, tonnes=1),)
DOCUMENT = Document(name="报告", sha256="0" * 64, size_bytes=1, media_type="application/pdf")
ATTESTED: dict[str, object] = {
    "basis": "ATTESTED",
    "activity": None,
    "tonnes": TONNES,
    "documents": (DOCUMENT,),
}


def test_only_quantified_reports_are_accepted_of_the_national_programme_but_for_history() -> None:
    for programme, is_history in product((NATIONAL, PILOT), (False, True)):
        quantified = drafts.require_basis(submission(), programme, is_history=is_history)
        assert quantified is Basis.QUANTIFIED
        attested = submission(**ATTESTED)
        if programme is NATIONAL and not is_history:
            with pytest.raises(BasisNotAccepted):
                drafts.require_basis(attested, programme, is_history=is_history)
        else:
            basis = drafts.require_basis(attested, programme, is_history=is_history)
            assert basis is Basis.ATTESTED


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"basis": "GUESSED"}, OutOfRange),
        ({"activity": None}, ReportContentDiffers),
        ({"tonnes": TONNES}, ReportContentDiffers),
        (ATTESTED | {"documents": ()}, ReportContentDiffers),
        (ATTESTED | {"tonnes": ()}, ReportContentDiffers),
        (ATTESTED | {"activity": "{}"}, ReportContentDiffers),
    ],
)
def test_a_report_has_what_its_basis_stands_on(
    changes: dict[str, object], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        drafts.require_basis(submission(**changes), PILOT, is_history=False)


@pytest.mark.parametrize(
    ("tonnes", "refusal"),
    [
        (REPORTED, None),
        ({2022: 0, 2023: 1}, None),
        ({2021: 1}, VintagesDiffer),
        ({2025: 1}, VintagesDiffer),
        ({2022: 0}, OutOfRange),
        ({2022: -1, 2023: 2}, OutOfRange),
        ({2022: 2**53}, OutOfRange),
        ({2022: 2**53 - 1, 2023: 1}, OutOfRange),
    ],
)
def test_vintages_are_years_of_the_period(
    tonnes: dict[int, int], refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        drafts.require_vintages(tonnes, PERIOD)
    else:
        with pytest.raises(refusal):
            drafts.require_vintages(tonnes, PERIOD)


def test_each_year_is_stated_once() -> None:
    assert drafts.by_vintage(drafts.stated(REPORTED)) == REPORTED
    with pytest.raises(VintagesDiffer):
        drafts.by_vintage((*TONNES, *TONNES))


def test_the_public_comments_while_the_notice_lasts() -> None:
    noticed = replace(REPORT, state=State.IN_PUBLIC_NOTICE)
    reports.require_commentable(noticed, "太多了", at(date(2025, 2, 2)))
    for report, text, when, refusal in (
        (noticed, "", at(date(2025, 2, 2)), OutOfRange),
        (noticed, "x" * 2_001, at(date(2025, 2, 2)), OutOfRange),
        (noticed, "太多了", at(date(2025, 1, 31)), ReportBeforePreviousStep),
        (REPORT, "太多了", at(date(2025, 2, 2)), ReportNoticeNotOpen),
        (
            reports.on_day(noticed, date(2025, 3, 4)),
            "太多了",
            at(date(2025, 3, 4)),
            ReportNoticeNotOpen,
        ),
    ):
        with pytest.raises(refusal):
            reports.require_commentable(report, text, when)


def test_the_lifecycle_has_no_step_that_its_table_lacks() -> None:
    for state, step in product(State, Step):
        report = replace(REPORT, state=state)
        if (state, step) in LIFECYCLE:
            after = reports.stepped(report, step, REPORT.changed_at)
            assert after.state is LIFECYCLE[state, step]
            with pytest.raises(ReportBeforePreviousStep):
                reports.stepped(report, step, REPORT.changed_at - timedelta(microseconds=1))
        else:
            with pytest.raises(StepNotAllowed):
                reports.stepped(report, step, REPORT.changed_at)


def test_of_several_revocations_the_first_reason_stands() -> None:
    issued = replace(REPORT, state=State.ISSUED)
    once = reports.close(issued, Step.REVOKE, "meters", REPORT.changed_at)
    twice = reports.close(once, Step.REVOKE, "fuel", REPORT.changed_at)
    assert (once.state, twice.state, twice.reason) == (State.REVOKED, State.REVOKED, "meters")
    with pytest.raises(OutOfRange):
        reports.close(issued, Step.REVOKE, " ", REPORT.changed_at)
