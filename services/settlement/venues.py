"""Venues: whether they are admitted, what mode they are in, and what stops them."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.names import require_text
from services.kernel.refusals import Conflict, Forbidden, Invalid
from services.settlement.messages.market import OpenVenue


class Mode(StrEnum):
    """Whether a venue reports the present or recorded history."""

    LIVE = "LIVE"
    REPLAY = "REPLAY"


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue and what stops it."""

    code: str
    name: str
    mode: str
    closed_on: date | None
    """The last day that the venue has closed."""
    is_halted: bool
    """Whether a gap between its count, the bank's and the ledger's is not cleared."""
    has_backlog: bool
    """Whether trades wait that came while it was halted."""


@dataclass(eq=False)
class VenueInvalid(Invalid):
    """A venue has a code of 2 to 20 of A-Z, 0-9 and -, and a name."""

    field: str
    given: str


@dataclass(eq=False)
class VenueNotOpen(Forbidden):
    """This venue has not been admitted to settlement."""

    venue: str


@dataclass(eq=False)
class VenueIsHalted(Conflict):
    """A gap between the venue's count, the bank's and the ledger's stops the venue until two persons clear it."""

    venue: str


@dataclass(eq=False)
class ProgrammeNotTraded(Invalid):
    """The venue has no market terms for this programme on this day."""

    given: str
    venue: str
    day: date


@dataclass(eq=False)
class DayNotClosed(Conflict):
    """The registry confirms a day that the venue has closed and counted."""

    venue: str
    day: date


def require_admissible(venue: OpenVenue) -> None:
    """Raises VenueInvalid for a code that no broker user can have, or a name that nobody can read."""
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,19}", venue.code):
        raise VenueInvalid("code", venue.code[:40])
    require_text("name", venue.name)
