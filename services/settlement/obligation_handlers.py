"""What settlement does with obligations in the national ETS: it learns, counts, enforces and proves them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.issuance.messages.compliance import ObligationSet
from services.kernel.actors import Role, require_role
from services.kernel.documents import require_digest
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import (
    discharges,
    freeze_store,
    obligation_store,
    obligations,
    retirement_store,
    retirements,
    store,
)
from services.settlement.books import Books
from services.settlement.discharges import Use
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.messages.holdings import SerialRange
from services.settlement.messages.obligations import (
    EnforceObligation,
    ObligationDischarged,
    ObligationMet,
    ObligationMissed,
    ObligationNotified,
)
from services.settlement.messages.retirements import RetireCredits
from services.settlement.obligations import Obligation, ObligationUnknown, Step
from services.settlement.owners import require_instrument, require_tonnes
from services.settlement.retirements import Retirement


async def on_obligation_set(tx: Transaction, event: ObligationSet) -> Sequence[Event]:
    """What an account owes for a year is known, or known anew; an older version changes nothing."""
    # Under the lock of the account no other version of it is learned at the same time.
    (await store.lock_books(tx, [event.account], [])).account(event.account)
    before = await obligation_store.lock_obligation(tx, event.account, event.emission_year)
    if before is not None and event.version <= before.version:
        return []
    after, steps = await _followed(tx, obligations.notified(event, before))
    await obligation_store.set_obligation(tx, after)
    return [_notified(after), *_said(after, steps)]


async def discharge(tx: Transaction, command: RetireCredits, books: Books) -> Sequence[Event]:
    """Lets a retirement count towards what its account owes; for other purposes there is nothing to count.

    From now on the books give only credits that the obligation accepts: an instrument may have others as well.
    """
    if command.purpose not in retirements.DISCHARGING:
        return []
    obligation, missed = await _lock(tx, command.account, command.reporting_period)
    use = Use(command.purpose, command.vintage, command.tonnes, tx.effective_at)
    instrument = Instrument(command.project, command.vintage)
    discharges.require_programme(obligation, use, books.programme_of(instrument))
    discharges.require_accepted(obligation, use)
    if use.is_offset:
        await _accept_only(tx, obligation, command, books)
    return [*missed, *await _count(tx, obligation, use, command.retirement_id)]


async def _accept_only(
    tx: Transaction, obligation: Obligation, command: RetireCredits, books: Books
) -> None:
    instrument = Instrument(command.project, command.vintage)
    organisation = books.account(command.account).organisation_id
    stocks = await obligation_store.list_stocks(tx, command.account, instrument, Bucket.REGISTRY)
    accepted = discharges.accepted(obligation, organisation, stocks, command.tonnes)
    books.load_only(Place(command.account, Bucket.REGISTRY), instrument, accepted)


async def enforce_obligation(tx: Transaction, command: EnforceObligation) -> Sequence[Event]:
    """Surrenders an overdue entity's allowances without it, whatever the state of its account."""
    require_role(tx.actor, Role.REGISTRAR, Role.AUTHORITY)
    require_tonnes(command.tonnes)
    require_digest(command.document_sha256)
    instrument = Instrument(command.project, command.vintage)
    require_instrument(instrument)
    books = await store.lock_books(tx, [command.account], [instrument])
    books.account(command.account)
    programme = await store.get_programme(tx, books.programme_of(instrument))
    assert programme is not None  # the batch refers to it
    surrender = discharges.surrender(command)
    retirements.require_usable(surrender, programme)
    retirement = replace(
        retirements.used(surrender, programme.code), document_sha256=command.document_sha256
    )
    number = await retirement_store.insert_retirement(tx, retirement)
    obligation, missed = await _lock(tx, command.account, surrender.reporting_period)
    obligations.require_overdue(obligation)
    use = Use(surrender.purpose, command.vintage, command.tonnes, tx.effective_at)
    discharges.require_programme(obligation, use, programme.code)
    discharges.require_accepted(obligation, use)
    discharged = await _count(tx, obligation, use, command.retirement_id)
    ranges = await _seize(tx, books, retirement)
    return [retirements.told(retirement, number, ranges), *missed, *discharged]


