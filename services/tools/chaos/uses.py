"""Uses: credits that leave circulation for ever, by their owner's will or by order, and what stands against it."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from services.kernel.ids import new_id
from services.tools.chaos.asking import PENDING, REFUSED, Asker
from services.tools.chaos.purses import Purses, Stock
from services.tools.chaos.sent import CONVERTED, NOT_CONVERTED, Ask, Told
from services.tools.chaos.world import (
    EXCHANGE_MARKET,
    PILOT_MARKET,
    Instrument,
    Party,
    World,
)
from services.tools.companies import invented_credit_code
from services.tools.play import document

NOT_ENOUGH = "NOT_ENOUGH_CREDITS"
TOO_MANY = 10**9
_PURPOSES = ("ENTERPRISE_OFFSET", "EVENT_NEUTRALITY", "VOLUNTARY_PUBLIC_GOOD")
_LOCAL = "ETS_OFFSET_LOCAL"
_GROUNDS = ("OMGE", "SOP", "FORCED")
_PAUSE_SECONDS = 0.2
_TONNES_MAX = 20
SHA256 = document("order")["sha256"]


@dataclass
class Uses:
    """Owners who use credits, registrars who cancel them, and one who converts them."""

    world: World
    asker: Asker
    purses: Purses
    random: Random
    _refused: "count[int]" = field(default_factory=count)

    async def retirers(self) -> None:
        """Credits are used by two persons; one of four is refused by the second."""
        for number in range(4):
            stock = self._stock()
            await self.retire(stock, self._tonnes(), is_approved=number != 2)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def rule_breakers(self) -> None:
        """Somebody approves what they asked for themselves, and somebody wants what a rule stands against."""
        await self._approve_oneself()
        await self._break_a_rule()

    async def retire(self, stock: Stock, tonnes: int, *, is_approved: bool = True) -> None:
        """Asks for a retirement, and has it approved or refused."""
        number, instrument = stock
        party = self.world.party_of(number)
        if is_approved:
            self.purses.used(number, instrument, tonnes)
        is_eligible = instrument.market.is_ets_eligible
        purpose = self.random.choice((*_PURPOSES, *((_LOCAL,) if is_eligible else ())))
        asked = await self.asked(party, instrument, tonnes, purpose)
        if is_approved:
            await self.asker.approve(asked, party.second_token)
        else:
            await self._refuse(asked, party)

    async def asked(
        self,
        party: Party,
        instrument: Instrument,
        tonnes: int,
        purpose: str,
        *,
        refusal: str | None = None,
        period: int = 2025,
    ) -> Ask:
        """The first person asks for a use."""
        ask, _ = await self.asker.ask(
            "retireCredits",
            party.token,
            expecting=REFUSED if refusal else PENDING,
            refusal=refusal,
            account=party.number,
            project=instrument.project,
            vintage=instrument.vintage,
            tonnes=tonnes,
            purpose=purpose,
            beneficiaryKind=self.random.choice(("ORGANISATION", "NATURAL_PERSON")),
            beneficiaryName=party.name,
            beneficiaryId=invented_credit_code(party.name),
            beneficiaryCountry="CN",
            reportingPeriod=str(period),
            reason="own emissions",
            isPublic=self.random.random() < 0.5,
        )
        return ask

    async def _refuse(self, asked: Ask, party: Party) -> None:
        given: dict[str, Any] = {"approvalId": asked.approval_id, "reason": "not now"}
        await self.asker.ask("refuse", party.second_token, **given)

    async def _approve_oneself(self) -> None:
        """Who asked may not be the second person too; then the second person says no, or yes."""
        (number, instrument), tonnes = self._stock(), self._tonnes()
        party, is_approved = self.world.party_of(number), self.random.random() < 0.5
        if is_approved:
            self.purses.used(number, instrument, tonnes)
        asked = await self.asked(party, instrument, tonnes, _PURPOSES[0])
        given: dict[str, Any] = {"approvalId": asked.approval_id}
        same = self.world.maker_as_checker(party)
        await self.asker.in_vain("approve", same, "MAKER_IS_APPROVER", **given)
        if is_approved:
            await self.asker.approve(asked, party.second_token)
        else:
            await self._refuse(asked, party)

    async def _break_a_rule(self) -> None:
        """One rule after the other, round by round."""
        number, instrument = self._stock()
        pilot = self._stock(PILOT_MARKET.venue)
        rules = (
            (number, instrument, TOO_MANY, _PURPOSES[0], NOT_ENOUGH),
            (number, instrument, 1, "CORSIA", "CROSS_BORDER_USE_NOT_AUTHORISED"),
            (*pilot, 1, _LOCAL, "NOT_ELIGIBLE_FOR_ETS"),
            (*pilot, 1, "ETS_OFFSET_NATIONAL", "NOT_ELIGIBLE_FOR_ETS"),
            (number, instrument, 0, _PURPOSES[0], "OUT_OF_RANGE"),
        )
        holder, what, tonnes, purpose, code = rules[next(self._refused) % len(rules)]
        party = self.world.party_of(holder)
        await self.asked(party, what, tonnes, purpose, refusal=code)

    async def cancellers(self) -> None:
        """Credits are cancelled by order, and credits that nobody has are not."""
        for _ in range(2):
            stock, tonnes = self._stock(), self._tonnes()
            self.purses.used(*stock, tonnes)
            await self.cancel(stock, tonnes)
        number, instrument = self._stock()
        await self._cancel_in_vain(number, instrument, TOO_MANY, "FORCED")
        await self._cancel_in_vain(number, instrument, 1, "REVERSAL_COMPENSATION")

    async def cancel(self, stock: Stock, tonnes: int, freeze_id: str | None = None) -> None:
        """Takes credits out of circulation by order; of those that a freeze holds, if one is named."""
        fields = _cancelling(*stock, tonnes, self.random.choice(_GROUNDS))
        if freeze_id is not None:
            fields |= {"freezeId": freeze_id}
        second = self.world.second
        await self.asker.by_two("cancelCredits", self.world.court, second, **fields)

    async def _cancel_in_vain(
        self, number: str, instrument: Instrument, tonnes: int, ground: str
    ) -> None:
        fields = _cancelling(number, instrument, tonnes, ground)
        token = self.world.registrar
        await self.asker.in_vain("cancelCredits", token, NOT_ENOUGH, **fields)

    async def converters(self) -> None:
        """Credits become others, once; what nobody has becomes nothing."""
        stock = self._stock(EXCHANGE_MARKET.venue)
        tonnes = 2 * self._tonnes()
        self.purses.used(*stock, tonnes)
        target = await self._convert(stock, tonnes, CONVERTED)
        self.purses.issued(stock[0], target, tonnes // 2)
        await self._convert(self._stock(EXCHANGE_MARKET.venue), TOO_MANY, NOT_CONVERTED, NOT_ENOUGH)

    async def _convert(
        self, stock: Stock, tonnes: int, becomes: str, code: str | None = None
    ) -> Instrument:
        """Asks for it; what comes of it, settlement says later."""
        number, source = stock
        party = self.world.party_of(number)
        owned = [one for one in self.world.owned if one.market == PILOT_MARKET]
        target = Instrument(PILOT_MARKET.venue, self.random.choice(owned).project, source.vintage)
        asked, _ = await self.asker.ask(
            "requestConversion",
            party.token,
            expecting=PENDING,
            batchId=str(new_id()),
            account=number,
            sourceProject=source.project,
            sourceVintage=source.vintage,
            sourceTonnes=tonnes,
            targetProject=target.project,
            targetVintage=target.vintage,
        )
        subject = f"conversion/{asked.id}"
        self.asker.sent.conversions[subject] = Told(subject, becomes, code)
        await self.asker.approve(asked, self.world.registrar)
        return target

    def _stock(self, venue: str | None = None) -> Stock:
        return self.purses.some(self.random, self.purses.in_registry, 2 * _TONNES_MAX, venue)

    def _tonnes(self) -> int:
        return self.random.randint(1, _TONNES_MAX)


def _cancelling(number: str, instrument: Instrument, tonnes: int, ground: str) -> dict[str, Any]:
    return {
        "account": number,
        "project": instrument.project,
        "vintage": instrument.vintage,
        "tonnes": tonnes,
        "purpose": ground,
        "documentSha256": SHA256,
        "reason": "by order",
    }
