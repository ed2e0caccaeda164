"""Messages to settlement as the broker would deliver them, with defaults for what a test does not say."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from services.issuance.messages.batches import CreditsIssued
from services.kernel.ids import new_id
from services.registry.messages.accounts import AccountOpened, TradingAccountOpened
from services.runtime.deliveries import Delivery
from services.runtime.messages import Event, encode, wire_name

VENUE, PROJECT = "CBGEX", "H1"
SELLER, BUYER = "ACC-H1", "ACC-H2"
_numbers = itertools.count(1)


def delivery(
    body: bytes,
    routing_key: str,
    user_id: str,
    *,
    subscription: object = "one",
    age_seconds: float = 0,
) -> Delivery:
    """A message as the broker would deliver it."""
    return Delivery(
        body=body,
        routing_key=routing_key,
        user_id=user_id,
        reply_to=None,
        correlation_id=None,
        deliveries=0,
        received_at=time.monotonic() - age_seconds,
        message=cast("Any", None),
        subscription=subscription,
    )


def enveloped(
    kind: str, source: str, data: object, event_id: str | None = None, **more: str
) -> bytes:
    """A CloudEvent with this content."""
    head = {"specversion": "1.0", "id": event_id or f"e{next(_numbers)}", "source": source}
    return json.dumps(head | {"type": kind, "data": data} | more).encode()


def trade(**changes: object) -> dict[str, Any]:
    """A trade of one tonne that settles, but for the changes."""
    return {
        "venue": VENUE,
        "trade_id": f"H-{next(_numbers)}",
        "method": "LISTING",
        "instrument": {"project": PROJECT, "vintage": 2024},
        "seller_account": SELLER,
        "buyer_account": BUYER,
        "quantity": 1,
        "price": "1.00",
        "currency": "CNY",
        "executed_at": datetime.now(UTC).isoformat(),
    } | changes


def report(
    data: dict[str, Any],
    subscription: object = "one",
    kind: str = "trade.executed",
    venue: str = VENUE,
) -> Delivery:
    """What the venue reports."""
    body = enveloped(kind, f"/venues/{venue}", data)
    return delivery(body, f"{kind}.{venue}", venue, subscription=subscription)


def cash(number: str, fen: int, age_seconds: float = 0, venue: str = VENUE) -> Delivery:
    """A deposit as the bank reports it, or a withdrawal of what is below zero."""
    reported = {
        "bank_reference": f"B{next(_numbers)}",
        "account": number,
        "venue": venue,
        "currency": "CNY",
        "amount_fen": abs(fen),
        "booked_at": datetime.now(UTC).isoformat(),
    }
    kind = "bank.deposit_reported" if fen > 0 else "bank.withdrawal_reported"
    return delivery(enveloped(kind, "/bank", reported), kind, "bank", age_seconds=age_seconds)


def event(
    said: Event, event_id: str | None = None, age_seconds: float = 0, age_days: int = 0
) -> Delivery:
    """An event of another service, effective so many days ago."""
    kind = wire_name(type(said))
    head = {
        "effectiveat": (datetime.now(UTC) - timedelta(days=age_days)).isoformat(),
    }
    body = enveloped(kind, f"/{kind.split('.')[0]}", json.loads(encode(said)), event_id, **head)
    return delivery(body, kind, "registry", age_seconds=age_seconds)


def account(number: str) -> tuple[Event, Event]:
    """An account of a new organisation, which may trade."""
    account_id = new_id()
    return (
        AccountOpened(
            account_id=account_id, number=number, organisation_id=new_id(), kind="TRADER"
        ),
        TradingAccountOpened(
            account_id=account_id,
            number=number,
            trading_account_id=new_id(),
            trading_account=f"TRD-{number}",
        ),
    )


def batch(
    project: str,
    holder: str,
    batch_number: int = 1,
    programme: str = "CCER",
    tonnes: int = 10_000,
) -> CreditsIssued:
    """A new batch."""
    return CreditsIssued(
        batch_id=new_id(),
        programme=programme,
        country="CN",
        project=project,
        vintage=2024,
        batch_number=batch_number,
        first_serial=1,
        last_serial=tonnes,
        tonnes=tonnes,
        holder_account=holder,
        serials=f"{programme}-CN-{project}-2024-{batch_number:03d}-1-{tonnes}",
        is_opening=False,
    )


def issued(
    programme: str,
    project: str,
    batch_id: UUID,
    holder_account: str,
    *,
    buffer_first_serial: int | None = None,
) -> CreditsIssued:
    """A first batch of a hundred credits of 2024."""
    return CreditsIssued(
        batch_id=batch_id,
        programme=programme,
        country="CN",
        project=project,
        vintage=2024,
        batch_number=1,
        first_serial=1,
        last_serial=100,
        tonnes=100,
        holder_account=holder_account,
        serials=f"{programme}-CN-{project}-2024-001-1-100",
        is_opening=False,
        buffer_first_serial=buffer_first_serial,
    )
