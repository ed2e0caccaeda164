"""The rules of use (21, 23, 25): what credits may be used for, and what must be said of it."""

import msgspec
import pytest

from services.kernel.ids import derived_id
from services.kernel.refusals import Refusal
from services.settlement.messages.retirements import RetireCredits
from services.settlement.retirements import (
    Programme,
    Purpose,
    certificate_number,
    require_usable,
)

NATIONAL = Programme("CCER", "NATIONAL", True)
LEGACY = Programme("CCER-LEGACY", "NATIONAL_LEGACY", False)
PILOT = Programme("WEEE", "PILOT_ASSOCIATION", False)
RETIREMENT = RetireCredits(
    retirement_id=derived_id("retirement"),
    account="ACC-1",
    project="WIND",
    vintage=2024,
    tonnes=1,
    purpose="ENTERPRISE_OFFSET",
    beneficiary_name="Computer Maker",
    beneficiary_id="91110000000000000A",
    beneficiary_country="CN",
    reporting_period="2025",
    reason="own emissions",
)
OFFSET = Purpose.ETS_OFFSET_NATIONAL


@pytest.mark.parametrize("programme", [NATIONAL, LEGACY, PILOT])
@pytest.mark.parametrize("purpose", sorted(set(Purpose) - {OFFSET}))
def test_every_programme_serves_voluntary_uses(programme: Programme, purpose: str) -> None:
    require_usable(msgspec.structs.replace(RETIREMENT, purpose=purpose), programme)


@pytest.mark.parametrize(
    ("programme", "code"),
    [
        (PILOT, "NOT_ELIGIBLE_FOR_ETS"),
        (LEGACY, "NOT_ELIGIBLE_FOR_ETS"),
        (NATIONAL, "OBLIGATION_UNKNOWN"),
    ],
)
def test_an_ets_offset_needs_an_eligible_programme_and_an_obligation(
    programme: Programme, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        require_usable(msgspec.structs.replace(RETIREMENT, purpose=OFFSET), programme)

    assert refused.value.code() == code


@pytest.mark.parametrize("purpose", ["", "FUN", "enterprise_offset", "ENTERPRISE_OFFSET "])
def test_a_purpose_that_the_rule_book_does_not_name_is_refused(purpose: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_usable(msgspec.structs.replace(RETIREMENT, purpose=purpose), NATIONAL)

    assert refused.value.code() == "PURPOSE_UNKNOWN"
    assert refused.value.values["given"] == purpose


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    "name",
    ["beneficiary_name", "beneficiary_id", "beneficiary_country", "reporting_period", "reason"],
)
def test_what_must_be_said_cannot_be_left_out(name: str, blank: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_usable(msgspec.structs.replace(RETIREMENT, **{name: blank}), NATIONAL)

    assert (refused.value.code(), refused.value.values) == ("STATEMENT_MISSING", {"field": name})


def test_a_certificate_number_has_its_year_and_its_place() -> None:
    assert certificate_number(2026, 42) == "RET-2026-00000042"
