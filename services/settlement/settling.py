"""The rules by which one reported trade is captured and settles, read from top to bottom; a broken one rejects it."""

from collections.abc import Sequence
from datetime import date, datetime

from services.kernel.blocks import Block
from services.kernel.clocks import CLOCK_LEEWAY, market_day
from services.kernel.money import FEN_MAX, TONNES_MAX, price_fen
from services.kernel.refusals import NotYetKnown
from services.settlement.books import Books
from services.settlement.freezes import require_not_frozen
from services.settlement.ledger import Account, Bucket, CashKey, Place
from services.settlement.market import (
    NEVER,
    Market,
    MarketBooks,
    require_gap,
    require_in_band,
    require_listed,
    require_session,
    settled_totals,
    totals_of,
)
from services.settlement.messages.trades import ExecutedTrade
from services.settlement.shortfalls import require_none
from services.settlement.terms import Cycle, Terms, fee_fen
from services.settlement.trades import (
    CURRENCY,
    AccountMayNotTrade,
    AmountOutOfRange,
    Captured,
    CurrencyNotSettled,
    DayIsClosed,
    ExecutedInFuture,
    FeeReceiverMayNotTrade,
    MethodNotOpen,
    ProceedsSpent,
    QuantityOutOfRange,
    SelfTrade,
    Settled,
    capture_posting,
    market_of,
    posting,
)
from services.settlement.venues import Mode, ProgrammeNotTraded, Venue, VenueNotOpen

TRADING_KINDS = frozenset({"OWNER", "EMITTER", "TRADER"})


def settle(
    trade: ExecutedTrade, books: Books, market: MarketBooks, clock: datetime
) -> Captured | Settled:
    """Delivers versus payment at once, or holds both legs for the end of the day, as the market's terms say.

    All checks come first: a refusal leaves the books as they were. Raises the refusal of the first rule that is
    broken, or NotYetKnown for an account or instrument that settlement has not heard of yet.
    """
    captured = _checked(trade, books, market, clock)
    market.add(
        captured.market,
        captured.traded_on,
        totals_of(trade.method, trade.quantity, captured.amount_fen),
    )
    market.note(captured.market, captured.traded_on, trade.seller_account, trade.buyer_account)
    if captured.cycle == Cycle.DAY_END:
        _hold(captured, books)
        return captured
    return _deliver_versus_payment(captured, Bucket.EXCHANGE, books, market)


def settle_captured(captured: Captured, books: Books, market: MarketBooks) -> Settled:
    """After both confirmations of the day: what was held is delivered and paid (articles 27 and 28)."""
    books.release(captured.buyer, captured.seller, captured.cost_fen, captured.proceeds_fen)
    return _deliver_versus_payment(captured, Bucket.RESERVED, books, market)


def void(
    captured: Captured, books: Books, market: MarketBooks, later: Sequence[Captured] = ()
) -> None:
    """The venue cancels the trade before it has settled: both holds end. Raises ProceedsSpent.

    What the seller bought later settles earlier than what the seller sold still later, so the proceeds must be left
    over at each step on the way, not only at its end.
    """
    trade = captured.trade
    left = _least_spendable_fen(captured.seller, books, later)
    if left < captured.proceeds_fen:
        raise ProceedsSpent(trade.seller_account, captured.proceeds_fen, left)
    books.release(captured.buyer, captured.seller, captured.cost_fen, captured.proceeds_fen)
    _move_held(captured, Bucket.RESERVED, Bucket.EXCHANGE, books)
    totals = totals_of(trade.method, trade.quantity, captured.amount_fen)
    market.add(captured.market, captured.traded_on, totals, sign=-1)


def _least_spendable_fen(party: CashKey, books: Books, later: Sequence[Captured]) -> int:
    """The least that the party may spend at any step of these captured trades, which all come in the position."""
    least = spendable = books.position(party).spendable_fen
    for one in reversed(later):
        spendable += one.cost_fen if one.buyer == party else 0
        spendable -= one.proceeds_fen if one.seller == party else 0
        least = min(least, spendable)
    return least


def _checked(trade: ExecutedTrade, books: Books, market: MarketBooks, clock: datetime) -> Captured:
    """The trade as the rules see it, if it breaks none."""
    venue = market.venues.get(trade.venue)
    if venue is None:
        raise VenueNotOpen(trade.venue)
    day = market_day(trade.executed_at)
    _require_plain(trade, venue, day, market, clock)
    traded = market_of(trade)
    for number in (trade.seller_account, trade.buyer_account):
        _require_trading(books.account(number))
    require_none(books.account(trade.seller_account))
    programme = books.programme_of(traded.instrument)
    terms = market.terms_on(trade.venue, programme, day)
    if terms is None:
        raise ProgrammeNotTraded(programme, trade.venue, day)
    if terms.fee_account in (trade.seller_account, trade.buyer_account):
        raise FeeReceiverMayNotTrade(str(terms.fee_account), trade.venue)
    price = _require_terms(trade, terms)
    captured = _captured(trade, traded, programme, terms, price, day)
    _require_market(captured, terms, market)
    _require_funds(captured, books)
    return captured


def _require_plain(
    trade: ExecutedTrade, venue: Venue, day: date, market: MarketBooks, clock: datetime
) -> None:
    """What the message alone can break."""
    if not 0 < trade.quantity <= TONNES_MAX:
        raise QuantityOutOfRange(trade.quantity, f"1 to {TONNES_MAX}")
    if price_fen(trade.price) * trade.quantity > FEN_MAX:
        raise AmountOutOfRange(trade.quantity, trade.price)
    if trade.currency != CURRENCY:
        raise CurrencyNotSettled(trade.currency, CURRENCY)
    if trade.seller_account == trade.buyer_account:
        raise SelfTrade(trade.seller_account)
    # A trade that waited in the queue through an outage still stands, so only the future is refused.
    if trade.executed_at > clock + CLOCK_LEEWAY:
        raise ExecutedInFuture(trade.executed_at.isoformat(), clock.isoformat())
    require_open_day(venue, day, market)


