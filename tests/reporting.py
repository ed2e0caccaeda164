"""What tests of monitoring reports share: two programmes, their projects and bodies, and commands that are in order."""

import hashlib
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from services.issuance import handlers
from services.issuance.messages.applications import ApplyForReduction, RegisterReduction
from services.issuance.messages.batches import IssueCredits
from services.issuance.messages.documents import Document
from services.issuance.messages.notices import OpenReportNotice
from services.issuance.messages.reports import SubmitReport, VintageTonnes
from services.issuance.messages.verifications import RecordVerification, TeamMember
from services.kernel.actors import Actor, Role
from services.kernel.clocks import BEIJING
from services.kernel.ids import derived_id, new_id
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.methodologies import MethodologyPublished
from services.registry.messages.organisations import OrganisationRegistered
from services.registry.messages.programmes import ProgrammeRegistered
from services.registry.messages.registrations import ProjectRegistered
from services.runtime import migrate, outbox, queries
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction

ORGANISATIONS = {
    name: UUID(int=100 + n) for n, name in enumerate(("owner", "validator", "verifier", "third"))
}
OWNER, VALIDATOR, VERIFIER, THIRD = (f"ACC-9000000{n}" for n in range(1, 5))
"""Numbers of accounts."""

OPERATOR = Actor("olga.operator", ORGANISATIONS["owner"], frozenset({Role.OWNER_OPERATOR}))
EXAMINER = Actor("vera.verifier", ORGANISATIONS["verifier"], frozenset({Role.VERIFIER}))
REGISTRAR = Actor("rita.registrar", None, frozenset({Role.REGISTRAR}))
HISTORIAN = Actor("hilda.historian", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
AUTHORITY = Actor("aldo.authority", None, frozenset({Role.AUTHORITY}))
ANYBODY = Actor("a.citizen")

PLANT = "91000000069823582C"
"""The owner's credit code, by which its plant goes in the demo's activity data."""

WIND, RECYCLING = "A210017", "W330001"
"""A project of each programme."""

ACCOUNTS = [
    AccountOpened(account_id=UUID(int=n), number=number, organisation_id=organisation, kind=kind)
    for n, (number, organisation, kind) in enumerate(
        zip(
            (OWNER, VALIDATOR, VERIFIER, THIRD),
            ORGANISATIONS.values(),
            ("OWNER", "VERIFIER", "VERIFIER", "VERIFIER"),
            strict=True,
        ),
        start=1,
    )
]
PROGRAMMES = [
    ProgrammeRegistered(
        code=code, name=code, country="CN", kind=kind, is_ets_eligible=kind == "NATIONAL"
    )
    for code, kind in (("CCER-26", "NATIONAL"), ("WEEE-26", "PILOT_ASSOCIATION"))
]
METHODOLOGIES = [
    MethodologyPublished(
        code=code,
        programme=programme,
        name=code,
        crediting_years_max=10,
        valid_from=date(2023, 10, 24),
        risk_model="BUFFER" if rate else "NONE",
        risk_rate=rate,
    )
    for code, programme, rate in (
        ("WIND-M", "CCER-26", None),
        ("WEEE-M", "WEEE-26", Decimal("0.1")),
    )
]
PROJECTS = [
    ProjectRegistered(
        project_id=UUID(int=200 + n),
        code=code,
        programme=programme,
        methodology=methodology,
        owner_account=OWNER,
        country="CN",
        registered_on=date(2025, 4, 30),
        crediting_from=date(2022, 10, 1),
        crediting_until=date(2032, 9, 30),
        validation_body=VALIDATOR,
    )
    for n, (code, programme, methodology) in enumerate(
        ((WIND, "CCER-26", "WIND-M"), (RECYCLING, "WEEE-26", "WEEE-M"))
    )
]
PARTIES = [
    OrganisationRegistered(
        organisation_id=organisation,
        name=name,
        credit_code=PLANT if name == "owner" else "",
        country="CN",
    )
    for name, organisation in ORGANISATIONS.items()
]
HEARD: list[Event] = [*PROGRAMMES, *METHODOLOGIES, *PARTIES, *ACCOUNTS, *PROJECTS]
"""What the registry has told before anything is reported."""

TEAM = (
    TeamMember(name="甲", is_sector_competent=True),
    TeamMember(name="乙", is_sector_competent=False),
)
SUBMITTED, NOTICED, VERIFIED, APPLIED, REGISTERED, ISSUED = (
    date(2026, 1, 12),
    date(2026, 1, 13),
    date(2026, 3, 2),
    date(2026, 3, 3),
    date(2026, 3, 10),
    date(2026, 3, 11),
)
"""Days on which a report can take its steps; the notice ends before the third."""

AnyEvent = TypeVar("AnyEvent", bound=Event)


def document(octets: bytes = b"statement", **changes: Any) -> Document:
    """A document that is sent along."""
    values: dict[str, object] = {
        "name": "核查报告.pdf",
        "sha256": hashlib.sha256(octets).hexdigest(),
        "size_bytes": len(octets),
        "media_type": "application/pdf",
        "content": octets,
    }
    return Document(**values | changes)  # pyright: ignore[reportArgumentType]


def tonnes(**by_year: int) -> tuple[VintageTonnes, ...]:
    """Tonnes by year: ``tonnes(y2024=1)``."""
    return tuple(VintageTonnes(vintage=int(year[1:]), tonnes=t) for year, t in by_year.items())


REPORTED = tonnes(y2023=100_000, y2024=125_714)
"""Together the 225,714 tonnes of the rule book's example."""


def submission(number: int = 1, **changes: Any) -> SubmitReport:
    """An attested report of the pilot's project."""
    values: dict[str, object] = {
        "report_id": UUID(int=number),
        "project": RECYCLING,
        "period_number": 1,
        "period_start": date(2023, 1, 1),
        "period_end": date(2024, 12, 31),
        "basis": "ATTESTED",
        "tonnes": REPORTED,
        "documents": (document(b"report"),),
    }
    return SubmitReport(**values | changes)  # pyright: ignore[reportArgumentType]


def notice(number: int = 1, body: str = VERIFIER) -> OpenReportNotice:
    return OpenReportNotice(report_id=UUID(int=number), verification_body=body)


def verification(number: int = 1, **changes: Any) -> RecordVerification:
    values: dict[str, object] = {
        "report_id": UUID(int=number),
        "verification_body": VERIFIER,
        "team": TEAM,
        "reviewer": "丙",
        "tonnes": REPORTED,
        "statement": document(),
    }
    return RecordVerification(**values | changes)  # pyright: ignore[reportArgumentType]


def application(number: int = 1, tonnes: int = 225_714) -> ApplyForReduction:
    return ApplyForReduction(report_id=UUID(int=number), tonnes=tonnes)


def registration(number: int = 1) -> RegisterReduction:
    return RegisterReduction(report_id=UUID(int=number))


def reduction_id(number: int, vintage: int) -> UUID:
    """The id that registration gives to the reductions of this report and year."""
    return derived_id("reduction", UUID(int=number), vintage)


def issuing(number: int, vintage: int) -> IssueCredits:
    return IssueCredits(
        batch_id=UUID(int=number * 10_000 + vintage), reduction_id=reduction_id(number, vintage)
    )


def on(tx: Transaction, day: date, actor: Actor, hour: int = 10) -> Transaction:
    """The transaction of this actor at that hour in Beijing."""
    at = datetime.combine(day, time(hour), BEIJING)
    return replace(tx, actor=actor, effective_at=at, message_id=str(new_id()))


async def learn(tx: Transaction, *events: Event) -> list[Event]:
    """What the registry tells, and what issuance has to say of it."""
    said: list[Event] = []
    for event in events:
        said += await handlers.SERVICE.events[type(event)](tx, event)
    return said


async def say(tx: Transaction, command: Command) -> list[Event]:
    """What the command lets issuance say, told in the history; a refusal leaves nothing behind."""
    async with tx.connection.transaction():
        events = await handlers.SERVICE.commands[type(command)](tx, command)
        await outbox.append(replace(tx, message_id=str(new_id())), events)
    return list(events)


async def broken(tx: Transaction) -> set[str]:
    """Names of the invariants that do not hold."""
    invariants = queries.load(migrate.SCHEMA_FOLDER / "issuance" / "invariants.sql")
    return {
        name
        for name, statement in invariants.items()
        if await tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
    }


async def stored(tx: Transaction) -> list[asyncpg.Record]:
    """Everything that a refused command must not have changed."""
    return await tx.connection.fetch(
        """
        SELECT report_id AS id, row_to_json(report)::text AS content FROM report
        UNION ALL SELECT reduction_id, row_to_json(reduction)::text FROM reduction
        UNION ALL SELECT batch_id, serials FROM credit_batch
        UNION ALL SELECT report_id, row_to_json(report_vintage)::text FROM report_vintage
        UNION ALL SELECT report_id, row_to_json(monitoring_period)::text FROM monitoring_period
        UNION ALL SELECT report_id, claimed FROM claim
        UNION ALL SELECT report_id, row_to_json(report_document)::text FROM report_document
        UNION ALL SELECT comment_id, text FROM report_comment
        UNION ALL SELECT id, type FROM event
        ORDER BY id, content
        """
    )


def only(events: list[Event], kind: type[AnyEvent]) -> AnyEvent:
    """The one event of this kind."""
    [found] = [event for event in events if isinstance(event, kind)]
    return found


def amended(command: Command, **changes: Any) -> Command:
    """The same command with other values."""
    return msgspec.structs.replace(command, **changes)
