"""The demo's first acts: programmes, organisations, projects, reductions and credits, at their real dates."""

from collections import defaultdict
from datetime import date, datetime, time
from decimal import Decimal

from services.tools.companies import Organisation, organisations, owner_keys
from services.tools.play import ACCEPTED, PENDING, Play
from services.tools.records import Project, Reduction
from services.tools.stage import beijing
from services.tools.tape import Stock, stocks

OPENING_DAY = date(2024, 1, 2)  # before the first instant of the records
ACCOUNT_KINDS = {
    "PROJECT_OWNER": "OWNER",
    "TRADING_PARTY": "TRADER",
    "VERIFICATION_BODY": "VERIFIER",
}
# Ten years is what the two energy methodologies say; forty for the others is not verified against their text.
CREDITING_YEARS_MAX = {"CCER-01-001-V01": 10, "CCER-01-002-V01": 10}
CREDITING_YEARS_OTHERWISE = 40
PILOT_POSITION = (Decimal("120.16"), Decimal("30.27"))  # Hangzhou; the plant's own is not public


async def rule_books(play: Play) -> None:
    """The programmes, and every methodology that a project of the records uses."""
    story, opened = play.records.story, beijing(OPENING_DAY, time(9))
    for programme in story.programmes:
        await play.command(
            "registerProgramme",
            play.cast.registrar,
            ("programme", programme.code),
            opened,
            code=programme.code,
            name=programme.name,
            country="CN",
            kind=programme.programme_class,
            isEtsEligible=programme.allowed_for_ets,
        )
    used = {p.methodology: ("CCER", p.methodology_name) for p in play.records.projects}
    used[story.pilot.methodology] = (story.pilot.programme, story.pilot.methodology_name)
    for code, (programme, name) in used.items():
        await play.command(
            "publishMethodology",
            play.cast.registrar,
            ("methodology", code),
            opened,
            code=code,
            programme=programme,
            name=name,
            creditingYearsMax=CREDITING_YEARS_MAX.get(code, CREDITING_YEARS_OTHERWISE),
        )


async def parties(play: Play) -> None:
    """Every organisation with its one account; the account numbers are the registry's."""
    await play.all("organisations", [_party(play, party) for party in organisations(play.records)])


async def _party(play: Play, party: Organisation) -> None:
    opened = beijing(OPENING_DAY, time(10))
    await play.command(
        "registerOrganisation",
        play.cast.registrar,
        ("organisation", party.key),
        opened,
        name=party.name,
        creditCode=party.credit_code,
        country="CN",
    )
    account = await play.command(
        "openAccount",
        play.cast.registrar,
        ("account", party.key),
        opened,
        selecting="account { number }",
        organisationId=str(play.cast.organisation_id(party.key)),
        kind=ACCOUNT_KINDS[party.kind],
    )
    play.cast.numbers[party.key] = account.payload["account"]["number"]


async def projects(play: Play) -> None:
    """The registered projects on the days of their registration; how long they were examined is not public."""
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
        validation_body=play.records.story.verifier.name,
        source_url="",
    )
    notes = "Invented for the demo: " + ", ".join([*pilot.invented, "position", "validation_body"])
    await _project(play, project, pilot.programme, "pilot-owner", notes)


async def _project(play: Play, project: Project, programme: str, owner: str, notes: str) -> None:
    await play.command(
        "submitProject",
        play.cast.owner(owner),
        ("submission", project.code),
        beijing(project.registered_on, time(9)),
        code=project.code,
        programme=programme,
        methodology=project.methodology,
        ownerAccount=play.cast.numbers[owner],
        name=project.name,
        province=project.province,
        longitude=str(project.longitude),
        latitude=str(project.latitude),
        constructionStartedOn=project.construction_started_on.isoformat(),
        creditingFrom=project.crediting_from.isoformat(),
        creditingUntil=project.crediting_to.isoformat(),
        expectedAnnualTonnes=project.expected_annual_tonnes,
        validationBody=project.validation_body,
        notes=notes,
    )
    await play.command(
        "registerProject",
        play.cast.registrar,
        ("registration", project.code),
        beijing(project.registered_on, time(10)),
        code=project.code,
    )


