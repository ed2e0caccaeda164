"""Waiting trades: on a name that has not come yet, or of a halted venue; and the sweep over all that waits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from services.kernel.refusals import Refusal, Unknown
from services.runtime import outbox, telemetry
from services.runtime.consumer import DELIVERIES_MAX, each_alone_after_fault
from services.runtime.messages import RefusalBody
from services.runtime.postgres import OUTAGES, Pool, Transaction
from services.settlement import trade_store, waiting_store
from services.settlement.day_end import settle_confirmed, void_captured
from services.settlement.days import count_days
from services.settlement.exchange import Cancellation, TradeReport, read_trade
from services.settlement.messages.trades import CancellationRejected
from services.settlement.outcomes import Outcomes, capture_transaction, decide, say
from services.settlement.trades import (
    LIFECYCLE,
    CancelledByVenue,
    State,
    Step,
    TradeIsFinal,
    TradeNotDecidable,
)
from services.settlement.waiting_store import Key

SWEEP_SECONDS = 1.0
_SWEPT_AT_ONCE = 500
FAULTS_MIN = DELIVERIES_MAX
"""So often a trade is tried at least before it is rejected for its faults."""

log = telemetry.logger("waiting")


async def cancel(tx: Transaction, cancellation: Cancellation) -> list[int]:
    """Only a trade that has no outcome can be cancelled; a final one is answered by an event."""
    cancelled, outcomes = cancellation.cancelled, Outcomes()
    try:
        await _cancel(tx, cancellation, outcomes)
    except Refusal as refusal:
        key = cancelled.venue, cancelled.trade_id
        if await trade_store.is_first_retort(tx, *key, cancellation.digest):
            body = RefusalBody.of(refusal)
            rejected = CancellationRejected(
                venue=cancelled.venue,
                trade_id=cancelled.trade_id,
                code=body.code,
                message=body.message,
                fields=body.fields,
            )
            outcomes.say(rejected, cancellation.causation_id, tx.recorded_at)
    return await say(tx, outcomes)


async def _cancel(tx: Transaction, cancellation: Cancellation, outcomes: Outcomes) -> None:
    cancelled = cancellation.cancelled
    state = await trade_store.get_state(tx, cancelled.venue, cancelled.trade_id)
    if state is None:
        raise Unknown("trade", cancelled.trade_id)
    if (State(state), Step.CANCEL) not in LIFECYCLE:
        raise TradeIsFinal(state)
    refusal = CancelledByVenue(cancelled.reason)
    if state == State.WAITING:
        waiting = await trade_store.get_waiting(tx, cancelled.venue, cancelled.trade_id)
        assert waiting is not None  # whoever decides trades does so alone
        await trade_store.delete_waiting(tx, cancelled.venue, cancelled.trade_id)
        outcomes.reject(_stored_report(waiting), refusal, tx.recorded_at)
        await trade_store.insert_rejected(tx, *outcomes.rejected[-1])
    else:
        await void_captured(tx, cancelled.venue, cancelled.trade_id, refusal, outcomes)


def _stored_report(waiting: trade_store.WaitingTrade) -> TradeReport:
    return read_trade(
        waiting.venue, waiting.trade_id, waiting.content.encode(), waiting.causation_id
    )


async def sweep(pool: Pool, patience: timedelta) -> bool:
    """Tries every waiting trade again; those past their deadline are rejected. Returns whether any was decided."""

    async def try_again(keys: Sequence[Key]) -> bool:
        async with pool.acquire() as connection, connection.transaction():
            return await _try_again(capture_transaction(connection), keys, patience)

    async def bury(key: Key) -> bool:
        async with pool.acquire() as connection, connection.transaction():
            return await _bury(capture_transaction(connection), key, patience)

    pages = waiting_store.waiting_pages(pool, _SWEPT_AT_ONCE)
    return any([await each_alone_after_fault(keys, try_again, bury) async for keys in pages])


async def _try_again(tx: Transaction, keys: Sequence[Key], patience: timedelta) -> bool:
    await trade_store.lock_epoch(tx)
    found = [await trade_store.get_waiting(tx, *key) for key in keys]
    waiting = [one for one in found if one]  # whoever held the lock may have decided some
    outcomes, deadlines = Outcomes(), {(w.venue, w.trade_id): w.deadline for w in waiting}
    await decide(tx, [_stored_report(one) for one in waiting], outcomes, is_sweep=True)
    for report, unknown in outcomes.waiting:
        deadline = deadlines[report.key]
        if deadline is not None and deadline <= tx.recorded_at:
            await _reject(tx, report, Unknown(unknown.noun, unknown.given), outcomes)
    unknown_names = [report.key for report, _ in outcomes.waiting]
    await waiting_store.set_deadlines(tx, unknown_names, tx.recorded_at + patience)
    return await _end(tx, outcomes)


async def _bury(tx: Transaction, key: Key, patience: timedelta) -> bool:
    """A trade that faults alone waits no longer than one on an unknown name, so that its venue's day can be counted."""
    await trade_store.lock_epoch(tx)
    counted = await waiting_store.count_fault(tx, key, tx.recorded_at + patience)
    if counted is None or counted.faults < FAULTS_MIN or counted.deadline > tx.recorded_at:
        return False
    waiting = await trade_store.get_waiting(tx, *key)
    assert waiting is not None  # its fault has just been counted
    outcomes = Outcomes()
    await _reject(tx, _stored_report(waiting), TradeNotDecidable(counted.faults), outcomes)
    return await _end(tx, outcomes)


async def _reject(
    tx: Transaction, report: TradeReport, refusal: Refusal, outcomes: Outcomes
) -> None:
    outcomes.reject(report, refusal, tx.recorded_at)
    await trade_store.insert_rejected(tx, report, refusal)


async def _end(tx: Transaction, outcomes: Outcomes) -> bool:
    """What has its outcome waits no longer, and is told; returns whether there was any."""
    for key, state in outcomes.states().items():
        if state != State.WAITING:
            await trade_store.delete_waiting(tx, *key)
    said = await say(tx, outcomes)
    await outbox.enqueue(tx.connection, said)
    return bool(said)


async def keep_sweeping(pool: Pool, patience: timedelta, after_commit: Callable[[], None]) -> None:
    """Until cancelled: tries waiting trades, counts closed days, settles confirmed ones."""
    works: Mapping[str, Callable[[], Awaitable[bool]]] = {
        "sweep": lambda: sweep(pool, patience),
        "count_days": lambda: count_days(pool),
        "settle_confirmed": lambda: settle_confirmed(pool),
    }
    while True:
        for name, work in works.items():
            try:
                while await work():
                    after_commit()
            except OUTAGES as outage:
                log.warning("postponed", work=name, reason=repr(outage))
            except Exception as fault:
                log.error("fault", work=name, exc_info=fault)
        await asyncio.sleep(SWEEP_SECONDS)
