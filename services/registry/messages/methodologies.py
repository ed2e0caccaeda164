"""What is said of methodologies: published with their figures, and ended."""

from datetime import date
from decimal import Decimal

import msgspec

from services.runtime.messages import Command, Event


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a methodology, with where it stands; what was not read in the text itself is UNVERIFIED."""

    name: str
    value: Decimal
    """0 or more, with at most 15 digits before the point and 12 behind it."""
    unit: str
    """As published; 1 for what has none."""
    source: str
    edition: str
    confidence: str
    """VERIFIED or UNVERIFIED."""


class PublishMethodology(Command, frozen=True, kw_only=True, tag="registry.publish_methodology"):
    """Enters one version of a methodology under its code, such as CCER-01-002-V01, with all of its figures."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    """The longest crediting period it allows, in years."""
    valid_from: date
    """The first day on which projects may apply under it."""
    valid_until: date | None = None
    """The last such day; open until it is set, once."""
    crediting_years_min: int = 1
    additionality: str = "PROOF"
    """EXEMPT, CONDITIONAL or PROOF."""
    risk_model: str = "NONE"
    """NONE, DEDUCTION or BUFFER: what is done about reversals."""
    risk_rate: Decimal | None = None
    """The share, above 0 and below 1, that is deducted or set aside; what is deducted is the parameter K_RISK too."""
    formula_id: str | None = None
    """The formula by which Tonne quantifies; without one, reports can only be attested."""
    confidence: str = "UNVERIFIED"
    """Of the crediting years, additionality and risk: VERIFIED if read in the published text."""
    source: str = ""
    parameters: tuple[Parameter, ...] = ()


class MethodologyPublished(Event, frozen=True, kw_only=True, tag="registry.methodology.published"):
    """A version of a methodology may be used; this is all that quantification needs of it."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    valid_from: date
    valid_until: date | None = None
    crediting_years_min: int = 1
    additionality: str = "PROOF"
    risk_model: str = "NONE"
    risk_rate: Decimal | None = None
    formula_id: str | None = None
    confidence: str = "UNVERIFIED"
    source: str = ""
    parameters: tuple[Parameter, ...] = ()

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"


class EndMethodology(Command, frozen=True, kw_only=True, tag="registry.end_methodology"):
    """Sets the last day on which projects may apply under a version, once, after a second person's approval."""

    code: str
    valid_until: date
    reason: str


class MethodologyEnded(Event, frozen=True, kw_only=True, tag="registry.methodology.ended"):
    """After its last day no project can apply under this version; what is registered goes on under it."""

    code: str
    valid_until: date
    reason: str

    @property
    def subject(self) -> str:
        return f"methodology/{self.code}"
