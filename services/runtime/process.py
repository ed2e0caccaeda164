"""A process: consumers, relay and health, started together, drained together, restarted by its supervisor."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from aio_pika.abc import AbstractConnection
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.runtime import clock, connection, deliveries, inbox, publishing, telemetry
from services.runtime.consumer import Consumer, Consumption
from services.runtime.postgres import OUTAGES, Pool, opened_pool
from services.runtime.relay import Relay
from services.runtime.settings import ServiceSettings, read
from services.runtime.tasks import together
from services.runtime.topology import is_listened

log = telemetry.logger("process")


@dataclass
class Health:
    """What ``/readyz`` says: ready once the broker's session stands and the database answers."""

    pool: Pool | None = None
    is_consuming: bool = False

    @contextmanager
    def consuming(self) -> Iterator[None]:
        """The broker's session stands as long as this context."""
        self.is_consuming = True
        try:
            yield
        finally:
            self.is_consuming = False

    async def faults(self) -> list[str]:
        """Why the process is not ready; empty when it is."""
        found = [] if self.is_consuming else ["broker: not consuming"]
        if self.pool is not None:
            try:
                await self.pool.fetchval("SELECT 1", timeout=2)
            except OUTAGES as outage:
                found.append(f"database: {outage!r}")
        return found


Task = Callable[[Callable[[], None]], Coroutine[object, object, None]]
"""Work beside the queues; it is given what to call after each commit, and is cancelled at the end."""


@dataclass(frozen=True)
class Extra:
    """What a service runs beside its commands and events."""

    consumptions: Sequence[Consumption] = ()
    tasks: Sequence[Task] = ()


Settings = TypeVar("Settings", bound=ServiceSettings)


def run(
    service: inbox.Service,
    kind: type[Settings] = ServiceSettings,
    extra: Callable[[Pool, Settings], Extra] = lambda _, __: Extra(),
) -> None:
    """Runs a service until SIGTERM or SIGINT; the exit code is 0 when it was drained."""
    settings = read(kind)
    telemetry.configure(settings.log)
    start(serve(service, settings, extra))


def start(main: Coroutine[object, object, None]) -> None:
    """Runs the coroutine on uvloop where it is installed."""
    gc.freeze()  # what was imported stays for good: no collection need look at it again
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve(
    service: inbox.Service, settings: Settings, extra: Callable[[Pool, Settings], Extra]
) -> None:
    """Consumes commands, events and what the service adds; relays what it has to say."""
    stopping = stop_requested()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(opened_pool(settings.database_url, service.name))
        health = Health(pool)
        await stack.enter_async_context(admin_server(health, settings.admin_port))
        work = extra(pool, settings)
        consumptions = [*_consumptions(service, pool), *work.consumptions]
        relay = Relay(service.name, settings.database_url, is_listened)

        async def session(connection: AbstractConnection) -> None:
            with health.consuming():
                together = Extra(consumptions, work.tasks)
                await _session(service, connection, together, relay, stopping)

        await connection.stay_connected(settings.amqp_url, session, stopping)
    log.info("drained", service=service.name)


def _consumptions(service: inbox.Service, pool: Pool) -> list[Consumption]:
    commands = Consumption(f"{service.name}.commands", inbox.commands_work(service, pool))
    if not service.events:
        return [commands]
    return [commands, Consumption(f"{service.name}.events", inbox.events_work(service, pool))]


async def _session(
    service: inbox.Service,
    connection: AbstractConnection,
    work: Extra,
    relay: Relay,
    stopping: asyncio.Event,
) -> None:
    """One broker connection's work: ends when stopped and drained, or by the connection's loss."""
    publisher = await publishing.Publisher.open(connection)
    subscriptions = [
        await deliveries.Subscription.open(connection, one.queue, one.prefetch, one.read_ahead)
        for one in work.consumptions
    ]
    async with together() as group:
        relaying = group.create_task(relay.run(publisher))
        beside = [group.create_task(task(relay.wake)) for task in work.tasks]
        if service.daily is not None:
            opening = clock.run(service.name, service.daily, publisher)
            beside.append(group.create_task(opening))
        working = [
            group.create_task(Consumer(one, subscription, publisher, relay.wake).run())
            for one, subscription in zip(work.consumptions, subscriptions, strict=True)
        ]
        await stopping.wait()
        for subscription in subscriptions:
            subscription.stop()
        await asyncio.wait(working)
        for task in beside:
            task.cancel()
        relay.stop()
        await asyncio.wait([relaying])
        group.insist()


def stop_requested() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def admin_server(health: Health, port: int) -> AsyncIterator[None]:
    """Serves ``/healthz``, ``/readyz`` and ``/metrics`` on loopback; port 0 serves nothing."""
    runner = web.AppRunner(admin_app(health), access_log=None)
    await runner.setup()
    try:
        if port:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def admin_app(health: Health) -> web.Application:
    """The three addresses that operators ask."""
    app = web.Application()
    add_admin_routes(app, health)
    return app


def add_admin_routes(app: web.Application, health: Health) -> None:
    """Adds the three addresses to an application, the gateway's for instance."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        faults = await health.faults()
        return web.json_response({"faults": faults}, status=503 if faults else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
