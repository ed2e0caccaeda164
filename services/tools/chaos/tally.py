"""The tally: what must be held, used and frozen, tonne by tonne, from what was sent and answered and nothing else."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.tools.chaos.books import CANCELLED, FROZEN, RETIRED
from services.tools.chaos.sent import CONVERTED, SETTLED, Ask, Sent

Goods = tuple[str, int]
"""A project and a vintage."""
Pile = tuple[str, Goods, str]
"""Whose, what, and in which state: ``HELD``, whether frozen or not, frozen, retired or cancelled."""
HELD = "held"
SURRENDER, OFFSET = "ETS_SURRENDER", "ETS_OFFSET_NATIONAL"
_CONVERSION = "CONVERSION_OUT"
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """Credits that must have left circulation for ever."""

    id: str
    account: str
    goods: Goods
    tonnes: int
    purpose: str
    period: str = ""

    @property
    def bucket(self) -> str:
        """Where they must be; nobody uses what has no period."""
        return RETIRED if self.period else CANCELLED


@dataclass(frozen=True, slots=True)
class Debt:
    """What an account must owe for a year, and what must have been done about it."""

    due: int
    cap: int
    surrendered: int
    offset: int

    @property
    def outstanding(self) -> int:
        """What must be left of it."""
        return self.due - self.surrendered - self.offset

    @property
    def state(self) -> str:
        """What must be said of it before its deadline."""
        if not self.outstanding:
            return "MET"
        return "PARTIAL" if self.surrendered + self.offset else "NOTIFIED"


def uses(sent: Sent) -> Iterator[Use]:
    """Every retirement, cancellation and conversion that two persons wanted and were told they have."""
    for ask in sent.granted("retireCredits", "cancelCredits"):
        said = ask.fields
        yield Use(
            str(ask.id),
            said["account"],
            (said["project"], said["vintage"]),
            said["tonnes"],
            said["purpose"],
            said.get("reportingPeriod", ""),
        )
    for ask in _converted(sent):
        said = ask.fields
        goods = said["sourceProject"], said["sourceVintage"]
        yield Use(str(ask.id), said["account"], goods, said["sourceTonnes"], _CONVERSION)


def _converted(sent: Sent) -> Iterator[Ask]:
    for ask in sent.granted("requestConversion"):
        told = sent.conversions.get(f"conversion/{ask.id}")
        if told and told.type == CONVERTED:
            yield ask


def debts(sent: Sent) -> dict[str, Debt]:
    """By account and year, with a slash between them."""
    due: Counter[str] = Counter()
    for ask in sent.granted("verifyEmissions"):
        opening = _ask(sent, ask.fields["complianceId"]).fields
        name = f"{opening['account']}/{opening['emissionYear']}"
        due[name] = max(due[name], sum(unit["verifiedTonnes"] for unit in ask.fields["units"]))
    paid: Counter[tuple[str, str]] = Counter()
    for use in uses(sent):
        paid[f"{use.account}/{use.period}", use.purpose] += use.tonnes
    ppm = next(
        (a.fields["terms"]["offsetCapPpm"] for a in sent.granted("publishAllocationPlan")), 0
    )
    return {
        name: Debt(tonnes, tonnes * ppm // _PPM, paid[name, SURRENDER], paid[name, OFFSET])
        for name, tonnes in due.items()
    }


def piles(sent: Sent) -> Counter[Pile]:
    """Tonnes that must be held, retired and cancelled; what is frozen is held too."""
    found: Counter[Pile] = Counter()
    for account, goods, tonnes in _issued(sent).values():
        found[account, goods, HELD] += tonnes
    for told in sent.trades.values():
        if told.type == SETTLED:
            said: Mapping[str, Any] = told.content
            goods = said["project"], said["vintage"]
            found[said["seller_account"], goods, HELD] -= said["quantity"]
            found[said["buyer_account"], goods, HELD] += said["quantity"]
    for use in uses(sent):
        found[use.account, use.goods, HELD] -= use.tonnes
        found[use.account, use.goods, use.bucket] += use.tonnes
    found.update(_frozen(sent))
    return found


def _issued(sent: Sent) -> dict[str, tuple[str, Goods, int]]:
    """By batch: to whom, what and how much."""
    owners = {
        ask.fields["code"]: ask.fields["ownerAccount"]
        for ask in sent.asks.values()
        if ask.name == "draftProject"
    }
    found: dict[str, tuple[str, Goods, int]] = {}
    for ask in sent.granted("issueCredits"):
        said = _ask(sent, ask.fields["reductionId"]).fields
        goods = said["project"], said["vintage"]
        found[str(ask.id)] = owners[said["project"]], goods, said["tonnes"]
    for ask in sent.granted("preallocateAllowances"):
        said = _ask(sent, ask.fields["complianceId"]).fields
        goods = _programme(sent, said["plan"]), said["emissionYear"]
        found[str(ask.id)] = said["account"], goods, said["lastVerifiedTonnes"]
    factor = next((Decimal(a.fields["factor"]) for a in sent.granted("setConversionTerms")), 0)
    for ask in _converted(sent):
        said = ask.fields
        goods = said["targetProject"], said["targetVintage"]
        found[said["batchId"]] = said["account"], goods, int(said["sourceTonnes"] * factor)
    return found


def _frozen(sent: Sent) -> Counter[Pile]:
    batches, found = _issued(sent), Counter[Pile]()
    standing = standing_freezes(sent)
    for ask in standing.values():
        for span in ask.fields.get("spans", ()):
            _, goods, _ = batches[span["batchId"]]
            tonnes = span["lastSerial"] - span["firstSerial"] + 1
            found[ask.fields["account"], goods, FROZEN] += tonnes
    for ask in sent.granted("cancelCredits"):
        said = ask.fields
        if said.get("freezeId") in standing:
            found[said["account"], (said["project"], said["vintage"]), FROZEN] -= said["tonnes"]
    return found


def standing_freezes(sent: Sent) -> dict[str, Ask]:
    """By id: the freezes of accounts and of serials that must not have ended."""
    ended = {ask.fields["freezeId"] for ask in sent.granted("releaseFreeze")}
    freezes = sent.granted("freezeAccount", "freezeCredits")
    return {str(ask.id): ask for ask in freezes if str(ask.id) not in ended}


def thawing(sent: Sent) -> set[str]:
    """The cancellations of what a freeze held."""
    return {str(ask.id) for ask in sent.granted("cancelCredits") if "freezeId" in ask.fields}


def counted(sent: Sent) -> dict[str, int]:
    """How often credits were used, and stopped, by kind."""
    kinds = Counter(_kind(use) for use in uses(sent))
    refused = sum(
        bool(ask.answer and any(e["code"] == "OFFSET_CAP_EXCEEDED" for e in ask.answer["errors"]))
        for ask in sent.asks.values()
    )
    return {
        "retired": kinds["retired"],
        "cancelled": kinds["cancelled"],
        "surrendered": kinds[SURRENDER],
        "offset": kinds[OFFSET],
        "offset_refused_by_the_cap": refused,
        "converted": kinds[_CONVERSION],
        "accounts_frozen": len([*sent.granted("freezeAccount")]),
        "serials_frozen": len([*sent.granted("freezeCredits")]),
        "freezes_released": len([*sent.granted("releaseFreeze")]),
    }


def _kind(use: Use) -> str:
    return use.purpose if use.purpose in (SURRENDER, OFFSET, _CONVERSION) else use.bucket


def _ask(sent: Sent, ask_id: str) -> Ask:
    return sent.asks[UUID(ask_id)]


def _programme(sent: Sent, plan: str) -> str:
    plans = (ask.fields["terms"] for ask in sent.granted("publishAllocationPlan"))
    return next(one["programme"] for one in plans if one["plan"] == plan)
