"""Tokens: who asks, proven by a bearer JWT (ES256) against the issuer's published keys."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import aiohttp
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from services.gateway.errors import Unauthenticated
from services.kernel.actors import Actor, Role
from services.runtime import telemetry

TOKEN_BYTES_MAX = 8 * 1024
JWKS_BYTES_MAX = 64 * 1024
LEEWAY_SECONDS = 60
KEYS_SECONDS_MIN = 60
KEYS_SECONDS_MAX = 600
_ALGORITHM = "ES256"
_ROLES = frozenset(str(role) for role in Role)

log = telemetry.logger("tokens")

KEYS_UNREADABLE = (OSError, ValueError, KeyError, JoseError, aiohttp.ClientError)

ReadKeys = Callable[[], Awaitable[KeySet]]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: an actor until the token expires, or anyone at all."""

    actor: Actor
    expires_at: float | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether no token was shown."""
        return self.expires_at is None

    @property
    def triple(self) -> tuple[str, UUID | None, list[str]]:
        """What every published function asks about its viewer: subject, organisation, roles."""
        return self.actor.subject, self.actor.organisation, sorted(self.actor.roles)


ANYONE = Viewer(Actor(""))


class Verifier:
    """Checks tokens with the issuer's keys, which are read again when a token names an unknown one."""

    def __init__(self, keys: KeySet, read: ReadKeys, issuer: str, audience: str) -> None:
        self._keys = keys
        self._read = read
        self._read_at = time.monotonic()
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def viewer(self, authorization: str | None) -> Viewer:
        """The viewer behind an ``Authorization`` value; raises Unauthenticated if it proves nothing."""
        if not authorization:
            return ANYONE
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated("A bearer token of at most 8 KiB is needed.")
        try:
            return self._viewer_of(await self._claims_of(token.strip()))
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as fault:
            log.info("token refused", reason=f"{type(fault).__name__}: {fault}")
            raise Unauthenticated("The bearer token does not hold, or no longer.") from None

    async def _claims_of(self, token: str) -> dict[str, Any]:
        """The verified claims; the algorithm is ours to choose, never the token's."""
        kid = jws.extract_compact(token.encode()).headers().get("kid")
        age_seconds = time.monotonic() - self._read_at
        is_known = any(key.kid == kid for key in self._keys)
        if age_seconds > KEYS_SECONDS_MAX or (not is_known and age_seconds > KEYS_SECONDS_MIN):
            await self._read_again()
        decoded = jwt.decode(token, self._keys.get_by_kid(kid), algorithms=[_ALGORITHM])
        self._claims.validate(decoded.claims)
        return decoded.claims

    async def _read_again(self) -> None:
        self._read_at = time.monotonic()
        try:
            self._keys = await self._read()
        except KEYS_UNREADABLE as fault:
            log.warning("keys not read, the old ones stay", reason=repr(fault))

    def _viewer_of(self, claims: dict[str, Any]) -> Viewer:
        """Roles that the house does not know are passed over."""
        organisation, roles = claims.get("organisation"), claims.get("roles", [])
        if not _is_subject(claims["sub"]) or not isinstance(roles, list):
            raise TypeError("sub is a printable text and roles is a list")
        actor = Actor(
            subject=claims["sub"],
            organisation=None if organisation is None else UUID(organisation),
            roles=_ROLES.intersection(cast(list[object], roles)),
        )
        return Viewer(actor, float(claims["exp"]) + LEEWAY_SECONDS)


def _is_subject(claim: object) -> bool:
    """Whether it can name an actor: services read no command whose actor has characters that cannot be seen."""
    return isinstance(claim, str) and claim != "" and claim.isprintable()


def keys_reader(source: str) -> ReadKeys:
    """Reads the issuer's public keys from a file or, over https, from a URL."""
    return partial(_keys_of_url if source.startswith("https://") else _keys_of_file, source)


async def _keys_of_file(path: str) -> KeySet:
    return _key_set(Path(path).read_bytes())


async def _keys_of_url(url: str) -> KeySet:
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return _key_set(await response.content.read(JWKS_BYTES_MAX))


def _key_set(body: bytes) -> KeySet:
    """Only public keys of the one curve: whatever else the file holds is passed over."""
    keys = json.loads(body)["keys"]
    ours = [key for key in keys if key.get("kty") == "EC" and key.get("crv") == "P-256"]
    return KeySet(
        [ECKey.import_key({name: key[name] for name in key if name != "d"}) for key in ours]
    )
