"""Servers that the environment names: addresses for other users, and the topology through the broker's own API."""

import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp

from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.programs import accepts_user

_MANAGEMENT_PORT = 15672
_TIMEOUT = aiohttp.ClientTimeout(total=30)


def with_user(url: str, user: str, password: str, path: str | None = None) -> str:
    """The same server for another user, and in another database or vhost if one is named."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{place}"
    return urlunsplit(
        parts._replace(netloc=netloc, path=parts.path if path is None else f"/{path}")
    )


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _management_url(amqp_url: str) -> str:
    """Where the broker's management API is: as TONNE_AMQP_ADMIN_URL says, or at its usual port; with the same user."""
    given = urlsplit(os.environ.get("TONNE_AMQP_ADMIN_URL", ""))
    parts = urlsplit(amqp_url)
    user, _, place = parts.netloc.rpartition("@")
    if given.netloc:
        return urlunsplit(
            given._replace(netloc=given.netloc if given.username else f"{user}@{given.netloc}")
        )
    scheme = "https" if parts.scheme == "amqps" else "http"
    host = place.removesuffix(f":{parts.port}")
    return urlunsplit((scheme, f"{user}@{host}:{_MANAGEMENT_PORT}", "", "", ""))


async def import_definitions(amqp_url: str, definitions: Mapping[str, object]) -> None:
    """Declares the topology on a broker that runs; raises ServerMissingError if its API does not let us."""
    url = _management_url(amqp_url).rstrip("/") + "/api/definitions"
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, json=definitions) as answer,
        ):
            answer.raise_for_status()
    except (OSError, TimeoutError, aiohttp.ClientError) as fault:
        raise ServerMissingError(
            f"The broker at {without_password(url)} did not take the topology: {fault}",
            "enable its management plugin, name it in TONNE_AMQP_ADMIN_URL,"
            " or have an administrator import what deploy/tonne topology --print says",
        ) from fault


async def ensure_topology(amqp_url: str, definitions: Mapping[str, object], known_url: str) -> None:
    """Declares the topology, unless an administrator did so before: then the user of ``known_url`` may enter."""
    try:
        await import_definitions(amqp_url, definitions)
    except ServerMissingError:
        if not await accepts_user(known_url):
            raise
