"""The publisher on a real broker: a publish returns only when the message is safe, and says when it is not."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from aio_pika.exceptions import PublishError

from services.runtime.connection import connected
from services.runtime.publishing import Outgoing, Publisher
from services.tools.stack import Stack


@pytest.fixture(scope="module")
def amqp_url(request: pytest.FixtureRequest) -> str:
    """The broker that is named, or that of the running stack; as a user that may write to a queue directly."""
    named = os.environ.get("TONNE_TEST_AMQP_URL")
    if named:
        return named
    stack: Stack = request.getfixturevalue("stack")
    return stack.amqp_urls["registry"]


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    connection = await connected(amqp_url)
    yield await Publisher.open(connection)
    await connection.close()


def message(queue: str, message_id: str, *, mandatory: bool = True) -> Outgoing:
    return Outgoing("", queue, b"{}", message_id, mandatory=mandatory)


async def test_a_message_that_no_queue_takes_is_known_not_to_be_safe(publisher: Publisher) -> None:
    """Of several in flight exactly those are named, and the channel goes on."""
    sent = [message("registry.commands.dead", f"safe-{number}") for number in range(3)]
    sent.insert(1, message("no.such.queue", "lost-1"))
    sent.append(message("no.such.queue", "lost-2"))

    async with asyncio.timeout(20):
        outcomes = await publisher.publish_many(sent)

    assert [type(one) for one in outcomes] == [
        *(type(None), PublishError),
        *(type(None), type(None), PublishError),
    ]
    with pytest.raises(PublishError):
        await publisher.publish(message("no.such.queue", "lost-3"))
    await publisher.publish(message("registry.commands.dead", "safe-4"))


async def test_what_nobody_need_hear_may_find_no_queue(publisher: Publisher) -> None:
    await publisher.publish(message("no.such.queue", "unheard", mandatory=False))
