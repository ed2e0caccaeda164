"""Tokens: what holds makes a viewer; whatever is wrong with one, it is never taken for none."""

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from services.gateway import tokens
from services.gateway.errors import Unauthenticated
from services.gateway.tokens import ANYONE, Verifier, Viewer, keys_reader
from services.kernel.actors import Actor

ISSUER, AUDIENCE = "https://issuer.example", "tonne"
ORGANISATION = UUID("01890000-0000-7000-8000-000000000001")
KEY = ECKey.generate_key("P-256", {"kid": "ours"})
FOREIGN = ECKey.generate_key("P-256", {"kid": "ours"})


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that hold, but for the changes; a change to None leaves the claim out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "olga",
        "iat": now,
        "exp": now + 600,
        "organisation": str(ORGANISATION),
        "roles": ["owner-operator", "venue"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(
    key: Any = KEY, algorithm: str = "ES256", kid: str | None = "ours", **changes: Any
) -> str:
    header = {"alg": algorithm} | ({"kid": kid} if kid else {})
    return jwt.encode(header, claims(**changes), key, algorithms=[algorithm])


def unsigned(header: dict[str, Any], signature: str = "") -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims())}.{signature}"


def hashed_with(secret: bytes) -> str:
    """A token under HS256, by no library: those of today refuse a public key as a secret."""
    signed_part = unsigned({"alg": "HS256", "kid": "ours"}).removesuffix(".")
    mac = hmac.digest(secret, signed_part.encode(), "sha256")
    return f"{signed_part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def verifier(*keys: ECKey, later: list[ECKey] | None = None) -> Verifier:
    async def read() -> KeySet:
        if later is None:
            raise OSError("no route")
        return KeySet(list(later))

    return Verifier(KeySet(list(keys or (KEY,))), read, ISSUER, AUDIENCE)


async def viewer(token: str) -> Viewer:
    return await verifier().viewer(f"Bearer {token}")


async def test_a_token_that_holds_makes_its_viewer() -> None:
    found = await viewer(signed())
    roles = frozenset({"owner-operator", "venue"})
    assert found.actor == Actor("olga", ORGANISATION, roles)
    assert found.triple == ("olga", ORGANISATION, ["owner-operator", "venue"])
    assert found.expires_at is not None
    assert not found.is_anonymous


async def test_without_a_token_it_is_anyone() -> None:
    assert await verifier().viewer(None) is ANYONE
    assert await verifier().viewer("") is ANYONE
    assert ANYONE.is_anonymous


async def test_unknown_roles_are_passed_over() -> None:
    found = await viewer(signed(roles=["registrar", "root", "a,registrar", 7]))
    assert found.actor.roles == {"registrar"}


async def test_a_clock_a_minute_off_is_forgiven() -> None:
    assert (await viewer(signed(exp=int(time.time()) - 30))).actor.subject == "olga"


PUBLIC_PEM = KEY.as_pem(private=False)
BAD = {
    "expired": lambda: signed(exp=int(time.time()) - 120),
    "not yet valid": lambda: signed(nbf=int(time.time()) + 600),
    "no expiry": lambda: signed(exp=None),
    "no issuer": lambda: signed(iss=None),
    "other issuer": lambda: signed(iss="https://other.example"),
    "no audience": lambda: signed(aud=None),
    "other audience": lambda: signed(aud="other"),
    "no subject": lambda: signed(sub=None),
    "empty subject": lambda: signed(sub=""),
    "subject no text": lambda: signed(sub=7),
    "subject with a character of no width": lambda: signed(sub="olga\u200b"),
    "subject with a line end": lambda: signed(sub="olga\n"),
    "subject of a control character": lambda: signed(sub="\x00"),
    "roles no list": lambda: signed(roles="registrar"),
    "organisation no id": lambda: signed(organisation="us"),
    "expiry no number": lambda: signed(exp="soon"),
    "algorithm none": lambda: unsigned({"alg": "none", "kid": "ours"}),
    "algorithm none, signed": lambda: unsigned({"alg": "none", "kid": "ours"}, "AAAA"),
    "no algorithm": lambda: unsigned({"kid": "ours"}, "AAAA"),
    "public key as secret": lambda: hashed_with(PUBLIC_PEM),
    "public point as secret": lambda: hashed_with(str(KEY.as_dict()["x"]).encode()),
    "other algorithm": lambda: signed(RSAKey.generate_key(2048, {"kid": "ours"}), "RS256"),
    "foreign key, our name": lambda: signed(FOREIGN),
    "unknown key": lambda: signed(FOREIGN, kid="theirs"),
    "key name as path": lambda: signed(FOREIGN, kid="../../dev/null"),
    "key in its own header": lambda: jwt.encode(
        {"alg": "ES256", "kid": "theirs", "jwk": FOREIGN.as_dict(private=False)}, claims(), FOREIGN
    ),
    "altered": lambda: signed()[:-6] + "AAAAAA",
    "cut": lambda: signed().rsplit(".", 1)[0],
    "too long": lambda: signed(padding="x" * 9_000),
    "no token": lambda: "",
    "noise": lambda: "a.b.c",
    "letters beyond ASCII": lambda: "日.本.語",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_token_that_does_not_hold_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        await viewer(BAD[name]())


async def test_an_unknown_critical_header_is_refused() -> None:
    header = {"alg": "ES256", "kid": "ours", "crit": ["exp2"], "exp2": 1}
    with pytest.raises(Unauthenticated):
        await viewer(unsigned(header, signed().rsplit(".", 1)[1]))


@pytest.mark.parametrize("authorization", ["Basic b2xnYQ==", "Bearer", "olga"])
async def test_another_scheme_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier().viewer(authorization)


async def test_a_new_key_is_read_when_a_token_names_it_but_not_more_than_once_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = ECKey.generate_key("P-256", {"kid": "fresh"})
    checking = verifier(later=[fresh])
    token = f"Bearer {signed(fresh, kid='fresh')}"
    with pytest.raises(Unauthenticated):
        await checking.viewer(token)

    monkeypatch.setattr(tokens, "KEYS_SECONDS_MIN", -1)
    assert (await checking.viewer(token)).actor.subject == "olga"
    with pytest.raises(Unauthenticated):
        await checking.viewer(f"Bearer {signed()}")


async def test_the_old_keys_stay_when_the_new_ones_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "KEYS_SECONDS_MAX", -1)
    assert (await verifier().viewer(f"Bearer {signed()}")).actor.subject == "olga"


async def test_the_key_file_is_read_without_its_private_parts_and_foreign_kinds(
    tmp_path: Path,
) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "rsa"})
    keys = [KEY.as_dict(private=True), rsa.as_dict(private=False), {"kty": "EC", "crv": "P-521"}]
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))

    found = await keys_reader(str(file))()
    assert [key.kid for key in found] == ["ours"]
    assert not next(iter(found)).is_private
