"""The auditor's books: where each serial and each fen must be, computed from what was told and from nothing else."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.tools.chaos.ears import Heard
from services.tools.chaos.sent import CAPTURED, REJECTED, SETTLED

Place = tuple[str, str, str | None]
"""Account, bucket, venue."""
Block = tuple[int, int]
"""First serial and the one after the last."""
REGISTRY, EXCHANGE, RESERVED = "registry", "exchange", "reserved"
FROZEN, RETIRED, CANCELLED = "frozen", "retired", "cancelled"
_FREEZABLE = (REGISTRY, EXCHANGE)


@dataclass
class Books:
    """Movements of credits by batch, whose order does not matter, and cash by account and venue."""

    steps: dict[str, Counter[tuple[int, Place]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """By batch: by how much what a place holds of each serial changes from this serial on."""
    issued: dict[str, Block] = field(default_factory=dict[str, Block])
    cash: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    fee_accounts: Mapping[str, str] = field(default_factory=dict[str, str])
    """By venue: who receives its commissions."""
    reserved: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Tonnes held for captured trades, by seller and venue; which serials, only their settlement says."""
    thawing: Collection[str] = ()
    """The cancellations that were to take what a freeze held, and not what was free."""

    def place(self, told: Mapping[str, Any], target: Place, sign: int = 1) -> None:
        """Puts a range of serials into a place, or takes it out."""
        steps, first = self.steps[told["batch_id"]], told["first_serial"]
        steps[first, target] += sign
        steps[told["last_serial"] + 1, target] -= sign

    def freeze(self, told: Mapping[str, Any], sign: int = 1) -> None:
        """Holds serials where they are, or lets them go: a freeze lies over a place and changes none."""
        for one in told["ranges"]:
            self.place(one, (told["account"], FROZEN, None), sign)

    def move(self, ranges: Iterable[Mapping[str, Any]], source: Place, target: Place) -> None:
        """Moves ranges of serials."""
        for told in ranges:
            self.place(told, source, -1)
            self.place(told, target)


@dataclass(frozen=True, slots=True)
class Found:
    """Where every serial is, and how many tonnes are nowhere or in more than one place."""

    blocks: Mapping[tuple[str, Place], list[Block]]
    lost_tonnes: int
    doubled_tonnes: int
    misfrozen_tonnes: int
    """Frozen twice, or of another account, or where nothing can be frozen: used, say, or sold."""


def books_of(
    events: Iterable[Heard], fee_accounts: Mapping[str, str], thawing: Collection[str] = ()
) -> Books:
    """The books after these events."""
    books = Books(fee_accounts=fee_accounts, thawing=thawing)
    held: dict[str, Mapping[str, Any]] = {}
    ended: set[str] = set()
    for event in events:
        if event.type == CAPTURED:
            held[event.subject] = event.content
        elif event.type in (SETTLED, REJECTED):
            ended.add(event.subject)
        if post := _POSTED.get(event.type):
            post(books, event.content)
    for subject in held.keys() - ended:
        told = held[subject]
        books.reserved[told["seller_account"], told["venue"]] += told["quantity"]
    return books


def _issued(books: Books, told: Mapping[str, Any]) -> None:
    books.issued[told["batch_id"]] = told["first_serial"], told["last_serial"] + 1


def _received(books: Books, told: Mapping[str, Any]) -> None:
    books.place(told["range"], (told["account"], told["bucket"], None))


def _moved(books: Books, told: Mapping[str, Any]) -> None:
    registry = told["account"], REGISTRY, None
    exchange = told["account"], EXCHANGE, told["venue"]
    ends = (registry, exchange) if told["to_bucket"] == EXCHANGE else (exchange, registry)
    books.move(told["ranges"], *ends)


