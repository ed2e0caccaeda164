"""Commands: an input becomes a message for a service, and the service's answer becomes a payload."""

import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import strawberry

from services.gateway.context import Info
from services.gateway.errors import BadInput, Refusal
from services.gateway.reads import require_storable
from services.kernel import refusals
from services.kernel.actors import Actor
from services.runtime.messages import Answer, CloudEvent, Command, RefusalBody, encode, wire_name

UNKNOWN = "UNKNOWN"


@strawberry.enum(description="What became of a command.")
class Outcome(Enum):
    ACCEPTED = strawberry.enum_value(Answer.ACCEPTED, description="It has taken effect.")
    PENDING = strawberry.enum_value(Answer.PENDING, description="It waits for a second person.")
    REFUSED = strawberry.enum_value(Answer.REFUSED, description="It has no effect: see errors.")
    UNKNOWN = strawberry.enum_value(UNKNOWN, description="No answer: repeat it with the same id.")


@strawberry.interface(description="The answer to a command: the first one, at every repeat.")
class Payload:
    command_id: UUID
    outcome: Outcome
    subject: str | None = strawberry.field(description="What it was done to: project/A110001.")
    approval_id: UUID | None = strawberry.field(
        description="Under which it waits for a second person."
    )
    errors: list[Refusal] = strawberry.field(description="Why it was refused; empty if it was not.")
    result: strawberry.Private[msgspec.Raw]

    def key(self, kind: str) -> str:
        """The key of the subject if it is of this kind, else an empty text, which no key is."""
        subject_kind, _, key = (self.subject or "").partition("/")
        return key if subject_kind == kind else ""

    def uuid(self, kind: str) -> UUID | None:
        """The key as the id that it is."""
        key = self.key(kind)
        return UUID(key) if key else None


@strawberry.type(description="The answer to a command that brings nothing else to read.")
class CommandPayload(Payload):
    pass


@strawberry.input(description="What every command has.")
class CommandInput:
    id: UUID = strawberry.field(
        description="Made by the client, best a UUIDv7; also the id of what the command makes."
        " A repeat with the same content gets the first answer."
    )
    effective_at: datetime | None = strawberry.field(
        default=None,
        description="From when it is effective; now, unless the caller is a historian.",
    )


AnyPayload = TypeVar("AnyPayload", bound=Payload)


def described(command: type[Command]) -> str:
    """The message's own words."""
    return inspect.getdoc(command) or ""


async def send(
    info: Info,
    payload: type[AnyPayload],
    command: type[Command],
    given: CommandInput,
    **own: object,
) -> AnyPayload:
    """Sends the input as this command, with the viewer as its actor, and waits for the answer."""
    actor = info.context.require_viewer().actor
    envelope = _envelope(_message(command, given, own), given, actor)
    try:
        answer = await info.context.house.caller.call(envelope)
    except refusals.Refusal as refusal:
        answer = Answer(command_id=envelope.id, outcome=UNKNOWN, refusal=RefusalBody.of(refusal))
    return answered(payload, given.id, answer)


def _message(command: type[Command], given: CommandInput, own: Mapping[str, object]) -> Command:
    """The message with the fields that it shares with the input, and its own; raises BadInput."""
    names = command.__struct_fields__
    content = {name: _plain(getattr(given, name)) for name in names if hasattr(given, name)}
    require_storable(content)
    try:
        return msgspec.convert(content | dict(own), command)
    except msgspec.ValidationError as fault:
        raise BadInput(str(fault)) from None


def _plain(value: Any) -> Any:
    """Inputs inside an input as mappings."""
    if isinstance(value, list):
        return [_plain(one) for one in cast(list[Any], value)]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _envelope(command: Command, given: CommandInput, actor: Actor) -> CloudEvent:
    now = datetime.now(UTC)
    return CloudEvent(
        specversion="1.0",
        id=str(given.id),
        source="/gateway",
        type=wire_name(type(command)),
        time=now,
        datacontenttype="application/json",
        effectiveat=given.effective_at or now,
        actor=actor.subject,
        actororganisation=actor.organisation,
        actorroles=",".join(sorted(actor.roles)),
        data=msgspec.Raw(encode(command)),
    )


def answered(payload: type[AnyPayload], command_id: UUID, answer: Answer) -> AnyPayload:
    """The answer as the payload of its mutation."""
    return payload(
        command_id=command_id,
        outcome=Outcome(answer.outcome),
        subject=answer.subject,
        approval_id=answer.approval_id,
        errors=[] if answer.refusal is None else [Refusal.of(answer.refusal)],
        result=answer.result,
    )
