"""The schedule: which fault comes in which round follows from the seed alone, and every kind comes early."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import islice
from random import Random


class Kind(StrEnum):
    """What goes wrong in a round."""

    KILL_SETTLEMENT = "kill_settlement"
    KILL_ISSUANCE = "kill_issuance"
    KILL_REGISTRY = "kill_registry"
    KILL_GATEWAY = "kill_gateway"
    KILL_IN_PUBLISH = "kill_in_publish"
    KILL_AFTER_PUBLISH = "kill_after_publish"
    KILL_AFTER_COMMIT = "kill_after_commit"
    KILL_IN_APPROVAL = "kill_in_approval"
    END_BACKEND = "end_backend"
    KILL_POSTGRES = "kill_postgres"
    KILL_RABBITMQ = "kill_rabbitmq"
    FREEZE = "freeze"
    CUT_CONNECTIONS = "cut_connections"
    RESEND = "resend"
    POISON = "poison"
    SECOND_SETTLEMENT = "second_settlement"


ROUNDS_FOR_ALL = 20
"""In so many rounds every kind comes at least once."""


def scheduled(seed: int, rounds: int) -> Sequence[Kind]:
    """One kind a round: each as often as the others, in an order that the seed decides."""
    return list(islice(_endless(seeded(seed, "schedule")), rounds))


def _endless(random: Random) -> Iterator[Kind]:
    while True:
        yield from random.sample([*Kind], len(Kind))


def seeded(seed: int, what: str) -> Random:
    """Chance that is the same in every run with this seed, and another one for everything that asks."""
    return Random(f"{seed} {what}")  # noqa: S311 - nothing here is a secret
