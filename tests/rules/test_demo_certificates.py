"""The demo accepts a certificate only if it says what was asked for, and hashes to the entries that it names."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.tools.certificates import (
    CertificateDiffersError,
    Use,
    entry_sha256,
    require_certificate,
    require_pdf,
)
from services.tools.tape import Instrument

NUMBER, ACCOUNT = "RET-2026-00000001", "ACC-00000007"
RETIREMENT = UUID("0198c0de-0000-7000-8000-000000000001")
AT = datetime(2026, 6, 5, 2, 0, tzinfo=UTC)
USE = Use(
    name="event",
    owner="buyer-01",
    maker="li",
    approver="wang",
    instrument=Instrument("A210002", 2024),
    tonnes=7,
    purpose="EVENT_NEUTRALITY",
    beneficiary="演示买方·金融一号",
    beneficiary_id="91000000931338448J",
    period="2026-05-24",
    reason="event",
    requested_at=AT,
    approved_at=AT,
)
RANGES = [
    {"firstSerial": 11, "lastSerial": 15, "serials": "CCER-CN-A210002-2024-001-11-15"},
    {"firstSerial": 21, "lastSerial": 22, "serials": "CCER-CN-A210002-2024-001-21-22"},
]
CONTENT: dict[str, Any] = {
    "certificateNumber": NUMBER,
    "project": "A210002",
    "vintage": 2024,
    "tonnes": 7,
    "purpose": "EVENT_NEUTRALITY",
    "beneficiaryName": "演示买方·金融一号",
    "beneficiaryId": "91000000931338448J",
    "reportingPeriod": "2026-05-24",
    "reason": "event",
    "retiredAt": "2026-06-05T10:00:00+08:00",
    "entrySha256": entry_sha256(RETIREMENT, ACCOUNT, AT, RANGES),
    "ranges": RANGES,
}


def test_the_hash_is_taken_over_the_lines_that_the_schema_documents() -> None:
    """The value was computed with sha256sum."""
    assert (
        entry_sha256(RETIREMENT, ACCOUNT, AT, RANGES[:1])
        == "899e052db7067d8f50e9fcbb1351eb26dea9a992fc0d2dfeb80afaed43555111"
    )


def test_a_certificate_that_says_all_of_it_is_accepted() -> None:
    require_certificate(USE, RETIREMENT, ACCOUNT, NUMBER, CONTENT)
    require_pdf(NUMBER, b"%PDF-1.3 and so on")


@pytest.mark.parametrize("name", [name for name in CONTENT if name not in ("retiredAt", "ranges")])
def test_a_certificate_that_says_something_else_is_told(name: str) -> None:
    changed = CONTENT | {name: "something else"}
    with pytest.raises(CertificateDiffersError) as told:
        require_certificate(USE, RETIREMENT, ACCOUNT, NUMBER, changed)
    assert (told.value.number, told.value.field, told.value.given) == (
        NUMBER,
        name,
        "something else",
    )


def test_another_instant_and_other_serials_are_told() -> None:
    later = CONTENT | {"retiredAt": "2026-06-05T10:00:01+08:00"}
    fewer = CONTENT | {"ranges": RANGES[:1]}
    for changed, field in ((later, "retiredAt"), (fewer, "serials")):
        with pytest.raises(CertificateDiffersError) as told:
            require_certificate(USE, RETIREMENT, ACCOUNT, NUMBER, changed)
        assert told.value.field == field


def test_what_is_no_pdf_is_told() -> None:
    with pytest.raises(CertificateDiffersError):
        require_pdf(NUMBER, b"<!doctype html>")
