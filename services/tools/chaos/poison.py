"""Poison: messages that nobody can handle, from those who may publish, each for one queue's dead letters."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any

import msgspec

from services.tools.chaos.sent import Poison

_OVERSIZED_BYTES = 1_200_000
_DEEP = b"[" * 20_000 + b"]" * 20_000
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Dose:
    """A message as it goes to the broker, and where it must end."""

    user: str
    exchange: str
    routing_key: str
    user_id: str | None
    body: bytes
    queue: str

    @property
    def poison(self) -> Poison:
        """What the auditor looks for."""
        return Poison(self.queue, sha256(self.body).hexdigest())


def doses(venue: str) -> Iterator[Dose]:
    """One of each kind for every queue; all bodies differ from any before."""
    for body in _bodies(f"trade.executed.{venue}"):
        yield _trade(venue, body)
    yield from _foreign(venue)
    for body in _bodies("bank.deposit_reported"):
        yield Dose("bank", "tonne.bank", "bank.deposit_reported", "bank", body, _dead("bank"))
    for name in (
        "settlement.move_to_venue",
        "issuance.issue_credits",
        "registry.register_organisation",
    ):
        queue = f"{name.partition('.')[0]}.commands.dead"
        for body in _bodies(name):
            yield Dose("gateway", "tonne.commands", name, None, body, queue)
    for body in _bodies("issuance.credits.issued"):
        yield Dose(
            "operator", "tonne.events", "issuance.credits.issued", None, body, _dead("events")
        )


def _trade(venue: str, body: bytes, user: str | None = None, user_id: str | None = None) -> Dose:
    key = f"trade.executed.{venue}"
    return Dose(user or venue, "tonne.trades", key, user_id or venue, body, _dead("trades"))


def _foreign(venue: str) -> Iterator[Dose]:
    """What reads like a trade of this venue, and was not sent by it."""
    key = f"trade.executed.{venue}"
    for user_id in (None, "operator"):
        body = _event(f"/venues/{venue}", "trade.executed", _named(venue))
        yield Dose("operator", "tonne.trades", key, user_id, body, _dead("trades"))
    yield _trade(venue, _event("/venues/ELSEWHERE", "trade.executed", _named(venue)))
    yield _trade(venue, _event(f"/venues/{venue}", "trade.executed", _named("ELSEWHERE")))
    yield _trade(venue, _event(f"/venues/{venue}", "bank.deposit_reported", _named(venue)))
    yield _trade(venue, _event(f"/venues/{venue}", "trade.executed", _named(venue, "T-\0")))


def _bodies(kind: str) -> Iterator[bytes]:
    """What cannot be read, whatever the queue."""
    number = next(_numbers)
    yield f"not JSON {number}".encode()
    yield f'{{"specversion": "1.0", "id": "half-{number}", "sou'.encode()
    yield b'{"id": "\xff\xfe%d"}' % number
    yield _DEEP + b" " * number
    yield msgspec.json.encode({"specversion": "0.3", "id": f"p-{number}", "source": "/p"})
    yield msgspec.json.encode({"specversion": "1.0", "id": f"p-{number}\0", "source": "/p"})
    yield b"x" * (_OVERSIZED_BYTES + number)
    yield _event("/poison", kind, [number], event_id=f"no-uuid-{number}")


def _event(source: str, kind: str, data: object, event_id: str | None = None) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event_id or f"p-{next(_numbers)}",
            "source": source,
            "type": kind,
            "data": data,
        }
    )


def _named(venue: str, trade_id: str | None = None) -> dict[str, Any]:
    return {"venue": venue, "trade_id": trade_id or f"P-{next(_numbers)}"}


def _dead(name: str) -> str:
    return f"settlement.{name}.dead"
