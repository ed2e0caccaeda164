"""Capture: takes what venues report, many in one transaction, and says the outcome of each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from services.runtime import outbox
from services.runtime.connection import ConnectionLostError
from services.runtime.consumer import Dead, Done, Verdict
from services.runtime.deliveries import Delivery, Incoming
from services.runtime.messages import Malformed
from services.runtime.postgres import Pool, Transaction
from services.settlement import trade_store
from services.settlement.days import DayRefused, close_day
from services.settlement.exchange import Cancellation, DayClose, Report, TradeReport, read_report
from services.settlement.messages.trades import TradeConflicted
from services.settlement.outcomes import Outcomes, capture_transaction, decide, say
from services.settlement.waiting import cancel


class FencedError(ConnectionLostError):
    """Another process settles trades now: this one gives its deliveries back and stands by."""


@dataclass
class Fence:
    """Which deliveries are ours: the first of a new subscription takes a new epoch, an older epoch is refused."""

    pool: Pool
    _subscription: object = None
    _epoch: int = 0

    async def approach(self, deliveries: Sequence[Delivery]) -> None:
        """Takes a new epoch when the broker has made this process the active consumer."""
        if deliveries[0].subscription is not self._subscription:
            self._epoch = await trade_store.take_epoch(self.pool)
            self._subscription = deliveries[0].subscription

    async def lock(self, tx: Transaction) -> None:
        """Holds the epoch for this transaction; raises FencedError if another process took a newer one."""
        if await trade_store.lock_epoch(tx) != self._epoch:
            raise FencedError("a newer process settles trades")


def capture_work(
    pool: Pool, patience: timedelta
) -> Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]:
    """The work of the queue ``settlement.trades``."""
    fence = Fence(pool)

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        verdicts, reports = _read_all(deliveries)
        await fence.approach(deliveries)
        async with pool.acquire() as connection, connection.transaction():
            tx = capture_transaction(connection)
            await fence.lock(tx)
            said: list[int] = []
            for kind, run in groupby(reports, key=lambda placed: type(placed[1])):
                for place, verdict in await _capture(tx, kind, list(run), patience, said):
                    verdicts[place] = verdict
            await outbox.enqueue(connection, said)
        return verdicts

    return work


def read_ahead(message: Delivery | Incoming) -> Report | Dead:
    """What a venue reports, or why nobody can be told of it."""
    try:
        return read_report(message)
    except Malformed as malformed:
        return Dead(f"MALFORMED: {malformed}")


def _read_all(deliveries: Sequence[Delivery]) -> tuple[list[Verdict], list[tuple[int, Report]]]:
    verdicts: list[Verdict] = [Done()] * len(deliveries)
    reports: list[tuple[int, Report]] = []
    for place, delivery in enumerate(deliveries):
        content = delivery.content or read_ahead(delivery)
        if isinstance(content, TradeReport | Cancellation | DayClose):
            reports.append((place, content))
        elif isinstance(content, Dead):
            verdicts[place] = content
    return verdicts, reports


async def _capture(
    tx: Transaction,
    kind: type[Report],
    run: Sequence[tuple[int, Report]],
    patience: timedelta,
    said: list[int],
) -> list[tuple[int, Verdict]]:
    """Captures a run of reports of one kind; returns the verdicts that are not simply done."""
    if kind is TradeReport:
        said += await _settle_reports(
            tx, [r for _, r in run if isinstance(r, TradeReport)], patience
        )
        return []
    verdicts: list[tuple[int, Verdict]] = []
    for place, report in run:
        try:
            if isinstance(report, DayClose):
                said += await close_day(tx, report)
            elif isinstance(report, Cancellation):
                said += await cancel(tx, report)
        except DayRefused as refused:
            verdicts.append((place, Dead(f"REFUSED: {refused}")))
    return verdicts


async def _settle_reports(
    tx: Transaction, reports: Sequence[TradeReport], patience: timedelta
) -> list[int]:
    """Decides each trade once, in order; what came before is passed over, or conflicts if it says otherwise."""
    known = await trade_store.list_known(tx, [report.key for report in reports])
    digests = {key: trade.digest for key, trade in known.items()}
    fresh: dict[tuple[str, str], TradeReport] = {}
    conflicting: list[TradeReport] = []
    for report in reports:
        if digests.setdefault(report.key, report.digest) != report.digest:
            conflicting.append(report)
        elif report.key not in known:
            fresh.setdefault(report.key, report)
    outcomes = Outcomes()
    await decide(tx, list(fresh.values()), outcomes)
    for report, _ in outcomes.waiting:
        await trade_store.insert_waiting(tx, report, tx.recorded_at + patience)
    for report in outcomes.halted:
        await trade_store.insert_waiting(tx, report, None)
    states = {key: trade.state for key, trade in known.items()} | {**outcomes.states()}
    await _conflict(tx, conflicting, states, outcomes)
    return await say(tx, outcomes)


async def _conflict(
    tx: Transaction,
    reports: Sequence[TradeReport],
    states: Mapping[tuple[str, str], str],
    outcomes: Outcomes,
) -> None:
    """A known id came with other content: the first outcome stands, and everyone hears of it once."""
    for report in reports:
        if await trade_store.is_first_retort(tx, *report.key, report.digest):
            conflicted = TradeConflicted(
                venue=report.venue,
                trade_id=report.trade_id,
                outcome=states[report.key],
                given_digest=report.digest.hex(),
            )
            outcomes.say(conflicted, report.causation_id, tx.recorded_at)
