"""Waiting trades: on a name that has not come yet, or of a halted venue; and the sweep over all that waits."""

import asyncio
from collections.abc import Callable, Sequence

from services.kernel.refusals import Refusal, Unknown
from services.runtime import outbox, telemetry
from services.runtime.consumer import each_alone_after_fault
from services.runtime.messages import RefusalBody
from services.runtime.postgres import OUTAGES, Pool, Transaction
from services.settlement import trade_store
from services.settlement.day_end import settle_confirmed, void_captured
from services.settlement.days import count_days
from services.settlement.exchange import Cancellation, TradeReport, read_trade
from services.settlement.messages.trades import CancellationRejected
from services.settlement.outcomes import Outcomes, capture_transaction, decide, say
from services.settlement.trades import LIFECYCLE, CancelledByVenue, State, Step, TradeIsFinal

SWEEP_SECONDS = 1.0
_SWEPT_AT_ONCE = 500

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


async def sweep(pool: Pool) -> bool:
    """Tries waiting trades again; those past their deadline are rejected. Returns whether any was decided."""

    async def try_again(keys: Sequence[tuple[str, str]]) -> bool:
        async with pool.acquire() as connection, connection.transaction():
            return await _try_again(capture_transaction(connection), keys)

    async with pool.acquire() as connection:
        waiting = await trade_store.list_waiting(capture_transaction(connection), _SWEPT_AT_ONCE)
    return await each_alone_after_fault([(one.venue, one.trade_id) for one in waiting], try_again)


async def _try_again(tx: Transaction, keys: Sequence[tuple[str, str]]) -> bool:
    await trade_store.lock_epoch(tx)
    found = [await trade_store.get_waiting(tx, *key) for key in keys]
    waiting = [one for one in found if one]  # whoever held the lock may have decided some
    outcomes, deadlines = Outcomes(), {(w.venue, w.trade_id): w.deadline for w in waiting}
    await decide(tx, [_stored_report(one) for one in waiting], outcomes, is_sweep=True)
    for report, unknown in outcomes.waiting:
        deadline = deadlines[report.key]
        if deadline is None or deadline <= tx.recorded_at:
            too_late = Unknown(unknown.noun, unknown.given)
            outcomes.reject(report, too_late, tx.recorded_at)
            await trade_store.insert_rejected(tx, report, too_late)
    for key, state in outcomes.states().items():
        if state != State.WAITING:
            await trade_store.delete_waiting(tx, *key)
    said = await say(tx, outcomes)
    await outbox.enqueue(tx.connection, said)
    return bool(said)


async def keep_sweeping(pool: Pool, after_commit: Callable[[], None]) -> None:
    """Until cancelled: tries waiting trades, counts closed days, settles confirmed ones."""
    while True:
        for work in (sweep, count_days, settle_confirmed):
            try:
                while await work(pool):
                    after_commit()
            except OUTAGES as outage:
                log.warning("postponed", work=work.__name__, reason=repr(outage))
            except Exception as fault:
                log.error("fault", work=work.__name__, exc_info=fault)
        await asyncio.sleep(SWEEP_SECONDS)
