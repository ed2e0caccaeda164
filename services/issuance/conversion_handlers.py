"""What issuance does about conversions: reserves the target, and issues it once settlement has cancelled the source."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.issuance import (
    batches,
    carry_overs,
    compliance_store,
    conversion_store,
    conversions,
    parties,
    standing,
    store,
)
from services.issuance.conversions import Conversion, Step
from services.issuance.messages.carry_overs import CarryOverAllowances, CarryOverTerms
from services.issuance.messages.conversions import (
    ConversionCompleted,
    ConversionRefused,
    ConversionRequested,
    ConversionTermsSet,
    RequestConversion,
    SetConversionTerms,
)
from services.issuance.reductions import Programme
from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement.messages import conversions as settlement


async def set_conversion_terms(tx: Transaction, command: SetConversionTerms) -> Sequence[Event]:
    """Enters the next version of the terms between two programmes; a registrar of the target's asks for it."""
    await standing.require_assigned(tx, command.target_programme, Role.REGISTRAR)
    terms = conversions.read_terms(command)
    source, target = terms.source_programme, terms.target_programme
    conversions.require_convertible(await _programme(tx, source), await _programme(tx, target))
    earlier = await conversion_store.lock_terms(tx, source, target)
    conversions.require_later(terms, earlier, market_day(tx.effective_at))
    assert tx.approved_by is not None  # terms come here only by their approval
    await conversion_store.insert_terms(tx, terms, tx.approved_by)
    return [ConversionTermsSet(**asdict(command))]


async def request_conversion(tx: Transaction, command: RequestConversion) -> Sequence[Event]:
    """Reserves the target batch and asks settlement to cancel the source; nothing is issued before that is done."""
    require_role(tx.actor, Role.OWNER_OPERATOR)
    conversions.require_vintage(command)
    parties.require_usable(tx.actor, await standing.account(tx, command.account))
    await _require_free(tx, command.conversion_id)
    source = await _source(tx, command.source_project, command.source_vintage)
    project, target = await standing.creditable(tx, command.target_project)
    on = market_day(tx.effective_at)
    conversions.require_target(project, on)
    conversions.require_convertible(source, target)
    terms = await conversion_store.list_terms(tx, source.code, target.code)
    factor = conversions.factor_on(on, terms, source.code, target.code)
    number = await standing.next_number(tx, command.batch_id, project.code, command.target_vintage)
    await standing.require_one_programme(tx, project.code, target.code)
    return await _ask(tx, conversions.reserve(command, source, project, number, factor))


async def carry_over_allowances(tx: Transaction, command: CarryOverAllowances) -> Sequence[Event]:
    """Reserves allowances of the year, and asks settlement to judge the entity and to cancel its earlier ones."""
    require_role(tx.actor, Role.OWNER_OPERATOR)
    year = await compliance_store.lock_year(tx, command.compliance_id)
    if year is None:
        raise Unknown("compliance year", str(command.compliance_id))
    parties.require_usable(tx.actor, await standing.account(tx, year.account))
    await _require_free(tx, command.conversion_id)
    plan = await compliance_store.get_plan(tx, year.plan)
    assert plan is not None  # nothing deletes plans
    terms = carry_overs.terms_of(plan, year.emission_year)
    if not tx.approved_by:  # who asks does so in time; the second person may answer later
        carry_overs.require_open(terms, market_day(tx.effective_at))
    programme = await _source(tx, plan.terms.programme, command.source_vintage)
    number = await standing.next_number(tx, command.batch_id, programme.code, year.emission_year)
    conversion = carry_overs.reserve(command, year, terms, programme, number)
    return await _ask(tx, conversion, terms)


async def _require_free(tx: Transaction, conversion_id: UUID) -> None:
    if await conversion_store.is_conversion_known(tx, conversion_id):
        raise AlreadyExists("conversion", str(conversion_id))


async def _ask(
    tx: Transaction, conversion: Conversion, terms: CarryOverTerms | None = None
) -> Sequence[Event]:
    """Keeps what is reserved, and asks settlement for the source."""
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    await conversion_store.insert_conversion(tx, conversion, tx.approved_by)
    return [_requested(conversion, tx.actor.subject, tx.approved_by, terms)]


async def _source(tx: Transaction, project: str, vintage: int) -> Programme:
    """The programme whose credits are to die; raises Unknown if none of these were ever issued here."""
    code = await conversion_store.get_programme_of(tx, project, vintage)
    if code is None:
        raise Unknown("instrument", f"{project} {vintage}")
    return await _programme(tx, code)


async def _programme(tx: Transaction, code: str) -> Programme:
    programme = await store.get_programme(tx, code)
    if programme is None:
        raise NotYetKnown("programme", code)
    return programme


def _requested(
    conversion: Conversion, requested_by: str, approved_by: str, terms: CarryOverTerms | None
) -> ConversionRequested:
    target = conversion.target
    return ConversionRequested(
        conversion_id=conversion.conversion_id,
        account=target.holder_account,
        source_project=conversion.source_project,
        source_vintage=conversion.source_vintage,
        source_tonnes=conversion.source_tonnes,
        batch_id=target.batch_id,
        target_programme=target.programme,
        target_project=target.project,
        target_vintage=target.vintage,
        target_tonnes=target.tonnes,
        factor=conversion.factor,
        requested_by=requested_by,
        approved_by=approved_by,
        carry_over=terms,
    )


async def on_conversion_source_cancelled(
    tx: Transaction, event: settlement.ConversionSourceCancelled
) -> Sequence[Event]:
    """The source is dead: its target is issued, whatever has happened since; the same told again changes nothing."""
    conversion = await _lock_conversion(tx, event.conversion_id)
    if conversion.state == conversions.State.ISSUED:
        return []
    issued = conversions.stepped(conversion, Step.ISSUE)
    await conversion_store.set_issued(tx, issued, event)
    await store.insert_batch(tx, issued.target)
    completed = ConversionCompleted(
        conversion_id=issued.conversion_id,
        batch_id=issued.target.batch_id,
        certificate_number=event.certificate_number,
    )
    return [batches.issued(issued.target), completed, *carry_overs.told(issued)]


async def on_conversion_refused(
    tx: Transaction, event: settlement.ConversionRefused
) -> Sequence[Event]:
    """The source lives on: its target will never exist, and its number is nobody's; told again it changes nothing."""
    conversion = await _lock_conversion(tx, event.conversion_id)
    if conversion.state == conversions.State.REFUSED:
        return []
    refused = conversions.stepped(conversion, Step.REFUSE)
    await conversion_store.set_refused(tx, refused, event)
    return [ConversionRefused(**asdict(event))]


async def _lock_conversion(tx: Transaction, conversion_id: UUID) -> Conversion:
    conversion = await conversion_store.lock_conversion(tx, conversion_id)
    if conversion is None:
        raise NotYetKnown("conversion", str(conversion_id))
    return conversion


COMMANDS: Mapping[type[Command], Handler] = {
    SetConversionTerms: set_conversion_terms,
    RequestConversion: request_conversion,
    CarryOverAllowances: carry_over_allowances,
}
EVENTS: Mapping[type[Event], Handler] = {
    settlement.ConversionSourceCancelled: on_conversion_source_cancelled,
    settlement.ConversionRefused: on_conversion_refused,
}
FOUR_EYES: Mapping[type[Command], Role] = {
    SetConversionTerms: Role.APPROVER,
    RequestConversion: Role.REGISTRAR,
    CarryOverAllowances: Role.APPROVER,
}
"""That both projects are one and the same in the world, only the registry can tell."""
