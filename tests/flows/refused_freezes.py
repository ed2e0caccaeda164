"""Refusals of settlement about freezes, enforcement and shortfalls: code by code, what provokes them."""

from services.settlement.messages.freezes import Span
from tests.flows.acts import as_historian
from tests.flows.freezing import (
    Stopped,
    enforcement,
    freeze_of,
    making_good,
    of,
    release_of,
)
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import Seller
from tests.register import HISTORIAN


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _freezes(world) | _enforcements(world.stopped) | _shortfalls(world)


def _freezes(world: World) -> dict[str, Attempt]:
    stopped = world.stopped
    held = stopped.frozen
    absent = Span(batch_id=stopped.batch, first_serial=10, last_serial=11)
    twice = Span(batch_id=stopped.batch, first_serial=1, last_serial=1)
    return {
        "ACCOUNT_FROZEN": Attempt(world.market.move(held, 1), held.party.actor),
        "RELEASED_BEFORE_FROZEN": Attempt(release_of(stopped.freeze), HISTORIAN, days_ago=1),
        "SERIAL_NOT_FREE": Attempt(freeze_of(held.account, absent)),
        "SPANS_OVERLAP": Attempt(freeze_of(held.account, twice, twice)),
    }


def _enforcements(stopped: Stopped) -> dict[str, Attempt]:
    parties = stopped.frozen.account, stopped.receiver.account
    both = {"freeze_id": stopped.freeze} | of(stopped.frozen, 1)
    return {
        "ENFORCEMENT_UNCLEAR": Attempt(enforcement(*parties, **both)),
        "FREEZE_HOLDS_NOTHING": Attempt(enforcement(*parties, freeze_id=stopped.freeze)),
    }


def _shortfalls(world: World) -> dict[str, Attempt]:
    stopped = world.stopped
    debtor, key = stopped.debtor, stopped.shortfall
    actor = debtor.party.actor

    def making(seller: Seller, tonnes: int) -> Attempt:
        return Attempt(making_good(seller, key, tonnes), actor)

    early = Attempt(making_good(debtor, key, 1), as_historian(actor), days_ago=1)
    return {
        "MADE_GOOD_BEFORE_OWED": early,
        "MORE_THAN_OWED": making(debtor, 11),
        "OWED_IN_ANOTHER_PROGRAMME": making(stopped.pilot, 1),
        "SHORTFALL_OPEN": Attempt(world.market.move(debtor, 1), actor),
    }
