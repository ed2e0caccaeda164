"""What ``tonne quantify`` prints: the tonnes of a monitoring period, and every step that led to them."""

import tomllib
from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from services.issuance.quantification.activity import Monitored
from services.issuance.quantification.parameters import GridFactor, Parameter, ParameterSet
from services.issuance.quantification.quantify import ActivityMalformed, quantify
from services.issuance.quantification.traces import Figure, Quantified, Step
from services.kernel.names import require_code
from services.kernel.refusals import Unknown
from services.tools.records import DEMO

WIDTH = 150

Content = TypeVar("Content")


class Methodology(msgspec.Struct, frozen=True, kw_only=True):
    """What quantification needs of a methodology's file."""

    code: str
    formula_id: str
    parameters: tuple[Parameter, ...]


class Grids(msgspec.Struct, frozen=True, kw_only=True):
    """The file of grid factors."""

    grid_factors: tuple[GridFactor, ...]


def report(file: Path, methodology: Path | None, grid_factors: Path | None, as_json: bool) -> str:
    """The result and its trace, as JSON or as a person reads it; the same files give the same text."""
    monitored = read(file, Monitored)
    quantified = quantify(
        monitored, parameter_set(monitored.methodology, methodology, grid_factors)
    )
    return as_text(quantified) if not as_json else _pretty(quantified)


def read(path: Path, kind: type[Content]) -> Content:
    """A TOML or JSON file as this type; raises ActivityMalformed with the place and the reason."""
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(path.read_bytes(), type=kind)
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), type=kind)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeError, RecursionError) as fault:
        raise ActivityMalformed(f"{path.name}: {fault}") from None


def parameter_set(code: str, methodology: Path | None, grid_factors: Path | None) -> ParameterSet:
    """The figures of the files given, or of the demo's."""
    if methodology is None:
        require_code("methodology", code)
        methodology = DEMO / "methodologies" / f"{code}.toml"
        if not methodology.exists():
            raise Unknown("methodology", code)
    found = read(methodology, Methodology)
    return ParameterSet(
        methodology=found.code,
        version=found.code.rpartition("-")[2],
        formula_id=found.formula_id,
        parameters=found.parameters,
        grid_factors=read(grid_factors or DEMO / "grid_factors.toml", Grids).grid_factors,
    )


def _pretty(quantified: Quantified) -> str:
    return msgspec.json.format(msgspec.json.encode(quantified), indent=2).decode()


def as_text(quantified: Quantified) -> str:
    """Tables for people: steps, where their figures come from, vintages and cautions."""
    console = Console(file=StringIO(), width=WIDTH, highlight=False, markup=False, emoji=False)
    sources: dict[str, int] = {}
    console.print(_steps(quantified, sources))
    for source, number in sources.items():
        console.print(f"[{number}] {source}")
    console.print()
    for line in _summary(quantified):
        console.print(line)
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def _steps(quantified: Quantified, sources: dict[str, int]) -> Table:
    trace = quantified.trace
    period = trace.monitored.period
    title = (
        f"{trace.methodology}, formula {trace.formula_id}, {period.starts_on} to {period.ends_on}"
    )
    table = Table(title=title, title_justify="left", show_lines=True)
    for column in ("step", "formula", "with", "result", "rounding"):
        table.add_column(column, justify="right" if column == "result" else "left")
    for step in trace.steps:
        result = f"{step.result} {step.unit}"
        figures = "\n".join(_figures(step, sources))
        table.add_row(step.name, step.formula, figures, result, step.rounding)
    return table


def _figures(step: Step, sources: dict[str, int]) -> Iterator[str]:
    """A line for each symbol of the formula, with the numbers of the sources."""
    for symbol, rows in groupby(step.inputs, key=lambda figure: figure.symbol):
        figures = list(rows)
        values = ", ".join(figure.value for figure in figures)
        notes = dict.fromkeys(_note(figure, sources) for figure in figures)
        unit = "" if figures[0].unit == "1" else figures[0].unit
        yield " ".join(filter(None, (f"{symbol} = {values}", unit, *notes)))


def _note(figure: Figure, sources: dict[str, int]) -> str:
    if figure.edition is None:
        return ""
    source = f"{figure.name}: {figure.source}; {figure.edition}; {figure.confidence}"
    return f"[{sources.setdefault(source, len(sources) + 1)}]"


def _summary(quantified: Quantified) -> Iterator[str]:
    for each in quantified.vintages:
        yield f"{each.vintage}: {each.tonnes:,} t"
    yield f"total: {quantified.tonnes:,} t CO2e, rounded down"
    for caution in quantified.cautions:
        yield f"caution {caution.code}: {caution.text}"
    if quantified.unverified:
        yield f"not verified: {', '.join(quantified.unverified)}"
    yield f"claims, once only: {len(quantified.claimed)}"
    yield f"sha256 of the activity data: {quantified.trace.inputs_sha256}"
    yield f"sha256 of the parameters:    {quantified.trace.parameters_sha256}"
