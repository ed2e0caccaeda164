"""What is true of methodologies: versions that never change, in force from one day to another, with their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.kernel.names import require_code, require_text
from services.kernel.refusals import Conflict, Invalid, OutOfRange
from services.registry.messages.methodologies import Parameter

CREDITING_YEARS_MAX = 100
PARAMETERS_MAX = 500
DIGITS_MAX = 15
DECIMALS_MAX = 12
"""What quantification reads of a figure before the point and behind it."""
FIGURE = (
    f"0 or more, with at most {DIGITS_MAX} digits before the point and {DECIMALS_MAX} behind it"
)
DEDUCTED = "K_RISK"
"""The parameter by which formulas deduct for reversals."""


class Additionality(StrEnum):
    """How a project shows that it would not have come about without the credits."""

    EXEMPT = "EXEMPT"
    CONDITIONAL = "CONDITIONAL"
    PROOF = "PROOF"


class Risk(StrEnum):
    """What is done about reversals: less is issued, a part is set aside, or nothing."""

    NONE = "NONE"
    DEDUCTION = "DEDUCTION"
    BUFFER = "BUFFER"


class Confidence(StrEnum):
    """Whether a figure was read in the published text, or is only said to be so."""

    VERIFIED = "VERIFIED"
    UNVERIFIED = "UNVERIFIED"


@dataclass(eq=False)
class ParameterTwice(Invalid):
    """A methodology gives each of its parameters one value."""

    name: str


@dataclass(eq=False)
class MethodologyNotInForce(Conflict):
    """This version of the methodology is not in force on that day."""

    methodology: str
    given: date
    valid_from: date
    valid_until: date | None


@dataclass(eq=False)
class MethodologyHasEnd(Conflict):
    """The last day on which this version is in force has been set, and stays."""

    methodology: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class Methodology:
    """One version of a rule for quantifying reductions."""

    code: str
    programme: str
    name: str
    crediting_years_max: int
    valid_from: date
    valid_until: date | None = None
    crediting_years_min: int = 1
    additionality: str = Additionality.PROOF
    risk_model: str = Risk.NONE
    risk_rate: Decimal | None = None
    formula_id: str | None = None
    confidence: str = Confidence.UNVERIFIED
    source: str = ""
    parameters: Sequence[Parameter] = ()


def require_valid(methodology: Methodology) -> None:
    """Raises the first refusal that keeps this version from being published."""
    require_code("code", methodology.code)
    require_text("name", methodology.name)
    _require_one_of("additionality", methodology.additionality, Additionality.__members__)
    _require_one_of("confidence", methodology.confidence, Confidence.__members__)
    if methodology.formula_id is not None:
        require_text("formula_id", methodology.formula_id, 80)
    if methodology.source or methodology.confidence == Confidence.VERIFIED:
        require_text("source", methodology.source)
    _require_validity(methodology.valid_from, methodology.valid_until)
    _require_years(methodology.crediting_years_min, methodology.crediting_years_max)
    _require_risk(methodology.risk_model, methodology.risk_rate)
    _require_parameters(methodology.parameters)
    _require_deduction(methodology)


def _require_one_of(field: str, given: str, allowed: Mapping[str, object]) -> None:
    if given not in allowed:
        raise OutOfRange(field, given[:40], ", ".join(allowed))


def _require_validity(valid_from: date, valid_until: date | None) -> None:
    if valid_until is not None and valid_until < valid_from:
        raise OutOfRange("valid_until", valid_until.isoformat(), f"on or after {valid_from}")


def _require_years(years_min: int, years_max: int) -> None:
    if not 1 <= years_max <= CREDITING_YEARS_MAX:
        raise OutOfRange("crediting_years_max", str(years_max), f"1 to {CREDITING_YEARS_MAX}")
    if not 1 <= years_min <= years_max:
        raise OutOfRange("crediting_years_min", str(years_min), f"1 to {years_max}")


def _require_risk(model: str, rate: Decimal | None) -> None:
    """A deduction or a buffer has a rate between nothing and everything, and no risk model has none."""
    _require_one_of("risk_model", model, Risk.__members__)
    if model == Risk.NONE:
        if rate is not None:
            raise OutOfRange("risk_rate", str(rate)[:40], "none, where the risk model is NONE")
    elif rate is None or not is_figure(rate) or not 0 < rate < 1:
        expected = f"above 0 and below 1, with at most {DECIMALS_MAX} decimals"
        raise OutOfRange("risk_rate", str(rate)[:40], expected)


def _require_parameters(parameters: Sequence[Parameter]) -> None:
    if len(parameters) > PARAMETERS_MAX:
        raise OutOfRange("parameters", str(len(parameters)), f"at most {PARAMETERS_MAX}")
    names: set[str] = set()
    for parameter in parameters:
        _require_parameter(parameter)
        if parameter.name in names:
            raise ParameterTwice(parameter.name)
        names.add(parameter.name)


def _require_parameter(parameter: Parameter) -> None:
    require_text("parameters.name", parameter.name, 80)
    for field in ("unit", "source", "edition"):
        require_text(f"parameters.{field}", getattr(parameter, field))
    _require_one_of("parameters.confidence", parameter.confidence, Confidence.__members__)
    if not is_figure(parameter.value):
        raise OutOfRange(f"parameters.{parameter.name}", str(parameter.value)[:40], FIGURE)


def _require_deduction(methodology: Methodology) -> None:
    """What the formula deducts for reversals is the rate that the version has for that, or nothing."""
    is_deducted = methodology.risk_model == Risk.DEDUCTION
    rate = methodology.risk_rate if is_deducted else Decimal(0)
    stated = [one.value for one in methodology.parameters if one.name == DEDUCTED]
    if not stated and is_deducted and methodology.formula_id is not None:
        raise OutOfRange(f"parameters.{DEDUCTED}", "none", f"{rate}, the risk_rate")
    if stated and stated[0] != rate:
        expected = f"{rate}, the risk_rate" if is_deducted else "0, where nothing is deducted"
        raise OutOfRange(f"parameters.{DEDUCTED}", str(stated[0]), expected)


def is_figure(value: Decimal) -> bool:
    """Whether quantification can read the number when it is written out."""
    exponent = value.as_tuple().exponent
    if value.is_signed() or not isinstance(exponent, int):
        return False
    return exponent >= -DECIMALS_MAX and value.adjusted() < DIGITS_MAX


def require_in_force(methodology: Methodology, day: date) -> None:
    """Raises MethodologyNotInForce unless the day lies in its validity; both ends belong to it."""
    until = methodology.valid_until
    if day < methodology.valid_from or (until is not None and day > until):
        raise MethodologyNotInForce(methodology.code, day, methodology.valid_from, until)


def require_end(methodology: Methodology, valid_until: date, reason: str) -> None:
    """Raises a refusal unless the version can be ended on this day."""
    require_text("reason", reason)
    if methodology.valid_until is not None:
        raise MethodologyHasEnd(methodology.code, methodology.valid_until)
    _require_validity(methodology.valid_from, valid_until)
