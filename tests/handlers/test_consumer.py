"""The consumer without a broker: what happens in which order, and what becomes of messages that wait or fault."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from services.runtime.consumer import (
    DELIVERIES_MAX,
    Consumer,
    Consumption,
    Dead,
    Done,
    Later,
    Verdict,
)
from services.runtime.deliveries import Delivery, Subscription
from services.runtime.messages import Answer
from services.runtime.publishing import Outgoing, Publisher

Decide = Callable[[Delivery], Verdict]


@dataclass
class Message:
    """A message as the client's reader hands it over; what is done with it is noted."""

    delivery_tag: int
    notes: list[str]
    body: bytes
    headers: dict[str, object]
    routing_key: str = "bank.deposit_reported"
    user_id: str = "bank"
    reply_to: str | None = "replies"
    correlation_id: str | None = None

    async def ack(self, multiple: bool = False) -> None:
        self.notes.append(f"ack {'up to ' if multiple else ''}{self.delivery_tag}")

    async def reject(self, requeue: bool = False) -> None:
        self.notes.append(f"{'requeue' if requeue else 'drop'} {self.delivery_tag}")


@dataclass
class Line:
    """A queue of numbered messages and its consumer; everything that happens is noted in its order."""

    notes: list[str] = field(default_factory=list)
    subscription: Subscription = field(default_factory=lambda: Subscription(cast("Any", None)))

    async def publish_many(self, outgoings: Sequence[Outgoing]) -> list[BaseException | None]:
        self.notes += [f"publish to {outgoing.routing_key}" for outgoing in outgoings]
        return [None] * len(outgoings)

    async def publish(self, outgoing: Outgoing) -> None:
        await self.publish_many([outgoing])

    async def consume(
        self, count: int, decide: Decide, *, batches: int, redelivered: int = 0
    ) -> None:
        """So many messages come at once; the line is stopped in the last of so many batches."""
        for tag in range(1, count + 1):
            headers: dict[str, object] = {"x-delivery-count": redelivered}
            message = Message(tag, self.notes, str(tag).encode(), headers)
            self.subscription.take(cast("Any", message))
        left = iter(range(batches - 1, -1, -1))

        async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
            if next(left) == 0:
                self.subscription.stop()
            verdicts = [decide(one) for one in deliveries]
            self.notes.append("commit " + ",".join(one.body.decode() for one in deliveries))
            return verdicts

        publisher = cast("Publisher", self)
        consumption = Consumption("settlement.bank", work)
        woken = lambda: self.notes.append("wake")  # noqa: E731
        await Consumer(consumption, self.subscription, publisher, woken).run()


async def test_nothing_is_acknowledged_before_its_work_has_committed() -> None:
    line = Line()
    await line.consume(3, lambda _: Done(), batches=1)
    assert line.notes == ["commit 1,2,3", "wake", "ack up to 3"]


async def test_a_command_is_acknowledged_when_its_answer_is_on_its_way() -> None:
    line = Line()
    answer = Answer(command_id="1", outcome=Answer.ACCEPTED)
    await line.consume(1, lambda _: Done(answer), batches=1)
    assert line.notes == ["commit 1", "wake", "publish to replies", "ack up to 1"]


async def test_a_dead_letter_is_safe_before_its_message_is_acknowledged() -> None:
    line = Line()
    await line.consume(1, lambda _: Dead("MALFORMED"), batches=1)
    assert line.notes == ["commit 1", "wake", "publish to settlement.bank.dead", "ack up to 1"]


async def test_what_waits_is_tried_again_and_not_acknowledged_with_what_came_after_it() -> None:
    line, waiting = Line(), {b"2"}

    def decide(delivery: Delivery) -> Verdict:
        is_early = delivery.body in waiting
        waiting.discard(delivery.body)
        return Later() if is_early else Done()

    await line.consume(3, decide, batches=2)
    first, again = line.notes[:4], line.notes[4:]
    assert first == ["commit 1,2,3", "wake", "ack 1", "ack 3"]
    assert again == ["commit 2", "wake", "ack up to 2"]


async def test_of_a_batch_that_faults_only_the_poison_message_goes_back() -> None:
    line = Line()
    await line.consume(3, _poison(b"2"), batches=4)
    assert [note for note in line.notes if note != "wake"] == [
        *("commit 1", "ack up to 1"),
        "requeue 2",
        *("commit 3", "ack up to 3"),
    ]


async def test_a_message_that_always_faults_is_kept_among_the_dead_letters() -> None:
    line = Line()
    await line.consume(1, _poison(b"1"), batches=1, redelivered=DELIVERIES_MAX)
    assert line.notes == ["publish to settlement.bank.dead", "ack 1"]


def _poison(body: bytes) -> Decide:
    """Every batch with this message in it faults."""

    def decide(delivery: Delivery) -> Verdict:
        if delivery.body == body:
            raise LookupError(delivery.body)
        return Done()

    return decide
