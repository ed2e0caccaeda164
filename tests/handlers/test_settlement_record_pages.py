"""Searches of the public record: what anybody may ask costs no more when more has been used."""

import json
from uuid import UUID

import pytest

from tests.handlers.ledgers import Ledger

BATCH, BLOCK_TONNES = UUID(int=100), 5
AFTER = "now() + interval '500 seconds', gen_random_uuid()"
FIRST = "NULL, NULL"
Asked = tuple[str | None, str | None]


async def use(ledger: Ledger, first: int, last: int) -> None:
    """Uses of these numbers, each of five credits, for a beneficiary of its own and one of ten others."""
    await ledger.connection.execute(
        """
        INSERT INTO retirement (retirement_id, certificate_number, bucket, account, programme, project, vintage, tonnes,
            purpose, beneficiary_kind, beneficiary_name, beneficiary_id, beneficiary_country, reporting_period, reason,
            is_public, requested_by, approved_by, retired_at, recorded_at)
        SELECT lpad(n::text, 32, '0')::uuid, 'RET-2026-' || n, 'retired', 'ACC-A1', 'CCER', 'WIND', 2024, $3,
            'EVENT_NEUTRALITY', 'ORGANISATION', 'Beneficiary ' || n % 10, 'ID-' || n, 'CN', '2025', 'reason',
            true, 'one', 'two', now() + make_interval(secs => n), now()
        FROM generate_series($1::int, $2::int) AS n
        """,
        first,
        last,
        BLOCK_TONNES,
    )
    await ledger.connection.execute(
        """
        INSERT INTO credit_entry (posting, batch_id, first_serial, next_serial, from_account, from_bucket, to_account,
            to_bucket, effective_at, recorded_at)
        SELECT 'retirement/' || lpad(n::text, 32, '0')::uuid, $3, n * $4, (n + 1) * $4, 'ACC-A1', 'registry', 'ACC-A1',
            'retired', now(), now()
        FROM generate_series($1::int, $2::int) AS n
        """,
        first,
        last,
        BATCH,
        BLOCK_TONNES,
    )
    await ledger.connection.execute("ANALYZE retirement; ANALYZE credit_entry")


async def cost(ledger: Ledger, asked: Asked, after: str) -> tuple[int, int]:
    """How many records a search finds, and how many blocks of the database it reads, planning apart."""
    search = f"SELECT * FROM settlement_read.public_retirements($1, $2, {after}, 21)"
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {search}"
    await ledger.connection.fetchval(explain, *asked)
    found = await ledger.connection.fetch(search, *asked)
    explained = await ledger.connection.fetchval(explain, *asked)
    plan = json.loads(explained)[0]["Plan"]
    return len(found), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("after", [FIRST, AFTER], ids=["first page", "later page"])
@pytest.mark.parametrize(
    ("asked", "records"),
    [
        ((None, None), 21),
        (("CCER-CN-WIND-2024-001-1503", None), 1),
        (("CCER-CN-WIND-2024-001-1503-1507", None), 2),
        ((None, "Beneficiary 7"), 21),
        ((None, "ID-400"), 1),
        ((None, "nobody"), 0),
        (("CCER-CN-WIND-2024-001-1503", "Beneficiary 0"), 1),
    ],
)
async def test_a_search_reads_no_more_after_ten_times_as_much_use(
    ledger: Ledger, asked: Asked, records: int, after: str
) -> None:
    await use(ledger, 1, 1_000)
    _, before = await cost(ledger, asked, after)
    await use(ledger, 1_001, 10_000)
    found, blocks = await cost(ledger, asked, after)
    assert found == records
    assert blocks < before + 50
