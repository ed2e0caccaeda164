"""The demo's records as values: public disclosures, and the data that go with them."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from services.issuance.messages.compliance import AllocationPlan
from services.issuance.messages.quantification import PublishGridFactor
from services.registry.messages.methodologies import PublishMethodology
from services.settlement.messages.market import MarketTerms
from services.tools.story import Story

DEMO = Path(__file__).parents[2] / "deploy" / "demo"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Project:
    """A registered CCER project, as the national registry discloses it."""

    code: str
    name: str
    methodology: str
    methodology_name: str
    owner: str
    province: str
    longitude: Decimal
    latitude: Decimal
    construction_started_on: date
    registered_on: date
    crediting_from: date
    crediting_to: date
    lifetime_years: int
    expected_annual_tonnes: int
    expected_total_tonnes: int
    validation_body: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Reduction:
    """The registered tonnes of one project, monitoring period and vintage."""

    project: str
    monitoring_period: int
    period_from: date
    period_to: date
    vintage: int
    tonnes: int
    period_tonnes: int
    status: Literal["ISSUED", "IN_APPLICATION", "REGISTERED"]


@dataclass(frozen=True, slots=True)
class TradingDay:
    """What the exchange disclosed at one day's close."""

    day: date
    tonnes: int
    turnover_yuan: Decimal
    cumulative_tonnes: int
    cumulative_turnover_yuan: Decimal
    basis: Literal["PUBLISHED", "DERIVED"]
    source_url: str

    @property
    def turnover_fen(self) -> int:
        """The turnover in fen, exactly: it is disclosed with two decimal places."""
        return int(self.turnover_yuan * 100)


@dataclass(frozen=True, slots=True)
class Monitored:
    """What was measured in a period, as the methodology's formula reads it."""

    period: dict[Literal["starts_on", "ends_on"], date]
    activity: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Grids:
    grid_factors: tuple[PublishGridFactor, ...]


@dataclass(frozen=True, slots=True)
class _Markets:
    market_terms: tuple[MarketTerms, ...]


@dataclass(frozen=True, slots=True)
class _Plans:
    allocation_plans: tuple[AllocationPlan, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """All that the demo plays."""

    projects: tuple[Project, ...]
    reductions: tuple[Reduction, ...]
    days: tuple[TradingDay, ...]
    story: Story
    methodologies: tuple[PublishMethodology, ...]
    grid_factors: tuple[PublishGridFactor, ...]
    market_terms: tuple[MarketTerms, ...]
    allocation_plans: tuple[AllocationPlan, ...]
    monitored: Mapping[str, Monitored]
    """By the name of its file."""

    @property
    def issued(self) -> tuple[Reduction, ...]:
        """The reductions that became credits."""
        return tuple(reduction for reduction in self.reductions if reduction.status == "ISSUED")

    @property
    def in_application(self) -> tuple[Reduction, ...]:
        """The reductions that are registered, not credits yet."""
        return tuple(row for row in self.reductions if row.status == "IN_APPLICATION")


def read_rows(path: Path, row_type: type[Row]) -> tuple[Row, ...]:
    """The rows of a CSV file whose column names are the fields of the row type."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(msgspec.convert(row, row_type, strict=False) for row in csv.DictReader(file))


def load_records(folder: Path = DEMO) -> Records:
    """Reads the demo's folder; this is the only function of the demo's records that does I/O."""
    reductions = read_rows(folder / "ccer_reductions.csv", Reduction)
    return Records(
        projects=read_rows(folder / "ccer_projects.csv", Project),
        reductions=tuple(reduction for reduction in reductions if reduction.tonnes),
        days=read_rows(folder / "ccer_daily_trades.csv", TradingDay),
        story=_read(folder / "story.toml", Story),
        methodologies=tuple(
            _read(path, PublishMethodology) for path in _tables(folder / "methodologies")
        ),
        grid_factors=_read(folder / "grid_factors.toml", _Grids).grid_factors,
        market_terms=_read(folder / "market_terms.toml", _Markets).market_terms,
        allocation_plans=_read(folder / "allocation_plan.toml", _Plans).allocation_plans,
        monitored={path.stem: _read(path, Monitored) for path in _tables(folder / "activity")},
    )


def _tables(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.toml")))


def _read(path: Path, kind: type[Row]) -> Row:
    return msgspec.toml.decode(path.read_bytes(), type=kind)
