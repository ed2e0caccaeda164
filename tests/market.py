"""A client of the whole market for tests: sends commands, trades and bank reports, and waits for what comes of them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from aio_pika.abc import AbstractConnection, HeadersType

from services.issuance.messages import ApproveCommand as ApproveIssuance
from services.issuance.messages import IssueCredits, RecordReduction
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages import (
    OpenAccount,
    PublishMethodology,
    RegisterOrganisation,
    RegisterProgramme,
    RegisterProject,
    SubmitProject,
)
from services.registry.organisations import check_character
from services.runtime import broker
from services.runtime.broker import Delivery, Outgoing, Publisher, Subscription
from services.runtime.caller import Caller
from services.runtime.messages import Answer, CloudEvent, Command, encode, raw, wire_name
from services.runtime.postgres import Pool
from services.settlement.messages import (
    ApproveCommand,
    MoveFromVenue,
    MoveToVenue,
    OpenVenue,
    RetireCredits,
)
from services.tools.stack import Stack

REGISTRAR = Actor("rita.registrar", None, frozenset({"registrar"}))
APPROVER = Actor("ada.approver", None, frozenset({"approver"}))
HISTORIAN = Actor("hilda.historian", None, frozenset({"historian", "registrar"}))

NATIONAL, PILOT = "CCER", "WEEE-PILOT"
VENUES = {"CBGEX": (NATIONAL, "LISTING"), "HZ-PILOT": (PILOT, "BILATERAL")}
VINTAGE = 2024
PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation with its account, and the person who acts for it."""

    organisation_id: UUID
    account_id: UUID
    account: str
    actor: Actor


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
class Market:
    """A hand on a running stack; one for all tests of a session, with new names for each."""

    stack: Stack
    database: Pool = field(repr=False)
    caller: Caller = field(repr=False)
    connections: Mapping[str, AbstractConnection] = field(repr=False)
    publishers: Mapping[str, Publisher] = field(repr=False)
    events: list[CloudEvent] = field(default_factory=list, repr=False)
    """Every event that the broker has told since the start."""
    dead: list[Delivery] = field(default_factory=list, repr=False)
    """Every dead letter of settlement since the start."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _run: str = field(default_factory=lambda: secrets.token_hex(3).upper())

    def unique(self, prefix: str) -> str:
        """A name that no other test uses."""
        return f"{prefix}-{self._run}-{next(self._numbers)}"

    async def send(
        self,
        command: Command,
        actor: Actor = REGISTRAR,
        *,
        command_id: UUID | str | None = None,
        effective_at: datetime | None = None,
    ) -> Answer:
        """The service's answer to a command, whatever it is."""
        return await self.caller.call(
            enveloped(command, actor, str(command_id or new_id()), effective_at)
        )

    async def accepted(self, command: Command, actor: Actor = REGISTRAR) -> Answer:
        """The answer to a command that must be accepted, or wait for its approval."""
        answer = await self.send(command, actor)
        assert answer.refusal is None, answer.refusal
        return answer

    async def party(self, kind: str = "OWNER") -> Party:
        """A new organisation with an open account of this kind."""
        organisation_id, account_id = new_id(), new_id()
        name = self.unique("Org")
        await self.accepted(
            RegisterOrganisation(
                organisation_id=organisation_id, name=name, credit_code=_credit_code()
            )
        )
        await self.accepted(
            OpenAccount(account_id=account_id, organisation_id=organisation_id, kind=kind)
        )
        account = await self.database.fetchval(
            "SELECT number FROM registry.account WHERE account_id = $1", account_id
        )
        roles = frozenset({"owner-operator"})
        return Party(organisation_id, account_id, account, Actor(f"op@{name}", organisation_id, roles))

    async def project(self, owner: Party, programme: str = NATIONAL) -> str:
        """A new registered project of this owner."""
        code = self.unique("P")
        await self.accepted(
            SubmitProject(
                project_id=new_id(),
                code=code,
                programme=programme,
                methodology=f"{programme}-M",
                owner_account=owner.account,
                name=f"Project {code}",
                province="Sichuan",
                longitude=Decimal("104.5"),
                latitude=Decimal("30.5"),
                construction_started_on=date(2020, 1, 1),
                crediting_from=date(2021, 1, 1),
                crediting_until=date(2030, 12, 31),
                expected_annual_tonnes=100_000,
                validation_body="VVB-1",
            )
        )
        await self.accepted(RegisterProject(code=code))
        return code

    async def issue(self, project: str, tonnes: int, vintage: int = VINTAGE, month: int = 1) -> UUID:
        """A new batch for the project's owner, from the reductions of one month, once settlement has credited it."""
        reduction_id, batch_id = new_id(), new_id()
        await self.accepted(
            RecordReduction(
                reduction_id=reduction_id,
                project=project,
                period_number=(vintage - 2020) * 12 + month,
                period_start=date(vintage, month, 1),
                period_end=date(vintage, month, 28),
                vintage=vintage,
                tonnes=tonnes,
                verification_body="VVB-2",
                evidence="sha256:0",
            )
        )
        waiting = await self.accepted(IssueCredits(batch_id=batch_id, reduction_id=reduction_id))
        assert waiting.approval_id is not None
        await self.accepted(ApproveIssuance(approval_id=waiting.approval_id), APPROVER)
        await self.until(
            "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)", batch_id
        )
        return batch_id

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

    async def publish(
        self, user: str, exchange: str, routing_key: str, body: bytes, *, user_id: str | None
    ) -> None:
        """Publishes with a confirm, as this user of the broker."""
        await self.publishers[user].publish(self.outgoing(exchange, routing_key, body, user_id))

    def outgoing(
        self, exchange: str, routing_key: str, body: bytes, user_id: str | None
    ) -> Outgoing:
        """A message of this body, to be published by anyone."""
        return Outgoing(
            exchange=exchange,
            routing_key=routing_key,
            body=body,
            message_id=secrets.token_hex(8),
            user_id=user_id,
        )

    async def settle(self, trade: Mapping[str, Any]) -> Outcome:
        """Reports a trade and waits for its final outcome."""
        await self.report(trade)
        return await self.outcome(trade)

    async def outcome(self, trade: Mapping[str, Any]) -> Outcome:
        """Waits for the final outcome of a trade."""
        sql = "SELECT state, code, fields FROM settlement.trade WHERE venue = $1 AND trade_id = $2"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (
                found := await self.database.fetchrow(sql, trade["venue"], trade["trade_id"])
            ):
                await asyncio.sleep(_POLL_SECONDS)
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

    async def until(self, sql: str, *args: object, seconds: float = PATIENCE_SECONDS) -> Any:
        """Asks the database until it answers with something true."""
        async with asyncio.timeout(seconds):
            while not (found := await self.database.fetchval(sql, *args)):
                await asyncio.sleep(_POLL_SECONDS)
        return found

    async def told(self, kind: str, subject: str, seconds: float = PATIENCE_SECONDS) -> CloudEvent:
        """Waits until the broker has told an event of this type about this subject."""
        async with asyncio.timeout(seconds):
            while not (found := self.heard(kind, subject)):
                await asyncio.sleep(_POLL_SECONDS)
        return found[0]

    def heard(self, kind: str, subject: str) -> list[CloudEvent]:
        """The events of this type about this subject that the broker has told so far."""
        return [event for event in self.events if (event.type, event.subject) == (kind, subject)]

    async def buried(self, body: bytes) -> HeadersType:
        """Waits for the dead letter with this body; returns its headers."""
        return (await self.buried_where(lambda letter: letter.body == body)).message.headers

    async def buried_where(self, is_meant: Callable[[Delivery], bool]) -> Delivery:
        """Waits for a dead letter of which this is true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := next(filter(is_meant, self.dead), None)):
                await asyncio.sleep(_POLL_SECONDS)
        return found

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


def enveloped(
    command: Command, actor: Actor, command_id: str, effective_at: datetime | None = None
) -> CloudEvent:
    """The command as the gateway would send it for this actor."""
    return CloudEvent(
        specversion="1.0",
        id=command_id,
        source="/gateway",
        type=wire_name(type(command)),
        effectiveat=effective_at or datetime.now(UTC),
        actor=actor.subject,
        actororganisation=actor.organisation,
        actorroles=",".join(sorted(actor.roles)),
        data=raw(encode(command).decode()),
    )


def content(event: CloudEvent) -> dict[str, Any]:
    """What an event says."""
    return msgspec.json.decode(event.data)


def cloud_event(source: str, kind: str, data: object, event_id: str) -> bytes:
    """A CloudEvent as an outsider writes it: plain JSON, by no code of ours."""
    return msgspec.json.encode(
        {"specversion": "1.0", "id": event_id, "source": source, "type": kind, "data": data}
    )


@asynccontextmanager
async def opened_market(stack: Stack) -> AsyncIterator[Market]:
    """A market with its programmes, methodologies and venues, and connections for all who speak."""
    async with AsyncExitStack() as closing:
        database = await closing.enter_async_context(
            asyncpg.create_pool(stack.admin_database_url, min_size=1, max_size=4, init=_prepare)
        )
        users = ("gateway", "observer", "bank", "operator", *VENUES)
        connections: dict[str, AbstractConnection] = {}
        for user in users:
            connection = await broker.connected(stack.amqp_urls[user])
            connections[user] = connection
            closing.push_async_callback(connection.close)
        caller = Caller()
        calling = asyncio.create_task(caller.run(connections["gateway"]))
        publishers = {
            user: await Publisher.open(connections[user]) for user in ("bank", "operator", *VENUES)
        }
        market = Market(stack, database, caller, connections, publishers)
        listening = asyncio.create_task(_listen(connections["observer"], market.events))
        burying = [
            asyncio.create_task(_collect_dead(connections["operator"], queue, market.dead))
            for queue in ("settlement.trades.dead", "settlement.bank.dead")
        ]
        try:
            async with asyncio.timeout(5):
                while not caller.is_connected:
                    await asyncio.sleep(_POLL_SECONDS)
            await _furnish(market)
            yield market
        finally:
            for task in (calling, listening, *burying):
                task.cancel()


async def _furnish(market: Market) -> None:
    kinds = {NATIONAL: "NATIONAL", PILOT: "PILOT_ASSOCIATION"}
    for code, kind in kinds.items():
        await market.accepted(
            RegisterProgramme(
                code=code, name=code, country="CN", kind=kind, is_ets_eligible=kind == "NATIONAL"
            )
        )
        await market.accepted(
            PublishMethodology(
                code=f"{code}-M", programme=code, name="Method", crediting_years_max=40
            )
        )
    for code, (programme, method) in VENUES.items():
        await market.accepted(
            OpenVenue(code=code, name=code, programmes=[programme], methods=[method])
        )


async def _listen(connection: AbstractConnection, events: list[CloudEvent]) -> None:
    subscription = await broker.exclusive_subscription(
        connection, "observer", "tonne.events", ["#"]
    )
    while True:
        for delivery in await subscription.next_batch(100, None):
            events.append(msgspec.json.decode(delivery.body, type=CloudEvent))


async def _collect_dead(connection: AbstractConnection, queue: str, dead: list[Delivery]) -> None:
    subscription = await Subscription.open(connection, queue, prefetch=2000)
    while True:
        dead += await subscription.next_batch(100, None)


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=msgspec.json.encode, decoder=msgspec.json.decode
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _credit_code() -> str:
    body = "91110000" + "".join(secrets.choice("0123456789") for _ in range(9))
    return body + check_character(body)
