"""Waiting trades: on a name that has not reached settlement yet, decided when it does or at the deadline."""

import asyncio
from collections.abc import Callable, Sequence

from services.kernel.refusals import Unknown
from services.runtime import outbox, telemetry
from services.runtime.consumer import each_alone_after_fault
from services.runtime.messages import RefusalBody
from services.runtime.outbox import Occurrence
from services.runtime.postgres import OUTAGES, Pool, Transaction
from services.settlement import trade_store
from services.settlement.exchange import Cancellation, TradeReport, read_trade
from services.settlement.messages import CancellationRejected
from services.settlement.outcomes import Outcomes, capture_transaction, decide, write_outcomes
from services.settlement.trades import LIFECYCLE, CancelledByVenue, State, Step, TradeIsFinal

SWEEP_SECONDS = 1.0
_SWEPT_AT_ONCE = 500

log = telemetry.logger("waiting")


async def cancel(tx: Transaction, cancellation: Cancellation) -> list[int]:
    """Only a trade that still waits can be cancelled; a final one is answered by an event."""
    cancelled = cancellation.cancelled
    state = await trade_store.get_state(tx, cancelled.venue, cancelled.trade_id)
    if state and (State(state), Step.CANCEL) in LIFECYCLE:
        return await _reject_waiting(tx, cancelled.venue, cancelled.trade_id, cancelled.reason)
    refusal = TradeIsFinal(state) if state else Unknown("trade", cancelled.trade_id)
    body = RefusalBody.of(refusal)
    event = CancellationRejected(
        venue=cancelled.venue,
        trade_id=cancelled.trade_id,
        code=body.code,
        message=body.message,
        fields=body.fields,
    )
    return await outbox.append_many(
        tx, [Occurrence(event, tx.recorded_at, cancellation.causation_id)]
    )


async def _reject_waiting(tx: Transaction, venue: str, trade_id: str, reason: str) -> list[int]:
    waiting = await trade_store.get_waiting(tx, venue, trade_id)
    assert waiting is not None  # whoever decides trades does so alone
    await trade_store.delete_waiting(tx, venue, trade_id)
    outcomes = Outcomes(rejected=[(_stored_report(waiting), CancelledByVenue(reason))])
    return await write_outcomes(tx, outcomes)


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
    await decide(tx, [_stored_report(one) for one in waiting], outcomes)
    for report, unknown in outcomes.waiting:
        if deadlines[report.key] <= tx.recorded_at:
            outcomes.rejected.append((report, Unknown(unknown.noun, unknown.given)))
    for report, _ in [*outcomes.settled, *outcomes.rejected]:
        await trade_store.delete_waiting(tx, *report.key)
    said = await write_outcomes(tx, outcomes)
    await outbox.enqueue(tx.connection, said)
    return bool(said)


async def keep_sweeping(pool: Pool, after_commit: Callable[[], None]) -> None:
    """Sweeps until cancelled: the deadline of waiting work is the only timer here."""
    while True:
        try:
            if await sweep(pool):
                after_commit()
        except OUTAGES as outage:
            log.warning("sweep postponed", reason=repr(outage))
        await asyncio.sleep(SWEEP_SECONDS)
