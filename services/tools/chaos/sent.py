"""What was sent and what was answered: all that the auditor knows of the market besides what it hears."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.runtime.messages import CloudEvent

SETTLED, REJECTED = "settlement.trade.settled", "settlement.trade.rejected"
CAPTURED, RECONCILED = "settlement.trade.captured", "settlement.day.reconciled"
BOOKED, REFUSED_BY_BOOKS = "settlement.cash.moved", "settlement.cash.rejected"
CONVERTED, NOT_CONVERTED = "issuance.conversion.completed", "issuance.conversion.refused"
RETIRED, CANCELLED = "settlement.credits.retired", "settlement.credits.cancelled"
NOTIFIED, DISCHARGED = "settlement.obligation.notified", "settlement.obligation.discharged"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to the market, under whose name and where it was published."""

    user: str
    exchange: str
    routing_key: str
    event: CloudEvent


@dataclass(frozen=True, slots=True)
class Told:
    """What must become of a message: exactly one event of one type, with this code if it is a rejection."""

    subject: str
    type: str
    code: str | None = None
    content: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the event must say, as far as the sender can know it."""


@dataclass(slots=True)
class Ask:
    """A command through the gateway, and its first answer once there is one."""

    name: str
    token: str
    id: UUID
    fields: Mapping[str, Any]
    outcome: str
    """What it must be answered: ACCEPTED, PENDING or REFUSED."""
    code: str | None = None
    rival_code: str | None = None
    """By which it may be refused just as well: which of several rivals is first, nobody knows beforehand."""
    answer: Mapping[str, Any] | None = None
    approval_id: str | None = None


@dataclass(frozen=True, slots=True)
class Contest:
    """Uses of credits that want more than there is, all at once."""

    asks: Sequence[Ask]
    room: int
    """Tonnes that there are for all of them together."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that nobody can handle, and where it must be found with a reason."""

    queue: str
    digest: str


@dataclass
class Sent:
    """Everything that the generator has done so far."""

    trades: dict[tuple[str, str], Told] = field(default_factory=dict[tuple[str, str], Told])
    cash: dict[str, Told] = field(default_factory=dict[str, Told])
    days: dict[str, Told] = field(default_factory=dict[str, Told])
    """The days that venues have closed: each count must agree."""
    conflicts: set[str] = field(default_factory=set[str])
    """Subjects of trades that came again with other content."""
    late_cancellations: set[str] = field(default_factory=set[str])
    """Subjects of final trades that the venue tried to cancel."""
    conversions: dict[str, Told] = field(default_factory=dict[str, Told])
    asks: dict[UUID, Ask] = field(default_factory=dict[UUID, Ask])
    approved: set[str] = field(default_factory=set[str])
    """The approvals that a second person has given, and was told so."""
    contests: list[Contest] = field(default_factory=list[Contest])
    poison: list[Poison] = field(default_factory=list[Poison])
    messages: list[Message] = field(default_factory=list[Message])
    answered_otherwise: list[str] = field(default_factory=list[str])
    """Commands whose repeat got another answer than the first one."""

    @property
    def told(self) -> list[Told]:
        """What must become of every message that has one outcome."""
        kinds = self.trades, self.cash, self.days, self.conversions
        return [told for kind in kinds for told in kind.values()]

    def granted(self, *names: str) -> Iterator[Ask]:
        """The commands of these names that two persons wanted, and were told that they have."""
        for ask in self.asks.values():
            if ask.name in names and ask.approval_id in self.approved:
                yield ask

    def count(self) -> int:
        """How many messages and commands there were, resent ones not counted."""
        return len(self.messages) + len(self.asks)
