"""What flows of monitoring reports share: the demo's offshore wind farm, published, registered and reported."""

import tomllib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.documents import Document as Statement
from services.issuance.messages.notices import OpenReportNotice
from services.issuance.messages.quantification import PublishGridFactor, Quantify
from services.issuance.messages.reductions import RecordReduction
from services.issuance.messages.reports import SubmitReport, VintageTonnes
from services.issuance.messages.verifications import RecordVerification, TeamMember
from services.kernel.ids import new_id
from services.registry.messages.methodologies import PublishMethodology
from services.tools.records import DEMO
from tests.market import NATIONAL, Market
from tests.register import HISTORIAN, Party, document
from tests.wire import APPROVER

METHODOLOGY, MANGROVE = "CCER-01-002-V01", "CCER-14-002-V01"
REGION = "EXAMPLE"
PERIOD = date(2024, 1, 1), date(2024, 12, 31)
TONNES = 54_725
"""The rule book's example (rule 9)."""
REGISTERED, NOTICED, VERIFIED = 150, 100, 40
"""Days ago of the project's registration, the report's notice, and its verification."""


def demo(*path: str) -> dict[str, Any]:
    """A file of the demo."""
    return tomllib.loads(DEMO.joinpath(*path).read_text(encoding="utf-8"))


def demo_activity(name: str) -> str:
    """Activity data of the demo as commands send them."""
    return msgspec.json.encode(demo("activity", f"{name}.toml")["activity"]).decode()


ACTIVITY = demo_activity("offshore_wind")


def methodology(file: str, **changes: object) -> PublishMethodology:
    """A methodology of the demo as it is published, but for the changes."""
    content = demo("methodologies", f"{file}.toml") | changes
    return msgspec.convert(content, PublishMethodology, strict=False)


async def publish(market: Market, *codes: str) -> None:
    """Publishes methodologies of the demo and the factors of its grids, unless another test has."""
    for code in codes:
        answer = await market.send(methodology(code, programme=NATIONAL), HISTORIAN)
        assert answer.refusal is None or answer.refusal.code == "ALREADY_EXISTS", answer
    for factor in demo("grid_factors.toml")["grid_factors"]:
        await publish_factor(market, msgspec.convert(factor, PublishGridFactor))


async def publish_factor(market: Market, factor: PublishGridFactor) -> None:
    """Publishes a grid's factors, by two persons, unless another test has."""
    answer = await market.send(factor, HISTORIAN)
    if answer.approval_id is not None:
        await market.accepted(ApproveCommand(approval_id=answer.approval_id), APPROVER)
    else:
        assert answer.refusal is not None
        assert answer.refusal.code == "ALREADY_EXISTS", answer


async def farm(market: Market, owner: Party) -> str:
    """A wind farm at sea that was registered in time to report."""
    return await market.project(
        owner,
        days_ago=REGISTERED,
        methodology=METHODOLOGY,
        activity="OFFSHORE_WIND",
        longitude=Decimal("121.5"),
    )


def dry_run(activity: str = ACTIVITY, methodology: str = METHODOLOGY) -> Quantify:
    """The question what a report of this activity would claim."""
    return Quantify(
        methodology=methodology, period_start=PERIOD[0], period_end=PERIOD[1], activity=activity
    )


def quantified(project: str, **changes: Any) -> SubmitReport:
    """A report from activity data."""
    report = SubmitReport(
        report_id=new_id(),
        project=project,
        period_number=1,
        period_start=PERIOD[0],
        period_end=PERIOD[1],
        basis="QUANTIFIED",
        activity=ACTIVITY,
    )
    return msgspec.structs.replace(report, **changes)


def noticed(report: SubmitReport, body: Party) -> OpenReportNotice:
    """The notice of a report, with the body that will verify it."""
    return OpenReportNotice(report_id=report.report_id, verification_body=body.account)


def verified(report: SubmitReport, body: Party, tonnes: int = TONNES) -> RecordVerification:
    """The body's statement on a report, which proves so many tonnes."""
    return RecordVerification(
        report_id=report.report_id,
        verification_body=body.account,
        team=tuple(TeamMember(name=name, is_sector_competent=name == "甲") for name in "甲乙"),
        reviewer="丙",
        tonnes=(VintageTonnes(vintage=2024, tonnes=tonnes),),
        statement=statement(b"statement"),
    )


def attested(project: str, month: int) -> SubmitReport:
    """A report of so many tonnes in one month of 2024; the month 0 is one of 2021."""
    start = date(2024, month, 1) if month else date(2021, 2, 1)
    return SubmitReport(
        report_id=new_id(),
        project=project,
        period_number=month + 1,
        period_start=start,
        period_end=start + timedelta(days=27),
        basis="ATTESTED",
        tonnes=(VintageTonnes(vintage=start.year, tonnes=100),),
        documents=(statement(b"report"),),
    )


def reduction(reduction_id: UUID, project: str, month: int, **changes: Any) -> RecordReduction:
    """Reductions of one month of 2024, registered before Tonne."""
    recorded = RecordReduction(
        reduction_id=reduction_id,
        project=project,
        period_number=month + 1,
        period_start=date(2024, month, 1),
        period_end=date(2024, month, 28),
        vintage=2024,
        tonnes=100,
        verification_body="VVB",
        evidence="sha256:0",
    )
    return msgspec.structs.replace(recorded, **changes)


def statement(octets: bytes) -> Statement:
    """A document that is sent along."""
    stated = document("STATEMENT", octets)
    return Statement(
        name=stated.name,
        sha256=stated.sha256,
        size_bytes=stated.size_bytes,
        media_type=stated.media_type,
        content=stated.content,
    )
