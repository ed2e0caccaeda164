"""The books: what moves, in which order, and that a refusal changes nothing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.kernel.blocks import Block
from services.kernel.refusals import NotYetKnown
from services.settlement.books import Books
from services.settlement.ledger import (
    Account,
    Batch,
    Bucket,
    CashKey,
    CashPosition,
    Holding,
    Instrument,
    NotEnoughCash,
    NotEnoughCredits,
    Place,
)

NOW = datetime(2026, 8, 20, 2, 0, tzinfo=UTC)
OLD, NEW, OTHER = UUID(int=2), UUID(int=1), UUID(int=3)
WIND, SUN = Instrument("WIND", 2024), Instrument("SUN", 2024)
SHELF, DESK = Place("A", Bucket.REGISTRY), Place("A", Bucket.EXCHANGE, "CBGEX")
STRANGER = Place("B", Bucket.REGISTRY)
PURSE, TILL = CashKey("A", "CBGEX", "CNY"), CashKey("B", "CBGEX", "CNY")


def batch(batch_id: UUID, instrument: Instrument, age_days: int) -> Batch:
    """A batch of this age."""
    issued_at = NOW - timedelta(days=age_days)
    return Batch(batch_id, "CCER", "CN", instrument.project, 2024, batch_id.int, issued_at)


@pytest.fixture
def books() -> Books:
    """A holds 100 t of an older and 50 t of a newer batch of wind, in the registry; and 1000 fen."""
    batches = [batch(OLD, WIND, 9), batch(NEW, WIND, 1), batch(OTHER, SUN, 99)]
    holdings = [
        Holding(Block(NEW, 1, 51), SHELF),
        Holding(Block(OLD, 41, 101), SHELF),
        Holding(Block(OLD, 1, 41), SHELF),
        Holding(Block(OTHER, 1, 6), SHELF),
    ]
    accounts = [
        Account("A", UUID(int=9), "OWNER", "OPEN"),
        Account("B", UUID(int=8), "TRADER", "OPEN"),
    ]
    return Books.of(accounts, batches, holdings, {PURSE: CashPosition(1000)})


@pytest.mark.parametrize(
    ("tonnes", "moved"),
    [
        (1, [(OLD, 40, 41)]),
        (40, [(OLD, 1, 41)]),
        (41, [(OLD, 1, 41), (OLD, 100, 101)]),
        (100, [(OLD, 1, 41), (OLD, 41, 101)]),
        (101, [(OLD, 1, 41), (OLD, 41, 101), (NEW, 50, 51)]),
        (150, [(OLD, 1, 41), (OLD, 41, 101), (NEW, 1, 51)]),
    ],
)
def test_the_oldest_batch_moves_first_then_the_lowest_block_and_of_the_last_the_tail(
    books: Books, tonnes: int, moved: list[tuple[UUID, int, int]]
) -> None:
    taken = books.move("m", WIND, SHELF, DESK, tonnes, NOW)

    assert [(block.batch, block.first, block.next) for block in taken] == moved
    assert books.available(SHELF, WIND) == 150 - tonnes
    assert books.available(DESK, WIND) == tonnes
    assert books.available(SHELF, SUN) == 5
    assert [entry.block for entry in books.credit_entries] == list(taken)
    assert {(entry.source, entry.target) for entry in books.credit_entries} == {(SHELF, DESK)}


@pytest.mark.parametrize(
    ("source", "instrument", "tonnes", "available"),
    [(SHELF, WIND, 151, 150), (SHELF, SUN, 6, 5), (DESK, WIND, 1, 0), (STRANGER, WIND, 1, 0)],
)
def test_more_than_there_is_moves_nothing_and_names_what_there_is(
    books: Books, source: Place, instrument: Instrument, tonnes: int, available: int
) -> None:
    with pytest.raises(NotEnoughCredits) as refused:
        books.move("m", instrument, source, STRANGER, tonnes, NOW)

    assert (refused.value.given, refused.value.available) == (tonnes, available)
    assert not [*books.changed(), *books.added(), *books.credit_entries]


def test_a_move_there_and_back_leaves_nothing_to_be_written_but_its_entries(books: Books) -> None:
    books.move("there", WIND, SHELF, DESK, 40, NOW)
    books.move("back", WIND, DESK, SHELF, 40, NOW)

    assert not [*books.changed(), *books.added()]
    assert len(books.credit_entries) == 2


def test_a_split_shortens_the_stored_block_and_adds_its_tail(books: Books) -> None:
    books.move("m", WIND, SHELF, DESK, 10, NOW)

    [(before, after)] = books.changed()
    assert (before.block, after.block) == (Block(OLD, 1, 41), Block(OLD, 1, 31))
    assert list(books.added()) == [Holding(Block(OLD, 31, 41), DESK)]


def test_a_payment_moves_cash_and_is_one_entry(books: Books) -> None:
    books.pay("p", PURSE, TILL, 1000, NOW)

    assert dict(books.cash_changes()) == {PURSE: CashPosition(-1000), TILL: CashPosition(1000)}
    [entry] = books.cash_entries
    assert (entry.payer, entry.payee, entry.amount_fen) == ("A", "B", 1000)


@pytest.mark.parametrize(
    ("payer", "fen", "available"),
    [(PURSE, 1001, 1000), (TILL, 1, 0), (CashKey("A", "HZ-PILOT", "CNY"), 1, 0)],
)
def test_one_fen_too_much_pays_nothing(
    books: Books, payer: CashKey, fen: int, available: int
) -> None:
    payee = CashKey("C", payer.venue, "CNY")
    with pytest.raises(NotEnoughCash) as refused:
        books.pay("p", payer, payee, fen, NOW)

    assert refused.value.available_fen == available
    assert not [*books.cash_changes(), *books.cash_entries]


@pytest.mark.parametrize(
    ("fen", "payer", "payee"), [(5, None, "A"), (-5, "A", None), (-1000, "A", None)]
)
def test_what_the_bank_reports_is_an_entry_with_one_account(
    books: Books, fen: int, payer: str | None, payee: str | None
) -> None:
    books.bank("b", PURSE, fen, NOW)

    [entry] = books.cash_entries
    assert (entry.payer, entry.payee, entry.amount_fen) == (payer, payee, abs(fen))
    assert dict(books.cash_changes()) == {PURSE: CashPosition(fen)}


def test_a_withdrawal_of_more_than_there_is_books_nothing(books: Books) -> None:
    with pytest.raises(NotEnoughCash):
        books.bank("b", PURSE, -1001, NOW)

    assert not [*books.cash_changes(), *books.cash_entries]


def test_unknown_names_are_not_yet_known(books: Books) -> None:
    with pytest.raises(NotYetKnown):
        books.account("Z")
    with pytest.raises(NotYetKnown):
        books.programme_of(Instrument("WIND", 2023))


def test_the_public_range_of_a_block_names_both_ends(books: Books) -> None:
    [block] = books.move("m", WIND, SHELF, DESK, 10, NOW)

    [public] = books.ranges([block])
    assert (public.first_serial, public.last_serial) == (31, 40)
    assert public.serials == "CCER-CN-WIND-2024-002-31-40"


@pytest.mark.parametrize(
    ("tonnes", "kept", "moved"),
    [
        (1, (1, 225_713), (225_714, 225_714)),
        (10_000, (1, 215_714), (215_715, 225_714)),
        (225_713, (1, 1), (2, 225_714)),
        (225_714, None, (1, 225_714)),
    ],
)
def test_rule_24_a_split_conserves_count_label_and_vintage(
    tonnes: int, kept: tuple[int, int] | None, moved: tuple[int, int]
) -> None:
    """Of block 1-225714 the tail moves; all of it is a whole move, and no split."""
    block = Block(OLD, 1, 225_715)
    books = Books.of([], [batch(OLD, WIND, 9)], [Holding(block, SHELF)], {})

    taken = books.ranges(books.move("m", WIND, SHELF, DESK, tonnes, NOW))

    assert [(one.first_serial, one.last_serial) for one in taken] == [moved]
    assert taken[0].serials == f"CCER-CN-WIND-2024-002-{moved[0]}-{moved[1]}"
    [(before, after)] = books.changed()
    added = list(books.added())
    if kept is None:
        assert (before.block, after, added) == (block, Holding(block, DESK), [])
    else:
        assert (after.block.first, after.block.next - 1, after.place) == (*kept, SHELF)
        assert after.block.tonnes + sum(one.block.tonnes for one in added) == block.tonnes
        assert after.block.next == added[0].block.first


@pytest.mark.parametrize(
    ("position", "spendable", "free"),
    [
        (CashPosition(), 0, 0),
        (CashPosition(1000), 1000, 1000),
        (CashPosition(1000, held_fen=700), 300, 300),
        (CashPosition(1000, held_fen=1000), 0, 0),
        (CashPosition(0, pending_fen=500), 500, 0),
        (CashPosition(1000, held_fen=1200, pending_fen=500), 300, 0),
        (CashPosition(1000, held_fen=700, pending_fen=500), 800, 300),
    ],
)
def test_expected_proceeds_may_be_spent_and_not_leave(
    position: CashPosition, spendable: int, free: int
) -> None:
    assert (position.spendable_fen, position.free_fen) == (spendable, free)


def test_the_bank_pays_out_neither_what_is_expected_nor_what_is_held(books: Books) -> None:
    """Of 1000 fen 300 are held, and 500 are expected: 700 may leave."""
    books.hold(PURSE, TILL, 300, 300)
    books.hold(TILL, PURSE, 300, 500)
    assert books.position(PURSE).spendable_fen == 1200

    with pytest.raises(NotEnoughCash) as refused:
        books.bank("w", PURSE, -701, NOW)

    assert refused.value.available_fen == 700
    assert not books.cash_entries
    books.bank("w", PURSE, -700, NOW)
    assert books.position(PURSE).balance_fen == 300


def test_what_is_held_pays_for_nothing_else(books: Books) -> None:
    books.hold(PURSE, TILL, 700, 690)
    assert books.position(PURSE) == CashPosition(1000, held_fen=700)
    assert books.position(TILL) == CashPosition(0, pending_fen=690)
    for refused in (
        lambda: books.hold(PURSE, TILL, 301, 301),
        lambda: books.pay("p", PURSE, TILL, 301, NOW),
        lambda: books.bank("b", PURSE, -301, NOW),
        lambda: books.bank("b", TILL, -1, NOW),
        lambda: books.pay("p", TILL, PURSE, 1, NOW),
    ):
        with pytest.raises(NotEnoughCash):
            refused()
    books.hold(PURSE, TILL, 300, 300)
    books.hold(TILL, PURSE, 990, 990)  # expected proceeds buy again
    with pytest.raises(NotEnoughCash):
        books.hold(TILL, PURSE, 1, 1)
    assert not books.cash_entries


def test_a_hold_that_is_released_leaves_nothing_to_be_written(books: Books) -> None:
    books.hold(PURSE, TILL, 700, 690)
    books.release(PURSE, TILL, 700, 690)

    assert not [*books.cash_changes(), *books.cash_entries]


def test_nobody_pays_himself_and_nothing_is_no_entry(books: Books) -> None:
    books.collect("c", PURSE, PURSE, 10, NOW)
    books.collect("c", PURSE, TILL, 0, NOW)

    assert not [*books.cash_changes(), *books.cash_entries]
