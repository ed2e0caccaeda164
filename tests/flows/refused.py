"""One command that is refused: who sends it, and when; the tables of them stand beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.kernel.actors import Actor
from services.runtime.messages import Command
from tests.market import REGISTRAR


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command that breaks exactly the rule whose code it stands under."""

    command: Command
    actor: Actor = REGISTRAR
    days_ago: int = 0
    command_id: UUID | None = None


Attempts = Mapping[str, Attempt]
