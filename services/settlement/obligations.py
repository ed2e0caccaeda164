"""Obligations in the national ETS: what is owed for a year's emissions, by when, and what becomes of it (rule 22)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.issuance.messages.compliance import ObligationSet
from services.kernel.lifecycles import advance
from services.kernel.refusals import Conflict
from services.settlement.messages.states import ObligationState as State

PROOFS = "ETS"
"""The series in which proofs of compliance are numbered, by year and without a gap."""


class Step(StrEnum):
    """What happens to an obligation: a part is paid, or all of it in time or late; its deadline passes; more is due."""

    DISCHARGE = "DISCHARGE"
    MEET = "MEET"
    ENFORCE = "ENFORCE"
    MISS = "MISS"
    RAISE = "RAISE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.NOTIFIED, Step.DISCHARGE): State.PARTIAL,
    (State.NOTIFIED, Step.MEET): State.MET,
    (State.NOTIFIED, Step.MISS): State.OVERDUE,
    (State.PARTIAL, Step.DISCHARGE): State.PARTIAL,
    (State.PARTIAL, Step.MEET): State.MET,
    (State.PARTIAL, Step.MISS): State.OVERDUE,
    (State.OVERDUE, Step.DISCHARGE): State.OVERDUE,
    (State.OVERDUE, Step.ENFORCE): State.ENFORCED,
    # It was done in time, and is entered late by a historian.
    (State.OVERDUE, Step.MEET): State.MET,
    (State.MET, Step.RAISE): State.PARTIAL,
    (State.ENFORCED, Step.RAISE): State.OVERDUE,
}
_SETTLED = frozenset({State.MET, State.ENFORCED})
_YEAR = re.compile(r"[1-9][0-9]{3}")


@dataclass(eq=False)
class ObligationUnknown(Conflict):
    """Allowances and credits count towards what their account owes for a year, and nothing is on record."""

    account: str
    reporting_period: str


@dataclass(eq=False)
class ObligationNotOverdue(Conflict):
    """Only an obligation that is overdue is enforced."""

    account: str
    emission_year: int
    state: str


@dataclass(frozen=True, slots=True)
class Obligation:
    """What an account owes for its emissions of one year, and what has been done about it."""

    account: str
    emission_year: int
    version: int
    due: int
    offset_max: int
    deadline: datetime
    """The first instant that is too late."""
    allowance_vintages: Sequence[int]
    credits_registered_after: date | None
    plan: str
    is_draft: bool
    state: State = State.NOTIFIED
    surrendered: int = 0
    offset_used: int = 0
    proof_number: str | None = None
    programme: str | None = None
    """Whose allowances are accepted."""

    @property
    def subject(self) -> str:
        """How events name it."""
        return f"obligation/{self.account}/{self.emission_year}"

    @property
    def discharged(self) -> int:
        """What has been surrendered and offset."""
        return self.surrendered + self.offset_used

    @property
    def outstanding(self) -> int:
        """What is left; nothing, if less became due than had been discharged."""
        return max(0, self.due - self.discharged)


def emission_year(reporting_period: str) -> int | None:
    """The year that a reporting period names; None if it is no year."""
    return int(reporting_period) if _YEAR.fullmatch(reporting_period) else None


def require_overdue(obligation: Obligation) -> None:
    """Raises ObligationNotOverdue unless the obligation may be enforced."""
    if obligation.state != State.OVERDUE:
        raise ObligationNotOverdue(obligation.account, obligation.emission_year, obligation.state)


def notified(said: ObligationSet, before: Obligation | None) -> Obligation:
    """The obligation as issuance says it, with what has been done about it, before anything follows from it."""
    new = Obligation(
        account=said.account,
        emission_year=said.emission_year,
        version=said.version,
        due=said.due,
        offset_max=said.offset_max,
        deadline=said.deadline,
        allowance_vintages=tuple(said.allowance_vintages),
        credits_registered_after=said.credits_registered_after,
        plan=said.plan,
        is_draft=said.is_draft,
        programme=said.programme,
    )
    if before is None:
        return new
    return replace(
        new,
        state=before.state,
        surrendered=before.surrendered,
        offset_used=before.offset_used,
        proof_number=before.proof_number,
    )


def followed(obligation: Obligation, at: datetime) -> tuple[Obligation, Sequence[Step]]:
    """What follows by this time from what is left, and the steps that lead there; a raised one has lost its proof."""
    steps = list(_steps(obligation, at))
    state = obligation.state
    for step in steps:
        state = advance(LIFECYCLE, state, step, obligation.subject)
    proof = None if Step.RAISE in steps else obligation.proof_number
    return replace(obligation, state=state, proof_number=proof), steps


def _steps(obligation: Obligation, at: datetime) -> Iterator[Step]:
    is_settled, is_late = obligation.state in _SETTLED, at >= obligation.deadline
    if is_settled and not obligation.outstanding:
        return
    if is_settled:
        yield Step.RAISE
    if is_late and obligation.state not in (State.OVERDUE, State.ENFORCED):
        yield Step.MISS
    if not obligation.outstanding:
        yield Step.ENFORCE if is_late else Step.MEET
    elif obligation.discharged:
        yield Step.DISCHARGE
