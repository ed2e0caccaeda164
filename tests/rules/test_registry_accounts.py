"""Rules for accounts: who may hold which, who may trade and who operates them, walked against a model."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.kernel.actors import Actor, NotOperator, Role
from services.kernel.calendars import CHINA
from services.kernel.lifecycles import StepNotAllowed, advance
from services.kernel.refusals import AccountNotOpen, AlreadyExists, OutOfRange, Refusal, Unknown
from services.registry import accounts, applications
from services.registry.accounts import (
    BARRED,
    KINDS,
    LIFECYCLE,
    Account,
    AccountHasTradingAccount,
    BarredFromTrading,
    KindNotForCategory,
    OperatorIsBarredStaff,
    OperatorMissing,
    OrganisationHasAccount,
    State,
    Step,
    TooManyOperators,
)
from services.registry.applications import (
    AccountApplication,
    ApplicationWaits,
    BeforeApplication,
    OtherApplication,
)
from services.registry.organisations import Category, CategoryNotAdmitted, Organisation

ID = UUID(int=1)
ACCOUNT = Account(ID, "ACC-00000007", ID, "TRADER", operators=("op-1",))
ADMITTED = frozenset({"NATURAL_PERSON"})


def party(category: str) -> Organisation:
    return Organisation(ID, "甲", "91350100M000100Y43", "CN", category)


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("kind", ["OWNER", "EMITTER", "TRADER", "VERIFIER", "AUTHORITY"])
def test_each_category_holds_its_own_kinds_of_account(category: Category, kind: str) -> None:
    if kind in KINDS[category]:
        accounts.require_kind(kind, category)
    else:
        with pytest.raises(KindNotForCategory):
            accounts.require_kind(kind, category)


@pytest.mark.parametrize("kind", ["", "owner", "PERSON", "O" * 1000])
def test_refuses_what_is_none_of_the_five_kinds(kind: str) -> None:
    with pytest.raises(OutOfRange):
        accounts.require_kind(kind, "ENTERPRISE")


def test_the_registry_and_exchanges_hold_no_account() -> None:
    for category in (Category.REGISTRY, Category.EXCHANGE):
        assert not KINDS[category]


def test_rule_11_a_second_account_is_refused() -> None:
    accounts.require_first(None)
    for state in State:
        with pytest.raises(OrganisationHasAccount) as refusal:
            accounts.require_first(replace(ACCOUNT, state=state))
        assert refusal.value.values == {"organisation_id": str(ID), "number": "ACC-00000007"}


def test_rule_11_a_second_trading_account_is_refused() -> None:
    accounts.require_may_trade(ACCOUNT, party("ENTERPRISE"), ())
    with pytest.raises(AccountHasTradingAccount):
        accounts.require_may_trade(
            replace(ACCOUNT, trading_account="TRD-00000001"), party("ENTERPRISE"), ()
        )


def test_rule_11_a_fifth_operator_is_appointed_and_a_sixth_is_not() -> None:
    people = tuple(f"op-{number}" for number in range(1, 7))
    four, five = replace(ACCOUNT, operators=people[:4]), replace(ACCOUNT, operators=people[:5])
    assert accounts.free_slot(four, "op-5", {1, 2, 3, 4}, ()) == 5
    assert accounts.free_slot(four, "op-5", {1, 3, 4, 5}, ()) == 2
    with pytest.raises(TooManyOperators) as refusal:
        accounts.free_slot(five, "op-6", {1, 2, 3, 4, 5}, ())
    assert refusal.value.values == {"account": "ACC-00000007", "operators_max": "5"}
    with pytest.raises(AlreadyExists):
        accounts.free_slot(five, "op-5", {1, 2, 3, 4, 5}, ())


@pytest.mark.parametrize("category", sorted(BARRED))
def test_rule_12_barred_parties_never_get_a_trading_account(category: Category) -> None:
    """Not even where an account of a trading kind had been opened for them."""
    for kind in ("OWNER", "VERIFIER", "AUTHORITY"):
        account = replace(ACCOUNT, kind=kind, category=category)
        with pytest.raises(BarredFromTrading) as refusal:
            accounts.require_may_trade(account, party(category), ADMITTED)
        assert refusal.value.party == category


def test_rule_12_natural_persons_trade_only_where_they_are_admitted() -> None:
    account = replace(ACCOUNT, category="NATURAL_PERSON")
    with pytest.raises(CategoryNotAdmitted):
        accounts.require_may_trade(account, party("NATURAL_PERSON"), ())
    accounts.require_may_trade(account, party("NATURAL_PERSON"), ADMITTED)


@pytest.mark.parametrize("category", sorted(set(Category)))
def test_rule_12_staff_of_barred_parties_operate_nothing_that_trades(category: Category) -> None:
    account = replace(ACCOUNT, operators=())
    if category in BARRED:
        with pytest.raises(OperatorIsBarredStaff):
            accounts.free_slot(account, "op-2", (), {category})
    else:
        accounts.free_slot(account, "op-2", (), {category})
    barred = replace(account, category=Category.VERIFICATION_BODY)
    if category in BARRED:
        accounts.free_slot(barred, "op-2", (), {category})
    else:
        with pytest.raises(OperatorIsBarredStaff):
            accounts.free_slot(barred, "op-2", (), {category})


def test_a_trading_account_needs_an_open_account_with_an_operator() -> None:
    with pytest.raises(OperatorMissing):
        accounts.require_may_trade(replace(ACCOUNT, operators=()), party("ENTERPRISE"), ())
    for state in (State.RESTRICTED, State.CLOSED):
        with pytest.raises(AccountNotOpen):
            accounts.require_may_trade(replace(ACCOUNT, state=state), party("ENTERPRISE"), ())


def test_a_trading_account_keeps_its_last_operator() -> None:
    accounts.require_dismissible(ACCOUNT, "op-1")
    trading = replace(ACCOUNT, trading_account="TRD-00000001")
    with pytest.raises(OperatorMissing):
        accounts.require_dismissible(trading, "op-1")
    accounts.require_dismissible(replace(trading, operators=("op-1", "op-2")), "op-1")
    with pytest.raises(Unknown):
        accounts.require_dismissible(trading, "op-2")


def test_an_account_is_used_by_its_operators_and_by_anyone_of_the_party_before_there_are_any() -> (
    None
):
    insider = Actor("op-2", ID, frozenset({Role.OWNER_OPERATOR}))
    accounts.require_usable(replace(ACCOUNT, operators=()), insider)
    accounts.require_usable(ACCOUNT, replace(insider, subject="op-1"))
    with pytest.raises(NotOperator):
        accounts.require_usable(ACCOUNT, insider)
    for outsider in (UUID(int=2), None):
        with pytest.raises(Unknown):
            accounts.require_usable(ACCOUNT, Actor("op-1", outsider, insider.roles))
    registrar = Actor("registrar-1", None, frozenset({Role.REGISTRAR}))
    with pytest.raises(Unknown):
        accounts.require_usable(ACCOUNT, registrar)
    recorder = replace(registrar, roles=frozenset({Role.REGISTRAR, Role.HISTORIAN}))
    accounts.require_usable(ACCOUNT, recorder)
    for state in (State.RESTRICTED, State.CLOSED):
        with pytest.raises(AccountNotOpen):
            accounts.require_usable(replace(ACCOUNT, state=state), recorder)


def test_restrictions_and_closures_have_a_ground_and_a_reason() -> None:
    accounts.require_restriction("RULES_BROKEN", "申报不实")
    accounts.require_closure("MERGER", "吸收合并")
    for ground, reason in (("", "why"), ("MERGER", "why"), ("RULES_BROKEN", " ")):
        with pytest.raises(OutOfRange):
            accounts.require_restriction(ground, reason)
    for ground, reason in (("", "why"), ("RULES_BROKEN", "why"), ("MERGER", "")):
        with pytest.raises(OutOfRange):
            accounts.require_closure(ground, reason)


class AccountLife(RuleBasedStateMachine):
    """Restrictions, closure and operators in any order, beside a model that says what is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.account = replace(ACCOUNT, operators=())
        self.slots: dict[str, int] = {}
        self.is_restricted = self.is_closed = self.is_trading = False

    @rule(step=st.sampled_from(Step))
    def change(self, step: Step) -> None:
        allowed = not self.is_closed and (
            step == Step.CLOSE or self.is_restricted == (step == Step.LIFT)
        )
        if not allowed:
            with pytest.raises(StepNotAllowed):
                self._advance(step)
            return
        self._advance(step)
        self.is_closed = step == Step.CLOSE
        self.is_restricted = step == Step.RESTRICT

    def _advance(self, step: Step) -> None:
        state = advance(LIFECYCLE, State(self.account.state), step, "account")
        self.account = replace(self.account, state=state)

    @rule(number=st.integers(1, 8))
    def appoint(self, number: int) -> None:
        operator, taken = f"op-{number}", self.slots.values()
        if self.is_closed or operator in self.slots or len(self.slots) == 5:
            with pytest.raises(Refusal):
                accounts.free_slot(self.account, operator, set(taken), ())
            return
        self.slots[operator] = accounts.free_slot(self.account, operator, set(taken), ())
        self.account = replace(self.account, operators=tuple(sorted(self.slots)))

    @rule(number=st.integers(1, 8))
    def dismiss(self, number: int) -> None:
        operator = f"op-{number}"
        is_last = self.is_trading and len(self.slots) == 1
        if self.is_closed or operator not in self.slots or is_last:
            with pytest.raises(Refusal):
                accounts.require_dismissible(self.account, operator)
            return
        accounts.require_dismissible(self.account, operator)
        del self.slots[operator]
        self.account = replace(self.account, operators=tuple(sorted(self.slots)))

    @rule()
    def open_trading_account(self) -> None:
        if self.is_closed or self.is_restricted or self.is_trading or not self.slots:
            with pytest.raises(Refusal):
                accounts.require_may_trade(self.account, party("ENTERPRISE"), ())
            return
        accounts.require_may_trade(self.account, party("ENTERPRISE"), ())
        self.is_trading = True
        self.account = replace(self.account, trading_account="TRD-00000001")

    @invariant()
    def state_is_the_models(self) -> None:
        closed = State.CLOSED if self.is_closed else None
        restricted = State.RESTRICTED if self.is_restricted else State.OPEN
        assert self.account.state == (closed or restricted)

    @invariant()
    def operators_are_one_to_five_where_there_is_trade(self) -> None:
        assert sorted(self.slots.values()) == sorted(set(self.slots.values()) & set(range(1, 6)))
        assert self.slots or not self.is_trading


