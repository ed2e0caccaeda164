"""An emitter on real books: its allowances and credits, what it owes, and what people and time do about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from services.issuance.messages.batches import CreditsIssued
from services.issuance.messages.compliance import ObligationSet
from services.kernel.actors import SYSTEM, Actor
from services.kernel.clocks import BEIJING, market_day
from services.kernel.ids import new_id
from services.kernel.refusals import Refusal
from services.registry.messages.accounts import AccountOpened
from services.registry.messages.programmes import ProgrammeRegistered
from services.runtime.messages import Command, Event
from services.runtime.postgres import Pool, Transaction
from services.settlement.handlers import SERVICE
from services.settlement.messages.freezes import EnforceTransfer
from services.settlement.messages.market import OpenDay
from services.settlement.messages.obligations import EnforceObligation
from services.settlement.messages.retirements import RetireCredits
from services.tools.auditor import invariants
from tests.handlers import deliveries

AUTHORITY = Actor("authority-1", None, frozenset({"authority"}))
REGISTRAR = Actor("registrar-1", None, frozenset({"registrar"}))
DEADLINE = datetime(2027, 1, 1, tzinfo=BEIJING)
BEFORE, LAST = DEADLINE - timedelta(days=90), DEADLINE - timedelta(seconds=1)
KINDS = {"A": "ALLOWANCE", "C": "NATIONAL", "W": "PILOT_ASSOCIATION", "L": "ALLOWANCE"}
"""The programmes: of allowances, of credits that may be offset, of a pilot, and of a local scheme's allowances."""
_numbers = count(1)


