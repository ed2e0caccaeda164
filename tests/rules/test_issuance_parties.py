"""Rules for who may act for an account, and for what it knows of methodologies."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from services.issuance import methodologies, parties
from services.issuance.methodologies import FormulaMissing, Methodology
from services.issuance.parties import Account
from services.kernel.actors import Actor, NotOperator, OtherOrganisation, Role
from services.kernel.refusals import AccountNotOpen, Refusal
from services.registry.messages.methodologies import MethodologyPublished, Parameter

ACCOUNT = Account("ACC-00000001", UUID(int=1), "OWNER")
OPERATOR = Actor("olga", UUID(int=1), frozenset({Role.OWNER_OPERATOR}))
REGISTRAR = Actor("rita", None, frozenset({Role.REGISTRAR}))
RECORDER = Actor("rosa", None, frozenset({Role.REGISTRAR, Role.HISTORIAN}))


@pytest.mark.parametrize(
    ("actor", "account", "refusal"),
    [
        (OPERATOR, ACCOUNT, None),
        (OPERATOR, replace(ACCOUNT, operators=("olga", "otto")), None),
        (OPERATOR, replace(ACCOUNT, operators=("otto",)), NotOperator),
        (replace(OPERATOR, organisation=UUID(int=2)), ACCOUNT, OtherOrganisation),
        (replace(OPERATOR, organisation=None), ACCOUNT, OtherOrganisation),
        (OPERATOR, replace(ACCOUNT, status="RESTRICTED"), AccountNotOpen),
        (OPERATOR, replace(ACCOUNT, status="CLOSED"), AccountNotOpen),
        (REGISTRAR, ACCOUNT, OtherOrganisation),
        (RECORDER, replace(ACCOUNT, operators=("otto",)), None),
        (RECORDER, replace(ACCOUNT, status="RESTRICTED"), AccountNotOpen),
    ],
)
def test_who_may_use_an_account(
    actor: Actor, account: Account, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        parties.require_usable(actor, account)
    else:
        with pytest.raises(refusal):
            parties.require_usable(actor, account)


def test_a_restricted_account_can_be_issued_to_and_a_closed_one_cannot() -> None:
    for status in ("OPEN", "RESTRICTED"):
        parties.require_living(replace(ACCOUNT, status=status))
    with pytest.raises(AccountNotOpen):
        parties.require_living(replace(ACCOUNT, status="CLOSED"))


def test_a_methodology_is_learned_with_its_figures_written_out() -> None:
    learned = methodologies.learned(
        MethodologyPublished(
            code="CCER-14-001-V01",
            programme="CCER",
            name="造林碳汇",
            crediting_years_max=40,
            valid_from=date(2023, 10, 24),
            risk_model="DEDUCTION",
            risk_rate=Decimal("0.1"),
            formula_id="afforestation-1",
            parameters=(
                Parameter(
                    name="K_RISK",
                    value=Decimal("1E-1"),
                    unit="1",
                    source="own knowledge",
                    edition="V01",
                    confidence="UNVERIFIED",
                ),
            ),
        )
    )
    assert '"0.1"' in learned.parameters
    with pytest.raises(methodologies.MethodologyNotExecutable):
        learned.parameter_set(())
    figures = replace(learned, unreadable=None).parameter_set(())
    assert (figures.methodology, figures.version) == ("CCER-14-001-V01", "V01")
    assert [one.value for one in figures.parameters] == ["0.1"]
    assert learned.buffered(1_000) == 0


def test_without_a_formula_nothing_is_quantified() -> None:
    with pytest.raises(FormulaMissing):
        Methodology("X-V01", None, "NONE", None).parameter_set(())
