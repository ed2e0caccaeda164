"""The rules of use (21, 23, 25): what credits are used and cancelled for, what is said of it, and that it is final."""

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.kernel.blocks import Block
from services.kernel.ids import derived_id
from services.kernel.refusals import Refusal
from services.settlement import retirements
from services.settlement.books import Books
from services.settlement.ledger import Batch, Bucket, Holding, Instrument, NotEnoughCredits, Place
from services.settlement.messages.retirements import (
    CancelCredits,
    CreditsCancelled,
    CreditsRetired,
    RetireCredits,
)
from services.settlement.retirements import (
    CROSS_BORDER,
    OFFSETS,
    ORDERED,
    Programme,
    Purpose,
    certificate_number,
    require_cancellable,
    require_usable,
)

NOW = datetime(2026, 8, 20, 2, tzinfo=UTC)
NATIONAL = Programme("CCER", "NATIONAL", True)
LEGACY = Programme("CCER-LEGACY", "NATIONAL_LEGACY", False)
PILOT = Programme("WEEE", "PILOT_ASSOCIATION", False)
ALLOWANCES = Programme("CEA", "ALLOWANCE", False)
WIND = Instrument("WIND", 2024)
RETIREMENT = RetireCredits(
    retirement_id=derived_id("retirement"),
    account="ACC-1",
    project="WIND",
    vintage=2024,
    tonnes=100,
    purpose="ENTERPRISE_OFFSET",
    beneficiary_name="Computer Maker",
    beneficiary_id="91110000000000000A",
    beneficiary_country="CN",
    reporting_period="2025",
    reason="own emissions",
)
CANCELLATION = CancelCredits(
    retirement_id=derived_id("cancellation"),
    account="ACC-1",
    project="WIND",
    vintage=2024,
    tonnes=100,
    purpose="FORCED",
    document_sha256="0" * 64,
    reason="false reductions",
)
VOLUNTARY = sorted(set(Purpose) - OFFSETS - CROSS_BORDER - {Purpose.ETS_SURRENDER})


def use(**changes: Any) -> RetireCredits:
    """A use that is in order, but for the changes."""
    return msgspec.structs.replace(RETIREMENT, **changes)


def cancellation(**changes: Any) -> CancelCredits:
    """A cancellation that is in order, but for the changes."""
    return msgspec.structs.replace(CANCELLATION, **changes)


def code_of(command: RetireCredits | CancelCredits, programme: Programme = NATIONAL) -> str | None:
    """The code by which the rules refuse it."""
    try:
        if isinstance(command, RetireCredits):
            require_usable(command, programme)
        else:
            require_cancellable(command)
    except Refusal as refusal:
        return refusal.code()
    return None


@pytest.mark.parametrize("programme", [NATIONAL, LEGACY, PILOT, ALLOWANCES])
@pytest.mark.parametrize("purpose", VOLUNTARY)
def test_every_programme_serves_voluntary_uses(programme: Programme, purpose: str) -> None:
    assert code_of(use(purpose=purpose), programme) is None


@pytest.mark.parametrize("purpose", sorted(OFFSETS))
@pytest.mark.parametrize(
    ("programme", "code"),
    [
        (PILOT, "NOT_ELIGIBLE_FOR_ETS"),
        (LEGACY, "NOT_ELIGIBLE_FOR_ETS"),
        (ALLOWANCES, "NOT_ELIGIBLE_FOR_ETS"),
        (NATIONAL, None),
    ],
)
def test_only_an_eligible_programme_is_offset_in_an_ets(
    programme: Programme, code: str | None, purpose: str
) -> None:
    assert code_of(use(purpose=purpose), programme) == code


@pytest.mark.parametrize(
    ("programme", "code"),
    [(ALLOWANCES, None), (NATIONAL, "NOT_SURRENDERABLE"), (PILOT, "NOT_SURRENDERABLE")],
)
def test_only_allowances_are_surrendered(programme: Programme, code: str | None) -> None:
    assert code_of(use(purpose="ETS_SURRENDER"), programme) == code


