"""The rules of use: what credits may be retired and cancelled for, and what is said of it for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.kernel.blocks import Block
from services.kernel.clocks import CLOCK_LEEWAY
from services.kernel.documents import require_digest
from services.kernel.names import require_country, require_text
from services.kernel.refusals import Conflict, Forbidden, Invalid, OutOfRange
from services.settlement.books import Books
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.messages.holdings import SerialRange
from services.settlement.messages.retirements import (
    CancelCredits,
    CreditsCancelled,
    CreditsRetired,
    RetireCredits,
)

REASON_LENGTH_MAX = 2_000
ALLOWANCE = "ALLOWANCE"
"""The kind of programme whose credits are allowances: they are surrendered, and never an offset."""


class Purpose(StrEnum):
    """What credits may be used for (Measures 2023, article 28, and other programmes' uses)."""

    ETS_OFFSET_NATIONAL = "ETS_OFFSET_NATIONAL"
    ETS_OFFSET_LOCAL = "ETS_OFFSET_LOCAL"
    ETS_SURRENDER = "ETS_SURRENDER"
    EVENT_NEUTRALITY = "EVENT_NEUTRALITY"
    ENTERPRISE_OFFSET = "ENTERPRISE_OFFSET"
    VOLUNTARY_PUBLIC_GOOD = "VOLUNTARY_PUBLIC_GOOD"
    CORSIA = "CORSIA"
    NDC_USE = "NDC_USE"


class Ground(StrEnum):
    """What credits are cancelled for when nobody uses them."""

    OMGE = "OMGE"
    SOP = "SOP"
    REVERSAL_COMPENSATION = "REVERSAL_COMPENSATION"
    FORCED = "FORCED"
    CONVERSION_OUT = "CONVERSION_OUT"
    CARRY_OVER = "CARRY_OVER"


class BeneficiaryKind(StrEnum):
    """Whether the beneficiary's name is public in any case."""

    ORGANISATION = "ORGANISATION"
    NATURAL_PERSON = "NATURAL_PERSON"


OFFSETS = frozenset({Purpose.ETS_OFFSET_NATIONAL, Purpose.ETS_OFFSET_LOCAL})
DISCHARGING = frozenset({Purpose.ETS_OFFSET_NATIONAL, Purpose.ETS_SURRENDER})
"""Uses that meet an obligation in the national ETS."""
CROSS_BORDER = frozenset({Purpose.CORSIA, Purpose.NDC_USE})
ORDERED = (Ground.OMGE, Ground.SOP, Ground.REVERSAL_COMPENSATION, Ground.FORCED)
"""What may be ordered; a conversion or carry-over cancels its source by itself."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What settlement knows of a programme: whether its credits may ever meet an ETS obligation."""

    code: str
    kind: str
    is_ets_eligible: bool


@dataclass(eq=False)
class PurposeUnknown(Invalid):
    """Credits are retired, and cancelled, for one of the purposes that the rule book names."""

    given: str
    expected: str


@dataclass(eq=False)
class NotEligibleForEts(Conflict):
    """Credits of this programme are never accepted for offsetting in an ETS."""

    programme: str
    kind: str


@dataclass(eq=False)
class NotSurrenderable(Conflict):
    """Only allowances are surrendered; credits offset, up to the cap."""

    programme: str
    kind: str


@dataclass(eq=False)
class CrossBorderUseNotAuthorised(Forbidden):
    """Use across the border needs a programme that is authorised for it, and none is (measures 2023, article 29)."""

    programme: str
    given: str


@dataclass(eq=False)
class UsedBeforeIssued(Conflict):
    """A certificate is of no earlier day than the credits themselves, whoever enters it later."""

    given: datetime
    issued_at: datetime


@dataclass(eq=False)
class StatementMissing(Invalid):
    """A retirement names its beneficiary, country, reporting period and reason."""

    field: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose use it is, and for which period."""

    beneficiary_kind: str
    beneficiary_name: str
    beneficiary_id: str
    beneficiary_country: str
    on_behalf_of: str
    reporting_period: str
    is_public: bool


@dataclass(frozen=True, slots=True)
class Retirement:
    """Credits that leave circulation for ever, and what the public record says of it."""

    retirement_id: UUID
    account: str
    programme: str
    instrument: Instrument
    tonnes: int
    purpose: str
    reason: str
    claim: Claim | None = None
    """Nobody claims what is cancelled."""
    document_sha256: str | None = None

    @property
    def target(self) -> Place:
        """Where the credits stay."""
        return Place(self.account, Bucket.RETIRED if self.claim else Bucket.CANCELLED)

    @property
    def posting(self) -> str:
        """The name under which its entries and events stand."""
        return f"retirement/{self.retirement_id}"

    def book(self, books: Books, source: Place, at: datetime) -> Sequence[Block]:
        """Moves the credits where they stay, and returns their blocks; raises NotEnoughCredits or UsedBeforeIssued."""
        blocks = books.move(self.posting, self.instrument, source, self.target, self.tonnes, at)
        issued_at = max(books.batches[block.batch].issued_at for block in blocks)
        if at < issued_at - CLOCK_LEEWAY:
            raise UsedBeforeIssued(at, issued_at)
        return blocks

    @property
    def series(self) -> str:
        """How its certificate number begins."""
        return "RET" if self.claim else "CAN"


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
        raise PurposeUnknown(command.purpose[:40], " or ".join(Purpose))
    _require_statement(command)
    if command.purpose in CROSS_BORDER:
        raise CrossBorderUseNotAuthorised(programme.code, command.purpose)
    if command.purpose in OFFSETS and not programme.is_ets_eligible:
        raise NotEligibleForEts(programme.code, programme.kind)
    if command.purpose == Purpose.ETS_SURRENDER and programme.kind != ALLOWANCE:
        raise NotSurrenderable(programme.code, programme.kind)


def _require_statement(command: RetireCredits) -> None:
    for name in _REQUIRED:
        if not getattr(command, name).strip():
            raise StatementMissing(name)
    for name in ("beneficiary_name", "beneficiary_id", "reporting_period"):
        require_text(name, getattr(command, name))
    require_country("beneficiary_country", command.beneficiary_country)
    require_text("reason", command.reason, REASON_LENGTH_MAX)
    if command.on_behalf_of:
        require_text("on_behalf_of", command.on_behalf_of)
    if command.beneficiary_kind not in list(BeneficiaryKind):
        expected = " or ".join(BeneficiaryKind)
        raise OutOfRange("beneficiary_kind", command.beneficiary_kind[:40], expected)


def require_cancellable(command: CancelCredits) -> None:
    """Raises a refusal unless it is for a purpose that can be ordered, on a document and with a reason."""
    if command.purpose not in ORDERED:
        raise PurposeUnknown(command.purpose[:40], " or ".join(ORDERED))
    require_digest(command.document_sha256)
    require_text("reason", command.reason, REASON_LENGTH_MAX)


def used(command: RetireCredits, programme: str) -> Retirement:
    """The use of credits that the owner asks for."""
    return Retirement(
        retirement_id=command.retirement_id,
        account=command.account,
        programme=programme,
        instrument=Instrument(command.project, command.vintage),
        tonnes=command.tonnes,
        purpose=command.purpose,
        reason=command.reason,
        claim=Claim(
            beneficiary_kind=command.beneficiary_kind,
            beneficiary_name=command.beneficiary_name,
            beneficiary_id=command.beneficiary_id,
            beneficiary_country=command.beneficiary_country,
            on_behalf_of=command.on_behalf_of,
            reporting_period=command.reporting_period,
            is_public=command.is_public,
        ),
    )


def cancelled(command: CancelCredits, programme: str) -> Retirement:
    """The cancellation that is ordered."""
    return Retirement(
        retirement_id=command.retirement_id,
        account=command.account,
        programme=programme,
        instrument=Instrument(command.project, command.vintage),
        tonnes=command.tonnes,
        purpose=command.purpose,
        reason=command.reason,
        document_sha256=command.document_sha256,
    )


def origin(command: CancelCredits) -> Place:
    """Where the credits come from: what stands in for reversals lies in the buffer."""
    if command.freeze_id is not None:
        return Place(command.account, Bucket.FROZEN)
    is_reversal = command.purpose == Ground.REVERSAL_COMPENSATION
    return Place(command.account, Bucket.BUFFER if is_reversal else Bucket.REGISTRY)


def certificate_number(series: str, year: int, running_number: int) -> str:
    """The certificate's public number: what it is of, the year in Beijing and a running number."""
    return f"{series}-{year:04d}-{running_number:08d}"


def told(
    one: Retirement, number: str, ranges: Sequence[SerialRange]
) -> CreditsRetired | CreditsCancelled:
    """What everybody learns of it."""
    kind = CreditsRetired if one.claim else CreditsCancelled
    return kind(
        retirement_id=one.retirement_id,
        certificate_number=number,
        account=one.account,
        project=one.instrument.project,
        vintage=one.instrument.vintage,
        tonnes=one.tonnes,
        purpose=one.purpose,
        reporting_period=one.claim.reporting_period if one.claim else "",
        ranges=list(ranges),
    )
