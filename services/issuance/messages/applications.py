"""What is said of the application to register a report's verified tonnes."""

from datetime import date
from uuid import UUID

from services.runtime.messages import Command, Event


class ApplyForReduction(Command, frozen=True, kw_only=True, tag="issuance.apply_for_reduction"):
    """The owner applies for the registration of exactly the verified tonnes."""

    report_id: UUID
    tonnes: int
    """Of all vintages together."""


class ReductionApplied(Event, frozen=True, kw_only=True, tag="issuance.report.applied"):
    """The registry has to decide on the application within 15 working days."""

    report_id: UUID
    project: str
    tonnes: int
    applied_on: date
    decide_by: date
    is_provisional: bool

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class DecisionOverdue(Event, frozen=True, kw_only=True, tag="issuance.report.decision_overdue"):
    """An alarm: the registry has not decided on the application in time."""

    report_id: UUID
    project: str
    decide_by: date

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class RegisterReduction(Command, frozen=True, kw_only=True, tag="issuance.register_reduction"):
    """Registers what was applied for: reductions of each vintage, from which credits can be issued."""

    report_id: UUID


class ReductionRegistered(Event, frozen=True, kw_only=True, tag="issuance.report.registered"):
    """The report's verified tonnes are registered; ``issuance.reduction.recorded`` names those of each vintage."""

    report_id: UUID
    project: str
    tonnes: int

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"


class RefuseReduction(Command, frozen=True, kw_only=True, tag="issuance.refuse_reduction"):
    """Refuses what was applied for; the period is free for another report."""

    report_id: UUID
    reason: str


class ReductionRefused(Event, frozen=True, kw_only=True, tag="issuance.report.refused"):
    """The registry does not register the report's tonnes."""

    report_id: UUID
    project: str
    reason: str

    @property
    def subject(self) -> str:
        return f"report/{self.report_id}"
