"""Rules for the teams of verification bodies, whether they validate or verify (rule 6)."""

from dataclasses import dataclass

import pytest

from services.kernel.refusals import OutOfRange, Refusal
from services.kernel.teams import ReviewerInTeam, TeamNotCompetent, TeamTooSmall, require_team


@dataclass(frozen=True)
class Person:
    name: str
    is_sector_competent: bool = False


def expert(name: str) -> Person:
    return Person(name, is_sector_competent=True)


TEAM = (expert("甲"), Person("乙"))


@pytest.mark.parametrize(
    ("team", "reviewer", "refusal"),
    [
        ((), "丙", TeamTooSmall),
        ((expert("甲"),), "丙", TeamTooSmall),
        (TEAM, "丙", None),
        ((*TEAM, Person("丁")), "丙", None),
        ((Person("甲"), Person("乙")), "丙", TeamNotCompetent),
        ((expert("甲"), expert("乙")), "丙", None),
        (TEAM, "甲", ReviewerInTeam),
        ((expert("甲"), Person("甲")), "丙", ReviewerInTeam),
        (TEAM, "", OutOfRange),
        ((*TEAM, Person(" ")), "丙", OutOfRange),
        (tuple(expert(str(n)) for n in range(50)), "丙", None),
        (tuple(expert(str(n)) for n in range(51)), "丙", OutOfRange),
    ],
)
def test_rule_06_a_team_of_two_one_of_them_competent(
    team: tuple[Person, ...], reviewer: str, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        require_team(team, reviewer)
    else:
        with pytest.raises(refusal):
            require_team(team, reviewer)


@pytest.mark.parametrize(
    "written", ["甲 ", " 甲", "张 三", "张　三", "ANNA LI", "Anna  Li", "Ａnna Li"]
)
def test_rule_06_one_person_is_one_however_the_name_is_written(written: str) -> None:
    team = (expert("甲"), Person("张三"), Person("Anna Li"))
    with pytest.raises(ReviewerInTeam):
        require_team(team, written)
    with pytest.raises(ReviewerInTeam):
        require_team((*team, Person(written)), "丙")
