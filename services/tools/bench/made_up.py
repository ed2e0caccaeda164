"""A made-up register of any size: parties, projects all over the country, monitoring reports; the same every time."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import msgspec

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.quantification import PublishGridFactor
from services.issuance.messages.reports import SubmitReport
from services.kernel.actors import Actor, Role
from services.kernel.clocks import BEIJING
from services.kernel.ids import derived_id, new_id
from services.registry.messages.accounts import OpenAccount
from services.registry.messages.documents import Document
from services.registry.messages.methodologies import PublishMethodology
from services.registry.messages.notices import OpenNotice
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import RegisterProgramme
from services.registry.messages.projects import DraftProject
from services.registry.messages.registrations import ApplyForRegistration, RegisterProject
from services.registry.messages.validations import RecordValidation, TeamMember
from services.tools.bench.fleet import Act
from services.tools.companies import invented_credit_code
from services.tools.records import DEMO

NATIONAL, PILOT = "CCER", "BENCH-PILOT"
PILOT_EVERY = 10
"""Of so many projects one stands in the pilot: each notice is compared with those of other programmes."""
WIND = "CCER-01-002-V01"
OWNERS = 50
PROVINCES = (
    "北京市 天津市 河北省 山西省 内蒙古自治区 辽宁省 吉林省 黑龙江省 上海市 江苏省 浙江省 安徽省 福建省 江西省 山东省"
    " 河南省 湖北省 湖南省 广东省 广西壮族自治区 海南省 重庆市 四川省 贵州省 云南省 西藏自治区 陕西省 甘肃省 青海省"
    " 宁夏回族自治区 新疆维吾尔自治区"
).split()
KINDS: Mapping[str, str] = {
    "海上风电": "OFFSHORE_WIND",
    "熔盐塔式光热": "SOLAR_THERMAL",
    "碳汇造林": "AFFORESTATION",
    "红树林营造": "MANGROVE",
    "沼气回收": "BIOGAS",
    "生物质发电": "BIOMASS_POWER",
    "垃圾填埋": "WASTE_TREATMENT",
    "森林经营": "FOREST_MANAGEMENT",
}
"""The word in a project's name, and the activity that it means."""
_PLACE_CHARACTERS = "安宝昌长池川德东定丰福高光海和河红华淮吉嘉江金景静康兰乐"

_REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
_APPROVER = Actor("approver-1", None, frozenset({Role.APPROVER}))
_HISTORIAN = Actor("historian-1", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
_RECORDER = Actor("recorder-1", None, frozenset({Role.REGISTRAR, Role.VERIFIER, Role.HISTORIAN}))
"""Enters what owners and verification bodies did."""
_LIFE = (date(2025, 1, 6), date(2025, 1, 7), date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 10))
"""Drafted, noticed, validated, applied for and registered: of the projects that reports are for."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The numbers of the accounts."""

    owners: Sequence[str]
    body: str


def rule_books() -> list[Act]:
    """Two programmes with a methodology each, and a grid's emission factors for the worked example of wind."""
    wind = tomllib.loads((DEMO / "methodologies" / f"{WIND}.toml").read_text("utf-8"))
    grids = tomllib.loads((DEMO / "grid_factors.toml").read_text("utf-8"))["grid_factors"]
    methodologies = [wind, wind | {"code": f"{PILOT}-M", "programme": PILOT}]
    return [
        *(Act(_programme(code, kind), _REGISTRAR) for code, kind in _PROGRAMMES.items()),
        *(Act(msgspec.convert(one, PublishMethodology), _REGISTRAR) for one in methodologies),
        *(Act(msgspec.convert(one, PublishGridFactor), _REGISTRAR) for one in grids),
    ]


def approved(approval_id: UUID) -> Act:
    """What a second person says of a command to issuance that needs one."""
    return Act(ApproveCommand(approval_id=approval_id), _APPROVER)


_PROGRAMMES = {NATIONAL: "NATIONAL", PILOT: "PILOT_ASSOCIATION"}


def _programme(code: str, kind: str) -> RegisterProgramme:
    return RegisterProgramme(code=code, name=code, country="CN", kind=kind, is_ets_eligible=False)


def parties() -> dict[UUID, Sequence[Act]]:
    """By the id of its account, what makes each owner and, last, the verification body."""
    made = [_party(f"业主{number}有限公司", "OWNER") for number in range(OWNERS)]
    return dict([*made, _party("核查机构", "VERIFIER")])


