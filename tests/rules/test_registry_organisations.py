"""Rules for organisations: their codes, and which of them the market admits."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.credit_codes import (
    CREDIT_CODE_ALPHABET,
    CreditCodeMalformed,
    check_character,
)
from services.kernel.refusals import OutOfRange
from services.registry import organisations
from services.registry.organisations import (
    Category,
    CategoryNotAdmitted,
    CitizenNumberMalformed,
    LeiMalformed,
    Organisation,
    lei_check_digits,
)
from services.tools.companies import invented_credit_code

ID = UUID(int=1)
CODE = "91350100M000100Y43"  # the example of GB 32100-2015


LEI = "5493001KJTIIGC8Y1R12"


def entity(
    name: str = "海上风电",
    credit_code: str = CODE,
    country: str = "CN",
    category: str = "ENTERPRISE",
) -> Organisation:
    return Organisation(ID, name, credit_code, country, category)


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


@pytest.mark.parametrize(
    "lei", ["5493001KJTIIGC8Y1R12", "529900T8BM49AURSDO55", "HWUPKR0MPOU8FGXBT394"]
)
def test_foreign_entities_have_an_lei(lei: str) -> None:
    organisations.require_valid(entity(credit_code=lei, country="DE"))
    with pytest.raises(CreditCodeMalformed):
        organisations.require_valid(entity(credit_code=lei))


@pytest.mark.parametrize(
    "lei",
    [
        "",
        LEI[:19],
        LEI + "0",
        LEI[:18] + "11",
        LEI[:18] + "13",
        LEI.lower(),
        "6" + LEI[1:],
        LEI[:18] + "1A",
        LEI[:17] + "-12",
        CODE,
    ],
)
def test_refuses_an_lei_of_wrong_form_or_check_digits(lei: str) -> None:
    with pytest.raises(LeiMalformed):
        organisations.require_valid(entity(credit_code=lei, country="DE"))


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_check_digits_make_the_whole_one_modulo_97(body: str) -> None:
    lei = body + lei_check_digits(body)
    assert int("".join(str(int(char, 36)) for char in lei)) % 97 == 1
    assert 2 <= int(lei[18:]) <= 98
    organisations.require_lei(lei)
    for digits in {f"{number:02d}" for number in range(100)} - {lei[18:]}:
        with pytest.raises(LeiMalformed):
            organisations.require_lei(body + digits)


CITIZEN = "11010519491231002X"  # the example of GB 11643-1999


def test_natural_persons_have_a_citizens_number() -> None:
    person = entity(credit_code=CITIZEN, category="NATURAL_PERSON")
    organisations.require_valid(person)
    for number in (CODE, CITIZEN[:17], CITIZEN[:17] + "x", CITIZEN[:17] + "0", "2" + CITIZEN[1:]):
        with pytest.raises(CitizenNumberMalformed) as refusal:
            organisations.require_valid(replace(person, credit_code=number))
        assert refusal.value.values == {"length": str(len(number))}


def test_rule_12_natural_persons_are_off_until_somebody_decides() -> None:
    with pytest.raises(CategoryNotAdmitted):
        organisations.require_admitted("NATURAL_PERSON", frozenset())
    organisations.require_admitted("NATURAL_PERSON", {"NATURAL_PERSON"})
    for category in set(Category) - {Category.NATURAL_PERSON}:
        organisations.require_admitted(category, frozenset())


@pytest.mark.parametrize("category", ["", "enterprise", "BANK", "E" * 1000])
def test_refuses_what_is_no_category(category: str) -> None:
    with pytest.raises(OutOfRange):
        organisations.require_valid(entity(category=category))


@pytest.mark.parametrize("country", ["", "cn", "CHN", "C1"])
def test_refuses_what_is_no_country_code(country: str) -> None:
    with pytest.raises(OutOfRange):
        organisations.require_valid(entity(country=country))


@pytest.mark.parametrize("name", ["", " \u3000\n", "a" * 301, "a\x00", "a\x1b[31m", "\ud800"])
def test_refuses_a_name_that_says_nothing_or_cannot_be_stored(name: str) -> None:
    with pytest.raises(OutOfRange):
        organisations.require_valid(entity(name=name))
