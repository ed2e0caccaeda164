"""What issuance does with each command, and what it learns from the registry."""

from collections.abc import Sequence

from msgspec.structs import asdict

from services.issuance import batches, messages, reductions, store
from services.issuance.batches import Batch, Opening
from services.issuance.messages import (
    CreditsIssued,
    EstimateReduction,
    ImportOpeningBatch,
    IssueCredits,
    RecordReduction,
    ReductionEstimated,
    ReductionRecorded,
)
from services.issuance.reductions import Period, Programme, Project, Reduction, State
from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.registry.messages import AccountOpened, ProgrammeRegistered, ProjectRegistered
from services.runtime.inbox import Service
from services.runtime.messages import Event
from services.runtime.postgres import Transaction


async def record_reduction(tx: Transaction, command: RecordReduction) -> Sequence[Event]:
    """Registers exactly the tonnes that the verifier states, once for each period and vintage."""
    require_role(tx.actor, Role.REGISTRAR, Role.VERIFIER)
    reduction = Reduction(**asdict(command), state=State.REGISTERED, effective_at=tx.effective_at)
    period = Period(command.period_number, command.period_start, command.period_end)
    project, programme = await _creditable(tx, command.project)
    await _require_free_reduction(tx, reduction)
    on = market_day(tx.effective_at)
    reductions.require_verified(reduction, project, programme, on, period)
    reductions.require_first(reduction, await store.find_reduction(tx, reduction))
    reductions.require_apart(period, await store.list_periods(tx, project.code))
    await store.insert_period(tx, project.code, period)
    await store.insert_reduction(tx, reduction)
    return [
        ReductionRecorded(
            reduction_id=command.reduction_id,
            project=command.project,
            period_number=command.period_number,
            period_start=command.period_start,
            period_end=command.period_end,
            vintage=command.vintage,
            tonnes=command.tonnes,
        )
    ]


async def estimate_reduction(tx: Transaction, command: EstimateReduction) -> Sequence[Event]:
    """Notes an estimate, which has no way to become credits."""
    require_role(tx.actor, Role.REGISTRAR, Role.VERIFIER)
    reduction = Reduction(
        reduction_id=command.reduction_id,
        project=command.project,
        period_number=None,
        period_start=command.period_start,
        period_end=command.period_end,
        vintage=None,
        tonnes=command.tonnes,
        verification_body=None,
        evidence=command.source,
        state=State.ESTIMATED,
        effective_at=tx.effective_at,
    )
    project, programme = await _creditable(tx, command.project)
    await _require_free_reduction(tx, reduction)
    reductions.require_creditable(reduction, project, programme)
    await store.insert_reduction(tx, reduction)
    return [ReductionEstimated(**asdict(command))]


async def _creditable(tx: Transaction, code: str) -> tuple[Project, Programme]:
    """The registered project, locked, and its programme; both may still be on their way from the registry."""
    project = await store.lock_project(tx, code)
    if project is None:
        raise NotYetKnown("project", code)
    programme = await store.get_programme(tx, project.programme)
    if programme is None:
        raise NotYetKnown("programme", project.programme)
    return project, programme


async def _require_free_reduction(tx: Transaction, reduction: Reduction) -> None:
    if await store.is_reduction_known(tx, reduction.reduction_id):
        raise AlreadyExists("reduction", str(reduction.reduction_id))


async def issue_credits(tx: Transaction, command: IssueCredits) -> Sequence[Event]:
    """Issues registered reductions as one batch to the project's owner; irreversible."""
    require_role(tx.actor, Role.REGISTRAR)
    reduction = await store.lock_reduction(tx, command.reduction_id)
    if reduction is None:
        raise Unknown("reduction", str(command.reduction_id))
    project, _ = await _creditable(tx, reduction.project)
    number = await _next_number(tx, command, project.code, reduction.vintage or 0)
    on = market_day(tx.effective_at)
    batch, state = batches.issue(command.batch_id, reduction, project, number, on)
    await store.insert_batch(tx, batch)
    await store.set_reduction_issued(tx, batch, state)
    return [_issued(batch)]


async def import_opening_batch(tx: Transaction, command: ImportOpeningBatch) -> Sequence[Event]:
    """Brings in what another registry issued; only historians can."""
    require_role(tx.actor, Role.HISTORIAN)
    opening = Opening(**asdict(command))
    programme = await store.get_programme(tx, opening.programme)
    if programme is None:
        raise NotYetKnown("programme", opening.programme)
    if not await store.is_account_known(tx, opening.holder_account):
        raise NotYetKnown("account", opening.holder_account)
    registered = await store.get_project(tx, opening.project)
    batches.require_opening(opening, programme, registered, market_day(tx.effective_at))
    number = await _next_number(tx, command, opening.project, opening.vintage)
    batch = batches.bring_in(opening, programme, number)
    await store.insert_batch(tx, batch)
    return [_issued(batch)]


async def _next_number(
    tx: Transaction, command: IssueCredits | ImportOpeningBatch, project: str, vintage: int
) -> int:
    """The number of the project's next batch of this vintage; refuses a batch id that is taken."""
    await store.lock_batch_numbers(tx, project)
    if await store.is_batch_known(tx, command.batch_id):
        raise AlreadyExists("batch", str(command.batch_id))
    return await store.next_batch_number(tx, project, vintage)


def _issued(batch: Batch) -> CreditsIssued:
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
    )


async def on_programme_registered(tx: Transaction, event: ProgrammeRegistered) -> Sequence[Event]:
    """What is credited under the programme depends on its kind."""
    await store.insert_programme(tx, Programme(event.code, event.country, event.kind))
    return ()


async def on_project_registered(tx: Transaction, event: ProjectRegistered) -> Sequence[Event]:
    """From now on the project's verified reductions can be recorded."""
    project = Project(
        code=event.code,
        programme=event.programme,
        country=event.country,
        owner_account=event.owner_account,
        registered_on=event.registered_on,
        crediting_from=event.crediting_from,
        crediting_until=event.crediting_until,
    )
    await store.insert_project(tx, project)
    return ()


async def on_account_opened(tx: Transaction, event: AccountOpened) -> Sequence[Event]:
    """Credits can be brought in for the account."""
    await store.insert_account(tx, event.number, event.organisation_id, event.kind)
    return ()


SERVICE = Service(
    name="issuance",
    commands={
        RecordReduction: record_reduction,
        EstimateReduction: estimate_reduction,
        IssueCredits: issue_credits,
        ImportOpeningBatch: import_opening_batch,
    },
    events={
        ProgrammeRegistered: on_programme_registered,
        ProjectRegistered: on_project_registered,
        AccountOpened: on_account_opened,
    },
    approvals=messages.APPROVALS,
    four_eyes={IssueCredits: Role.APPROVER},
)
