"""What the registry does with each command about programmes, methodologies and who holds roles in them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec.structs import asdict

from services.kernel import actors
from services.kernel.actors import Assignment, Role, require_role
from services.kernel.clocks import market_day
from services.kernel.refusals import AlreadyExists, Unknown
from services.registry import methodologies, people, programmes, store
from services.registry.messages.methodologies import (
    EndMethodology,
    MethodologyEnded,
    MethodologyPublished,
    PublishMethodology,
)
from services.registry.messages.programmes import (
    AmendProgramme,
    AssignRole,
    EndRole,
    ProgrammeAmended,
    ProgrammeRegistered,
    RegisterProgramme,
    RoleAssigned,
    RoleEnded,
)
from services.registry.methodologies import Methodology
from services.registry.programmes import Programme
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction


async def register_programme(tx: Transaction, command: RegisterProgramme) -> Sequence[Event]:
    """Enters a crediting programme with the first version of its rules."""
    require_role(tx.actor, Role.REGISTRAR)
    given = asdict(command)
    given["valid_from"] = command.valid_from or market_day(tx.effective_at)
    programme = Programme(**given)
    programmes.require_valid_programme(programme)
    if await store.get_programme(tx, programme.code) is not None:
        raise AlreadyExists("programme", programme.code)
    await store.insert_programme(tx, programme)
    return [ProgrammeRegistered(**given)]


async def amend_programme(tx: Transaction, command: AmendProgramme) -> Sequence[Event]:
    """Enters the next version of a programme's name and rules."""
    today = market_day(tx.effective_at)
    programme = await _lock_programme(tx, command.code)
    programmes.require_amendment(programme, command.name, command.rule_book, command.reason, today)
    amended = replace(
        programme,
        name=command.name,
        rule_book=command.rule_book,
        version=programme.version + 1,
        valid_from=today,
    )
    await store.insert_programme_version(tx, amended, command.reason)
    return [ProgrammeAmended(version=amended.version, valid_from=today, **asdict(command))]


async def assign_role(tx: Transaction, command: AssignRole) -> Sequence[Event]:
    """Gives a person a role in the programme."""
    people.require_assignable(command.role, command.person, command.reason)
    await _lock_programme(tx, command.programme)
    assignment = Assignment(command.role, command.person)
    people.require_new(assignment, await store.list_assignments(tx, command.programme))
    await store.insert_assignment(tx, command.programme, assignment, command.reason)
    return [RoleAssigned(**asdict(command))]


async def end_role(tx: Transaction, command: EndRole) -> Sequence[Event]:
    """Takes a role in the programme from a person."""
    people.require_assignable(command.role, command.person, command.reason)
    await _lock_programme(tx, command.programme)
    assignment = Assignment(command.role, command.person)
    people.require_held(assignment, await store.list_assignments(tx, command.programme))
    await store.end_assignment(tx, command.programme, assignment, command.reason)
    return [RoleEnded(**asdict(command))]


async def publish_methodology(tx: Transaction, command: PublishMethodology) -> Sequence[Event]:
    """Enters one version of a programme's methodology with its figures; a published version never changes."""
    await require_programme_role(tx, command.programme, Role.REGISTRAR)
    methodology = Methodology(**asdict(command))
    methodologies.require_valid(methodology)
    if await store.get_programme(tx, methodology.programme) is None:
        raise Unknown("programme", methodology.programme)
    if await store.get_methodology(tx, methodology.code) is not None:
        raise AlreadyExists("methodology", methodology.code)
    await store.insert_methodology(tx, methodology)
    return [MethodologyPublished(**asdict(command))]


async def end_methodology(tx: Transaction, command: EndMethodology) -> Sequence[Event]:
    """Sets a version's last day, once."""
    require_role(tx.actor, Role.REGISTRAR)
    methodology = await store.lock_methodology(tx, command.code)
    if methodology is None:
        raise Unknown("methodology", command.code)
    await require_programme_role(tx, methodology.programme, Role.REGISTRAR)
    methodologies.require_end(methodology, command.valid_until, command.reason)
    await store.end_methodology(tx, command.code, command.valid_until, command.reason)
    return [MethodologyEnded(**asdict(command))]


async def require_programme_role(tx: Transaction, programme: str, *allowed: Role) -> None:
    """Raises a refusal unless the actor holds one of these roles, in this programme where it has named who does."""
    assigned = await store.list_assignments(tx, programme)
    actors.require_programme_role(tx.actor, programme, assigned, *allowed)


async def _lock_programme(tx: Transaction, code: str) -> Programme:
    """The programme, for a registrar of it to change."""
    require_role(tx.actor, Role.REGISTRAR)
    programme = await store.lock_programme(tx, code)
    if programme is None:
        raise Unknown("programme", code)
    await require_programme_role(tx, code, Role.REGISTRAR)
    return programme


COMMANDS: Mapping[type[Command], Handler] = {
    RegisterProgramme: register_programme,
    AmendProgramme: amend_programme,
    AssignRole: assign_role,
    EndRole: end_role,
    PublishMethodology: publish_methodology,
    EndMethodology: end_methodology,
}
FOUR_EYES: Mapping[type[Command], Role] = {EndMethodology: Role.APPROVER}
