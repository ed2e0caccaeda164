"""What settlement keeps of postings that are corrected: one function a statement."""

from pathlib import Path
from uuid import UUID

import asyncpg

from services.runtime import queries
from services.runtime.postgres import Transaction
from services.settlement.corrections import CashLeg, CreditLeg, Posting
from services.settlement.ledger import Bucket, CashKey, Instrument, Place
from services.settlement.messages.holdings import CorrectPosting

sql = queries.load(Path(__file__).with_name("corrections.sql"))


async def get_posting(tx: Transaction, name: str) -> Posting | None:
    """Everything that stands under this name in the ledger; entries never change."""
    moved = await tx.connection.fetch(sql["list_credit_legs"], name)
    paid = await tx.connection.fetch(sql["list_cash_legs"], name)
    if not moved and not paid:
        return None
    return Posting(
        name=name,
        posted_at=max(record["effective_at"] for record in (*moved, *paid)),
        credits=[_credit_leg(record) for record in moved],
        cash=[_cash_leg(record) for record in paid],
    )


def _credit_leg(record: asyncpg.Record) -> CreditLeg:
    return CreditLeg(
        Instrument(record["project"], record["vintage"]),
        Place(record["from_account"], Bucket(record["from_bucket"]), record["from_venue"]),
        Place(record["to_account"], Bucket(record["to_bucket"]), record["to_venue"]),
        record["tonnes"],
    )


def _cash_leg(record: asyncpg.Record) -> CashLeg:
    payer, payee = (
        CashKey(number, record["venue"], record["currency"]) if number else None
        for number in (record["from_account"], record["to_account"])
    )
    return CashLeg(payer, payee, record["amount_fen"])


async def get_correction_of(tx: Transaction, posting: str) -> UUID | None:
    """The correction of a posting, if there is one."""
    return await tx.connection.fetchval(sql["get_correction_of"], posting)


async def insert_correction(
    tx: Transaction, command: CorrectPosting, opposite: Posting, approver: str
) -> bool:
    """Keeps a correction for ever; False if its id was used before."""
    inserted = await tx.connection.fetchval(
        sql["insert_correction"],
        command.correction_id,
        command.posting,
        opposite.accounts,
        opposite.tonnes,
        opposite.amount_fen,
        command.reason,
        tx.actor.subject,
        approver,
        tx.effective_at,
        tx.recorded_at,
    )
    return inserted is not None
