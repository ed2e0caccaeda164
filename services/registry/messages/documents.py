"""The documents that commands about projects bring along."""

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document by its content: the digest is its name, and the content is kept here if it is sent along."""

    kind: str
    """PDD (the project design document), VALIDATION_REPORT, APPLICATION_FORM, COMMITMENT or OTHER."""
    name: str
    sha256: str
    """64 lower-case hexadecimal digits."""
    size_bytes: int
    media_type: str
    content: bytes | None = None
    """Base64 in JSON, at most 256 KiB; of a larger document only the digest is kept."""
