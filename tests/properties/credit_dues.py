"""The end of that model: what is owed to the state and for false reductions, and how much of it is left."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tests.properties.credit_places import INSTRUMENTS, Serial, Verdict
from tests.properties.credit_trades import BEIJING, Trades

DEADLINE = datetime(2022, 1, 1, tzinfo=BEIJING)
"""Of the obligations for 2020: the first instant that is too late."""
PAYING_VINTAGES = 2020, 2021


@dataclass
class Owed:
    """What an account owes for its emissions of 2020."""

    due: int
    cap: int
    due_ever: int
    """The most that was ever told to be due."""
    cap_ever: int
    surrendered: int = 0
    offset: int = 0
    state: str = "NOTIFIED"

    @property
    def left(self) -> int:
        return max(0, self.due - self.surrendered - self.offset)

    def noticed(self, at: datetime) -> str:
        """The state that follows once anybody looks."""
        is_late = at >= DEADLINE
        if not self.left:
            return self.state if self.is_settled else "ENFORCED" if is_late else "MET"
        if is_late:
            return "OVERDUE"
        return "PARTIAL" if self.surrendered + self.offset else "NOTIFIED"

    @property
    def is_settled(self) -> bool:
        return self.state in ("MET", "ENFORCED")


@dataclass
class Shortfall:
    """Credits that an account owes because reductions were false."""

    account: str
    left: int


class Dues(Trades):
    """Everything that the model knows."""

    def __init__(self) -> None:
        super().__init__()
        self.owed: dict[str, Owed] = {}
        self.versions: Counter[str] = Counter()
        self.shortfalls: dict[int, Shortfall] = {}
        """By batch."""
        self.issued = {"L"}
        """Of what issuance has issued something, so that it may be converted."""

    def is_known(self, instrument: str) -> bool:
        """Whether settlement has heard of any credits of it."""
        return any(one.instrument == instrument for one in self.batches.values())

    def left(self, account: str) -> int:
        """What the account may still surrender."""
        return self.owed[account].left if account in self.owed else 0

    def offset_left(self, account: str) -> int:
        """What it may still offset."""
        owed = self.owed.get(account)
        return min(owed.left, max(0, owed.cap - owed.offset)) if owed else 0

    def owe_for_emissions(self, account: str, due: int, cap: int, at: datetime) -> Verdict:
        """What is due is told, for the first time or anew."""

        def end() -> None:
            self.versions[account] += 1
            owed = self.owed.setdefault(account, Owed(due, cap, due, cap))
            owed.due, owed.due_ever = due, max(due, owed.due_ever)
            owed.cap, owed.cap_ever = cap, max(cap, owed.cap_ever)
            owed.state = owed.noticed(at)

        return Verdict(effect=end)

    def open_day(self, at: datetime) -> Verdict:
        """Offers whose last day is over come to nothing, and what is still owed is overdue."""
        verdict = self.expire(at.astimezone(BEIJING).date())
        expire = verdict.effect

        def end() -> None:
            expire()
            for owed in self.owed.values():
                if owed.state in ("NOTIFIED", "PARTIAL"):
                    owed.state = owed.noticed(at)

        verdict.effect = end
        return verdict

    def surrender(self, account: str, instrument: str, tonnes: int, at: datetime) -> Verdict:
        source, end = (account, "registry", ""), (account, "retired", "")
        verdict = self.given(account, instrument, tonnes, source, end)
        return self._counted(verdict, account, instrument, tonnes, at)

    def seize(self, account: str, instrument: str, tonnes: int, at: datetime) -> Verdict:
        """What is overdue is taken wherever it is: in the registry, at venues, frozen."""
        registry, *venues = self.free(account, instrument)
        stacks = registry, frozenset[Serial]().union(*venues)
        frozen = self.at((account, "frozen", ""), instrument)
        target = account, "retired", ""
        verdict = self.taken(tonnes, *stacks, frozen, target=target)
        owed = self.owed.get(account)
        is_overdue = owed is not None and owed.noticed(at) == "OVERDUE"
        verdict = verdict.unless("OBLIGATION_NOT_OVERDUE", when=not is_overdue)
        return self._counted(verdict, account, instrument, tonnes, at)

    def _counted(
        self, verdict: Verdict, account: str, instrument: str, tonnes: int, at: datetime
    ) -> Verdict:
        verdict = verdict.unless("NOT_SURRENDERABLE", when=instrument[0] != "A")
        is_paying = INSTRUMENTS[instrument][1] in PAYING_VINTAGES
        verdict = verdict.unless("VINTAGE_NOT_ALLOWED", when=not is_paying)
        owed = self.owed.get(account)
        if owed is None:
            return verdict.unless("OBLIGATION_UNKNOWN", when=True)

        def end() -> None:
            owed.surrendered += tonnes
            owed.state = owed.noticed(at)

        verdict = verdict.unless("MORE_THAN_DUE", when=tonnes > owed.left)
        verdict.effect = end
        return verdict

    def offset(self, account: str, instrument: str, tonnes: int, at: datetime) -> Verdict:
        """Only young credits of others count, up to the cap and before the deadline."""
        there = self.at((account, "registry", ""), instrument)
        old = {serial for serial in there if not self.batches[serial[0]].is_young}
        own = {serial for serial in there if self.batches[serial[0]].first_holder == account}
        usable = there - old - own
        verdict = self.taken(tonnes, usable, target=(account, "retired", ""))
        if len(usable) < tonnes <= len(there):
            verdict = Verdict().unless("REGISTERED_TOO_EARLY", when=bool(old))
            verdict = verdict.unless("OWN_CREDITS_NOT_ACCEPTED", when=bool(own))
        verdict = verdict.unless(*self.keeps(account), when=True)
        verdict = verdict.unless("NOT_ELIGIBLE_FOR_ETS", when=instrument[0] != "N")
        owed = self.owed.get(account)
        if owed is None:
            return verdict.unless("OBLIGATION_UNKNOWN", when=True)

        def end() -> None:
            owed.offset += tonnes
            owed.state = owed.noticed(at)

        verdict = verdict.unless("OBLIGATION_OVERDUE", when=at >= DEADLINE)
        verdict = verdict.unless("OFFSET_CAP_EXCEEDED", when=owed.offset + tonnes > owed.cap)
        verdict = verdict.unless("MORE_THAN_DUE", when=tonnes > owed.left)
        verdict.effect = end
        return verdict

    def owe(self, account: str, batch: int, tonnes: int) -> None:
        """What was revoked and is not there to be cancelled, if anything."""
        if not tonnes:
            return
        known = self.shortfalls.setdefault(batch, Shortfall(account, 0))
        known.left += tonnes
        self._recount()

    def make_good(self, batch: int, instrument: str, tonnes: int) -> Verdict:
        owed = self.shortfalls[batch]
        account, target = owed.account, (owed.account, "cancelled", "")
        verdict = self.taken(tonnes, *self.free(account, instrument), target=target)
        verdict = verdict.unless(*self.stops(account), when=True)
        verdict = verdict.unless("STEP_NOT_ALLOWED", when=not owed.left)
        verdict = verdict.unless("MORE_THAN_OWED", when=tonnes > owed.left)
        verdict = verdict.unless("OWED_IN_ANOTHER_PROGRAMME", when=instrument[0] != "N")

        def end() -> None:
            owed.left -= tonnes
            self._recount()

        verdict.effect = end
        return verdict

    def _recount(self) -> None:
        self.short = {one.account for one in self.shortfalls.values() if one.left}
