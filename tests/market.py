"""A client of the whole market for tests: sends commands, trades and bank reports, and waits for what comes of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Answer
from services.settlement.messages.approvals import ApproveCommand
from services.settlement.messages.holdings import MoveFromVenue, MoveToVenue
from services.settlement.messages.market import (
    MarketTerms,
    MethodTerms,
    OpenVenue,
    SetMarketTerms,
)
from services.settlement.messages.retirements import RetireCredits
from services.tools.stack import Stack
from tests.register import NATIONAL, PILOT, VINTAGE, Party, Register
from tests.wire import APPROVER, REGISTRAR, cloud_event, content, eventually, opened_wire

__all__ = [
    "APPROVER",
    "NATIONAL",
    "PILOT",
    "REGISTRAR",
    "VINTAGE",
    "Market",
    "Outcome",
    "Party",
    "Seller",
    "cloud_event",
    "content",
    "opened_market",
]

VENUES = {"CBGEX": (NATIONAL, "LISTING"), "HZ-PILOT": (PILOT, "BILATERAL")}


@dataclass(frozen=True, slots=True)
class Seller:
    """An owner with a project whose credits it holds."""

    party: Party
    project: str
    vintage: int
    venue: str

    @property
    def account(self) -> str:
        """The number of its account."""
        return self.party.account


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a reported trade."""

    state: str
    code: str | None
    fields: Mapping[str, str]


