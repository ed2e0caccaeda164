"""Four eyes: an irreversible command is stored as sent and carried out when a second person approves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from services.kernel.actors import Actor, OtherOrganisation, RoleMissing
from services.kernel.clocks import require_since
from services.kernel.refusals import Conflict, Forbidden, NotFound, NotYetKnown, Refusal
from services.runtime import failpoints, outbox
from services.runtime.messages import (
    Answer,
    CloudEvent,
    Command,
    Event,
    RefusalBody,
    decode,
    encode,
    wire_name,
)
from services.runtime.outbox import Fact
from services.runtime.postgres import Transaction, row

if TYPE_CHECKING:
    from services.runtime.inbox import Service

LIFETIME = timedelta(days=7)


class State(StrEnum):
    """Where an approval is."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"


class Step(StrEnum):
    """What happens to a pending approval."""

    APPROVE = "APPROVE"
    REFUSE = "REFUSE"
    EXPIRE = "EXPIRE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.PENDING, Step.APPROVE): State.APPROVED,
    (State.PENDING, Step.REFUSE): State.REFUSED,
    (State.PENDING, Step.EXPIRE): State.EXPIRED,
}


class Decision(Command, frozen=True, kw_only=True):
    """What a second person says of a pending command; each service names its own two."""

    approval_id: UUID


class Approve(Decision, frozen=True, kw_only=True):
    """Carries the command out on today's state, irrevocably."""


class Refuse(Decision, frozen=True, kw_only=True):
    """Ends the command without effect."""

    reason: str


class ApprovalRequested(Event, frozen=True, kw_only=True):
    """A command waits for a second person."""

    approval_id: UUID
    command_type: str
    approver_role: str

    @property
    def subject(self) -> str:
        return f"approval/{self.approval_id}"


class ApprovalDecided(Event, frozen=True, kw_only=True):
    """A second person has approved or refused the command, or it was too late."""

    approval_id: UUID
    command_type: str
    state: str
    decided_by: str
    reason: str | None = None
    refusal: RefusalBody | None = None

    @property
    def subject(self) -> str:
        return f"approval/{self.approval_id}"


@dataclass(eq=False)
class ApprovalUnknown(NotFound):
    """No command waits under this approval id."""

    given: UUID


@dataclass(eq=False)
class ApprovalNotPending(Conflict):
    """This approval was decided before, or has expired."""

    approval_id: UUID
    state: str


@dataclass(eq=False)
class MakerIsApprover(Forbidden):
    """Nobody approves what they asked for themselves."""

    subject: str


@dataclass(eq=False)
class ApproverIsAnother(Forbidden):
    """This command is approved, or refused, by one party alone."""

    subject: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A command as its maker sent it, and who may approve it."""

    id: UUID
    command_type: str
    command: str
    approver_role: str
    approver: str | None
    """Who alone may decide; None is anybody with the role."""
    maker: str
    organisation: UUID | None
    roles: Sequence[str]
    state: str
    requested_at: datetime
    expires_at: datetime
    """Until when a decision may be effective."""
    lapses_at: datetime
    """Until when it may come, by the clock: later for what was requested in the past."""

    def is_over(self, tx: Transaction) -> bool:
        """Whether it is too late: a historian may decide as of the past, and gains no time by it."""
        return tx.effective_at > self.expires_at or tx.recorded_at > self.lapses_at

    @property
    def maker_actor(self) -> Actor:
        """The maker, with the roles held when asking."""
        return Actor(self.maker, self.organisation, frozenset(self.roles))


@dataclass(frozen=True, slots=True)
class Words:
    """A service's own names for the two decisions and the two events of the one mechanism."""

    approve: type[Approve]
    refuse: type[Refuse]
    requested: type[ApprovalRequested]
    decided: type[ApprovalDecided]


class _Undone(Exception):  # noqa: N818 - leaves the savepoint of a trial run
    pass


