"""The registry in one transaction, with owners, verification bodies and programmes, for tests of projects."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.kernel.actors import Actor, Role
from services.kernel.clocks import BEIJING
from services.kernel.ids import new_id
from services.kernel.refusals import Refusal
from services.registry import handlers
from services.registry.messages.accounts import OpenAccount
from services.registry.messages.calendars import DayOpened, OpenDay
from services.registry.messages.documents import Document
from services.registry.messages.methodologies import PublishMethodology
from services.registry.messages.notices import OpenNotice
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import RegisterProgramme
from services.registry.messages.projects import DraftProject, WithdrawProject
from services.registry.messages.registrations import ApplyForRegistration, RegisterProject
from services.registry.messages.validations import RecordValidation, TeamMember
from services.runtime import migrate, outbox, queries
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.tools.companies import invented_credit_code

OWNER, OTHER, BODY, OTHER_BODY = (UUID(int=number) for number in (11, 12, 13, 14))
REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
IMPORTER = Actor("importer-1", None, frozenset({Role.REGISTRAR, Role.HISTORIAN, Role.VERIFIER}))
APPROVER = Actor("approver-1", None, frozenset({Role.APPROVER}))
OPERATOR = Actor("operator-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
VERIFIER = Actor("verifier-1", BODY, frozenset({Role.VERIFIER}))
PASSER_BY = Actor("citizen-1")
OTHERS_ACTS = (
    DraftProject,
    OpenNotice,
    RecordValidation,
    ApplyForRegistration,
    WithdrawProject,
)
"""What owners and verification bodies do: here entered from the record unless a test says who."""
CODE, TWIN_CODE = "A210001", "HZ-WIND-1"


def at(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BEIJING)


def document(kind: str, content: bytes | None = None) -> Document:
    octets = content or kind.encode()
    return Document(
        kind=kind,
        name=f"{kind}.pdf",
        sha256=hashlib.sha256(octets).hexdigest(),
        size_bytes=len(octets),
        media_type="application/pdf",
        content=content,
    )


@dataclass
class Registry:
    """The registry's handlers in one transaction that is never committed."""

    tx: Transaction
    owner: str = ""
    other_owner: str = ""
    body: str = ""
    other_body: str = ""

    async def say(
        self, command: Command, actor: Actor | None = None, when: datetime | None = None
    ) -> list[Event]:
        """What the command lets the registry say, told in the history; a refusal leaves nothing behind."""
        usual = IMPORTER if isinstance(command, OTHERS_ACTS) else REGISTRAR
        tx = replace(
            self.tx,
            actor=actor or usual,
            effective_at=when or self.tx.effective_at,
            message_id=str(new_id()),
        )
        async with tx.connection.transaction():
            events = list(await handlers.SERVICE.commands[type(command)](tx, command))
            await outbox.append(tx, events)
        return events

    async def refused(
        self,
        refusal: type[Refusal],
        command: Command,
        actor: Actor | None = None,
        when: datetime | None = None,
    ) -> Refusal:
        """The refusal that the command meets."""
        with pytest.raises(refusal) as raised:
            await self.say(command, actor, when)
        return raised.value

    async def account(self, organisation: UUID, kind: str) -> str:
        """The number of the account of a new organisation."""
        name = f"{kind} {organisation}"
        entry = RegisterOrganisation(
            organisation_id=organisation,
            name=name,
            credit_code=invented_credit_code(name),
            category="VERIFICATION_BODY" if kind == "VERIFIER" else "ENTERPRISE",
        )
        await self.say(entry)
        [opened] = await self.say(
            OpenAccount(account_id=new_id(), organisation_id=organisation, kind=kind)
        )
        return opened.number  # pyright: ignore[reportAttributeAccessIssue]

    def draft(self, **changes: object) -> DraftProject:
        values: dict[str, object] = {
            "project_id": new_id(),
            "code": CODE,
            "programme": "CCER",
            "methodology": "CCER-01-002-V01",
            "activity": "OFFSHORE_WIND",
            "owner_account": self.owner,
            "name": "半岛南海上风电项目",
            "province": "山东省",
            "longitude": Decimal("121.382652"),
            "latitude": Decimal("36.41097"),
            "construction_started_on": date(2020, 7, 8),
            "crediting_from": date(2022, 4, 1),
            "crediting_until": date(2032, 3, 31),
            "expected_annual_tonnes": 497_191,
        }
        return DraftProject(**values | changes)  # pyright: ignore[reportArgumentType]

    def twin(self, **changes: object) -> DraftProject:
        own = {"code": TWIN_CODE, "programme": "PILOT", "methodology": "PILOT-M"}
        return self.draft(**own | changes)

    def notice(self, code: str = CODE, **changes: object) -> OpenNotice:
        values: dict[str, object] = {
            "code": code,
            "validation_body": self.body,
            "documents": (document("PDD"),),
        }
        return OpenNotice(**values | changes)  # pyright: ignore[reportArgumentType]

    def validation(self, code: str = CODE, **changes: object) -> RecordValidation:
        values: dict[str, object] = {
            "code": code,
            "validation_body": self.body,
            "is_positive": True,
            "team": tuple(TeamMember(name=name, is_sector_competent=True) for name in "甲乙"),
            "reviewer": "丙",
            "documents": (document("VALIDATION_REPORT"),),
        }
        return RecordValidation(**values | changes)  # pyright: ignore[reportArgumentType]

    def application(self, code: str = CODE) -> ApplyForRegistration:
        return ApplyForRegistration(code=code, documents=(document("COMMITMENT"),))

    async def noticed(
        self, draft: DraftProject | None = None, when: datetime | None = None
    ) -> None:
        """A project whose notice opened on 2026-07-17 and ends on 2026-08-13."""
        given = draft or self.draft()
        await self.say(given, when=when or at(7, 17))
        await self.say(self.notice(given.code), when=when or at(7, 17))

    async def applied(self, draft: DraftProject | None = None) -> None:
        """A project that waits for its registration since Monday 2026-08-17."""
        given = draft or self.draft()
        await self.noticed(given)
        await self.say(self.validation(given.code), VERIFIER, at(8, 14))
        await self.say(self.application(given.code), when=at(8, 17))

    async def registered(self, draft: DraftProject | None = None) -> None:
        given = draft or self.draft()
        await self.applied(given)
        await self.say(RegisterProject(code=given.code), REGISTRAR, at(9, 1))

    async def open_day(self, day: date) -> list[Event]:
        opened, *events = await self.say(
            OpenDay(date=day), REGISTRAR, datetime(day.year, day.month, day.day, tzinfo=BEIJING)
        )
        assert opened == DayOpened(date=day)
        return events

    async def row(self, code: str = CODE) -> dict[str, Any]:
        found = await self.tx.connection.fetchrow("SELECT * FROM project WHERE code = $1", code)
        assert found is not None
        return dict(found)

    async def state(self, code: str = CODE) -> str:
        return (await self.row(code))["state"]

    async def broken(self) -> set[str]:
        invariants = queries.load(migrate.SCHEMA_FOLDER / "registry" / "invariants.sql")
        return {
            name
            for name, statement in invariants.items()
            if await self.tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
        }


async def furnished(tx: Transaction) -> Registry:
    """Two owners, two verification bodies, and two programmes with a methodology each."""
    registry = Registry(tx)
    registry.owner = await registry.account(OWNER, "OWNER")
    registry.other_owner = await registry.account(OTHER, "OWNER")
    registry.body = await registry.account(BODY, "VERIFIER")
    registry.other_body = await registry.account(OTHER_BODY, "VERIFIER")
    for code, kind, methodology in (
        ("CCER", "NATIONAL", "CCER-01-002-V01"),
        ("PILOT", "PILOT_ASSOCIATION", "PILOT-M"),
    ):
        await registry.say(
            RegisterProgramme(code=code, name=code, country="CN", kind=kind, is_ets_eligible=False)
        )
        await registry.say(
            PublishMethodology(
                code=methodology,
                programme=code,
                name="并网海上风力发电",
                crediting_years_max=10,
                valid_from=date(2023, 10, 24),
            )
        )
    return registry
