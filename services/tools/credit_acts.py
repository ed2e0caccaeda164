"""The demo's acts before the market: reductions brought in or quantified, and the credits issued from them."""

from collections import defaultdict
from datetime import date, datetime, time

import msgspec

from services.tools.companies import owner_keys
from services.tools.market_days import ONE_DAY, next_working_day, working_days_before
from services.tools.play import ACCEPTED, Play, document
from services.tools.records import Monitored, Reduction
from services.tools.register_acts import REVIEWER
from services.tools.stage import beijing
from services.tools.story import Example
from services.tools.tape import Stock, stocks

TEAM = [
    {"name": "演示核查员甲", "isSectorCompetent": True},
    {"name": "演示核查员乙", "isSectorCompetent": False},
]
VERIFIER = "verifier"
"""The key of the body that verifies everything in the demo; it validates nothing."""

# How many working days lie between two steps of the pilot's report; its notice lasts 20 of them.
APPLIED_BEFORE_ISSUE = 8
VERIFIED_BEFORE_APPLICATION = 3
NOTICED_BEFORE_VERIFICATION = 22


async def issue_all(play: Play) -> None:
    """Registered reductions, and the batches issued from them; one project's batches in their order."""
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
            day_after = row.period_to + ONE_DAY
            day = issued_on.get(key, max(registered_on[row.project], day_after))
            await _reduction(play, row, day, is_issued=key in issued_on)

    examples = [_example(play, example) for example in play.records.story.examples]
    issued = [all_of(rows) for rows in by_project.values()]
    await play.all("projects' credits", [*issued, *examples, _pilot_credits(play)])
    await _opening_batch(play)
    await _estimate(play)


def _key(stock: Stock) -> tuple[str, int, int]:
    return stock.instrument.project, stock.instrument.vintage, stock.monitoring_period


async def _reduction(play: Play, row: Reduction, day: date, *, is_issued: bool) -> None:
    """Brought in as ATTESTED: what the owners measured is not public."""
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
    await play.by_two(
        "issueCredits",
        play.cast.registrar,
        play.cast.second,
        ("issuance", *step),
        issued_at,
        reductionId=reduction_id,
    )


async def _pilot_credits(play: Play) -> None:
    """The pilot's report goes through its whole life; its one batch can be computed again from the activity data."""
    pilot, issuance = play.records.story.pilot, play.records.story.pilot.issuance
    applied_on = working_days_before(issuance.issued_on, APPLIED_BEFORE_ISSUE)
    verified_on = working_days_before(applied_on, VERIFIED_BEFORE_APPLICATION)
    noticed_on = working_days_before(verified_on, NOTICED_BEFORE_VERIFICATION)
    monitored = play.records.monitored[issuance.activity]
    report_id = await _noticed_report(play, pilot.project, "pilot-owner", monitored, noticed_on)
    await play.command(
        "recordVerification",
        play.cast.body(VERIFIER),
        ("verification", pilot.project),
        beijing(verified_on, time(9)),
        reportId=report_id,
        verificationBody=play.cast.numbers[VERIFIER],
        team=TEAM,
        reviewer=REVIEWER,
        tonnes=[{"vintage": issuance.vintage, "tonnes": issuance.tonnes}],
        statement=document(f"verification statement of {pilot.project}, invented for the demo"),
    )
    await play.command(
        "applyForReduction",
        play.cast.owner("pilot-owner"),
        ("reduction applied", pilot.project),
        beijing(applied_on, time(9)),
        reportId=report_id,
        tonnes=issuance.tonnes,
    )
    registered = await play.command(
        "registerReduction",
        play.cast.registrar,
        ("reduction registered", pilot.project),
        beijing(issuance.issued_on, time(13)),
        selecting="report { vintages { reductionId } }",
        reportId=report_id,
    )
    [vintage] = registered.payload["report"]["vintages"]
    issued_at = beijing(issuance.issued_on, time(14))
    await _issue(play, (pilot.project, issuance.vintage, 1), vintage["reductionId"], issued_at)


async def _example(play: Play, example: Example) -> None:
    """A report on invented activity data, with its trace: published, and withdrawn the same day."""
    [project] = [each for each in play.records.projects if each.code == example.project]
    monitored, owner = play.records.monitored[example.activity], owner_keys(play.records)
    noticed_on = next_working_day(max(project.registered_on, monitored.period["ends_on"]))
    report_id = await _noticed_report(
        play, project.code, owner[project.code], monitored, noticed_on
    )
    await play.command(
        "withdrawReport",
        play.cast.owner(owner[project.code]),
        ("example withdrawn", project.code),
        beijing(noticed_on, time(17)),
        reportId=report_id,
        reason="An example of the demo, on invented activity data: never to be verified or issued.",
    )


async def _noticed_report(
    play: Play, project: str, owner: str, monitored: Monitored, noticed_on: date
) -> str:
    """A first report, quantified from activity data, which the public may read from this day on; returns its id."""
    submitted = await play.command(
        "submitReport",
        play.cast.owner(owner),
        ("report", project),
        beijing(noticed_on, time(9)),
        selecting="commandId",
        project=project,
        periodNumber=1,
        periodStart=monitored.period["starts_on"].isoformat(),
        periodEnd=monitored.period["ends_on"].isoformat(),
        basis="QUANTIFIED",
        activity=msgspec.json.encode(monitored.activity).decode(),
        documents=[document(f"monitoring report of {project}, invented for the demo")],
    )
    report_id = submitted.payload["commandId"]
    await play.command(
        "openReportNotice",
        play.cast.owner(owner),
        ("report noticed", project),
        beijing(noticed_on, time(10)),
        reportId=report_id,
        verificationBody=play.cast.numbers[VERIFIER],
    )
    return report_id


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
