"""The gateway's life: pools and keys first, then the web server, beside it the broker's session; stopped in reverse."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aio_pika.abc import AbstractConnection
from aiohttp import web

from services.gateway.app import application
from services.gateway.context import House
from services.gateway.hub import ROUTING_KEYS, Hub
from services.gateway.settings import GatewaySettings
from services.gateway.tokens import KEYS_UNREADABLE, Verifier, keys_reader
from services.runtime import connection, deliveries, telemetry
from services.runtime.caller import Caller
from services.runtime.postgres import Pool, opened_pool
from services.runtime.process import Health, admin_server, stop_requested
from services.runtime.tasks import together

EXIT_FAULT = 1
_DRAIN_SECONDS = 5.0
_READING = {"plan_cache_mode": "force_custom_plan", "enable_seqscan": "on"}
"""A filter that is not given must not cost those that are their index; a plan that is made anew may read all."""

log = telemetry.logger("gateway")


@dataclass
class GatewayHealth(Health):
    """Ready when every service's records can be read and commands can be sent."""

    pools: list[Pool] = field(default_factory=list[Pool])

    async def faults(self) -> list[str]:
        found = await super().faults()
        for pool in self.pools:
            found += await Health(pool, is_consuming=True).faults()
        return found


async def serve(settings: GatewaySettings) -> None:
    """Serves until SIGTERM or SIGINT; what is being answered then is answered."""
    stopping = stop_requested()
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(_opened_house(settings))
        health = GatewayHealth(pools=list(house.pools.values()))
        await stack.enter_async_context(admin_server(health, settings.admin_port))
        listening = _listening_to_broker(settings.amqp_url, house, health, stopping)
        await stack.enter_async_context(listening)
        await stack.enter_async_context(_web_server(settings, house, health))
        log.info("ready", url=f"http://{settings.host}:{settings.port}/graphql")
        await stopping.wait()
        house.hub.interrupt("The gateway is stopping.")
    log.info("drained", service="gateway")


@asynccontextmanager
async def _opened_house(settings: GatewaySettings) -> AsyncIterator[House]:
    verifier = await _verifier(settings)
    async with AsyncExitStack() as stack:
        pools = {
            service: await stack.enter_async_context(
                opened_pool(url, f"{service}_read", settings=_READING)
            )
            for service, url in settings.read_urls.items()
        }
        yield House(pools=pools, caller=Caller(), hub=Hub(), verifier=verifier)


async def _verifier(settings: GatewaySettings) -> Verifier:
    """The verifier with the issuer's keys, or one line and exit code 1."""
    read_keys = keys_reader(settings.jwks)
    try:
        keys = await read_keys()
    except KEYS_UNREADABLE as fault:
        print(f"TONNE_JWKS: {settings.jwks} cannot be read: {fault!r}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_FAULT)
    return Verifier(keys, read_keys, settings.token_issuer, settings.token_audience)


@asynccontextmanager
async def _listening_to_broker(
    url: str, house: House, health: Health, stopping: asyncio.Event
) -> AsyncIterator[None]:
    """The broker's session in the background: without it commands are refused and queries go on.

    An outage does not end it. What does is a fault: then the process ends with it, and its supervisor begins anew.
    """

    async def session(connection: AbstractConnection) -> None:
        subscription = await deliveries.exclusive_subscription(
            connection, "gateway.events", "tonne.events", ROUTING_KEYS
        )
        with health.consuming():
            async with together() as group:
                group.create_task(house.caller.run(connection))
                group.create_task(house.hub.run(subscription))

    staying = asyncio.create_task(connection.stay_connected(url, session, asyncio.Event()))
    staying.add_done_callback(lambda _: stopping.set())
    try:
        yield
    finally:
        staying.cancel()
        await asyncio.wait([staying])
    if not staying.cancelled():
        staying.result()


@asynccontextmanager
async def _web_server(
    settings: GatewaySettings, house: House, health: Health
) -> AsyncIterator[None]:
    app = application(house, health, settings.origins, settings.public_address)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield
    finally:
        await runner.cleanup()
