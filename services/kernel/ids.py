"""Identifiers: time-ordered ones made by callers, and derived ones that a repeat makes again."""

import secrets
import time
from uuid import UUID, uuid5

_TONNE = UUID("6f9d7f2c-1d6b-5a57-9a63-746f6e6e6521")


def uuid7(unix_ms: int, randomness: int) -> UUID:
    """A version 7 UUID (RFC 9562, section 5.7) from milliseconds since 1970 and 74 random bits."""
    high = (unix_ms & (1 << 48) - 1) << 16 | 0x7000 | randomness >> 62 & 0xFFF
    low = 0b10 << 62 | randomness & (1 << 62) - 1
    return UUID(int=high << 64 | low)


def new_id() -> UUID:
    """A fresh UUIDv7, for callers that make a command; rules and handlers never call this."""
    return uuid7(time.time_ns() // 1_000_000, secrets.randbits(74))


def derived_id(*parts: object) -> UUID:
    """The one UUID that belongs to these parts: the same parts give the same id for ever."""
    return uuid5(_TONNE, "/".join(str(part) for part in parts))
