"""Reports walked at random through their whole life, against a model that knows the rule book and nothing else."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.issuance.messages.applications import RefuseReduction, RegisterReduction
from services.issuance.messages.batches import IssueCredits
from services.issuance.messages.days import OpenDay
from services.issuance.messages.notices import CommentOnReport
from services.issuance.messages.reductions import RevokeReductions
from services.issuance.messages.reports import WithdrawReport
from services.issuance.reports import State
from services.kernel.actors import Actor, Role
from services.kernel.calendars import CHINA
from services.kernel.ids import derived_id
from services.kernel.refusals import Refusal
from services.runtime.messages import Command
from services.runtime.postgres import Transaction, opened_connection
from tests import reporting
from tests.conftest import Database
from tests.reporting import (
    VALIDATOR,
    VERIFIER,
    application,
    learn,
    notice,
    on,
    reduction_id,
    registration,
    say,
    submission,
    tonnes,
    verification,
)

EVERYBODY = Actor("one.for.all", None, frozenset({Role.REGISTRAR, Role.AUTHORITY, Role.HISTORIAN}))
DECIDER = Actor("another.one", None, frozenset({Role.REGISTRAR}))
DECISIONS = (RegisterReduction, RefuseReduction)
PERIODS = {
    1: (date(2023, 1, 1), date(2024, 6, 30)),
    2: (date(2024, 6, 30), date(2024, 12, 31)),
    3: (date(2025, 1, 1), date(2025, 6, 30)),
}
"""The first two have one day in common."""
NOW = datetime(2026, 1, 5, tzinfo=UTC)
REPORTED = 10
"""Tonnes of each vintage."""
NUMBERS = st.sampled_from(sorted(PERIODS))
VINTAGES = st.sampled_from([2023, 2024, 2025])

Result = TypeVar("Result")


@dataclass
class Sketch:
    """What the model remembers of a report."""

    state: str = "NONE"
    noticed_until: date = date.min
    commented: bool = False
    verified: dict[int, int] = field(default_factory=dict[int, int])
    issued: set[int] = field(default_factory=set[int])
    revoked: dict[int, int] = field(default_factory=dict[int, int])


def years(number: int) -> list[int]:
    first, last = PERIODS[number]
    return list(range(first.year, last.year + 1))


HOLDING = {
    "IN_PUBLIC_NOTICE",
    "NOTICE_ENDED",
    "VERIFIED",
    "REGISTRATION_APPLIED",
    "REGISTERED",
    "ISSUED",
    "REVOKED",
}


class Reports(RuleBasedStateMachine):
    """Three reports of one project, on days that go forward."""

    database: Database
    reached: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.connection = self.wait(opened_connection(self.database.url("issuance"), "issuance"))
        self.wait(self.connection.transaction().start())
        self.tx = Transaction(self.connection, "walk", EVERYBODY, NOW, NOW)
        self.wait(learn(self.tx, *reporting.HEARD))
        self.today = date(2026, 1, 5)
        self.reports = {number: Sketch() for number in PERIODS}
        self.count = 0

    def wait(self, work: Awaitable[Result]) -> Result:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            assert not self.wait(reporting.broken(self.tx))
        finally:
            self.wait(self.connection.close())
            self.loop.close()

    def does(self, command: Command, *, expected: bool) -> None:
        """Sends the command, which must be accepted if and only if the model expects it."""
        try:
            actor = DECIDER if isinstance(command, DECISIONS) else EVERYBODY
            self.wait(say(on(self.tx, self.today, actor), command))
            refusal = None
        except Refusal as raised:
            refusal = raised
        assert (refusal is None) == expected, f"{command}: {refusal or 'accepted'}"

    def clash(self, number: int) -> bool:
        """Whether a published report has this period, or a day of it."""
        held = {other for other, sketch in self.reports.items() if sketch.state in HOLDING}
        return bool(held & ({1, 2} if number in {1, 2} else {3}))

    def current(self, number: int) -> str:
        """The state on this day, whether anybody opened the day or not."""
        sketch = self.reports[number]
        if sketch.state == "IN_PUBLIC_NOTICE" and self.today > sketch.noticed_until:
            return "NOTICE_ENDED"
        return sketch.state

    @rule(number=NUMBERS)
    def submit(self, number: int) -> None:
        sketch = self.reports[number]
        expected = sketch.state == "NONE" and not self.clash(number)
        first, last = PERIODS[number]
        stated = tonnes(**{f"y{year}": REPORTED for year in years(number)})
        command = submission(
            number, period_number=number, period_start=first, period_end=last, tonnes=stated
        )
        self.does(command, expected=expected)
        if expected:
            sketch.state = "DRAFT"

    @rule(number=NUMBERS, body=st.sampled_from([VERIFIER, VERIFIER, VERIFIER, VALIDATOR]))
    def open_notice(self, number: int, body: str) -> None:
        sketch = self.reports[number]
        expected = sketch.state == "DRAFT" and body == VERIFIER and not self.clash(number)
        self.does(notice(number, body), expected=expected)
        if expected:
            sketch.state = "IN_PUBLIC_NOTICE"
            sketch.noticed_until = CHINA.nth_working_day(self.today, 20)

    @rule(number=NUMBERS)
    def comment(self, number: int) -> None:
        self.count += 1
        expected = self.current(number) == "IN_PUBLIC_NOTICE"
        command = CommentOnReport(
            comment_id=UUID(int=self.count), report_id=UUID(int=number), text="意见"
        )
        self.does(command, expected=expected)
        self.reports[number].commented |= expected

    @rule(
        number=NUMBERS,
        change=st.sampled_from([0, 0, 0, -1, 1]),
        findings=st.sampled_from(["", "x", "x"]),
    )
    def verify(self, number: int, change: int, findings: str) -> None:
        sketch = self.reports[number]
        stated = dict.fromkeys(years(number), REPORTED + change)
        is_said = bool(findings) or (change == 0 and not sketch.commented)
        expected = self.current(number) == "NOTICE_ENDED" and change <= 0 and is_said
        command = verification(
            number, tonnes=tonnes(**{f"y{y}": t for y, t in stated.items()}), findings=findings
        )
        self.does(command, expected=expected)
        if expected:
            sketch.state, sketch.verified = "VERIFIED", stated

    @rule(number=NUMBERS, change=st.sampled_from([0, 0, 0, -1, 1]))
    def apply(self, number: int, change: int) -> None:
        sketch = self.reports[number]
        quantity = sum(sketch.verified.values()) + change
        expected = sketch.state == "VERIFIED" and change == 0
        self.does(application(number, quantity), expected=expected)
        if expected:
            sketch.state = "REGISTRATION_APPLIED"

    @rule(number=NUMBERS)
    def register(self, number: int) -> None:
        self.step(number, registration(number), "REGISTRATION_APPLIED", "REGISTERED")

    @rule(number=NUMBERS)
    def refuse(self, number: int) -> None:
        command = RefuseReduction(report_id=UUID(int=number), reason="false")
        self.step(number, command, "REGISTRATION_APPLIED", "REFUSED")

    def step(self, number: int, command: Command, before: str, after: str) -> None:
        expected = self.reports[number].state == before
        self.does(command, expected=expected)
        if expected:
            self.reports[number].state = after

    @rule(number=NUMBERS)
    def withdraw(self, number: int) -> None:
        sketch = self.reports[number]
        expected = sketch.state in {"DRAFT", "IN_PUBLIC_NOTICE", "NOTICE_ENDED", "VERIFIED"}
        command = WithdrawReport(report_id=UUID(int=number), reason="mistake")
        self.does(command, expected=expected)
        if expected:
            sketch.state = "WITHDRAWN"

    @rule(number=NUMBERS, vintage=VINTAGES)
    def issue(self, number: int, vintage: int) -> None:
        sketch = self.reports[number]
        is_free = vintage in years(number) and vintage not in sketch.issued
        expected = sketch.state == "REGISTERED" and is_free
        self.count += 1
        command = IssueCredits(
            batch_id=derived_id("batch", self.count), reduction_id=reduction_id(number, vintage)
        )
        self.does(command, expected=expected)
        if expected:
            sketch.issued.add(vintage)
            if sketch.issued == set(years(number)):
                sketch.state = "ISSUED"

    @rule(number=NUMBERS, vintage=VINTAGES, quantity=st.sampled_from([1, 9, 10, 11]))
    def revoke(self, number: int, vintage: int, quantity: int) -> None:
        sketch = self.reports[number]
        is_there = sketch.state in {"REGISTERED", "ISSUED", "REVOKED"} and vintage in years(number)
        revoked = sketch.revoked.get(vintage, 0) + quantity
        expected = is_there and revoked <= sketch.verified[vintage]
        command = RevokeReductions(
            reduction_id=reduction_id(number, vintage), tonnes=quantity, reason="falsified"
        )
        self.does(command, expected=expected)
        if expected:
            sketch.state, sketch.revoked[vintage] = "REVOKED", revoked

    @rule(days=st.sampled_from([1, 7, 19, 40]), is_opened=st.booleans())
    def advance(self, days: int, is_opened: bool) -> None:
        self.today += timedelta(days=days)
        if is_opened:
            self.does(OpenDay(date=self.today), expected=True)
            for number, sketch in self.reports.items():
                sketch.state = self.current(number)

    @initialize(number=NUMBERS, steps=st.integers(0, 9), is_refused=st.booleans())
    def begin(self, number: int, steps: int, is_refused: bool) -> None:
        self.go_on(number, steps, is_refused)

    @rule(number=NUMBERS, steps=st.integers(1, 4), is_refused=st.booleans())
    def go_on(self, number: int, steps: int, is_refused: bool) -> None:
        """Steps that lead on, so that walks also come to the end."""
        for _ in range(steps):
            self.forward(number, is_refused=is_refused)

    def forward(self, number: int, *, is_refused: bool) -> None:
        match self.current(number):
            case "NONE":
                self.submit(number)
            case "DRAFT":
                self.open_notice(number, VERIFIER)
            case "IN_PUBLIC_NOTICE":
                self.advance(40, is_opened=number == 1)
            case "NOTICE_ENDED":
                self.verify(number, 0, "x")
            case "VERIFIED":
                self.apply(number, 0)
            case "REGISTRATION_APPLIED" if is_refused:
                self.refuse(number)
            case "REGISTRATION_APPLIED":
                self.register(number)
            case "REGISTERED":
                issued = self.reports[number].issued
                self.issue(number, next(year for year in years(number) if year not in issued))
            case "ISSUED":
                self.revoke(number, years(number)[0], 1)
            case _:
                self.advance(1, is_opened=True)

    @invariant()
    def states_agree(self) -> None:
        found = self.wait(self.connection.fetch("SELECT report_id, state FROM report"))
        stored = {row["report_id"].int: row["state"] for row in found}
        assert stored == {n: s.state for n, s in self.reports.items() if s.state != "NONE"}
        Reports.reached.update(stored.values())


def test_reports_live_as_the_rule_book_says(database: Database) -> None:
    Reports.database = database
    run_state_machine_as_test(
        Reports,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            derandomize=True,  # the same walks each time, which reach every state
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert Reports.reached == set(State)