@dataclass
class Market(Register):
    """Everything that people, venues and the bank do in a market, with defaults for what a test does not say."""

    async def owner_with_credits(
        self, tonnes: int = 1000, venue: str = "CBGEX", at_venue: int | None = None
    ) -> Seller:
        """A new owner whose new project has one batch, all of it (or ``at_venue`` tonnes) moved to the venue."""
        owner = await self.party()
        seller = Seller(owner, await self.project(owner, VENUES[venue][0]), VINTAGE, venue)
        await self.issue(seller.project, tonnes)
        moving = tonnes if at_venue is None else at_venue
        if moving:
            await self.move_to_venue(seller, moving)
        return seller

    async def move_to_venue(self, seller: Seller, tonnes: int) -> None:
        """Moves an owner's credits from the registry to the venue."""
        await self.accepted(self.move(seller, tonnes), seller.party.actor)

    def move(
        self,
        seller: Seller,
        tonnes: int,
        kind: type[MoveToVenue] | type[MoveFromVenue] = MoveToVenue,
    ) -> MoveToVenue | MoveFromVenue:
        """The command that moves an owner's credits to its venue, or back."""
        return kind(
            move_id=new_id(),
            account=seller.account,
            venue=seller.venue,
            project=seller.project,
            vintage=seller.vintage,
            tonnes=tonnes,
        )

    async def buyer_with_cash(
        self, fen: int = 100_000_000, venue: str = "CBGEX", kind: str = "TRADER"
    ) -> Party:
        """A new organisation with this much cash at the venue."""
        buyer = await self.party(kind)
        await self.deposit(buyer.account, fen, venue)
        return buyer

    async def deposit(self, account: str, fen: int, venue: str = "CBGEX") -> str:
        """Reports a deposit and waits until it is booked or rejected; returns the bank's reference."""
        reported = self.cash(account, fen, venue)
        await self.report_cash(reported)
        await self.bank_outcome(reported["bank_reference"])
        return reported["bank_reference"]

    def cash(self, account: str, fen: int, venue: str = "CBGEX") -> dict[str, Any]:
        """The data of a bank report that is in order."""
        return {
            "bank_reference": self.unique("BANK"),
            "account": account,
            "venue": venue,
            "currency": "CNY",
            "amount_fen": fen,
            "booked_at": _now(),
        }

    async def report_cash(
        self, reported: Mapping[str, Any], kind: str = "bank.deposit_reported"
    ) -> None:
        """Publishes what the bank reports."""
        body = cloud_event("/bank", kind, reported, self.unique("bank"))
        await self.publish("bank", "tonne.bank", kind, body, user_id="bank")

    async def bank_outcome(self, reference: str) -> tuple[str, str | None]:
        """Waits for what came of a bank report: its state and the code of a rejection."""
        found = await self.until(
            "SELECT (state, code) FROM settlement.bank_report WHERE bank_reference = $1", reference
        )
        return found[0], found[1]

    def trade(self, seller: Seller, buyer: Party, **changes: object) -> dict[str, Any]:
        """The data of a trade that settles, but for the changes."""
        return {
            "venue": seller.venue,
            "trade_id": self.unique("T"),
            "method": VENUES[seller.venue][1],
            "instrument": {"project": seller.project, "vintage": seller.vintage},
            "seller_account": seller.account,
            "buyer_account": buyer.account,
            "quantity": 10,
            "price": "70.76",
            "currency": "CNY",
            "executed_at": _now(),
        } | changes

    async def report(self, trade: Mapping[str, Any], kind: str = "trade.executed") -> None:
        """Publishes what a venue reports, as the venue's own user."""
        venue = trade["venue"]
        body = cloud_event(f"/venues/{venue}", kind, trade, self.unique("ce"))
        await self.publish_body(body, venue=venue, kind=kind)

    async def publish_body(
        self, body: bytes, *, venue: str = "CBGEX", kind: str = "trade.executed", **changes: Any
    ) -> None:
        """Publishes any body as this venue's user; ``routing_key`` and ``user_id`` may be changed."""
        routing_key = changes.get("routing_key", f"{kind}.{venue}")
        user_id = changes.get("user_id", venue)
        await self.publish(venue, "tonne.trades", routing_key, body, user_id=user_id)

    async def settle(self, trade: Mapping[str, Any]) -> Outcome:
        """Reports a trade and waits for its final outcome."""
        await self.report(trade)
        return await self.outcome(trade)

    async def outcome(self, trade: Mapping[str, Any]) -> Outcome:
        """Waits for the final outcome of a trade."""
        sql = "SELECT state, code, fields FROM settlement.trade WHERE venue = $1 AND trade_id = $2"
        key = trade["venue"], trade["trade_id"]
        found = await eventually(lambda: self.database.fetchrow(sql, *key))
        assert found
        return Outcome(found["state"], found["code"], found["fields"] or {})

    async def guessed_account(self) -> str:
        """The number that the next opened account will have."""
        last = await self.party("TRADER")
        return f"ACC-{int(last.account.removeprefix('ACC-')) + 1:08d}"

    @asynccontextmanager
    async def nothing_settling(self) -> AsyncIterator[None]:
        """No trade is decided within: the fence is locked, as by another process that decides trades."""
        async with self.database.acquire() as connection, connection.transaction():
            await connection.execute("SELECT epoch FROM settlement.fence FOR UPDATE")
            yield

    async def until_waiting(self, trade: Mapping[str, Any]) -> None:
        """Waits until a trade is stored to wait."""
        await self.until(
            "SELECT EXISTS (SELECT FROM settlement.waiting_trade WHERE trade_id = $1)",
            trade["trade_id"],
        )

    async def retire(
        self, seller: Seller, tonnes: int, command_id: UUID | None = None, **changes: Any
    ) -> Answer:
        """Asks for a retirement as the owner; the answer is an approval to be given, or a refusal."""
        command = self.retirement(seller, tonnes, **changes)
        return await self.send(command, seller.party.actor, command_id=command_id)

    def retirement(self, seller: Seller, tonnes: int, **changes: Any) -> RetireCredits:
        """A retirement that is in order, but for the changes."""
        wanted = RetireCredits(
            retirement_id=new_id(),
            account=seller.account,
            project=seller.project,
            vintage=seller.vintage,
            tonnes=tonnes,
            purpose="ENTERPRISE_OFFSET",
            beneficiary_name="Beneficiary Ltd",
            beneficiary_id="91110000000000000A",
            beneficiary_country="CN",
            reporting_period="2025",
            reason="own emissions",
        )
        return msgspec.structs.replace(wanted, **changes)

    async def approve(self, answer: Answer, actor: Actor = APPROVER) -> Answer:
        """Approves what waits at settlement."""
        assert answer.approval_id is not None
        return await self.send(ApproveCommand(approval_id=answer.approval_id), actor)

    async def set_terms(self, terms: MarketTerms) -> None:
        """Sets the rules of a market, by two persons."""
        asked = await self.send(SetMarketTerms(terms=terms), REGISTRAR)
        answer = await self.approve(asked)
        assert answer.outcome == Answer.ACCEPTED, answer.refusal

    async def tonnes(self, account: str, bucket: str) -> int:
        """What the account holds in this bucket, of whatever project."""
        return await self.database.fetchval(
            "SELECT coalesce(sum(next_serial - first_serial), 0)::bigint"
            " FROM settlement.holding WHERE account = $1 AND bucket = $2",
            account,
            bucket,
        )

    async def fen(self, account: str) -> int:
        """What the account has in cash, at all venues."""
        return await self.database.fetchval(
            "SELECT coalesce(sum(balance_fen), 0)::bigint FROM settlement.cash_position"
            " WHERE account = $1",
            account,
        )


def open_terms(venue: str, programme: str, method: str = "LISTING", **changed: Any) -> MarketTerms:
    """Terms under which trades settle at once, on every day, at any price: what a test does not say, stops nothing."""
    terms = MarketTerms(
        venue=venue,
        programme=programme,
        valid_from=date(2024, 1, 1),
        cycle="IMMEDIATE",
        methods=(MethodTerms(method=method),),
        calendar="EVERY_DAY",
        gap_trading_days=0,
        listing_trading_days=0,
    )
    return msgspec.structs.replace(terms, **changed)


@asynccontextmanager
async def opened_market(stack: Stack) -> AsyncIterator[Market]:
    """A market with its programmes, methodologies and venues."""
    async with opened_wire(Market, stack) as market:
        await market.furnish()
        for code, (programme, method) in VENUES.items():
            await market.accepted(OpenVenue(code=code, name=code))
            await market.set_terms(open_terms(code, programme, method))
        yield market


def _now() -> str:
    return datetime.now(UTC).isoformat()
