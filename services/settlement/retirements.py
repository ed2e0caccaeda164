"""The rules of use: for which purposes credits may be retired, and what must be said of it."""

from dataclasses import dataclass
from enum import StrEnum

from services.kernel.refusals import Conflict, Invalid
from services.settlement.messages.retirements import RetireCredits


class Purpose(StrEnum):
    """What credits may be used for (Measures 2023, article 28, and other programmes' uses)."""

    ETS_OFFSET_NATIONAL = "ETS_OFFSET_NATIONAL"
    EVENT_NEUTRALITY = "EVENT_NEUTRALITY"
    ENTERPRISE_OFFSET = "ENTERPRISE_OFFSET"
    VOLUNTARY_PUBLIC_GOOD = "VOLUNTARY_PUBLIC_GOOD"


@dataclass(frozen=True, slots=True)
class Programme:
    """What settlement knows of a programme: whether its credits may ever meet an ETS obligation."""

    code: str
    kind: str
    is_ets_eligible: bool


@dataclass(eq=False)
class PurposeUnknown(Invalid):
    """Credits are retired for one of the purposes that the rule book names."""

    given: str
    expected: str


@dataclass(eq=False)
class NotEligibleForEts(Conflict):
    """Credits of this programme are never accepted for offsetting in the national ETS."""

    programme: str
    kind: str


@dataclass(eq=False)
class ObligationUnknown(Conflict):
    """An ETS offset needs an obligation of this entity and year, and none is on record."""

    beneficiary: str
    reporting_period: str


@dataclass(eq=False)
class StatementMissing(Invalid):
    """A retirement names its beneficiary, country, reporting period and reason."""

    field: str


_REQUIRED = (
    "beneficiary_name",
    "beneficiary_id",
    "beneficiary_country",
    "reporting_period",
    "reason",
)


def require_usable(command: RetireCredits, programme: Programme) -> None:
    """Raises the refusal of the first rule of use that the retirement breaks (rules 21, 23 and 25)."""
    if command.purpose not in list(Purpose):
        raise PurposeUnknown(command.purpose, " or ".join(Purpose))
    for name in _REQUIRED:
        if not getattr(command, name).strip():
            raise StatementMissing(name)
    if command.purpose == Purpose.ETS_OFFSET_NATIONAL:
        if not programme.is_ets_eligible:
            raise NotEligibleForEts(programme.code, programme.kind)
        raise ObligationUnknown(command.beneficiary_id, command.reporting_period)


def certificate_number(year: int, running_number: int) -> str:
    """The certificate's public number: the year of use in Beijing and a running number."""
    return f"RET-{year}-{running_number:08d}"
