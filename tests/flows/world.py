"""A world in which one command can break any rule: parties, projects and reports on every step of their life."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from services.issuance.messages.quantification import PublishGridFactor
from services.issuance.messages.reports import SubmitReport
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import (
    ApplyForAccount,
    AppointOperator,
    OpenAccount,
    RestrictAccount,
)
from services.registry.messages.approvals import ApproveCommand as ApproveAtRegistry
from services.registry.messages.methodologies import PublishMethodology
from services.registry.messages.notices import CommentOnProject
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import AssignRole, RegisterProgramme
from services.registry.messages.projects import DraftProject
from services.registry.messages.registrations import RevokeProject
from tests.flows import acts, emitters, floor, freezing, monitored, national
from tests.flows.acts import Acts
from tests.flows.emitters import Emitters
from tests.flows.freezing import Stopped
from tests.flows.national import Owing
from tests.flows.stillness import until_quiet
from tests.market import NATIONAL, PILOT, Market, Party, Seller
from tests.register import HISTORIAN, RECORDER, credit_code
from tests.wire import APPROVER

DRAFTED, NOTICED, VALIDATED, APPLIED = 1, 2, 3, 4
"""How many steps of its life a project has taken."""
LATER = "LATER"
"""A grid whose first factors are those of a later year."""
CITIZEN = Actor("a.citizen", None, frozenset({"historian"}))


@dataclass
class World:
    """What the commands that are refused name."""

    market: Market
    owner: Party
    body: Party
    """Who validates."""
    verifier: Party
    """Who verifies."""
    other_verifier: Party
    trader: Party
    seller: Seller
    pilot_seller: Seller
    acts: Acts
    emitters: Emitters
    stopped: Stopped
    owing: Owing
    bare: str = ""
    """An account without an operator."""
    restricted: str = ""
    full: str = ""
    """An account with five operators."""
    stranger: Party | None = None
    applicant: Actor = field(default_factory=lambda: Actor("", None))
    applied_account: UUID = field(default_factory=new_id)
    pending: UUID = field(default_factory=new_id)
    decided: UUID = field(default_factory=new_id)
    used_id: UUID = field(default_factory=new_id)
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Codes of programmes, methodologies and projects, by what they are here."""
    reports: dict[str, SubmitReport] = field(default_factory=dict[str, SubmitReport])
    """Reports, by the step that they have taken."""
    reduction: UUID = field(default_factory=new_id)
    """Registered today, and not issued."""

    @property
    def organisation(self) -> UUID:
        """An organisation that has no account."""
        return self._organisation

    _organisation: UUID = field(default_factory=new_id)

    def draft(self, **changes: Any) -> DraftProject:
        """A project that is in order but for the changes."""
        draft = self.market.draft(self.market.unique("P"), self.owner)
        return msgspec.structs.replace(draft, **changes)


async def built(market: Market) -> World:
    """The world, once everything in it has reached everybody."""
    assert market.validation_body is not None
    world = World(
        market=market,
        owner=await market.party(),
        body=market.validation_body,
        verifier=await market.party("VERIFIER"),
        other_verifier=await market.party("VERIFIER"),
        trader=await market.party("TRADER"),
        seller=await market.owner_with_credits(100, at_venue=0),
        pilot_seller=await market.owner_with_credits(100, "HZ-PILOT", at_venue=0),
        acts=await acts.built(market),
        stopped=await freezing.stopped(market),
        owing=await national.built(market),
        emitters=await emitters.built(market),
    )
    await monitored.publish(market, monitored.METHODOLOGY, monitored.MANGROVE)
    factor = monitored.demo("grid_factors.toml")["grid_factors"][0]
    later = factor | {"region": LATER, "year": 2150}
    await monitored.publish_factor(market, msgspec.convert(later, PublishGridFactor))
    await _rule_books(world)
    await _accounts(world)
    await _projects(world)
    await _reports(world)
    await until_quiet(market)
    return world


