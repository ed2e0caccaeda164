"""Serial blocks (rule 24): no overlap, no gap, and a split conserves the count."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.blocks import Block, serial_text, take, total

BATCH, OTHER = UUID(int=1), UUID(int=2)


def blocks(*bounds: tuple[int, int]) -> list[Block]:
    """Blocks of one batch by their first and last serial, as the public writes them."""
    return [Block(BATCH, first, last + 1) for first, last in bounds]


def test_splitting_10000_off_225714_leaves_the_head_and_moves_the_tail() -> None:
    [whole] = blocks((1, 225_714))

    assert whole.split_tail(10_000) == tuple(blocks((1, 215_714), (215_715, 225_714)))


@pytest.mark.parametrize("tonnes", [0, -1, 225_714, 225_715])
def test_a_split_of_nothing_or_everything_is_no_split(tonnes: int) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        Block(BATCH, 1, 225_715).split_tail(tonnes)


@pytest.mark.parametrize(("first", "following"), [(0, 1), (-1, 5), (5, 5), (6, 5)])
def test_a_block_is_never_empty_and_serials_begin_with_1(first: int, following: int) -> None:
    with pytest.raises(ValueError, match="empty or negative"):
        Block(BATCH, first, following)


@pytest.mark.parametrize(
    ("held", "tonnes", "moved", "kept"),
    [
        ([(1, 225_714)], 225_714, [(1, 225_714)], None),
        ([(1, 225_714)], 10_000, [(215_715, 225_714)], (1, 215_714)),
        ([(1, 10), (21, 30)], 10, [(1, 10)], None),
        ([(1, 10), (21, 30)], 11, [(1, 10), (30, 30)], (21, 29)),
        ([(1, 10), (21, 30)], 20, [(1, 10), (21, 30)], None),
        ([(21, 30), (1, 10)], 1, [(30, 30)], (21, 29)),
        ([(7, 7)], 1, [(7, 7)], None),
    ],
)
def test_what_moves_is_whole_blocks_in_order_and_the_tail_of_the_last(
    held: list[tuple[int, int]],
    tonnes: int,
    moved: list[tuple[int, int]],
    kept: tuple[int, int] | None,
) -> None:
    taking = take(blocks(*held), tonnes)

    assert list(taking.moved) == blocks(*moved)
    assert [taking.kept] == (blocks(kept) if kept else [None])
    assert taking.tonnes == tonnes


@pytest.mark.parametrize("tonnes", [0, -1, 21])
def test_nobody_takes_more_than_there_is_or_nothing(tonnes: int) -> None:
    with pytest.raises(ValueError, match="cannot take"):
        take(blocks((1, 10), (21, 30)), tonnes)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.data())
def test_every_taking_conserves_every_serial(sizes: list[int], data: st.DataObject) -> None:
    held, first = [], 1
    for size in sizes:
        held.append(Block(BATCH, first, first + size))
        first += size + 3
    taking = take(held, data.draw(st.integers(1, total(held))))

    taken = [*taking.moved, *([taking.kept] if taking.kept else [])]
    untouched = held[len(taking.moved) :]
    assert sorted(_serials(taken) + _serials(untouched)) == sorted(_serials(held))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "CCER-CN-A210001-2024-001-215715-225714"),
        (1000, "CCER-CN-A210001-2024-1000-215715-225714"),
    ],
)
def test_the_public_range_names_both_ends(number: int, text: str) -> None:
    [block] = blocks((215_715, 225_714))

    assert serial_text("CCER", "CN", "A210001", 2024, number, block) == text


def _serials(of: list[Block]) -> list[int]:
    return [serial for block in of for serial in range(block.first, block.next)]
