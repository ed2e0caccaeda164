"""The prices that are published beside the rule that trades are held against: one and the same."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import product

import asyncpg
import pytest

from services.runtime.messages import encode
from services.runtime.postgres import Connection
from services.settlement.messages.market import MethodTerms
from services.settlement.terms import price_band
from tests.conftest import Database
from tests.market import open_terms

DAY = date(2026, 1, 5)


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Connection]:
    """The ledger's owner, of whose work nothing stays."""
    connection = await asyncpg.connect(database.admin_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        "SET LOCAL search_path = settlement; INSERT INTO venue (code, name) VALUES ('V', 'V');"
        " INSERT INTO programme VALUES ('P', 'NATIONAL', true);"
        " INSERT INTO account (number, account_id, organisation_id, kind)"
        " VALUES ('A', gen_random_uuid(), gen_random_uuid(), 'OWNER')"
    )
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.mark.parametrize(
    ("reference_fen", "basis_points", "tick_fen"),
    [
        *product(
            (1, 99, 7_005, 10_000, 12_345, 9_999_999), (1, 333, 1_000, 3_000, 9_999), (1, 5, 100)
        )
    ],
)
async def test_the_published_limits_are_those_of_the_rule(
    ledger: Connection, reference_fen: int, basis_points: int, tick_fen: int
) -> None:
    bands = (
        MethodTerms(method="LISTING", band_basis_points=basis_points),
        MethodTerms(method="AUCTION"),
    )
    terms = open_terms("V", "P", methods=bands, tick_fen=tick_fen)
    await ledger.execute(
        "INSERT INTO market_terms VALUES ('V', 'P', $1, 'IMMEDIATE', $2, 'a', 'b', now())",
        terms.valid_from,
        encode(terms).decode(),
    )
    await ledger.execute(
        "INSERT INTO instrument VALUES ('V', 'X', 2024, 'P', $1, $2, 'A')", DAY, reference_fen
    )
    found = await ledger.fetch(
        "SELECT * FROM settlement_read.price_limits('V', 'X', 2024, $1)", DAY
    )
    free, banded = (tuple(row) for row in found)
    assert free == ("AUCTION", reference_fen, None, None, None)
    limits = price_band(reference_fen, basis_points, tick_fen)
    assert banded == ("LISTING", reference_fen, basis_points, *limits)
