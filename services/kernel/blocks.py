"""Serial blocks: contiguous, half-open ranges of serial numbers inside one batch (rule 24 of the rule book)."""

from collections.abc import Iterable, Sequence
from typing import Self
from uuid import UUID

import msgspec


class Block(msgspec.Struct, frozen=True, order=True, gc=False):
    """The serials ``first <= serial < next`` of one batch; one serial is one tonne CO2e."""

    batch: UUID
    first: int
    next: int

    def __post_init__(self) -> None:
        if not 0 < self.first < self.next:
            raise ValueError(f"empty or negative block {self.first}..{self.next}")

    @property
    def tonnes(self) -> int:
        """How many credits the block holds."""
        return self.next - self.first

    def split_tail(self, tonnes: int) -> tuple[Self, Self]:
        """The head that stays and the tail that moves, of exactly this many tonnes.

        Raises ValueError unless 0 < tonnes < the block's own: a move of the whole block is no split.
        """
        if not 0 < tonnes < self.tonnes:
            raise ValueError(f"cannot split {tonnes} t off a block of {self.tonnes} t")
        cut = self.next - tonnes
        return type(self)(self.batch, self.first, cut), type(self)(self.batch, cut, self.next)


class Taking(msgspec.Struct, frozen=True, gc=False):
    """What a move takes: whole blocks and at most one tail, and the head that stays behind."""

    moved: tuple[Block, ...]
    kept: Block | None
    split: Block | None

    @property
    def tonnes(self) -> int:
        """How many credits move."""
        return total(self.moved)


def total(blocks: Iterable[Block]) -> int:
    """Tonnes in all the blocks together."""
    return sum(block.tonnes for block in blocks)


def take(blocks: Sequence[Block], tonnes: int) -> Taking:
    """Takes this many tonnes from the blocks in their given order; of the last one needed only the tail moves.

    Raises ValueError if the blocks hold less: callers refuse that before they come here.
    """
    if not 0 < tonnes <= total(blocks):
        raise ValueError(f"cannot take {tonnes} t out of {total(blocks)} t")
    moved: list[Block] = []
    missing = tonnes
    for block in blocks:
        if block.tonnes > missing:
            head, tail = block.split_tail(missing)
            return Taking((*moved, tail), kept=head, split=block)
        moved.append(block)
        missing -= block.tonnes
        if not missing:
            break
    return Taking(tuple(moved), kept=None, split=None)


def serial_text(
    programme: str, country: str, project: str, vintage: int, batch: int, block: Block
) -> str:
    """The public serial range ``PROG-CTRY-PROJECT-VINTAGE-BATCH-START-END``; both ends belong to it."""
    return f"{programme}-{country}-{project}-{vintage}-{batch:03d}-{block.first}-{block.next - 1}"
