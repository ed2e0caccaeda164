"""The national ETS in chaos: allowances, a plan by which they are allocated, and emitters with a year to pay for."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from services.kernel.clocks import market_day
from services.tools.chaos.world import ALLOWANCES, OFFSET_CAP_PPM, Emitter, World

EMITTERS = 3
_PLAN, _UNIT, _SMELTER = "CHAOS-PLAN", "UNIT-1", "SMELTER"
_ALL_PPM = 1_000_000
_ENOUGH_TONNES = 10_000_000


async def founded_ets(world: World) -> list[Emitter]:
    """Emitters with more allowances than they will ever owe; what is due is verified later."""
    year = market_day(datetime.now(UTC)).year - 1
    await world.asker.ask(
        "registerProgramme",
        world.registrar,
        code=ALLOWANCES,
        name="Allowances",
        country="CN",
        kind="ALLOWANCE",
        isEtsEligible=False,
    )
    given: dict[str, Any] = {"terms": _plan(year)}
    await world.asker.by_two("publishAllocationPlan", world.registrar, world.second, **given)
    return list(await asyncio.gather(*(_emitter(world, n, year) for n in range(EMITTERS))))


def _plan(year: int) -> dict[str, object]:
    return {
        "plan": _PLAN,
        "programme": ALLOWANCES,
        "isDraft": False,
        "source": "Chaos",
        "emissionYears": [
            {
                "emissionYear": year,
                "allowanceVintages": [year],
                "creditsRegisteredAfter": "2024-01-22",
                "preallocationPpm": _ALL_PPM,
            }
        ],
        "offsetCapPpm": OFFSET_CAP_PPM,
        "gapFloorPpm": 800_000,
        "intensitySlope": "0.15",
        "intensityBand": "0.20",
        "intensityLimit": "0.03",
        "benchmarks": [{"unitType": _SMELTER, "emissionYear": year, "method": "EMISSIONS"}],
    }


async def _emitter(world: World, number: int, year: int) -> Emitter:
    party = await world.party(f"Chaos emitter {number}", "EMITTER")
    opening, _ = await world.asker.ask(
        "openComplianceYear",
        world.registrar,
        account=party.number,
        emissionYear=year,
        sector="ALUMINIUM",
        plan=_PLAN,
        lastVerifiedTonnes=_ENOUGH_TONNES,
    )
    given: dict[str, Any] = {"complianceId": str(opening.id)}
    await world.asker.by_two("preallocateAllowances", world.registrar, world.second, **given)
    return Emitter(party, opening)


async def verified(world: World, emitter: Emitter, tonnes: int) -> None:
    """So much more was emitted than anybody knew."""
    unit = {"unitId": _UNIT, "unitType": _SMELTER, "verifiedTonnes": emitter.due + tonnes}
    given: dict[str, Any] = {
        "complianceId": str(emitter.opening.id),
        "units": [unit],
        "reason": "verified anew",
    }
    await world.asker.by_two("verifyEmissions", world.registrar, world.second, **given)
    emitter.due += tonnes
    emitter.versions += 1
