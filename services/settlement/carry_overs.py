"""How many allowances of earlier years an entity may carry over: by what it sold, held and surrendered in time."""

from dataclasses import dataclass

from services.issuance.messages.carry_overs import CarryOverTerms
from services.kernel.refusals import Conflict
from services.settlement.obligations import Obligation, State

WHOLE_PPM = 1_000_000


@dataclass(eq=False)
class NotSurrenderedInTime(Conflict):
    """Only who met what was due for earlier years by its deadline carries allowances over."""

    account: str
    emission_year: int
    state: str | None
    """None: nothing is on record."""


@dataclass(eq=False)
class CarryOverLimitExceeded(Conflict):
    """Nobody carries over more than the limit that follows from its sales, nor more than it held."""

    given: int
    limit: int
    held: int
    carried_over: int


@dataclass(frozen=True, slots=True)
class Stand:
    """What an entity did with its allowances of the source vintages, in tonnes."""

    net_sold: int
    """In the days that count; below zero if it bought more."""
    held: int
    """At the end of the day that counts, frozen or not."""
    waiting: int
    """What of it waited at that instant to be surrendered or cancelled."""
    carried_over: int
    """Into the same year, until now."""


def limit(terms: CarryOverTerms, net_sold: int) -> int:
    """How many it may carry over if it held enough, rounded down."""
    return terms.base_tonnes + max(0, net_sold) * terms.sold_ppm // WHOLE_PPM


def require_met(account: str, emission_year: int, obligation: Obligation | None) -> None:
    """Raises NotSurrenderedInTime unless what was due for the year was met by its deadline."""
    state = obligation and obligation.state
    if state != State.MET:
        raise NotSurrenderedInTime(account, emission_year, state)


def most(terms: CarryOverTerms, stand: Stand, tonnes: int) -> int:
    """How many it may carry over in all; raises CarryOverLimitExceeded if these would be too many."""
    by_sales, held = limit(terms, stand.net_sold), max(0, stand.held - stand.waiting)
    if tonnes + stand.carried_over > min(by_sales, held):
        raise CarryOverLimitExceeded(tonnes, by_sales, held, stand.carried_over)
    return min(by_sales, held)