def _settled(books: Books, told: Mapping[str, Any]) -> None:
    venue, seller, buyer = told["venue"], told["seller_account"], told["buyer_account"]
    books.move(told["ranges"], (seller, EXCHANGE, venue), (buyer, EXCHANGE, venue))
    paid, received = told["buyer_fee_fen"], told["seller_fee_fen"]
    books.cash[buyer, venue] -= told["amount_fen"] + paid
    books.cash[seller, venue] += told["amount_fen"] - received
    if paid or received:
        books.cash[books.fee_accounts[venue], venue] += paid + received


def _retired(books: Books, told: Mapping[str, Any]) -> None:
    account = told["account"]
    books.move(told["ranges"], (account, REGISTRY, None), (account, RETIRED, None))


def _cancelled(books: Books, told: Mapping[str, Any]) -> None:
    account = told["account"]
    books.move(told["ranges"], (account, REGISTRY, None), (account, CANCELLED, None))
    if told["retirement_id"] in books.thawing:
        books.freeze(told, -1)


def _frozen(books: Books, told: Mapping[str, Any]) -> None:
    books.freeze(told)


def _released(books: Books, told: Mapping[str, Any]) -> None:
    books.freeze(told, -1)


def _cash_moved(books: Books, told: Mapping[str, Any]) -> None:
    books.cash[told["account"], told["venue"]] += told["amount_fen"]


_POSTED: Mapping[str, Callable[[Books, Mapping[str, Any]], None]] = {
    "issuance.credits.issued": _issued,
    "settlement.credits.received": _received,
    "settlement.credits.moved": _moved,
    "settlement.trade.settled": _settled,
    "settlement.credits.retired": _retired,
    "settlement.credits.cancelled": _cancelled,
    "settlement.credits.frozen": _frozen,
    "settlement.freeze.released": _released,
    "settlement.cash.moved": _cash_moved,
}


def found_in(books: Books) -> Found:
    """Walks through each batch once, serial by serial where anything changes."""
    blocks: dict[tuple[str, Place], list[Block]] = defaultdict(list)
    lost = doubled = misfrozen = 0
    for batch in books.issued.keys() | books.steps.keys():
        for block, held in _stretches(books, batch):
            tonnes = block[1] - block[0]
            places = {place: times for place, times in held.items() if place[1] != FROZEN}
            freezes = {place: times for place, times in held.items() if place[1] == FROZEN}
            if [*places.values()] == [1]:
                [place] = places
                is_right = not freezes or _is_freezable(place, freezes)
                misfrozen += 0 if is_right else tonnes
                _append(blocks[batch, next(iter(freezes), place)], block)
            elif sum(places.values()) < 1:
                lost += tonnes
            else:
                doubled += tonnes
    return Found(blocks, lost, doubled, misfrozen)


def _is_freezable(place: Place, freezes: Mapping[Place, int]) -> bool:
    """Whether it is frozen once, for whoever holds it, and where it was free."""
    return freezes == {(place[0], FROZEN, None): 1} and place[1] in _FREEZABLE


def _stretches(books: Books, batch: str) -> Iterator[tuple[Block, Mapping[Place, int]]]:
    """The blocks of an issued batch between two changes, with what each place holds of their serials."""
    first, after = books.issued.get(batch, (0, 0))
    by_serial: dict[int, list[tuple[Place, int]]] = defaultdict(list)
    for (serial, place), change in books.steps[batch].items():
        by_serial[serial].append((place, change))
    held: Counter[Place] = Counter()
    serials = sorted({first, after, *by_serial} - {0})
    for serial, following in zip(serials, [*serials[1:], None], strict=True):
        for place, change in by_serial[serial]:
            held[place] += change
            if not held[place]:
                del held[place]
        if following is not None and (held or first <= serial < after):
            yield (serial, following), held


def _append(blocks: list[Block], block: Block) -> None:
    """Adds a block behind the others; one that goes on where the last one ended lengthens it."""
    if blocks and blocks[-1][1] == block[0]:
        blocks[-1] = blocks[-1][0], block[1]
    else:
        blocks.append(block)


def merged(blocks: Iterable[Block]) -> list[Block]:
    """The blocks in order, as few as can be."""
    found: list[Block] = []
    for block in sorted(blocks):
        _append(found, block)
    return found
