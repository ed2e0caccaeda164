"""What is true of freezes: who orders them, what they hold, and how credits change hands without their holder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from services.kernel.blocks import Block, take, total
from services.kernel.documents import require_digest
from services.kernel.lifecycles import advance
from services.kernel.names import require_text
from services.kernel.refusals import Conflict, Forbidden, Invalid, OutOfRange, Unknown
from services.settlement.ledger import (
    Account,
    Bucket,
    Holding,
    Instrument,
    NotEnoughCredits,
    Place,
)
from services.settlement.messages.freezes import EnforceTransfer, FreezeAccount, FreezeCredits, Span
from services.settlement.messages.states import FreezeState as State
from services.settlement.transfers import Ground, TransferToOneself

REASON_LENGTH_MAX = 2_000
SPANS_MAX = 100
_SERIAL_MAX = 2**53 - 1
GROUNDS = (Ground.ENFORCEMENT, Ground.INHERITANCE)
"""Why title changes without its holder (registration rules 2023, articles 14 and 16)."""


class Kind(StrEnum):
    """Whose order it is: a court's, or an authority's."""

    JUDICIAL = "JUDICIAL"
    ADMINISTRATIVE = "ADMINISTRATIVE"


class Scope(StrEnum):
    """What is frozen: all that an account has and gets, or certain serials."""

    ACCOUNT = "ACCOUNT"
    CREDITS = "CREDITS"


class Step(StrEnum):
    """What happens to a freeze."""

    RELEASE = "RELEASE"


LIFECYCLE: Mapping[tuple[State, Step], State] = {
    (State.ACTIVE, Step.RELEASE): State.RELEASED,
}


@dataclass(eq=False)
class AccountFrozen(Forbidden):
    """Nothing leaves a frozen account, and nothing is traded with it (registration rules 2023, article 16)."""

    account: str
    freeze_id: UUID


@dataclass(eq=False)
class SerialNotFree(Conflict):
    """Serials are frozen in the registry or at a venue, where they are their holder's to give."""

    account: str
    batch: UUID
    serial: int


@dataclass(eq=False)
class SpansOverlap(Invalid):
    """Each serial is named once."""

    batch: UUID
    serial: int


@dataclass(eq=False)
class ReleasedBeforeFrozen(Conflict):
    """A freeze ends after it began."""

    given: datetime
    frozen_at: datetime


@dataclass(eq=False)
class FreezeHoldsNothing(Conflict):
    """Only a freeze of serials has something to give, as long as it holds them."""

    freeze_id: UUID
    scope: str
    state: str


@dataclass(eq=False)
class EnforcementUnclear(Invalid):
    """What is enforced is all that a freeze holds, or a project, a vintage and tonnes: one of the two."""

    given: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """An order that stops an account, or certain of its serials."""

    freeze_id: UUID
    account: str
    scope: Scope
    state: State
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    """A block that a freeze holds, and where it goes back to."""

    block: Block
    back: Place

    @property
    def holding(self) -> Holding:
        """The block as it is held."""
        return Holding(self.block, Place(self.back.account, Bucket.FROZEN))


def require_not_frozen(account: Account) -> None:
    """Raises AccountFrozen as long as a freeze of the whole account stands."""
    if account.frozen_by:
        raise AccountFrozen(account.number, account.frozen_by[0])


def require_order(order: FreezeAccount | FreezeCredits) -> None:
    """Raises a refusal unless the order says whose it is, which one, and why."""
    if order.kind not in list(Kind):
        raise OutOfRange("kind", order.kind[:40], " or ".join(Kind))
    require_text("ordered_by", order.ordered_by)
    require_text("document_number", order.document_number)
    require_ground(order.document_sha256, order.reason)


def require_ground(document_sha256: str, reason: str) -> None:
    """Raises a refusal unless there is a document, and a reason."""
    require_digest(document_sha256)
    require_text("reason", reason, REASON_LENGTH_MAX)