def _party(name: str, kind: str) -> tuple[UUID, Sequence[Act]]:
    organisation_id, account_id = derived_id("bench", name), derived_id("bench", "account", name)
    category = "VERIFICATION_BODY" if kind == "VERIFIER" else "ENTERPRISE"
    registered = RegisterOrganisation(
        organisation_id=organisation_id,
        name=name,
        credit_code=invented_credit_code(name),
        category=category,
    )
    opened = OpenAccount(account_id=account_id, organisation_id=organisation_id, kind=kind)
    return account_id, (Act(registered, _REGISTRAR), Act(opened, _REGISTRAR))


def published(number: int, parties: Parties) -> list[Act]:
    """A project from its draft to its public notice, today."""
    return [
        Act(_draft(number, parties), _RECORDER),
        Act(_notice(number, parties), _RECORDER),
    ]


def registered(number: int, parties: Parties) -> list[Act]:
    """A project's whole life until its registration, as history."""
    code = _code(number)
    life = (
        _draft(number, parties),
        _notice(number, parties),
        RecordValidation(
            code=code,
            validation_body=parties.body,
            is_positive=True,
            team=tuple(TeamMember(name=name, is_sector_competent=True) for name in "甲乙"),
            reviewer="丙",
            documents=(_document("VALIDATION_REPORT"),),
        ),
        ApplyForRegistration(code=code, documents=(_document("COMMITMENT"),)),
    )
    *days, registered_on = (datetime.combine(day, time(10), BEIJING) for day in _LIFE)
    return [
        *(Act(command, _RECORDER, day) for command, day in zip(life, days, strict=True)),
        Act(RegisterProject(code=code), _HISTORIAN, registered_on),
    ]


def report(number: int, projects: int) -> list[Act]:
    """A monitoring report of one of so many national projects, quantified from a year's meter readings."""
    code = _code(_national(number % projects))
    submitted = SubmitReport(
        report_id=new_id(),
        project=code,
        period_number=1,
        period_start=date(2024, 1, 1),
        period_end=date(2024, 12, 31),
        basis="QUANTIFIED",
        activity=_WIND_YEAR.replace("9000", str(9000 + number % 997)),
    )
    return [Act(submitted, _RECORDER)]


def national_projects(projects: int) -> int:
    """How many of so many projects are national ones."""
    return projects - -(-projects // PILOT_EVERY)


def words(number: int) -> tuple[str, str]:
    """What people search this project by: its place, which few share, and its kind, which many do."""
    return _place(number), [*KINDS][number % len(KINDS)]


def province(number: int) -> str:
    """The province of this project."""
    return PROVINCES[number % len(PROVINCES)]


def _draft(number: int, parties: Parties) -> DraftProject:
    place, kind = words(number)
    programme = PILOT if number % PILOT_EVERY == 0 else NATIONAL
    return DraftProject(
        project_id=new_id(),
        code=_code(number),
        programme=programme,
        methodology=f"{PILOT}-M" if programme == PILOT else WIND,
        activity=KINDS[kind],
        owner_account=parties.owners[number % len(parties.owners)],
        name=f"{place}{kind}{number % 9 + 1}期项目",
        province=province(number),
        longitude=_scattered(number, 754877, 75, 50),
        latitude=_scattered(number, 569841, 20, 30),
        construction_started_on=date(2022, 6, 1),
        crediting_from=date(2024, 1, 1),
        crediting_until=date(2033, 12, 31),
        expected_annual_tonnes=1_000 + number * 7919 % 500_000,
    )


def _notice(number: int, parties: Parties) -> OpenNotice:
    return OpenNotice(
        code=_code(number), validation_body=parties.body, documents=(_document("PDD"),)
    )


def _code(number: int) -> str:
    return f"B{number:06d}"


def _national(place: int) -> int:
    """The number of the national project at this place: every first of ten is a pilot's."""
    tens, ones = divmod(place, PILOT_EVERY - 1)
    return tens * PILOT_EVERY + ones + 1


def _place(number: int) -> str:
    """One of some eight hundred made-up names of two characters."""
    size = len(_PLACE_CHARACTERS)
    one, other = divmod(number * 37 % (size * size), size)
    return _PLACE_CHARACTERS[one] + _PLACE_CHARACTERS[other]


def _scattered(number: int, step: int, least: int, width: int) -> Decimal:
    """Degrees that fill the width evenly as numbers grow."""
    return least + Decimal(number * step % 1_000_000 * width).scaleb(-6)


def _document(kind: str) -> Document:
    return Document(
        kind=kind,
        name=f"{kind}.pdf",
        sha256=sha256(kind.encode()).hexdigest(),
        size_bytes=1_000_000,
        media_type="application/pdf",
    )


def _wind_year() -> str:
    """The activity data of the worked example, as JSON text."""
    text = (DEMO / "activity" / "offshore_wind.toml").read_text("utf-8")
    return msgspec.json.encode(tomllib.loads(text)["activity"]).decode()


_WIND_YEAR = _wind_year()
