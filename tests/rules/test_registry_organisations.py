"""Rules for organisations and their accounts."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.names import CodeMalformed
from services.kernel.refusals import OutOfRange
from services.registry import accounts, organisations
from services.registry.accounts import Account, OrganisationHasAccount
from services.registry.organisations import (
    CREDIT_CODE_ALPHABET,
    CreditCodeMalformed,
    Organisation,
    check_character,
)
from services.tools.companies import invented_credit_code

ID = UUID(int=1)
CODE = "91350100M000100Y43"  # the example of GB 32100-2015


def entity(name: str = "海上风电", credit_code: str = CODE, country: str = "CN") -> Organisation:
    return Organisation(ID, name, credit_code, country)


def test_accepts_the_standards_own_example() -> None:
    organisations.require_valid(entity())


@given(st.text(CREDIT_CODE_ALPHABET, min_size=17, max_size=17), st.integers(0, 16))
def test_check_character_notices_every_single_changed_character(body: str, place: int) -> None:
    others = set(CREDIT_CODE_ALPHABET) - {body[place]}
    changed = {check_character(body[:place] + other + body[place + 1 :]) for other in others}
    assert check_character(body) not in changed


def test_agrees_with_the_codes_that_the_demo_invents() -> None:
    organisations.require_valid(entity(credit_code=invented_credit_code("演示")))


@pytest.mark.parametrize(
    "code",
    [
        "",
        CODE[:17],
        CODE + "0",
        CODE[:17] + "4",
        CODE.lower(),
        "I" + CODE[1:],
        " " + CODE[1:],
        "９" + CODE[1:],
    ],
)
def test_refuses_a_credit_code_of_wrong_form_or_check_character(code: str) -> None:
    with pytest.raises(CreditCodeMalformed):
        organisations.require_valid(entity(credit_code=code))


def test_foreign_codes_have_the_form_of_codes_only() -> None:
    organisations.require_valid(entity(credit_code="5493001KJTIIGC8Y1R12", country="DE"))
    with pytest.raises(CodeMalformed):
        organisations.require_valid(entity(credit_code="5493 001", country="DE"))


@pytest.mark.parametrize("country", ["", "cn", "CHN", "C1"])
def test_refuses_what_is_no_country_code(country: str) -> None:
    with pytest.raises(OutOfRange):
        organisations.require_valid(entity(country=country))


@pytest.mark.parametrize("name", ["", " \u3000\n", "a" * 301, "a\x00", "a\x1b[31m", "\ud800"])
def test_refuses_a_name_that_says_nothing_or_cannot_be_stored(name: str) -> None:
    with pytest.raises(OutOfRange):
        organisations.require_valid(entity(name=name))


@pytest.mark.parametrize("kind", ["OWNER", "EMITTER", "TRADER", "VERIFIER", "AUTHORITY"])
def test_accounts_are_of_five_kinds(kind: str) -> None:
    accounts.require_kind(kind)


@pytest.mark.parametrize("kind", ["", "owner", "PERSON", "O" * 1000])
def test_refuses_any_other_kind(kind: str) -> None:
    with pytest.raises(OutOfRange):
        accounts.require_kind(kind)


def test_rule_11_a_second_account_is_refused() -> None:
    accounts.require_first(None)
    with pytest.raises(OrganisationHasAccount) as refusal:
        accounts.require_first(Account(ID, "ACC-00000007", ID, "OWNER"))
    assert refusal.value.values == {"organisation_id": str(ID), "number": "ACC-00000007"}
