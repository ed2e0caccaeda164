"""Traces: every step of a quantification with its formula, inputs, sources and rounding, ready to be stored."""

import hashlib

import msgspec

from services.issuance.quantification.activity import Monitored
from services.issuance.quantification.decimals import Rounding
from services.issuance.quantification.parameters import Confidence, ParameterSet


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input of a step: the symbol that the formula has for it, its value, and where it comes from."""

    symbol: str
    name: str
    value: str
    unit: str
    source: str
    """``activity``, ``step`` for the result of an earlier one, or the publication."""
    edition: str | None = None
    confidence: Confidence | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: the formula is the very text that was computed; inputs with one symbol are rows of a sum."""

    name: str
    formula: str
    inputs: tuple[Figure, ...]
    result: str
    unit: str
    rounding: Rounding


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that it takes to compute the tonnes again, and all that was done to them."""

    methodology: str
    version: str
    formula_id: str
    monitored: Monitored
    parameters: ParameterSet
    """Only the figures that were used, as they were when they were used."""
    inputs_sha256: str
    parameters_sha256: str
    steps: tuple[Step, ...]


class VintageTonnes(msgspec.Struct, frozen=True, kw_only=True):
    """Whole tonnes of one calendar year."""

    vintage: int
    tonnes: int


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the verifier should look at; it refuses nothing."""

    code: str
    text: str


class Quantified(msgspec.Struct, frozen=True, kw_only=True):
    """What a period's activity comes to: whole tonnes, rounded down, of which each vintage has its part."""

    tonnes: int
    vintages: tuple[VintageTonnes, ...]
    """Every calendar year of the period, in order; they add up to the tonnes."""
    claimed: tuple[str, ...]
    """Keys of device batches and material lots that may be claimed once only, by any project."""
    cautions: tuple[Caution, ...]
    unverified: tuple[str, ...]
    """Names of the parameters used that nobody has verified."""
    trace: Trace


_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: msgspec.Struct) -> bytes:
    """JSON with sorted keys and no blanks: equal content has equal bytes."""
    return _encoder.encode(value)


def sha256(value: msgspec.Struct) -> str:
    """SHA-256 of the canonical JSON, in 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def read_trace(content: bytes | str) -> Trace:
    """A stored trace, whatever order its keys came back in."""
    return msgspec.json.decode(content, type=Trace)
