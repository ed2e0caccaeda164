"""What was measured in a monitoring period, typed for each methodology; amounts are decimal strings."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from services.issuance.quantification.decimals import Amount

Key = Annotated[str, Meta(pattern=r"^[A-Z0-9]+([-.][A-Z0-9]+)*$(?!\n)", max_length=40)]
"""What is looked up or claimed: groups of capital letters and digits, so that one thing has one name."""
Name = Annotated[str, Meta(pattern=r"^[^\u0000-\u001f\u007f]+$(?!\n)", max_length=100)]
"""What people call it; without control characters, which the database could not keep."""

ROWS_MAX = 5_000
"""Of one list, and of all lists of a report together: see ``require_size``."""
CALIBRATIONS_MAX = 50
"""Of one meter; a certificate stands for a year."""


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an owner reports as measured; an unknown field is refused, not ignored."""


class Period(Measured, frozen=True, kw_only=True):
    """A monitoring period; both ends belong to it."""

    starts_on: date
    ends_on: date


class Reading(Measured, frozen=True, kw_only=True):
    """What a meter counted from one day to another, both included, within one calendar year."""

    starts_on: date
    ends_on: date
    quantity: Amount


class Calibration(Measured, frozen=True, kw_only=True):
    """The days for which a certificate of calibration stands, both included, and the error that it found."""

    valid_from: date
    valid_until: date
    error_percent: Amount
    """The size of the error, whichever its sign."""


Readings = Annotated[tuple[Reading, ...], Meta(max_length=ROWS_MAX)]
Calibrations = Annotated[tuple[Calibration, ...], Meta(max_length=CALIBRATIONS_MAX)]


class Meter(Measured, frozen=True, kw_only=True):
    """A metering point: its readings follow each other day by day through the whole period."""

    point: Name
    accuracy_class: Key
    """Such as 0.5S; the methodology's ``MPE[0.5S]`` is the largest error that it permits."""
    calibrations: Calibrations
    """Days that no calibration covers count as uncalibrated, whether it is late or missing."""
    readings: Readings


class FuelMeter(Meter, frozen=True, kw_only=True):
    """A metering point of a fuel."""

    fuel: Key
    unit: Literal["t", "10^4Nm3"]


Meters = Annotated[tuple[Meter, ...], Meta(max_length=100)]


class OffshoreWind(Measured, frozen=True, kw_only=True, tag_field="kind", tag="OFFSHORE_WIND"):
    """CCER-01-002: electricity in MWh that went into the grid and came out of it."""

    region: Key
    exported: Annotated[Meters, Meta(min_length=1)]
    imported: Annotated[Meters, Meta(min_length=1)]


class SolarThermal(Measured, frozen=True, kw_only=True, tag_field="kind", tag="SOLAR_THERMAL"):
    """CCER-01-001: electricity in MWh, and the fuel burnt against frost and otherwise."""

    region: Key
    exported: Annotated[Meters, Meta(min_length=1)]
    imported: Annotated[Meters, Meta(min_length=1)]
    fuels: Annotated[tuple[FuelMeter, ...], Meta(max_length=100)] = ()


class Stand(Measured, frozen=True, kw_only=True):
    """Trees of one species in one stratum, at the first and at the last day of the period."""

    stratum: Name
    species: Key
    area_ha: Amount
    measure: Literal["VOLUME", "BIOMASS"]
    """Stem volume in m3/ha, or above-ground biomass in t d.m./ha by the annex's allometry."""
    before: Amount
    after: Amount


class Fire(Measured, frozen=True, kw_only=True):
    """A fire within the project's boundary; the carbon itself is missing from the stock after it."""

    burnt_on: date
    biomass_t: Amount
    """What burnt, in t d.m."""


Stands = Annotated[tuple[Stand, ...], Meta(min_length=1, max_length=ROWS_MAX)]
Fires = Annotated[tuple[Fire, ...], Meta(max_length=1_000)]


