"""What issuance learns from the registry."""

from collections.abc import Mapping, Sequence

from services.issuance import methodologies, report_store, reports, standing, store
from services.issuance.messages.quantification import MethodologyUnreadable
from services.issuance.messages.reports import ReportDatesComputed
from services.issuance.parties import Account, Organisation
from services.issuance.reductions import Programme, Project
from services.issuance.reports import Report
from services.kernel.refusals import NotYetKnown
from services.registry.messages.accounts import (
    AccountClosed,
    AccountOpened,
    AccountRestricted,
    OperatorAppointed,
    OperatorDismissed,
    RestrictionLifted,
)
from services.registry.messages.calendars import OfficialDaysAdded
from services.registry.messages.methodologies import MethodologyPublished
from services.registry.messages.organisations import OrganisationRegistered
from services.registry.messages.programmes import ProgrammeRegistered, RoleAssigned, RoleEnded
from services.registry.messages.registrations import (
    ProjectCancelled,
    ProjectRegistered,
    ProjectRevoked,
)
from services.runtime.inbox import Handler
from services.runtime.messages import Event
from services.runtime.postgres import Transaction

COUNTRY, NATURAL_PERSON = "CN", "NATURAL_PERSON"
"""Where entities have a unified social credit code, and who has none."""


async def on_programme_registered(tx: Transaction, event: ProgrammeRegistered) -> Sequence[Event]:
    """What is credited under the programme depends on its kind."""
    programme = Programme(event.code, event.country, event.kind, event.is_ets_eligible)
    await store.insert_programme(tx, programme)
    return ()


async def on_methodology_published(tx: Transaction, event: MethodologyPublished) -> Sequence[Event]:
    """Reports of its projects are quantified with its figures, if its formula can compute with them."""
    methodology = methodologies.learned(event)
    await store.insert_methodology(tx, methodology)
    if methodology.unreadable is None:
        return ()
    return [MethodologyUnreadable(code=methodology.code, reason=methodology.unreadable)]


async def on_project_registered(tx: Transaction, event: ProjectRegistered) -> Sequence[Event]:
    """From now on the project's reductions can be reported."""
    project = Project(
        code=event.code,
        programme=event.programme,
        country=event.country,
        owner_account=event.owner_account,
        registered_on=event.registered_on,
        crediting_from=event.crediting_from,
        crediting_until=event.crediting_until,
        methodology=event.methodology,
        validation_body=event.validation_body,
    )
    await store.insert_project(tx, project)
    return ()


async def on_project_cancelled(tx: Transaction, event: ProjectCancelled) -> Sequence[Event]:
    """Nothing more is credited for the project."""
    await _end_project(tx, event.code, "CANCELLED")
    return ()


async def on_project_revoked(tx: Transaction, event: ProjectRevoked) -> Sequence[Event]:
    """Nothing more is credited for the project, and its owner's applications are refused for a time."""
    await _end_project(tx, event.code, "REVOKED")
    await store.insert_barred_owner(tx, event.owner_organisation, event.code, event.barred_until)
    return ()


async def _end_project(tx: Transaction, code: str, status: str) -> None:
    if not await store.set_project_status(tx, code, status):
        raise NotYetKnown("project", code)


async def on_organisation_registered(
    tx: Transaction, event: OrganisationRegistered
) -> Sequence[Event]:
    """Plants go by the code of the entity that owns them; the number of a person is nothing to keep."""
    is_entity = event.country == COUNTRY and event.category != NATURAL_PERSON
    code = event.credit_code if is_entity else None
    await store.insert_organisation(tx, Organisation(event.organisation_id, code))
    return ()


async def on_account_opened(tx: Transaction, event: AccountOpened) -> Sequence[Event]:
    """The account can own projects, verify reductions, or hold credits that are brought in."""
    account = Account(event.number, event.organisation_id, event.kind)
    await store.insert_account(tx, account)
    return ()


async def on_account_restricted(tx: Transaction, event: AccountRestricted) -> Sequence[Event]:
    """Nothing is reported or applied for with the account."""
    return await _set_account(tx, event.number, "RESTRICTED")


async def on_restriction_lifted(tx: Transaction, event: RestrictionLifted) -> Sequence[Event]:
    """The account can be used again."""
    return await _set_account(tx, event.number, "OPEN")


async def on_account_closed(tx: Transaction, event: AccountClosed) -> Sequence[Event]:
    """Nothing is issued to the account any more."""
    return await _set_account(tx, event.number, "CLOSED")


async def _set_account(tx: Transaction, number: str, status: str) -> Sequence[Event]:
    if not await store.set_account_status(tx, number, status):
        raise NotYetKnown("account", number)
    return ()


async def on_operator_appointed(tx: Transaction, event: OperatorAppointed) -> Sequence[Event]:
    """From the first operator on nobody else acts for the account."""
    account = await standing.account(tx, event.number)
    await store.insert_operator(tx, account.number, event.operator)
    return ()


async def on_operator_dismissed(tx: Transaction, event: OperatorDismissed) -> Sequence[Event]:
    """The person acts for the account no more."""
    await store.delete_operator(tx, event.number, event.operator)
    return ()


async def on_role_assigned(tx: Transaction, event: RoleAssigned) -> Sequence[Event]:
    """From the first person on nobody else holds the role in the programme."""
    await store.insert_programme_role(tx, event.programme, event.role, event.person)
    return ()


async def on_role_ended(tx: Transaction, event: RoleEnded) -> Sequence[Event]:
    """The person holds the role in the programme no more."""
    await store.delete_programme_role(tx, event.programme, event.role, event.person)
    return ()


async def on_official_days_added(tx: Transaction, event: OfficialDaysAdded) -> Sequence[Event]:
    """Dates that are still to come are computed again, and where they differ that is told."""
    await store.insert_calendar_notice(tx, event)
    calendar = await store.get_calendar(tx)
    waiting = await report_store.lock_waiting(tx)
    computed = [(one, reports.recomputed(one, calendar)) for one in waiting]
    changed = [after for before, after in computed if after != before]
    await report_store.update_reports(tx, changed)
    return [_computed(report) for report in changed]


def _computed(report: Report) -> ReportDatesComputed:
    assert report.notice_ends_on is not None, "only a published report waits for a day"
    is_decided_later = report.decide_by is not None
    return ReportDatesComputed(
        report_id=report.report_id,
        notice_ends_on=report.notice_ends_on,
        decide_by=report.decide_by,
        is_provisional=bool(
            report.decision_is_provisional if is_decided_later else report.notice_is_provisional
        ),
    )


EVENTS: Mapping[type[Event], Handler] = {
    ProgrammeRegistered: on_programme_registered,
    MethodologyPublished: on_methodology_published,
    ProjectRegistered: on_project_registered,
    ProjectCancelled: on_project_cancelled,
    ProjectRevoked: on_project_revoked,
    OrganisationRegistered: on_organisation_registered,
    AccountOpened: on_account_opened,
    AccountRestricted: on_account_restricted,
    RestrictionLifted: on_restriction_lifted,
    AccountClosed: on_account_closed,
    OperatorAppointed: on_operator_appointed,
    OperatorDismissed: on_operator_dismissed,
    RoleAssigned: on_role_assigned,
    RoleEnded: on_role_ended,
    OfficialDaysAdded: on_official_days_added,
}
