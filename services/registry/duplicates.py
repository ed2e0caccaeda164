"""What is true of projects that may be one: uniqueness across programmes is a person's decision (rule 25)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from unicodedata import normalize

from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict
from services.registry.messages.states import QuestionState as State
from services.registry.positions import Position, distance_metres
from services.registry.projects import Project
from services.registry.projects import State as ProjectState

SITE_METRES_MAX = 5_000
"""Points that are no further apart may name one site; a wind farm at sea is as wide."""
SAME_SITE_METRES_MAX = 500
"""Points that are so close name one site, whatever else is said of the projects."""
SITE_DEGREES_MAX = Decimal("0.05")
"""Points further apart in latitude are no one site: a degree is 110 km at least."""
NAME_SIMILARITY_PERCENT_MIN = 60
"""Names of which so much is the same may name one project."""
REACH_DEGREES = Decimal("0.5")
"""How far around a project, beside its own province, names are compared."""
SIGNALS_MIN = 2
"""How many of site, activity and name agree before a person is asked; the very same site counts twice."""


class Step(StrEnum):
    """What a person says of it."""

    DISMISS = "DISMISS"
    CONFIRM = "CONFIRM"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.OPEN, Step.DISMISS): State.DISMISSED,
    (State.OPEN, Step.CONFIRM): State.CONFIRMED,
    (State.CONFIRMED, Step.DISMISS): State.DISMISSED,
}


@dataclass(eq=False)
class DuplicateUnresolved(Conflict):
    """A project is in one programme only: a person has to say that the other one is not the same (article 48)."""

    project: str
    other: str
    state: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another project, of another programme or cancelled, near or in the same province: of like activity or site."""

    code: str
    programme: str
    activity: str
    name: str
    longitude: Decimal
    latitude: Decimal
    crediting_from: date
    crediting_until: date
    state: ProjectState


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two projects that may be one, and why it seems so."""

    project: str
    other: str
    other_programme: str
    distance_metres: int
    name_similarity_percent: int
    is_same_activity: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A stored duplicate and where it is."""

    project: str
    other: str
    state: State


def found(project: Project, candidates: Iterable[Candidate]) -> list[Duplicate]:
    """The candidates that may be the same: at one time, and two of site, activity and name agree."""
    compared = (
        _compared(project, one)
        for one in candidates
        if _is_same_time(project, one) and _can_be_same(project, one)
    )
    return [duplicate for duplicate in compared if _signals(duplicate) >= SIGNALS_MIN]


def _can_be_same(project: Project, other: Candidate) -> bool:
    """False if two signals cannot agree: far apart, only activity and name together can."""
    if abs(project.latitude - other.latitude) <= SITE_DEGREES_MAX:
        return True
    return (
        project.activity == other.activity
        and name_similarity_percent(project.name, other.name) >= NAME_SIMILARITY_PERCENT_MIN
    )


def _is_same_time(project: Project, other: Candidate) -> bool:
    """Crediting periods overlap; what the programme itself has cancelled never comes back at any time (rule 10)."""
    if other.programme == project.programme:
        return other.state == ProjectState.CANCELLED
    return (
        other.crediting_from <= project.crediting_until
        and project.crediting_from <= other.crediting_until
    )


def _compared(project: Project, other: Candidate) -> Duplicate:
    here = Position(project.longitude, project.latitude)
    return Duplicate(
        project=project.code,
        other=other.code,
        other_programme=other.programme,
        distance_metres=distance_metres(here, Position(other.longitude, other.latitude)),
        name_similarity_percent=name_similarity_percent(project.name, other.name),
        is_same_activity=project.activity == other.activity,
    )


def _signals(duplicate: Duplicate) -> int:
    return (
        (duplicate.distance_metres <= SITE_METRES_MAX)
        + (duplicate.distance_metres <= SAME_SITE_METRES_MAX)
        + (duplicate.name_similarity_percent >= NAME_SIMILARITY_PERCENT_MIN)
        + duplicate.is_same_activity
    )


def name_similarity_percent(one: str, other: str) -> int:
    """Twice the shared pairs of neighbouring characters, of all pairs of both names (Dice), rounded down."""
    pairs, others = _pairs(one), _pairs(other)
    if not pairs and not others:
        return 100 if _plain(one) == _plain(other) else 0
    return 200 * len(pairs & others) // (len(pairs) + len(others))


def _pairs(name: str) -> set[str]:
    plain = _plain(name)
    return {plain[place : place + 2] for place in range(len(plain) - 1)}


def _plain(name: str) -> str:
    """Without blanks, punctuation, capitals and full-width forms."""
    return "".join(char for char in normalize("NFKC", name).casefold() if char.isalnum())


def resolve(question: Question, reason: str, *, is_same: bool) -> State:
    """The state after a person's answer."""
    require_text("reason", reason, 2_000)
    step = Step.CONFIRM if is_same else Step.DISMISS
    subject = f"duplicate/{question.project}/{question.other}"
    return advance(LIFECYCLE, question.state, step, subject)


def require_unique(project: str, questions: Iterable[Question]) -> None:
    """Raises DuplicateUnresolved unless a person has dismissed every question about the project."""
    for one in questions:
        if one.state != State.DISMISSED:
            other = one.other if one.project == project else one.project
            raise DuplicateUnresolved(project, other, one.state)
