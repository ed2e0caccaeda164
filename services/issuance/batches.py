"""What is true of credit batches: from what they are issued, and how their serials read."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.issuance.compliance import ComplianceYear
from services.issuance.messages.batches import CreditsIssued
from services.issuance.methodologies import Methodology
from services.issuance.reductions import (
    LIFECYCLE,
    Programme,
    Project,
    Reduction,
    State,
    Step,
    require_over,
    require_tonnes,
)
from services.kernel.blocks import Block, serial_text
from services.kernel.clocks import market_day
from services.kernel.lifecycles import advance
from services.kernel.names import require_code, require_text
from services.kernel.refusals import Conflict, OutOfRange

LEGACY = "NATIONAL_LEGACY"
VINTAGE_MIN = 1990
FIRST_SERIAL = 1


@dataclass(eq=False)
class BeforeRecording(Conflict):
    """Credits cannot be issued before the day on which their reductions were registered."""

    given: date
    recorded_on: date


@dataclass(eq=False)
class NotLegacy(Conflict):
    """Only batches of a legacy programme are brought in from another registry."""

    programme: str
    kind: str
    expected: str


@dataclass(eq=False)
class ProjectIsRegistered(Conflict):
    """This code is that of a project registered here: its credits are issued, not brought in."""

    project: str
    programme: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Credits that another registry issued before Tonne."""

    batch_id: UUID
    programme: str
    project: str
    vintage: int
    tonnes: int
    holder_account: str
    source: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Credits of one issuance, of one project and vintage, and from what they were issued."""

    batch_id: UUID
    programme: str
    country: str
    project: str
    vintage: int
    batch_number: int
    tonnes: int
    holder_account: str
    reduction_id: UUID | None = None
    source: str | None = None
    compliance_id: UUID | None = None
    buffer_tonnes: int = 0
    registered_on: date | None = None
    conversion_id: UUID | None = None

    @property
    def buffer_first_serial(self) -> int | None:
        """Where the buffer begins, which reaches to the last serial; None where there is none."""
        return self.block.next - self.buffer_tonnes if self.buffer_tonnes else None

    @property
    def is_opening(self) -> bool:
        """Whether another registry issued it."""
        return self.source is not None

    @property
    def block(self) -> Block:
        """All of its serials; one serial is one tonne."""
        return Block(self.batch_id, FIRST_SERIAL, FIRST_SERIAL + self.tonnes)

    @property
    def serials(self) -> str:
        """The public serial range."""
        return serial_text(
            self.programme, self.country, self.project, self.vintage, self.batch_number, self.block
        )


def issue(
    batch_id: UUID,
    reduction: Reduction,
    project: Project,
    methodology: Methodology,
    number: int,
    on: date,
) -> tuple[Batch, State]:
    """The batch of all the reductions' tonnes for the project's owner, and their state after it; irreversible."""
    state = advance(LIFECYCLE, reduction.state, Step.ISSUE, f"reduction/{reduction.reduction_id}")
    require_over(project, reduction.period_end, on)
    recorded_on = market_day(reduction.effective_at)
    if on < recorded_on:
        raise BeforeRecording(on, recorded_on)
    assert reduction.vintage is not None, "only an estimate has no vintage, and it is never issued"
    batch = Batch(
        batch_id=batch_id,
        programme=project.programme,
        country=project.country,
        project=project.code,
        vintage=reduction.vintage,
        batch_number=number,
        tonnes=reduction.tonnes,
        holder_account=project.owner_account,
        reduction_id=reduction.reduction_id,
        buffer_tonnes=methodology.buffered(reduction.tonnes),
        registered_on=recorded_on,
    )
    return batch, state


def bring_in(opening: Opening, programme: Programme, number: int) -> Batch:
    """The batch of credits that another registry issued."""
    return Batch(
        batch_id=opening.batch_id,
        programme=programme.code,
        country=programme.country,
        project=opening.project,
        vintage=opening.vintage,
        batch_number=number,
        tonnes=opening.tonnes,
        holder_account=opening.holder_account,
        source=opening.source,
    )


def allowances(batch_id: UUID, year: ComplianceYear, programme: Programme, number: int) -> Batch:
    """The batch of what is missing of an emitter's allocation; irreversible."""
    return Batch(
        batch_id=batch_id,
        programme=programme.code,
        country=programme.country,
        project=programme.code,
        vintage=year.emission_year,
        batch_number=number,
        tonnes=year.payable,
        holder_account=year.account,
        compliance_id=year.compliance_id,
    )


def issued(batch: Batch) -> CreditsIssued:
    """What is said of a batch that exists from now on."""
    return CreditsIssued(
        batch_id=batch.batch_id,
        programme=batch.programme,
        country=batch.country,
        project=batch.project,
        vintage=batch.vintage,
        batch_number=batch.batch_number,
        first_serial=batch.block.first,
        last_serial=batch.block.next - 1,
        tonnes=batch.tonnes,
        holder_account=batch.holder_account,
        serials=batch.serials,
        is_opening=batch.is_opening,
        buffer_first_serial=batch.buffer_first_serial,
        registered_on=batch.registered_on,
        conversion_id=batch.conversion_id,
    )


def require_opening(
    opening: Opening, programme: Programme, registered: Project | None, on: date
) -> None:
    """Raises a refusal unless these credits may be brought in."""
    require_code("project", opening.project)
    require_text("source", opening.source)
    require_tonnes(opening.tonnes)
    if not VINTAGE_MIN <= opening.vintage <= on.year:
        raise OutOfRange("vintage", str(opening.vintage), f"{VINTAGE_MIN} to {on.year}")
    if programme.kind != LEGACY:
        raise NotLegacy(programme.code, programme.kind, LEGACY)
    if registered is not None:
        raise ProjectIsRegistered(registered.code, registered.programme)
