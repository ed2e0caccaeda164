"""A market as it was asked and as it told, of which a test breaks one thing for the auditor of chaos to see."""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.kernel.ids import new_id
from services.tools.chaos.ears import Ears
from services.tools.chaos.sent import Ask, Sent

BATCH = "018f0000-0000-7000-8000-000000000001"
GOODS = {"project": "A1", "vintage": 2024}


class ToldMarket:
    """A market as it was asked and as it told, of which a test breaks one thing."""

    def __init__(self) -> None:
        self.sent = Sent()
        self.ears = Ears()
        self.sequences: dict[str, int] = {}

    def granted(self, name: str, **fields: object) -> Ask:
        """A command that two persons wanted; what it caused is told separately."""
        ask = self.asked(name, **fields)
        self.sent.approved.add(str(ask.id))
        return ask

    def asked(self, name: str, **fields: object) -> Ask:
        """A command that waits for a second person."""
        ask = Ask(name, "token", new_id(), fields, "PENDING", approval_id=str(new_id()))
        ask.approval_id = str(ask.id)
        ask.answer = {"outcome": "PENDING", "errors": []}
        self.sent.asks[ask.id] = ask
        return ask

    def tells(self, kind: str, subject: str, **content: object) -> None:
        """An event of settlement, the next one of its subject."""
        sequence = self.sequences[subject] = self.sequences.get(subject, 0) + 1
        envelope = {"specversion": "1.0", "id": str(new_id()), "source": "/settlement"}
        told = {"subject": subject, "sequence": str(sequence), "data": content}
        self.ears.hear(msgspec.json.encode(envelope | {"type": kind} | told))

    def use(self, purpose: str, tonnes: int, period: str = "2025") -> Ask:
        """A use that was granted and told."""
        fields = {"account": "ACC-1", "tonnes": tonnes, "purpose": purpose, **GOODS}
        ask = self.granted("retireCredits", **fields, reportingPeriod=period)
        self.retired(ask)
        return ask

    def retired(self, ask: Ask, **changes: object) -> None:
        """The event of this use, but for the changes."""
        names = "account", "project", "vintage", "tonnes", "purpose"
        content: dict[str, object] = {name: ask.fields[name] for name in names}
        content |= {"retirement_id": str(ask.id), "reporting_period": ask.fields["reportingPeriod"]}
        kind = "settlement.credits.retired"
        self.tells(kind, f"retirement/{ask.id}", **content | {"ranges": []} | changes)

    def owes(self, due: int) -> None:
        """An emitter owes so much for 2025, a twentieth of which may be offset."""
        terms = {"plan": "P", "programme": "CEA", "offsetCapPpm": 50_000}
        self.granted("publishAllocationPlan", terms=terms)
        opening = self.asked("openComplianceYear", account="ACC-1", emissionYear=2025, plan="P")
        units = [{"verifiedTonnes": due}]
        self.granted("verifyEmissions", complianceId=str(opening.id), units=units)
        subject, kind = "obligation/ACC-1/2025", "settlement.obligation.notified"
        self.tells(kind, subject, due=due, offset_max=due // 20)

    def pays(self, purpose: str, tonnes: int, *, surrendered: int, offset: int) -> None:
        """A use that discharges the obligation, with the sums that are told."""
        self.use(purpose, tonnes)
        self.tells(
            "settlement.obligation.discharged",
            "obligation/ACC-1/2025",
            purpose=purpose,
            tonnes=tonnes,
            surrendered=surrendered,
            offset=offset,
        )

    def freezes(self, *, first: int, last: int) -> Ask:
        """Serials that are frozen, and told to be."""
        span = {"batchId": BATCH, "firstSerial": first, "lastSerial": last}
        ask = self.granted("freezeCredits", account="ACC-1", spans=[span])
        self.tells(
            "settlement.credits.frozen",
            f"freeze/{ask.id}",
            freeze_id=str(ask.id),
            account="ACC-1",
            ranges=[serials(first, last)],
            tonnes=last - first + 1,
        )
        return ask


def serials(first: int, last: int) -> dict[str, Any]:
    """A range of the one batch, as events name it."""
    return {"batch_id": BATCH, "first_serial": first, "last_serial": last}


class Shown:
    """A desk at which everybody reads these nodes."""

    def __init__(self, **nodes: list[Mapping[str, Any]]) -> None:
        self._nodes = nodes

    async def everything(self, _document: str, field: str, _token: str) -> list[Mapping[str, Any]]:
        """All of them."""
        return self._nodes.get(field, [])
