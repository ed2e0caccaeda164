"""Documents: the digest of a document is its name, and what is kept has that digest."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.kernel.names import require_text
from services.kernel.refusals import Invalid, OutOfRange

CONTENT_BYTES_MAX = 256 * 1024
"""Above this only the digest is kept: whoever holds the document shows it, and the digest proves it."""
SIZE_BYTES_MAX = 2**40
DOCUMENTS_MAX = 50

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")


class Described(Protocol):
    """A document as a message describes it."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> bytes | None: ...


@dataclass(eq=False)
class DigestMalformed(Invalid):
    """A SHA-256 digest is written with 64 lower-case hexadecimal digits."""

    given: str


@dataclass(eq=False)
class ContentDiffers(Invalid):
    """The content sent along has the stated digest and size."""

    given: str
    expected: str


@dataclass(eq=False)
class DocumentTwice(Invalid):
    """Each document is named once."""

    sha256: str


def require_documents(documents: Sequence[Described]) -> None:
    """Raises a refusal unless every document is well described, is there once, and is what it says."""
    if len(documents) > DOCUMENTS_MAX:
        raise OutOfRange("documents", str(len(documents)), f"at most {DOCUMENTS_MAX}")
    seen: set[str] = set()
    for document in documents:
        require_document(document)
        if document.sha256 in seen:
            raise DocumentTwice(document.sha256)
        seen.add(document.sha256)


def require_document(document: Described) -> None:
    """Raises a refusal unless the document is well described and its content, if it is here, is what it says."""
    require_text("document.name", document.name)
    require_digest(document.sha256)
    if not _MEDIA_TYPE.fullmatch(document.media_type):
        raise OutOfRange("document.media_type", document.media_type[:40], "type/subtype")
    if not 0 < document.size_bytes <= SIZE_BYTES_MAX:
        raise OutOfRange("document.size_bytes", str(document.size_bytes), f"1 to {SIZE_BYTES_MAX}")
    if document.content is not None:
        _require_content(document, document.content)


def require_digest(sha256: str) -> None:
    """Raises DigestMalformed unless it is a SHA-256 digest as we write them."""
    if not _SHA256.fullmatch(sha256):
        raise DigestMalformed(sha256[:64])


def _require_content(document: Described, content: bytes) -> None:
    if len(content) > CONTENT_BYTES_MAX:
        raise OutOfRange("document.content", str(len(content)), f"at most {CONTENT_BYTES_MAX}")
    given = f"{hashlib.sha256(content).hexdigest()}, {len(content)} bytes"
    expected = f"{document.sha256}, {document.size_bytes} bytes"
    if given != expected:
        raise ContentDiffers(given, expected)
