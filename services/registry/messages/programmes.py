"""What is said of programmes: their rules, and who has a role in them."""

from datetime import date

from services.runtime.messages import Command, Event


class RegisterProgramme(Command, frozen=True, kw_only=True, tag="registry.register_programme"):
    """Enters a crediting programme, such as CCER, with the first version of its rules."""

    code: str
    name: str
    country: str
    kind: str
    """NATIONAL, NATIONAL_LEGACY, PILOT_ASSOCIATION or ALLOWANCE: what its credits may be used for follows from it."""
    is_ets_eligible: bool
    """Whether credits may ever be offset in the national ETS; further conditions are the rule book's."""
    rule_book: str = ""
    """By which published rules it goes: title, number and edition."""
    valid_from: date | None = None
    """The first day on which these rules are in force; without one, the day on which they are entered."""


class ProgrammeRegistered(Event, frozen=True, kw_only=True, tag="registry.programme.registered"):
    """A crediting programme is known."""

    code: str
    name: str
    country: str
    kind: str
    is_ets_eligible: bool
    rule_book: str = ""
    valid_from: date | None = None

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"


class AmendProgramme(Command, frozen=True, kw_only=True, tag="registry.amend_programme"):
    """Enters the next version of a programme's name and rules, in force from the day on which it is entered."""

    code: str
    name: str
    rule_book: str
    reason: str


class ProgrammeAmended(Event, frozen=True, kw_only=True, tag="registry.programme.amended"):
    """A programme goes by a new version of its rules."""

    code: str
    version: int
    name: str
    rule_book: str
    valid_from: date
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.code}"


class AssignRole(Command, frozen=True, kw_only=True, tag="registry.assign_role"):
    """Gives a person a role in one programme; from the first one on nobody else has that role there."""

    programme: str
    role: str
    """registrar or verifier."""
    person: str
    """The subject of the person's token."""
    reason: str


class RoleAssigned(Event, frozen=True, kw_only=True, tag="registry.role.assigned"):
    """A person holds the role in the programme."""

    programme: str
    role: str
    person: str
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.programme}"


class EndRole(Command, frozen=True, kw_only=True, tag="registry.end_role"):
    """Takes from a person a role in one programme."""

    programme: str
    role: str
    person: str
    reason: str


class RoleEnded(Event, frozen=True, kw_only=True, tag="registry.role.ended"):
    """A person holds the role in the programme no more."""

    programme: str
    role: str
    person: str
    reason: str

    @property
    def subject(self) -> str:
        return f"programme/{self.programme}"
