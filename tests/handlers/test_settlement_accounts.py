"""What settlement learns of accounts, and who may use one after it has learned."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from services.kernel.actors import Actor, NotOperator, Role
from services.kernel.refusals import AccountNotOpen, NotYetKnown, Refusal
from services.registry.messages.accounts import (
    AccountClosed,
    AccountOpened,
    AccountRestricted,
    OperatorAppointed,
    OperatorDismissed,
    RestrictionLifted,
    TradingAccountOpened,
)
from services.runtime.messages import Event
from services.runtime.postgres import Transaction
from services.settlement import handlers, market_handlers
from services.settlement.messages.holdings import MoveToVenue
from services.settlement.messages.market import OpenVenue
from tests.handlers.conftest import Opened

OWNER, ID, NUMBER = UUID(int=11), UUID(int=21), "ACC-00000007"
REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
OPERATOR = Actor("op-1", OWNER, frozenset({Role.OWNER_OPERATOR}))
OPENED = AccountOpened(account_id=ID, number=NUMBER, organisation_id=OWNER, kind="OWNER")
TRADING = TradingAccountOpened(
    account_id=ID, number=NUMBER, trading_account_id=UUID(int=31), trading_account="TRD-00000001"
)
APPOINTED = OperatorAppointed(account_id=ID, number=NUMBER, operator="op-1")
DISMISSED = OperatorDismissed(account_id=ID, number=NUMBER, operator="op-1", reason="离职")
RESTRICTED = AccountRestricted(account_id=ID, number=NUMBER, ground="RULES_BROKEN", reason="违规")
LIFTED = RestrictionLifted(account_id=ID, number=NUMBER, reason="已改正")
CLOSED = AccountClosed(
    account_id=ID, number=NUMBER, ground="MERGER", reason="合并", approved_by="approver-1"
)
MOVE = MoveToVenue(
    move_id=UUID(int=41), account=NUMBER, venue="SHELF", project="A210001", vintage=2024, tonnes=1
)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """Settlement has heard of the account, and has a venue."""
    tx = await opened("settlement", REGISTRAR, datetime(2026, 3, 2, 2, tzinfo=UTC))
    await market_handlers.open_venue(tx, OpenVenue(code="SHELF", name="SHELF"))
    await learn(tx, OPENED)
    return replace(tx, actor=OPERATOR)


async def learn(tx: Transaction, *events: Event) -> None:
    for event in events:
        assert not await handlers.SERVICE.events[type(event)](tx, event)


async def known(tx: Transaction) -> asyncpg.Record | None:
    return await tx.connection.fetchrow(
        "SELECT status, trading_account, operators FROM account WHERE number = $1", NUMBER
    )


async def refused(tx: Transaction, refusal: type[Refusal]) -> Refusal:
    with pytest.raises(refusal) as raised:
        async with tx.connection.transaction():
            await handlers.move_to_venue(tx, MOVE)
    return raised.value


async def test_it_learns_what_the_registry_says_of_an_account(tx: Transaction) -> None:
    for event, expected in (
        (TRADING, ("OPEN", "TRD-00000001", [])),
        (APPOINTED, ("OPEN", "TRD-00000001", ["op-1"])),
        (appointing("op-2"), ("OPEN", "TRD-00000001", ["op-1", "op-2"])),
        (DISMISSED, ("OPEN", "TRD-00000001", ["op-2"])),
        (RESTRICTED, ("RESTRICTED", "TRD-00000001", ["op-2"])),
        (LIFTED, ("OPEN", "TRD-00000001", ["op-2"])),
        (CLOSED, ("CLOSED", "TRD-00000001", ["op-2"])),
    ):
        await learn(tx, event)
        found = await known(tx)
        assert found
        assert tuple(found) == expected


def appointing(operator: str) -> OperatorAppointed:
    return OperatorAppointed(account_id=ID, number=NUMBER, operator=operator)


@pytest.mark.parametrize(
    "event",
    [TRADING, APPOINTED, DISMISSED, RESTRICTED, LIFTED, CLOSED],
    ids=lambda e: type(e).__name__,
)
async def test_what_is_said_of_an_account_that_has_not_come_yet_waits(
    opened: Opened, event: Event
) -> None:
    tx = await opened("settlement", REGISTRAR)
    with pytest.raises(NotYetKnown):
        await learn(tx, event)


async def test_a_restricted_or_closed_account_moves_nothing(tx: Transaction) -> None:
    """Without the restriction the move only lacks credits."""
    assert (await refused(tx, NotYetKnown)).values["noun"] == "instrument"
    for event, state in ((RESTRICTED, "RESTRICTED"), (CLOSED, "CLOSED")):
        await learn(tx, event)
        assert (await refused(tx, AccountNotOpen)).values["state"] == state
    await learn(tx, LIFTED)
    await refused(tx, NotYetKnown)


async def test_from_the_first_operator_on_nobody_else_acts(tx: Transaction) -> None:
    other = replace(tx, actor=replace(OPERATOR, subject="op-2"))
    await refused(other, NotYetKnown)
    await learn(tx, APPOINTED)
    await refused(other, NotOperator)
    await refused(tx, NotYetKnown)


async def test_an_account_of_others_is_answered_like_one_that_does_not_exist(
    tx: Transaction,
) -> None:
    """Of an own account the credits are missing; of another organisation's account the account itself."""
    assert (await refused(tx, NotYetKnown)).values["noun"] == "instrument"
    for organisation in (ID, None):
        other = replace(tx, actor=replace(OPERATOR, organisation=organisation))
        assert (await refused(other, NotYetKnown)).values["noun"] == "account"