TestAccountLife = AccountLife.TestCase

APPLIED_AT = datetime(2026, 7, 17, 2, tzinfo=UTC)
APPLICATION = AccountApplication(ID, ID, "TRADER", "APPLIED", APPLIED_AT)


def test_rule_05_an_application_for_an_account_is_overdue_on_working_day_16() -> None:
    """Working days counted like those of notices: the day of receipt is the first."""
    fifteenth = date(2026, 8, 6)
    assert applications.due_on(APPLICATION, CHINA) == fifteenth
    assert not applications.is_overdue(APPLICATION, CHINA, fifteenth)
    assert applications.is_overdue(APPLICATION, CHINA, date(2026, 8, 7))


def test_an_application_is_decided_once_and_not_before_it_was_made() -> None:
    for step in applications.Step:
        decided = applications.decide(APPLICATION, step, APPLIED_AT)
        for again in applications.Step:
            with pytest.raises(StepNotAllowed):
                applications.decide(replace(APPLICATION, state=decided), again, APPLIED_AT)
        with pytest.raises(BeforeApplication):
            applications.decide(APPLICATION, step, APPLIED_AT.replace(hour=1))


def test_one_application_waits_at_a_time_and_is_opened_as_it_was_made() -> None:
    applications.require_none_waits(None, ID)
    applications.require_none_waits(APPLICATION, ID)
    with pytest.raises(ApplicationWaits):
        applications.require_none_waits(APPLICATION, UUID(int=2))
    applications.require_same(APPLICATION, ID, "TRADER")
    for organisation, kind in ((UUID(int=2), "TRADER"), (ID, "OWNER")):
        with pytest.raises(OtherApplication):
            applications.require_same(APPLICATION, organisation, kind)
