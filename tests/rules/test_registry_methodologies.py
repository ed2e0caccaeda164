"""Rules for programmes, for methodologies with their figures, and for who holds a role in a programme."""

import tomllib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from services.kernel.actors import (
    Actor,
    Assignment,
    NotAssigned,
    Role,
    RoleMissing,
    require_programme_role,
)
from services.kernel.names import CodeMalformed
from services.kernel.refusals import AlreadyExists, OutOfRange, Unknown
from services.registry import methodologies, people, programmes
from services.registry.messages.methodologies import Parameter, PublishMethodology
from services.registry.methodologies import (
    Methodology,
    MethodologyHasEnd,
    MethodologyNotInForce,
    ParameterTwice,
)
from services.registry.programmes import AmendmentTooEarly, NeverForEts, Programme
from services.runtime.migrate import SCHEMA_FOLDER

FIGURE = Parameter(
    name="w_OM",
    value=Decimal("0.5"),
    unit="1",
    source="CCER-01-002-V01",
    edition="2023",
    confidence="VERIFIED",
)
METHODOLOGY = Methodology(
    code="CCER-14-001-V01",
    programme="CCER",
    name="造林碳汇",
    crediting_years_max=40,
    valid_from=date(2023, 10, 24),
    valid_until=date(2026, 8, 31),
    crediting_years_min=20,
    risk_model="DEDUCTION",
    risk_rate=Decimal("0.10"),
    parameters=(FIGURE,),
)


def valid(**changes: object) -> None:
    methodologies.require_valid(replace(METHODOLOGY, **changes))  # pyright: ignore[reportArgumentType]


def test_a_methodology_with_its_figures_is_published() -> None:
    valid()
    valid(risk_model="NONE", risk_rate=None, valid_until=None, parameters=(), formula_id="grid")
    valid(confidence="VERIFIED", source="CCER-14-001-V01, read on the ministry's site")


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"additionality": "NONE"},
        {"confidence": "OK-M"},
        {"confidence": "VERIFIED"},
        {"confidence": "VERIFIED", "source": " "},
        {"source": "x" * 301},
        {"risk_model": "INSURANCE"},
        {"risk_model": "NONE"},
        {"risk_rate": None},
        {"risk_rate": Decimal(0)},
        {"risk_rate": Decimal(1)},
        {"risk_rate": Decimal("-0.1")},
        {"risk_rate": Decimal("0.1234567890123")},
        {"risk_rate": Decimal("NaN")},
        {"crediting_years_max": 0},
        {"crediting_years_max": 101},
        {"crediting_years_min": 0},
        {"crediting_years_min": 41},
        {"valid_until": date(2023, 10, 23)},
        {"formula_id": ""},
    ],
    ids=str,
)
def test_refuses_a_methodology_that_says_what_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        valid(**change)


def test_refuses_a_code_that_could_not_stand_in_a_serial_number() -> None:
    with pytest.raises(CodeMalformed):
        valid(code="CCER_14")


@pytest.mark.parametrize("field", ["name", "unit", "source", "edition", "confidence"])
def test_a_figure_says_where_it_stands(field: str) -> None:
    with pytest.raises(OutOfRange):
        valid(parameters=(figure(**{field: ""}),))


def test_each_figure_has_one_value() -> None:
    with pytest.raises(ParameterTwice):
        valid(parameters=(FIGURE, figure(value=Decimal("0.6"))))


def figure(**changes: object) -> Parameter:
    return msgspec.structs.replace(FIGURE, **changes)


@pytest.mark.parametrize(
    ("day", "is_in_force"),
    [
        (date(2023, 10, 23), False),
        (date(2023, 10, 24), True),
        (date(2026, 8, 31), True),
        (date(2026, 9, 1), False),
    ],
)
def test_a_version_is_in_force_from_its_first_day_to_its_last(day: date, is_in_force: bool) -> None:
    if is_in_force:
        methodologies.require_in_force(METHODOLOGY, day)
    else:
        with pytest.raises(MethodologyNotInForce):
            methodologies.require_in_force(METHODOLOGY, day)
    if day > date(2026, 8, 31):
        methodologies.require_in_force(replace(METHODOLOGY, valid_until=None), day)


def test_the_last_day_is_set_once() -> None:
    unended = replace(METHODOLOGY, valid_until=None)
    methodologies.require_end(unended, METHODOLOGY.valid_from, "新版发布")
    for day, reason in ((date(2023, 10, 23), "新版发布"), (date(2026, 1, 1), "")):
        with pytest.raises(OutOfRange):
            methodologies.require_end(unended, day, reason)
    with pytest.raises(MethodologyHasEnd):
        methodologies.require_end(METHODOLOGY, date(2027, 1, 1), "新版发布")


