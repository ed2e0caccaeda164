"""Objects: what has an id that is unique over all types, and a history of what was done to it."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from services.gateway.context import Info
from services.gateway.pages import PAGE_DEFAULT, After, Connection, First, Keyset, rows_wanted

_KEEPERS: Mapping[str, str] = {
    "organisation": "registry",
    "account": "registry",
    "programme": "registry",
    "methodology": "registry",
    "project": "registry",
    "report": "issuance",
    "reduction": "issuance",
    "batch": "issuance",
    "grid_factor": "issuance",
    "allocation_plan": "issuance",
    "compliance": "issuance",
    "conversion": "issuance",
    "venue": "settlement",
    "market": "settlement",
    "instrument": "settlement",
    "day": "settlement",
    "trade": "settlement",
    "transfer": "settlement",
    "correction": "settlement",
    "freeze": "settlement",
    "enforcement": "settlement",
    "shortfall": "settlement",
    "obligation": "settlement",
    "retirement": "settlement",
}
"""The service that keeps the history of objects of this kind; an approval names its own."""


@strawberry.type(description="One entry of an object's history; the first one made it.")
class Happening:
    subject: strawberry.Private[str]
    sequence: int = strawberry.field(description="From 1, without a gap.")
    type: str = strawberry.field(description="As the event is named: registry.project.registered.")
    effective_at: datetime
    recorded_at: datetime
    actor: str | None = strawberry.field(description="Who asked for it; null if you may not know.")
    approved_by: str | None = strawberry.field(description="The second person, if there was one.")
    body: strawberry.Private[Any]

    @strawberry.field(description="The event as others were told of it, with its reason.")
    def content(self) -> JSON:
        return decoded(self.body)


HAPPENINGS: Keyset[Happening] = Keyset("lifecycle", (int,), lambda one: (one.sequence,))


def decoded(value: Any) -> Any:
    """JSON that a service publishes, however the driver brings it."""
    return json.loads(value) if isinstance(value, str) else value


def global_id(kind: str, key: str) -> strawberry.ID:
    """The id by which ``node`` finds the object of this type and key again."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode())


@strawberry.interface(description="What ``node`` finds by its id.")
class Node(ABC):
    @property
    @abstractmethod
    def subject(self) -> str:
        """How events name it: project/A110001."""

    @property
    def key(self) -> str:
        """By which it is found again among the objects of its type."""
        return self.subject.partition("/")[2]

    @strawberry.field(description="Unique over all types; opaque.")
    def id(self) -> strawberry.ID:
        return global_id(type(self).__name__, self.key)


@strawberry.interface(description="An object with its history.")
class Recorded(Node):
    @property
    def keeper(self) -> str:
        """The service that keeps its history."""
        return _KEEPERS[self.subject.partition("/")[0]]

    @strawberry.field(
        description="What was done to it, when, by whom and why, the oldest first; empty if you may not see it."
    )
    async def lifecycle(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[Happening]:
        viewer, organisation, roles = info.context.viewer.triple
        rows = await info.context.loaders.many(
            Happening,
            f"list_{self.keeper}_histories",
            "subject",
            self.subject,
            viewer,
            organisation,
            tuple(roles),
            *HAPPENINGS.after(after),
            rows_wanted(first),
        )
        return HAPPENINGS.page(rows, first)
