"""``tonne trade``: publishes one trade as its venue and waits for what settlement makes of it."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from services.kernel.clocks import BEIJING
from services.kernel.money import price_fen
from services.runtime.connection import connected
from services.runtime.deliveries import Subscription, exclusive_subscription
from services.runtime.messages import CloudEvent, decode_envelope
from services.tools.client import opened_sender
from services.tools.demo import ACCOUNTS_FILE
from services.tools.launcher.faults import NotRunningError
from services.tools.market_acts import trade_event
from services.tools.records import load_records
from services.tools.stack import Stack
from services.tools.stage import pilot_trade
from services.tools.tape import Trade

SETTLED = "settlement.trade.settled"
_PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The event with which settlement answered; None if it said nothing in time."""

    trade_id: str
    event: CloudEvent | None

    @property
    def is_settled(self) -> bool:
        """Whether credits and cash changed hands."""
        return self.event is not None and self.event.type == SETTLED

    @property
    def text(self) -> str:
        """The event as JSON."""
        if self.event is None:
            return f"trade {self.trade_id} was published; no outcome within {_PATIENCE_SECONDS} s"
        content = json.loads(bytes(self.event.data))
        return json.dumps({"type": self.event.type, "data": content}, ensure_ascii=False, indent=2)


def known_accounts(stack: Stack) -> Mapping[str, str]:
    """The account numbers of the demo's organisations; raises NotRunningError before the demo was loaded."""
    try:
        return json.loads((stack.folder / ACCOUNTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotRunningError("The demo is not loaded", "deploy/tonne demo") from None


def example_trade(tonnes: int, price_yuan: str) -> Trade:
    """Another trade between the two parties of the recycling story, now: its venue has neither band nor hours."""
    told = pilot_trade(load_records().story)
    return Trade(
        venue=told.venue,
        trade_id=f"by-hand-{time.time_ns()}",
        method=told.method,
        instrument=told.instrument,
        seller=told.seller,
        buyer=told.buyer,
        tonnes=tonnes,
        price_fen=price_fen(price_yuan),
        executed_at=datetime.now(UTC).astimezone(BEIJING),
    )


async def publish_trade(stack: Stack, trade: Trade) -> Outcome:
    """Publishes the trade as its venue; listens from before, so that the outcome cannot be missed."""
    message = trade_event(trade, known_accounts(stack))
    connection = await connected(stack.amqp_urls["observer"])
    try:
        outcomes = await exclusive_subscription(
            connection, "observer", "tonne.events", ["settlement.trade.*"]
        )
        async with opened_sender(stack.amqp_urls[trade.venue], trade.venue) as venue:
            await venue.send("tonne.trades", [(f"trade.executed.{trade.venue}", message)])
        return Outcome(trade_id=trade.trade_id, event=await _outcome_of(trade, outcomes))
    finally:
        await connection.close()


async def _outcome_of(trade: Trade, outcomes: Subscription) -> CloudEvent | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                for delivery in await outcomes.next_batch(100, None):
                    event = decode_envelope(delivery.body)
                    if json.loads(bytes(event.data)).get("trade_id") == trade.trade_id:
                        return event
    except TimeoutError:
        return None
