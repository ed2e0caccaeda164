"""What issuance knows of methodologies: the figures to quantify with, and how reversals are insured against."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, Decimal

import msgspec

from services.issuance.messages.quantification import PublishGridFactor
from services.issuance.quantification.decimals import exact
from services.issuance.quantification.methods import require_executable
from services.issuance.quantification.parameters import GridFactor, Parameter, ParameterSet
from services.kernel.names import require_code, require_text
from services.kernel.refusals import Conflict, OutOfRange, Refusal
from services.registry.messages.methodologies import MethodologyPublished

BUFFER = "BUFFER"
CONFIDENCE = ("VERIFIED", "UNVERIFIED")
YEARS = range(1990, 2200)
MARGIN_MAX = Decimal(2)
"""In tCO2/MWh: more than any fuel makes of a megawatt-hour."""


@dataclass(eq=False)
class FormulaMissing(Conflict):
    """The methodology has no formula by which Tonne could quantify."""

    methodology: str


@dataclass(eq=False)
class MethodologyNotExecutable(Conflict):
    """The methodology was published with a formula or with figures that Tonne cannot compute with."""

    methodology: str
    reason: str


@dataclass(frozen=True, slots=True)
class Methodology:
    """One version of a methodology, with its parameters as JSON text."""

    code: str
    formula_id: str | None
    risk_model: str
    risk_rate: Decimal | None
    parameters: str = "[]"
    unreadable: str | None = None
    """Why its formula cannot compute with them."""

    def buffered(self, tonnes: int) -> int:
        """How many of the tonnes stand in for reversals, rounded up.

        A deduction is none of them: it is a step of the quantification, and what it takes away is never issued.
        """
        if self.risk_model != BUFFER or self.risk_rate is None:
            return 0
        return int((tonnes * self.risk_rate).to_integral_value(ROUND_CEILING))

    def parameter_set(self, factors: Sequence[GridFactor]) -> ParameterSet:
        """All that its formula may look up; raises a refusal if there is none that could compute with it."""
        if self.formula_id is None:
            raise FormulaMissing(self.code)
        if self.unreadable is not None:
            raise MethodologyNotExecutable(self.code, self.unreadable)
        return ParameterSet(
            methodology=self.code,
            version=self.code.rpartition("-")[2],
            formula_id=self.formula_id,
            parameters=msgspec.json.decode(self.parameters, type=tuple[Parameter, ...]),
            grid_factors=tuple(factors),
        )


def learned(event: MethodologyPublished) -> Methodology:
    """The version of a methodology that the registry tells of, whether its formula can be computed or not."""
    figures = [
        {**msgspec.structs.asdict(one), "value": f"{one.value:f}"} for one in event.parameters
    ]
    told = Methodology(
        code=event.code,
        formula_id=event.formula_id,
        risk_model=event.risk_model,
        risk_rate=event.risk_rate,
        parameters=msgspec.json.encode(figures).decode(),
    )
    return replace(told, unreadable=_unreadable(told))


def _unreadable(methodology: Methodology) -> str | None:
    """Why it cannot be executed; one without a formula is not meant to be."""
    if methodology.formula_id is None:
        return None
    try:
        require_executable(methodology.parameter_set(()))
    except (Refusal, msgspec.ValidationError) as fault:
        return str(fault)
    return None


def published(command: PublishGridFactor, today: date) -> GridFactor:
    """The grid's factors; raises a refusal unless they are out, plausible, and can be computed with."""
    require_code("region", command.region)
    if command.year not in YEARS:
        raise OutOfRange("year", str(command.year), f"{YEARS[0]} to {YEARS[-1]}")
    for field in ("source", "edition"):
        require_text(field, getattr(command, field))
    if command.confidence not in CONFIDENCE:
        raise OutOfRange("confidence", command.confidence[:40], ", ".join(CONFIDENCE))
    margins = {name: f"{getattr(command, name):f}" for name in ("operating_margin", "build_margin")}
    for name, margin in margins.items():
        if not 0 < exact(margin) <= MARGIN_MAX:
            raise OutOfRange(name, margin[:40], f"above 0, at most {MARGIN_MAX} tCO2/MWh")
    if command.published_on > today:
        raise OutOfRange("published_on", command.published_on.isoformat(), f"{today} or before")
    return msgspec.convert({**msgspec.structs.asdict(command), **margins}, GridFactor)
