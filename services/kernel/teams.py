"""Teams of verification bodies: large and competent enough, and reviewed by somebody else (CNCA-CCER-01:2023)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from unicodedata import normalize

from services.kernel.names import require_text
from services.kernel.refusals import Invalid, OutOfRange

TEAM_MIN, COMPETENT_MIN = 2, 1
"""Full-time members of a team, and of those with the sector's competence."""
TEAM_MAX = 50


class Member(Protocol):
    """A full-time member of a team, as a message names them."""

    @property
    def name(self) -> str: ...
    @property
    def is_sector_competent(self) -> bool: ...


@dataclass(eq=False)
class TeamTooSmall(Invalid):
    """A team that validates or verifies has at least two members."""

    given: int
    expected: int


@dataclass(eq=False)
class TeamNotCompetent(Invalid):
    """At least one member of a team is competent in the sector."""

    given: int
    expected: int


@dataclass(eq=False)
class ReviewerInTeam(Invalid):
    """Who reviews and decides is no member of the team, and nobody is in it twice."""

    given: str


def require_team(team: Sequence[Member], reviewer: str) -> None:
    """Raises a refusal unless the team is large and competent enough, and another person reviewed (rule 6)."""
    if len(team) > TEAM_MAX:
        raise OutOfRange("team", str(len(team)), f"at most {TEAM_MAX}")
    if len(team) < TEAM_MIN:
        raise TeamTooSmall(len(team), TEAM_MIN)
    competent = sum(member.is_sector_competent for member in team)
    if competent < COMPETENT_MIN:
        raise TeamNotCompetent(competent, COMPETENT_MIN)
    seen: set[str] = set()
    for name in (*(member.name for member in team), reviewer):
        require_text("team", name)
        if same_person(name) in seen:
            raise ReviewerInTeam(name)
        seen.add(same_person(name))


def same_person(name: str) -> str:
    """The name as every way to write it has it: of one width, without blanks, and whichever its case."""
    return "".join(normalize("NFKC", name).split()).casefold()
