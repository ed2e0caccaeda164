"""What settlement does about the source of a conversion: it dies once, by two persons, or lives on untouched."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from services.issuance.messages.conversions import ConversionRequested
from services.kernel.actors import SYSTEM
from services.kernel.ids import new_id
from services.kernel.refusals import NotYetKnown
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime import outbox
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement.handlers import SERVICE
from services.settlement.messages.conversions import ConversionRefused, ConversionSourceCancelled
from services.settlement.messages.retirements import CreditsCancelled
from services.tools.auditor import invariants
from tests.handlers.conftest import Opened
from tests.handlers.deliveries import issued

NUMBER = "ACC-00000007"
SOURCE = issued("OLD", "P1", UUID(int=31), NUMBER)
REQUESTED = ConversionRequested(
    conversion_id=UUID(int=71),
    account=NUMBER,
    source_project="P1",
    source_vintage=2024,
    source_tonnes=61,
    batch_id=UUID(int=72),
    target_programme="NEW",
    target_project="N1",
    target_vintage=2024,
    target_tonnes=30,
    factor=Decimal("0.50"),
    requested_by="owner-1",
    approved_by="approver-1",
)
TARGET = msgspec.structs.replace(
    SOURCE,
    batch_id=UUID(int=72),
    programme="NEW",
    project="N1",
    last_serial=30,
    tonnes=30,
    serials="NEW-CN-N1-2024-001-1-30",
    conversion_id=UUID(int=71),
)


async def learn(tx: Transaction, event: Event) -> list[Event]:
    """What the event lets settlement say, told in the history."""
    said = await SERVICE.events[type(event)](tx, event)
    await outbox.append(replace(tx, message_id=str(new_id())), said)
    return list(said)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """An account that holds a hundred credits of one programme, and another programme."""
    tx = await opened("settlement", SYSTEM, datetime(2026, 3, 2, 2, tzinfo=UTC))
    for code in ("OLD", "NEW"):
        programme = ProgrammeRegistered(
            code=code, name=code, country="CN", kind="PILOT_ASSOCIATION", is_ets_eligible=False
        )
        await learn(tx, programme)
    account = AccountOpened(
        account_id=UUID(int=21), number=NUMBER, organisation_id=UUID(int=11), kind="OWNER"
    )
    await learn(tx, account)
    await learn(tx, SOURCE)
    return tx


async def held(tx: Transaction) -> dict[str, int]:
    """Tonnes of the account by project and bucket."""
    found = await tx.connection.fetch(
        "SELECT project || ' ' || bucket AS place, sum(h.next_serial - h.first_serial)::int AS tonnes"
        " FROM holding h JOIN batch USING (batch_id) WHERE account = $1 GROUP BY 1",
        NUMBER,
    )
    return {row["place"]: row["tonnes"] for row in found}


async def broken(tx: Transaction) -> list[str]:
    """The invariants that do not hold."""
    wanted = invariants("settlement").items()
    return [name for name, sql in wanted if await tx.connection.fetch(sql)]


async def test_rule_25_the_source_dies_once_by_two_persons_and_its_target_is_credited(
    tx: Transaction,
) -> None:
    cancelled, told = await learn(tx, REQUESTED)

    assert isinstance(cancelled, ConversionSourceCancelled)
    assert isinstance(told, CreditsCancelled)
    assert (cancelled.certificate_number, told.purpose) == ("CAN-2026-00000001", "CONVERSION_OUT")
    assert [one.serials for one in cancelled.ranges] == ["OLD-CN-P1-2024-001-40-100"]
    assert await held(tx) == {"P1 registry": 39, "P1 cancelled": 61}
    record = await tx.connection.fetchrow("SELECT * FROM retirement")
    assert record is not None
    assert (record["requested_by"], record["approved_by"]) == ("owner-1", "approver-1")
    assert (record["retirement_id"], record["bucket"]) == (REQUESTED.conversion_id, "cancelled")
    assert record["reason"] == (
        f"converted by the factor 0.50 into 30 t of NEW, N1 2024, batch {TARGET.batch_id}"
    )
    assert await broken(tx) == []

    await learn(tx, TARGET)
    assert await held(tx) == {"P1 registry": 39, "P1 cancelled": 61, "N1 registry": 30}
    assert await broken(tx) == []


async def test_the_same_request_told_again_changes_nothing(tx: Transaction) -> None:
    assert await learn(tx, REQUESTED)
    before = await held(tx)
    assert await learn(tx, REQUESTED) == []
    assert await held(tx) == before


async def test_what_cannot_die_lives_on_and_stays_so(tx: Transaction) -> None:
    asked = msgspec.structs.replace(REQUESTED, source_tonnes=101)
    (refused,) = await learn(tx, asked)
    assert isinstance(refused, ConversionRefused)
    assert (refused.code, refused.fields["available"]) == ("NOT_ENOUGH_CREDITS", "100")
    assert await held(tx) == {"P1 registry": 100}
    assert await learn(tx, REQUESTED) == []
    assert await held(tx) == {"P1 registry": 100}
    for table in ("retirement", "certificate_count"):
        assert await tx.connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await broken(tx) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("status = 'RESTRICTED'", "ACCOUNT_NOT_OPEN"),
        ("frozen_by = ARRAY[gen_random_uuid()]", "ACCOUNT_FROZEN"),
        ("short_of = ARRAY[gen_random_uuid()]", "SHORTFALL_OPEN"),
    ],
)
async def test_an_account_that_may_not_give_converts_nothing(
    tx: Transaction, change: str, code: str
) -> None:
    await tx.connection.execute(f"UPDATE account SET {change} WHERE number = $1", NUMBER)
    (refused,) = await learn(tx, REQUESTED)
    assert isinstance(refused, ConversionRefused)
    assert refused.code == code
    assert await held(tx) == {"P1 registry": 100}


@pytest.mark.parametrize("changes", [{"account": "ACC-99"}, {"source_project": "P9"}])
async def test_what_settlement_has_not_heard_of_yet_waits(
    tx: Transaction, changes: dict[str, object]
) -> None:
    with pytest.raises(NotYetKnown):
        await learn(tx, msgspec.structs.replace(REQUESTED, **changes))


async def test_a_target_that_lives_before_its_source_is_dead_is_found(tx: Transaction) -> None:
    refused = msgspec.structs.replace(REQUESTED, source_tonnes=101)
    await learn(tx, refused)
    await learn(tx, TARGET)
    assert await broken(tx) == ["conversions_leave_one_live_representation"]


async def test_a_target_of_other_tonnes_is_found(tx: Transaction) -> None:
    await learn(tx, REQUESTED)
    await learn(tx, msgspec.structs.replace(TARGET, tonnes=31, last_serial=31))
    assert await broken(tx) == ["conversions_leave_one_live_representation"]
