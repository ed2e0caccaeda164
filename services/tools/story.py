"""The story around the public disclosures, as values; each part lists the fields that are invented."""

from dataclasses import dataclass
from datetime import date, datetime

from services.issuance.messages.compliance import UnitEmissions


@dataclass(frozen=True, slots=True)
class Programme:
    """A crediting programme, and whether the emissions trading system takes its credits."""

    code: str
    name: str
    programme_class: str
    allowed_for_ets: bool
    rule_book: str
    valid_from: date
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Venue:
    """A market place; its rules are the market terms'."""

    code: str
    name: str
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """The body that verifies every reduction of the demo."""

    name: str
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpeningBatch:
    """The stock from before 2017 in which the first day was traded; never usable for the ETS."""

    programme: str
    project: str
    project_name: str
    vintage: int
    tonnes: int
    holder: str
    imported_on: date
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Buyers:
    """Those who buy on the tape."""

    names: tuple[str, ...]
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PilotIssuance:
    """The one batch of the pilot project, and the file with what it is quantified from."""

    activity: str
    period_from: date
    period_to: date
    vintage: int
    tonnes: int
    issued_on: date
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PilotTrade:
    """The pilot's one trade, agreed between two parties."""

    trade_id: str
    tonnes: int
    price_yuan: str
    executed_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OffsetAttempt:
    """The buyer's attempt to use pilot credits in the ETS, which is refused."""

    tonnes: int
    compliance_year: int
    requested_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PilotRetirement:
    """The retirement for the buyer's own emissions: one person asks, another approves."""

    tonnes: int
    reason: str
    maker: str
    approver: str
    requested_at: datetime
    approved_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pilot:
    """The electronics-recycling story, from the project to the retirement."""

    programme: str
    venue: str
    project: str
    project_name: str
    methodology: str
    methodology_name: str
    owner: str
    buyer: str
    province: str
    validation_body: str
    construction_started_on: date
    registered_on: date
    crediting_from: date
    crediting_to: date
    expected_annual_tonnes: int
    issuance: PilotIssuance
    trade: PilotTrade
    offset_attempt: OffsetAttempt
    retirement: PilotRetirement
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A monitoring period that is only estimated: never issued, counted nowhere."""

    project: str
    period_from: date
    period_to: date
    tonnes: int
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A project that is given a report with invented activity data, which shows how it would be quantified."""

    project: str
    activity: str
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Emitter:
    """A power company under the national ETS, and what was verified of its one unit."""

    name: str
    last_verified_tonnes: int
    unit: UnitEmissions
    allocated_tonnes: int
    """What the plan's formula makes of the unit's figures."""
    invented: tuple[str, ...]

    @property
    def due(self) -> int:
        """What it owes is what it emitted."""
        return self.unit.verified_tonnes


@dataclass(frozen=True, slots=True)
class AllowanceSale:
    """What is missing is bought from the company that has too many; the first attempt is rejected, it is frozen."""

    moved_at: datetime
    first_price_yuan: str
    price_yuan: str
    rejected_id: str
    rejected_at: datetime
    trade_id: str
    executed_at: datetime
    deposit_yuan: int
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountFreeze:
    """The order that stops the seller's account, and its release."""

    kind: str
    ordered_by: str
    document_number: str
    reason: str
    frozen_at: datetime
    release_reason: str
    released_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offset:
    """Credits that were bought on the tape, and are used up to the cap."""

    project: str
    vintage: int
    tonnes: int


@dataclass(frozen=True, slots=True)
class Discharge:
    """How the company that is short meets its obligation; one tonne above the cap is refused."""

    moved_at: datetime
    offsets: tuple[Offset, ...]
    """The one tonne too many is one of the last."""
    offset_at: datetime
    surrendered_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ets:
    """The national ETS for one emission year: one company is short of allowances, another has too many."""

    plan: str
    programme: str
    venue: str
    emission_year: int
    published_on: date
    opened_on: date
    verified_on: date
    allocated_on: date
    short: Emitter
    """One of the buyers of the tape."""
    surplus: Emitter
    sale: AllowanceSale
    freeze: AccountFreeze
    discharge: Discharge
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeutralEvent:
    """A buyer of the tape retires credits for an event, by two persons."""

    buyer: str
    project: str
    vintage: int
    tonnes: int
    held_on: date
    reason: str
    moved_at: datetime
    retired_at: datetime
    invented: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that no disclosure holds; each part lists the fields that are invented."""

    programmes: tuple[Programme, ...]
    venues: tuple[Venue, ...]
    verifier: Verifier
    opening_batch: OpeningBatch
    buyers: Buyers
    pilot: Pilot
    estimate: Estimate
    examples: tuple[Example, ...]
    ets: Ets
    event: NeutralEvent
