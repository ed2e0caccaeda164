"""Obligations: what an account owes in the national ETS for a year's emissions, and what was surrendered and offset."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.context import Info
from services.gateway.inputs import mutation
from services.gateway.listening import listen
from services.gateway.objects import Recorded
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted
from services.gateway.retirements import RetirementPayload
from services.gateway.scalars import Tonnes
from services.gateway.states import ObligationState
from services.settlement.messages.obligations import (
    EnforceObligation,
    ObligationDischarged,
    ObligationMet,
    ObligationMissed,
    ObligationNotified,
)

_YEAR_DIGITS = 4
UPDATES = (ObligationNotified, ObligationDischarged, ObligationMet, ObligationMissed)


@strawberry.type(description="Allowances or credits that count towards an obligation, for ever.")
class Discharge:
    obligation: strawberry.Private[str]
    retirement_id: UUID
    certificate_number: str = strawberry.field(description="By which the public record is found.")
    purpose: str = strawberry.field(description="ETS_SURRENDER or ETS_OFFSET_NATIONAL.")
    programme: str = strawberry.field(name="programmeCode")
    project: str = strawberry.field(name="projectCode")
    vintage: int
    tonnes: Tonnes
    retired_at: datetime
    recorded_at: datetime


DISCHARGES: Keyset[Discharge] = Keyset(
    "discharges", (datetime, UUID), lambda one: (one.retired_at, one.retirement_id)
)


@strawberry.type(description="What an account owes for the emissions of one year.")
class Obligation(Recorded):
    account: str = strawberry.field(name="accountNumber")
    emission_year: int
    version: int = strawberry.field(description="How often issuance has said what is due.")
    due: Tonnes
    offset_max: Tonnes = strawberry.field(
        name="cap", description="So many of them at most may be offset with credits."
    )
    surrendered: Tonnes = strawberry.field(description="Of allowances.")
    offset_used: Tonnes = strawberry.field(name="offset", description="Of credits.")
    outstanding: Tonnes = strawberry.field(description="What is left of it.")
    deadline: datetime = strawberry.field(description="The first instant that is too late.")
    allowance_vintages: list[int]
    credits_registered_after: date | None = strawberry.field(
        description="Credits offset only if their reductions were registered later than this day."
    )
    plan: str = strawberry.field(name="planCode", description="Whose figures these are.")
    is_draft: bool = strawberry.field(description="Whether the plan is only a draft.")
    state: ObligationState
    proof_number: str | None = strawberry.field(
        description="ETS-2026-00000001: the proof of compliance, as long as it is met."
    )
    set_at: datetime = strawberry.field(description="From when on so much is due.")
    recorded_at: datetime

    @property
    def subject(self) -> str:
        return f"obligation/{self.account}/{self.emission_year}"

    @strawberry.field(description="What was surrendered and offset, the latest first.")
    async def discharges(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Discharge]:
        viewer, organisation, roles = info.context.viewer.triple
        named = (Discharge, "discharges_of_obligations", "obligation", self.key, first, after)
        return await DISCHARGES.inside(info, *named, viewer, organisation, tuple(roles))


OBLIGATIONS: Keyset[Obligation] = Keyset(
    "obligations", (int, str), lambda one: (one.emission_year, one.account)
)


async def obligation_of(info: Info, account: str, year: int) -> Obligation | None:
    """What this account owes for this year, if the viewer may see it."""
    values = (info.context, Obligation, "get_obligation", account, year)
    return reads.only(await reads.private(*values))


async def obligation_by_key(info: Info, key: str) -> Obligation | None:
    """The obligation of an account and year, with a slash between them; raises ValueError for what is no year."""
    account, _, year = key.partition("/")
    if len(year) != _YEAR_DIGITS or not year.isdecimal():
        raise ValueError
    return await obligation_of(info, account, int(year))


@strawberry.input(description="Each given value must match.")
class ObligationFilter:
    account: str | None = None
    year: int | None = strawberry.field(default=None, description="Of the emissions.")
    state: ObligationState | None = None


@strawberry.type
class ObligationQueries:
    @strawberry.field(description="Obligations that you may see, the latest year first.")
    async def obligations(
        self,
        info: Info,
        filter_: ObligationFilter | None = None,
        first: First = PAGE_DEFAULT,
        after: After = None,
    ) -> Connection[Obligation]:
        wanted = filter_ or ObligationFilter()
        filters = wanted.account, wanted.year, wanted.state
        values = (*filters, *OBLIGATIONS.after(after), rows_wanted(first))
        rows = await reads.private(info.context, Obligation, "list_obligations", *values)
        return OBLIGATIONS.page(rows, first)

    @strawberry.field(
        description="What this account owes for this year's emissions; null if you may not see it."
    )
    async def obligation(self, info: Info, account: str, year: int) -> Obligation | None:
        return await obligation_of(info, account, year)


@strawberry.type
class ObligationMutations:
    enforce_obligation = mutation(EnforceObligation, RetirementPayload, "retirement_id")


@strawberry.type
class ObligationSubscriptions:
    @strawberry.subscription(
        description="Each obligation that you may see, once it is set, discharged, met or overdue,"
        " as it is then."
    )
    async def obligation_updated(
        self, info: Info, account: str | None = None
    ) -> AsyncGenerator[Obligation, None]:
        info.context.require_viewer()
        async for events in listen(info.context, *UPDATES):
            keys = dict.fromkeys((event.account, event.emission_year) for event in events)
            named = [key for key in keys if account in (None, key[0])]
            values = [number for number, _ in named], [year for _, year in named]
            found = await reads.private(info.context, Obligation, "obligations_by_key", *values)
            for obligation in found:
                yield obligation
