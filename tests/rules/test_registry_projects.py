"""Rules for programmes, methodologies and projects."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.kernel.lifecycles import StepNotAllowed
from services.kernel.names import CodeMalformed
from services.kernel.refusals import OutOfRange, Refusal
from services.registry import programmes, projects
from services.registry.accounts import Account
from services.registry.messages import SubmitProject
from services.registry.programmes import Methodology, NeverForEts, Programme
from services.registry.projects import (
    LIFECYCLE,
    AccountNotOwner,
    Application,
    BeforeSubmission,
    ConstructionTooEarly,
    CreditingPeriodTooLong,
    OtherProgramme,
    ProgrammeIsLegacy,
    Project,
    State,
    Step,
    anniversary,
)
from services.tools import records
from services.tools.records import load_records

CCER = Programme("CCER", "全国温室气体自愿减排", "CN", "NATIONAL", is_ets_eligible=True)
PILOT = Programme("WEEE-PILOT", "试点", "CN", "PILOT_ASSOCIATION", is_ets_eligible=False)
OFFSHORE_WIND = Methodology("CCER-01-002-V01", "CCER", "并网海上风力发电", 10)
OWNER = Account(UUID(int=2), "ACC-00000001", UUID(int=3), "OWNER")
APPLICATION = Application(
    project_id=UUID(int=1),
    code="A210001",
    programme="CCER",
    methodology="CCER-01-002-V01",
    owner_account="ACC-00000001",
    name="海上风电项目",
    province="山东省",
    longitude=Decimal("121.382652"),
    latitude=Decimal("36.41097"),
    construction_started_on=date(2020, 7, 8),
    crediting_from=date(2022, 4, 1),
    crediting_until=date(2032, 3, 31),
    expected_annual_tonnes=497_191,
    validation_body="中国质量认证中心",
    notes="",
)


def check(programme: Programme = CCER, owner: Account = OWNER, /, **changes: object) -> None:
    application = replace(APPLICATION, **changes)  # pyright: ignore[reportArgumentType]
    methodology = replace(OFFSHORE_WIND, programme=programme.code)
    projects.require_valid(application, programme, methodology, owner)


def test_accepts_a_real_project() -> None:
    check()


@pytest.mark.parametrize("project", load_records().projects, ids=lambda project: project.code)
def test_accepts_every_real_project(project: records.Project) -> None:
    crediting_years = 10 if project.methodology.startswith("CCER-01") else 40
    application = replace(
        APPLICATION,
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
        validation_body=project.validation_body,
    )
    methodology = Methodology(project.methodology, "CCER", "-", crediting_years)
    projects.require_valid(application, CCER, methodology, OWNER)


def test_an_application_says_what_the_command_says() -> None:
    assert [field.name for field in fields(Application)] == list(SubmitProject.__struct_fields__)


def test_rule_01_construction_starts_after_2012_11_08() -> None:
    check(construction_started_on=date(2012, 11, 9))
    for started_on in (date(2012, 11, 8), date(2012, 11, 7), date.min):
        with pytest.raises(ConstructionTooEarly):
            check(construction_started_on=started_on)


def test_rule_01_is_the_national_programmes_own() -> None:
    check(PILOT, construction_started_on=date(2012, 11, 8))


def test_rule_08_ten_years_and_not_a_day_more() -> None:
    check(crediting_until=date(2032, 3, 30))
    check(crediting_until=date(2032, 3, 31))
    with pytest.raises(CreditingPeriodTooLong):
        check(crediting_until=date(2032, 4, 1))


def test_a_crediting_period_does_not_end_before_it_begins() -> None:
    check(crediting_until=APPLICATION.crediting_from)
    with pytest.raises(OutOfRange):
        check(crediting_until=APPLICATION.crediting_from - timedelta(days=1))


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


@pytest.mark.parametrize("field", ["name", "province", "validation_body"])
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
        projects.require_valid(APPLICATION, PILOT, OFFSHORE_WIND, OWNER)


def test_a_legacy_programme_takes_no_projects() -> None:
    with pytest.raises(ProgrammeIsLegacy):
        check(replace(CCER, kind="NATIONAL_LEGACY"))


@pytest.mark.parametrize("kind", ["EMITTER", "TRADER", "VERIFIER", "AUTHORITY"])
def test_credits_go_to_an_owners_account(kind: str) -> None:
    with pytest.raises(AccountNotOwner):
        check(CCER, replace(OWNER, kind=kind))


SUBMITTED_AT = datetime(2025, 1, 26, tzinfo=UTC)
PROJECT = Project(
    project_id=UUID(int=1),
    code="A210001",
    programme="CCER",
    methodology="CCER-01-002-V01",
    owner_account="ACC-00000001",
    country="CN",
    state=State.SUBMITTED,
    submitted_at=SUBMITTED_AT,
    crediting_from=date(2022, 4, 1),
    crediting_until=date(2032, 3, 31),
)


def test_a_project_is_not_registered_before_it_was_submitted() -> None:
    assert projects.register(PROJECT, SUBMITTED_AT) is State.REGISTERED
    with pytest.raises(BeforeSubmission):
        projects.register(PROJECT, SUBMITTED_AT - timedelta(microseconds=1))


def test_the_lifecycle_has_no_step_that_its_table_lacks() -> None:
    for state, step in product(State, Step):
        project = replace(PROJECT, state=state)
        if (state, step) in LIFECYCLE:
            assert projects.register(project, SUBMITTED_AT) is LIFECYCLE[state, step]
        else:
            with pytest.raises(StepNotAllowed):
                projects.register(project, SUBMITTED_AT)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"code": "ccer"}, CodeMalformed),
        ({"name": ""}, OutOfRange),
        ({"country": "China"}, OutOfRange),
        ({"kind": "VOLUNTARY"}, OutOfRange),
        ({"kind": "NATIONAL_LEGACY"}, NeverForEts),
        ({"kind": "PILOT_ASSOCIATION"}, NeverForEts),
    ],
)
def test_refuses_programmes(change: dict[str, str], refusal: type[Refusal]) -> None:
    programmes.require_valid_programme(CCER)
    programmes.require_valid_programme(PILOT)
    with pytest.raises(refusal):
        programmes.require_valid_programme(replace(CCER, **change))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("years", [0, -1, 101, 2**70])
def test_refuses_methodologies_without_a_sensible_crediting_length(years: int) -> None:
    for accepted in (1, 100):
        programmes.require_valid_methodology(replace(OFFSHORE_WIND, crediting_years_max=accepted))
    with pytest.raises(OutOfRange):
        programmes.require_valid_methodology(replace(OFFSHORE_WIND, crediting_years_max=years))
