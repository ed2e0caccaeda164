"""Disputes: a party objects before the next trading day opens; the trade stands, and a registrar decides (rule 20)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from services.kernel.calendars import WorkingCalendar
from services.kernel.clocks import BEIJING, market_day
from services.kernel.lifecycles import advance
from services.kernel.refusals import Conflict, OutOfRange
from services.settlement.messages.states import DisputeState as State
from services.settlement.terms import Terms, terms_on
from services.settlement.trades import State as TradeState
from services.settlement.trading_days import next_trading_day


class Step(StrEnum):
    """How a registrar decides a dispute."""

    UPHOLD = "UPHOLD"
    DISMISS = "DISMISS"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.OPEN, Step.UPHOLD): State.UPHELD,
    (State.OPEN, Step.DISMISS): State.DISMISSED,
}
_STEPS: Mapping[str, Step] = {
    after: step for (before, step), after in LIFECYCLE.items() if before == State.OPEN
}


@dataclass(eq=False)
class ObjectionTooLate(Conflict):
    """A party objects before the next trading day opens; afterwards the trade counts as accepted (article 32)."""

    given: str
    before: str


@dataclass(eq=False)
class TradeNotBinding(Conflict):
    """Only a trade that was captured or has settled can be disputed."""

    state: str


@dataclass(eq=False)
class ClosedBeforeOpened(Conflict):
    """A dispute is decided after it was opened."""

    given: datetime
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class DisputedTrade:
    """What a dispute is about; of a rejected trade not everything is known."""

    state: str
    seller_account: str | None
    buyer_account: str | None
    programme: str | None
    traded_on: date | None

    @property
    def parties(self) -> tuple[str | None, str | None]:
        """Who may object."""
        return self.seller_account, self.buyer_account


@dataclass(frozen=True, slots=True)
class Dispute:
    """A party's objection, and what became of it."""

    dispute_id: UUID
    venue: str
    trade_id: str
    account: str
    state: State
    opened_at: datetime


def require_in_time(
    trade: DisputedTrade, versions: Sequence[Terms], calendar: WorkingCalendar, at: datetime
) -> None:
    """Raises TradeNotBinding, or ObjectionTooLate from the moment on when the next trading day opens."""
    if trade.state not in {TradeState.CAPTURED, TradeState.SETTLED} or trade.traded_on is None:
        raise TradeNotBinding(trade.state)
    if market_day(at) < trade.traded_on:
        raise OutOfRange("effective_at", at.isoformat(), f"on or after {trade.traded_on}")
    opens_at = next_opening(trade.traded_on, versions, calendar)
    if at >= opens_at:
        raise ObjectionTooLate(at.astimezone(BEIJING).isoformat(), opens_at.isoformat())


def next_opening(day: date, versions: Sequence[Terms], calendar: WorkingCalendar) -> datetime:
    """When the market opens after this day: its first session, or midnight where it has no sessions."""
    terms = terms_on(day, versions)
    assert terms is not None  # the trade was captured under them
    following = next_trading_day(calendar, terms.days, day)
    sessions = (terms_on(following, versions) or terms).sessions
    opens = min((opens for opens, _ in sessions), default=time())
    return datetime.combine(following, opens, BEIJING)


def closed(dispute: Dispute, outcome: str, at: datetime) -> Dispute:
    """The dispute as the registrar decides it; the trade is no part of it."""
    step = _STEPS.get(outcome)
    if step is None:
        raise OutOfRange("outcome", outcome[:40], " or ".join(_STEPS))
    state = advance(LIFECYCLE, dispute.state, step, f"dispute/{dispute.dispute_id}")
    if at < dispute.opened_at:
        raise ClosedBeforeOpened(at, dispute.opened_at)
    return replace(dispute, state=state)