async def issue_all(play: Play) -> None:
    """Verified reductions, and the batches issued from them; one project's batches in their order."""
    issued_on = {_key(stock): stock.issued_on for stock in stocks(play.records)}
    registered_on = {project.code: project.registered_on for project in play.records.projects}
    by_project: defaultdict[str, list[Reduction]] = defaultdict(list)
    for row in sorted(
        play.records.reductions, key=lambda row: (row.vintage, row.monitoring_period)
    ):
        by_project[row.project].append(row)

    async def all_of(rows: list[Reduction]) -> None:
        for row in rows:
            key = row.project, row.vintage, row.monitoring_period
            day = issued_on.get(key, max(registered_on[row.project], row.period_to))
            await _reduction(play, row, day, is_issued=key in issued_on)

    await play.all("projects' credits", [all_of(rows) for rows in by_project.values()])
    await _pilot_credits(play)
    await _opening_batch(play)
    await _estimate(play)


def _key(stock: Stock) -> tuple[str, int, int]:
    return stock.instrument.project, stock.instrument.vintage, stock.monitoring_period


async def _reduction(play: Play, row: Reduction, day: date, *, is_issued: bool) -> None:
    step = row.project, row.vintage, row.monitoring_period
    reduction = await play.command(
        "recordReduction",
        play.cast.registrar,
        ("reduction", *step),
        beijing(day, time(13)),
        selecting="commandId",
        project=row.project,
        periodNumber=row.monitoring_period,
        periodStart=row.period_from.isoformat(),
        periodEnd=row.period_to.isoformat(),
        vintage=row.vintage,
        tonnes=row.tonnes,
        verificationBody=play.records.story.verifier.name,
        evidence="Public disclosure of the national registry; the verifying body is invented.",
    )
    if is_issued:
        await _issue(play, step, reduction.payload["commandId"], beijing(day, time(14)))


async def _issue(
    play: Play, step: tuple[object, ...], reduction_id: str, issued_at: datetime
) -> None:
    """Irreversible, so one person asks and a second one approves."""
    asked = await play.command(
        "issueCredits",
        play.cast.registrar,
        ("issuance", *step),
        issued_at,
        expecting=PENDING,
        reductionId=reduction_id,
    )
    await play.command(
        "approve",
        play.cast.second,
        ("issuance approved", *step),
        issued_at,
        approvalId=asked.approval_id,
    )


async def _pilot_credits(play: Play) -> None:
    pilot, issuance = play.records.story.pilot, play.records.story.pilot.issuance
    row = Reduction(
        project=pilot.project,
        monitoring_period=1,
        period_from=issuance.period_from,
        period_to=issuance.period_to,
        vintage=issuance.vintage,
        tonnes=issuance.tonnes,
        period_tonnes=issuance.tonnes,
        status="ISSUED",
    )
    await _reduction(play, row, issuance.issued_on, is_issued=True)


async def _opening_batch(play: Play) -> None:
    """The stock from before 2017 that the market opened with: recorded history, never for ETS use."""
    batch = play.records.story.opening_batch
    await play.command(
        "importOpeningBatch",
        play.cast.registrar,
        ("opening batch",),
        beijing(batch.imported_on, time(14)),
        expecting=ACCEPTED,
        programme=batch.programme,
        project=batch.project,
        vintage=batch.vintage,
        tonnes=batch.tonnes,
        holderAccount=play.cast.numbers["holder-legacy"],
        source="Volume of the first trading day; project, vintage and holder are invented.",
    )


async def _estimate(play: Play) -> None:
    """The Sichuan afforestation's first phase: an estimate that is counted nowhere and never issued."""
    estimate = play.records.story.estimate
    registered_on = {project.code: project.registered_on for project in play.records.projects}
    await play.command(
        "estimateReduction",
        play.cast.registrar,
        ("estimate", estimate.project),
        beijing(registered_on[estimate.project], time(15)),
        project=estimate.project,
        periodStart=estimate.period_from.isoformat(),
        periodEnd=estimate.period_to.isoformat(),
        tonnes=estimate.tonnes,
        source="News of 2024-11-13; that it is this project, and the days, is our inference.",
    )
