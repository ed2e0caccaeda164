"""The market that chaos plays in: founded by command like any other, with accounts, credits and cash."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from services.kernel.actors import Role
from services.tools.chaos.asking import Asker
from services.tools.chaos.sent import Ask
from services.tools.companies import invented_credit_code

Token = Callable[..., str]
BATCH_TONNES = 1_000_000
ALLOWANCES = "CEA"
OFFSET_CAP_PPM = 50_000
"""Of what is due credits offset so many millionths."""
_NOWHERE = ""
"""Where nobody trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A venue with the programme whose credits it trades, and how."""

    venue: str
    programme: str
    kind: str
    method: str
    cycle: str
    prices_fen: tuple[int, int]
    longitude: str
    is_ets_eligible: bool = False
    band_basis_points: int | None = None
    seller_fee_ppm: int = 0
    buyer_fee_ppm: int = 0

    @property
    def is_day_end(self) -> bool:
        """Whether trades are held until the day is confirmed."""
        return self.cycle == DAY_END


IMMEDIATE, DAY_END = "IMMEDIATE", "DAY_END"
FIRST_PRICE = "75.00"
MARKETS = (
    # The band is so much wider than the prices that an average of them may become the reference.
    Market(
        venue="CBGEX",
        programme="CCER",
        kind="NATIONAL",
        method="LISTING",
        cycle=IMMEDIATE,
        prices_fen=(7_400, 7_600),
        longitude="104.5",
        is_ets_eligible=True,
        band_basis_points=1_000,
    ),
    Market(
        venue="HZ-PILOT",
        programme="HZ-WEEE",
        kind="PILOT_ASSOCIATION",
        method="BILATERAL",
        cycle=DAY_END,
        prices_fen=(5_000, 9_999),
        longitude="120.5",
        seller_fee_ppm=1_000,
        buyer_fee_ppm=2_000,
    ),
)
EXCHANGE_MARKET, PILOT_MARKET = MARKETS
"""Whose credits offset in the national ETS, and whose never do."""
MARKET_AT = {market.venue: market for market in MARKETS}


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """What is traded at a venue: one project's credits of one vintage."""

    venue: str
    project: str
    vintage: int

    @property
    def market(self) -> Market:
        """Under which terms."""
        return MARKET_AT[self.venue]


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation's account, and the two persons who act for it."""

    name: str
    organisation_id: UUID
    number: str
    token: str
    second_token: str


@dataclass(frozen=True, slots=True)
class Owned:
    """A project of this party, and the months of which reductions may still be recorded."""

    party: Party
    market: Market
    project: str
    months: "count[int]"


@dataclass
class Emitter:
    """What an emitter owes for its year, and what it has done about it, as far as it was told."""

    party: Party
    opening: Ask
    due: int = 0
    surrendered: int = 0
    offset: int = 0
    versions: int = 0
    """How often it was told what is due."""

    @property
    def year(self) -> int:
        """Whose emissions it pays for."""
        return int(self.opening.fields["emissionYear"])

    @property
    def allowances(self) -> Instrument:
        """What it pays with."""
        return Instrument(_NOWHERE, ALLOWANCES, self.year)

    @property
    def room(self) -> int:
        """How much more may be offset."""
        return self.due * OFFSET_CAP_PPM // 1_000_000 - self.offset

    @property
    def outstanding(self) -> int:
        """What is left to pay."""
        return self.due - self.surrendered - self.offset

    @property
    def subject(self) -> str:
        """Under which the events of its obligation stand."""
        return f"obligation/{self.party.number}/{self.year}"


@dataclass
class World:
    """Everyone and everything that the load may name."""

    asker: Asker
    token: Token
    owned: list[Owned] = field(default_factory=list[Owned])
    parties: list[Party] = field(default_factory=list[Party])
    traders: list[Party] = field(default_factory=list[Party])
    emitters: list[Emitter] = field(default_factory=list[Emitter])
    stopped: list[Party] = field(default_factory=list[Party])
    """Two: whose account is frozen, and whose serials."""
    pauper: Party | None = None
    """Who trades without ever having anything."""
    broker: Party | None = None
    """Who receives the commissions."""

    @property
    def registrar(self) -> str:
        """Who enters everything."""
        return self.token("chaos-registrar", None, Role.REGISTRAR, Role.HISTORIAN)

    @property
    def second(self) -> str:
        """Who approves what the registrar asks for."""
        return self.token("chaos-approver", None, Role.APPROVER)

    def venue(self, code: str) -> str:
        """Who speaks for a venue to the market."""
        return self.token(code, None, Role.VENUE)

    @property
    def court(self) -> str:
        """Who orders what holders do not want."""
        return self.token("chaos-court", None, Role.AUTHORITY)

    def maker_as_checker(self, party: Party) -> str:
        """The first person of this party, who would like to be the second one as well."""
        return self.token(f"{party.name} operator", party.organisation_id, Role.APPROVER)

    def party_of(self, number: str) -> Party:
        """Whose account this is."""
        return next(one for one in self.parties if one.number == number)

    @property
    def overseer(self) -> str:
        """Who sees everything and does nothing."""
        return self.token("chaos-auditor", None, Role.AUDITOR)

    async def party(self, name: str, kind: str) -> Party:
        """A new organisation whose account trades, unless it verifies."""
        category = "VERIFICATION_BODY" if kind == "VERIFIER" else "ENTERPRISE"
        organisation, _ = await self.asker.ask(
            "registerOrganisation",
            self.registrar,
            name=name,
            creditCode=invented_credit_code(name),
            category=category,
        )
        _, payload = await self.asker.ask(
            "openAccount",
            self.registrar,
            selecting="account { number }",
            organisationId=str(organisation.id),
            kind=kind,
        )
        party = self._acting(name, organisation.id, payload["account"]["number"], kind)
        if kind != "VERIFIER":
            await self._admit(party)
            self.parties.append(party)
        return party

    def _acting(self, name: str, organisation_id: UUID, number: str, kind: str) -> Party:
        role = Role.VERIFIER if kind == "VERIFIER" else Role.OWNER_OPERATOR
        first = self.token(f"{name} operator", organisation_id, role, Role.HISTORIAN)
        second = self.token(f"{name} approver", organisation_id, Role.APPROVER)
        return Party(name, organisation_id, number, first, second)

    async def _admit(self, party: Party) -> None:
        operator = f"{party.name} operator"
        given: dict[str, Any] = {"account": party.number, "operator": operator, "name": operator}
        await self.asker.ask("appointOperator", self.registrar, **given)
        await self.asker.ask("openTradingAccount", self.registrar, account=party.number)

    async def issued(self, owned: Owned, tonnes: int) -> Instrument:
        """A new batch of this project, from the reductions of its next month."""
        years, month = divmod(next(owned.months), 12)
        vintage = 2021 + years
        reduction, _ = await self.asker.ask(
            "recordReduction",
            self.registrar,
            project=owned.project,
            periodNumber=12 * years + month + 1,
            periodStart=date(vintage, month + 1, 1).isoformat(),
            periodEnd=date(vintage, month + 1, 28).isoformat(),
            vintage=vintage,
            tonnes=tonnes,
            verificationBody="Chaos verifiers",
            evidence="none",
        )
        given: dict[str, Any] = {"reductionId": str(reduction.id)}
        await self.asker.by_two("issueCredits", self.registrar, self.second, **given)
        return Instrument(owned.market.venue, owned.project, vintage)
