"""Approvals: what waits for a second person, in whichever service, and what that person says."""

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from services.gateway import reads
from services.gateway.commands import CommandInput, Payload, answered, described, send
from services.gateway.context import Context, Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.issuance import messages as issuance
from services.registry import messages as registry
from services.runtime import approval
from services.runtime.messages import Answer, RefusalBody
from services.settlement import messages as settlement

_WORDS = {
    "registry": registry.APPROVALS,
    "issuance": issuance.APPROVALS,
    "settlement": settlement.APPROVALS,
}


@strawberry.type(description="An irreversible command that needs a second person.")
class Approval:
    id: UUID
    command_type: str
    command: strawberry.Private[Any]
    approver_role: str
    maker: str
    organisation: UUID | None = strawberry.field(name="organisationId")
    state: str = strawberry.field(description="PENDING, APPROVED, REFUSED or EXPIRED.")
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None

    @strawberry.field(name="command", description="The command as its maker sent it.")
    def its_command(self) -> JSON:
        return json.loads(self.command) if isinstance(self.command, str) else self.command


APPROVALS: Keyset[Approval] = Keyset(
    "approvals", (datetime, UUID), lambda one: (one.requested_at, one.id)
)


async def _everywhere(
    context: Context, statement: str, *values: object
) -> dict[str, list[Approval]]:
    """What each service has, asked at the same time; the statement's name has a gap for the service's."""
    found = await asyncio.gather(
        *(
            reads.private(context, Approval, statement.format(service), *values)
            for service in reads.SERVICES
        )
    )
    return dict(zip(reads.SERVICES, found, strict=True))


async def find(context: Context, approval_id: UUID) -> tuple[str, Approval] | None:
    """The approval and the service that keeps it, if the viewer may see it."""
    everywhere = await _everywhere(context, "get_{}_approval", approval_id)
    return next(((service, rows[0]) for service, rows in everywhere.items() if rows), None)


async def approval_of(info: Info, approval_id: UUID | None) -> Approval | None:
    """The approval with this id, if the viewer may see it."""
    found = None if approval_id is None else await find(info.context, approval_id)
    return found and found[1]


@strawberry.type
class ApprovalQueries:
    @strawberry.field(description="Approvals that you may see or decide, the latest first.")
    async def approvals(
        self,
        info: Info,
        state: str | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Approval]:
        values = (state, *APPROVALS.after(after), rows_wanted(first))
        everywhere = await _everywhere(info.context, "list_{}_approvals", *values)
        rows = [row for rows in everywhere.values() for row in rows]
        rows.sort(key=lambda one: (one.requested_at, one.id), reverse=True)
        return APPROVALS.page(rows, first)

    @strawberry.field(description="The approval with this id; null if you may not see it.")
    async def approval(self, info: Info, id_: UUID) -> Approval | None:
        return await approval_of(info, id_)


@strawberry.input
class ApproveInput(CommandInput):
    approval_id: UUID


@strawberry.input
class RefuseInput(CommandInput):
    approval_id: UUID
    reason: str


@strawberry.type(description="The final answer to what was approved or refused.")
class DecisionPayload(Payload):
    @strawberry.field
    async def approval(self, info: Info) -> Approval | None:
        return await approval_of(info, self.approval_id)


@strawberry.type
class ApprovalMutations:
    @strawberry.mutation(description=described(approval.Approve))
    async def approve(self, info: Info, input_: ApproveInput) -> DecisionPayload:
        return await _decide(info, "approve", input_)

    @strawberry.mutation(description=described(approval.Refuse))
    async def refuse(self, info: Info, input_: RefuseInput) -> DecisionPayload:
        return await _decide(info, "refuse", input_)


async def _decide(info: Info, word: str, given: ApproveInput | RefuseInput) -> DecisionPayload:
    """Sends the decision to the service that keeps the approval; one that nobody may see is unknown."""
    info.context.require_viewer()
    found = await find(info.context, given.approval_id)
    if found is None:
        unknown = approval.ApprovalUnknown(given.approval_id)
        return answered(DecisionPayload, given.id, _refused(given.id, unknown))
    service, _ = found
    return await send(info, DecisionPayload, getattr(_WORDS[service], word), given)


def _refused(command_id: UUID, unknown: approval.ApprovalUnknown) -> Answer:
    return Answer(
        command_id=str(command_id), outcome=Answer.REFUSED, refusal=RefusalBody.of(unknown)
    )
