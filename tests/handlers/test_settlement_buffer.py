"""What settlement does with the part of a batch that stands in for reversals."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from services.kernel.actors import Actor, Role
from services.registry.messages.accounts import AccountOpened, TradingAccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import migrate, queries
from services.runtime.postgres import Transaction
from services.settlement import handlers, market_handlers
from services.settlement.ledger import NotEnoughCredits
from services.settlement.messages.holdings import CreditsReceived, MoveToVenue
from services.settlement.messages.market import OpenVenue, SetMarketTerms
from tests.handlers.conftest import Opened
from tests.handlers.deliveries import issued
from tests.market import open_terms

OWNER, ID, NUMBER = UUID(int=11), UUID(int=21), "ACC-00000007"
REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
OPERATOR = Actor("op-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
ISSUED = issued("CCER-B", "P1", UUID(int=31), NUMBER)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """Settlement has heard of the account and the programme, and has a venue that trades it."""
    tx = await opened("settlement", REGISTRAR, datetime(2026, 3, 2, 2, tzinfo=UTC))
    for event in (
        ProgrammeRegistered(
            code="CCER-B", name="B", country="CN", kind="NATIONAL", is_ets_eligible=True
        ),
        AccountOpened(account_id=ID, number=NUMBER, organisation_id=OWNER, kind="OWNER"),
        TradingAccountOpened(
            account_id=ID, number=NUMBER, trading_account_id=UUID(int=41), trading_account="T-1"
        ),
    ):
        await handlers.SERVICE.events[type(event)](tx, event)
    await market_handlers.open_venue(tx, OpenVenue(code="V-B", name="V-B"))
    setting = SetMarketTerms(terms=open_terms("V-B", "CCER-B"))
    await market_handlers.set_market_terms(replace(tx, approved_by="approver-1"), setting)
    return tx


@pytest.mark.parametrize(
    ("first", "held"),
    [
        (None, [("registry", 1, 101)]),
        (91, [("registry", 1, 91), ("buffer", 91, 101)]),
        (100, [("registry", 1, 100), ("buffer", 100, 101)]),
        (1, [("buffer", 1, 101)]),
    ],
)
async def test_the_tail_of_a_batch_goes_into_the_buffer(
    tx: Transaction, first: int | None, held: list[tuple[str, int, int]]
) -> None:
    before = await _broken(tx)
    event = msgspec.structs.replace(ISSUED, buffer_first_serial=first)
    said = await handlers.on_credits_issued(tx, event)
    found = await tx.connection.fetch(
        "SELECT bucket, first_serial, next_serial FROM holding WHERE account = $1 ORDER BY 2",
        NUMBER,
    )
    assert [tuple(one) for one in found] == held
    assert [(one.bucket, one.tonnes) for one in said if isinstance(one, CreditsReceived)] == [
        (bucket, following - start) for bucket, start, following in held
    ]
    assert await _broken(tx) == before


async def _broken(tx: Transaction) -> dict[str, int]:
    """By invariant the rows that break it; other tests may have left some behind."""
    invariants = queries.load(migrate.SCHEMA_FOLDER / "settlement" / "invariants.sql")
    return {
        name: await tx.connection.fetchval(f"SELECT count(*) FROM ({statement}\n) AS broken")
        for name, statement in invariants.items()
    }


async def test_nobody_moves_what_is_in_the_buffer(tx: Transaction) -> None:
    await handlers.on_credits_issued(tx, msgspec.structs.replace(ISSUED, buffer_first_serial=91))
    owner = replace(tx, actor=OPERATOR)
    move = MoveToVenue(
        move_id=UUID(int=51), account=NUMBER, venue="V-B", project="P1", vintage=2024, tonnes=91
    )
    with pytest.raises(NotEnoughCredits) as refused:
        async with tx.connection.transaction():
            await handlers.move_to_venue(owner, move)
    assert refused.value.available == 90
    await handlers.move_to_venue(owner, msgspec.structs.replace(move, tonnes=90))
