"""Founding: a market with venues, rule books, parties and registered projects, made by command like any other."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from services.kernel.clocks import market_day
from services.tools.chaos.asking import Asker
from services.tools.chaos.national import founded_ets
from services.tools.chaos.world import (
    EXCHANGE_MARKET,
    MARKETS,
    PILOT_MARKET,
    Market,
    Owned,
    Party,
    Token,
    World,
)
from services.tools.play import document

TEAM = [{"name": name, "isSectorCompetent": True} for name in ("Xu", "Yin")]
NOTICED_DAYS_AGO, VALIDATED_DAYS_AGO = 100, 40
"""Twenty working days lie between them at any time of the year."""
OWNERS_EACH, TRADERS = 3, 8


async def founded(asker: Asker, token: Token) -> World:
    """Venues, rule books, parties and registered projects; nothing is issued yet."""
    world = World(asker, token)
    body = await world.party("Chaos validators", "VERIFIER")
    world.pauper = await world.party("Chaos pauper", "TRADER")
    world.broker = await world.party("Chaos broker", "TRADER")
    for market in MARKETS:
        await _open_market(world, market)
    owners = [(market, number) for market in MARKETS for number in range(OWNERS_EACH)]
    world.owned += await asyncio.gather(*(_owner(world, body, *one) for one in owners))
    names = [f"Chaos trader {number}" for number in range(TRADERS)]
    world.traders += await asyncio.gather(*(world.party(name, "TRADER") for name in names))
    stopped = ("Chaos suspect", "Chaos debtor")
    world.stopped += await asyncio.gather(*(world.party(name, "TRADER") for name in stopped))
    world.emitters += await founded_ets(world)
    await _open_conversion(world)
    return world


async def _open_conversion(world: World) -> None:
    """Two credits that offset in the national ETS become one that does not."""
    given: dict[str, Any] = {
        "sourceProgramme": EXCHANGE_MARKET.programme,
        "targetProgramme": PILOT_MARKET.programme,
        "factor": "0.5",
        "validFrom": market_day(datetime.now(UTC)).isoformat(),
        "source": "Chaos",
    }
    await world.asker.by_two("setConversionTerms", world.registrar, world.second, **given)


async def _open_market(world: World, market: Market) -> None:
    ask, registrar = world.asker.ask, world.registrar
    await ask(
        "registerProgramme",
        registrar,
        code=market.programme,
        name=market.programme,
        country="CN",
        kind=market.kind,
        isEtsEligible=market.is_ets_eligible,
    )
    await ask(
        "publishMethodology",
        registrar,
        code=f"{market.programme}-M",
        programme=market.programme,
        name="Method",
        creditingYearsMax=40,
        validFrom="2020-01-01",
    )
    await ask("openVenue", registrar, code=market.venue, name=market.venue)
    given: dict[str, Any] = {"terms": _terms(world, market)}
    await world.asker.by_two("setMarketTerms", registrar, world.second, **given)


def _terms(world: World, market: Market) -> dict[str, object]:
    """Open every day, so that it does not matter when chaos is played."""
    assert world.broker
    return {
        "venue": market.venue,
        "programme": market.programme,
        "validFrom": "2020-01-01",
        "cycle": market.cycle,
        "methods": [{"method": market.method, "bandBasisPoints": market.band_basis_points}],
        "calendar": "EVERY_DAY",
        "gapTradingDays": 0,
        "listingTradingDays": 0,
        "sellerFeePpm": market.seller_fee_ppm,
        "buyerFeePpm": market.buyer_fee_ppm,
        "feeAccount": world.broker.number,
    }


async def _owner(world: World, body: Party, market: Market, number: int) -> Owned:
    party = await world.party(f"Chaos owner {market.venue} {number}", "OWNER")
    code = f"{market.programme[:2]}CH{number:03d}"
    for days, name, token, fields in _life(world, body, party, market, code, number):
        at = datetime.now(UTC) - timedelta(days=days)
        await world.asker.ask(name, token, at=at, **fields)
    return Owned(party, market, code, count())


def _life(
    world: World, body: Party, party: Party, market: Market, code: str, number: int
) -> Sequence[tuple[int, str, str, Mapping[str, Any]]]:
    """What leads to the registration of a project: so many days ago, by whom."""
    draft = {
        "code": code,
        "programme": market.programme,
        "methodology": f"{market.programme}-M",
        "activity": "OTHER",
        "ownerAccount": party.number,
        "name": f"Project {code}",
        "province": f"Province {code}",
        "longitude": market.longitude,
        "latitude": f"{25 + 3 * number}.5",
        "constructionStartedOn": "2020-01-01",
        "creditingFrom": "2021-01-01",
        "creditingUntil": "2030-12-31",
        "expectedAnnualTonnes": 100_000,
    }
    notice = {"code": code, "validationBody": body.number, "documents": [_document("PDD")]}
    validation = {
        "code": code,
        "validationBody": body.number,
        "isPositive": True,
        "team": TEAM,
        "reviewer": "Zhu",
        "documents": [_document("VALIDATION_REPORT")],
    }
    application = {"code": code, "documents": [_document("COMMITMENT")]}
    return (
        (NOTICED_DAYS_AGO, "draftProject", party.token, draft),
        (NOTICED_DAYS_AGO, "openNotice", party.token, notice),
        (VALIDATED_DAYS_AGO, "recordValidation", body.token, validation),
        (VALIDATED_DAYS_AGO, "applyForRegistration", party.token, application),
        (0, "registerProject", world.registrar, {"code": code}),
    )


def _document(kind: str) -> dict[str, object]:
    return {"kind": kind} | document(kind)
