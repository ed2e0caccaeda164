"""The demo's cast: who acts for whom, with which token, and under which account number."""

from collections.abc import Callable
from functools import cached_property
from uuid import UUID

from services.kernel.actors import Role
from services.kernel.ids import derived_id


def demo_id(*parts: object) -> UUID:
    """The id of one step of the demo: played again, it is recognised."""
    return derived_id("demo", *parts)


class Cast:
    """People of the demo and the accounts of its organisations; all historians, since they play history."""

    def __init__(self, token: Callable[..., str]) -> None:
        self._token = token
        self.numbers: dict[str, str] = {}
        """Account numbers by organisation key."""

    @cached_property
    def registrar(self) -> str:
        """The registrar's token: enters organisations, projects and reductions, asks for issuance."""
        return self._token("demo-registrar", None, Role.REGISTRAR, Role.HISTORIAN)

    @cached_property
    def second(self) -> str:
        """The token of the second person who approves what the registrar asks for."""
        return self._token("demo-second-registrar", None, Role.APPROVER, Role.HISTORIAN)

    @cached_property
    def overseer(self) -> str:
        """The auditor's token: sees everything, does nothing."""
        return self._token("demo-auditor", None, Role.AUDITOR)

    def venue(self, code: str) -> str:
        """The token of a venue, which confirms what concerns its own market."""
        return self._token(code, None, Role.VENUE, Role.HISTORIAN)

    def operator(self, key: str) -> str:
        """Who operates this organisation's account."""
        return f"demo-operator-{key}"

    def owner(self, key: str, subject: str | None = None) -> str:
        """The token of a person who acts for this organisation."""
        name = subject or self.operator(key)
        return self._token(name, self.organisation_id(key), Role.OWNER_OPERATOR, Role.HISTORIAN)

    def body(self, key: str) -> str:
        """The token of a person of this validating or verifying body."""
        organisation_id = self.organisation_id(key)
        return self._token(f"demo-{key}", organisation_id, Role.VERIFIER, Role.HISTORIAN)

    def owner_approver(self, key: str, subject: str) -> str:
        """The token of a second person of this organisation, who approves what the first asks for."""
        return self._token(subject, self.organisation_id(key), Role.APPROVER, Role.HISTORIAN)

    def organisation_id(self, key: str) -> UUID:
        """The id of this organisation."""
        return demo_id("organisation", key)