async def request(
    tx: Transaction, envelope: CloudEvent, command: Command, service: "Service"
) -> tuple[Answer, Sequence[Fact]]:
    """Stores the command for a second person; what the rules refuse already today is refused at once."""
    try:
        async with tx.connection.transaction():
            await service.commands[type(command)](replace(tx, approved_by=""), command)
            raise _Undone
    except _Undone:
        pass
    approval_id, role = UUID(tx.message_id), service.four_eyes[type(command)]
    approver = service.approvers.get(type(command))
    await tx.connection.execute(
        outbox.sql["insert_approval"],
        approval_id,
        envelope.type,
        encode(command).decode(),
        role,
        approver and approver(command),
        tx.actor.subject,
        tx.actor.organisation,
        sorted(tx.actor.roles),
        tx.effective_at,
        tx.effective_at + LIFETIME,
        max(tx.effective_at, tx.recorded_at) + LIFETIME,
    )
    requested = service.approvals.requested(
        approval_id=approval_id, command_type=envelope.type, approver_role=role
    )
    answer = Answer(
        command_id=tx.message_id,
        outcome=Answer.PENDING,
        subject=requested.subject,
        approval_id=approval_id,
    )
    return answer, outbox.facts(tx, [requested])


async def decide(
    tx: Transaction, decision: Decision, service: "Service"
) -> tuple[Answer, Sequence[Fact]]:
    """Carries out or ends what waits; its answer is the final one."""
    waiting = await _lock_pending(tx, decision.approval_id)
    _require_second_person(tx.actor, waiting)
    require_since(waiting.requested_at, tx.effective_at)
    if waiting.is_over(tx):
        too_late = RefusalBody.of(ApprovalNotPending(waiting.id, State.EXPIRED))
        return await _close(tx, service, waiting, Step.EXPIRE, None, too_late)
    if isinstance(decision, Refuse):
        return await _close(tx, service, waiting, Step.REFUSE, decision.reason, None)
    return await _carry_out(tx, service, waiting)


async def _carry_out(
    tx: Transaction, service: "Service", waiting: Approval
) -> tuple[Answer, Sequence[Fact]]:
    """The handler runs again, as the maker, on today's state."""
    kind = next(kind for kind in service.commands if wire_name(kind) == waiting.command_type)
    command = decode(kind, waiting.command.encode())
    made = replace(tx, actor=waiting.maker_actor, approved_by=tx.actor.subject)
    try:
        async with tx.connection.transaction():
            events = await service.commands[kind](made, command)
            failpoints.reach(failpoints.IN_APPROVAL)
    except NotYetKnown:
        raise
    except Refusal as refusal:
        return await _close(tx, service, waiting, Step.REFUSE, None, RefusalBody.of(refusal))
    _, decided = await _close(tx, service, waiting, Step.APPROVE, None, None)
    subject = events[0].subject if events else None
    answer = Answer(
        command_id=tx.message_id, outcome=Answer.ACCEPTED, subject=subject, approval_id=waiting.id
    )
    return answer, [*outbox.facts(made, events), *decided]


async def _close(
    tx: Transaction,
    service: "Service",
    waiting: Approval,
    step: Step,
    reason: str | None,
    refusal: RefusalBody | None,
) -> tuple[Answer, Sequence[Fact]]:
    state = LIFECYCLE[State(waiting.state), step]
    await tx.connection.execute(
        outbox.sql["decide_approval"], waiting.id, state, tx.actor.subject, tx.effective_at, reason
    )
    decided = service.approvals.decided(
        approval_id=waiting.id,
        command_type=waiting.command_type,
        state=state,
        decided_by=tx.actor.subject,
        reason=reason,
        refusal=refusal,
    )
    answer = Answer(
        command_id=tx.message_id,
        outcome=Answer.ACCEPTED if refusal is None else Answer.REFUSED,
        subject=decided.subject,
        approval_id=waiting.id,
        refusal=refusal,
    )
    return answer, outbox.facts(tx, [decided])


async def _lock_pending(tx: Transaction, approval_id: UUID) -> Approval:
    record = await tx.connection.fetchrow(outbox.sql["lock_approval"], approval_id)
    waiting = row(Approval, record)
    if waiting is None:
        raise ApprovalUnknown(approval_id)
    if waiting.state != State.PENDING:
        raise ApprovalNotPending(approval_id, waiting.state)
    return waiting


def _require_second_person(actor: Actor, waiting: Approval) -> None:
    if actor.subject == waiting.maker:
        raise MakerIsApprover(actor.subject)
    if waiting.approver not in (None, actor.subject):
        raise ApproverIsAnother(actor.subject)
    if waiting.approver_role not in actor.roles:
        raise RoleMissing(actor.subject, waiting.approver_role)
    # An approver of no organisation is the registry's own; one of a company approves that company's commands only.
    if actor.organisation not in (None, waiting.organisation):
        raise OtherOrganisation(actor.subject)