async def _seize(tx: Transaction, books: Books, retirement: Retirement) -> list[SerialRange]:
    """Takes what the entity has, wherever it is; what is offered, or sold, is bound to others."""
    account, instrument = retirement.account, retirement.instrument
    stocks = await obligation_store.list_stocks(tx, account, instrument, *discharges.SEIZED)
    spans = discharges.seized(stocks, retirement)
    books.load(one.holding for one in stocks)
    books.move_spans(retirement.posting, spans, retirement.target, tx.effective_at)
    await store.write_books(tx, books)
    frozen = [one.block for one in spans if one.place.bucket == Bucket.FROZEN]
    await freeze_store.thaw(tx, frozen)
    return books.ranges([one.block for one in spans])


async def miss_deadlines(tx: Transaction) -> Sequence[Event]:
    """Whatever is still owed when its deadline has passed is overdue."""
    read = await obligation_store.lock_missed_obligations(tx, tx.effective_at)
    missed = [obligations.followed(one, tx.effective_at) for one in read]
    await obligation_store.set_overdue(tx, [after for after, _ in missed])
    return [event for after, steps in missed for event in _said(after, steps)]


async def _lock(
    tx: Transaction, account: str, reporting_period: str
) -> tuple[Obligation, Sequence[Event]]:
    """The obligation as it is by now, with what nobody has noticed yet; raises ObligationUnknown."""
    year = obligations.emission_year(reporting_period)
    read = None if year is None else await obligation_store.lock_obligation(tx, account, year)
    if read is None:
        raise ObligationUnknown(account, reporting_period)
    obligation, steps = obligations.followed(read, tx.effective_at)
    return obligation, _said(obligation, steps)


async def _count(
    tx: Transaction, obligation: Obligation, use: Use, retirement_id: UUID
) -> Sequence[Event]:
    after, steps = await _followed(tx, discharges.counted(obligation, use))
    await obligation_store.add_use(tx, after, use)
    discharged = ObligationDischarged(
        account=after.account,
        emission_year=after.emission_year,
        retirement_id=retirement_id,
        purpose=use.purpose,
        tonnes=use.tonnes,
        surrendered=after.surrendered,
        offset=after.offset_used,
        outstanding=after.outstanding,
        state=after.state,
    )
    return [discharged, *_said(after, steps)]


async def _followed(tx: Transaction, obligation: Obligation) -> tuple[Obligation, Sequence[Step]]:
    """What follows by now; whoever has met the obligation gets a proof."""
    after, steps = obligations.followed(obligation, tx.effective_at)
    if Step.MEET in steps:
        number = await retirement_store.next_certificate_number(tx, obligations.PROOFS)
        after = replace(after, proof_number=number)
        await obligation_store.insert_proof(tx, after)
    return after, steps


def _notified(one: Obligation) -> ObligationNotified:
    return ObligationNotified(
        account=one.account,
        emission_year=one.emission_year,
        version=one.version,
        due=one.due,
        offset_max=one.offset_max,
        deadline=one.deadline,
        allowance_vintages=tuple(one.allowance_vintages),
        credits_registered_after=one.credits_registered_after,
        plan=one.plan,
        is_draft=one.is_draft,
        state=one.state,
    )


def _said(one: Obligation, steps: Sequence[Step]) -> Sequence[Event]:
    """What others learn of these steps, beside what somebody did."""
    told: list[Event] = []
    if Step.MISS in steps:
        told.append(
            ObligationMissed(
                account=one.account,
                emission_year=one.emission_year,
                due=one.due,
                outstanding=one.outstanding,
                deadline=one.deadline,
            )
        )
    if Step.MEET in steps:
        assert one.proof_number is not None  # whoever meets it has a proof
        told.append(
            ObligationMet(
                account=one.account,
                emission_year=one.emission_year,
                version=one.version,
                proof_number=one.proof_number,
                due=one.due,
                surrendered=one.surrendered,
                offset=one.offset_used,
                plan=one.plan,
                is_draft=one.is_draft,
            )
        )
    return told


COMMANDS: Mapping[type[Command], Handler] = {EnforceObligation: enforce_obligation}
EVENTS: Mapping[type[Event], Handler] = {ObligationSet: on_obligation_set}
FOUR_EYES: Mapping[type[Command], Role] = {EnforceObligation: Role.APPROVER}
