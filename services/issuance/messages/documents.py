"""The documents that commands about monitoring reports bring along."""

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document by its content: the digest is its name, and the content is kept here if it is sent along."""

    name: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size_bytes: int
    media_type: str
    content: bytes | None = None
    """Base64 in JSON, at most 256 KiB; of a larger document only the digest is kept."""
