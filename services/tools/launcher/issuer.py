"""The local issuer of the demo: one ES256 key, its public half as a JWKS file, and tokens for whoever asks."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from services.tools.launcher.places import write_private

ISSUER = "tonne-local"
AUDIENCE = "tonne"
KEY_FILE, JWKS_FILE = "issuer.json", "jwks.json"

_TOKEN_SECONDS = 12 * 60 * 60


def prepared_key(folder: Path) -> Path:
    """The file of the private key, made with its JWKS where missing."""
    path = folder / KEY_FILE
    if not path.exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_private(folder / JWKS_FILE, json.dumps(KeySet([key]).as_dict(private=False)))
        write_private(path, json.dumps(key.as_dict(private=True)))
    return path


def signed_token(
    key_file: Path,
    subject: str,
    organisation: UUID | str | None,
    roles: Sequence[str],
    seconds: int = _TOKEN_SECONDS,
) -> str:
    """A bearer token for this person."""
    key = ECKey.import_key(json.loads(key_file.read_text(encoding="utf-8")))
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + seconds,
        "roles": list(roles),
    }
    if organisation:
        claims["organisation"] = str(organisation)
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
