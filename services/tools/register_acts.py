"""The demo's first acts: rule books, organisations, and projects up to their registration on its real date."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from services.tools.companies import Kind, Organisation, organisations, owner_keys, validator_keys
from services.tools.market_days import working_days_before
from services.tools.play import PENDING, Play, document, fields_of
from services.tools.records import Project
from services.tools.stage import beijing

OPENING_DAY = date(
    2023, 11, 1
)  # before the first instant of the records and of what is made up around them
CATEGORIES: dict[Kind, tuple[str, str]] = {
    "PROJECT_OWNER": ("ENTERPRISE", "OWNER"),
    "TRADING_PARTY": ("ENTERPRISE", "TRADER"),
    "KEY_EMITTER": ("ENTERPRISE", "EMITTER"),
    "VERIFICATION_BODY": ("VERIFICATION_BODY", "VERIFIER"),
}
"""What each kind of organisation is, and which kind of account it holds."""
PILOT_POSITION = (Decimal("120.16"), Decimal("30.27"))  # Hangzhou; the plant's own is not public

ACTIVITIES = {
    "CCER-01-001-V01": "SOLAR_THERMAL",
    "CCER-01-002-V01": "OFFSHORE_WIND",
    "CCER-14-001-V01": "AFFORESTATION",
    "CCER-14-002-V01": "MANGROVE",
    "WEEE-PILOT-DEMO": "ELECTRONICS_RECYCLING",
}
TEAM = [
    {"name": "演示审定员甲", "isSectorCompetent": True},
    {"name": "演示审定员乙", "isSectorCompetent": False},
]
REVIEWER = "演示复核员"
INVENTED = (
    "Invented for the demo: all dates before the registration, design document, team and report of the"
    " validating body, application."
)

# How many working days lie between two steps of a project's life; the notice lasts 20 of them.
APPLIED_BEFORE_REGISTRATION = 8
VALIDATED_BEFORE_APPLICATION = 10
NOTICED_BEFORE_VALIDATION = 25
DRAFTED_BEFORE_NOTICE = 3


@dataclass(frozen=True, slots=True)
class Life:
    """The days of a project's life before its registration, all of them made up."""

    drafted_on: date
    noticed_on: date
    validated_on: date
    applied_on: date


def life_before(registered_on: date) -> Life:
    """Counted backwards from the one day that is real."""
    applied_on = working_days_before(registered_on, APPLIED_BEFORE_REGISTRATION)
    validated_on = working_days_before(applied_on, VALIDATED_BEFORE_APPLICATION)
    noticed_on = working_days_before(validated_on, NOTICED_BEFORE_VALIDATION)
    drafted_on = working_days_before(noticed_on, DRAFTED_BEFORE_NOTICE)
    return Life(drafted_on, noticed_on, validated_on, applied_on)


async def rule_books(play: Play) -> None:
    """The programmes, their methodologies with every figure, and the emission factors of the grids."""
    story, opened = play.records.story, beijing(OPENING_DAY, time(9))
    registrar = play.cast.registrar
    for programme in story.programmes:
        await play.command(
            "registerProgramme",
            registrar,
            ("programme", programme.code),
            opened,
            code=programme.code,
            name=programme.name,
            country="CN",
            kind=programme.programme_class,
            isEtsEligible=programme.allowed_for_ets,
            ruleBook=programme.rule_book,
            validFrom=programme.valid_from.isoformat(),
        )
    for methodology in play.records.methodologies:
        step = "methodology", methodology.code
        fields = fields_of(methodology)
        await play.command("publishMethodology", registrar, step, opened, **fields)
    for factor in play.records.grid_factors:
        step = "grid factor", factor.region, factor.year, factor.published_on
        fields, out_at = fields_of(factor), beijing(max(OPENING_DAY, factor.published_on), time(9))
        asked = await play.command(
            "publishGridFactor", registrar, step, out_at, expecting=PENDING, **fields
        )
        approving = play.cast.second, ("approved", *step), out_at
        await play.command("approve", *approving, approvalId=asked.approval_id)


async def parties(play: Play) -> None:
    """Every organisation with its accounts and who operates them; the account numbers are the registry's."""
    await play.all("organisations", [_party(play, party) for party in organisations(play.records)])


