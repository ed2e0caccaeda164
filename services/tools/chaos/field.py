"""The field: one running market with proxies before its servers, traffic, and the auditor's ears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import asyncpg

from services.runtime import failpoints
from services.tools.chaos.asking import Asker
from services.tools.chaos.ears import Ears, opened_ears
from services.tools.chaos.founding import founded
from services.tools.chaos.pipes import opened_pipes
from services.tools.chaos.proxy import Proxy, opened_proxy
from services.tools.chaos.schedule import seeded
from services.tools.chaos.sent import Sent
from services.tools.chaos.traffic import Traffic
from services.tools.chaos.world import MARKETS
from services.tools.client import Desk, opened_desk
from services.tools.launcher.places import made_folder
from services.tools.launcher.servers import Servers
from services.tools.stack import Stack, running_stack


@dataclass(frozen=True, slots=True)
class Field:
    """What a run has at hand."""

    stack: Stack
    proxies: list[Proxy]
    failpoints: Path
    traffic: Traffic
    ears: Ears
    desk: Desk
    sent: Sent
    beside: list["asyncio.Task[None]"]
    """What a fault has started and a round must see the end of."""
    random: Random
    """For faults; the traffic has its own, so that neither depends on how fast the other was."""


class Detours:
    """The proxies before the servers, opened when the servers are there."""

    def __init__(self, opened: AsyncExitStack) -> None:
        self._opened = opened
        self.proxies: list[Proxy] = []

    async def __call__(self, servers: Servers) -> Servers:
        """The servers' addresses as the processes are told them."""
        database = await self._before(servers.admin_database_url)
        broker = await self._before(next(iter(servers.amqp_urls.values())))
        return replace(
            servers,
            database_urls={n: _at(u, database) for n, u in servers.database_urls.items()},
            amqp_urls={n: _at(u, broker) for n, u in servers.amqp_urls.items()},
        )

    async def _before(self, url: str) -> int:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        opening = opened_proxy(parts.hostname, parts.port)
        proxy, port = await self._opened.enter_async_context(opening)
        self.proxies.append(proxy)
        return port


def _at(url: str, port: int) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()


@asynccontextmanager
async def opened_field(folder: Path, seed: int) -> AsyncIterator[Field]:
    """A market that is founded, endowed and traded in, with nothing on its way."""
    armed = made_folder(folder / "failpoints")
    async with AsyncExitStack() as opened:
        detours = Detours(opened)
        stack = await opened.enter_async_context(
            running_stack(folder, environment={failpoints.SETTING: str(armed)}, detour=detours)
        )
        ears = await opened.enter_async_context(opened_ears(stack.amqp_urls["operator"]))
        desk = await opened.enter_async_context(opened_desk(stack.graphql_url))
        users = [*(market.venue for market in MARKETS), "bank"]
        pipes = await opened.enter_async_context(opened_pipes(stack.amqp_urls, users))
        sent = Sent()
        asker = Asker(desk, sent)
        world = await founded(asker, stack.token)
        probing = await opened.enter_async_context(opened_desk(stack.graphql_url))
        prober, chance = Asker(probing, sent), seeded(seed, "traffic")
        traffic = Traffic.of(world, asker, prober, pipes, ears, sent, chance)
        yield Field(
            stack,
            detours.proxies,
            armed,
            traffic,
            ears,
            desk,
            sent,
            [],
            seeded(seed, "faults"),
        )


async def administered(field: Field, sql: str, *values: object) -> list[asyncpg.Record]:
    """What the database answers to its administrator, on a connection of its own past all proxies."""
    connection = await asyncpg.connect(field.stack.admin_database_url, timeout=5)
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()
