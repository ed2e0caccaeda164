"""The registry and issuance for tests: parties, projects and batches, with new names for each."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from services.issuance.messages.approvals import ApproveCommand
from services.issuance.messages.batches import IssueCredits
from services.issuance.messages.reductions import RecordReduction
from services.kernel.actors import Actor
from services.kernel.credit_codes import check_character
from services.kernel.ids import new_id
from services.registry.messages.accounts import AppointOperator, OpenAccount, OpenTradingAccount
from services.registry.messages.documents import Document
from services.registry.messages.methodologies import PublishMethodology
from services.registry.messages.notices import OpenNotice
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import RegisterProgramme
from services.registry.messages.projects import DraftProject
from services.registry.messages.registrations import ApplyForRegistration, RegisterProject
from services.registry.messages.validations import RecordValidation, TeamMember
from services.runtime.messages import Command
from tests.wire import APPROVER, Wire

HISTORIAN = Actor("hilda.historian", None, frozenset({"historian", "registrar"}))
RECORDER = Actor("rosa.recorder", None, frozenset({"historian", "registrar"}))
"""Enters what owners did; who decides on it is somebody else."""

NATIONAL, PILOT = "CCER", "WEEE-PILOT"
PROGRAMMES = {NATIONAL: "NATIONAL", PILOT: "PILOT_ASSOCIATION"}
LONGITUDES = {NATIONAL: Decimal("104.5"), PILOT: Decimal("120.5")}
"""Where the projects of a programme lie: too far from those of the other one to be the same."""
CATEGORIES: Mapping[str, str] = {"VERIFIER": "VERIFICATION_BODY", "AUTHORITY": "REGULATOR"}
"""What parties are whose accounts do not trade."""
ROLES: Mapping[str, frozenset[str]] = {"VERIFIER": frozenset({"verifier", "historian"})}
"""What people do who do not own projects."""
NOTICED_DAYS_AGO, VALIDATED_DAYS_AGO = 100, 40
"""Twenty working days lie between them at any time of the year."""
VINTAGE = 2024


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation with its account, and the person who acts for it."""

    organisation_id: UUID
    account_id: UUID
    account: str
    actor: Actor


