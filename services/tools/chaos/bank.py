"""Cash as the bank reports it, and what must become of each report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

import msgspec

from services.tools.chaos.purses import Purses
from services.tools.chaos.sent import BOOKED, REFUSED_BY_BOOKS, Message, Sent, Told
from services.tools.chaos.world import MARKETS, World
from services.tools.client import reported


@dataclass
class Bank:
    """What the bank reports."""

    world: World
    purses: Purses
    sent: Sent
    random: Random
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def deposit(self, number: str, venue: str, amount_fen: int) -> Message:
        """Money comes in."""
        self.purses.paid_in(number, venue, amount_fen)
        return self._report("bank.deposit_reported", number, venue, amount_fen, BOOKED)

    def some(self) -> Message:
        """Money comes in or goes out; sometimes more than there is goes out, which cannot be booked."""
        lot, venue = self.random.random(), self.random.choice(MARKETS).venue
        number = self.random.choice(self.world.traders).number
        amount_fen = self.random.randint(1, 1_000_000)
        if lot < 0.6:
            return self.deposit(number, venue, amount_fen)
        kind = "bank.withdrawal_reported"
        if lot < 0.8 and self.purses.cash[number, venue] >= amount_fen:
            self.purses.paid_out(number, venue, amount_fen)
            return self._report(kind, number, venue, amount_fen, BOOKED)
        assert self.world.pauper
        return self._report(kind, self.world.pauper.number, venue, amount_fen, REFUSED_BY_BOOKS)

    def contradicted(self, booked: Message, amount_fen: int) -> Message:
        """A report under the reference of another one, which says otherwise."""
        body = msgspec.json.decode(booked.event.data) | {"amount_fen": amount_fen}
        event = reported(
            "/bank", booked.routing_key, f"ce-{next(self._numbers)}", datetime.now(UTC), body
        )
        return Message("bank", booked.exchange, booked.routing_key, event)

    def _report(self, kind: str, number: str, venue: str, amount_fen: int, becomes: str) -> Message:
        reference = f"BANK-{next(self._numbers)}"
        body = {
            "bank_reference": reference,
            "account": number,
            "venue": venue,
            "currency": "CNY",
            "amount_fen": amount_fen,
            "booked_at": datetime.now(UTC).isoformat(),
        }
        self.sent.cash[reference] = _cash_told(body, kind, becomes)
        event = reported("/bank", kind, reference, datetime.now(UTC), body)
        message = Message("bank", "tonne.bank", kind, event)
        self.sent.messages.append(message)
        return message


def _cash_told(body: Mapping[str, Any], kind: str, becomes: str) -> Told:
    subject = f"cash/{body['bank_reference']}"
    if becomes == REFUSED_BY_BOOKS:
        return Told(subject, becomes, "NOT_ENOUGH_CASH")
    sign = 1 if kind == "bank.deposit_reported" else -1
    names = ("account", "venue", "currency")
    amount = {"amount_fen": sign * body["amount_fen"]}
    return Told(subject, becomes, None, {name: body[name] for name in names} | amount)
