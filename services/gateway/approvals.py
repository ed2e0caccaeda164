"""Approvals: what waits for a second person, in whichever service, and what that person says."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from services.gateway import reads
from services.gateway.commands import CommandInput, Payload, answered, described, send
from services.gateway.context import Context, Info
from services.gateway.objects import Node, Recorded, decoded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.states import ApprovalState
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
class Approval(Recorded):
    service: str = strawberry.field(description="Which keeps it: registry, issuance or settlement.")
    approval_id: UUID
    command_type: str
    command: strawberry.Private[Any]
    approver_role: str
    maker: str
    organisation: UUID | None = strawberry.field(name="organisationId")
    state: ApprovalState
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None

    @property
    def subject(self) -> str:
        return f"approval/{self.approval_id}"

    @property
    def key(self) -> str:
        return f"{self.service}/{self.approval_id}"

    @property
    def keeper(self) -> str:
        return self.service

    @strawberry.field(name="command", description="The command as its maker sent it.")
    def its_command(self) -> JSON:
        return decoded(self.command)


APPROVALS: Keyset[Approval] = Keyset(
    "approvals", (datetime, UUID), lambda one: (one.requested_at, one.approval_id)
)


async def _everywhere(context: Context, statement: str, *values: object) -> list[Approval]:
    """What the services have, asked at the same time; the statement's name has a gap for the service's."""
    found = await asyncio.gather(
        *(
            reads.private(context, Approval, statement.format(service), *values)
            for service in reads.SERVICES
        )
    )
    return [one for rows in found for one in rows]


async def approval_of(info: Info, approval_id: UUID | None) -> Approval | None:
    """The approval with this id, whichever service keeps it, if the viewer may see it."""
    if approval_id is None:
        return None
    return reads.only(await _everywhere(info.context, "get_{}_approval", approval_id))


async def approval_by_key(info: Info, key: str) -> Approval | None:
    """The approval that one service keeps, if the viewer may see it; raises ValueError if no service has such a key."""
    service, _, approval_id = key.partition("/")
    if service not in reads.SERVICES:
        raise ValueError(service)
    statement = f"get_{service}_approval"
    return reads.only(await reads.private(info.context, Approval, statement, UUID(approval_id)))


@strawberry.type
class ApprovalQueries:
    @strawberry.field(description="Approvals that you may see or decide, the latest first.")
    async def approvals(
        self,
        info: Info,
        state: ApprovalState | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Approval]:
        values = (state, *APPROVALS.after(after), rows_wanted(first))
        rows = await _everywhere(info.context, "list_{}_approvals", *values)
        rows.sort(key=APPROVALS.key, reverse=True)
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

    @strawberry.field(
        description="What the approved command was done to, as it is now; null if you may not see it."
    )
    async def changed(self, info: Info) -> Node | None:
        from services.gateway.nodes import named

        return await named(info, self.subject)


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
    found = await approval_of(info, given.approval_id)
    if found is None:
        unknown = approval.ApprovalUnknown(given.approval_id)
        return answered(DecisionPayload, given.id, _refused(given.id, unknown))
    return await send(info, DecisionPayload, getattr(_WORDS[found.service], word), given)


def _refused(command_id: UUID, unknown: approval.ApprovalUnknown) -> Answer:
    return Answer(
        command_id=str(command_id), outcome=Answer.REFUSED, refusal=RefusalBody.of(unknown)
    )
