"""The national ETS on the floor: emitters with allowances of last year and what they owe, and credits to offset."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.issuance.messages.compliance import (
    Benchmark,
    EmissionYear,
    PreallocateAllowances,
    PublishAllocationPlan,
)
from services.kernel.ids import new_id
from services.runtime.messages import Answer, Command
from services.settlement.messages.holdings import MoveFromVenue
from services.settlement.messages.obligations import EnforceObligation
from services.settlement.messages.retirements import RetireCredits
from tests import emitting
from tests.flows import emitters, floor
from tests.market import Market, Party, Seller, open_terms

ALL = 1_000_000
"""A whole in millionths."""


@dataclass(frozen=True, slots=True)
class National:
    """A programme of allowances, traded at the exchange, and the plan by which they are allocated."""

    market: Market
    plan: PublishAllocationPlan

    @property
    def programme(self) -> str:
        """The code of the allowances."""
        return self.plan.terms.programme

    @property
    def year(self) -> int:
        """Whose emissions are paid for until the end of this year."""
        return emitters.last_year()

    async def emitter(self, due: int, allowances: int, years_ago: int = 0) -> Seller:
        """A new emitter that owes so many tonnes and has so many allowances, which are its instrument."""
        party = await emitters.emitter(self.market)
        year = self.year - years_ago
        opening = emitters.opening(
            self.plan, party.account, emission_year=year, last_verified_tonnes=allowances
        )
        await self.market.accepted(opening)
        if allowances:
            await self._preallocate(opening.compliance_id)
        unit = emitting.smelter(verified_tonnes=due)
        await emitters.approved(self.market, emitters.verifying(opening, unit))
        await self.market.until(
            "SELECT EXISTS (SELECT FROM settlement.obligation WHERE account = $1)", party.account
        )
        return Seller(party, self.programme, year, floor.VENUE)

    async def _preallocate(self, compliance_id: UUID) -> None:
        batch_id = new_id()
        paying = PreallocateAllowances(compliance_id=compliance_id, batch_id=batch_id)
        await emitters.approved(self.market, paying)
        await self.market.until(
            "SELECT EXISTS (SELECT FROM settlement.batch WHERE batch_id = $1)", batch_id
        )

    async def credits(self, emitter: Seller, tonnes: int) -> Seller:
        """The emitter buys credits of somebody else's project, and takes them from the exchange."""
        owner = await self.market.owner_with_credits(tonnes)
        await self.market.deposit(emitter.account, tonnes)
        bought = replace(owner, party=emitter.party)
        trade = self.market.trade(owner, emitter.party, quantity=tonnes, price="0.01")
        await self._bought(trade, bought, tonnes)
        return bought

    async def buy(self, giver: Seller, emitter: Seller, tonnes: int) -> None:
        """The emitter buys allowances of another, and takes them from the exchange."""
        await self.market.move_to_venue(giver, tonnes)
        await self.market.deposit(emitter.account, tonnes)
        trade = self.market.trade(giver, emitter.party, quantity=tonnes, price="0.01")
        await self._bought(trade, emitter, tonnes)

    async def _bought(self, trade: dict[str, Any], bought: Seller, tonnes: int) -> None:
        outcome = await self.market.settle(trade)
        assert outcome.state == "SETTLED", outcome
        taking = self.market.move(bought, tonnes, MoveFromVenue)
        await self.market.accepted(taking, bought.party.actor)

    def surrender(self, emitter: Seller, tonnes: int, **changes: Any) -> RetireCredits:
        """Allowances for what the emitter owes."""
        period = str(emitter.vintage)
        wanted = {"purpose": "ETS_SURRENDER", "reporting_period": period} | changes
        return self.market.retirement(emitter, tonnes, **wanted)

    def offset(self, bought: Seller, tonnes: int, **changes: Any) -> RetireCredits:
        """Credits for what the emitter owes for last year."""
        wanted = {"purpose": "ETS_OFFSET_NATIONAL", "reporting_period": str(self.year)} | changes
        return self.market.retirement(bought, tonnes, **wanted)

    def enforcement(self, emitter: Seller, tonnes: int) -> EnforceObligation:
        """What an authority orders."""
        return EnforceObligation(
            retirement_id=new_id(),
            account=emitter.account,
            emission_year=emitter.vintage,
            project=self.programme,
            vintage=emitter.vintage,
            tonnes=tonnes,
            beneficiary_name="Smelter",
            beneficiary_id="91110000000000000A",
            document_sha256="1" * 64,
            reason="overdue",
        )

    async def done(self, command: Command, party: Party) -> Answer:
        """The final answer to what an owner asks for, and another person approves."""
        asked = await self.market.send(command, party.actor)
        return asked if asked.refusal else await self.market.approve(asked)


async def opened(market: Market) -> National:
    """A programme of its own, with a plan for last year and the one before it."""
    programme = await emitters.programme(market)
    await market.set_terms(open_terms(floor.VENUE, programme))
    return await planned(market, programme)


async def planned(market: Market, programme: str, registered_days_ago: int = 1) -> National:
    """A plan that takes credits which were registered less than so many days ago, and allowances of the year itself."""
    years = emitters.last_year() - 1, emitters.last_year()
    after = floor.today() - timedelta(days=registered_days_ago)
    publishing = emitters.plan(
        market,
        programme,
        emission_years=tuple(
            EmissionYear(
                emission_year=year,
                allowance_vintages=(year,),
                credits_registered_after=after,
                preallocation_ppm=ALL,
            )
            for year in years
        ),
        benchmarks=tuple(
            Benchmark(unit_type="SMELTER", emission_year=year, method="EMISSIONS") for year in years
        ),
    )
    await emitters.approved(market, publishing)
    return National(market, publishing)


@dataclass(frozen=True, slots=True)
class Owing:
    """Emitters whose next step is refused."""

    national: National
    short: Seller
    """Owes 100 t for last year, and has 10 allowances."""
    bought: Seller
    """The 10 credits that it has."""
    early: Seller
    """The credit of another, registered too early for its plan."""
    overdue: Seller
    """Owes 100 t for the year before, and has 10 allowances."""


async def built(market: Market) -> Owing:
    """All of them."""
    national = await opened(market)
    short = await national.emitter(100, 10)
    overdue = await national.emitter(100, 10, years_ago=1)
    strict = await planned(market, national.programme, registered_days_ago=0)
    early = await national.credits(await strict.emitter(100, 0), 1)
    return Owing(national, short, await national.credits(short, 10), early, overdue)
