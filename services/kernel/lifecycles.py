"""Lifecycles: a dict from (state, step) to state is the whole state machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from services.kernel.refusals import Conflict

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)


@dataclass(eq=False)
class StepNotAllowed(Conflict):
    """The lifecycle has no such step from the state that this is in."""

    subject: str
    state: str
    step: str


def advance(
    lifecycle: Mapping[tuple[State, Step], State], state: State, step: Step, subject: str
) -> State:
    """The state after the step; raises StepNotAllowed where the table has no such row."""
    following = lifecycle.get((state, step))
    if following is None:
        raise StepNotAllowed(subject, state, step)
    return following


def mermaid(lifecycle: Mapping[tuple[State, Step], State]) -> str:
    """The lifecycle as a Mermaid state diagram, drawn from the table itself."""
    rows = (f"  {before} --> {after}: {step}" for (before, step), after in lifecycle.items())
    return "\n".join(["stateDiagram-v2", *rows])