async def _rule_books(world: World) -> None:
    """A legacy programme, one that has named its registrar, and methodologies of every sort."""
    market = world.market
    for name, kind in (("legacy", "NATIONAL_LEGACY"), ("named", "NATIONAL")):
        code = world.names[name] = market.unique("PR")
        programme = RegisterProgramme(
            code=code, name=name, country="CN", kind=kind, is_ets_eligible=False
        )
        await market.send(programme, command_id=world.used_id if name == "named" else None)
    await floor.convertible(market, floor.conversion_terms(world.names["legacy"], PILOT))
    named = world.names["named"]
    role = AssignRole(programme=named, role="registrar", person="somebody.else", reason="hired")
    await market.accepted(role)
    plain: dict[str, Any] = {"programme": NATIONAL, "name": "M", "crediting_years_max": 40}
    early = date(2020, 1, 1)
    for name, changes in {
        "ended": {"valid_until": date(2021, 1, 1)},
        "long": {"crediting_years_min": 30},
        "of legacy": {"programme": world.names["legacy"]},
        "of allowances": {"programme": world.emitters.programme},
    }.items():
        code = world.names[name] = market.unique("M")
        content = plain | {"code": code, "valid_from": early} | changes
        await market.accepted(msgspec.convert(content, PublishMethodology))
    wind = monitored.methodology(monitored.METHODOLOGY)
    needed = tuple(one for one in wind.parameters if not one.name.startswith("MPE["))
    no_classes = msgspec.structs.replace(wind, code=market.unique("M"), parameters=needed)
    other_units = msgspec.structs.replace(
        wind,
        code=market.unique("M"),
        parameters=tuple(
            one if one in needed else msgspec.structs.replace(one, unit="kg")
            for one in wind.parameters
        ),
    )
    unreadable = msgspec.structs.replace(wind, code=market.unique("M"), formula_id="wind-99")
    recycling = monitored.methodology("WEEE-PILOT-DEMO", code=market.unique("M"), programme=PILOT)
    for name, made in (
        ("no classes", no_classes),
        ("unreadable", unreadable),
        ("other units", other_units),
        ("recycling", recycling),
    ):
        world.names[name] = made.code
        await market.accepted(made)


async def _accounts(world: World) -> None:
    """Accounts that cannot be used or have no room, an application that waits, and approvals."""
    market = world.market
    world.bare = await _account(market)
    world.restricted = (await market.party()).account
    restricting = RestrictAccount(account=world.restricted, ground="RULES_BROKEN", reason="late")
    await market.accepted(restricting)
    world.full = (await market.party()).account
    for number in range(4):
        operator = AppointOperator(account=world.full, operator=f"op.{number}", name="N")
        await market.accepted(operator)
    staff = AppointOperator(account=world.verifier.account, operator="staff", name="N")
    await market.accepted(staff)
    person = world.verifier.actor.subject
    also = AppointOperator(account=world.verifier.account, operator=person, name="N")
    await market.accepted(also)
    await market.accepted(_organisation(market, world.organisation))
    applying = await _applicant(world)
    await market.accepted(applying, world.applicant)
    world.stranger = await market.party()


async def _account(market: Market) -> str:
    organisation_id, account_id = new_id(), new_id()
    await market.accepted(_organisation(market, organisation_id))
    opening = OpenAccount(account_id=account_id, organisation_id=organisation_id, kind="OWNER")
    await market.accepted(opening)
    return await market.database.fetchval(
        "SELECT number FROM registry.account WHERE account_id = $1", account_id
    )


def _organisation(market: Market, organisation_id: UUID) -> RegisterOrganisation:
    return RegisterOrganisation(
        organisation_id=organisation_id, name=market.unique("Org"), credit_code=credit_code()
    )


async def _applicant(world: World) -> ApplyForAccount:
    organisation_id = new_id()
    await world.market.accepted(_organisation(world.market, organisation_id))
    roles = frozenset({"owner-operator"})
    world.applicant = Actor("an.applicant", organisation_id, roles)
    return ApplyForAccount(
        account_id=world.applied_account, organisation_id=organisation_id, kind="OWNER"
    )


