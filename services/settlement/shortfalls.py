"""What is true of shortfalls: how much is owed for revoked reductions, until it is made good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.kernel.ids import derived_id
from services.kernel.lifecycles import advance
from services.kernel.refusals import Conflict, Forbidden
from services.settlement.ledger import Account
from services.settlement.messages.states import ShortfallState as State


class Step(StrEnum):
    """What happens to a shortfall."""

    RAISE = "RAISE"
    REDUCE = "REDUCE"
    CLOSE = "CLOSE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.OPEN, Step.RAISE): State.OPEN,
    (State.OPEN, Step.REDUCE): State.OPEN,
    (State.OPEN, Step.CLOSE): State.CLOSED,
    (State.CLOSED, Step.RAISE): State.OPEN,
}


@dataclass(eq=False)
class ShortfallOpen(Forbidden):
    """Whoever owes credits only receives, buys and makes good (measures 2023, article 43)."""

    account: str
    shortfall_id: UUID


@dataclass(eq=False)
class MoreThanOwed(Conflict):
    """No more is made good than is owed."""

    shortfall_id: UUID
    given: int
    outstanding: int


@dataclass(eq=False)
class MadeGoodBeforeOwed(Conflict):
    """A shortfall is made good after it was opened."""

    given: datetime
    opened_at: datetime


@dataclass(eq=False)
class OwedInAnotherProgramme(Conflict):
    """What is owed is made good with credits of the same programme."""

    given: str
    expected: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Credits that an account owes because the reductions behind as many were false."""

    shortfall_id: UUID
    account: str
    programme: str
    reduction_id: UUID
    tonnes: int
    outstanding: int
    state: State
    opened_at: datetime


def require_none(account: Account) -> None:
    """Raises ShortfallOpen as long as the account owes credits."""
    if account.short_of:
        raise ShortfallOpen(account.number, account.short_of[0])


def shortfall_id(reduction_id: UUID, account: str) -> UUID:
    """The one shortfall of these reductions that the account can have."""
    return derived_id("shortfall", reduction_id, account)


def raised(
    before: Shortfall | None,
    reduction_id: UUID,
    account: str,
    programme: str,
    tonnes: int,
    at: datetime,
) -> Shortfall:
    """The shortfall with so many tonnes more."""
    if before is None:
        key = shortfall_id(reduction_id, account)
        return Shortfall(key, account, programme, reduction_id, tonnes, tonnes, State.OPEN, at)
    return replace(
        before,
        tonnes=before.tonnes + tonnes,
        outstanding=before.outstanding + tonnes,
        state=_stepped(before, Step.RAISE),
    )


def reduced(before: Shortfall, tonnes: int, at: datetime) -> Shortfall:
    """The shortfall once so many tonnes are made good; raises a refusal if that is too early, or too much."""
    step = Step.CLOSE if tonnes >= before.outstanding else Step.REDUCE
    state = _stepped(before, step)
    if at < before.opened_at:
        raise MadeGoodBeforeOwed(at, before.opened_at)
    if tonnes > before.outstanding:
        raise MoreThanOwed(before.shortfall_id, tonnes, before.outstanding)
    return replace(before, outstanding=before.outstanding - tonnes, state=state)


def require_same_programme(shortfall: Shortfall, programme: str) -> None:
    """Raises OwedInAnotherProgramme for credits that are none of what is owed."""
    if programme != shortfall.programme:
        raise OwedInAnotherProgramme(programme, shortfall.programme)


def _stepped(shortfall: Shortfall, step: Step) -> State:
    return advance(LIFECYCLE, shortfall.state, step, f"shortfall/{shortfall.shortfall_id}")
