"""What settlement keeps of obligations in the national ETS: one function a statement."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from services.kernel.blocks import Block
from services.runtime import queries
from services.runtime.postgres import Transaction, columns
from services.settlement.discharges import Stock, Use
from services.settlement.ledger import Bucket, Holding, Instrument, Place
from services.settlement.obligations import Obligation, State

sql = queries.load(Path(__file__).with_name("obligations.sql"))


class ObligationChangedError(RuntimeError):
    """An obligation was not as it was read, although it was locked: nothing of the transaction may stand."""


async def lock_obligation(tx: Transaction, account: str, emission_year: int) -> Obligation | None:
    """What the account owes for this year, as nobody else changes it now."""
    record = await tx.connection.fetchrow(sql["lock_obligation"], account, emission_year)
    return None if record is None else _obligation(record)


async def lock_missed_obligations(tx: Transaction, at: datetime) -> list[Obligation]:
    """Those whose deadline is over by this time, although something is left."""
    found = await tx.connection.fetch(sql["lock_missed_obligations"], at)
    return [_obligation(record) for record in found]


def _obligation(record: asyncpg.Record) -> Obligation:
    found: dict[str, Any] = dict(record)
    found["state"] = State(found["state"])
    found["allowance_vintages"] = tuple(found["allowance_vintages"])
    return Obligation(**found)


async def set_obligation(tx: Transaction, one: Obligation) -> None:
    """Keeps an obligation's newest version, and what follows from it."""
    await tx.connection.execute(
        sql["set_obligation"],
        one.account,
        one.emission_year,
        one.version,
        one.due,
        one.offset_max,
        one.deadline,
        one.allowance_vintages,
        one.credits_registered_after,
        one.plan,
        one.is_draft,
        one.state,
        one.surrendered,
        one.offset_used,
        one.proof_number,
        one.programme,
    )
    await tx.connection.execute(
        sql["insert_version"],
        one.account,
        one.emission_year,
        one.version,
        one.due,
        one.offset_max,
        tx.effective_at,
        tx.recorded_at,
    )


async def add_use(tx: Transaction, after: Obligation, use: Use) -> None:
    """Keeps a use and what follows from it; the database itself requires that the cap and the debt allow it."""
    status = await tx.connection.execute(
        sql["add_use"],
        after.account,
        after.emission_year,
        0 if use.is_offset else use.tonnes,
        use.tonnes if use.is_offset else 0,
        after.state,
        after.proof_number,
    )
    _require_count(status, 1)


async def insert_proof(tx: Transaction, met: Obligation) -> None:
    """Keeps for ever that an obligation was met, and by what."""
    await tx.connection.execute(
        sql["insert_proof"],
        met.proof_number,
        met.account,
        met.emission_year,
        met.version,
        met.plan,
        met.is_draft,
        met.due,
        met.surrendered,
        met.offset_used,
        met.deadline,
        tx.effective_at,
        tx.recorded_at,
    )


async def set_overdue(tx: Transaction, missed: Sequence[Obligation]) -> None:
    """Keeps that their deadline has passed."""
    if missed:
        keys = columns((one.account, one.emission_year) for one in missed)
        _require_count(await tx.connection.execute(sql["set_overdue"], *keys), len(missed))


def _require_count(status: str, expected: int) -> None:
    if status != f"UPDATE {expected}":
        raise ObligationChangedError(f"{status}, expected {expected}")


async def list_stocks(
    tx: Transaction, account: str, instrument: Instrument, *buckets: Bucket
) -> list[Stock]:
    """What the account has there, the oldest batch first; it is locked with its account and its batches."""
    asked = account, instrument.project, instrument.vintage, buckets
    return [_stock(record) for record in await tx.connection.fetch(sql["list_stocks"], *asked)]


def _stock(record: asyncpg.Record) -> Stock:
    block = Block(record["batch_id"], record["first_serial"], record["next_serial"])
    place = Place(record["account"], Bucket(record["bucket"]), record["venue"])
    return Stock(Holding(block, place), record["registered_on"], record["first_organisation"])
