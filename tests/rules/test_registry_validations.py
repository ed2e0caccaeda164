"""Rules for validations, for the documents of projects, and for the days that are added to the calendar."""

import hashlib
from dataclasses import replace
from datetime import date
from uuid import UUID

import msgspec
import pytest

from services.kernel.calendars import CHINA, YearNotice
from services.kernel.documents import ContentDiffers, DigestMalformed, DocumentTwice
from services.kernel.refusals import OutOfRange, Refusal
from services.registry import official_days, validations
from services.registry.accounts import Account
from services.registry.messages.documents import Document
from services.registry.official_days import DayOutsideYear, DayTwice, MadeUpOnWeekday
from services.registry.validations import (
    AccountNotVerifier,
    CommentsNotHandled,
    DocumentMissing,
    OtherValidationBody,
)
from tests.rules.test_registry_projects import BODY, noticed


def test_the_body_is_the_one_that_the_notice_named() -> None:
    body = Account(UUID(int=1), BODY, UUID(int=2), "VERIFIER")
    validations.require_verifier(body)
    validations.require_named(noticed(), body)
    with pytest.raises(AccountNotVerifier):
        validations.require_verifier(replace(body, kind="OWNER"))
    with pytest.raises(OtherValidationBody):
        validations.require_named(noticed(), replace(body, number="ACC-00000008"))


def test_the_public_is_answered_if_it_asked() -> None:
    validations.require_comments_handled(0, "")
    validations.require_comments_handled(1, "answered")
    for comments, handling, refusal in (
        (1, " ", CommentsNotHandled),
        (0, "x" * 4001, OutOfRange),
        (0, "\x00", OutOfRange),
    ):
        with pytest.raises(refusal):
            validations.require_comments_handled(comments, handling)


CONTENT = "项目设计文件".encode()
DOCUMENT = Document(
    kind="PDD",
    name="design.pdf",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size_bytes=len(CONTENT),
    media_type="application/pdf",
    content=CONTENT,
)


def test_a_document_is_what_its_digest_says() -> None:
    validations.require_attached([DOCUMENT], "PDD")
    validations.require_attached([msgspec.structs.replace(DOCUMENT, content=None)], "PDD")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"kind": "pdd"}, OutOfRange),
        ({"kind": "COMMITMENT"}, DocumentMissing),
        ({"name": ""}, OutOfRange),
        ({"sha256": DOCUMENT.sha256.upper()}, DigestMalformed),
        ({"sha256": DOCUMENT.sha256[:-1]}, DigestMalformed),
        ({"media_type": "pdf"}, OutOfRange),
        ({"size_bytes": 0}, OutOfRange),
        ({"size_bytes": len(CONTENT) + 1}, ContentDiffers),
        ({"content": CONTENT + b"."}, ContentDiffers),
        ({"content": b"."}, ContentDiffers),
        ({"content": bytes(256 * 1024 + 1)}, OutOfRange),
    ],
)
def test_a_document_that_is_not_what_it_says_is_refused(
    change: dict[str, object], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        validations.require_attached([msgspec.structs.replace(DOCUMENT, **change)], "PDD")


def test_a_step_publishes_its_document_once() -> None:
    with pytest.raises(DocumentTwice):
        validations.require_attached([DOCUMENT, DOCUMENT], "PDD")
    with pytest.raises(DocumentMissing):
        validations.require_attached([], "PDD")
    with pytest.raises(OutOfRange):
        validations.require_attached([DOCUMENT] * 51, "PDD")


NOTICE = YearNotice(2027, [date(2026, 12, 31), date(2027, 1, 1)], [date(2027, 1, 3)])


def test_a_notice_of_the_state_council_is_added() -> None:
    official_days.require_valid(NOTICE, "国办发明电〔2026〕")
    calendar = official_days.calendar([NOTICE])
    assert calendar.official_years - CHINA.official_years == {2027}
    assert not calendar.is_working(date(2026, 12, 31))
    corrected = replace(NOTICE, holidays=[date(2027, 1, 1)], working_days=[date(2026, 12, 31)])
    assert official_days.calendar([NOTICE, corrected]).is_working(date(2026, 12, 31))
    assert not official_days.calendar([corrected, NOTICE]).is_working(date(2026, 12, 31))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"year": 2003}, OutOfRange),
        ({"year": 2200}, OutOfRange),
        ({"holidays": []}, OutOfRange),
        ({"holidays": [date(2027, 1, 1)] * 120}, OutOfRange),
        ({"holidays": [date(2027, 1, 1), date(2027, 1, 1)]}, DayTwice),
        ({"holidays": [date(2027, 1, 3)]}, DayTwice),
        ({"holidays": [date(2026, 11, 30)]}, DayOutsideYear),
        ({"holidays": [date(2028, 1, 1)]}, DayOutsideYear),
        ({"working_days": [date(2027, 1, 6)]}, MadeUpOnWeekday),
    ],
)
def test_a_notice_that_cannot_be_is_refused(
    change: dict[str, object], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        official_days.require_valid(replace(NOTICE, **change), "source")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OutOfRange):
        official_days.require_valid(NOTICE, "")
