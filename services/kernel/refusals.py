"""Refusals: what the rules do not allow, as types whose name is the code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import ClassVar, Literal

Category = Literal["INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT", "UNAVAILABLE"]


class Refusal(Exception):  # noqa: N818 - states the fact, like every refusal
    """The rules do not allow it: an expected outcome, and for its command the final one.

    Subclasses are dataclasses. The class name is the code, the docstring is the text shown to people, and the
    fields are the values that disagree, in the words of the rule: what was given and what was expected.
    """

    category: ClassVar[Category] = "INVALID"

    @classmethod
    def code(cls) -> str:
        """The stable name by which clients tell refusals apart, for example ``NOT_ENOUGH_CREDITS``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).upper()

    @property
    def values(self) -> Mapping[str, str]:
        """The values that disagree, by field name."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}  # pyright: ignore[reportArgumentType]

    @property
    def text(self) -> str:
        """One sentence for people."""
        return (self.__doc__ or "").strip().splitlines()[0]

    def __str__(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.code()}: {self.text}" + (f" ({values})" if values else "")


class Invalid(Refusal):
    """What was given is not of the form or range that the rule asks for."""

    category: ClassVar[Category] = "INVALID"


class NotFound(Refusal):
    """What was named does not exist, or the caller may not see it."""

    category: ClassVar[Category] = "NOT_FOUND"


class Forbidden(Refusal):
    """The caller may not do this."""

    category: ClassVar[Category] = "FORBIDDEN"


class Conflict(Refusal):
    """The state of the books does not allow it."""

    category: ClassVar[Category] = "CONFLICT"


@dataclass(eq=False)
class NotYetKnown(Refusal):
    """This name has not reached this service yet; the same command may be repeated with the same id."""

    category: ClassVar[Category] = "UNAVAILABLE"
    noun: str
    given: str


@dataclass(eq=False)
class Unknown(NotFound):
    """Nothing is known by this name."""

    noun: str
    given: str


@dataclass(eq=False)
class AlreadyExists(Conflict):
    """This name is already taken."""

    noun: str
    given: str


@dataclass(eq=False)
class OutOfRange(Invalid):
    """The value lies outside the range that the rule allows."""

    field: str
    given: str
    expected: str


@dataclass(eq=False)
class AccountNotOpen(Forbidden):
    """A restricted or closed account cannot be used (registration rules 2023, articles 10 and 11)."""

    account: str
    state: str


@dataclass(eq=False)
class OwnerBarred(Forbidden):
    """For three years after a falsification the owner's applications are refused (measures 2023, article 43)."""

    account: str
    given: date
    barred_until: date


def every_refusal(root: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """All refusals that imported modules can raise: the closed list of codes."""
    for child in root.__subclasses__():
        if child not in (Invalid, NotFound, Forbidden, Conflict):
            yield child
        yield from every_refusal(child)
