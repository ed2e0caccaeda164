"""What issuance's handlers do in the national ETS, in a real database and with the service's own rights."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.issuance import handlers
from services.issuance.allocation import AllocationTrace, allocate
from services.issuance.allocation_plans import BenchmarkMissing, NotAllowances
from services.issuance.compliance import AccountNotEmitter, OverpaidNotDeducted
from services.issuance.messages.batches import CreditsIssued, ImportOpeningBatch
from services.issuance.messages.compliance import (
    AllocateAllowances,
    AllocationPlanPublished,
    AllowancesAllocated,
    AllowancesPreallocated,
    ComplianceYearOpened,
    DeductionRefunded,
    ObligationSet,
    OpenComplianceYear,
    PreallocateAllowances,
    RefundDeduction,
    UnitEmissions,
    VerifyEmissions,
)
from services.kernel.actors import Actor, NotAssigned, Role, RoleMissing
from services.kernel.clocks import BEIJING
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import (
    AccountNotOpen,
    AlreadyExists,
    NotYetKnown,
    Refusal,
    Unknown,
)
from services.registry.messages.accounts import AccountClosed, AccountOpened
from services.registry.messages.organisations import OrganisationRegistered
from services.registry.messages.programmes import ProgrammeRegistered, RoleAssigned
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from tests.emitting import PLAN, coal, published, smelter
from tests.handlers.conftest import Opened
from tests.reporting import PROJECTS, broken, learn, say

KEEPER = Actor("rita.registrar", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))
AT = datetime(2026, 4, 10, 2, tzinfo=UTC)
EMITTER, OTHER = "ACC-70000001", "ACC-70000002"
ORGANISATION = UUID(int=700)
YEAR, CODE = UUID(int=701), PLAN.terms.plan
HEARD: list[Event] = [
    *(
        ProgrammeRegistered(
            code=code, name=code, country="CN", kind=kind, is_ets_eligible=kind == "NATIONAL"
        )
        for code, kind in (("CEA", "ALLOWANCE"), ("CCER-70", "NATIONAL"))
    ),
    OrganisationRegistered(
        organisation_id=ORGANISATION, name="电厂", credit_code="91000000069823582C", country="CN"
    ),
    *(
        AccountOpened(
            account_id=UUID(int=n), number=number, organisation_id=ORGANISATION, kind=kind
        )
        for n, (number, kind) in enumerate(((EMITTER, "EMITTER"), (OTHER, "OWNER")), start=710)
    ),
]
PUBLISHING = published()
OPENING = OpenComplianceYear(
    compliance_id=YEAR,
    account=EMITTER,
    emission_year=2025,
    sector="POWER",
    plan=CODE,
    last_verified_tonnes=1_000_001,
    adjustment_deduction_tonnes=1_000,
    province="浙江省",
)
PREALLOCATING = PreallocateAllowances(compliance_id=YEAR, batch_id=UUID(int=721))
ALLOCATING = AllocateAllowances(compliance_id=YEAR, batch_id=UUID(int=722))
REFUNDING = RefundDeduction(
    compliance_id=YEAR, batch_id=UUID(int=723), tonnes=400, reason="the decision was lifted"
)


def verifying(*units: UnitEmissions, reason: str = "") -> VerifyEmissions:
    """The statement that these units emitted what they say."""
    return VerifyEmissions(compliance_id=YEAR, units=units or (coal(),), reason=reason)


@pytest.fixture
async def tx(opened: Opened) -> Transaction:
    tx = await opened("issuance", KEEPER, AT)
    assert not await learn(tx, *HEARD)
    return tx


@pytest.fixture
async def year(tx: Transaction) -> Transaction:
    """A plan is published, and an emitter's year opened."""
    await say(tx, PUBLISHING)
    await say(tx, OPENING)
    return tx


async def refused(tx: Transaction, command: Command, refusal: type[Refusal]) -> None:
    """The refusal comes and changes nothing."""
    before = await stored(tx)
    with pytest.raises(refusal):
        await say(tx, command)
    assert await stored(tx) == before


async def stored(tx: Transaction) -> list[Any]:
    """Everything that is on record of the national ETS."""
    tables = "allocation_plan", "compliance_year", "compliance_unit", "credit_batch"
    return [await tx.connection.fetch(f"SELECT * FROM {table}") for table in tables]


