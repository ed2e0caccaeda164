"""Refusals of settlement about venues and their markets: code by code, what provokes them."""

from datetime import date

import msgspec

from services.kernel.ids import new_id
from services.settlement.messages.market import ConfirmDay, OpenVenue, SetMarketTerms
from tests.flows import floor
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import NATIONAL, open_terms


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _venues(world) | _terms() | _prices(world)


def _venues(world: World) -> dict[str, Attempt]:
    seller = world.seller
    move = world.market.move(seller, 1)
    elsewhere = msgspec.structs.replace(move, move_id=new_id(), venue="NOWHERE")
    halted = msgspec.structs.replace(move, move_id=new_id(), venue=world.acts.halted)
    return {
        "DAY_NOT_CLOSED": Attempt(ConfirmDay(venue="CBGEX", date=date(2019, 12, 31))),
        "VENUE_INVALID": Attempt(OpenVenue(code="new", name="N")),
        "VENUE_IS_HALTED": Attempt(halted, seller.party.actor),
        "VENUE_NOT_OPEN": Attempt(elsewhere, seller.party.actor),
    }


def _terms() -> dict[str, Attempt]:
    later = open_terms("CBGEX", NATIONAL, valid_from=date(2150, 1, 1), tick_fen=0)
    return {
        "MARKET_TERMS_INVALID": Attempt(SetMarketTerms(terms=later)),
        "MARKET_TERMS_IN_FORCE": Attempt(SetMarketTerms(terms=open_terms("CBGEX", NATIONAL))),
    }


def _prices(world: World) -> dict[str, Attempt]:
    priced, never_moved = world.acts.priced, world.seller
    return {
        "FIRST_PRICE_KNOWN": Attempt(floor.first_price(priced, "1.00"), priced.party.actor),
        "NOT_FIRST_OWNER": Attempt(floor.first_price(never_moved, "1.00"), never_moved.party.actor),
    }
