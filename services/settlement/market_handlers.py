"""What settlement does for venues: admission, terms, first prices, replay, days and gaps."""

from collections.abc import Mapping, Sequence

from services.kernel.actors import Role, require_role
from services.kernel.clocks import market_day
from services.kernel.money import price_fen, yuan
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, NotYetKnown, Unknown
from services.runtime.inbox import Approver, Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import day_store, market_store, store
from services.settlement.ledger import Instrument
from services.settlement.listings import FirstPriceKnown, NotFirstOwner
from services.settlement.market import Market
from services.settlement.messages.market import (
    ClearGap,
    ConfirmDay,
    DayConfirmed,
    DeclareFirstPrice,
    EndReplay,
    FirstPriceDeclared,
    GapCleared,
    MarketTermsSet,
    OpenVenue,
    SetMarketTerms,
    StartReplay,
    VenueModeChanged,
    VenueOpened,
)
from services.settlement.owners import require_owner
from services.settlement.terms import read_terms, require_later
from services.settlement.venues import (
    DayNotClosed,
    Mode,
    Venue,
    VenueNotOpen,
    require_admissible,
)


async def open_venue(tx: Transaction, command: OpenVenue) -> Sequence[Event]:
    """Admits a trading venue; it trades nothing until it has market terms."""
    require_role(tx.actor, Role.REGISTRAR)
    require_admissible(command)
    if not await market_store.insert_venue(tx, command.code, command.name):
        raise AlreadyExists("venue", command.code)
    return [VenueOpened(code=command.code, name=command.name)]


async def set_market_terms(tx: Transaction, command: SetMarketTerms) -> Sequence[Event]:
    """Sets the rules of a programme's market at a venue, from a day that has not begun."""
    require_role(tx.actor, Role.REGISTRAR)
    terms = read_terms(command.terms)
    venue = await _require_venue(tx, command.terms.venue)
    if await store.get_programme(tx, terms.programme) is None:
        raise NotYetKnown("programme", terms.programme)
    if terms.fee_account is not None:
        books = await store.lock_books(tx, [terms.fee_account], [])
        books.account(terms.fee_account)
    versions = await market_store.list_terms(tx, [command.terms.venue])
    earlier = versions.get((command.terms.venue, terms.programme), ())
    # What is over stays as it was: only a venue that reports history has its own present.
    today = tx.recorded_at if venue.mode == Mode.LIVE else tx.effective_at
    require_later(terms, earlier, market_day(today))
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    await market_store.insert_terms(tx, command.terms, tx.approved_by)
    return [MarketTermsSet(terms=command.terms)]


async def start_replay(tx: Transaction, command: StartReplay) -> Sequence[Event]:
    """Lets the venue report recorded history."""
    return await _change_mode(tx, command.venue, Mode.REPLAY)


async def end_replay(tx: Transaction, command: EndReplay) -> Sequence[Event]:
    """The venue reports the present again."""
    return await _change_mode(tx, command.venue, Mode.LIVE)


async def _change_mode(tx: Transaction, code: str, mode: Mode) -> Sequence[Event]:
    require_role(tx.actor, Role.REGISTRAR)
    require_role(tx.actor, Role.HISTORIAN)
    venue = await _require_venue(tx, code)
    if venue.mode == mode:
        return []
    await market_store.set_venue_mode(tx, code, mode)
    return [VenueModeChanged(venue=code, mode=mode)]


async def declare_first_price(tx: Transaction, command: DeclareFirstPrice) -> Sequence[Event]:
    """An owner who brought an instrument to the venue names its first reference price; the venue confirms it."""
    books = await store.lock_books(tx, [command.account], [])
    require_owner(tx.actor, books.accounts.get(command.account), command.account)
    await _require_venue(tx, command.venue)
    market = Market(command.venue, Instrument(command.project, command.vintage))
    price = price_fen(command.price)
    if not await market_store.has_moved_in(tx, command.account, market):
        raise NotFirstOwner(command.account, command.venue)
    if not await market_store.set_first_price(tx, market, price, command.account):
        raise FirstPriceKnown(command.project, command.vintage)
    return [
        FirstPriceDeclared(
            venue=command.venue,
            project=command.project,
            vintage=command.vintage,
            account=command.account,
            price=yuan(price),
        )
    ]


async def confirm_day(tx: Transaction, command: ConfirmDay) -> Sequence[Event]:
    """The registry's confirmation, after the venue's: the day's captured trades settle (article 28)."""
    require_role(tx.actor, Role.REGISTRAR)
    await _require_venue(tx, command.venue)
    if await day_store.get_day_digest(tx, command.venue, command.date) is None:
        raise DayNotClosed(command.venue, command.date)
    if not await day_store.insert_confirmation(tx, command.venue, command.date):
        raise AlreadyExists("confirmation", f"{command.venue} {command.date}")
    return [DayConfirmed(venue=command.venue, date=command.date)]


async def clear_gap(tx: Transaction, command: ClearGap) -> Sequence[Event]:
    """A difference is explained by two persons; a venue without another one settles again."""
    require_role(tx.actor, Role.REGISTRAR)
    require_text("explanation", command.explanation, 2_000)
    assert tx.approved_by is not None  # an irreversible command comes here only by its approval
    cleared = await day_store.clear_gap(
        tx, command.venue, command.date, command.kind, command.explanation, tx.approved_by
    )
    if not cleared:
        raise Unknown("gap", f"{command.venue} {command.date} {command.kind}")
    venue = await _require_venue(tx, command.venue)
    return [
        GapCleared(
            venue=command.venue,
            date=command.date,
            kind=command.kind,
            explanation=command.explanation,
            is_halted=venue.is_halted,
        )
    ]


async def _require_venue(tx: Transaction, code: str) -> Venue:
    venue = await market_store.get_venue(tx, code)
    if venue is None:
        raise VenueNotOpen(code)
    return venue


COMMANDS: Mapping[type[Command], Handler] = {
    OpenVenue: open_venue,
    SetMarketTerms: set_market_terms,
    StartReplay: start_replay,
    EndReplay: end_replay,
    DeclareFirstPrice: declare_first_price,
    ConfirmDay: confirm_day,
    ClearGap: clear_gap,
}


def _confirming_venue(command: DeclareFirstPrice) -> str:
    """The venue at which the instrument trades."""
    return command.venue


APPROVERS: Mapping[type[Command], Approver] = {DeclareFirstPrice: _confirming_venue}
FOUR_EYES: Mapping[type[Command], Role] = {
    SetMarketTerms: Role.APPROVER,
    DeclareFirstPrice: Role.VENUE,
    ClearGap: Role.APPROVER,
}
