"""What flows of freezes and shortfalls share: orders, their approval, revocations, and who is stopped by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.issuance.messages.approvals import ApproveCommand as ApproveAtIssuance
from services.issuance.messages.reductions import RevokeReductions
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer, Command
from services.settlement.messages.freezes import (
    EnforceTransfer,
    FreezeAccount,
    FreezeCredits,
    ReleaseFreeze,
    Span,
)
from services.settlement.messages.shortfalls import MakeGood
from tests.market import APPROVER, PILOT, REGISTRAR, VINTAGE, Market, Party, Seller

AUTHORITY = Actor("anna.authority", None, frozenset({"authority"}))
_ORDER: dict[str, str] = {
    "kind": "JUDICIAL",
    "ordered_by": "First Intermediate Court",
    "document_number": "(2026) 17",
    "document_sha256": "ab" * 32,
    "reason": "debt",
}


def freeze_of_account(account: str) -> FreezeAccount:
    """An order that stops all of an account."""
    return FreezeAccount(freeze_id=new_id(), account=account, **_ORDER)


def freeze_of(account: str, *spans: Span) -> FreezeCredits:
    """An order that stops certain serials."""
    return FreezeCredits(freeze_id=new_id(), account=account, spans=spans, **_ORDER)


def release_of(freeze_id: UUID) -> ReleaseFreeze:
    """An order that ends a freeze."""
    return ReleaseFreeze(freeze_id=freeze_id, document_sha256="cd" * 32, reason="debt paid")


def enforcement(giver: str, receiver: str, **what: Any) -> EnforceTransfer:
    """A change of title of what is named."""
    return EnforceTransfer(
        transfer_id=new_id(),
        from_account=giver,
        to_account=receiver,
        ground="ENFORCEMENT",
        document_sha256="ef" * 32,
        reason="judgment",
        **what,
    )


def of(seller: Seller, tonnes: int) -> dict[str, Any]:
    """So many tonnes of the seller's credits, as a command names them."""
    return {"project": seller.project, "vintage": seller.vintage, "tonnes": tonnes}


def making_good(seller: Seller, shortfall_id: UUID, tonnes: int) -> MakeGood:
    """So many tonnes of the seller's credits for what is owed."""
    return MakeGood(
        retirement_id=new_id(),
        shortfall_id=shortfall_id,
        reason="as ordered",
        **of(seller, tonnes),
    )


async def done(market: Market, command: Command, actor: Actor = REGISTRAR) -> Answer:
    """The final answer to a command that two persons ask for."""
    asked = await market.send(command, actor)
    return asked if asked.refusal else await market.approve(asked)


async def accepted(market: Market, command: Command, actor: Actor = REGISTRAR) -> Answer:
    """The same, which must be accepted."""
    answer = await done(market, command, actor)
    assert answer.outcome == Answer.ACCEPTED, answer.refusal
    return answer


async def frozen(market: Market, order: FreezeAccount | FreezeCredits) -> UUID:
    """The freeze that stands on this order."""
    await accepted(market, order)
    return order.freeze_id


async def batch_of(market: Market, seller: Seller) -> UUID:
    """The first batch of the seller's project."""
    return await market.database.fetchval(
        "SELECT batch_id FROM settlement.batch WHERE project = $1 ORDER BY batch_number LIMIT 1",
        seller.project,
    )


async def revoke(market: Market, batch_id: UUID, tonnes: int) -> UUID:
    """So many tonnes behind a batch are false; returns the reductions once settlement has answered."""
    reduction_id: UUID = await market.database.fetchval(
        "SELECT reduction_id FROM issuance.credit_batch WHERE batch_id = $1", batch_id
    )
    counted = "SELECT count(*) FROM settlement.revocation WHERE reduction_id = $1"
    before = await market.database.fetchval(counted, reduction_id)
    command = RevokeReductions(reduction_id=reduction_id, tonnes=tonnes, reason="falsified")
    asked = await market.accepted(command, AUTHORITY)
    assert asked.approval_id is not None
    await market.accepted(ApproveAtIssuance(approval_id=asked.approval_id), APPROVER)
    await market.until(f"SELECT ({counted}) > $2", reduction_id, before)
    return reduction_id


async def shortfall_of(market: Market, account: str) -> dict[str, Any]:
    """The one shortfall of the account."""
    (row,) = await market.database.fetch(
        "SELECT * FROM settlement.shortfall WHERE account = $1", account
    )
    return dict(row)


async def places(market: Market, account: str) -> dict[str, int]:
    """Tonnes by bucket, those that hold something."""
    rows = await market.database.fetch(
        "SELECT bucket, sum(next_serial - first_serial)::bigint AS tonnes FROM settlement.holding"
        " WHERE account = $1 GROUP BY bucket",
        account,
    )
    return {row["bucket"]: row["tonnes"] for row in rows}


async def told(market: Market, subject: str) -> Sequence[str]:
    """The types of all events of this aggregate, in their order."""
    rows = await market.database.fetch(
        "SELECT type FROM settlement.event WHERE aggregate = $1 ORDER BY sequence", subject
    )
    return [row["type"].removeprefix("settlement.") for row in rows]


@dataclass(frozen=True, slots=True)
class Stopped:
    """An account that is frozen, and one that owes credits; each has credits in the registry."""

    frozen: Seller
    freeze: UUID
    """Of the whole account."""
    batch: UUID
    """Of 10 tonnes, the frozen account's."""
    receiver: Party
    debtor: Seller
    shortfall: UUID
    """Of 10 tonnes."""
    pilot: Seller
    """What the debtor has of another programme."""


async def stopped(market: Market) -> Stopped:
    """Both, once done."""
    held, debtor = [await market.owner_with_credits(10, at_venue=0) for _ in range(2)]
    await market.approve(await market.retire(debtor, 10))
    await revoke(market, await batch_of(market, debtor), 10)
    await market.issue(debtor.project, 20, month=2)
    pilot = Seller(debtor.party, await market.project(debtor.party, PILOT), VINTAGE, "HZ-PILOT")
    await market.issue(pilot.project, 20)
    return Stopped(
        frozen=held,
        freeze=await frozen(market, freeze_of_account(held.account)),
        batch=await batch_of(market, held),
        receiver=await market.party("TRADER"),
        debtor=debtor,
        shortfall=(await shortfall_of(market, debtor.account))["shortfall_id"],
        pilot=pilot,
    )
