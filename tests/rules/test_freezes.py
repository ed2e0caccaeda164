"""Freezes: which serials can be frozen, what an order must say, and what a frozen account can still do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.blocks import Block
from services.kernel.documents import DigestMalformed
from services.kernel.lifecycles import StepNotAllowed
from services.kernel.refusals import OutOfRange, Refusal, Unknown
from services.settlement import freezes
from services.settlement.books import Books
from services.settlement.freezes import (
    AccountFrozen,
    EnforcementUnclear,
    Freeze,
    FreezeHoldsNothing,
    Frozen,
    ReleasedBeforeFrozen,
    Scope,
    SerialNotFree,
    SpansOverlap,
    State,
)
from services.settlement.ledger import Batch, Bucket, Holding, Instrument, NotEnoughCredits, Place
from services.settlement.messages.freezes import EnforceTransfer, FreezeAccount, Span
from services.settlement.settling import settle_captured
from services.settlement.transfers import TransferToOneself
from tests import trading
from tests.trading import BUYER, DESK, SELLER, SHELF, WIND

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
FREEZE = Freeze(UUID(int=7), SELLER, Scope.CREDITS, State.ACTIVE, AT)
ORDER = FreezeAccount(
    freeze_id=UUID(int=7),
    account=SELLER,
    kind="JUDICIAL",
    ordered_by="First Intermediate Court",
    document_number="(2026) 17",
    document_sha256="0" * 64,
    reason="debt",
)
ENFORCED = EnforceTransfer(
    transfer_id=UUID(int=8),
    from_account=SELLER,
    to_account=BUYER,
    ground="ENFORCEMENT",
    document_sha256="0" * 64,
    reason="judgment",
    project="WIND",
    vintage=2024,
    tonnes=1,
)


def span(first: int, last: int, batch: UUID = ONE) -> Span:
    return Span(batch_id=batch, first_serial=first, last_serial=last)


def held(first: int, following: int, place: Place = SHELF) -> Holding:
    return Holding(Block(ONE, first, following), place)


def test_spans_are_taken_in_the_order_of_their_serials() -> None:
    found = freezes.blocks_of([span(5, 9, TWO), span(11, 20), span(1, 10)])
    assert found == [Block(ONE, 1, 11), Block(ONE, 11, 21), Block(TWO, 5, 10)]


@pytest.mark.parametrize(
    ("spans", "refusal"),
    [
        ([], OutOfRange),
        ([span(2, 1)], OutOfRange),
        ([span(0, 1)], OutOfRange),
        ([span(1, 2**53)], OutOfRange),
        ([span(2 * n, 2 * n) for n in range(1, 102)], OutOfRange),
        ([span(1, 10), span(10, 12)], SpansOverlap),
        ([span(1, 10), span(3, 4)], SpansOverlap),
        ([span(5, 5), span(5, 5)], SpansOverlap),
    ],
)
def test_what_are_no_spans_is_refused(spans: list[Span], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        freezes.blocks_of(spans)


def test_so_many_spans_and_neighbours_and_the_same_serials_of_two_batches_are_in_order() -> None:
    assert len(freezes.blocks_of([span(2 * n, 2 * n) for n in range(1, 101)])) == 100
    assert len(freezes.blocks_of([span(1, 5), span(6, 6), span(1, 5, TWO)])) == 3


@pytest.mark.parametrize(
    ("holdings", "parts"),
    [
        ([held(1, 100)], [held(10, 20)]),
        ([held(10, 20)], [held(10, 20)]),
        ([held(1, 15), held(15, 20, DESK)], [held(10, 15), held(15, 20, DESK)]),
        ([held(9, 11), held(11, 19, DESK), held(19, 30)],
         [held(10, 11), held(11, 19, DESK), held(19, 20)]),
    ],
)  # fmt: skip
def test_exactly_the_wanted_serials_are_taken_from_where_they_are(
    holdings: list[Holding], parts: list[Holding]
) -> None:
    assert freezes.free_parts(SELLER, Block(ONE, 10, 20), holdings) == parts


@pytest.mark.parametrize(
    ("holdings", "missing"),
    [
        ([], 10),
        ([held(11, 100)], 10),
        ([held(1, 19)], 19),
        ([held(1, 14), held(15, 100)], 14),
    ],
)
def test_the_first_serial_that_is_not_free_is_named(holdings: list[Holding], missing: int) -> None:
    with pytest.raises(SerialNotFree) as refused:
        freezes.free_parts(SELLER, Block(ONE, 10, 20), holdings)
    assert (refused.value.batch, refused.value.serial) == (ONE, missing)


PLACES = (SHELF, DESK, Place(SELLER, Bucket.RESERVED), Place(BUYER, Bucket.REGISTRY))


@given(
    pieces=st.lists(st.tuples(st.integers(1, 5), st.sampled_from(PLACES)), min_size=1, max_size=8),
    first=st.integers(1, 20),
    tonnes=st.integers(1, 20),
)
def test_a_span_over_many_blocks_is_cut_out_of_them_and_nothing_else_moves(
    pieces: list[tuple[int, Place]], first: int, tonnes: int
) -> None:
    where = dict(enumerate((place for size, place in pieces for _ in range(size)), start=1))
    ends = list(accumulate((size for size, _ in pieces), initial=1))
    holdings = [held(ends[n], ends[n + 1], place) for n, (_, place) in enumerate(pieces)]
    wanted = Block(ONE, first, first + tonnes)
    free = [
        one
        for one in holdings
        if one.place in (SHELF, DESK)
        and one.block.first < wanted.next
        and wanted.first < one.block.next
    ]
    serials = range(wanted.first, wanted.next)
    missing = [serial for serial in serials if where.get(serial) not in (SHELF, DESK)]
    if missing:
        with pytest.raises(SerialNotFree) as refused:
            freezes.free_parts(SELLER, wanted, free)
        assert refused.value.serial == missing[0]
        return
    batch = Batch(ONE, "CCER", "CN", "WIND", 2024, 1, AT)
    ledger, target = Books.of([], [batch], holdings, {}), Place(SELLER, Bucket.FROZEN)

    ledger.move_spans("freeze/1", freezes.free_parts(SELLER, wanted, free), target, AT)

    stored = {one.block.first: one for one in holdings}
    stored |= {after.block.first: after for _, after in ledger.changed()}
    stored |= {one.block.first: one for one in ledger.added()}
    found = [
        (serial, one.place)
        for one in stored.values()
        for serial in range(one.block.first, one.block.next)
    ]
    assert sorted(serial for serial, _ in found) == sorted(where)
    assert dict(found) == where | dict.fromkeys(serials, target)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"kind": "PRIVATE"}, OutOfRange),
        ({"ordered_by": " "}, OutOfRange),
        ({"document_number": ""}, OutOfRange),
        ({"document_sha256": "0" * 63}, DigestMalformed),
        ({"reason": ""}, OutOfRange),
    ],
)
def test_an_order_says_whose_it_is_which_one_and_why(
    changes: dict[str, str], refusal: type[Refusal]
) -> None:
    freezes.require_order(ORDER)
    freezes.require_order(msgspec.structs.replace(ORDER, kind="ADMINISTRATIVE"))
    with pytest.raises(refusal):
        freezes.require_order(msgspec.structs.replace(ORDER, **changes))


def test_a_freeze_ends_once_and_after_it_began() -> None:
    with pytest.raises(ReleasedBeforeFrozen):
        freezes.released(FREEZE, AT - timedelta(microseconds=1))
    ended = freezes.released(FREEZE, AT)
    assert ended == replace(FREEZE, state=State.RELEASED)
    with pytest.raises(StepNotAllowed):
        freezes.released(ended, AT)


NOTHING: dict[str, Any] = {"project": None, "vintage": None, "tonnes": None}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"to_account": SELLER}, TransferToOneself),
        ({"ground": "PROGRAMME_RULE"}, OutOfRange),
        ({"document_sha256": ""}, DigestMalformed),
        ({"reason": " "}, OutOfRange),
        (NOTHING, EnforcementUnclear),
        ({"tonnes": None}, EnforcementUnclear),
        ({"freeze_id": ONE}, EnforcementUnclear),
        (NOTHING | {"freeze_id": ONE, "tonnes": 1}, EnforcementUnclear),
    ],
)
def test_an_enforcement_names_its_ground_and_one_thing_that_is_given(
    changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    freezes.require_enforceable(ENFORCED)
    freezes.require_enforceable(msgspec.structs.replace(ENFORCED, **NOTHING, freeze_id=ONE))
    with pytest.raises(refusal):
        freezes.require_enforceable(msgspec.structs.replace(ENFORCED, **changes))


def test_a_freeze_gives_what_it_holds_and_only_of_its_account() -> None:
    frozen = Frozen(Block(ONE, 1, 11), DESK)
    assert freezes.held_by(FREEZE, [frozen]) == [held(1, 11, Place(SELLER, Bucket.FROZEN))]
    with pytest.raises(FreezeHoldsNothing):
        freezes.held_by(FREEZE, [])
    assert freezes.require_of(FREEZE, FREEZE.freeze_id, SELLER) is FREEZE
    for found in (None, replace(FREEZE, account=BUYER)):
        with pytest.raises(Unknown):
            freezes.require_of(found, FREEZE.freeze_id, SELLER)


def test_rule_24_of_the_last_block_needed_the_tail_is_taken() -> None:
    holdings = [held(1, 11), held(21, 31, DESK)]
    assert freezes.first_spans(SELLER, WIND, holdings, 10) == [held(1, 11)]
    assert freezes.first_spans(SELLER, WIND, holdings, 12) == [held(1, 11), held(29, 31, DESK)]
    assert freezes.first_spans(SELLER, WIND, holdings, 20) == holdings
    with pytest.raises(NotEnoughCredits) as refused:
        freezes.first_spans(SELLER, Instrument("WIND", 2024), holdings, 21)
    assert (refused.value.given, refused.value.available) == (21, 20)


@pytest.mark.parametrize("frozen", [SELLER, BUYER])
def test_nothing_is_traded_with_a_frozen_account_but_what_is_captured_binds(frozen: str) -> None:
    freeze = UUID(int=7)

    def stopped() -> Books:
        ledger = trading.books()
        known = dict(ledger.accounts)
        known[frozen] = msgspec.structs.replace(known[frozen], frozen_by=[freeze])
        return replace(ledger, accounts=known)

    given = stopped()
    with pytest.raises(AccountFrozen) as refused:
        trading.decided(trading.trade(), None, given)
    assert (refused.value.account, refused.value.freeze_id) == (frozen, freeze)
    assert trading.is_untouched(given)

    in_market = trading.market(trading.terms(cycle="DAY_END"))
    ledger = trading.books()
    bound = trading.captured(trading.trade(), in_market, ledger)
    ledger.accounts = stopped().accounts
    settle_captured(bound, ledger, in_market)
    assert ledger.available(Place(BUYER, Bucket.EXCHANGE, trading.VENUE), WIND) == 100