async def _party(play: Play, party: Organisation) -> None:
    opened = beijing(OPENING_DAY, time(10))
    category, kind = CATEGORIES[party.kind]
    await play.command(
        "registerOrganisation",
        play.cast.registrar,
        ("organisation", party.key),
        opened,
        name=party.name,
        creditCode=party.credit_code,
        country="CN",
        category=category,
    )
    account = await play.command(
        "openAccount",
        play.cast.registrar,
        ("account", party.key),
        opened,
        selecting="account { number }",
        organisationId=str(play.cast.organisation_id(party.key)),
        kind=kind,
    )
    number = account.payload["account"]["number"]
    play.cast.numbers[party.key] = number
    if party.kind != "VERIFICATION_BODY":
        await _trading_account(play, party.key, number, opened)


async def _trading_account(play: Play, key: str, number: str, opened: datetime) -> None:
    """The trading account, after those who operate it."""
    registrar, operators = play.cast.registrar, [play.cast.operator(key)]
    if key == "pilot-buyer":
        operators.append(play.records.story.pilot.retirement.maker)
    for operator in operators:
        step = "operator", key, operator
        given = {"account": number, "operator": operator, "name": operator}
        await play.command("appointOperator", registrar, step, opened, **given)
    step = "trading account", key
    await play.command("openTradingAccount", registrar, step, opened, account=number)


async def projects(play: Play) -> None:
    """The projects, registered on the days of the records; how long they were examined is not public."""
    keys = owner_keys(play.records)
    real = [_project(play, p, "CCER", keys[p.code], p.source_url) for p in play.records.projects]
    await play.all("projects", [*real, _pilot_project(play)])


async def _pilot_project(play: Play) -> None:
    pilot = play.records.story.pilot
    project = Project(
        code=pilot.project,
        name=pilot.project_name,
        methodology=pilot.methodology,
        methodology_name=pilot.methodology_name,
        owner=pilot.owner,
        province=pilot.province,
        longitude=PILOT_POSITION[0],
        latitude=PILOT_POSITION[1],
        construction_started_on=pilot.construction_started_on,
        registered_on=pilot.registered_on,
        crediting_from=pilot.crediting_from,
        crediting_to=pilot.crediting_to,
        lifetime_years=10,
        expected_annual_tonnes=pilot.expected_annual_tonnes,
        expected_total_tonnes=10 * pilot.expected_annual_tonnes,
        validation_body=pilot.validation_body,
        source_url="",
    )
    notes = f"Also invented: {', '.join([*pilot.invented, 'position'])}."
    await _project(play, project, pilot.programme, "pilot-owner", notes)


async def _project(play: Play, project: Project, programme: str, owner: str, notes: str) -> None:
    """Its whole life up to the registration."""
    life = life_before(project.registered_on)
    await _draft(play, project, programme, owner, notes, life.drafted_on)
    validator = validator_keys(play.records)[project.validation_body]
    code, body = project.code, play.cast.numbers[validator]
    await play.command(
        "openNotice",
        play.cast.owner(owner),
        ("notice", code),
        beijing(life.noticed_on, time(9)),
        code=code,
        validationBody=body,
        documents=[_document("PDD", project)],
    )
    await play.command(
        "recordValidation",
        play.cast.body(validator),
        ("validation", code),
        beijing(life.validated_on, time(9)),
        code=code,
        validationBody=body,
        isPositive=True,
        team=TEAM,
        reviewer=REVIEWER,
        documents=[_document("VALIDATION_REPORT", project)],
    )
    await play.command(
        "applyForRegistration",
        play.cast.owner(owner),
        ("application", code),
        beijing(life.applied_on, time(9)),
        code=code,
        documents=[_document("COMMITMENT", project)],
    )
    registered_at = beijing(project.registered_on, time(10))
    step = "registration", code
    await play.command("registerProject", play.cast.registrar, step, registered_at, code=code)


async def _draft(
    play: Play, project: Project, programme: str, owner: str, notes: str, drafted_on: date
) -> None:
    await play.command(
        "draftProject",
        play.cast.owner(owner),
        ("draft", project.code),
        beijing(drafted_on, time(9)),
        code=project.code,
        programme=programme,
        methodology=project.methodology,
        activity=ACTIVITIES[project.methodology],
        ownerAccount=play.cast.numbers[owner],
        name=project.name,
        province=project.province,
        longitude=str(project.longitude),
        latitude=str(project.latitude),
        constructionStartedOn=project.construction_started_on.isoformat(),
        creditingFrom=project.crediting_from.isoformat(),
        creditingUntil=project.crediting_to.isoformat(),
        expectedAnnualTonnes=project.expected_annual_tonnes,
        notes=f"{notes}\n{INVENTED}",
    )


def _document(kind: str, project: Project) -> dict[str, object]:
    """A document that says of itself that it is none."""
    return {"kind": kind} | document(f"{kind} of {project.code}, invented for the demo")