@dataclass
class Emitter:
    """One emitter, and another owner of whose projects it has credits; names are new for each."""

    pool: Pool
    reads: Pool
    """The gateway's."""
    name: str = field(default_factory=lambda: f"ETS-{next(_numbers)}")
    organisation: UUID = field(default_factory=new_id)

    @property
    def account(self) -> str:
        return f"{self.name}-E"

    @property
    def owner(self) -> str:
        return f"{self.name}-S"

    @property
    def operator(self) -> Actor:
        return Actor("operator-1", self.organisation, frozenset({"owner-operator"}))

    async def furnish(self) -> None:
        """The programmes and the two accounts."""
        for letter, kind in KINDS.items():
            code = self.programme(letter)
            await self.learn(
                ProgrammeRegistered(
                    code=code, name=code, country="CN", kind=kind, is_ets_eligible=letter == "C"
                )
            )
        for number, organisation in ((self.account, self.organisation), (self.owner, new_id())):
            await self.learn(
                AccountOpened(
                    account_id=new_id(),
                    number=number,
                    organisation_id=organisation,
                    kind="EMITTER",
                )
            )

    def programme(self, letter: str) -> str:
        return f"{self.name}-{letter}"

    async def allowances(
        self, tonnes: int, vintage: int = 2025, at: datetime = BEFORE
    ) -> CreditsIssued:
        """Allowances are issued to the emitter."""
        return await self.issue("A", self.account, tonnes, vintage, at=at)

    async def credits(
        self,
        tonnes: int,
        registered_on: date | None = date(2025, 6, 1),
        letter: str = "C",
        holder: str = "",
    ) -> UUID:
        """Credits that were issued to another owner, or to this holder, come to the emitter."""
        first = holder or self.owner
        batch = await self.issue(letter, first, tonnes, 2023, registered_on)
        if first != self.account:
            await self.act(
                EnforceTransfer(
                    transfer_id=new_id(),
                    from_account=first,
                    to_account=self.account,
                    ground="INHERITANCE",
                    document_sha256="0" * 64,
                    reason="bought",
                    project=self.programme(letter),
                    vintage=2023,
                    tonnes=tonnes,
                )
            )
        return batch.batch_id

    async def issue(
        self,
        letter: str,
        holder: str,
        tonnes: int,
        vintage: int,
        registered_on: date | None = None,
        at: datetime = BEFORE,
    ) -> CreditsIssued:
        """A batch of the instrument that is called like its programme."""
        code = self.programme(letter)
        batch: CreditsIssued = msgspec.structs.replace(
            deliveries.batch(code, holder, next(_numbers), code, tonnes),
            vintage=vintage,
            registered_on=registered_on,
        )
        await self.learn(batch, at)
        return batch

    async def owes(self, due: int, version: int = 1, at: datetime = BEFORE, **changes: Any) -> Any:
        """Issuance says what is due for 2025; returns what settlement says to it."""
        said = ObligationSet(
            compliance_id=UUID(int=1),
            account=self.account,
            organisation_id=self.organisation,
            emission_year=2025,
            due=due,
            offset_max=due * 5 // 100,
            deadline=DEADLINE,
            allowance_vintages=(2025, 2026),
            credits_registered_after=date(2024, 1, 22),
            plan="CEA-2025-2026",
            is_draft=True,
            version=version,
            programme=self.programme("A"),
        )
        return await self.learn(msgspec.structs.replace(said, **changes), at)

    async def learn(self, event: Event, at: datetime = BEFORE) -> Sequence[Event]:
        """Settlement hears of this."""
        return await self._run(SERVICE.events[type(event)], event, SYSTEM, at)

    async def act(
        self, command: Command, actor: Actor = REGISTRAR, at: datetime = BEFORE
    ) -> Sequence[Event]:
        """A command is carried out, approved by a second person."""
        return await self._run(SERVICE.commands[type(command)], command, actor, at)

    async def _run(self, handler: Any, message: Any, actor: Actor, at: datetime) -> Sequence[Event]:
        async with self.pool.acquire() as connection, connection.transaction():
            tx = Transaction(
                connection, str(new_id()), actor, at, datetime.now(UTC), approved_by="approver-1"
            )
            return await handler(tx, message)

    async def code(
        self, command: Command, actor: Actor = REGISTRAR, at: datetime = BEFORE
    ) -> str | None:
        """By which a command is refused; None if it took effect."""
        try:
            await self.act(command, actor, at)
        except Refusal as refusal:
            return refusal.code()
        return None

    async def surrender(self, tonnes: int, at: datetime = BEFORE, **changes: Any) -> str | None:
        """By which the surrender of allowances is refused; None if it counts."""
        given: dict[str, Any] = {"vintage": 2025, "purpose": "ETS_SURRENDER"} | changes
        return await self.code(self.use("A", tonnes, **given), self.operator, at)

    async def offset(
        self, tonnes: int, at: datetime = BEFORE, letter: str = "C", **changes: Any
    ) -> str | None:
        """By which the offset of credits is refused; None if it counts."""
        return await self.code(self.use(letter, tonnes, **changes), self.operator, at)

    def use(self, letter: str, tonnes: int, **changes: Any) -> RetireCredits:
        """An offset, but for the changes."""
        wanted = RetireCredits(
            retirement_id=new_id(),
            account=self.account,
            project=self.programme(letter),
            vintage=2023,
            tonnes=tonnes,
            purpose="ETS_OFFSET_NATIONAL",
            beneficiary_name="Power Station",
            beneficiary_id="91110000000000000A",
            beneficiary_country="CN",
            reporting_period="2025",
            reason="emissions",
        )
        return msgspec.structs.replace(wanted, **changes)

    def enforcement(self, tonnes: int, **changes: Any) -> EnforceObligation:
        """What an authority orders."""
        wanted = EnforceObligation(
            retirement_id=new_id(),
            account=self.account,
            emission_year=2025,
            project=self.programme("A"),
            vintage=2025,
            tonnes=tonnes,
            beneficiary_name="Power Station",
            beneficiary_id="91110000000000000A",
            document_sha256="1" * 64,
            reason="overdue",
        )
        return msgspec.structs.replace(wanted, **changes)

    async def open_day(self, at: datetime) -> list[Event]:
        """The clock opens a day; returns what settlement says of this emitter."""
        said = await self.act(OpenDay(date=market_day(at)), at=at)
        return [one for one in said if self.account in one.subject]

    async def obligation(self, year: int = 2025) -> tuple[Any, ...]:
        """Its state, what was surrendered, offset, and whether there is a proof."""
        found = await self.pool.fetchrow(
            "SELECT state, surrendered, offset_used, proof_number IS NOT NULL FROM obligation"
            " WHERE account = $1 AND emission_year = $2",
            self.account,
            year,
        )
        return tuple(found) if found else ()

    async def tonnes(self) -> dict[str, int]:
        """What the emitter has, by programme and bucket."""
        found = await self.pool.fetch(
            "SELECT right(programme, 1) || ' ' || bucket, sum(h.next_serial - h.first_serial)::int"
            " FROM holding h JOIN batch USING (batch_id) WHERE account = $1 GROUP BY 1",
            self.account,
        )
        return {one[0]: one[1] for one in found}

    async def read(self, function: str, *given: object) -> list[dict[str, Any]]:
        """The rows of a published function, as the emitter's operator reads them."""
        asked = ["operator-1", self.organisation, ["owner-operator"], *given]
        places = ", ".join(f"${place}" for place in range(1, len(asked) + 1))
        found = await self.reads.fetch(
            f"SELECT * FROM settlement_read.{function}({places})", *asked
        )
        return [dict(one) for one in found]

    async def broken(self) -> dict[str, list[Any]]:
        """The invariants that do not hold, with the rows that name this emitter."""
        found = {
            name: [dict(row) for row in await self.pool.fetch(sql)]
            for name, sql in invariants("settlement").items()
            if name != "certificates_numbered_without_gap"
        }
        return {
            name: rows for name, rows in found.items() if any(self.name in str(row) for row in rows)
        }
