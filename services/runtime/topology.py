"""The broker's topology as a RabbitMQ definitions file: exchanges, quorum queues, users and their rights."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence

VHOST = "tonne"
DELIVERY_LIMIT = 20

_ACCOUNTS = (
    "registry.account.closed",
    "registry.account.opened",
    "registry.account.operator_appointed",
    "registry.account.operator_dismissed",
    "registry.account.restricted",
    "registry.account.restriction_lifted",
)
LISTENERS: Mapping[str, Sequence[str]] = {
    "issuance": (
        *_ACCOUNTS,
        "registry.calendar.days_added",
        "registry.methodology.published",
        "registry.organisation.registered",
        "registry.programme.registered",
        "registry.project.cancelled",
        "registry.project.registered",
        "registry.project.revoked",
        "registry.role.assigned",
        "registry.role.ended",
        "settlement.conversion.refused",
        "settlement.conversion.source_cancelled",
    ),
    "settlement": (
        *_ACCOUNTS,
        "registry.account.trading_account_opened",
        "registry.calendar.days_added",
        "registry.programme.registered",
        "issuance.conversion.requested",
        "issuance.credits.issued",
        "issuance.reductions.revoked",
        "issuance.obligation.set",
    ),
}
"""Which events a service learns from: these come to its queue ``<service>.events``, and no others."""
_LISTENED = frozenset(one for learned in LISTENERS.values() for one in learned)

SERVICES = ("registry", "issuance", "settlement")
VENUES = ("CBGEX", "HZ-PILOT", "SEEE")
EXCHANGES = {
    "tonne.commands": "direct",
    "tonne.events": "topic",
    "tonne.trades": "topic",
    "tonne.bank": "topic",
}


ORDERED = ("settlement.trades", "settlement.bank")
"""Queues with one active consumer: what was sent first counts first, and a second process stands by."""
OUTCOME_DAYS = 7
"""How long a venue may be away before the oldest outcomes leave its queue; GraphQL still has them."""


def is_listened(event_type: str) -> bool:
    """Whether a service of ours must hear of events of this type."""
    return event_type in _LISTENED


def queue_names() -> list[str]:
    """Every durable queue that has a dead-letter queue beside it."""
    commands = [f"{service}.commands" for service in SERVICES]
    events = [f"{service}.events" for service in LISTENERS]
    return [*commands, *events, "settlement.trades", "settlement.bank"]


def users() -> list[str]:
    """Every user of the broker; a venue's name is its venue code."""
    return [*SERVICES, "gateway", "observer", "bank", "operator", *VENUES]


def definitions(
    passwords: Mapping[str, str], commands: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """The definitions file for these passwords by user and these wire names of commands by service."""
    return {
        "vhosts": [{"name": VHOST}],
        "users": [_user(name, passwords[name]) for name in users()],
        "permissions": [_permission(name) for name in users()],
        "topic_permissions": [_venue_permission(venue) for venue in VENUES],
        "policies": [],
        "exchanges": [_exchange(name, kind) for name, kind in EXCHANGES.items()],
        "queues": [
            *(queue for name in queue_names() for queue in (_queue(name), _dead_queue(name))),
            *(_outcome_queue(venue) for venue in VENUES),
        ],
        "bindings": [
            *(
                _binding("tonne.commands", f"{s}.commands", n)
                for s in SERVICES
                for n in commands[s]
            ),
            *(
                _binding("tonne.events", f"{s}.events", p)
                for s, ps in LISTENERS.items()
                for p in ps
            ),
            _binding("tonne.trades", "settlement.trades", "#"),
            _binding("tonne.bank", "settlement.bank", "#"),
            *(_binding("tonne.events", outcomes(v), f"settlement.*.*.{v}") for v in VENUES),
        ],
    }


def _exchange(name: str, kind: str) -> dict[str, object]:
    return _declared(name) | {"type": kind, "internal": False}


def _queue(name: str) -> dict[str, object]:
    arguments: dict[str, object] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": f"{name}.dead",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    if name in ORDERED:
        arguments["x-single-active-consumer"] = True
    return _declared(name) | {"arguments": arguments}


def _dead_queue(name: str) -> dict[str, object]:
    return _declared(f"{name}.dead") | {"arguments": {"x-queue-type": "quorum"}}


def outcomes(venue: str) -> str:
    """The queue on which a venue finds what became of its trades and days."""
    return f"venue.{venue}.outcomes"


def _outcome_queue(venue: str) -> dict[str, object]:
    arguments = {"x-queue-type": "quorum", "x-message-ttl": OUTCOME_DAYS * 86_400_000}
    return _declared(outcomes(venue)) | {"arguments": arguments}


def _declared(name: str) -> dict[str, object]:
    return {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}


def _binding(source: str, queue: str, routing_key: str) -> dict[str, object]:
    return {
        "source": source,
        "vhost": VHOST,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": routing_key,
        "arguments": {},
    }


def _user(name: str, password: str) -> dict[str, object]:
    """RabbitMQ's salted SHA-256: four bytes of salt, then the digest of salt and password."""
    salt = secrets.token_bytes(4)
    hashed = salt + hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(hashed).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "administrator" if name == "operator" else "",
    }


def _permission(name: str) -> dict[str, object]:
    configure, write, read = _rights(name)
    return {"user": name, "vhost": VHOST, "configure": configure, "write": write, "read": read}


def _rights(name: str) -> tuple[str, str, str]:
    """What a user may configure, write and read; only the gateway may write commands."""
    if name == "operator":
        return ".*", ".*", ".*"
    if name in SERVICES:
        return "^$", r"^(tonne\.events|amq\.default)$", rf"^{name}\.(commands|events|trades|bank)$"
    if name == "gateway":
        return r"^gateway\.", r"^(tonne\.commands|gateway\..*)$", r"^(tonne\.events|gateway\..*)$"
    if name == "observer":
        return r"^observer\.", r"^observer\.", r"^(tonne\.events|observer\..*)$"
    if name == "bank":
        return "^$", r"^tonne\.bank$", "^$"
    return "^$", r"^tonne\.trades$", rf"^venue\.{re.escape(name)}\.outcomes$"


def _venue_permission(venue: str) -> dict[str, object]:
    """A venue writes under its own name only (the broker's user name is the venue code)."""
    name = re.escape(venue).replace("\\-", "-")
    pattern = rf"^(trade\.(executed|cancelled)|venue\.day_closed)\.{name}$"
    return {
        "user": venue,
        "vhost": VHOST,
        "exchange": "tonne.trades",
        "write": pattern,
        "read": "^$",
    }
