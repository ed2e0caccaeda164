"""The walk itself: one act after the other, each judged by the model, and after each the whole record compared."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from services.issuance.messages.batches import CreditsIssued
from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.runtime.messages import Command, Event, wire_name
from services.runtime.postgres import Pool
from tests.properties.credit_dues import Dues
from tests.properties.credit_places import ACCOUNTS, ENDS, VENUES, Batch, Serial, Verdict
from tests.properties.credit_world import FEN, World, said_of

Result = TypeVar("Result")
Letter = tuple[str, Event, UUID]
"""Which service is to hear what, and the id of the message."""


@dataclass(frozen=True)
class Given:
    """What chance has drawn for one act, of which each takes what it needs."""

    account: str
    other: str
    venue: str
    instrument: str
    drawn: int
    """Tonnes; 0 is all there is, and -1 one more than that."""
    choice: int
    is_so: bool

    def tonnes(self, there: int) -> int:
        """The tonnes that were drawn, where so many are there."""
        return self.drawn if self.drawn > 0 else max(1, there - self.drawn)

    def one_of(self, known: Sequence[Result]) -> Result:
        return known[self.choice % len(known)]


given = st.builds(
    Given,
    account=st.sampled_from(ACCOUNTS),
    other=st.sampled_from(ACCOUNTS),
    venue=st.sampled_from(VENUES),
    instrument=st.sampled_from(["N1", "N2", "A21", "A19", "L", "P"]),
    drawn=st.sampled_from([1, 1, 2, 3, 5, 8, 0, 0, -1]),
    choice=st.integers(0, 999),
    is_so=st.booleans(),
)


class Walk(RuleBasedStateMachine):
    """What every rule needs: a world, a model of it, and what comes of an act."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    pools: ClassVar[dict[str, Pool]]
    done: ClassVar[Counter[tuple[str, str]]]
    """How often each kind of act came to each end."""
    steps: ClassVar[int]
    numbers: ClassVar[Counter[tuple[str, str]]]
    """The last certificate of each series and year."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.model = World(self.pools), Dues()
        self.taken = 0
        """Steps of this walk."""
        self.mail: list[Letter] = []
        """What one service has said and another has not heard yet."""
        self.heard: list[Letter] = []
        self.of_day: list[dict[str, Any]] = []
        self.retirements: list[UUID] = []
        self.wait(self.world.furnish())
        self.model.fen.update({(a, venue): FEN for a in ACCOUNTS for venue in VENUES})

    def wait(self, work: Awaitable[Result]) -> Result:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        assert self.wait(self.world.broken()) == {}

    def full(self, letter: str) -> str:
        return self.world.full(letter)

    def holding(
        self,
        given: Given,
        bucket: str,
        venue: str = "",
        programmes: str = "NALPQ",
        accounts: Sequence[str] = ACCOUNTS,
    ) -> tuple[str, str]:
        """An account and an instrument of which it has something there; mostly one that may give it away."""
        model = self.model
        known = {
            (place[0], model.batches[batch].instrument)
            for (batch, _), place in model.where.items()
            if place[1:] == (bucket, venue)
            and place[0] in accounts
            and model.batches[batch].programme in programmes
        }
        if not known or given.choice % 11 == 0:
            return given.account, given.instrument
        giving = [pair for pair in sorted(known) if not model.keeps(pair[0])]
        return given.one_of((given.choice % 4 and giving) or sorted(known))

    def named(self, verdict: Verdict, instrument: str) -> Verdict:
        """The same, refused if settlement has never heard of the instrument."""
        return verdict.unless("NOT_YET_KNOWN", when=not self.model.is_known(instrument))

    def does(
        self, kind: str, verdict: Verdict, command: Command, actor: Actor
    ) -> Sequence[Event] | None:
        """Carries the command out; what it says, or None if it is refused."""
        code, said = self.wait(self.world.attempt(self.world.act(command, actor)))
        return self.judge(kind, verdict, code, said)

    def hears(self, kind: str, verdict: Verdict, letter: Letter) -> Sequence[Event] | None:
        """A service hears what another has said, under the id of that message."""
        service, event, message_id = letter
        code, said = self.wait(
            self.world.attempt(self.world.learn(event, service, message_id=str(message_id)))
        )
        return self.judge(kind, verdict, code, said)

    def judge(
        self, kind: str, verdict: Verdict, code: str | None, said: Sequence[Event] = ()
    ) -> Sequence[Event] | None:
        """What came of an act is what must come of it, and nothing else has changed."""
        self.done[kind, code or "done"] += 1
        if verdict.reasons:
            assert code in verdict.reasons, (kind, code, verdict.reasons)
            self.moves(Verdict())
            return None
        assert code is None, (kind, code)
        moved = self.moves(verdict)
        ranges = [one for event in said for one in getattr(event, "ranges", ())]
        if ranges:
            assert moved == self.serials(ranges), (kind, moved, ranges)
        self.numbered(said)
        self.retirements += said_of(said, "retirement_id")
        return said

    def moves(self, verdict: Verdict) -> set[Serial]:
        """Takes over what the verdict says, if everything on record says the same."""
        moved = self.model.follow(self.wait(self.world.places()), verdict.flows)
        verdict.effect()
        self.compare()
        return moved

    def serials(self, ranges: Sequence[Any]) -> set[Serial]:
        return {
            (self.world.batches[one.batch_id], serial)
            for one in ranges
            for serial in range(one.first_serial, one.last_serial + 1)
        }

    def numbered(self, said: Sequence[Event]) -> None:
        """Certificates and proofs are numbered without a gap, whatever was refused in between."""
        own = [one for one in said if wire_name(type(one)).startswith("settlement.")]
        for number in said_of(own, "certificate_number") + said_of(own, "proof_number"):
            series, year, running = number.split("-")
            assert year == str(self.world.today.year)
            self.numbers[series, year] += 1
            assert int(running) == self.numbers[series, year], number

    def compare(self) -> None:
        """Accounts, cash and obligations stand on record as the model has them."""
        model = self.model
        assert self.wait(self.world.accounts()) == {
            one: (one in model.restricted, model.is_frozen(one), one in model.short)
            for one in ACCOUNTS
        }
        cash = {key: (fen, *self._expected(*key)) for key, fen in model.fen.items()}
        assert self.wait(self.world.cash()) == cash
        found = self.wait(self.world.obligations())
        for account, (state, due, cap, surrendered, offset) in found.items():
            owed = model.owed[account]
            assert (state, due, cap) == (owed.state, owed.due, owed.cap)
            assert (surrendered, offset) == (owed.surrendered, owed.offset)
            assert offset <= owed.cap_ever, "the cap was passed"
            assert surrendered + offset <= owed.due_ever, "more was paid than was due"

    def _expected(self, account: str, venue: str) -> tuple[int, int]:
        held = [one for one in self.model.held if one.venue == venue]
        costs = sum(one.fen for one in held if one.buyer == account)
        return costs, sum(one.fen for one in held if one.seller == account)

    def receive(self, event: CreditsIssued, *, instrument: str, is_young: bool) -> Verdict:
        """A batch is born: its serials are where it says, and nowhere before."""
        number, holder = self.world.born(event.batch_id), event.holder_account[-1]
        self.model.batches[number] = Batch(instrument, holder, is_young)
        buffer = event.buffer_first_serial or event.last_serial + 1
        for serial in range(event.first_serial, event.last_serial + 1):
            bucket = "registry" if serial < buffer else "buffer"
            self.model.where[number, serial] = holder, bucket, ""
        return Verdict()

    def ended(self) -> list[Serial]:
        return sorted(serial for serial, there in self.model.where.items() if there[1] in ENDS)

    def post(self, service: str, *events: Event) -> None:
        """Puts what was said where the service will hear it."""
        self.mail += [(service, event, new_id()) for event in events]
