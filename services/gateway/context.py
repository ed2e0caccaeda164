"""The context of one request: who looks, the pools to read from, the caller to send with, the hub to listen to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry

from services.gateway.errors import Unauthenticated
from services.gateway.hub import Hub
from services.gateway.loaders import Loaders
from services.gateway.tokens import ANYONE, Verifier, Viewer
from services.runtime.caller import Caller
from services.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class House:
    """What all requests share, as long as the process lives."""

    pools: Mapping[str, Pool]
    caller: Caller
    hub: Hub
    verifier: Verifier


@dataclass(slots=True)
class Context:
    """What one request or one socket has of its own."""

    house: House
    request_id: str
    proven: Viewer = ANYONE
    connection_params: dict[str, Any] = field(default_factory=dict)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.house.pools)

    @property
    def viewer(self) -> Viewer:
        """Who looks; raises Unauthenticated once the token has expired, as it may on a long-lived socket."""
        if self.seconds_left is not None and self.seconds_left <= 0:
            raise Unauthenticated("The bearer token has expired.")
        return self.proven

    @property
    def seconds_left(self) -> float | None:
        """How long the token still holds; None without one."""
        return None if self.proven.expires_at is None else self.proven.expires_at - time.time()

    def require_viewer(self) -> Viewer:
        """The viewer; raises Unauthenticated for anonymous ones."""
        if self.viewer.is_anonymous:
            raise Unauthenticated("A bearer token is needed for this.")
        return self.viewer


Info = strawberry.Info[Context, None]
