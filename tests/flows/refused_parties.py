"""Refusals of the registry about parties, accounts, programmes and the calendar: code by code, what provokes them."""

from datetime import date
from decimal import Decimal
from typing import Any

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.accounts import (
    ApplyForAccount,
    AppointOperator,
    OpenAccount,
    OpenTradingAccount,
    RestrictAccount,
)
from services.registry.messages.calendars import AddOfficialDays
from services.registry.messages.methodologies import EndMethodology, Parameter, PublishMethodology
from services.registry.messages.organisations import RegisterOrganisation
from services.registry.messages.programmes import AmendProgramme, RegisterProgramme
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import NATIONAL
from tests.register import HISTORIAN, credit_code


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _organisations(world) | _accounts(world) | _programmes(world) | _calendar()


def _organisation(**changes: Any) -> RegisterOrganisation:
    given: dict[str, Any] = {
        "organisation_id": new_id(),
        "name": "Org",
        "credit_code": credit_code(),
    }
    return RegisterOrganisation(**given | changes)


def _organisations(world: World) -> dict[str, Attempt]:
    person: dict[str, Any] = {"category": "NATURAL_PERSON"}
    sam = Actor("sam", new_id(), frozenset({"owner-operator"}))
    return {
        "CATEGORY_NOT_ADMITTED": Attempt(_organisation(credit_code="11010519491231002X", **person)),
        "CITIZEN_NUMBER_MALFORMED": Attempt(
            _organisation(credit_code="110105194912310021", **person)
        ),
        "CREDIT_CODE_MALFORMED": Attempt(_organisation(credit_code="9111000000000000AA")),
        "LEI_MALFORMED": Attempt(_organisation(country="DE", credit_code="5493001KJTIIGC8Y1R10")),
        "OTHER_ORGANISATION": Attempt(
            ApplyForAccount(account_id=new_id(), organisation_id=world.organisation, kind="OWNER"),
            sam,
        ),
        "ROLE_MISSING": Attempt(_organisation(), sam),
        "TOO_FAR_FROM_CLOCK": Attempt(_organisation(), days_ago=1),
        "SAME_ID_OTHER_CONTENT": Attempt(
            RestrictAccount(account=world.bare, ground="RULES_BROKEN", reason="late"),
            command_id=world.used_id,
        ),
    }


def _accounts(world: World) -> dict[str, Attempt]:
    owner, applicant = world.owner.account, world.applicant.organisation
    assert applicant is not None

    def opening(**changes: Any) -> OpenAccount:
        given: dict[str, Any] = {
            "account_id": new_id(),
            "organisation_id": world.organisation,
            "kind": "OWNER",
        }
        return OpenAccount(**given | changes)

    def operator(account: str, person: str = "somebody") -> AppointOperator:
        return AppointOperator(account=account, operator=person, name="N")

    def trading(account: str) -> OpenTradingAccount:
        return OpenTradingAccount(trading_account_id=new_id(), account=account)

    applied: dict[str, Any] = {"account_id": world.applied_account, "organisation_id": applicant}
    return {
        "ACCOUNT_HAS_TRADING_ACCOUNT": Attempt(trading(owner)),
        "APPLICATION_WAITS": Attempt(opening(organisation_id=applicant)),
        "BARRED_FROM_TRADING": Attempt(trading(world.verifier.account)),
        "BEFORE_APPLICATION": Attempt(opening(**applied), HISTORIAN, days_ago=1),
        "KIND_NOT_FOR_CATEGORY": Attempt(opening(kind="VERIFIER")),
        "OPERATOR_IS_BARRED_STAFF": Attempt(operator(owner, "staff")),
        "OPERATOR_MISSING": Attempt(trading(world.bare)),
        "ORGANISATION_HAS_ACCOUNT": Attempt(opening(organisation_id=world.owner.organisation_id)),
        "OTHER_APPLICATION": Attempt(opening(**applied, kind="TRADER")),
        "OUT_OF_RANGE": Attempt(RestrictAccount(account=owner, ground="MOOD", reason="late")),
        "TOO_MANY_OPERATORS": Attempt(operator(world.full)),
        "UNKNOWN": Attempt(trading("ACC-99999999")),
    }


def _programmes(world: World) -> dict[str, Attempt]:
    def programme(**changes: Any) -> RegisterProgramme:
        given: dict[str, Any] = {
            "code": "NEW",
            "name": "N",
            "country": "CN",
            "kind": "PILOT_ASSOCIATION",
            "is_ets_eligible": False,
        }
        return RegisterProgramme(**given | changes)

    def methodology(**changes: Any) -> PublishMethodology:
        given: dict[str, Any] = {
            "code": "NEW-M",
            "programme": NATIONAL,
            "name": "N",
            "crediting_years_max": 10,
            "valid_from": date(2024, 1, 1),
        }
        return PublishMethodology(**given | changes)

    figure = Parameter(
        name="f", value=Decimal(1), unit="1", source="s", edition="e", confidence="VERIFIED"
    )
    ending = EndMethodology(
        code=world.names["ended"], valid_until=date(2022, 1, 1), reason="superseded"
    )
    amending = AmendProgramme(code=NATIONAL, name="N", rule_book="R", reason="new")
    return {
        "ALREADY_EXISTS": Attempt(programme(code=NATIONAL)),
        "AMENDMENT_TOO_EARLY": Attempt(amending, HISTORIAN, days_ago=1),
        "CODE_MALFORMED": Attempt(programme(code="no code")),
        "METHODOLOGY_HAS_END": Attempt(ending),
        "NEVER_FOR_ETS": Attempt(programme(is_ets_eligible=True)),
        "NOT_ASSIGNED": Attempt(methodology(programme=world.names["named"])),
        "PARAMETER_TWICE": Attempt(methodology(parameters=(figure, figure))),
    }


def _calendar() -> dict[str, Attempt]:
    def notice(*holidays: date, working: tuple[date, ...] = ()) -> Attempt:
        return Attempt(
            AddOfficialDays(
                notice_id=new_id(),
                year=2040,
                holidays=holidays,
                working_days=working,
                source="Notice of the State Council",
            )
        )

    new_year = date(2040, 1, 1)
    return {
        "DAY_OUTSIDE_YEAR": notice(date(2041, 1, 1)),
        "DAY_TWICE": notice(new_year, new_year),
        "MADE_UP_ON_WEEKDAY": notice(new_year, working=(date(2040, 1, 4),)),
    }
