"""Refusals of settlement about transfers, corrections and disputes: code by code, what provokes them."""

from services.kernel.ids import new_id
from services.settlement.messages.holdings import AcceptTransfer, CorrectPosting
from services.settlement.messages.market import CloseDispute, ObjectToTrade
from tests.flows.acts import Acts, as_historian
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.register import HISTORIAN


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _transfers(world) | _corrections(world.acts) | _disputes(world.acts)


def _transfers(world: World) -> dict[str, Attempt]:
    acts = world.acts
    giver, receiver = acts.giver.party.actor, acts.receiver.actor
    accepting = AcceptTransfer(transfer_id=acts.offer)
    return {
        "DECIDED_BEFORE_OFFERED": Attempt(accepting, as_historian(receiver), days_ago=1),
        "OFFER_EXPIRED": Attempt(AcceptTransfer(transfer_id=acts.overdue), receiver),
        "RECEIVER_MAY_NOT_HOLD": Attempt(acts.transfer(to_account=world.verifier.account), giver),
        "TRANSFER_TO_ONESELF": Attempt(acts.transfer(to_account=acts.giver.account), giver),
    }


def _corrections(acts: Acts) -> dict[str, Attempt]:
    def correcting(posting: str) -> CorrectPosting:
        return CorrectPosting(correction_id=new_id(), posting=posting, reason="typing error")

    return {
        "ALREADY_CORRECTED": Attempt(correcting(acts.corrected)),
        "CORRECTED_BEFORE_POSTED": Attempt(correcting(acts.moved), HISTORIAN, days_ago=1),
        "POSTING_NOT_CORRECTABLE": Attempt(correcting(f"retirement/{new_id()}")),
    }


def _disputes(acts: Acts) -> dict[str, Attempt]:
    def objecting(trade_id: str) -> Attempt:
        command = ObjectToTrade(
            dispute_id=new_id(),
            venue="CBGEX",
            trade_id=trade_id,
            account=acts.buyer.account,
            reason="not ours",
        )
        return Attempt(command, acts.buyer.actor)

    closing = CloseDispute(dispute_id=acts.dispute, outcome="DISMISSED", explanation="it was")
    return {
        "CLOSED_BEFORE_OPENED": Attempt(closing, HISTORIAN, days_ago=1),
        "OBJECTION_TOO_LATE": objecting(acts.old_trade),
        "TRADE_NOT_BINDING": objecting(acts.rejected_trade),
    }
