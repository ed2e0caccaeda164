"""From the reductions of each calendar year to whole tonnes that add up to the period's, rounded down."""

from collections.abc import Mapping

from services.issuance.quantification.decimals import Rounding
from services.issuance.quantification.traces import VintageTonnes
from services.issuance.quantification.workings import Quantity, Workings


def whole_tonnes(work: Workings, reduced: Mapping[int, Quantity]) -> tuple[VintageTonnes, ...]:
    """The whole tonnes of every year, in order.

    A tonne belongs to the year in which it became whole. A year that emitted more than it saved takes its tonnes
    back from the years before it, and if they do not have them, from those after it: no vintage is negative.
    """
    through = _whole_through(work, reduced)
    vintages: list[VintageTonnes] = []
    before: Quantity | None = None
    for year in through:
        later = [each for other, each in through.items() if other >= year]
        kept = work.step(f"kept through {year}", "max(0, min(T))", "t", T=later)
        if before is None:
            vintage = work.step(f"vintage {year}", "kept", "t", kept=kept)
        else:
            vintage = work.step(f"vintage {year}", "kept - before", "t", kept=kept, before=before)
        vintages.append(VintageTonnes(vintage=year, tonnes=int(vintage.value)))
        before = kept
    return tuple(vintages)


def _whole_through(work: Workings, reduced: Mapping[int, Quantity]) -> Mapping[int, Quantity]:
    """By year, the whole tonnes of all years up to it."""
    return {
        year: work.step(
            f"tonnes through {year}",
            "sum(ER)",
            "t",
            Rounding.WHOLE,
            ER=[each for other, each in reduced.items() if other <= year],
        )
        for year in reduced
    }
