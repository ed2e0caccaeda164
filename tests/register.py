"""The registry and issuance for tests: parties, projects and batches, with new names for each."""

import secrets
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.issuance.messages import ApproveCommand, IssueCredits, RecordReduction
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages import (
    OpenAccount,
    PublishMethodology,
    RegisterOrganisation,
    RegisterProgramme,
    RegisterProject,
    SubmitProject,
)
from services.registry.organisations import check_character
from tests.wire import APPROVER, Wire

NATIONAL, PILOT = "CCER", "WEEE-PILOT"
PROGRAMMES = {NATIONAL: "NATIONAL", PILOT: "PILOT_ASSOCIATION"}
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

    async def register_programmes(self) -> None:
        """The national programme and a pilot, each with a methodology."""
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
                    code=f"{code}-M", programme=code, name="Method", crediting_years_max=40
                )
            )

    async def party(self, kind: str = "OWNER") -> Party:
        """A new organisation with an open account of this kind."""
        organisation_id, account_id = new_id(), new_id()
        name = self.unique("Org")
        await self.accepted(
            RegisterOrganisation(
                organisation_id=organisation_id, name=name, credit_code=_credit_code()
            )
        )
        await self.accepted(
            OpenAccount(account_id=account_id, organisation_id=organisation_id, kind=kind)
        )
        account = await self.database.fetchval(
            "SELECT number FROM registry.account WHERE account_id = $1", account_id
        )
        roles = frozenset({"owner-operator"})
        return Party(
            organisation_id, account_id, account, Actor(f"op@{name}", organisation_id, roles)
        )

    async def project(self, owner: Party, programme: str = NATIONAL) -> str:
        """A new registered project of this owner."""
        code = self.unique("P")
        await self.accepted(
            SubmitProject(
                project_id=new_id(),
                code=code,
                programme=programme,
                methodology=f"{programme}-M",
                owner_account=owner.account,
                name=f"Project {code}",
                province="Sichuan",
                longitude=Decimal("104.5"),
                latitude=Decimal("30.5"),
                construction_started_on=date(2020, 1, 1),
                crediting_from=date(2021, 1, 1),
                crediting_until=date(2030, 12, 31),
                expected_annual_tonnes=100_000,
                validation_body="VVB-1",
            )
        )
        await self.accepted(RegisterProject(code=code))
        return code

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
            )
        )
        waiting = await self.accepted(IssueCredits(batch_id=batch_id, reduction_id=reduction_id))
        assert waiting.approval_id is not None
        await self.accepted(ApproveCommand(approval_id=waiting.approval_id), APPROVER)
        await self.until(
            "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)", batch_id
        )
        return batch_id


def _credit_code() -> str:
    body = "91110000" + "".join(secrets.choice("0123456789") for _ in range(9))
    return body + check_character(body)
