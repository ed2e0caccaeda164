"""The end of a venue's day: captured trades settle after both confirmations, or end by the venue's cancellation."""

from collections.abc import Sequence

from services.kernel.refusals import Refusal
from services.runtime import outbox
from services.runtime.postgres import Pool, Transaction
from services.settlement import day_store, market_store, store, trade_store
from services.settlement.books import Books
from services.settlement.exchange import TradeReport
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.market import MarketBooks
from services.settlement.outcomes import Outcomes, capture_transaction, say, write_decided
from services.settlement.settling import settle_captured, void
from services.settlement.store import Wanted
from services.settlement.trade_store import Origin
from services.settlement.trades import Captured, TradeIsFinal

_SETTLED_AT_ONCE = 500


async def settle_confirmed(pool: Pool) -> bool:
    """Settles the next trades of confirmed days, in the order of capture; returns whether there were any."""
    async with pool.acquire() as connection:
        tx = capture_transaction(connection)
        if await day_store.next_to_settle(tx) is None:  # nothing to keep settlement waiting for
            return False
        async with connection.transaction():
            await trade_store.lock_epoch(tx)
            next_ = await day_store.next_to_settle(tx)
            if next_ is not None:
                await _settle_next(tx, next_)
        return next_ is not None


async def _settle_next(tx: Transaction, next_: day_store.Settleable) -> None:
    captured = await trade_store.list_captured(
        tx, next_.venue, next_.until_capture, _SETTLED_AT_ONCE
    )
    books, market = await _load(tx, captured)
    outcomes = Outcomes()
    for origin, one in captured:
        outcomes.settle(origin, settle_captured(one, books, market))
    await trade_store.delete_captured(tx, [origin.key for origin, _ in captured])
    await write_decided(tx, books, market, outcomes)
    await outbox.enqueue(tx.connection, await say(tx, outcomes))


async def void_captured(
    tx: Transaction, venue: str, trade_id: str, refusal: Refusal, outcomes: Outcomes
) -> None:
    """Ends both holds and rejects the trade; raises ProceedsSpent, or TradeIsFinal once its day is counted."""
    found = await trade_store.get_captured(tx, venue, trade_id)
    assert found is not None  # whoever decides trades does so alone
    origin, captured = found
    if await day_store.is_counted(tx, venue, captured.traded_on):
        raise TradeIsFinal("COUNTED")
    books, market = await _load(tx, [found])
    later = await trade_store.list_captured_later(tx, origin, captured.trade.seller_account)
    void(captured, books, market, later)
    await trade_store.delete_captured(tx, [origin.key])
    report = TradeReport(
        venue, trade_id, origin.digest, b"", origin.causation_id, captured.trade, None
    )
    outcomes.reject(report, refusal, tx.recorded_at)
    await write_decided(tx, books, market, outcomes)
    for account in (captured.trade.seller_account, captured.trade.buyer_account):
        await market_store.recount_last_trade(tx, account, captured.market)


async def _load(
    tx: Transaction, captured: Sequence[tuple[Origin, Captured]]
) -> tuple[Books, MarketBooks]:
    trades = [one for _, one in captured]
    market = await market_store.load_market(
        tx, days={(one.market, one.traded_on) for one in trades}
    )
    tonnes: dict[tuple[Place, Instrument], int] = {}
    for one in trades:
        held = Place(one.trade.seller_account, Bucket.RESERVED, one.trade.venue)
        key = held, one.market.instrument
        tonnes[key] = tonnes.get(key, 0) + one.trade.quantity
    receivers = [one.receiver for one in trades if one.receiver]
    cash = {key for one in trades for key in (one.seller, one.buyer)} | set(receivers)
    books = await store.lock_books(
        tx,
        accounts={key.account for key in cash},
        instruments={one.market.instrument for one in trades},
        wanted=[Wanted(place, what, amount) for (place, what), amount in tonnes.items()],
        cash=cash,
    )
    return books, market