class Afforestation(Measured, frozen=True, kw_only=True, tag_field="kind", tag="AFFORESTATION"):
    """CCER-14-001: the stock of trees at both ends of the period, and what burnt in between."""

    stands: Stands
    fires: Fires = ()


class Flat(Measured, frozen=True, kw_only=True):
    """Mangrove of one species on one tidal flat or retired pond."""

    stratum: Name
    species: Key
    area_ha: Amount
    planted_on: date
    """From this day on its soil takes up carbon."""
    before: Amount
    """Above-ground biomass on the first day of the period, t d.m./ha."""
    after: Amount


class FuelUse(Measured, frozen=True, kw_only=True):
    """Fuel burnt by machines and vehicles, in tonnes."""

    used_on: date
    fuel: Key
    mass_t: Amount


FuelUses = Annotated[tuple[FuelUse, ...], Meta(max_length=ROWS_MAX)]


class Mangrove(Measured, frozen=True, kw_only=True, tag_field="kind", tag="MANGROVE"):
    """CCER-14-002: biomass at both ends of the period, planted areas, and the project's own fuel."""

    flats: Annotated[tuple[Flat, ...], Meta(min_length=1, max_length=ROWS_MAX)]
    fuels: FuelUses = ()


class DeviceBatch(Measured, frozen=True, kw_only=True):
    """Devices as they were weighed in, which this report claims and no other may claim again."""

    batch: Key
    category: Key
    weighed_on: date
    """May lie before the period: the devices then waited to be dismantled."""
    devices: Annotated[int, Meta(ge=1, le=10_000_000)]
    mass_t: Amount


class MaterialLot(Measured, frozen=True, kw_only=True):
    """Recovered material that a downstream user proved to have taken as raw material."""

    receipt: Key
    receiver: Name
    material: Key
    received_on: date
    mass_t: Amount


class Residue(Measured, frozen=True, kw_only=True):
    """What left the plant without any credit: waste, circuit boards, parts for reuse."""

    name: Name
    left_on: date
    mass_t: Amount


class RefrigerantLot(Measured, frozen=True, kw_only=True):
    """A gas recovered from refrigerants or foam, and how much of it was destroyed by its certificate."""

    certificate: Key
    gas: Key
    destroyed_on: date
    recovered_kg: Amount
    destroyed_share: Amount
    """From 0 to 1."""


class Haul(Measured, frozen=True, kw_only=True):
    """Transport of devices to the plant and of materials from it."""

    hauled_on: date
    tonne_km: Amount


class ElectronicsRecycling(
    Measured, frozen=True, kw_only=True, tag_field="kind", tag="ELECTRONICS_RECYCLING"
):
    """The pilot's mass balance of one plant: what was weighed in, what came out and where it went."""

    plant: Key
    """The owner's unified social credit code; a batch key is unique within its plant."""
    batches: Annotated[tuple[DeviceBatch, ...], Meta(min_length=1, max_length=ROWS_MAX)]
    materials: Annotated[tuple[MaterialLot, ...], Meta(max_length=ROWS_MAX)]
    residues: Annotated[tuple[Residue, ...], Meta(max_length=ROWS_MAX)]
    electricity_mwh: Readings
    """Follows day by day through the whole period."""
    refrigerants: Annotated[tuple[RefrigerantLot, ...], Meta(max_length=ROWS_MAX)] = ()
    fuels: FuelUses = ()
    hauls: Annotated[tuple[Haul, ...], Meta(max_length=ROWS_MAX)] = ()


Activity = SolarThermal | OffshoreWind | Afforestation | Mangrove | ElectronicsRecycling


class Monitored(Measured, frozen=True, kw_only=True):
    """Activity data of one period, under one methodology, as known on one day."""

    methodology: str
    period: Period
    as_of: date
    """The day on which the verification report is handed in, or before that the report: later factors do not count."""
    activity: Activity