async def test_an_emitter_is_allocated_its_allowances_and_owes_its_emissions(
    tx: Transaction,
) -> None:
    assert await say(tx, PUBLISHING) == [AllocationPlanPublished(version=1, terms=PUBLISHING.terms)]
    [told] = await say(tx, OPENING)
    assert told == ComplianceYearOpened(**msgspec.structs.asdict(OPENING))
    assert told.subject == f"compliance/{YEAR}"

    assert await say(tx, PREALLOCATING) == [
        AllowancesPreallocated(
            compliance_id=YEAR,
            account=EMITTER,
            emission_year=2025,
            tonnes=500_000,
            paid_tonnes=499_000,
        ),
        CreditsIssued(
            batch_id=UUID(int=721),
            programme="CEA",
            country="CN",
            project="CEA",
            vintage=2025,
            batch_number=1,
            first_serial=1,
            last_serial=499_000,
            tonnes=499_000,
            holder_account=EMITTER,
            serials="CEA-CN-CEA-2025-001-1-499000",
            is_opening=False,
        ),
    ]
    assert await say(tx, verifying(coal(verified_tonnes=858_913))) == [
        ObligationSet(
            compliance_id=YEAR,
            account=EMITTER,
            organisation_id=ORGANISATION,
            emission_year=2025,
            due=858_913,
            offset_max=42_945,
            deadline=datetime(2027, 1, 1, tzinfo=BEIJING),
            allowance_vintages=(2025, 2026),
            credits_registered_after=date(2024, 1, 22),
            plan=CODE,
            is_draft=True,
            version=1,
            programme="CEA",
        )
    ]
    allocated, issued = await say(tx, ALLOCATING)
    assert isinstance(allocated, AllowancesAllocated)
    assert (allocated.tonnes, allocated.true_up_tonnes) == (790_200, 290_200)
    assert (allocated.paid_tonnes, allocated.overpaid_tonnes) == (290_200, 0)
    assert isinstance(issued, CreditsIssued)
    assert (issued.batch_number, issued.tonnes, issued.registered_on) == (2, 290_200, None)
    refund, given_back = await say(tx, REFUNDING)
    assert isinstance(refund, DeductionRefunded)
    assert isinstance(given_back, CreditsIssued)
    assert (refund.tonnes, refund.paid_tonnes, given_back.tonnes) == (400, 400, 400)
    assert not await broken(tx)


async def test_the_trace_of_an_allocation_computes_it_again(year: Transaction) -> None:
    units = coal(load_factor=Decimal("0.75"), correction=Decimal("1.012345")), smelter()
    await say(year, verifying(*units))
    [told, _] = await say(year, ALLOCATING)
    assert isinstance(told, AllowancesAllocated)
    found = await year.connection.fetchrow("SELECT trace, trace_sha256 FROM compliance_year")
    assert found is not None
    assert found["trace_sha256"] == told.trace_sha256
    trace = msgspec.json.decode(found["trace"], type=AllocationTrace)
    assert allocate(PLAN, trace.emission_year, trace.units).trace == trace
    assert trace.units == units
    assert '"output":"1000000"' in found["trace"]


async def test_a_late_change_sets_the_obligation_again_and_pays_the_difference(
    year: Transaction,
) -> None:
    await say(year, verifying(smelter(verified_tonnes=2_000)))
    await say(year, ALLOCATING)
    [again] = await say(
        year, verifying(smelter(verified_tonnes=2_100), reason="a meter was read again")
    )
    assert isinstance(again, ObligationSet)
    assert (again.due, again.version) == (2_100, 2)
    _, issued = await say(year, msgspec.structs.replace(ALLOCATING, batch_id=UUID(int=730)))
    assert isinstance(issued, CreditsIssued)
    assert issued.tonnes == 100
    assert not await broken(year)


async def test_what_was_overpaid_is_kept_back_the_next_year(year: Transaction) -> None:
    await say(year, PREALLOCATING)
    await say(year, verifying(smelter(verified_tonnes=300_000)))
    [told] = await say(year, ALLOCATING)
    assert isinstance(told, AllowancesAllocated)
    assert (told.paid_tonnes, told.true_up_tonnes, told.overpaid_tonnes) == (0, -200_000, 200_000)
    following = msgspec.structs.replace(
        OPENING,
        compliance_id=UUID(int=740),
        emission_year=2026,
        adjustment_deduction_tonnes=198_999,
    )
    await refused(year, following, OverpaidNotDeducted)
    enough = msgspec.structs.replace(following, adjustment_deduction_tonnes=199_000)
    await say(year, enough)
    assert not await broken(year)


async def test_a_plan_has_versions_of_which_the_newest_counts(year: Transaction) -> None:
    final = published(is_draft=False, offset_cap_ppm=60_000)
    [told] = await say(year, final)
    assert isinstance(told, AllocationPlanPublished)
    assert told.version == 2
    [obligation] = await say(year, verifying())
    assert isinstance(obligation, ObligationSet)
    assert (obligation.is_draft, obligation.offset_max) == (False, 48_000)
    await refused(year, published(programme="CCER-70"), NotAllowances)
    await refused(year, published(programme="NOWHERE"), NotYetKnown)
    other = ProgrammeRegistered(
        code="CEA-70", name="CEA-70", country="CN", kind="ALLOWANCE", is_ets_eligible=False
    )
    await learn(year, other)
    await refused(year, published(programme="CEA-70"), AlreadyExists)


