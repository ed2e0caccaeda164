"""The real services beside that model: handlers, two venues and a clock on real databases, in the model's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from services.issuance.handlers import SERVICE as ISSUANCE
from services.issuance.messages.conversions import SetConversionTerms
from services.kernel.actors import SYSTEM, Actor
from services.kernel.ids import new_id
from services.kernel.refusals import Refusal
from services.registry.messages.accounts import AccountOpened, TradingAccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.registry.messages.registrations import ProjectRegistered
from services.runtime import outbox
from services.runtime.inbox import Handler, Service
from services.runtime.messages import Command, Event, wire_name
from services.runtime.postgres import Pool, Transaction
from services.settlement.handlers import SERVICE as SETTLEMENT
from services.settlement.messages.market import OpenVenue, SetMarketTerms
from services.tools.auditor import invariants
from tests.handlers.desk import REGISTRAR, Desk
from tests.properties.credit_places import ACCOUNTS, INSTRUMENTS, VENUES, Place, Serial
from tests.properties.credit_trades import BEIJING

START = datetime(2021, 12, 31, 9, tzinfo=BEIJING)
SERVICES: Mapping[str, Service] = {"settlement": SETTLEMENT, "issuance": ISSUANCE}
KINDS = {
    "N": "NATIONAL",
    "A": "ALLOWANCE",
    "L": "NATIONAL_LEGACY",
    "P": "PILOT_ASSOCIATION",
    "Q": "PILOT_ASSOCIATION",
}
FACTORS = {"L": ("P", Decimal("0.5")), "P": ("Q", Decimal("0.9"))}
"""What a programme's credits are converted into."""
FEN = 6_000
"""What everybody has at each venue at first."""
TWICE = "TWICE"
"""How the database refuses what has taken effect before."""
AT_ONCE = ["no_old_outbox", "outbox_row_older_than_60_seconds"]
"""Invariants of a running system, in which a relay empties the outbox."""
_numbers = count(1)


