"""What a walk over all that happens to credits is held against: where each serial is, in plain words and numbers.

Nothing here is the program's own: a serial is a pair of numbers, a place three words, and what may happen is said anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Serial = tuple[int, int]
"""The number of a batch, in the order in which batches were born, and the serial in it."""
Place = tuple[str, str, str]
"""The account, the bucket, and the venue if there is one."""

ACCOUNTS = "S", "B", "E"
VENUES = "D", "I"
"""At the first trades settle at the end of the day, at the second at once."""
INSTRUMENTS = {
    "N1": ("N1", 2020), "N2": ("N2", 2020),
    "A21": ("A", 2021), "A19": ("A", 2019),
    "L": ("L1", 2015), "P": ("P1", 2015), "Q": ("Q1", 2015),
}  # fmt: skip
"""Project and vintage of each; the first letter is the programme's: national, allowances, and three of pilots."""
TRADED = "N1", "N2", "A21", "A19"
ENDS = "retired", "cancelled"


@dataclass(frozen=True)
class Batch:
    """What decides about the credits of a batch."""

    instrument: str
    first_holder: str
    is_young: bool
    """Whether its reductions were registered late enough to offset."""

    @property
    def project(self) -> str:
        return INSTRUMENTS[self.instrument][0]

    @property
    def programme(self) -> str:
        return self.instrument[0]


@dataclass(frozen=True)
class Flow:
    """So many serials of these go from where they are to another place, the oldest first."""

    tonnes: int
    among: frozenset[Serial]
    target: Place


@dataclass
class Freeze:
    """An order that stops an account, or certain serials."""

    account: str
    is_of_account: bool
    name: str
    held: dict[Serial, Place] = field(default_factory=dict[Serial, Place])
    """Where each goes back to."""
    is_released: bool = False


def nothing() -> None:
    """What follows from most acts beside what moves."""


@dataclass
class Verdict:
    """What must become of an act: any of these refusals, or these flows and what follows from it."""

    reasons: set[str] = field(default_factory=set[str])
    flows: list[Flow] = field(default_factory=list[Flow])
    effect: Callable[[], None] = nothing

    def unless(self, *reasons: str, when: bool) -> "Verdict":
        """The same, refused for these reasons when this is so."""
        return Verdict(self.reasons | set(reasons if when else ()), self.flows, self.effect)