@dataclass
class Register(Wire):
    """What registrars, verifiers and approvers do before anything can be traded."""

    validation_body: Party | None = None
    """Who validates every project."""

    async def furnish(self) -> None:
        """The body that validates; the national programme and a pilot, each with a methodology."""
        self.validation_body = await self.party("VERIFIER")
        for code, kind in PROGRAMMES.items():
            await self.accepted(
                RegisterProgramme(
                    code=code,
                    name=code,
                    country="CN",
                    kind=kind,
                    is_ets_eligible=kind == "NATIONAL",
                )
            )
            await self.accepted(
                PublishMethodology(
                    code=f"{code}-M",
                    programme=code,
                    name="Method",
                    crediting_years_max=40,
                    valid_from=date(2020, 1, 1),
                )
            )

    async def party(self, kind: str = "OWNER") -> Party:
        """A new organisation with an open account of this kind, which trades if it may."""
        organisation_id, account_id = new_id(), new_id()
        name = self.unique("Org")
        await self.accepted(
            RegisterOrganisation(
                organisation_id=organisation_id,
                name=name,
                credit_code=credit_code(),
                category=CATEGORIES.get(kind, "ENTERPRISE"),
            )
        )
        await self.accepted(
            OpenAccount(account_id=account_id, organisation_id=organisation_id, kind=kind)
        )
        account = await self.database.fetchval(
            "SELECT number FROM registry.account WHERE account_id = $1", account_id
        )
        roles = ROLES.get(kind, frozenset({"owner-operator"}))
        actor = Actor(f"op@{name}", organisation_id, roles)
        if kind not in CATEGORIES:
            await self.open_trading(account, actor.subject)
        return Party(organisation_id, account_id, account, actor)

    async def open_trading(self, account: str, operator: str) -> None:
        """The account's trading account, and its first operator."""
        await self.accepted(AppointOperator(account=account, operator=operator, name=operator))
        await self.accepted(OpenTradingAccount(trading_account_id=new_id(), account=account))

    async def project(
        self, owner: Party, programme: str = NATIONAL, *, days_ago: int = 0, **changes: Any
    ) -> str:
        """A new project of this owner, validated long ago and registered now, or so many days ago."""
        draft = msgspec.structs.replace(self.draft(self.unique("P"), owner, programme), **changes)
        for days, command, actor in self.life(draft):
            await self.past(days_ago + days, command, actor)
        await self.past(days_ago, RegisterProject(code=draft.code))
        return draft.code

    def life(self, draft: DraftProject) -> list[tuple[int, Command, Actor]]:
        """What leads to the registration of a project: so many days ago, each by whom."""
        code, body = draft.code, self.validation_body
        assert body is not None
        noticing = OpenNotice(code=code, validation_body=body.account, documents=(document("PDD"),))
        validating = RecordValidation(
            code=code,
            validation_body=body.account,
            is_positive=True,
            team=tuple(TeamMember(name=name, is_sector_competent=True) for name in "AB"),
            reviewer="C",
            documents=(document("VALIDATION_REPORT"),),
        )
        applying = ApplyForRegistration(code=code, documents=(document("COMMITMENT"),))
        return [
            (NOTICED_DAYS_AGO, draft, RECORDER),
            (NOTICED_DAYS_AGO, noticing, RECORDER),
            (VALIDATED_DAYS_AGO, validating, body.actor),
            (VALIDATED_DAYS_AGO, applying, RECORDER),
        ]

    def draft(self, code: str, owner: Party, programme: str = NATIONAL) -> DraftProject:
        """A project of this owner that is in order."""
        return DraftProject(
            project_id=new_id(),
            code=code,
            programme=programme,
            methodology=f"{programme}-M",
            activity="OTHER",
            owner_account=owner.account,
            name=f"Project {code}",
            province=f"Province of {programme}",
            longitude=LONGITUDES[programme],
            latitude=Decimal("30.5"),
            construction_started_on=date(2020, 1, 1),
            crediting_from=date(2021, 1, 1),
            crediting_until=date(2030, 12, 31),
            expected_annual_tonnes=100_000,
        )

    async def past(self, days: int, command: Command, actor: Actor = HISTORIAN) -> None:
        """Sends a command of so many days ago, which must be accepted."""
        effective_at = datetime.now(UTC) - timedelta(days=days)
        answer = await self.send(command, actor, effective_at=effective_at)
        assert answer.refusal is None, answer.refusal

    async def issue(
        self, project: str, tonnes: int, vintage: int = VINTAGE, month: int = 1
    ) -> UUID:
        """A new batch for the project's owner, from the reductions of one month, once settlement has credited it."""
        reduction_id, batch_id = new_id(), new_id()
        await self.accepted(
            RecordReduction(
                reduction_id=reduction_id,
                project=project,
                period_number=(vintage - 2020) * 12 + month,
                period_start=date(vintage, month, 1),
                period_end=date(vintage, month, 28),
                vintage=vintage,
                tonnes=tonnes,
                verification_body="VVB-2",
                evidence="sha256:0",
            ),
            HISTORIAN,
        )
        waiting = await self.accepted(IssueCredits(batch_id=batch_id, reduction_id=reduction_id))
        assert waiting.approval_id is not None
        await self.accepted(ApproveCommand(approval_id=waiting.approval_id), APPROVER)
        await self.until(
            "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)", batch_id
        )
        return batch_id


def document(kind: str, content: bytes | None = None) -> Document:
    """A document of this kind; with content it is kept."""
    octets = kind.encode() if content is None else content
    return Document(
        kind=kind,
        name=kind,
        sha256=hashlib.sha256(octets).hexdigest(),
        size_bytes=len(octets),
        media_type="text/plain",
        content=content,
    )


def credit_code() -> str:
    """A code that no other organisation has."""
    body = "91110000" + "".join(secrets.choice("0123456789") for _ in range(9))
    return body + check_character(body)
