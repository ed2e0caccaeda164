"""What is true of a monitoring report before it is published: its period, on what its tonnes stand, its vintages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.issuance.messages.reports import SubmitReport, VintageTonnes
from services.issuance.reductions import (
    Period,
    Programme,
    Project,
    require_dates,
    require_number,
    require_over,
    require_tonnes,
    require_unclaimed,
)
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import Conflict, Forbidden, Invalid, OutOfRange

QUANTIFIED_ONLY = frozenset({"NATIONAL"})
"""Kinds of programme whose reports are computed from activity data; historians bring in others."""


class Basis(StrEnum):
    """On what a report's tonnes stand."""

    QUANTIFIED = "QUANTIFIED"
    ATTESTED = "ATTESTED"


@dataclass(eq=False)
class BasisNotAccepted(Invalid):
    """The programme accepts only reports that are quantified from activity data."""

    given: str
    expected: str


@dataclass(eq=False)
class ReportContentDiffers(Invalid):
    """A quantified report says what was measured; an attested one says the tonnes and has a document."""

    basis: str
    expected: str


@dataclass(eq=False)
class VintagesDiffer(Invalid):
    """Tonnes are stated once for each calendar year, and of no other years than expected."""

    given: str
    expected: str


@dataclass(eq=False)
class CountedElsewhere(Conflict):
    """A batch of devices, lot of material or certificate counts once: another report has it."""

    given: str
    report: UUID


@dataclass(eq=False)
class PlantOfOthers(Forbidden):
    """Devices are weighed in at the owner's own plant, named by the owner's unified social credit code."""

    given: str
    expected: str | None


class Stated(Protocol):
    """Tonnes of one calendar year, from a message or from a quantification."""

    @property
    def vintage(self) -> int: ...
    @property
    def tonnes(self) -> int: ...


def by_vintage(stated: Iterable[Stated]) -> dict[int, int]:
    """Tonnes by calendar year; raises VintagesDiffer if a year stands twice."""
    stated = tuple(stated)
    tonnes = {one.vintage: one.tonnes for one in stated}
    if len(tonnes) < len(stated):
        raise VintagesDiffer(listed(one.vintage for one in stated), listed(tonnes))
    return dict(sorted(tonnes.items()))


def stated(tonnes: Mapping[int, int]) -> tuple[VintageTonnes, ...]:
    """Tonnes by calendar year, as messages say them."""
    return tuple(VintageTonnes(vintage=year, tonnes=count) for year, count in tonnes.items())


def listed(years: Iterable[int]) -> str:
    """Calendar years as a refusal says them."""
    return ", ".join(map(str, sorted(years)))


def require_reportable(
    period: Period, project: Project, programme: Programme, on: date, claimed: Sequence[Period]
) -> None:
    """Raises the first refusal that the rule book has for a report of this period on this day."""
    require_number(period)
    require_dates(period.starts_on, period.ends_on, project, programme)
    require_over(project, period.ends_on, on)
    require_unclaimed(period, claimed)


def require_basis(report: SubmitReport, programme: Programme, *, is_history: bool) -> Basis:
    """The basis; raises a refusal if the programme does not accept it, but for what historians bring in."""
    if report.basis not in Basis.__members__:
        raise OutOfRange("basis", report.basis[:40], ", ".join(Basis))
    basis = Basis(report.basis)
    if basis is not Basis.QUANTIFIED and programme.kind in QUANTIFIED_ONLY and not is_history:
        raise BasisNotAccepted(basis, Basis.QUANTIFIED)
    _require_content(basis, report)
    return basis


def _require_content(basis: Basis, report: SubmitReport) -> None:
    is_quantified = basis is Basis.QUANTIFIED
    if (report.activity is not None) != is_quantified:
        raise ReportContentDiffers(basis, "activity, if and only if it is quantified")
    if bool(report.tonnes) == is_quantified:
        raise ReportContentDiffers(basis, "tonnes, if and only if it is attested")
    if not is_quantified and not report.documents:
        raise ReportContentDiffers(basis, "at least one document")


def require_own_plant(plant: str, credit_code: str | None) -> None:
    """Raises PlantOfOthers unless the plant is the owner's: what it claims is claimed under one name for ever."""
    if plant != credit_code:
        raise PlantOfOthers(plant, credit_code)


def require_vintages(tonnes: Mapping[int, int], period: Period) -> None:
    """Raises a refusal unless all tonnes were made in years of the period, and there are some."""
    if not tonnes.keys() <= set(period.years):
        raise VintagesDiffer(listed(tonnes), listed(period.years))
    for count in tonnes.values():
        if not 0 <= count <= TONNES_MAX:
            raise OutOfRange("tonnes", str(count), f"0 to {TONNES_MAX}")
    require_tonnes(sum(tonnes.values()))