class Places:
    """Where every serial is, and what stops whom."""

    def __init__(self) -> None:
        self.where: dict[Serial, Place] = {}
        self.batches: dict[int, Batch] = {}
        self.freezes: list[Freeze] = []
        self.restricted: set[str] = set()
        self.short: set[str] = set()
        """Who owes credits for revoked reductions."""

    def at(self, place: Place, instrument: str = "") -> frozenset[Serial]:
        """The serials there, of this instrument or of all."""
        return frozenset(
            serial
            for serial, there in self.where.items()
            if there == place and instrument in ("", self.batches[serial[0]].instrument)
        )

    def is_frozen(self, account: str) -> bool:
        return any(
            one.is_of_account and not one.is_released and one.account == account
            for one in self.freezes
        )

    def stops(self, account: str) -> set[str]:
        """Why the account may not act at all."""
        found = {"ACCOUNT_NOT_OPEN"} if account in self.restricted else set[str]()
        return found | ({"ACCOUNT_FROZEN"} if self.is_frozen(account) else set())

    def keeps(self, account: str) -> set[str]:
        """Why the account may give nothing away."""
        return self.stops(account) | ({"SHORTFALL_OPEN"} if account in self.short else set())

    def taken(self, tonnes: int, *stacks: frozenset[Serial], target: Place) -> Verdict:
        """So many tonnes of these, the first exhausted before the next is touched; or they are too few."""
        flows: list[Flow] = []
        left = tonnes
        for stack in stacks:
            part = min(left, len(stack))
            flows += [Flow(part, stack, target)] if part else []
            left -= part
        return Verdict({"NOT_ENOUGH_CREDITS"}) if left else Verdict(flows=flows)

    def given(
        self, account: str, instrument: str, tonnes: int, source: Place, target: Place
    ) -> Verdict:
        """The same out of one place, by an account that may give."""
        verdict = self.taken(tonnes, self.at(source, instrument), target=target)
        return verdict.unless(*self.keeps(account), when=True)

    def free(self, account: str, instrument: str) -> list[frozenset[Serial]]:
        """What is the account's to give: in the registry, then at the venues."""
        places = [(account, "registry", ""), *((account, "exchange", venue) for venue in VENUES)]
        return [self.at(place, instrument) for place in places]

    def freeze_account(self, account: str, name: str) -> Verdict:
        """Whatever its state, and however often."""
        return Verdict(effect=lambda: self.freezes.append(Freeze(account, True, name)))

    def freeze(self, account: str, spans: Sequence[Sequence[Serial]], name: str) -> Verdict:
        """Exactly these serials are stopped, or none."""
        wanted = [serial for span in spans for serial in span]
        free = [(account, "registry", ""), *((account, "exchange", venue) for venue in VENUES)]
        held = {serial: self.where[serial] for serial in wanted if serial in self.where}
        verdict = Verdict(
            flows=[
                Flow(1, frozenset({serial}), (account, "frozen", "")) for serial in sorted(held)
            ],
            effect=lambda: self.freezes.append(Freeze(account, False, name, held)),
        )
        verdict = verdict.unless("SPANS_OVERLAP", when=len(set(wanted)) < len(wanted))
        are_free = all(held.get(serial) in free for serial in wanted)
        return verdict.unless("SERIAL_NOT_FREE", when=not are_free)

    def release(self, freeze: Freeze) -> Verdict:
        """What is still held goes back to where it was."""

        def end() -> None:
            freeze.is_released = True

        flows = [Flow(1, frozenset({serial}), back) for serial, back in freeze.held.items()]
        return Verdict(flows=flows, effect=end).unless("STEP_NOT_ALLOWED", when=freeze.is_released)

    def enforce(self, giver: str, taker: str, instrument: str, tonnes: int) -> Verdict:
        """Title changes whatever the state of the giver's account; the taker's is open."""
        verdict = self.taken(tonnes, *self.free(giver, instrument), target=(taker, "registry", ""))
        return self._received(verdict, giver, taker)

    def enforce_frozen(self, freeze: Freeze, giver: str, taker: str) -> Verdict:
        """Everything that the freeze holds changes hands."""
        held = frozenset(freeze.held)
        verdict = Verdict(flows=[Flow(len(held), held, (taker, "registry", ""))])
        verdict = verdict.unless("FREEZE_HOLDS_NOTHING", when=not held)
        verdict = verdict.unless("UNKNOWN", when=freeze.account != giver)
        return self._received(verdict, giver, taker)

    def _received(self, verdict: Verdict, giver: str, taker: str) -> Verdict:
        verdict = verdict.unless("TRANSFER_TO_ONESELF", when=giver == taker)
        return verdict.unless("ACCOUNT_NOT_OPEN", when=taker in self.restricted)

    def revoke(self, account: str, batch: int, tonnes: int) -> Verdict:
        """As much as the account has is cancelled: of the batch, of its project, of its programme."""
        places = [("registry", ""), *(("exchange", venue) for venue in VENUES)]
        stacks = [self.at((account, *one)) for one in (*places, ("frozen", ""), ("buffer", ""))]
        told = self.batches[batch]
        rings: list[set[int]] = [
            {batch},
            {n for n, one in self.batches.items() if one.project == told.project},
            {n for n, one in self.batches.items() if one.programme == told.programme},
        ]
        rings = [rings[0], rings[1] - rings[0], rings[2] - rings[1]]
        near = [
            frozenset(serial for serial in stack if serial[0] in ring)
            for ring in rings
            for stack in stacks
        ]
        there = min(tonnes, sum(map(len, near)))
        return self.taken(there, *near, target=(account, "cancelled", ""))

    def follow(self, found: Mapping[Serial, Place], flows: Iterable[Flow]) -> set[Serial]:
        """Takes over where everything is now, if exactly these flows lead there; returns what moved."""
        moved = {serial for serial, there in found.items() if self.where[serial] != there}
        assert found.keys() == self.where.keys(), "a serial is nowhere, or nobody's"
        assert not any(self.where[serial][1] in ENDS for serial in moved), (
            "what had ended came back"
        )
        wanted = Counter[tuple[frozenset[Serial], Place]]()
        for flow in flows:
            wanted[flow.among, flow.target] += flow.tonnes
        assert sum(wanted.values()) == len(moved), (wanted, moved)
        for (among, target), tonnes in wanted.items():
            gone = {serial for serial in moved & among if found[serial] == target}
            assert len(gone) == tonnes, (target, gone, tonnes)
            stayed = {serial[0] for serial in among - moved}
            assert max(gone)[0] <= min(stayed, default=max(gone)[0]), "a younger batch went first"
        for freeze in self.freezes:
            for serial in moved & freeze.held.keys():
                if found[serial][1] != "frozen":
                    del freeze.held[serial]
        self.where = dict(found)
        return moved
