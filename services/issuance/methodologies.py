"""What issuance knows of methodologies: the figures to quantify with, and how reversals are insured against."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import msgspec

from services.issuance.messages.quantification import PublishGridFactor
from services.issuance.quantification.decimals import exact
from services.issuance.quantification.parameters import GridFactor, Parameter, ParameterSet
from services.kernel.names import require_code, require_text
from services.kernel.refusals import Conflict, OutOfRange
from services.registry.messages.methodologies import MethodologyPublished

BUFFER = "BUFFER"
CONFIDENCE = ("VERIFIED", "UNVERIFIED")
YEARS = range(1990, 2200)


@dataclass(eq=False)
class FormulaMissing(Conflict):
    """The methodology has no formula by which Tonne could quantify."""

    methodology: str


@dataclass(frozen=True, slots=True)
class Methodology:
    """One version of a methodology."""

    code: str
    formula_id: str | None
    risk_model: str
    risk_rate: Decimal | None
    parameters: Sequence[Parameter] = ()

    def buffered(self, tonnes: int) -> int:
        """How many of the tonnes stand in for reversals, rounded up.

        A deduction is none of them: it is a step of the quantification, and what it takes away is never issued.
        """
        if self.risk_model != BUFFER or self.risk_rate is None:
            return 0
        return int((tonnes * self.risk_rate).to_integral_value(ROUND_CEILING))

    def parameter_set(self, factors: Sequence[GridFactor]) -> ParameterSet:
        """All that its formula may look up; raises FormulaMissing if it has none."""
        if self.formula_id is None:
            raise FormulaMissing(self.code)
        return ParameterSet(
            methodology=self.code,
            version=self.code.rpartition("-")[2],
            formula_id=self.formula_id,
            parameters=tuple(self.parameters),
            grid_factors=tuple(factors),
        )


def learned(event: MethodologyPublished) -> Methodology:
    """The version of a methodology that the registry tells of."""
    return Methodology(
        code=event.code,
        formula_id=event.formula_id,
        risk_model=event.risk_model,
        risk_rate=event.risk_rate,
        parameters=tuple(
            msgspec.convert({**msgspec.structs.asdict(one), "value": f"{one.value:f}"}, Parameter)
            for one in event.parameters
        ),
    )


def published(command: PublishGridFactor) -> GridFactor:
    """The grid's factors; raises a refusal unless they can be computed with."""
    require_code("region", command.region)
    if command.year not in YEARS:
        raise OutOfRange("year", str(command.year), f"{YEARS[0]} to {YEARS[-1]}")
    for field in ("source", "edition"):
        require_text(field, getattr(command, field))
    if command.confidence not in CONFIDENCE:
        raise OutOfRange("confidence", command.confidence[:40], ", ".join(CONFIDENCE))
    margins = {name: f"{getattr(command, name):f}" for name in ("operating_margin", "build_margin")}
    for margin in margins.values():
        exact(margin)
    return msgspec.convert({**msgspec.structs.asdict(command), **margins}, GridFactor)
