"""Refusals of settlement about obligations in the national ETS: code by code, what provokes them."""

from dataclasses import replace
from typing import Any

from tests.flows.freezing import AUTHORITY
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import Seller


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _offsets(world) | _surrenders(world)


def _offsets(world: World) -> dict[str, Attempt]:
    owing = world.owing

    def offset(bought: Seller, tonnes: int, **changes: Any) -> Attempt:
        return Attempt(owing.national.offset(bought, tonnes, **changes), bought.party.actor)

    late = replace(owing.bought, party=owing.overdue.party)
    return {
        "OBLIGATION_OVERDUE": offset(late, 1, reporting_period=str(owing.overdue.vintage)),
        "OFFSET_CAP_EXCEEDED": offset(owing.bought, 6),
        "REGISTERED_TOO_EARLY": offset(owing.early, 1),
    }


def _surrenders(world: World) -> dict[str, Attempt]:
    ets, short = world.owing.national, world.owing.short
    old = replace(short, vintage=world.owing.overdue.vintage)
    vintage = ets.surrender(old, 1, reporting_period=str(short.vintage))
    return {
        "MORE_THAN_DUE": Attempt(ets.surrender(short, 101), short.party.actor),
        "OBLIGATION_NOT_OVERDUE": Attempt(ets.enforcement(short, 1), AUTHORITY),
        "VINTAGE_NOT_ALLOWED": Attempt(vintage, short.party.actor),
    }
