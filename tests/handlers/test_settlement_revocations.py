"""What settlement does with revoked reductions, message by message: once, and not before it knows the batch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from services.issuance.messages.reductions import ReductionsRevoked
from services.kernel.actors import SYSTEM
from services.kernel.refusals import NotYetKnown
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement.handlers import SERVICE
from services.settlement.messages.retirements import CreditsCancelled
from services.settlement.messages.shortfalls import ShortfallOpened
from tests.handlers.conftest import Opened
from tests.handlers.deliveries import issued

NUMBER, BATCH = "ACC-00000007", UUID(int=31)
ISSUED = issued("CCER-R", "R1", BATCH, NUMBER, buffer_first_serial=91)
REVOKED = ReductionsRevoked(
    reduction_id=UUID(int=41),
    report_id=None,
    project="R1",
    vintage=2024,
    batch_id=BATCH,
    owner_account=NUMBER,
    tonnes=95,
    reason="falsified",
)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """Settlement has heard of the account and the programme."""
    tx = await opened("settlement", SYSTEM, datetime(2026, 3, 2, 2, tzinfo=UTC), "message-1")
    await learn(
        tx,
        ProgrammeRegistered(
            code="CCER-R", name="R", country="CN", kind="NATIONAL", is_ets_eligible=True
        ),
    )
    await learn(
        tx,
        AccountOpened(
            account_id=UUID(int=21), number=NUMBER, organisation_id=UUID(int=11), kind="OWNER"
        ),
    )
    return tx


async def learn(tx: Transaction, event: Event) -> Sequence[Event]:
    return await SERVICE.events[type(event)](tx, event)


async def held(tx: Transaction) -> dict[str, int]:
    rows = await tx.connection.fetch(
        "SELECT bucket, sum(next_serial - first_serial)::bigint FROM holding WHERE account = $1"
        " GROUP BY bucket",
        NUMBER,
    )
    return {bucket: tonnes for bucket, tonnes in rows}  # noqa: C416 - a record is no pair


async def test_what_was_never_issued_is_owed_by_nobody(tx: Transaction) -> None:
    assert await learn(tx, msgspec.structs.replace(REVOKED, batch_id=None)) == []


async def test_a_batch_that_has_not_come_yet_waits(tx: Transaction) -> None:
    with pytest.raises(NotYetKnown):
        await learn(tx, REVOKED)


async def test_the_buffer_goes_last_and_the_same_message_counts_once(tx: Transaction) -> None:
    await learn(tx, ISSUED)
    [told] = await learn(tx, REVOKED)
    assert isinstance(told, CreditsCancelled)
    assert (told.tonnes, told.purpose) == (95, "FORCED")
    assert [(one.first_serial, one.last_serial) for one in told.ranges] == [(1, 90), (96, 100)]
    assert await held(tx) == {"buffer": 5, "cancelled": 95}

    assert await learn(tx, REVOKED) == []

    assert await held(tx) == {"buffer": 5, "cancelled": 95}
    again = msgspec.structs.replace(REVOKED, tonnes=6)
    cancelled, opened = await learn(replace(tx, message_id="message-2"), again)
    assert isinstance(cancelled, CreditsCancelled)
    assert isinstance(opened, ShortfallOpened)
    assert (cancelled.tonnes, opened.tonnes, opened.outstanding) == (5, 1, 1)
    short = await tx.connection.fetchval("SELECT short_of FROM account WHERE number = $1", NUMBER)
    assert short == [opened.shortfall_id]
