"""Messages on the wire: commands, events and answers inside CloudEvents 1.0 (structured JSON)."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar
from uuid import UUID

import msgspec

from services.kernel.actors import Actor
from services.kernel.refusals import Invalid, Refusal

CONTENT_TYPE = "application/cloudevents+json"
BODY_BYTES_MAX = 1 << 20
ID_LENGTH_MAX = 200
UNSTORABLE = "text with the character U+0000 cannot be stored"


class Malformed(Exception):  # noqa: N818 - states the fact, like every name here
    """The body is no message that can be answered; it is kept among the dead letters with this reason."""


class Command(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """An imperative for one service; its tag is the wire name ``<service>.<verb>_<noun>``."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A past fact for any listener; its tag is the wire name and its ``subject`` names the aggregate."""

    @property
    def subject(self) -> str:
        """The aggregate in whose gapless sequence the event stands, for example ``project/A110001``."""
        raise TypeError(f"{type(self).__name__} names no aggregate")

    @property
    def by_itself_at(self) -> datetime | None:
        """When time alone made it happen; None of what somebody did."""
        return None


MessageType = TypeVar("MessageType", bound=Command | Event)


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The envelope (CloudEvents 1.0) with Tonne's extension attributes; unknown attributes are ignored."""

    specversion: str = msgspec.field(default="")
    id: str
    source: str
    type: str
    time: datetime | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    effectiveat: datetime | None = None
    actor: str | None = None
    actororganisation: UUID | None = None
    actorroles: str | None = None
    approvedby: str | None = None
    sequence: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def sender(self) -> Actor:
        """The actor that the gateway put into a command."""
        roles = frozenset((self.actorroles or "").split(",")) - {""}
        return Actor(self.actor or "", self.actororganisation, roles)


class RefusalBody(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal as data: the code, its category, one sentence, and the values that disagree."""

    code: str
    category: str
    message: str
    fields: dict[str, str]

    @classmethod
    def of(cls, refusal: Refusal) -> "RefusalBody":
        """The same refusal, ready to be stored or sent."""
        return cls(
            code=refusal.code(),
            category=refusal.category,
            message=refusal.text,
            fields=dict(refusal.values),
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command's sender gets, the first time and at every repeat."""

    ACCEPTED: ClassVar = "ACCEPTED"
    PENDING: ClassVar = "PENDING"
    REFUSED: ClassVar = "REFUSED"

    command_id: str
    outcome: str
    subject: str | None = None
    approval_id: UUID | None = None
    refusal: RefusalBody | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    """What a dry run found; a command that takes effect has none."""


class MalformedCommand(Invalid):
    """The command's content is not of the form that its type asks for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def values(self) -> Mapping[str, str]:
        """What the decoder found."""
        return {"reason": self.reason}


_NUL = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u0000"
)  # written as an escape: PostgreSQL's text cannot hold it

_envelopes = msgspec.json.Decoder(CloudEvent)
_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def wire_name(message: type[Command | Event]) -> str:
    """The type's name on the wire, which is its tag."""
    return str(message.__struct_config__.tag)


def by_wire_name(messages: Sequence[type[MessageType]]) -> Mapping[str, type[MessageType]]:
    """Message types by their names on the wire."""
    return {wire_name(message): message for message in messages}


def encode(value: object) -> bytes:
    """JSON with a fixed order of keys, so that equal content has equal bytes."""
    return _encoder.encode(value)


def decode_envelope(body: bytes) -> CloudEvent:
    """The envelope of a message; raises Malformed when it is no CloudEvent that we can read."""
    if len(body) > BODY_BYTES_MAX:
        raise Malformed(f"body of {len(body)} bytes is over {BODY_BYTES_MAX}")
    try:
        envelope = _envelopes.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed(f"not a CloudEvent in JSON: {fault}") from None
    if envelope.specversion != "1.0" or not envelope.id or not envelope.source:
        raise Malformed("not a CloudEvent: specversion 1.0, id and source are required")
    if len(envelope.id) > ID_LENGTH_MAX or not (envelope.id + (envelope.actor or "")).isprintable():
        raise Malformed(f"id and actor must be printable, an id of at most {ID_LENGTH_MAX}")
    return envelope


def decode(message: type[MessageType], content: bytes | msgspec.Raw) -> MessageType:
    """The content as this type; raises MalformedCommand with the decoder's reason."""
    if not is_storable(content):
        raise MalformedCommand(UNSTORABLE)
    try:
        return msgspec.json.decode(content, type=message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise MalformedCommand(str(fault)) from None


def is_storable(content: bytes | msgspec.Raw) -> bool:
    """Whether the database can keep every text in the content: it cannot keep the character U+0000."""
    octets = bytes(content)
    return b"u0000" not in octets or _NUL.search(octets) is None


def decode_answer(body: bytes) -> Answer:
    """An answer as its sender wrote it."""
    return msgspec.json.decode(body, type=Answer)


def digest(*parts: bytes | str) -> bytes:
    """SHA-256 over the parts with their lengths: the same content, the same digest."""
    hashed = hashlib.sha256()
    for part in parts:
        octets = part.encode() if isinstance(part, str) else part
        hashed.update(len(octets).to_bytes(8, "big") + octets)
    return hashed.digest()


def canonical(content: bytes | msgspec.Raw) -> bytes:
    """JSON content with sorted keys and no blanks, for comparing what two messages say."""
    return _encoder.encode(msgspec.json.decode(content))


def raw(content: str) -> msgspec.Raw:
    """JSON text as content that is written into an envelope as it is."""
    return msgspec.Raw(content.encode())