def require_open_day(venue: Venue, day: date, market: MarketBooks) -> None:
    """Raises DayIsClosed for a day that the venue has closed, and in LIVE for every day before one."""
    if (venue.code, day) in market.closed:
        raise DayIsClosed(day, day)
    if venue.mode == Mode.LIVE and venue.closed_on is not None and day <= venue.closed_on:
        raise DayIsClosed(day, venue.closed_on)


def _require_terms(trade: ExecutedTrade, terms: Terms) -> int:
    """Method, size and tick; returns the price in fen."""
    method = terms.methods.get(trade.method)
    if method is None:
        raise MethodNotOpen(trade.method, " or ".join(terms.methods))
    most = TONNES_MAX if method.tonnes_max is None else method.tonnes_max
    if not method.tonnes_min <= trade.quantity <= most or trade.quantity % terms.lot_tonnes:
        expected = f"{method.tonnes_min} to {most} in lots of {terms.lot_tonnes}"
        raise QuantityOutOfRange(trade.quantity, expected)
    return price_fen(trade.price, terms.tick_fen)


def _captured(
    trade: ExecutedTrade, market: Market, programme: str, terms: Terms, price: int, day: date
) -> Captured:
    amount = price * trade.quantity
    return Captured(
        trade=trade,
        market=market,
        programme=programme,
        cycle=terms.cycle,
        price_fen=price,
        amount_fen=amount,
        seller_fee_fen=fee_fen(amount, terms.seller_fee_ppm),
        buyer_fee_fen=fee_fen(amount, terms.buyer_fee_ppm),
        fee_account=terms.fee_account,
        traded_on=day,
    )


def _require_market(captured: Captured, terms: Terms, market: MarketBooks) -> None:
    """When, on which day after listing, at which price, and how long after an opposite trade (rules 14 to 18)."""
    trade, traded, day = captured.trade, captured.market, captured.traded_on
    require_session(trade.executed_at, day, terms, market)
    require_listed(traded, day, market)
    require_in_band(captured.price_fen, traded, day, trade.method, terms, market)
    bought_on = market.lasts.get((trade.seller_account, traded), NEVER).bought_on
    require_gap(trade.seller_account, bought_on, day, terms, market)
    sold_on = market.lasts.get((trade.buyer_account, traded), NEVER).sold_on
    require_gap(trade.buyer_account, sold_on, day, terms, market)


def _require_funds(captured: Captured, books: Books) -> None:
    """Full pre-funding: the credits are there, and the cash with commission (article 18)."""
    trade = captured.trade
    seller = Place(trade.seller_account, Bucket.EXCHANGE, trade.venue)
    books.require_credits(seller, captured.market.instrument, trade.quantity)
    if captured.fee_account is not None:
        books.account(captured.fee_account)
    if captured.cycle == Cycle.DAY_END:
        books.require_spendable(captured.buyer, captured.cost_fen)
    else:
        books.require_free(captured.buyer, captured.cost_fen)


def _require_trading(account: Account) -> None:
    if account.kind not in TRADING_KINDS or account.status != "OPEN":
        raise AccountMayNotTrade(account.number, account.kind, account.status)
    require_not_frozen(account)
    if account.trading_account is None:
        raise NotYetKnown("trading account", account.number)


def _hold(captured: Captured, books: Books) -> None:
    books.hold(captured.buyer, captured.seller, captured.cost_fen, captured.proceeds_fen)
    _move_held(captured, Bucket.EXCHANGE, Bucket.RESERVED, books)


def _move_held(captured: Captured, source: Bucket, target: Bucket, books: Books) -> None:
    trade = captured.trade
    books.move(
        capture_posting(trade.venue, trade.trade_id),
        captured.market.instrument,
        Place(trade.seller_account, source, trade.venue),
        Place(trade.seller_account, target, trade.venue),
        trade.quantity,
        trade.executed_at,
    )


def _deliver_versus_payment(
    captured: Captured, source: Bucket, books: Books, market: MarketBooks
) -> Settled:
    """Both legs, from here on final."""
    delivered = _deliver(captured, source, books)
    _pay(captured, books)
    trade = captured.trade
    market.add(
        captured.market, captured.traded_on, settled_totals(trade.quantity, captured.amount_fen)
    )
    return Settled(captured, books.ranges(delivered))


def _deliver(captured: Captured, source: Bucket, books: Books) -> tuple[Block, ...]:
    trade = captured.trade
    return books.move(
        posting(trade.venue, trade.trade_id),
        captured.market.instrument,
        Place(trade.seller_account, source, trade.venue),
        Place(trade.buyer_account, Bucket.EXCHANGE, trade.venue),
        trade.quantity,
        trade.executed_at,
    )


def _pay(captured: Captured, books: Books) -> None:
    """The price to the seller, and both commissions to who receives them."""
    trade, name = captured.trade, posting(captured.trade.venue, captured.trade.trade_id)
    at, buyer, seller = trade.executed_at, captured.buyer, captured.seller
    books.collect(name, buyer, seller, captured.amount_fen, at)
    if captured.receiver is not None:
        books.collect(name, buyer, captured.receiver, captured.buyer_fee_fen, at)
        books.collect(name, seller, captured.receiver, captured.seller_fee_fen, at)