def blocks_of(spans: Sequence[Span]) -> list[Block]:
    """The named serials in order; raises a refusal for what are none, too many or the same twice."""
    if not 0 < len(spans) <= SPANS_MAX:
        raise OutOfRange("spans", str(len(spans)), f"1 to {SPANS_MAX}")
    blocks = sorted(_block(span) for span in spans)
    for before, after in pairwise(blocks):
        if before.batch == after.batch and after.first < before.next:
            raise SpansOverlap(after.batch, after.first)
    return blocks


def _block(span: Span) -> Block:
    if not 0 < span.first_serial <= span.last_serial <= _SERIAL_MAX:
        given = f"{span.first_serial} to {span.last_serial}"
        raise OutOfRange("spans", given, f"serials from 1 to {_SERIAL_MAX}, first to last")
    return Block(span.batch_id, span.first_serial, span.last_serial + 1)


def free_parts(account: str, wanted: Block, held: Sequence[Holding]) -> list[Holding]:
    """The wanted serials, block by block as they are held; raises SerialNotFree for the first that is not there.

    What is held is given in the order of its serials: whatever of the account is free, and shares serials with the
    wanted ones.
    """
    parts: list[Holding] = []
    following = wanted.first
    for one in held:
        if one.block.first > following:
            break
        end = min(one.block.next, wanted.next)
        parts.append(Holding(Block(wanted.batch, following, end), one.place))
        following = end
    if following < wanted.next:
        raise SerialNotFree(account, wanted.batch, following)
    return parts


def released(freeze: Freeze, at: datetime) -> Freeze:
    """The freeze that has ended; raises ReleasedBeforeFrozen, or StepNotAllowed if it had ended before."""
    state = advance(LIFECYCLE, freeze.state, Step.RELEASE, posting(freeze.freeze_id))
    if at < freeze.frozen_at:
        raise ReleasedBeforeFrozen(at, freeze.frozen_at)
    return replace(freeze, state=state)


def require_enforceable(command: EnforceTransfer) -> None:
    """Raises the refusal of the first thing that an enforcement may not say."""
    if command.from_account == command.to_account:
        raise TransferToOneself(command.from_account)
    if command.ground not in GROUNDS:
        raise OutOfRange("ground", command.ground[:40], " or ".join(GROUNDS))
    require_ground(command.document_sha256, command.reason)
    quantity = (command.project, command.vintage, command.tonnes)
    named = [one for one in quantity if one is not None]
    if len(named) != (3 if command.freeze_id is None else 0):
        raise EnforcementUnclear(f"freeze {command.freeze_id}, {len(named)} of 3")


def require_of(freeze: Freeze | None, freeze_id: UUID, account: str) -> Freeze:
    """The freeze, if it is one of this account; raises Unknown."""
    if freeze is None or freeze.account != account:
        raise Unknown("freeze", str(freeze_id))
    return freeze


def held_by(freeze: Freeze, held: Sequence[Frozen]) -> list[Holding]:
    """Everything that the freeze holds; raises FreezeHoldsNothing."""
    if not held:
        raise FreezeHoldsNothing(freeze.freeze_id, freeze.scope, freeze.state)
    return [one.holding for one in held]


def first_spans(
    account: str, instrument: Instrument, held: Sequence[Holding], tonnes: int
) -> list[Holding]:
    """So many tonnes of what is held, in its order; of the last block needed, the tail (rule 24)."""
    available = total(one.block for one in held)
    if tonnes > available:
        raise NotEnoughCredits(account, instrument.project, instrument.vintage, tonnes, available)
    return first_tonnes(held, tonnes)


def first_tonnes(held: Sequence[Holding], tonnes: int) -> list[Holding]:
    """The same of what holds so many, whatever the instruments."""
    moved = take([one.block for one in held], tonnes).moved
    return [Holding(block, one.place) for block, one in zip(moved, held, strict=False)]


def posting(freeze_id: UUID) -> str:
    """The name under which credits are frozen, and under which everything is said of the freeze."""
    return f"freeze/{freeze_id}"


def release_posting(freeze_id: UUID) -> str:
    """The name under which credits go back."""
    return f"release/{freeze_id}"


def enforcement_posting(transfer_id: UUID) -> str:
    """The name under which an enforcement's entries and events stand."""
    return f"enforcement/{transfer_id}"
