"""A quantification while it is worked out: what is looked up, the steps taken, and what is claimed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from services.issuance.quantification.decimals import Rounding, exact, plain
from services.issuance.quantification.formulas import evaluate
from services.issuance.quantification.parameters import (
    Confidence,
    GridFactor,
    Parameter,
    ParameterMissing,
    ParameterSet,
    ParameterUnitDiffers,
    grid_factor,
)
from services.issuance.quantification.traces import Caution, Figure, Step
from services.kernel.refusals import Conflict, Invalid, OutOfRange


@dataclass(eq=False)
class ClaimedTwice(Conflict):
    """The same device batch, material lot or stand of trees counts once."""

    noun: str
    given: str


FIGURES_MAX = 12_000
"""In all steps of one quantification together."""


@dataclass(eq=False)
class TraceTooLarge(Invalid):
    """A quantification has a limited size: report a shorter period, or fewer and coarser rows."""

    given: str
    expected: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, its name and where it comes from."""

    value: Decimal
    unit: str
    name: str
    source: str
    edition: str | None = None
    confidence: Confidence | None = None

    def figure(self, symbol: str) -> Figure:
        """The same as an input of a step."""
        return Figure(
            symbol=symbol,
            name=self.name,
            value=plain(self.value),
            unit=self.unit,
            source=self.source,
            edition=self.edition,
            confidence=self.confidence,
        )


def measured(name: str, amount: str, unit: str) -> Quantity:
    """What the owner reports."""
    return Quantity(exact(amount), unit, name, "activity")


def counted(name: str, number: int, unit: str) -> Quantity:
    """What follows from the calendar."""
    return Quantity(Decimal(number), unit, name, "calendar")


class Workings:
    """Everything that one quantification has looked up, computed and claimed so far."""

    def __init__(self, parameters: ParameterSet, as_of: date) -> None:
        self.steps: list[Step] = []
        self.cautions: dict[str, Caution] = {}
        self.claimed: list[str] = []
        self._figures = 0
        self._named: set[tuple[str, str]] = set()
        self._given = parameters
        self._as_of = as_of
        self._by_name = {each.name: each for each in parameters.parameters}
        self._used: dict[str, Parameter] = {}
        self._factors: dict[tuple[str, int], GridFactor] = {}

    def step(
        self,
        name: str,
        formula: str,
        unit: str,
        rounding: Rounding = Rounding.EXACT,
        /,
        **given: Quantity | Sequence[Quantity],
    ) -> Quantity:
        """Computes the formula from its text, and puts it on record."""
        self._require_room(given.values())
        values = {
            symbol: each.value if isinstance(each, Quantity) else [row.value for row in each]
            for symbol, each in given.items()
        }
        value = evaluate(formula, values, rounding)
        figures = [
            row.figure(symbol)
            for symbol, each in given.items()
            for row in ([each] if isinstance(each, Quantity) else each)
        ]
        step = Step(
            name=name,
            formula=formula,
            inputs=tuple(figures),
            result=plain(value),
            unit=unit,
            rounding=rounding,
        )
        self.steps.append(step)
        return Quantity(value, unit, name, "step")

    def _require_room(self, given: Iterable[Quantity | Sequence[Quantity]]) -> None:
        """Raises TraceTooLarge before more is computed than anybody could check."""
        self._figures += sum(1 if isinstance(each, Quantity) else len(each) for each in given)
        if self._figures > FIGURES_MAX:
            raise TraceTooLarge(f"{self._figures} figures", f"at most {FIGURES_MAX} figures")

    def parameter(self, name: str, unit: str) -> Quantity:
        """The methodology's figure of this name; raises a refusal if it has none, or in another unit."""
        found = self._by_name.get(name)
        if found is None:
            raise ParameterMissing(self._given.methodology, name)
        if found.unit != unit:
            raise ParameterUnitDiffers(name, found.unit, unit)
        self._used[name] = found
        value = exact(found.value)
        return Quantity(value, unit, name, found.source, found.edition, found.confidence)

    def share(self, name: str) -> Quantity:
        """A parameter from 0 to 1; raises a refusal if it is larger."""
        found = self.parameter(name, "1")
        if found.value > 1:
            raise OutOfRange(name, plain(found.value), "0 to 1")
        return found

    def grid(self, region: str, year: int) -> tuple[Quantity, Quantity]:
        """Operating and build margin of the grid for this year, or for the nearest earlier one that is out."""
        found = grid_factor(self._given.grid_factors, region, year, self._as_of)
        self._factors[found.region, found.year] = found
        if found.year < year:
            text = f"{region} {year}: the factors of {found.year} are the latest published"
            self.caution(f"GRID_FACTORS_OF_EARLIER_YEAR {year}", text)
        margins = ("operating margin", found.operating_margin), ("build margin", found.build_margin)
        first, second = (
            Quantity(
                exact(amount),
                "tCO2/MWh",
                f"{margin} {region} {found.year}, published {found.published_on}",
                found.source,
                found.edition,
                found.confidence,
            )
            for margin, amount in margins
        )
        return first, second

    def require_once(self, noun: str, key: str) -> None:
        """Raises ClaimedTwice when the report names the same thing a second time."""
        if (noun, key) in self._named:
            raise ClaimedTwice(noun, key)
        self._named.add((noun, key))

    def claim(self, noun: str, key: str) -> None:
        """Claims what counts once only, in this report and in every other."""
        self.require_once(noun, key)
        self.claimed.append(f"{noun}/{key}")

    def caution(self, code: str, text: str) -> None:
        """Notes something for the verifier; the word before a blank is the code."""
        self.cautions[code] = Caution(code=code.partition(" ")[0], text=text)

    @property
    def used(self) -> ParameterSet:
        """The parameter set without what was not looked up."""
        return msgspec.structs.replace(
            self._given,
            parameters=tuple(self._used[name] for name in sorted(self._used)),
            grid_factors=tuple(self._factors[key] for key in sorted(self._factors)),
        )
