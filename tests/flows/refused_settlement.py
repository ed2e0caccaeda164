"""Refusals of settlement about use and moves of credits, and of approvals: code by code, what provokes them."""

from typing import Any

from services.kernel.ids import new_id
from services.settlement.messages import approvals
from tests.flows.acts import as_historian
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import APPROVER, REGISTRAR, Seller


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _uses(world) | _moves(world) | _approvals(world)


def _uses(world: World) -> dict[str, Attempt]:
    def use(seller: Seller = world.seller, **changes: Any) -> Attempt:
        return Attempt(world.market.retirement(seller, 1, **changes), seller.party.actor)

    ets: dict[str, Any] = {"purpose": "ETS_OFFSET_NATIONAL"}
    historian = as_historian(world.seller.party.actor)
    early = Attempt(world.market.retirement(world.seller, 1), historian, days_ago=1)
    return {
        "CROSS_BORDER_USE_NOT_AUTHORISED": use(purpose="CORSIA"),
        "NOT_ELIGIBLE_FOR_ETS": use(world.pilot_seller, **ets),
        "OBLIGATION_UNKNOWN": use(**ets),
        "NOT_SURRENDERABLE": use(purpose="ETS_SURRENDER"),
        "PURPOSE_UNKNOWN": use(purpose="FUN"),
        "STATEMENT_MISSING": use(reason=" "),
        "USED_BEFORE_ISSUED": early,
    }


def _moves(world: World) -> dict[str, Attempt]:
    move = world.market.move(world.seller, 101)
    return {"NOT_ENOUGH_CREDITS": Attempt(move, world.seller.party.actor)}


def _approvals(world: World) -> dict[str, Attempt]:
    """Which service keeps an approval is the gateway's to find out."""
    return {
        "APPROVAL_NOT_PENDING": Attempt(approvals.ApproveCommand(approval_id=world.decided)),
        "APPROVAL_UNKNOWN": Attempt(approvals.ApproveCommand(approval_id=new_id())),
        "DECIDED_BEFORE_REQUESTED": Attempt(
            approvals.ApproveCommand(approval_id=world.pending), as_historian(APPROVER), days_ago=1
        ),
        "MAKER_IS_APPROVER": Attempt(
            approvals.ApproveCommand(approval_id=world.pending), REGISTRAR
        ),
    }
