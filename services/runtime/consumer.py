"""The consumer: takes what is there in one transaction, acknowledges it after the commit, loses nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from services.runtime import failpoints, telemetry
from services.runtime.connection import ConnectionLostError
from services.runtime.deliveries import Delivery, ReadAhead, Subscription
from services.runtime.messages import BODY_BYTES_MAX, Answer, digest, encode
from services.runtime.postgres import OUTAGES
from services.runtime.publishing import Outgoing, Publisher

log = telemetry.logger("consumer")

DELIVERIES_MAX = 5
_OUTAGE_PAUSE_SECONDS = 0.5
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Done:
    """Handled and committed; the answer goes to the sender if it asked for one."""

    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """Cannot be handled by anyone: kept among the dead letters with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Something it names is not yet known here: tried again in a moment."""


Item = TypeVar("Item")
Verdict = Done | Dead | Later
Work = Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]


@dataclass(frozen=True, slots=True)
class Consumption:
    """A queue and what is done with its messages, up to ``batch_size`` in one transaction."""

    queue: str
    work: Work
    batch_size: int = 200
    prefetch: int = 400
    read_ahead: ReadAhead | None = None


class Consumer:
    """Runs one consumption on one subscription."""

    def __init__(
        self,
        consumption: Consumption,
        subscription: Subscription,
        publisher: Publisher,
        after_commit: Callable[[], None],
    ) -> None:
        self._consumption = consumption
        self._subscription = subscription
        self._publisher = publisher
        self._after_commit = after_commit
        self._waiting: list[Delivery] = []

    async def run(self) -> None:
        """Works until the subscription is stopped; the batch in hand is finished first."""
        while self._subscription.is_open:
            pause = _RETRY_SECONDS if self._waiting else None
            fresh = await self._subscription.next_batch(self._consumption.batch_size, pause)
            batch, self._waiting = self._waiting + fresh, []
            if batch:
                await self._work_on(batch)

    async def _work_on(self, batch: list[Delivery]) -> None:
        try:
            with telemetry.batch_seconds.labels(self._consumption.queue).time():
                verdicts = await self._through_outages(batch)
        except ConnectionLostError:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the message must not be lost
            await self._after_fault(batch, fault)
            return
        failpoints.reach(failpoints.AFTER_COMMIT)
        self._after_commit()
        await self._settle(batch, verdicts)

    async def _through_outages(self, batch: list[Delivery]) -> Sequence[Verdict]:
        """An outage says nothing about the messages: the same batch is tried until the database is back."""
        while True:
            try:
                return await self._consumption.work(batch)
            except ConnectionLostError:
                raise
            except OUTAGES as outage:
                telemetry.redelivered.labels(self._consumption.queue).inc()
                log.warning("outage", queue=self._consumption.queue, reason=repr(outage))
                await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)

    async def _after_fault(self, batch: list[Delivery], fault: Exception) -> None:
        """One by one, so that a poison message hurts only itself; then redelivered up to the limit."""
        if len(batch) > 1:
            for delivery in batch:
                await self._work_on([delivery])
            return
        [delivery] = batch
        log.error("fault", queue=self._consumption.queue, exc_info=fault)
        if delivery.deliveries >= DELIVERIES_MAX:
            await self._bury(delivery, f"FAULT: {type(fault).__name__}: {fault}")
            await delivery.message.ack()
        else:
            await delivery.message.reject(requeue=True)

    async def _settle(self, batch: Sequence[Delivery], verdicts: Sequence[Verdict]) -> None:
        """Answers and dead letters first, acknowledgements last: what is lost between is done again."""
        answers: list[Outgoing] = []
        for outcome, count in Counter(type(verdict) for verdict in verdicts).items():
            name = outcome.__name__.lower()
            telemetry.handled.labels(self._consumption.queue, name).inc(count)
        for delivery, verdict in zip(batch, verdicts, strict=True):
            match verdict:
                case Later():
                    self._waiting.append(delivery)
                case Dead(reason):
                    await self._bury(delivery, reason)
                case Done(answer):
                    answers += _answers(delivery, answer)
        for failure in await self._publisher.publish_many(answers):
            if failure is not None:
                raise failure
        await self._acknowledge(batch, verdicts)

    async def _acknowledge(self, batch: Sequence[Delivery], verdicts: Sequence[Verdict]) -> None:
        if batch and not self._waiting:
            await max(batch, key=lambda d: d.message.delivery_tag).message.ack(multiple=True)
            return
        for delivery, verdict in zip(batch, verdicts, strict=True):
            if not isinstance(verdict, Later):
                await delivery.message.ack()

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        telemetry.dead.labels(self._consumption.queue).inc()
        log.warning("dead letter", queue=self._consumption.queue, reason=reason)
        await self._publisher.publish(dead_letter(self._consumption.queue, delivery, reason))


def _answers(delivery: Delivery, answer: Answer | None) -> list[Outgoing]:
    """The answer, if there is one and somebody asked for it."""
    if answer is None or delivery.reply_to is None:
        return []
    return [
        Outgoing(
            exchange="",
            routing_key=delivery.reply_to,
            body=encode(answer),
            message_id=f"answer-{answer.command_id}-{delivery.message.delivery_tag}",
            mandatory=False,
            correlation_id=delivery.correlation_id,
        )
    ]


async def each_alone_after_fault(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Awaitable[bool]],
    bury: Callable[[Item], Awaitable[bool]],
) -> bool:
    """Works on all items together, and after a fault on each alone: a poison one hurts only itself, and is buried."""
    if not items:
        return False
    outcome = await _unless_fault(work(items), len(items))
    if outcome is not None:
        return outcome
    if len(items) > 1:
        return any([await each_alone_after_fault([item], work, bury) for item in items])
    return bool(await _unless_fault(bury(items[0]), 1))


async def _unless_fault(work: Awaitable[bool], items: int) -> bool | None:
    try:
        return await work
    except OUTAGES:
        raise
    except Exception as fault:
        log.error("fault", items=items, exc_info=fault)
        return None


def dead_letter(queue: str, delivery: Delivery, reason: str) -> Outgoing:
    """The message as it came, with the reason; of an oversized body only the digest and the size."""
    body, headers = delivery.body, {"tonne-reason": reason[:1000]}
    if len(body) > BODY_BYTES_MAX:
        headers |= {"tonne-size": str(len(body)), "tonne-sha256": sha256(body).hexdigest()}
        body = b""
    return Outgoing(
        exchange="",
        routing_key=f"{queue}.dead",
        body=body,
        message_id=f"dead-{digest(delivery.body).hex()}",
        headers={
            **headers,
            "tonne-routing-key": delivery.routing_key,
            "tonne-user": str(delivery.user_id),
        },
    )
