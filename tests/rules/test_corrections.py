"""Corrections: which postings have an opposite, and that it takes back exactly what was moved, in a way that works."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.settlement import corrections
from services.settlement.books import Books
from services.settlement.corrections import (
    CashLeg,
    CorrectedBeforePosted,
    CreditLeg,
    Posting,
    PostingNotCorrectable,
)
from services.settlement.ledger import (
    Bucket,
    CashKey,
    CashPosition,
    NotEnoughCash,
    NotEnoughCredits,
    Place,
)
from services.settlement.settling import settle_captured
from tests.trading import (
    AT,
    BUYER,
    BUYER_CASH,
    DESK,
    FEE_CASH,
    FEES,
    SELLER,
    SELLER_CASH,
    SHELF,
    VENUE,
    WIND,
    books,
    captured,
    market,
    settled,
    terms,
    trade,
)

NAME = corrections.posting_name(UUID(int=7))
BOUGHT = Place(BUYER, Bucket.EXCHANGE, VENUE)
HELD = Place(SELLER, Bucket.RESERVED, VENUE)
OFFERED = Place(SELLER, Bucket.RESERVED)
PLACES = (DESK, SHELF, BOUGHT, HELD, OFFERED, Place(BUYER, Bucket.REGISTRY))
PURSES = (SELLER_CASH, BUYER_CASH, FEE_CASH)


def posted(ledger: Books, name: str) -> Posting:
    """What stands under this name in the books."""
    moved = [entry for entry in ledger.credit_entries if entry.posting == name and entry.source]
    paid = [entry for entry in ledger.cash_entries if entry.posting == name]
    places = dict.fromkeys((entry.source, entry.target) for entry in moved)
    return Posting(
        name,
        AT,
        [
            CreditLeg(
                WIND,
                source,
                target,
                sum(e.block.tonnes for e in moved if (e.source, e.target) == (source, target)),
            )
            for source, target in places
            if source
        ],
        [
            CashLeg(
                CashKey(entry.payer, entry.venue, entry.currency) if entry.payer else None,
                CashKey(entry.payee, entry.venue, entry.currency) if entry.payee else None,
                entry.amount_fen,
            )
            for entry in paid
        ],
    )


def state(ledger: Books) -> tuple[dict[Place, int], dict[CashKey, CashPosition]]:
    """What is where."""
    return (
        {place: ledger.available(place, WIND) for place in PLACES},
        {key: ledger.position(key) for key in PURSES},
    )


@pytest.mark.parametrize(
    ("posting", "is_correctable"),
    [
        ("trade/CBGEX/T-1", True),
        ("trade/CBGEX/a/b c", True),
        (f"move/{UUID(int=1)}", True),
        (f"transfer/{UUID(int=1)}", True),
        ("cash/BANK-1", True),
        (f"retirement/{UUID(int=1)}", False),
        (f"batch/{UUID(int=1)}", False),
        ("capture/CBGEX/T-1", False),
        (f"offer/{UUID(int=1)}", False),
        (f"correction/{UUID(int=1)}", False),
        ("trade", False),
        ("trade/", False),
        ("/trade/CBGEX/T-1", False),
        ("TRADE/CBGEX/T-1", False),
        ("", False),
        ("cash/" + "B" * 300, False),
    ],
)
def test_issuance_use_holds_and_corrections_have_no_opposite(
    posting: str, is_correctable: bool
) -> None:
    if is_correctable:
        corrections.require_correctable(posting)
    else:
        with pytest.raises(PostingNotCorrectable):
            corrections.require_correctable(posting)


FEES_PPM = st.sampled_from([0, 1, 2_500, 1_000_000])


@given(
    quantity=st.integers(1, 100),
    seller_fee=FEES_PPM,
    buyer_fee=FEES_PPM,
    is_day_end=st.booleans(),
)
@settings(deadline=None)
def test_the_opposite_of_a_trade_leaves_everything_as_it_was(
    quantity: int, seller_fee: int, buyer_fee: int, is_day_end: bool
) -> None:
    said = terms(
        cycle="DAY_END" if is_day_end else "IMMEDIATE",
        seller_fee_ppm=seller_fee,
        buyer_fee_ppm=buyer_fee,
        fee_account=FEES,
    )
    ledger, in_market = books(cash_fen=2_000_000), market(said)
    before = state(ledger)
    reported = trade(quantity=quantity)
    if is_day_end:
        settle_captured(captured(reported, in_market, ledger), ledger, in_market)
    else:
        settled(reported, in_market, ledger)
    original = posted(ledger, f"trade/{VENUE}/1")

    opposite = corrections.opposite(original, NAME, AT)
    moved = corrections.book(opposite, ledger)

    assert state(ledger) == before
    assert sum(block.tonnes for block in moved) == quantity == opposite.tonnes
    booked = posted(ledger, NAME)
    assert (booked.credits, booked.cash) == (opposite.credits, opposite.cash)
    assert (booked.tonnes, booked.amount_fen) == (original.tonnes, original.amount_fen)
    assert booked.accounts == original.accounts


def settled_books() -> tuple[Books, Posting]:
    ledger = books()
    settled(trade(), market(), ledger)
    return ledger, corrections.opposite(posted(ledger, f"trade/{VENUE}/1"), NAME, AT)


def test_credits_that_the_buyer_has_no_more_do_not_come_back() -> None:
    ledger, opposite = settled_books()
    ledger.move("m", WIND, BOUGHT, Place(BUYER, Bucket.REGISTRY), 1, AT)

    with pytest.raises(NotEnoughCredits) as refused:
        corrections.book(opposite, ledger)

    assert (refused.value.given, refused.value.available) == (100, 99)


def test_cash_that_the_seller_has_no_more_does_not_come_back() -> None:
    ledger, opposite = settled_books()
    ledger.bank("cash/1", SELLER_CASH, -1, AT)

    with pytest.raises(NotEnoughCash) as refused:
        corrections.book(opposite, ledger)

    assert (refused.value.given_fen, refused.value.available_fen) == (1_000_000, 999_999)


def test_cash_that_is_held_for_another_trade_does_not_come_back() -> None:
    ledger, opposite = settled_books()
    ledger.hold(SELLER_CASH, FEE_CASH, 1, 1)

    with pytest.raises(NotEnoughCash):
        corrections.book(opposite, ledger)


def test_a_seller_who_kept_only_the_proceeds_can_pay_the_price_back() -> None:
    """The commission comes back first."""
    said = terms(seller_fee_ppm=10_000, fee_account=FEES)
    ledger = books()
    settled(trade(), market(said), ledger)
    assert ledger.position(SELLER_CASH).balance_fen == 990_000

    corrections.book(corrections.opposite(posted(ledger, f"trade/{VENUE}/1"), NAME, AT), ledger)

    assert ledger.position(BUYER_CASH).balance_fen == 1_000_000


def test_an_accepted_transfer_comes_back_to_where_the_giver_may_use_it() -> None:
    receiver = Place(BUYER, Bucket.REGISTRY)
    ledger = books()
    ledger.move("m", WIND, DESK, SHELF, 100, AT)
    ledger.move("offer/1", WIND, SHELF, OFFERED, 40, AT)
    ledger.move("transfer/1", WIND, OFFERED, receiver, 40, AT)

    corrections.book(corrections.opposite(posted(ledger, "transfer/1"), NAME, AT), ledger)

    found = [ledger.available(place, WIND) for place in (SHELF, OFFERED, receiver)]
    assert found == [100, 0, 0]


@pytest.mark.parametrize("fen", [500, -500])
def test_the_opposite_of_a_bank_report_is_booked_against_the_bank(fen: int) -> None:
    ledger = books(cash_fen=1_000)
    ledger.bank("cash/1", BUYER_CASH, fen, AT)

    opposite = corrections.opposite(posted(ledger, "cash/1"), NAME, AT)
    corrections.book(opposite, ledger)

    assert ledger.position(BUYER_CASH).balance_fen == 1_000
    assert (opposite.amount_fen, opposite.tonnes, opposite.accounts) == (500, 0, [BUYER])


def test_nothing_is_corrected_before_it_was_posted() -> None:
    _, opposite = settled_books()
    original = replace(opposite, name="trade/CBGEX/1")

    with pytest.raises(CorrectedBeforePosted):
        corrections.opposite(original, NAME, AT - timedelta(microseconds=1))
