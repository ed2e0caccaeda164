"""What issuance reserves for a conversion, and what comes of it when settlement has decided on the source."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.issuance.conversions import ConversionNotOpen, NeverConverted
from services.issuance.handlers import SERVICE
from services.issuance.messages.batches import CreditsIssued, ImportOpeningBatch
from services.issuance.messages.conversions import (
    ConversionCompleted,
    ConversionRefused,
    ConversionRequested,
    RequestConversion,
    SetConversionTerms,
)
from services.kernel.actors import Actor, OtherOrganisation, Role, RoleMissing
from services.kernel.ids import new_id
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import AlreadyExists, NotYetKnown, Refusal, Unknown
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.registry.messages.registrations import ProjectCancelled, ProjectRegistered
from services.runtime import outbox
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement.messages import conversions as settlement
from services.settlement.messages.holdings import SerialRange
from services.tools.auditor import invariants
from tests.handlers.conftest import Opened

ORGANISATION, ACCOUNT = UUID(int=3), "ACC-00000002"
REGISTRAR = Actor("registrar-1", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
OWNER = Actor("owner-1", ORGANISATION, frozenset({Role.OWNER_OPERATOR}))
AT = datetime(2026, 1, 15, 2, tzinfo=UTC)
TODAY = date(2026, 1, 15)
TARGET = ProjectRegistered(
    project_id=UUID(int=1),
    code="P1",
    programme="PILOT",
    methodology="M",
    owner_account=ACCOUNT,
    country="CN",
    registered_on=date(2025, 4, 30),
    crediting_from=date(2022, 10, 1),
    crediting_until=date(2032, 9, 30),
    validation_body="ACC-00000008",
)
TERMS = SetConversionTerms(
    source_programme="LEGACY",
    target_programme="PILOT",
    factor=Decimal("0.5"),
    valid_from=TODAY,
    source="agreement",
)
COMMAND = RequestConversion(
    conversion_id=UUID(int=71),
    batch_id=UUID(int=72),
    account=ACCOUNT,
    source_project="L1",
    source_vintage=2015,
    source_tonnes=101,
    target_project="P1",
    target_vintage=2015,
)
CANCELLED = settlement.ConversionSourceCancelled(
    conversion_id=COMMAND.conversion_id,
    account=ACCOUNT,
    project="L1",
    vintage=2015,
    tonnes=101,
    certificate_number="CAN-2026-00000001",
    ranges=[
        SerialRange(
            batch_id=UUID(int=51), first_serial=1, last_serial=101, serials="LEGACY-CN-L1-1-101"
        )
    ],
)
REFUSED = settlement.ConversionRefused(
    conversion_id=COMMAND.conversion_id,
    code="NOT_ENOUGH_CREDITS",
    message="Fewer.",
    fields={"available": "100"},
)


def opening(batch: int, project: str = "L1", programme: str = "LEGACY") -> ImportOpeningBatch:
    return ImportOpeningBatch(
        batch_id=UUID(int=batch),
        programme=programme,
        project=project,
        vintage=2015,
        tonnes=1_000,
        holder_account=ACCOUNT,
        source="the old registry",
    )


async def say(tx: Transaction, message: Command | Event) -> list[Event]:
    """What the message lets issuance say, told in the history; a refusal leaves nothing behind."""
    handlers: dict[type[Command | Event], Handler] = {**SERVICE.commands, **SERVICE.events}
    async with tx.connection.transaction():
        events = await handlers[type(message)](tx, message)
        await outbox.append(replace(tx, message_id=str(new_id())), events)
    return list(events)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    """Three programmes, a project of one and credits of another; the terms between them are approved."""
    tx = replace(await opened("issuance", REGISTRAR, AT), approved_by="approver-1")
    kinds = {"LEGACY": "NATIONAL_LEGACY", "PILOT": "PILOT_ASSOCIATION", "ETS": "NATIONAL"}
    for code, kind in kinds.items():
        is_ets_eligible = kind == "NATIONAL"
        programme = ProgrammeRegistered(
            code=code, name=code, country="CN", kind=kind, is_ets_eligible=is_ets_eligible
        )
        await say(tx, programme)
    account = AccountOpened(
        account_id=UUID(int=2), number=ACCOUNT, organisation_id=ORGANISATION, kind="TRADER"
    )
    for message in (account, TARGET, opening(51), TERMS):
        await say(tx, message)
    return tx


@pytest.fixture
def owner(tx: Transaction) -> Transaction:
    """The owner asks, and an approver has approved."""
    return replace(tx, actor=OWNER)


def asking(**changes: object) -> RequestConversion:
    return msgspec.structs.replace(COMMAND, **changes)


async def batches(tx: Transaction) -> list[int]:
    """The numbers of the batches of the target that exist."""
    found = await tx.connection.fetch(
        "SELECT batch_number FROM credit_batch WHERE project = 'P1' ORDER BY 1"
    )
    return [row["batch_number"] for row in found]


async def broken(tx: Transaction) -> list[str]:
    """The invariants that do not hold."""
    return [name for name, sql in invariants("issuance").items() if await tx.connection.fetch(sql)]


async def test_rule_25_the_target_lives_once_the_source_is_dead(owner: Transaction) -> None:
    (requested,) = await say(owner, COMMAND)
    assert isinstance(requested, ConversionRequested)
    assert (requested.target_tonnes, requested.factor) == (50, Decimal("0.5"))
    assert (requested.requested_by, requested.approved_by) == ("owner-1", "approver-1")
    assert (await batches(owner), await broken(owner)) == ([], [])

    issued, completed = await say(owner, CANCELLED)

    assert isinstance(issued, CreditsIssued)
    assert (issued.conversion_id, issued.tonnes) == (COMMAND.conversion_id, 50)
    assert (issued.batch_id, issued.holder_account) == (COMMAND.batch_id, ACCOUNT)
    assert issued.serials == "PILOT-CN-P1-2015-001-1-50"
    assert not issued.is_opening
    assert completed == ConversionCompleted(
        conversion_id=COMMAND.conversion_id,
        batch_id=COMMAND.batch_id,
        certificate_number="CAN-2026-00000001",
    )
    assert (await batches(owner), await broken(owner)) == ([1], [])


async def test_what_settlement_says_twice_happens_once(owner: Transaction) -> None:
    await say(owner, COMMAND)
    await say(owner, CANCELLED)
    assert await say(owner, CANCELLED) == []
    with pytest.raises(StepNotAllowed):
        await say(owner, REFUSED)
    assert (await batches(owner), await broken(owner)) == ([1], [])


async def test_a_source_that_lives_on_leaves_no_target_and_its_number_to_nobody(
    owner: Transaction,
) -> None:
    await say(owner, COMMAND)
    assert await say(owner, REFUSED) == [
        ConversionRefused(
            conversion_id=COMMAND.conversion_id,
            code="NOT_ENOUGH_CREDITS",
            message="Fewer.",
            fields={"available": "100"},
        )
    ]
    assert await say(owner, REFUSED) == []
    with pytest.raises(StepNotAllowed):
        await say(owner, CANCELLED)
    assert await batches(owner) == []

    again = asking(conversion_id=UUID(int=81), batch_id=UUID(int=82))
    await say(owner, again)
    await say(owner, msgspec.structs.replace(CANCELLED, conversion_id=again.conversion_id))
    assert (await batches(owner), await broken(owner)) == ([2], [])


async def test_a_target_lives_whatever_has_happened_since(owner: Transaction) -> None:
    await say(owner, COMMAND)
    cancelled = ProjectCancelled(
        code="P1",
        programme="PILOT",
        owner_account=ACCOUNT,
        cancelled_on=TODAY,
        ground="OWNER_REQUEST",
        reason="asked",
    )
    await say(owner, cancelled)
    await say(owner, CANCELLED)
    assert await batches(owner) == [1]


async def test_a_decision_on_a_conversion_not_heard_of_waits(owner: Transaction) -> None:
    for event in (CANCELLED, REFUSED):
        with pytest.raises(NotYetKnown):
            await say(owner, event)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"source_project": "NOTHING"}, Unknown),
        ({"source_vintage": 2016, "target_vintage": 2016}, Unknown),
        ({"target_project": "NOTHING"}, NotYetKnown),
        ({"account": "ACC-00000009"}, NotYetKnown),
        ({"batch_id": UUID(int=51)}, AlreadyExists),
    ],
)
async def test_what_is_refused_reserves_nothing(
    owner: Transaction, changes: dict[str, object], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await say(owner, asking(**changes))
    assert await owner.connection.fetchval("SELECT count(*) FROM conversion") == 0


async def test_an_id_is_used_once_for_a_conversion_and_for_a_batch(owner: Transaction) -> None:
    await say(owner, COMMAND)
    for changed in (asking(batch_id=UUID(int=99)), asking(conversion_id=UUID(int=99))):
        with pytest.raises(AlreadyExists):
            await say(owner, changed)
    with pytest.raises(AlreadyExists):
        await say(replace(owner, actor=REGISTRAR), opening(72))


async def test_only_the_owner_converts(owner: Transaction) -> None:
    stranger = replace(OWNER, organisation=UUID(int=9))
    for actor, refusal in ((REGISTRAR, RoleMissing), (stranger, OtherOrganisation)):
        with pytest.raises(refusal):
            await say(replace(owner, actor=actor), COMMAND)


async def test_terms_are_a_registrars_and_end(tx: Transaction, owner: Transaction) -> None:
    with pytest.raises(RoleMissing):
        await say(owner, TERMS)
    closing = msgspec.structs.replace(TERMS, factor=None, valid_from=date(2026, 1, 16))
    await say(tx, closing)
    await say(owner, COMMAND)
    another = asking(conversion_id=UUID(int=81), batch_id=UUID(int=82))
    tomorrow = replace(owner, effective_at=datetime(2026, 1, 15, 16, tzinfo=UTC))
    with pytest.raises(ConversionNotOpen):
        await say(tomorrow, another)


async def test_rule_25_nothing_is_converted_into_a_programme_of_the_national_ets(
    tx: Transaction, owner: Transaction
) -> None:
    with pytest.raises(NeverConverted):
        await say(tx, msgspec.structs.replace(TERMS, target_programme="ETS"))
    await say(tx, msgspec.structs.replace(TARGET, code="E1", programme="ETS"))
    with pytest.raises(NeverConverted):
        await say(owner, asking(target_project="E1"))


@pytest.mark.parametrize(
    "change",
    [
        "target_tonnes = target_tonnes + 1",
        "factor = 2",
        "state = 'ISSUED'",
        "source_tonnes = source_tonnes + 2",
    ],
)
async def test_the_database_keeps_a_conversion_as_it_was_approved(
    tx: Transaction, owner: Transaction, change: str
) -> None:
    await say(owner, COMMAND)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
        await tx.connection.execute(f"UPDATE conversion SET {change}")
