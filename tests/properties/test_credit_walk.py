"""Trades, freezes, enforcement, use, obligations, revocations and conversions in any order, on real databases."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    rule,
    run_state_machine_as_test,
)

from services.issuance.messages.batches import CreditsIssued
from services.issuance.messages.conversions import ConversionRequested, RequestConversion
from services.kernel.ids import new_id
from services.runtime.messages import Event
from services.runtime.postgres import opened_pool
from services.settlement.messages.conversions import ConversionRefused, ConversionSourceCancelled
from services.settlement.messages.holdings import CorrectPosting
from tests.conftest import Database, new_database
from tests.handlers.desk import REGISTRAR
from tests.properties.credit_places import VENUES, Verdict
from tests.properties.credit_uses import UseWalk
from tests.properties.credit_walk import Given, Letter, Walk, given
from tests.properties.credit_world import TWICE

STEPS_MIN = 2_000
UNTOUCHED = asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError
ACTS = """
    issue issue bring_in move move move trade trade trade trade trade cancel_trade cancel_trade pass_time open_day
    offer decide decide correct restrict freeze_account freeze_credits freeze_credits release enforce enforce_frozen
    cancel cancel cancel_frozen revoke make_good make_good use surrender surrender offset offset offset seize seize
    year_ends owe_anew convert deliver deliver deliver deliver deliver hear_again bring_back
