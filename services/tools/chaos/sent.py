"""What was sent and what was answered: all that the auditor knows of the market besides what it hears."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.runtime.messages import CloudEvent

SETTLED, REJECTED = "settlement.trade.settled", "settlement.trade.rejected"
CAPTURED, RECONCILED = "settlement.trade.captured", "settlement.day.reconciled"
BOOKED, REFUSED_BY_BOOKS = "settlement.cash.moved", "settlement.cash.rejected"


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
    answer: Mapping[str, Any] | None = None
    approval_id: str | None = None


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
    asks: dict[UUID, Ask] = field(default_factory=dict[UUID, Ask])
    poison: list[Poison] = field(default_factory=list[Poison])
    messages: list[Message] = field(default_factory=list[Message])
    answered_otherwise: list[str] = field(default_factory=list[str])
    """Commands whose repeat got another answer than the first one."""

    @property
    def told(self) -> list[Told]:
        """What must become of every message that has one outcome."""
        return [*self.trades.values(), *self.cash.values(), *self.days.values()]

    def count(self) -> int:
        """How many messages and commands there were, resent ones not counted."""
        return len(self.messages) + len(self.asks)
