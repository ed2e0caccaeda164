"""What is true of conversions: on what terms a programme's credits become another's, and what their life is.

Allowances that are carried over are converted too: within their programme, from one year into a later one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.issuance.allocation_plans import ALLOWANCE
from services.issuance.batches import VINTAGE_MIN, Batch
from services.issuance.messages.conversions import RequestConversion, SetConversionTerms
from services.issuance.messages.states import ConversionState as State
from services.issuance.quantification.decimals import exact, plain
from services.issuance.reductions import (
    BeforeRegistration,
    Programme,
    Project,
    require_registered,
    require_tonnes,
)
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, OutOfRange

AHEAD_MAX = timedelta(days=366)
"""How long before they begin terms may be set."""
VINTAGE_MAX = 9999


class Step(StrEnum):
    """What happens to a conversion once settlement has decided on its source."""

    ISSUE = "ISSUE"
    REFUSE = "REFUSE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.PENDING, Step.ISSUE): State.ISSUED,
    (State.PENDING, Step.REFUSE): State.REFUSED,
}


@dataclass(eq=False)
class NeverConverted(Conflict):
    """Nothing is converted into what counts in the national ETS, and allowances are never converted (rule 25)."""

    programme: str
    kind: str


@dataclass(eq=False)
class ConversionNotOpen(Conflict):
    """No terms are in force by which credits of the one programme become credits of the other."""

    source_programme: str
    target_programme: str


@dataclass(eq=False)
class ConversionTermsInForce(Conflict):
    """Terms are followed by later ones, and are never changed for days that have begun."""

    given: date
    expected: str


@dataclass(frozen=True, slots=True)
class Terms:
    """By which factor credits are converted from a day on; without a factor they are converted no more."""

    source_programme: str
    target_programme: str
    factor: Decimal | None
    valid_from: date
    source: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """Credits that are to die, and the batch that is reserved for them: it exists only once they are dead."""

    conversion_id: UUID
    source_programme: str
    source_project: str
    source_vintage: int
    source_tonnes: int
    factor: Decimal
    target: Batch
    state: State = State.PENDING
    compliance_id: UUID | None = None
    """If allowances are carried over: the compliance year into which."""

    @property
    def subject(self) -> str:
        """How events name it."""
        return f"conversion/{self.conversion_id}"


def read_terms(said: SetConversionTerms) -> Terms:
    """The terms that were said; raises a refusal for a factor that makes credits out of nothing."""
    require_text("source", said.source)
    if said.source_programme == said.target_programme:
        expected = f"another programme than {said.source_programme}"
        raise OutOfRange("target_programme", said.target_programme, expected)
    factor = None if said.factor is None else exact(f"{said.factor:f}")
    if factor is not None and not 0 < factor <= 1:
        raise OutOfRange("factor", plain(factor), "above 0, at most 1")
    return Terms(said.source_programme, said.target_programme, factor, said.valid_from, said.source)


def require_convertible(source: Programme, target: Programme) -> None:
    """Raises NeverConverted if the target's credits count in the national ETS, or either's are allowances."""
    if target.is_ets_eligible:
        raise NeverConverted(target.code, target.kind)
    for programme in (source, target):
        if programme.kind == ALLOWANCE:
            raise NeverConverted(programme.code, programme.kind)


def require_later(terms: Terms, earlier: Sequence[Terms], today: date) -> None:
    """Raises a refusal unless these follow all earlier ones and change nothing that has begun."""
    if terms.valid_from > today + AHEAD_MAX:
        given = terms.valid_from.isoformat()
        raise OutOfRange("valid_from", given, f"{today + AHEAD_MAX} or before")
    if earlier:
        newest = max(today, *(one.valid_from for one in earlier))
        if terms.valid_from <= newest:
            raise ConversionTermsInForce(terms.valid_from, f"after {newest}")


def factor_on(day: date, versions: Sequence[Terms], source: str, target: str) -> Decimal:
    """The factor of the newest terms that had begun on this day; raises ConversionNotOpen."""
    begun = [one for one in versions if one.valid_from <= day]
    newest = max(begun, key=lambda one: one.valid_from, default=None)
    if newest is None or newest.factor is None:
        raise ConversionNotOpen(source, target)
    return newest.factor


def converted(tonnes: int, factor: Decimal) -> int:
    """How many tonnes live in the stead of these: rounded down, and never more; raises OutOfRange for none at all."""
    require_tonnes(tonnes)
    numerator, denominator = factor.as_integer_ratio()
    target = tonnes * numerator // denominator
    if not target:
        expected = f"enough for one tonne at the factor {plain(factor)}"
        raise OutOfRange("source_tonnes", str(tonnes), expected)
    return target


def require_vintage(command: RequestConversion) -> None:
    """Raises OutOfRange unless the vintage is a year, and stays what it is."""
    vintage = command.source_vintage
    if not VINTAGE_MIN <= vintage <= VINTAGE_MAX:
        raise OutOfRange("source_vintage", str(vintage), f"{VINTAGE_MIN} to {VINTAGE_MAX}")
    if command.target_vintage != vintage:
        raise OutOfRange("target_vintage", str(command.target_vintage), str(vintage))


def require_target(project: Project, on: date) -> None:
    """Raises a refusal unless the target's project is registered on this day."""
    require_registered(project)
    if on < project.registered_on:
        raise BeforeRegistration(on, project.registered_on)


def reserve(
    command: RequestConversion, source: Programme, project: Project, number: int, factor: Decimal
) -> Conversion:
    """The conversion that is asked for, with the batch that is to be issued for the holder of the source."""
    target = Batch(
        batch_id=command.batch_id,
        programme=project.programme,
        country=project.country,
        project=project.code,
        vintage=command.target_vintage,
        batch_number=number,
        tonnes=converted(command.source_tonnes, factor),
        holder_account=command.account,
        conversion_id=command.conversion_id,
    )
    return Conversion(
        conversion_id=command.conversion_id,
        source_programme=source.code,
        source_project=command.source_project,
        source_vintage=command.source_vintage,
        source_tonnes=command.source_tonnes,
        factor=factor,
        target=target,
    )


def stepped(conversion: Conversion, step: Step) -> Conversion:
    """The conversion after settlement's decision; raises StepNotAllowed if there was another one before."""
    state = advance(LIFECYCLE, conversion.state, step, conversion.subject)
    return replace(conversion, state=state)