@pytest.mark.parametrize("programme", [NATIONAL, LEGACY, PILOT, ALLOWANCES])
@pytest.mark.parametrize("purpose", ["CORSIA", "NDC_USE"])
def test_rule_25_no_credit_is_used_across_the_border(programme: Programme, purpose: str) -> None:
    assert code_of(use(purpose=purpose, tonnes=1), programme) == "CROSS_BORDER_USE_NOT_AUTHORISED"


@pytest.mark.parametrize(
    "purpose", ["", "FUN", "enterprise_offset", "ENTERPRISE_OFFSET ", "FORCED"]
)
def test_a_purpose_that_the_rule_book_does_not_name_is_refused(purpose: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_usable(use(purpose=purpose), NATIONAL)

    assert refused.value.code() == "PURPOSE_UNKNOWN"
    assert refused.value.values["given"] == purpose


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    "name",
    ["beneficiary_name", "beneficiary_id", "beneficiary_country", "reporting_period", "reason"],
)
def test_rule_23_a_use_names_its_beneficiary_period_and_reason(name: str, blank: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_usable(use(**{name: blank}), NATIONAL)

    assert (refused.value.code(), refused.value.values) == ("STATEMENT_MISSING", {"field": name})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"beneficiary_name": "N" * 300}, None),
        ({"beneficiary_name": "N" * 301}, "OUT_OF_RANGE"),
        ({"beneficiary_name": "\u200b"}, "OUT_OF_RANGE"),
        ({"beneficiary_id": "9" * 301}, "OUT_OF_RANGE"),
        ({"reporting_period": "2" * 301}, "OUT_OF_RANGE"),
        ({"reason": "R" * 2_000}, None),
        ({"reason": "R" * 2_001}, "OUT_OF_RANGE"),
        ({"beneficiary_country": "SG"}, None),
        ({"beneficiary_country": "China"}, "OUT_OF_RANGE"),
        ({"beneficiary_country": "cn"}, "OUT_OF_RANGE"),
        ({"beneficiary_kind": "NATURAL_PERSON"}, None),
        ({"beneficiary_kind": "PERSON"}, "OUT_OF_RANGE"),
        ({"on_behalf_of": "A broker's client"}, None),
        ({"on_behalf_of": " "}, "OUT_OF_RANGE"),
    ],
)
def test_what_stands_in_the_public_record_can_be_read(
    changes: dict[str, str], code: str | None
) -> None:
    assert code_of(use(**changes)) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        *(({"purpose": purpose}, None) for purpose in ORDERED),
        ({"purpose": "CONVERSION_OUT"}, "PURPOSE_UNKNOWN"),
        ({"purpose": "ENTERPRISE_OFFSET"}, "PURPOSE_UNKNOWN"),
        ({"purpose": ""}, "PURPOSE_UNKNOWN"),
        ({"document_sha256": "0" * 63}, "DIGEST_MALFORMED"),
        ({"document_sha256": ""}, "DIGEST_MALFORMED"),
        ({"reason": ""}, "OUT_OF_RANGE"),
        ({"reason": "R" * 2_001}, "OUT_OF_RANGE"),
    ],
)
def test_rule_23_a_cancellation_has_a_purpose_a_document_and_a_reason(
    changes: dict[str, str], code: str | None
) -> None:
    assert code_of(cancellation(**changes)) == code


@pytest.mark.parametrize(
    ("changes", "bucket"),
    [
        ({}, Bucket.REGISTRY),
        ({"purpose": "OMGE"}, Bucket.REGISTRY),
        ({"purpose": "REVERSAL_COMPENSATION"}, Bucket.BUFFER),
        ({"freeze_id": UUID(int=1)}, Bucket.FROZEN),
    ],
)
def test_reversals_are_made_good_from_the_buffer_and_a_freeze_gives_what_it_holds(
    changes: dict[str, Any], bucket: Bucket
) -> None:
    assert retirements.origin(cancellation(**changes)) == Place("ACC-1", bucket)


BATCHES = [Batch(UUID(int=n), "CCER", "CN", "WIND", 2024, n, NOW) for n in (1, 2)]
OWN, HEIR = Place("ACC-1", Bucket.REGISTRY), Place("ACC-2", Bucket.REGISTRY)


