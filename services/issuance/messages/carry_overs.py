"""What is said of allowances that are carried over: those of an earlier year die, and as many of a later one live."""

from datetime import date
from uuid import UUID

import msgspec

from services.runtime.messages import Command, Event


class CarryOverTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How many allowances of earlier years may become allowances of an emission year, and whose."""

    source_vintages: tuple[int, ...]
    """Of which years allowances are carried over."""
    base_tonnes: int
    """So many of them in any case."""
    sold_ppm: int
    """And so many millionths of what the entity sold of them above what it bought; rounded down."""
    sold_since: date
    """The first day in Beijing whose trades count."""
    sold_until: date
    """The last one."""
    held_on: date
    """No more than it held at the end of this day, frozen too, without what waited to be surrendered or cancelled."""
    surrendered_years: tuple[int, ...]
    """Only by entities that met in time what they owed for each of these years."""
    apply_by: date
    """The last day on which it is asked for; a second person may approve it later."""


class CarryOverAllowances(Command, frozen=True, kw_only=True, tag="issuance.carry_over_allowances"):
    """Gives allowances of an earlier year up for as many of the emission year; needs two persons, irreversible."""

    conversion_id: UUID
    """A carry-over is a conversion within a programme, from one vintage to a later one."""
    batch_id: UUID
    """The batch that will be issued."""
    compliance_id: UUID
    """Of the year into which they are carried; its account holds them."""
    source_vintage: int
    tonnes: int


class AllowancesCarriedOver(
    Event, frozen=True, kw_only=True, tag="issuance.allowances.carried_over"
):
    """The earlier allowances are dead and the later ones live: ``issuance.credits.issued`` tells of the batch."""

    compliance_id: UUID
    conversion_id: UUID
    account: str
    emission_year: int
    source_vintage: int
    tonnes: int

    @property
    def subject(self) -> str:
        return f"compliance/{self.compliance_id}"
