"""What issuance reserves for a carry-over, and what comes of it when settlement has judged the entity."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.issuance.carry_overs import CarryOverNotOpen, CarryOverNotPlanned
from services.issuance.messages.batches import CreditsIssued
from services.issuance.messages.carry_overs import AllowancesCarriedOver, CarryOverAllowances
from services.issuance.messages.compliance import PreallocateAllowances
from services.issuance.messages.conversions import (
    ConversionCompleted,
    ConversionRefused,
    ConversionRequested,
)
from services.kernel.actors import Actor, NotOperator, OtherOrganisation, Role, RoleMissing
from services.kernel.clocks import BEIJING
from services.kernel.refusals import (
    AccountNotOpen,
    AlreadyExists,
    OutOfRange,
    Refusal,
    Unknown,
)
from services.registry.messages.accounts import AccountRestricted, OperatorAppointed
from services.runtime.postgres import Transaction
from tests.emitting import CARRY_OVER, published
from tests.handlers.conftest import Opened
from tests.handlers.test_issuance_compliance import (
    EMITTER,
    HEARD,
    KEEPER,
    OPENING,
    ORGANISATION,
    PREALLOCATING,
    PUBLISHING,
    YEAR,
)
from tests.handlers.test_issuance_conversions import CANCELLED, REFUSED, broken, say

AT = datetime(2026, 6, 10, 23, 59, tzinfo=BEIJING)
OWNER = Actor("otto.operator", ORGANISATION, frozenset({Role.OWNER_OPERATOR}))
OLD = UUID(int=771)
"""The year of which the emitter has allowances already."""
COMMAND = CarryOverAllowances(
    conversion_id=UUID(int=71),
    batch_id=UUID(int=72),
    compliance_id=YEAR,
    source_vintage=2024,
    tonnes=10_000,
)


@pytest.fixture
async def owner(opened: Opened) -> Transaction:
    """Allowances of 2024 were issued, and the year 2025 is open; an approver has approved."""
    tx = replace(
        await opened("issuance", KEEPER, datetime(2026, 4, 10, 2, tzinfo=UTC)), approved_by="ada"
    )
    before = msgspec.structs.replace(
        OPENING, compliance_id=OLD, emission_year=2024, adjustment_deduction_tonnes=0
    )
    paid = PreallocateAllowances(compliance_id=OLD, batch_id=UUID(int=772))
    for message in (*HEARD, PUBLISHING, before, paid, OPENING):
        await say(tx, message)
    return replace(tx, actor=OWNER, effective_at=AT)


def asking(**changes: Any) -> CarryOverAllowances:
    return msgspec.structs.replace(COMMAND, **changes)


def asked(tx: Transaction, at: datetime = AT) -> Transaction:
    """Before the second person has said anything."""
    return replace(tx, approved_by="", effective_at=at)


async def rows(tx: Transaction) -> list[Any]:
    """What is reserved, and what there is."""
    tables = "conversion", "credit_batch", "compliance_year"
    return [await tx.connection.fetch(f"SELECT * FROM {table}") for table in tables]


async def carried(tx: Transaction) -> int:
    """What the record of the compliance year says."""
    return await tx.connection.fetchval(
        "SELECT carried_over_tonnes FROM stated_compliance_year WHERE compliance_id = $1", YEAR
    )


async def refused(tx: Transaction, refusal: type[Refusal], **changes: Any) -> None:
    """The refusal comes and reserves nothing."""
    before = await rows(tx)
    with pytest.raises(refusal):
        await say(tx, asking(**changes))
    assert await rows(tx) == before


async def test_allowances_are_carried_over_once_the_earlier_ones_are_dead(
    owner: Transaction,
) -> None:
    [requested] = await say(owner, COMMAND)
    assert isinstance(requested, ConversionRequested)
    assert (requested.account, requested.source_project, requested.source_vintage) == (
        EMITTER,
        "CEA",
        2024,
    )
    assert (requested.target_project, requested.target_vintage) == ("CEA", 2025)
    assert (requested.source_tonnes, requested.target_tonnes) == (10_000, 10_000)
    assert (requested.requested_by, requested.approved_by) == (OWNER.subject, "ada")
    assert requested.carry_over == CARRY_OVER
    assert (await carried(owner), await broken(owner)) == (0, [])

    issued, completed, told = await say(owner, CANCELLED)

    assert isinstance(issued, CreditsIssued)
    assert (issued.batch_id, issued.conversion_id) == (COMMAND.batch_id, COMMAND.conversion_id)
    assert issued.serials == "CEA-CN-CEA-2025-001-1-10000"
    assert isinstance(completed, ConversionCompleted)
    assert told == AllowancesCarriedOver(
        compliance_id=YEAR,
        conversion_id=COMMAND.conversion_id,
        account=EMITTER,
        emission_year=2025,
        source_vintage=2024,
        tonnes=10_000,
    )
    assert (await carried(owner), await broken(owner)) == (10_000, [])
    assert await say(owner, CANCELLED) == []


async def test_what_settlement_refuses_is_not_carried_over_and_its_number_is_nobodys(
    owner: Transaction,
) -> None:
    await say(owner, COMMAND)
    [told] = await say(owner, REFUSED)
    assert isinstance(told, ConversionRefused)
    assert await carried(owner) == 0
    await say(replace(owner, actor=KEEPER), PREALLOCATING)
    again = asking(conversion_id=UUID(int=81), batch_id=UUID(int=82))
    await say(owner, again)
    cancelled = msgspec.structs.replace(CANCELLED, conversion_id=again.conversion_id)
    [issued, *_] = await say(owner, cancelled)
    assert isinstance(issued, CreditsIssued)
    assert (issued.batch_number, await carried(owner)) == (3, 10_000)
    numbers = "SELECT batch_number FROM credit_batch WHERE vintage = 2025 ORDER BY 1"
    assert [one[0] for one in await owner.connection.fetch(numbers)] == [2, 3]
    assert await broken(owner) == []


async def test_it_is_asked_for_until_the_last_day_and_approved_later(owner: Transaction) -> None:
    first, last = datetime(2026, 1, 1, tzinfo=BEIJING), datetime(2026, 6, 11, tzinfo=BEIJING)
    moment = timedelta(microseconds=1)
    for at in (first - moment, last):
        await refused(asked(owner, at), CarryOverNotOpen)
    for number, at in enumerate((first, last - moment)):
        ids = {"conversion_id": UUID(int=90 + number), "batch_id": UUID(int=92 + number)}
        await say(asked(owner, at), asking(**ids))
    await say(replace(owner, effective_at=last), COMMAND)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"compliance_id": UUID(int=799)}, Unknown),
        ({"compliance_id": OLD}, CarryOverNotPlanned),
        ({"source_vintage": 2023}, Unknown),
        ({"batch_id": UUID(int=772)}, AlreadyExists),
        ({"tonnes": 0}, OutOfRange),
    ],
)
async def test_what_is_not_in_order_reserves_nothing(
    owner: Transaction, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    await refused(owner, refusal, **changes)


async def test_vintages_are_those_of_the_plan_as_it_is_now(owner: Transaction) -> None:
    await say(replace(owner, actor=KEEPER), PREALLOCATING)
    await refused(owner, OutOfRange, source_vintage=2025)
    years = tuple(
        msgspec.structs.replace(one, carry_over=None) for one in PUBLISHING.terms.emission_years
    )
    await say(replace(owner, actor=KEEPER), published(emission_years=years))
    await refused(owner, CarryOverNotPlanned)


async def test_an_id_is_used_once(owner: Transaction) -> None:
    await say(owner, COMMAND)
    await refused(owner, AlreadyExists, batch_id=UUID(int=99))
    await refused(owner, AlreadyExists, conversion_id=UUID(int=99))


async def test_only_who_acts_for_the_entity_carries_over(owner: Transaction) -> None:
    stranger = replace(OWNER, organisation=UUID(int=9))
    for actor, refusal in ((KEEPER, RoleMissing), (stranger, OtherOrganisation)):
        await refused(replace(owner, actor=actor), refusal)
    appointed = OperatorAppointed(
        account_id=UUID(int=710), number=EMITTER, operator="somebody.else"
    )
    await say(owner, appointed)
    await refused(owner, NotOperator)


async def test_a_restricted_account_carries_nothing_over(owner: Transaction) -> None:
    restricted = AccountRestricted(
        account_id=UUID(int=710), number=EMITTER, ground="RULES_BROKEN", reason="x"
    )
    await say(owner, restricted)
    await refused(owner, AccountNotOpen)


@pytest.mark.parametrize(
    "change",
    [
        {"compliance_id": None},
        {"target_vintage": 2026},
        {"source_vintage": 2025},
        {"factor": "0.5", "target_tonnes": 5_000},
        {"account": "ACC-70000002"},
        {"target_project": "CEA-2"},
        {"source_project": "L1"},
    ],
    ids=lambda one: next(iter(one)),
)
async def test_the_database_itself_keeps_a_carry_over_within_its_year(
    owner: Transaction, change: dict[str, Any]
) -> None:
    await say(owner, COMMAND)
    connection = owner.connection
    names = await connection.fetchval(
        "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
        " WHERE table_schema = 'issuance' AND table_name = 'conversion' AND is_generated = 'NEVER'"
    )
    other = {"conversion_id": str(UUID(int=98)), "batch_id": str(UUID(int=99)), "batch_number": 2}
    copied = (
        f"INSERT INTO conversion ({names}) SELECT {names} FROM"
        " jsonb_populate_record(NULL::conversion, (SELECT to_jsonb(one) FROM conversion AS one) || $1)"
    )
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with connection.transaction():
            await connection.execute(copied, other | change)
    assert await broken(owner) == []
    await connection.execute(copied, other | {"source_vintage": 2018})
    assert await broken(owner) == ["carried_over_by_the_plan"]
