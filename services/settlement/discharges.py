"""Discharges: what an obligation in the national ETS accepts, of allowances and of credits (rules 21 and 22)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from services.kernel.refusals import Conflict
from services.settlement.freezes import first_spans
from services.settlement.ledger import Bucket, Holding
from services.settlement.messages.obligations import EnforceObligation
from services.settlement.messages.retirements import RetireCredits
from services.settlement.obligations import Obligation
from services.settlement.retirements import Purpose, Retirement
from services.settlement.shortfalls import OwedInAnotherProgramme

SEIZED = (Bucket.REGISTRY, Bucket.EXCHANGE, Bucket.FROZEN)
"""Where enforcement takes allowances, in this order; what is offered, or sold, is bound to others."""
_COUNTRY = "CN"


@dataclass(eq=False)
class ObligationOverdue(Conflict):
    """Credits are offset before the deadline; what is overdue is paid in allowances."""

    given: datetime
    deadline: datetime


@dataclass(eq=False)
class VintageNotAllowed(Conflict):
    """Allowances of this vintage do not pay for the emissions of that year (rule 22)."""

    given: int
    expected: str


@dataclass(eq=False)
class OffsetCapExceeded(Conflict):
    """Credits offset no more than their share of what is due, by entity and year (rule 21)."""

    given: int
    cap: int
    used: int


@dataclass(eq=False)
class MoreThanDue(Conflict):
    """Nobody surrenders or offsets more than is still owed."""

    given: int
    outstanding: int


@dataclass(eq=False)
class RegisteredTooEarly(Conflict):
    """Credits offset only if their reductions were registered after the plan's day (rule 21)."""

    given: date | None
    registered_after: date | None


@dataclass(eq=False)
class OwnCreditsNotAccepted(Conflict):
    """Credits that were issued to the entity itself do not offset what it owes (rule 21)."""

    account: str
    batch: UUID


@dataclass(frozen=True, slots=True)
class Use:
    """Allowances or credits of one vintage that are to count towards an obligation, and from when on."""

    purpose: str
    vintage: int
    tonnes: int
    at: datetime

    @property
    def is_offset(self) -> bool:
        """Whether these are credits, and no allowances."""
        return self.purpose == Purpose.ETS_OFFSET_NATIONAL


@dataclass(frozen=True, slots=True)
class Stock:
    """A block that is there to be used, and what decides whether an obligation accepts it."""

    holding: Holding
    registered_on: date | None
    """When its reductions were registered."""
    first_organisation: UUID
    """To whom it was issued."""


def require_accepted(obligation: Obligation, use: Use) -> None:
    """Raises the refusal of the first rule that stands against this use."""
    if use.is_offset and use.at >= obligation.deadline:
        raise ObligationOverdue(use.at, obligation.deadline)
    if not use.is_offset and use.vintage not in obligation.allowance_vintages:
        allowed = ", ".join(str(vintage) for vintage in sorted(obligation.allowance_vintages))
        raise VintageNotAllowed(use.vintage, allowed)
    if use.is_offset and obligation.offset_used + use.tonnes > obligation.offset_max:
        raise OffsetCapExceeded(use.tonnes, obligation.offset_max, obligation.offset_used)
    if use.tonnes > obligation.outstanding:
        raise MoreThanDue(use.tonnes, obligation.outstanding)


def require_programme(obligation: Obligation, use: Use, programme: str) -> None:
    """Raises OwedInAnotherProgramme for allowances of a scheme other than the one in which they are owed."""
    expected = obligation.programme
    if not use.is_offset and expected is not None and expected != programme:
        raise OwedInAnotherProgramme(programme, expected)


def accepted(
    obligation: Obligation, organisation: UUID, stocks: Sequence[Stock], tonnes: int
) -> Sequence[Holding]:
    """The credits that the obligation of this organisation accepts.

    Raises the refusal of the first that it does not accept, if only with them there would be enough.
    """
    judged = [(one, _refusal(obligation, organisation, one)) for one in stocks]
    usable = [one for one, refusal in judged if refusal is None]
    if _tonnes(usable) < tonnes <= _tonnes(stocks):
        raise next(refusal for _, refusal in judged if refusal is not None)
    return [one.holding for one in usable]


def _refusal(obligation: Obligation, organisation: UUID, stock: Stock) -> Conflict | None:
    registered, after = stock.registered_on, obligation.credits_registered_after
    if registered is None or (after is not None and registered <= after):
        return RegisteredTooEarly(registered, after)
    if stock.first_organisation == organisation:
        return OwnCreditsNotAccepted(obligation.account, stock.holding.block.batch)
    return None


def _tonnes(stocks: Sequence[Stock]) -> int:
    return sum(one.holding.block.tonnes for one in stocks)


def counted(obligation: Obligation, use: Use) -> Obligation:
    """The obligation with so much more surrendered or offset, before anything follows from it."""
    if use.is_offset:
        return replace(obligation, offset_used=obligation.offset_used + use.tonnes)
    return replace(obligation, surrendered=obligation.surrendered + use.tonnes)


def surrender(command: EnforceObligation) -> RetireCredits:
    """What the entity itself should have asked for."""
    return RetireCredits(
        retirement_id=command.retirement_id,
        account=command.account,
        project=command.project,
        vintage=command.vintage,
        tonnes=command.tonnes,
        purpose=Purpose.ETS_SURRENDER,
        beneficiary_name=command.beneficiary_name,
        beneficiary_id=command.beneficiary_id,
        beneficiary_country=_COUNTRY,
        reporting_period=str(command.emission_year),
        reason=command.reason,
    )


def seized(stocks: Sequence[Stock], retirement: Retirement) -> Sequence[Holding]:
    """The serials that enforcement takes, place by place; raises NotEnoughCredits."""
    held = sorted((one.holding for one in stocks), key=lambda one: SEIZED.index(one.place.bucket))
    return first_spans(retirement.account, retirement.instrument, held, retirement.tonnes)
