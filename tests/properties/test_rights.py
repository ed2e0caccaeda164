"""Who may do what to the tables: what is written once is not rewritten, and each reads what is published to it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec.structs import asdict

from services.kernel.blocks import Block
from services.kernel.ids import new_id
from services.runtime.postgres import Pool, opened_pool
from services.settlement.ledger import Batch
from tests.conftest import Database


@pytest.fixture(scope="module")
async def pool(scratch: Database) -> AsyncIterator[Pool]:
    """Settlement's own role."""
    async with opened_pool(scratch.url("settlement"), "settlement") as opened:
        yield opened


APPENDED = {
    "credit_entry": "to_account",
    "cash_entry": "amount_fen",
    "event": "body",
    "trade": "state",
    "retirement": "tonnes",
    "conversion": "code",
    "batch": "next_serial",
    "obligation_version": "due",
    "proof": "due",
    "bank_report": "state",
    "move": "tonnes",
    "venue_day": "tonnes",
    "programme": "is_ets_eligible",
    "market_terms": "terms",
    "calendar_notice": "holidays",
    "day_confirmation": "confirmed_by",
    "retort": "digest",
    "enforcement": "tonnes",
    "revocation": "tonnes",
    "making_good": "tonnes",
    "migration": "checksum",
}
FIXED = [
    ("holding", "first_serial"),
    ("holding", "batch_id"),
    ("account", "organisation_id"),
    ("account", "kind"),
    ("venue", "code"),
    ("instrument", "listed_on"),
    ("instrument_day", "date"),
    ("last_trade", "account"),
    ("captured_trade", "amount_fen"),
    ("gap", "kind"),
    ("venue_day", "digest"),
    ("cash_position", "account"),
    ("inbox", "digest"),
    ("outbox", "positions"),
    ("approval", "command"),
    ("approval", "maker"),
    ("approval", "approver_role"),
    ("waiting_trade", "content"),
    ("obligation", "account"),
    ("freeze_order", "account"),
    ("frozen_block", "freeze_id"),
    ("shortfall", "account"),
    ("certificate_count", "series"),
]

KEPT = (
    "obligation",
    "holding",
    "cash_position",
    "account",
    "approval",
    "venue",
    "instrument",
    "instrument_day",
    "last_trade",
    "gap",
    "freeze_order",
    "shortfall",
    "certificate_count",
)


@pytest.mark.parametrize(("table", "column"), [*APPENDED.items(), *FIXED])
async def test_settlement_may_not_update_what_is_written_once(
    pool: Pool, table: str, column: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE", "DROP TABLE"])
@pytest.mark.parametrize("table", [*APPENDED, *KEPT])
async def test_settlement_may_not_delete_what_it_keeps(
    pool: Pool, statement: str, table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(f"{statement} {table}")


async def test_settlement_may_not_turn_off_what_guards_it(pool: Pool) -> None:
    for statement in (
        "ALTER TABLE holding DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_return() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


@pytest.mark.parametrize("number", [1, 999, 1000, 123_456])
async def test_a_published_serial_range_is_the_one_that_the_events_name(
    scratch: Database, number: int
) -> None:
    batch_id = new_id()
    batch = Batch(batch_id, "CCER", "CN", "WIND", 2024, number, datetime.now(UTC))
    connection = await asyncpg.connect(scratch.admin_url)

    published = await connection.fetchval(
        "SELECT settlement_read.serials(jsonb_populate_record(NULL::settlement.batch, $1), 5, 8)",
        json.dumps(asdict(batch), default=str),
    )

    await connection.close()
    assert published == batch.serials(Block(batch_id, 5, 8)).serials


@pytest.mark.parametrize(
    ("role", "table"),
    [
        ("settlement", "registry.account"),
        ("settlement", "issuance.credit_batch"),
        ("registry", "settlement.holding"),
        ("issuance", "registry.project"),
        ("gateway", "settlement.holding"),
        ("gateway", "settlement.any_trade"),
        ("gateway", "registry.organisation"),
        ("gateway", "issuance.event"),
    ],
)
async def test_nobody_reads_what_is_not_published_to_them(
    scratch: Database, role: str, table: str
) -> None:
    connection = await asyncpg.connect(scratch.url(role))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch(f"SELECT * FROM {table}")

    await connection.close()


async def test_a_negative_balance_is_refused_by_the_database(pool: Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("INSERT INTO cash_position VALUES ('ACC-O', 'CBGEX', 'CNY', -1)")