async def test_allowances_share_no_name_with_a_project(tx: Transaction) -> None:
    await learn(tx, msgspec.structs.replace(PROJECTS[0], code="CEA-71"))
    programme = ProgrammeRegistered(
        code="CEA-71", name="CEA-71", country="CN", kind="ALLOWANCE", is_ets_eligible=False
    )
    await learn(tx, programme)
    await refused(tx, published(plan="PLAN-71", programme="CEA-71"), AlreadyExists)
    opening = ImportOpeningBatch(
        batch_id=UUID(int=750),
        programme="CCER-70",
        project="CEA",
        vintage=2025,
        tonnes=1,
        holder_account=OTHER,
        source="x",
    )
    await refused(tx, opening, AlreadyExists)


async def test_an_account_has_each_emission_year_once(year: Transaction) -> None:
    await refused(year, OPENING, AlreadyExists)
    again = msgspec.structs.replace(OPENING, compliance_id=UUID(int=760))
    await refused(year, again, AlreadyExists)
    await say(year, msgspec.structs.replace(again, emission_year=2026))


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (msgspec.structs.replace(OPENING, account="ACC-79999999"), NotYetKnown),
        (msgspec.structs.replace(OPENING, account=OTHER), AccountNotEmitter),
        (msgspec.structs.replace(OPENING, plan="NONE"), Unknown),
        (msgspec.structs.replace(PREALLOCATING, compliance_id=UUID(int=799)), Unknown),
        (ALLOCATING, StepNotAllowed),
        (REFUNDING, StepNotAllowed),
        (verifying(coal(unit_type="WIND")), BenchmarkMissing),
    ],
)
async def test_what_is_not_in_order_is_refused(
    year: Transaction, command: Command, refusal: type[Refusal]
) -> None:
    await refused(year, command, refusal)


async def test_a_batch_id_is_used_once(year: Transaction) -> None:
    await say(year, PREALLOCATING)
    await say(year, verifying())
    again = msgspec.structs.replace(ALLOCATING, batch_id=PREALLOCATING.batch_id)
    await refused(year, again, AlreadyExists)


async def test_nothing_is_issued_to_a_closed_account(year: Transaction) -> None:
    closed = AccountClosed(
        account_id=UUID(int=710), number=EMITTER, ground="MERGER", reason="merged", approved_by="x"
    )
    await learn(year, closed)
    await refused(year, PREALLOCATING, AccountNotOpen)
    following = msgspec.structs.replace(OPENING, compliance_id=UUID(int=761), emission_year=2026)
    await refused(year, following, AccountNotOpen)
    await say(year, verifying())


COMMANDS = [PUBLISHING, OPENING, PREALLOCATING, verifying(), ALLOCATING, REFUNDING]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: type(one).__name__)
async def test_only_registrars_and_authorities_allocate(tx: Transaction, command: Command) -> None:
    for role in set(Role) - {Role.REGISTRAR, Role.AUTHORITY}:
        actor = Actor("x", None, frozenset({role}))
        await refused(replace(tx, actor=actor), command, RoleMissing)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: type(one).__name__)
async def test_a_programme_names_who_allocates_in_it(year: Transaction, command: Command) -> None:
    named = RoleAssigned(programme="CEA", role="registrar", person="somebody.else", reason="x")
    await learn(year, named)
    await refused(year, command, NotAssigned)
    authority = Actor("aldo.authority", None, frozenset({Role.AUTHORITY}))
    if not isinstance(command, (OpenComplianceYear, AllocateAllowances, RefundDeduction)):
        await say(replace(year, actor=authority), command)


def test_whatever_issues_or_binds_is_approved_by_a_second_person() -> None:
    approved = {kind for kind in handlers.SERVICE.four_eyes if "compliance" in kind.__module__}
    asked = {type(command) for command in COMMANDS}
    assert approved == asked - {OpenComplianceYear}


SPOILED = {
    "UPDATE compliance_year SET paid = paid - 1": {
        "allowances_issued_as_paid",
        "allowances_paid_as_entitled",
    },
    "UPDATE compliance_year SET due = due + 1": {"due_as_verified", "obligation_told_as_set"},
    "UPDATE compliance_year SET final = final - 1": {"due_as_verified"},
    "UPDATE compliance_unit SET initial = initial + 1": {"due_as_verified"},
}


@pytest.mark.parametrize("statement", SPOILED)
async def test_invariants_notice(tx: Transaction, statement: str) -> None:
    for command in COMMANDS[:-1]:
        await say(tx, command)
    assert not await broken(tx)
    await tx.connection.execute(statement)
    assert await broken(tx) == SPOILED[statement]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE allocation_plan SET terms = terms",
        "UPDATE compliance_year SET account = account",
        "UPDATE compliance_year SET deducted = deducted",
        "UPDATE compliance_unit SET verified = verified",
        "DELETE FROM compliance_year",
    ],
)
async def test_the_service_cannot_rewrite_what_binds(tx: Transaction, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.connection.execute(statement)