@dataclass
class World:
    """One walk's own accounts, venues and projects, and what stands on record of them."""

    pools: Mapping[str, Pool]
    name: str = field(default_factory=lambda: f"WALK-{next(_numbers)}")
    now: datetime = START
    organisations: Mapping[str, UUID] = field(
        default_factory=lambda: {letter: new_id() for letter in ACCOUNTS}
    )
    batches: dict[UUID, int] = field(default_factory=dict[UUID, int])
    desks: dict[str, Desk] = field(default_factory=dict[str, Desk])

    def full(self, word: str) -> str:
        """The name of an account, venue, programme or project."""
        return f"{self.name}-{word}"

    def of(self, instrument: str) -> dict[str, Any]:
        """Project and vintage, as commands name them."""
        project, vintage = INSTRUMENTS[instrument]
        return {"project": self.full(project), "vintage": vintage}

    def owner(self, account: str) -> Actor:
        """Who acts for the account."""
        roles = frozenset({"owner-operator"})
        return Actor(f"owner-{account}", self.organisations[account], roles)

    @property
    def today(self) -> date:
        return self.now.astimezone(BEIJING).date()

    @property
    def midnight(self) -> datetime:
        """The first instant after this day."""
        return datetime.combine(self.today + timedelta(days=1), time(), BEIJING)

    def report(
        self, venue: str, instrument: str, seller: str, buyer: str, tonnes: int, yuan: int
    ) -> dict[str, Any]:
        """What a venue says of a trade that was executed just now."""
        return self.desks[venue].trade(
            instrument=self.of(instrument),
            seller_account=self.full(seller),
            buyer_account=self.full(buyer),
            quantity=tonnes,
            price=f"{yuan}.00",
            executed_at=self.now.isoformat(),
        )

    async def furnish(self) -> None:
        """Programmes, accounts, projects and terms, in both services, and two venues."""
        for letter, kind in KINDS.items():
            code = self.full(letter)
            programme = ProgrammeRegistered(
                code=code, name=code, country="CN", kind=kind, is_ets_eligible=letter == "N"
            )
            await self.learn(programme, "settlement", "issuance")
        for letter in ACCOUNTS:
            await self._open(letter)
        for source, (target, factor) in FACTORS.items():
            await self._convert(source, target, factor)
        for venue in VENUES:
            await self._admit(venue)

    async def _open(self, letter: str) -> None:
        opened = AccountOpened(
            account_id=new_id(),
            number=self.full(letter),
            organisation_id=self.organisations[letter],
            kind="EMITTER",
        )
        trading = TradingAccountOpened(
            account_id=opened.account_id,
            number=opened.number,
            trading_account_id=new_id(),
            trading_account=f"TRD-{opened.number}",
        )
        await self.learn(opened, "settlement", "issuance")
        await self.learn(trading, "settlement")

    async def _convert(self, source: str, target: str, factor: Decimal) -> None:
        project = ProjectRegistered(
            project_id=new_id(),
            code=self.full(INSTRUMENTS[target][0]),
            programme=self.full(target),
            methodology="M",
            owner_account=self.full("S"),
            country="CN",
            registered_on=date(2020, 1, 1),
            crediting_from=date(2015, 1, 1),
            crediting_until=date(2030, 1, 1),
            validation_body="V",
        )
        await self.learn(project, "issuance")
        terms = SetConversionTerms(
            source_programme=self.full(source),
            target_programme=self.full(target),
            factor=factor,
            valid_from=date(2020, 1, 1),
            source="agreement",
        )
        await self.act(terms, REGISTRAR)

    async def _admit(self, letter: str) -> None:
        desk = Desk(self.pools["settlement"], self.full(letter))
        self.desks[letter] = desk
        desk.work = self.desks[VENUES[0]].work
        await desk.act(OpenVenue(code=desk.name, name=desk.name))
        cycle = "DAY_END" if letter == "D" else "IMMEDIATE"
        for programme in "NA":
            terms = desk.terms(programme=self.full(programme), cycle=cycle)
            await desk.act(SetMarketTerms(terms=terms))
        for account in ACCOUNTS:
            await desk.deposit(self.full(account), FEN)

    async def learn(self, event: Event, *services: str, message_id: str = "") -> list[Event]:
        """What the services say when they hear of this."""
        said: list[Event] = []
        for service in services:
            handler = SERVICES[service].events[type(event)]
            said += await self._run(
                service, handler, event, SYSTEM, message_id or str(new_id()), None
            )
        return said

    async def act(self, command: Command, actor: Actor) -> list[Event]:
        """What comes of a command that a second person has approved."""
        service = wire_name(type(command)).split(".")[0]
        handler = SERVICES[service].commands[type(command)]
        return await self._run(service, handler, command, actor, str(new_id()), "approver-1")

    async def _run(
        self,
        service: str,
        handler: Handler,
        message: Any,
        actor: Actor,
        message_id: str,
        approved_by: str | None,
    ) -> list[Event]:
        at, self.now = self.now, self.now + timedelta(microseconds=1)
        async with self.pools[service].acquire() as connection, connection.transaction():
            tx = Transaction(connection, message_id, actor, at, datetime.now(UTC), approved_by)
            said = list(await handler(tx, message))
            tx = Transaction(connection, str(new_id()), actor, at, tx.recorded_at, approved_by)
            await outbox.append(tx, said)
        return said

    async def attempt(self, act: Any) -> tuple[str | None, list[Event]]:
        """By which code an act is refused, or what it says."""
        try:
            return None, await act
        except Refusal as refusal:
            return refusal.code(), []
        except asyncpg.UniqueViolationError:
            return TWICE, []

    def born(self, batch_id: UUID) -> int:
        """The number of a batch that settlement hears of."""
        return self.batches.setdefault(batch_id, len(self.batches) + 1)

    def batch(self, number: int) -> UUID:
        return next(batch_id for batch_id, known in self.batches.items() if known == number)

    async def places(self) -> dict[Serial, Place]:
        """Where every serial of these accounts is; none is in two places."""
        rows = await self.pools["settlement"].fetch(
            "SELECT batch_id, first_serial, next_serial, account, bucket, venue FROM holding"
            " WHERE account = ANY ($1)",
            [self.full(letter) for letter in ACCOUNTS],
        )
        found: dict[Serial, Place] = {}
        for batch_id, first, following, account, bucket, venue in rows:
            for serial in range(first, following):
                key = self.batches[batch_id], serial
                assert key not in found, f"serial {key} is in two places"
                found[key] = account[-1], bucket, (venue or "")[-1:]
        return found

    async def accounts(self) -> dict[str, tuple[bool, bool, bool]]:
        """Of each account whether it is restricted, frozen and short."""
        rows = await self.pools["settlement"].fetch(
            "SELECT right(number, 1), status <> 'OPEN', cardinality(frozen_by) > 0,"
            " cardinality(short_of) > 0 FROM account WHERE number = ANY ($1)",
            [self.full(letter) for letter in ACCOUNTS],
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    async def cash(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Of each account at each venue what is booked, held and expected."""
        rows = await self.pools["settlement"].fetch(
            "SELECT right(account, 1), right(venue, 1), balance_fen, held_fen, pending_fen"
            " FROM cash_position WHERE account = ANY ($1)",
            [self.full(letter) for letter in ACCOUNTS],
        )
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}

    async def obligations(self) -> dict[str, tuple[str, int, int, int, int]]:
        """Of each account that owes something its state, what is due, the cap, and what was done about it."""
        rows = await self.pools["settlement"].fetch(
            "SELECT right(account, 1), state, due, offset_max, surrendered, offset_used"
            " FROM obligation WHERE account = ANY ($1)",
            [self.full(letter) for letter in ACCOUNTS],
        )
        return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows}

    async def broken(self) -> dict[str, list[Any]]:
        """The invariants of both services that do not hold, whoever broke them."""
        found: dict[str, list[Any]] = {}
        for service, pool in self.pools.items():
            for name, sql in invariants(service).items():
                if name not in AT_ONCE and (rows := await pool.fetch(sql)):
                    found[name] = [dict(row) for row in rows]
        return found


def said_of(events: Sequence[Event], field_name: str) -> list[Any]:
    """What these events say under this name, once each."""
    found = [getattr(event, field_name, None) for event in events]
    return list(dict.fromkeys(one for one in found if one is not None))