""".split()
CONVERTED = {"L": ("P", 1, 2), "P": ("Q", 9, 10)}
"""What becomes of credits, by which factor: rounded down."""


class CreditWalk(UseWalk):
    """Everything that happens, and what becomes of the credits of other programmes."""

    @initialize()
    def begin(self) -> None:
        """Two owe something for 2020, and everybody has a little of something, here and at the venues."""
        for account in "SE":
            self.owe(account, 40, 8)
        self.born("E", "N1", tonnes=2, buffered=0, is_young=True)
        self.born("S", "N1", tonnes=2, buffered=0, is_young=False)
        self.change_title("S", "E", "N1", 2)
        for holder, instrument in (("S", "N1"), ("S", "A21"), ("E", "A21"), ("E", "A19")):
            self.born(holder, instrument, tonnes=15, buffered=0, is_young=True)
        self.born("B", "N2", tonnes=15, buffered=3, is_young=True)
        drawn = Given("B", "E", "D", "N1", drawn=5, choice=1, is_so=True)
        self.bring_in(drawn)
        self.change_title("S", "E", "N1", 8)
        for account, instrument in (("S", "N1"), ("E", "A21"), ("B", "N2")):
            for venue in VENUES:
                self.to_venue(account, venue, instrument, 3, inward=True)

    @rule(act=st.sampled_from(ACTS), given=given)
    def happen(self, act: str, given: Given) -> None:
        """One act; which one is drawn evenly, as rules of their own would not be."""
        Walk.steps += 1
        self.taken += 1
        # What is drawn twice, as is often done here, shall not do the same twice.
        getattr(self, act)(replace(given, choice=(given.choice + 37 * self.taken) % 1000))

    def convert(self, given: Given) -> None:
        """Issuance reserves what is to live; that the source is there it cannot know."""
        account, source = self.holding(given, "registry", programmes="LP")
        source = source if source in CONVERTED else "L"
        tonnes = given.tonnes(len(self.model.at((account, "registry", ""), source)))
        target, part, whole = CONVERTED[source]
        what, into = self.world.of(source), self.world.of(target)
        command = RequestConversion(
            conversion_id=new_id(),
            batch_id=new_id(),
            account=self.full(account),
            source_project=what["project"],
            source_vintage=what["vintage"],
            source_tonnes=tonnes,
            target_project=into["project"],
            target_vintage=into["vintage"],
        )
        is_restricted = account in self.model.restricted
        verdict = Verdict().unless("ACCOUNT_NOT_OPEN", when=is_restricted)
        verdict = verdict.unless("OUT_OF_RANGE", when=not tonnes * part // whole)
        is_known = source in self.model.issued
        verdict = verdict.unless("UNKNOWN", when=not is_known)
        said = self.does("convert", verdict, command, self.world.owner(account)) or ()
        for event in said:
            assert isinstance(event, ConversionRequested)
            assert event.target_tonnes == tonnes * part // whole
        self.post("settlement", *said)

    def deliver(self, given: Given) -> None:
        """A message arrives, in whatever order; what follows from it is put under way."""
        if not self.mail:
            self.convert(given)
            return
        place = given.choice % len(self.mail)
        letter = self.mail[place]
        event = letter[1]
        match event:
            case ConversionRequested():
                is_heard = self.hear_request(event, letter)
            case CreditsIssued():
                verdict = self.receive(event, instrument=event.project[-2], is_young=False)
                is_heard = self.hears("target", verdict, letter) is not None
            case _:
                is_heard = self.hear_decision(event, letter)
        if is_heard:
            self.heard.append(self.mail.pop(place))

    def hear_request(self, event: ConversionRequested, letter: Letter) -> bool:
        """Settlement cancels the source, or says why it lives on; it may not know it yet."""
        account, source = event.account[-1], event.source_project[-2]
        places = (account, "registry", ""), (account, "cancelled", "")
        verdict = self.model.given(account, source, event.source_tonnes, *places)
        if not self.model.is_known(source):
            return self.hears("source", Verdict({"NOT_YET_KNOWN"}), letter) is not None
        kind = "source lives" if verdict.reasons else "source dies"
        flows = [] if verdict.reasons else verdict.flows
        said = self.hears(kind, Verdict(flows=flows), letter) or ()
        first = next(iter(said))
        if verdict.reasons:
            assert isinstance(first, ConversionRefused)
            assert first.code in verdict.reasons
        else:
            assert isinstance(first, ConversionSourceCancelled)
        self.post("issuance", first)
        return True

    def hear_decision(self, event: Event, letter: Letter) -> bool:
        """Issuance issues the target if the source is dead, and only then."""
        said = self.hears("decision", Verdict(), letter) or ()
        issued = [one for one in said if isinstance(one, CreditsIssued)]
        assert len(issued) == isinstance(event, ConversionSourceCancelled)
        for one in issued:
            assert isinstance(event, ConversionSourceCancelled)
            target, part, whole = CONVERTED[event.project[-2]]
            assert one.tonnes == event.tonnes * part // whole
            assert one.holder_account == event.account
            self.model.issued.add(target)
        self.post("settlement", *issued)
        return True

    def hear_again(self, given: Given) -> None:
        """What was heard before comes once more, as a broker may deliver it, and has no effect."""
        if not self.heard:
            self.deliver(given)
            return
        letter = given.one_of(self.heard)
        is_batch = isinstance(letter[1], CreditsIssued)
        verdict = Verdict().unless(TWICE, when=is_batch)
        assert not self.hears("hear_again", verdict, letter)

    def bring_back(self, given: Given) -> None:
        """What was used or cancelled stays so, whoever tries, and by whatever means."""
        if not self.ended():
            self.use(given)
            return
        batch, serial = given.one_of(self.ended())
        where = "batch_id = $1 AND first_serial <= $2 AND $2 < next_serial"
        for attempt in ("UPDATE holding SET bucket = 'registry'", "DELETE FROM holding"):
            statement, id_ = f"{attempt} WHERE {where}", self.world.batch(batch)
            with pytest.raises(UNTOUCHED):
                self.wait(self.pools["settlement"].execute(statement, id_, serial))
        posting = f"retirement/{given.one_of(self.retirements)}"
        command = CorrectPosting(correction_id=new_id(), posting=posting, reason="a mistake")
        self.does("bring_back", Verdict({"POSTING_NOT_CORRECTABLE"}), command, REGISTRAR)


@pytest.fixture(scope="module")
async def fresh(database: Database) -> AsyncIterator[Database]:
    """A database in which nothing else happens: all of it must be in order after each walk."""
    async with new_database(database) as made:
        yield made


ENDS = [
    *("issue", "bring_in", "move", "trade D", "trade I", "cancel_trade", "settle_day", "offer"),
    *("AcceptTransfer", "RefuseTransfer", "WithdrawTransfer", "correct", "open_day", "restrict"),
    *("freeze_account", "freeze_credits", "release", "enforce", "enforce_frozen", "use"),
    *("cancel registry", "cancel buffer", "cancel frozen", "surrender", "offset", "seize"),
    *("owe", "revoke", "revoke short", "make_good", "convert", "source dies", "source lives"),
    *("target", "hear_again"),
]


def test_whatever_happens_to_credits_each_is_in_one_place_and_what_is_final_stays_so(
    fresh: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """No cap and no debt is passed, nothing that ended comes back, and no act is refused or done against the model."""
    Walk.done, Walk.numbers, Walk.steps = Counter(), Counter(), 0
    with asyncio.Runner() as runner:
        Walk.loop = runner.get_loop()
        pools = AsyncExitStack()
        Walk.pools = {
            service: runner.run(
                pools.enter_async_context(opened_pool(fresh.url(service), service, size=2))
            )
            for service in ("settlement", "issuance")
        }
        try:
            run_state_machine_as_test(CreditWalk, settings=WALKS)
        finally:
            runner.run(pools.aclose())
    with capsys.disabled():
        print(  # noqa: T201 - the count is what this test is asked for
            f"\n{Walk.steps} steps, {Walk.done.total()} acts: {summary()}"
        )
    assert Walk.steps >= STEPS_MIN
    assert not [kind for kind in ENDS if not Walk.done[kind, "done"]]


WALKS = settings(
    max_examples=24,
    stateful_step_count=100,
    derandomize=True,  # the same walks each time
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def summary() -> str:
    kinds = sorted({kind for kind, _ in Walk.done})
    return ", ".join(
        f"{kind} {Walk.done[kind, 'done']}/{sum(n for (k, _), n in Walk.done.items() if k == kind)}"
        for kind in kinds
    )
