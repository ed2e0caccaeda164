"""Rules for what an owner says of a project, whose account and which methodology it names."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.kernel.names import CodeMalformed
from services.kernel.refusals import OutOfRange
from services.registry import drafts
from services.registry.accounts import Account
from services.registry.drafts import (
    AccountNotOwner,
    Activity,
    ConstructionTooEarly,
    CreditingPeriodTooLong,
    CreditingPeriodTooShort,
    Draft,
    OtherProgramme,
    ProgrammeIsAllowance,
    ProgrammeIsLegacy,
    anniversary,
)
from services.registry.messages.projects import DraftProject
from services.registry.methodologies import Methodology
from services.registry.programmes import Programme
from services.tools import records
from services.tools.records import load_records

CCER = Programme("CCER", "全国温室气体自愿减排", "CN", "NATIONAL", is_ets_eligible=True)
PILOT = Programme("WEEE-PILOT", "试点", "CN", "PILOT_ASSOCIATION", is_ets_eligible=False)
OFFSHORE_WIND = Methodology("CCER-01-002-V01", "CCER", "并网海上风力发电", 10, date(2023, 10, 24))
AFFORESTATION = replace(OFFSHORE_WIND, crediting_years_min=20, crediting_years_max=40)
OWNER = Account(UUID(int=2), "ACC-00000001", UUID(int=3), "OWNER")
DRAFT = Draft(
    project_id=UUID(int=1),
    code="A210001",
    programme="CCER",
    methodology="CCER-01-002-V01",
    activity="OFFSHORE_WIND",
    owner_account="ACC-00000001",
    name="海上风电项目",
    province="山东省",
    longitude=Decimal("121.382652"),
    latitude=Decimal("36.41097"),
    construction_started_on=date(2020, 7, 8),
    crediting_from=date(2022, 4, 1),
    crediting_until=date(2032, 3, 31),
    expected_annual_tonnes=497_191,
    notes="",
)

TODAY = date(2026, 3, 2)


def check(
    programme: Programme = CCER,
    owner: Account = OWNER,
    methodology: Methodology = OFFSHORE_WIND,
    /,
    **changes: object,
) -> None:
    draft = replace(DRAFT, **changes)  # pyright: ignore[reportArgumentType]
    drafts.require_valid(
        draft, programme, replace(methodology, programme=programme.code), owner, TODAY
    )


def test_accepts_a_real_project() -> None:
    check()


@pytest.mark.parametrize("project", load_records().projects, ids=lambda project: project.code)
def test_accepts_every_real_project(project: records.Project) -> None:
    is_energy = project.methodology.startswith("CCER-01")
    check(
        CCER,
        OWNER,
        OFFSHORE_WIND if is_energy else AFFORESTATION,
        code=project.code,
        methodology=project.methodology,
        name=project.name,
        province=project.province,
        longitude=project.longitude,
        latitude=project.latitude,
        construction_started_on=project.construction_started_on,
        crediting_from=project.crediting_from,
        crediting_until=project.crediting_to,
        expected_annual_tonnes=project.expected_annual_tonnes,
    )


def test_a_draft_says_what_the_command_says() -> None:
    assert [field.name for field in fields(Draft)] == list(DraftProject.__struct_fields__)


@pytest.mark.parametrize(
    ("started_on", "is_accepted"),
    [
        (date(2012, 11, 7), False),
        (date(2012, 11, 8), False),
        (date(2012, 11, 9), True),
        (date(2012, 11, 10), True),
        (date.min, False),
    ],
)
def test_rule_01_construction_starts_after_2012_11_08(started_on: date, is_accepted: bool) -> None:
    if is_accepted:
        check(construction_started_on=started_on)
        return
    with pytest.raises(ConstructionTooEarly) as refusal:
        check(construction_started_on=started_on)
    assert refusal.value.after == date(2012, 11, 8)


def test_rule_01_is_the_national_programmes_own() -> None:
    check(PILOT, construction_started_on=date(2012, 11, 8))


@pytest.mark.parametrize(
    ("until", "is_accepted"),
    [
        (date(2032, 3, 30), True),
        (date(2032, 3, 31), True),
        (date(2032, 4, 1), False),
        (date(2032, 4, 2), False),
    ],
)
def test_rule_08_ten_years_and_not_a_day_more(until: date, is_accepted: bool) -> None:
    if is_accepted:
        check(crediting_until=until)
        return
    with pytest.raises(CreditingPeriodTooLong) as refusal:
        check(crediting_until=until)
    assert refusal.value.crediting_years_max == 10


@pytest.mark.parametrize(
    ("until", "refusal"),
    [
        (date(2042, 3, 30), CreditingPeriodTooShort),
        (date(2042, 3, 31), None),
        (date(2042, 4, 1), None),
        (date(2062, 3, 30), None),
        (date(2062, 3, 31), None),
        (date(2062, 4, 1), CreditingPeriodTooLong),
    ],
)
def test_rule_08_twenty_to_forty_years_of_afforestation(
    until: date, refusal: type[Exception] | None
) -> None:
    if refusal is None:
        check(CCER, OWNER, AFFORESTATION, crediting_until=until)
        return
    with pytest.raises(refusal):
        check(CCER, OWNER, AFFORESTATION, crediting_until=until)


def test_a_crediting_period_does_not_end_before_it_begins() -> None:
    check(crediting_until=date(2023, 3, 31))
    with pytest.raises(CreditingPeriodTooShort):
        check(crediting_until=DRAFT.crediting_from)
    with pytest.raises(OutOfRange):
        check(crediting_until=DRAFT.crediting_from - timedelta(days=1))


def test_a_period_from_29_february_ends_on_28_february() -> None:
    check(crediting_from=date(2024, 2, 29), crediting_until=date(2034, 2, 28))
    with pytest.raises(CreditingPeriodTooLong):
        check(crediting_from=date(2024, 2, 29), crediting_until=date(2034, 3, 1))


@given(st.dates(), st.integers(1, 100))
@example(date(9990, 1, 1), 10)
def test_an_anniversary_is_so_many_years_later_within_a_day(day: date, years: int) -> None:
    expected = min(day.year + years, date.max.year)
    assert anniversary(day, years).year == expected
    assert anniversary(day, years) > day or anniversary(day, years) == date.max


@pytest.mark.parametrize(
    ("field", "accepted", "refused"),
    [
        (
            "longitude",
            ["180", "-180", "0", "1E+1"],
            ["180.000001", "-181", "NaN", "sNaN", "Infinity", "1.0000001"],
        ),
        (
            "latitude",
            ["90", "-90", "36.410970"],
            ["90.000001", "-91", "NaN", "-Infinity", "1E-1000000", "1E+9999"],
        ),
    ],
)
def test_a_position_lies_on_the_earth(field: str, accepted: list[str], refused: list[str]) -> None:
    for text in accepted:
        check(**{field: Decimal(text)})
    for text in refused:
        with pytest.raises(OutOfRange):
            check(**{field: Decimal(text)})


def test_expected_tonnes_are_whole_and_readable_by_every_client() -> None:
    for tonnes in (1, 2**53 - 1):
        check(expected_annual_tonnes=tonnes)
    for tonnes in (0, -1, 2**53, 2**200):
        with pytest.raises(OutOfRange):
            check(expected_annual_tonnes=tonnes)


@pytest.mark.parametrize("code", ["A110001", "HZ-WEEE-0001", "0"])
def test_accepts_codes_of_groups_joined_by_hyphens(code: str) -> None:
    check(code=code)


@pytest.mark.parametrize(
    "code", ["", "a110001", "A-", "-A", "A--B", "A 1", "A1\n", "项目", "A" * 41, "A/B"]
)
def test_refuses_codes_that_cannot_stand_in_a_serial(code: str) -> None:
    with pytest.raises(CodeMalformed):
        check(code=code)


def test_an_activity_is_one_of_a_closed_list() -> None:
    for activity in Activity:
        check(activity=activity)
    for activity in ("", "offshore_wind", "OFFSHORE-WIND"):
        with pytest.raises(OutOfRange):
            check(activity=activity)


@pytest.mark.parametrize("field", ["name", "province"])
def test_refuses_empty_texts(field: str) -> None:
    with pytest.raises(OutOfRange):
        check(**{field: " "})


def test_notes_may_be_empty_and_are_not_endless() -> None:
    check(notes="one\n\ttwo")
    for notes in ("a" * 4001, "\x00"):
        with pytest.raises(OutOfRange):
            check(notes=notes)


def test_methodology_and_programme_belong_together() -> None:
    with pytest.raises(OtherProgramme):
        drafts.require_valid(DRAFT, PILOT, OFFSHORE_WIND, OWNER, TODAY)


def test_a_legacy_programme_takes_no_projects() -> None:
    with pytest.raises(ProgrammeIsLegacy):
        check(replace(CCER, kind="NATIONAL_LEGACY"))


def test_a_programme_of_allowances_takes_no_projects() -> None:
    with pytest.raises(ProgrammeIsAllowance):
        check(replace(CCER, kind="ALLOWANCE"))


@pytest.mark.parametrize("kind", ["EMITTER", "TRADER", "VERIFIER", "AUTHORITY"])
def test_credits_go_to_an_owners_account(kind: str) -> None:
    with pytest.raises(AccountNotOwner):
        check(CCER, replace(OWNER, kind=kind))
