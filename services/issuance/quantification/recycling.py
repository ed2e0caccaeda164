"""Electronics recycling, the association's pilot: a mass balance from the scales to the downstream user."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.issuance.quantification.activity import (
    ElectronicsRecycling,
    MaterialLot,
    Period,
    RefrigerantLot,
)
from services.issuance.quantification.decimals import exact, plain
from services.issuance.quantification.fuels import fuel_emissions
from services.issuance.quantification.periods import (
    FIRST_DAY,
    require_day,
    require_following,
    require_within,
    years_of,
)
from services.issuance.quantification.workings import Quantity, Workings, measured
from services.kernel.credit_codes import require_credit_code
from services.kernel.refusals import Conflict, OutOfRange

KG_PER_TONNE = 1000


@dataclass(eq=False)
class MassExceedsWeighed(Conflict):
    """By no day can more mass have left the plant than had been weighed in."""

    on: date
    given_t: str
    expected_t: str


def electronics_recycling(
    work: Workings, period: Period, activity: ElectronicsRecycling
) -> Mapping[int, Quantity]:
    """ER = materials + refrigerants - PE_plant - PE_transport - LE, year by year."""
    _require_days(period, activity)
    _claim(work, activity)
    _require_mass(activity)
    reduced = {year: _of_year(work, period, activity, year) for year in years_of(period)}
    _compare_with_mass(work, activity, list(reduced.values()))
    return reduced


def _require_days(period: Period, activity: ElectronicsRecycling) -> None:
    for batch in activity.batches:
        require_day("batches.weighed_on", batch.weighed_on, FIRST_DAY, period.ends_on)
    days = {
        "materials.received_on": [each.received_on for each in activity.materials],
        "residues.left_on": [each.left_on for each in activity.residues],
        "refrigerants.destroyed_on": [each.destroyed_on for each in activity.refrigerants],
        "fuels.used_on": [each.used_on for each in activity.fuels],
        "hauls.hauled_on": [each.hauled_on for each in activity.hauls],
    }
    for field, given in days.items():
        for day in given:
            require_within(field, day, period)
    require_following("electricity_mwh", activity.electricity_mwh, period)


def _claim(work: Workings, activity: ElectronicsRecycling) -> None:
    """Claims every device batch, material lot and certificate: none of them counts twice, anywhere (rule 25).

    A batch is claimed by what was weighed too: under another name the same devices are still the same.
    """
    require_credit_code(activity.plant)
    for batch in activity.batches:
        work.claim("device-batch", f"{activity.plant}/{batch.batch}")
        weighed = batch.category, batch.weighed_on, batch.devices, plain(exact(batch.mass_t))
        work.claim("weighing", "/".join(map(str, (activity.plant, *weighed))))
    for lot in activity.materials:
        work.claim("material-lot", f"{activity.plant}/{lot.receipt}")
    for gas in activity.refrigerants:
        work.claim("destruction", f"{activity.plant}/{gas.certificate}")


def _require_mass(activity: ElectronicsRecycling) -> None:
    """Raises MassExceedsWeighed on the first day by which more has left than came."""
    come = outgone = Decimal(0)
    weighed = deque(sorted((each.weighed_on, exact(each.mass_t)) for each in activity.batches))
    for day, mass in sorted(_outgoing(activity)):
        while weighed and weighed[0][0] <= day:
            come += weighed.popleft()[1]
        outgone += mass
        if outgone > come:
            raise MassExceedsWeighed(day, plain(outgone), plain(come))


def _outgoing(activity: ElectronicsRecycling) -> Iterator[tuple[date, Decimal]]:
    """Everything that left the plant, credited or not, in tonnes."""
    for lot in activity.materials:
        yield lot.received_on, exact(lot.mass_t)
    for residue in activity.residues:
        yield residue.left_on, exact(residue.mass_t)
    for gas in activity.refrigerants:
        yield gas.destroyed_on, exact(gas.recovered_kg) / KG_PER_TONNE


def _of_year(work: Workings, period: Period, activity: ElectronicsRecycling, year: int) -> Quantity:
    return work.step(
        f"ER {year}",
        "sum(M) + sum(F) - PE_plant - PE_transport - LE",
        "tCO2e",
        M=_materials(work, activity, year),
        F=_refrigerants(work, activity, year),
        PE_plant=_plant(work, activity, year),
        PE_transport=_transport(work, activity, year),
        LE=_leakage(work, period, activity, year),
    )


def _materials(work: Workings, activity: ElectronicsRecycling, year: int) -> Sequence[Quantity]:
    """Each material that stands in for a virgin one; no factor, no credit, least of all that of making a part."""
    lots: defaultdict[str, list[MaterialLot]] = defaultdict(list)
    for lot in activity.materials:
        if lot.received_on.year == year:
            lots[lot.material].append(lot)
    return [_material(work, name, lots[name], year) for name in sorted(lots)]


def _material(work: Workings, name: str, lots: Sequence[MaterialLot], year: int) -> Quantity:
    mass = [measured(f"{each.receipt} to {each.receiver}", each.mass_t, "t") for each in lots]
    return work.step(
        f"{name} {year}",
        "sum(Q) * (EF_virgin - EF_recycled) * q * (1 - d)",
        "tCO2e",
        Q=mass,
        EF_virgin=work.parameter(f"EF_virgin[{name}]", "tCO2e/t"),
        EF_recycled=work.parameter(f"EF_recycled[{name}]", "tCO2e/t"),
        q=work.share(f"q[{name}]"),
        d=work.share(f"d[{name}]"),
    )


def _refrigerants(work: Workings, activity: ElectronicsRecycling, year: int) -> Sequence[Quantity]:
    """Each gas destroyed beyond what would have been destroyed anyway."""
    return [
        work.step(
            f"{lot.gas} {lot.certificate} {year}",
            f"K / {KG_PER_TONNE} * GWP * (destroyed - baseline)",
            "tCO2e",
            K=measured(f"{lot.gas} recovered", lot.recovered_kg, "kg"),
            GWP=work.parameter(f"GWP[{lot.gas}]", "tCO2e/t"),
            destroyed=_destroyed(lot),
            baseline=work.share(f"baseline[{lot.gas}]"),
        )
        for lot in activity.refrigerants
        if lot.destroyed_on.year == year
    ]


def _destroyed(lot: RefrigerantLot) -> Quantity:
    """How much of the gas was destroyed; raises OutOfRange if that is more than all of it."""
    share = measured(f"{lot.gas} destroyed", lot.destroyed_share, "1")
    if share.value > 1:
        raise OutOfRange("refrigerants.destroyed_share", plain(share.value), "0 to 1")
    return share


def _plant(work: Workings, activity: ElectronicsRecycling, year: int) -> Quantity:
    readings = [each for each in activity.electricity_mwh if each.starts_on.year == year]
    return work.step(
        f"PE_plant {year}",
        "sum(EC) * EF_el + PE_fuel",
        "tCO2e",
        EC=[measured(f"electricity from {r.starts_on}", r.quantity, "MWh") for r in readings],
        EF_el=work.parameter("EF_el", "tCO2/MWh"),
        PE_fuel=fuel_emissions(work, "PE_fuel", activity.fuels, year),
    )


def _transport(work: Workings, activity: ElectronicsRecycling, year: int) -> Quantity:
    hauls = [each for each in activity.hauls if each.hauled_on.year == year]
    return work.step(
        f"PE_transport {year}",
        "sum(TKM) * EF_transport",
        "tCO2e",
        TKM=[measured(f"haul {each.hauled_on}", each.tonne_km, "t*km") for each in hauls],
        EF_transport=work.parameter("EF_transport", "tCO2e/(t*km)"),
    )


def _leakage(work: Workings, period: Period, activity: ElectronicsRecycling, year: int) -> Quantity:
    """Per tonne weighed in; what came before the period belongs to its first year."""
    batches = [
        each for each in activity.batches if max(each.weighed_on, period.starts_on).year == year
    ]
    return work.step(
        f"LE {year}",
        "sum(M_in) * LE",
        "tCO2e",
        M_in=[measured(f"device batch {each.batch}", each.mass_t, "t") for each in batches],
        LE=work.parameter("LE", "tCO2e/t"),
    )


def _compare_with_mass(
    work: Workings, activity: ElectronicsRecycling, reduced: Sequence[Quantity]
) -> None:
    """Cautions the verifier if a tonne weighed in saves more, or less, than appliances plausibly do."""
    batches = activity.batches
    mass = [measured(f"device batch {each.batch}", each.mass_t, "t") for each in batches]
    above = work.step(
        "above the lowest plausible reduction",
        "sum(ER) - sum(M_in) * ER_min",
        "tCO2e",
        ER=reduced,
        M_in=mass,
        ER_min=work.parameter("ER_min", "tCO2e/t"),
    )
    below = work.step(
        "below the highest plausible reduction",
        "sum(M_in) * ER_max - sum(ER)",
        "tCO2e",
        M_in=mass,
        ER_max=work.parameter("ER_max", "tCO2e/t"),
        ER=reduced,
    )
    if above.value < 0 or below.value < 0:
        text = "the reduction per tonne weighed in lies outside ER_min to ER_max"
        work.caution("IMPLAUSIBLE_PER_TONNE", text)