def shelf(tonnes: int) -> Books:
    """The owner's books: so many tonnes in the registry, in one batch."""
    return Books.of([], BATCHES, [Holding(Block(BATCHES[0].batch_id, 1, tonnes + 1), OWN)], {})


@pytest.mark.parametrize("kind", ["retired", "cancelled"])
@pytest.mark.parametrize(
    ("held", "transferred", "is_there"),
    [(100, 1, False), (100, 100, False), (101, 1, True), (101, 2, False), (200, 100, True)],
)
def test_rule_23_what_is_used_or_cancelled_cannot_be_transferred(
    kind: str, held: int, transferred: int, is_there: bool
) -> None:
    books = shelf(held)
    gone = (
        retirements.used(RETIREMENT, "CCER")
        if kind == "retired"
        else retirements.cancelled(CANCELLATION, "CCER")
    )
    gone.book(books, OWN, NOW)
    assert books.available(Place("ACC-1", Bucket(kind)), WIND) == 100

    if is_there:
        assert books.move("transfer", WIND, OWN, HEIR, transferred, NOW)
    else:
        with pytest.raises(NotEnoughCredits) as refused:
            books.move("transfer", WIND, OWN, HEIR, transferred, NOW)
        assert refused.value.available == held - 100


@pytest.mark.parametrize(("held", "is_there"), [(99, False), (100, True)])
def test_rule_23_no_more_is_cancelled_than_there_is(held: int, is_there: bool) -> None:
    books, gone = shelf(held), retirements.cancelled(CANCELLATION, "CCER")
    if is_there:
        assert sum(block.tonnes for block in gone.book(books, OWN, NOW)) == 100
    else:
        with pytest.raises(NotEnoughCredits):
            gone.book(books, OWN, NOW)
        assert books.credit_entries == []


ENDS = (Bucket.RETIRED, Bucket.CANCELLED)
PLACES = [
    Place(account, bucket, "CBGEX" if bucket == Bucket.EXCHANGE else None)
    for account in ("ACC-1", "ACC-2")
    for bucket in Bucket
]


def test_rule_23_the_buckets_add_up_after_10_000_random_operations() -> None:
    """Issued is active, at venues, reserved, frozen, in the buffer, used or cancelled, block by block."""
    chance, books = random.Random(23), shelf(50_000)
    books.receive("issued", Block(BATCHES[1].batch_id, 1, 50_001), HEIR, NOW)
    for _ in range(10_000):
        source, target = chance.choice(PLACES), chance.choice(PLACES)
        held = books.available(source, WIND)
        if source.bucket in ENDS or not held:
            continue
        most = 20 if target.bucket in ENDS else held
        books.move("any", WIND, source, target, chance.randint(1, min(held, most)), NOW)

    found = Counter[UUID]()
    for batch in BATCHES:
        following = 1
        blocks = sorted(
            holding.block
            for holding in books._current.values()
            if holding.block.batch == batch.batch_id
        )
        for block in blocks:
            assert block.first == following
            following = block.next
            found[batch.batch_id] += block.tonnes
    assert found == {batch.batch_id: 50_000 for batch in BATCHES}
    assert sum(books.available(place, WIND) for place in PLACES) == 100_000
    assert all(books.available(Place("ACC-1", bucket), WIND) for bucket in ENDS)


def test_a_certificate_number_has_its_kind_its_year_and_its_place() -> None:
    assert certificate_number("RET", 2026, 42) == "RET-2026-00000042"
    assert certificate_number("CAN", 2025, 100_000_000) == "CAN-2025-100000000"


def test_everybody_learns_of_a_use_and_of_a_cancellation_in_the_same_words() -> None:
    used = retirements.told(retirements.used(RETIREMENT, "CCER"), "RET-1", [])
    cancelled = retirements.told(retirements.cancelled(CANCELLATION, "CCER"), "CAN-1", [])
    assert isinstance(used, CreditsRetired)
    assert isinstance(cancelled, CreditsCancelled)
    assert (used.reporting_period, cancelled.reporting_period) == ("2025", "")
    assert used.subject == f"retirement/{RETIREMENT.retirement_id}"
    assert msgspec.to_builtins(used).keys() == msgspec.to_builtins(cancelled).keys()