PUBLISHED = sorted(SCHEMA_FOLDER.with_name("deploy").glob("demo/methodologies/*.toml"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_methodologies_that_come_along_can_be_published_as_they_are(path: Path) -> None:
    command = msgspec.convert(tomllib.loads(path.read_text("utf-8")), PublishMethodology)
    methodologies.require_valid(Methodology(**msgspec.structs.asdict(command)))
    assert command.code == path.stem
    assert command.parameters


def test_what_was_not_read_in_the_text_itself_says_so() -> None:
    """The two energy methodologies are verified, the others only where a figure was published elsewhere."""
    told = {path.stem: tomllib.loads(path.read_text("utf-8"))["confidence"] for path in PUBLISHED}
    assert told == dict.fromkeys(("CCER-01-001-V01", "CCER-01-002-V01"), "VERIFIED") | (
        dict.fromkeys(("CCER-14-001-V01", "CCER-14-002-V01", "WEEE-PILOT-DEMO"), "UNVERIFIED")
    )


PROGRAMME = Programme("CCER", "自愿减排", "CN", "NATIONAL", True, "办法", 1, date(2024, 1, 22))


def test_only_the_national_programme_is_for_the_ets() -> None:
    programmes.require_valid_programme(PROGRAMME)
    for kind in ("NATIONAL_LEGACY", "PILOT_ASSOCIATION"):
        programmes.require_valid_programme(replace(PROGRAMME, kind=kind, is_ets_eligible=False))
        with pytest.raises(NeverForEts):
            programmes.require_valid_programme(replace(PROGRAMME, kind=kind))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"country": "cn"},
        {"kind": "FOREIGN"},
        {"rule_book": "x" * 1001},
        {"rule_book": "\x00"},
    ],
    ids=str,
)
def test_refuses_a_programme_that_cannot_be_entered(change: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        programmes.require_valid_programme(replace(PROGRAMME, **change))  # pyright: ignore[reportArgumentType]


def test_an_amendment_comes_on_a_later_day_than_the_version_before_it() -> None:
    programmes.require_amendment(PROGRAMME, "自愿减排", "新办法", "修订", date(2024, 1, 23))
    for day in (date(2024, 1, 22), date(2024, 1, 21)):
        with pytest.raises(AmendmentTooEarly):
            programmes.require_amendment(PROGRAMME, "自愿减排", "新办法", "修订", day)
    with pytest.raises(OutOfRange):
        programmes.require_amendment(PROGRAMME, "自愿减排", "新办法", "", date(2024, 1, 23))


RITA = Actor("rita", None, frozenset({Role.REGISTRAR, Role.AUDITOR}))
ASSIGNED = [Assignment("registrar", "rudi"), Assignment("verifier", "vera")]


def test_a_role_that_nobody_holds_in_a_programme_is_anybodys_whose_token_names_it() -> None:
    require_programme_role(RITA, "CCER", [ASSIGNED[1]], Role.REGISTRAR)
    with pytest.raises(RoleMissing):
        require_programme_role(RITA, "CCER", [], Role.VERIFIER)


def test_a_role_that_somebody_holds_in_a_programme_is_nobody_elses() -> None:
    with pytest.raises(NotAssigned):
        require_programme_role(RITA, "CCER", ASSIGNED, Role.REGISTRAR)
    require_programme_role(replace(RITA, subject="rudi"), "CCER", ASSIGNED, Role.REGISTRAR)
    with pytest.raises(NotAssigned):
        require_programme_role(
            replace(RITA, subject="vera"), "CCER", ASSIGNED, Role.REGISTRAR, Role.VERIFIER
        )


def test_an_assignment_names_role_person_and_reason_once() -> None:
    people.require_assignable("verifier", "vera", "核查组")
    for role, person, reason in (
        ("owner-operator", "vera", "x"),
        ("verifier", "", "x"),
        ("verifier", "vera", ""),
    ):
        with pytest.raises(OutOfRange):
            people.require_assignable(role, person, reason)
    with pytest.raises(AlreadyExists):
        people.require_new(ASSIGNED[0], ASSIGNED)
    people.require_held(ASSIGNED[0], ASSIGNED)
    with pytest.raises(Unknown):
        people.require_held(Assignment("registrar", "rita"), ASSIGNED)
