"""What is said of quantification: dry runs, and the factors of grids."""

from datetime import date
from decimal import Decimal

from services.runtime.messages import Command, Event


class Quantify(Command, frozen=True, kw_only=True, tag="issuance.quantify"):
    """A dry run: the answer's result is what a report with this activity data would claim; nothing is stored."""

    methodology: str
    period_start: date
    period_end: date
    activity: str
    """JSON text, as in a report."""


class MethodologyUnreadable(
    Event, frozen=True, kw_only=True, tag="issuance.methodology.unreadable"
):
    """An alarm: the registry published a version whose formula or figures Tonne cannot compute with."""

    code: str
    reason: str

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"


class PublishGridFactor(Command, frozen=True, kw_only=True, tag="issuance.publish_grid_factor"):
    """Enters a grid's emission factors of one year, as the ministry published them on one day; irreversible."""

    region: str
    """Capital letters, such as EAST or SOUTHWEST."""
    year: int
    operating_margin: Decimal
    """tCO2/MWh, like the build margin; above 0, at most 2."""
    build_margin: Decimal
    published_on: date
    source: str
    edition: str
    confidence: str
    """VERIFIED if read in the published text, else UNVERIFIED."""


class GridFactorPublished(Event, frozen=True, kw_only=True, tag="issuance.grid_factor.published"):
    """Reports that are verified from this day on are quantified with these factors."""

    region: str
    year: int
    operating_margin: Decimal
    build_margin: Decimal
    published_on: date
    source: str
    edition: str
    confidence: str

    @property
    def subject(self) -> str:
        return f"grid_factor/{self.region}-{self.year}"
