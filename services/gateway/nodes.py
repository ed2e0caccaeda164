"""Nodes: any object by its id that is unique over all types (Relay's object identification)."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway import reads
from services.gateway.accounts import accounts_of
from services.gateway.allocation_plans import newest_plan, plan_by_key
from services.gateway.approvals import approval_by_key
from services.gateway.batches import batch_of
from services.gateway.compliance import compliance_year_of
from services.gateway.context import Info
from services.gateway.corrections import correction_of
from services.gateway.disputes import dispute_of
from services.gateway.enforcements import enforcement_of
from services.gateway.errors import BadInput, LimitExceeded
from services.gateway.freezes import freeze_of
from services.gateway.instruments import instrument_of
from services.gateway.links import conversion_of, project_of, reduction_of, report_of
from services.gateway.market_terms import newest_terms, terms_by_key
from services.gateway.objects import Node
from services.gateway.obligations import obligation_by_key
from services.gateway.organisations import organisation_of
from services.gateway.programmes import methodology_of, programme_of
from services.gateway.report_life import grid_factor_by_key, own_report_of
from services.gateway.retirements import retirement_of
from services.gateway.shortfalls import shortfall_of
from services.gateway.trades import trade_of
from services.gateway.transfers import transfer_of
from services.gateway.venue_days import day_by_key, gap_by_key
from services.gateway.venues import venue_of

NODES_MAX = 50
_ID_CHARACTERS_MAX = 512

Find = Callable[[Info, str], Awaitable[Node | None]]


def _by_uuid(find: Callable[[Info, UUID], Awaitable[Node | None]]) -> Find:
    async def found(info: Info, key: str) -> Node | None:
        return await find(info, UUID(key))

    return found


async def _account(info: Info, key: str) -> Node | None:
    return reads.only(await accounts_of(info, UUID(key)))


async def _trade(info: Info, key: str) -> Node | None:
    venue, _, trade_id = key.partition("/")
    return await trade_of(info, venue, trade_id)


FINDERS: Mapping[str, Find] = {
    "Account": _account,
    "AllocationPlan": plan_by_key,
    "Approval": approval_by_key,
    "ComplianceYear": _by_uuid(compliance_year_of),
    "Conversion": _by_uuid(conversion_of),
    "Correction": _by_uuid(correction_of),
    "CreditBatch": _by_uuid(batch_of),
    "Dispute": _by_uuid(dispute_of),
    "Enforcement": _by_uuid(enforcement_of),
    "Freeze": _by_uuid(freeze_of),
    "Gap": gap_by_key,
    "GridFactor": grid_factor_by_key,
    "Instrument": instrument_of,
    "MarketTerms": terms_by_key,
    "Methodology": methodology_of,
    "MonitoringReport": _by_uuid(report_of),
    "Obligation": obligation_by_key,
    "Organisation": _by_uuid(organisation_of),
    "OwnReport": _by_uuid(own_report_of),
    "Programme": programme_of,
    "Project": project_of,
    "Reduction": _by_uuid(reduction_of),
    "Retirement": _by_uuid(retirement_of),
    "Shortfall": _by_uuid(shortfall_of),
    "Trade": _trade,
    "Transfer": _by_uuid(transfer_of),
    "Venue": venue_of,
    "VenueDay": day_by_key,
}
"""How an object of each type is found by its key, by whoever may see it."""


_SUBJECTS: Mapping[str, Find] = {
    "account": _account,
    "allocation_plan": newest_plan,
    "batch": _by_uuid(batch_of),
    "compliance": _by_uuid(compliance_year_of),
    "conversion": _by_uuid(conversion_of),
    "correction": _by_uuid(correction_of),
    "enforcement": _by_uuid(enforcement_of),
    "freeze": _by_uuid(freeze_of),
    "instrument": instrument_of,
    "market": newest_terms,
    "methodology": methodology_of,
    "obligation": obligation_by_key,
    "organisation": _by_uuid(organisation_of),
    "programme": programme_of,
    "project": project_of,
    "reduction": _by_uuid(reduction_of),
    "report": _by_uuid(report_of),
    "retirement": _by_uuid(retirement_of),
    "shortfall": _by_uuid(shortfall_of),
    "trade": _trade,
    "venue": venue_of,
}
"""How the object that events name so is found; what is none, such as a move, is not among them."""


async def named(info: Info, subject: str | None) -> Node | None:
    """The object of this subject, by whoever may see it."""
    kind, _, key = (subject or "").partition("/")
    found = _SUBJECTS.get(kind)
    return await found(info, key) if found else None


async def find(info: Info, id_: str) -> Node | None:
    """The object with this id; None if there is none that the viewer may see. Raises BadInput."""
    try:
        if len(id_) > _ID_CHARACTERS_MAX:
            raise ValueError
        kind, _, key = base64.b64decode(id_, altchars=b"-_", validate=True).decode().partition(":")
        return await FINDERS[kind](info, key)
    except (KeyError, ValueError, binascii.Error):
        raise BadInput("This id was not made here.") from None


@strawberry.type
class NodeQueries:
    @strawberry.field(description="The object with this id; null if you may not see it.")
    async def node(self, info: Info, id_: strawberry.ID) -> Node | None:
        return await find(info, id_)

    @strawberry.field(description="The objects with these ids, in this order.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 50.")],
    ) -> list[Node | None]:
        if len(ids) > NODES_MAX:
            raise LimitExceeded(f"At most {NODES_MAX} ids are allowed, not {len(ids)}.")
        return await asyncio.gather(*(find(info, one) for one in ids))