async def _projects(world: World) -> None:
    """Projects on every step, two that may be one, and an owner who falsified."""
    market = world.market
    falsifier = await market.party()
    revoked = await market.project(falsifier)
    asked = await market.accepted(RevokeProject(code=revoked, reason="falsified"))
    assert asked.approval_id is not None
    await market.accepted(ApproveAtRegistry(approval_id=asked.approval_id), APPROVER)
    world.names["revoked"], world.decided = revoked, asked.approval_id
    waiting = RevokeProject(code=await market.project(world.owner), reason="falsified")
    answer = await market.accepted(waiting)
    assert answer.approval_id is not None
    world.pending = answer.approval_id

    barred = msgspec.structs.replace(world.draft(), owner_account=falsifier.account)
    ended = world.draft(methodology=world.names["ended"])
    for name, draft, steps in (
        ("draft", world.draft(), DRAFTED),
        ("ended draft", ended, DRAFTED),
        ("commented", world.draft(), NOTICED),
        ("validated", world.draft(), VALIDATED),
        ("barred", barred, VALIDATED),
    ):
        await _lived(world, name, draft, steps)
    comment = CommentOnProject(comment_id=new_id(), code=world.names["commented"], text="Why?")
    await market.past(90, comment, CITIZEN)
    fresh = world.draft()
    world.names["noticed"] = fresh.code
    for _, command, _ in market.life(fresh)[:NOTICED]:
        await market.accepted(command, RECORDER)

    place: dict[str, Any] = {"name": market.unique("Twin"), "longitude": Decimal(80)}
    await _lived(world, "twin", world.draft(**place), APPLIED)
    twin = world.draft(**place, programme=PILOT, methodology=f"{PILOT}-M")
    await _lived(world, "other twin", twin, NOTICED)


async def _lived(world: World, name: str, draft: DraftProject, steps: int) -> None:
    """The project after its first steps, under this name."""
    world.names[name] = draft.code
    for days, command, actor in world.market.life(draft)[:steps]:
        await world.market.past(days, command, actor)


async def _reports(world: World) -> None:
    """Attested reports of one project, each on another step; and a registered reduction."""
    market = world.market
    project = await market.project(world.owner, days_ago=monitored.REGISTERED)
    world.names["registered"] = project
    await market.until("SELECT EXISTS (SELECT FROM issuance.project WHERE code = $1)", project)
    for name, period in (("draft", 1), ("verified", 2), ("ended", 3), ("noticed", 4), ("old", 0)):
        report = world.reports[name] = monitored.attested(project, period)
        days = 0 if name == "noticed" else monitored.NOTICED
        await market.past(days, report)
        if name == "draft":
            continue
        await market.past(days, monitored.noticed(report, world.verifier))
        if name in ("verified", "old"):
            verified = monitored.verified(report, world.verifier, 100)
            years = report.tonnes
            verified = msgspec.structs.replace(verified, tonnes=years)
            await market.past(monitored.VERIFIED, verified, world.verifier.actor)
    await market.accepted(monitored.reduction(world.reduction, project, 6), HISTORIAN)
    await _twice_counted(world)


async def _twice_counted(world: World) -> None:
    """Two reports of the same devices: one is published."""
    market = world.market
    content = monitored.demo("activity", "electronics_recycling.toml")["activity"]
    content["plant"] = await market.database.fetchval(
        "SELECT credit_code FROM registry.organisation WHERE organisation_id = $1",
        world.owner.organisation_id,
    )
    activity = msgspec.json.encode(content).decode()
    methodology = world.names["recycling"]
    for name in ("counted", "counted again"):
        project = await market.project(
            world.owner, PILOT, days_ago=monitored.REGISTERED, methodology=methodology,
            longitude=Decimal(100 if name == "counted" else 90),
        )  # fmt: skip
        report = world.reports[name] = monitored.quantified(
            project,
            activity=activity,
            period_start=date(2023, 1, 1),
            period_end=date(2023, 12, 31),
        )
        await market.past(monitored.NOTICED, report)
    await market.past(
        monitored.NOTICED, monitored.noticed(world.reports["counted"], world.verifier)
    )
