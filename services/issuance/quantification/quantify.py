"""Quantification: activity data and parameters in, whole tonnes and the trace of every step out."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import localcontext
from typing import cast

import msgspec

from services.issuance.quantification.activity import ROWS_MAX, Activity, Monitored
from services.issuance.quantification.decimals import CONTEXTS, Rounding
from services.issuance.quantification.methods import MethodologyDiffers, method_of
from services.issuance.quantification.parameters import ParameterSet
from services.issuance.quantification.periods import require_period
from services.issuance.quantification.traces import (
    Quantified,
    Trace,
    VintageTonnes,
    canonical,
    sha256,
)
from services.issuance.quantification.vintages import whole_tonnes
from services.issuance.quantification.workings import TraceTooLarge, Workings
from services.kernel.money import TONNES_MAX
from services.kernel.refusals import Invalid, OutOfRange

TRACE_BYTES_MAX = 2 << 20
"""So much of a trace can be stored, answered and read again at once."""


@dataclass(eq=False)
class ActivityMalformed(Invalid):
    """What to quantify from is not of the form that the methodology's formula reads."""

    reason: str


@dataclass(eq=False)
class ActivityTooLarge(Invalid):
    """Activity data have a limited number of rows in all: report a shorter period, or fewer and coarser rows."""

    given: int
    expected: int


def quantify(monitored: Monitored, parameters: ParameterSet) -> Quantified:
    """The period's whole tonnes; the same input gives the same bytes, whenever and wherever."""
    require_period(monitored.period)
    require_size(monitored.activity)
    if monitored.methodology != parameters.methodology:
        raise MethodologyDiffers(monitored.methodology[:40], parameters.methodology)
    method = method_of(parameters.formula_id)
    work = Workings(parameters, monitored.as_of)
    with localcontext(CONTEXTS[Rounding.EXACT]):
        reduced = method.apply(work, monitored.period, monitored.activity)
        vintages = whole_tonnes(work, reduced)
        if sum(each.value for each in reduced.values()) < 0:
            work.caution("NET_EMISSIONS", "the period emitted more than it saved or took up")
    return _quantified(work, monitored, vintages)


def require_size(activity: Activity) -> None:
    """Raises ActivityTooLarge if nobody could check so many rows, nor a service compute them in passing."""
    rows = sum(1 for _ in _rows(activity))
    if rows > ROWS_MAX:
        raise ActivityTooLarge(rows, ROWS_MAX)


def _rows(given: msgspec.Struct) -> Iterator[msgspec.Struct]:
    """Every row of every list, and of the lists inside them."""
    for field in given.__struct_fields__:
        value: object = getattr(given, field)
        if isinstance(value, tuple):
            for row in cast("tuple[msgspec.Struct, ...]", value):
                yield row
                yield from _rows(row)


def requantify(trace: Trace) -> Quantified:
    """The same again, from nothing but the trace."""
    return quantify(trace.monitored, trace.parameters)


def read_activity(content: bytes | str) -> Activity:
    """Activity data from JSON; raises ActivityMalformed with the decoder's reason."""
    try:
        return msgspec.json.decode(content, type=Activity)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
        raise ActivityMalformed(str(fault)) from None


def _quantified(
    work: Workings, monitored: Monitored, vintages: tuple[VintageTonnes, ...]
) -> Quantified:
    tonnes = sum(each.tonnes for each in vintages)
    if tonnes > TONNES_MAX:
        raise OutOfRange("tonnes", str(tonnes), f"0 to {TONNES_MAX}")
    used = work.used
    figures = (*used.parameters, *used.grid_factors)
    trace = Trace(
        methodology=used.methodology,
        version=used.version,
        formula_id=used.formula_id,
        monitored=monitored,
        parameters=used,
        inputs_sha256=sha256(monitored),
        parameters_sha256=sha256(used),
        steps=tuple(work.steps),
    )
    size = len(canonical(trace))
    if size > TRACE_BYTES_MAX:
        raise TraceTooLarge(f"{size} bytes", f"at most {TRACE_BYTES_MAX} bytes")
    return Quantified(
        tonnes=tonnes,
        vintages=vintages,
        claimed=tuple(sorted(work.claimed)),
        cautions=tuple(work.cautions[code] for code in sorted(work.cautions)),
        unverified=tuple(each.label for each in figures if each.confidence == "UNVERIFIED"),
        trace=trace,
    )
