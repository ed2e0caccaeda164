"""What settlement does when reductions are revoked: it cancels what their owner holds, and counts what is owed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.issuance.messages.reductions import ReductionsRevoked
from services.kernel.actors import Role, require_operator, require_role
from services.kernel.blocks import total
from services.kernel.documents import require_digest
from services.kernel.ids import derived_id
from services.kernel.names import require_text
from services.kernel.refusals import NotYetKnown, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import (
    freeze_store,
    freezes,
    retirement_store,
    retirements,
    shortfall_store,
    shortfalls,
    store,
)
from services.settlement.books import Books
from services.settlement.freeze_handlers import lock_free
from services.settlement.ledger import Account, Bucket, Holding, Instrument
from services.settlement.messages.shortfalls import (
    MakeGood,
    ShortfallClosed,
    ShortfallOpened,
    ShortfallReduced,
)
from services.settlement.owners import require_free, require_instrument, require_tonnes
from services.settlement.retirements import REASON_LENGTH_MAX, Ground, Retirement
from services.settlement.shortfalls import Shortfall, State

FORCING = Role.REGISTRAR, Role.AUTHORITY
"""Who makes good in the owner's stead what the owner does not (measures 2023, article 43)."""


async def on_reductions_revoked(tx: Transaction, event: ReductionsRevoked) -> Sequence[Event]:
    """Cancels as many credits as were issued for nothing; what the owner does not hold is owed."""
    if event.batch_id is None:
        return []
    programme = await shortfall_store.get_batch_programme(tx, event.batch_id)
    if programme is None:
        raise NotYetKnown("batch", str(event.batch_id))
    account = event.owner_account
    locked = await store.lock_books(tx, [account], [])
    locked.account(account)
    if await shortfall_store.has_revocation(tx):
        return []
    held = await shortfall_store.list_nearest(tx, event.batch_id, account, event.tonnes)
    books = await freeze_store.lock_holdings(tx, [account], held)
    cancelled = min(event.tonnes, total(one.block for one in held))
    cancellations = _cancellations(tx, event, programme, books, held, cancelled)
    said = [await _cancel(tx, books, one, spans) for one, spans in cancellations]
    await store.write_books(tx, books)
    ids = [one.retirement_id for one, _ in cancellations]
    await shortfall_store.insert_revocation(tx, event, programme, cancelled, ids)
    return [*said, *await _owe(tx, event, programme, event.tonnes - cancelled)]


def _cancellations(
    tx: Transaction,
    event: ReductionsRevoked,
    programme: str,
    books: Books,
    held: Sequence[Holding],
    tonnes: int,
) -> list[tuple[Retirement, list[Holding]]]:
    """The serials that go, and a record for each project and vintage among them."""
    parts: dict[Instrument, list[Holding]] = {}
    for span in freezes.first_tonnes(held, tonnes) if tonnes else ():
        parts.setdefault(books.batches[span.block.batch].instrument, []).append(span)
    return [
        (
            Retirement(
                retirement_id=derived_id(tx.message_id, instrument.project, instrument.vintage),
                account=event.owner_account,
                programme=programme,
                instrument=instrument,
                tonnes=total(span.block for span in spans),
                purpose=Ground.FORCED,
                reason=event.reason,
            ),
            spans,
        )
        for instrument, spans in parts.items()
    ]


async def _cancel(
    tx: Transaction, books: Books, retirement: Retirement, spans: Sequence[Holding]
) -> Event:
    """Takes exactly these serials out of circulation for ever, with a certificate number and a public record."""
    number = await retirement_store.insert_retirement(tx, retirement)
    books.move_spans(retirement.posting, spans, retirement.target, tx.effective_at)
    frozen = [span.block for span in spans if span.place.bucket == Bucket.FROZEN]
    await freeze_store.thaw(tx, frozen)
    return retirements.told(retirement, number, books.ranges([span.block for span in spans]))


async def _owe(
    tx: Transaction, event: ReductionsRevoked, programme: str, tonnes: int
) -> Sequence[Event]:
    if not tonnes:
        return []
    reduction_id, account = event.reduction_id, event.owner_account
    key = shortfalls.shortfall_id(reduction_id, account)
    before = await shortfall_store.get_shortfall(tx, key)
    owed = shortfalls.raised(before, reduction_id, account, programme, tonnes, tx.effective_at)
    await shortfall_store.put_shortfall(tx, owed)
    return [
        ShortfallOpened(
            shortfall_id=key,
            account=account,
            programme=programme,
            reduction_id=reduction_id,
            tonnes=owed.tonnes,
            outstanding=owed.outstanding,
        )
    ]


async def make_good(tx: Transaction, command: MakeGood) -> Sequence[Event]:
    """Takes free credits of the same programme for what is owed, of the owner's own will or without it; for ever."""
    instrument = Instrument(command.project, command.vintage)
    require_tonnes(command.tonnes)
    require_instrument(instrument)
    require_text("reason", command.reason, REASON_LENGTH_MAX)
    if tx.actor.roles.isdisjoint(FORCING):
        owed = await _lock_own(tx, command.shortfall_id)
    else:
        require_digest(command.document_sha256 or "")
        owed, _ = await _lock(tx, command.shortfall_id)
    left = shortfalls.reduced(owed, command.tonnes, tx.effective_at)
    books, spans = await lock_free(tx, owed.account, instrument, command.tonnes)
    shortfalls.require_same_programme(owed, books.programme_of(instrument))
    retirement = Retirement(
        retirement_id=command.retirement_id,
        account=owed.account,
        programme=owed.programme,
        instrument=instrument,
        tonnes=command.tonnes,
        purpose=Ground.FORCED,
        reason=command.reason,
        document_sha256=command.document_sha256,
    )
    cancelled = await _cancel(tx, books, retirement, spans)
    await store.write_books(tx, books)
    await shortfall_store.put_shortfall(tx, left)
    await shortfall_store.insert_making_good(
        tx, command.retirement_id, left.shortfall_id, command.tonnes
    )
    return [*_told(left, command), cancelled]


def _told(left: Shortfall, command: MakeGood) -> Sequence[Event]:
    reduced = ShortfallReduced(
        shortfall_id=left.shortfall_id,
        account=left.account,
        retirement_id=command.retirement_id,
        tonnes=command.tonnes,
        outstanding=left.outstanding,
    )
    if left.state == State.OPEN:
        return [reduced]
    return [reduced, ShortfallClosed(shortfall_id=left.shortfall_id, account=left.account)]


async def _lock_own(tx: Transaction, shortfall_id: UUID) -> Shortfall:
    """The shortfall, if that is the actor's own and its account free; for anybody else there is none."""
    require_role(tx.actor, Role.OWNER_OPERATOR)
    shortfall, account = await _lock(tx, shortfall_id)
    if account.organisation_id != tx.actor.organisation:
        raise Unknown("shortfall", str(shortfall_id))
    require_operator(tx.actor, account.number, account.operators)
    require_free(account)
    return shortfall


async def _lock(tx: Transaction, shortfall_id: UUID) -> tuple[Shortfall, Account]:
    """The shortfall as it is under the lock of its account; raises Unknown."""
    read = await shortfall_store.get_shortfall(tx, shortfall_id)
    if read is None:
        raise Unknown("shortfall", str(shortfall_id))
    books = await store.lock_books(tx, [read.account], [])
    locked = await shortfall_store.get_shortfall(tx, shortfall_id)
    assert locked is not None  # nothing deletes shortfalls
    return locked, books.account(read.account)


COMMANDS: Mapping[type[Command], Handler] = {MakeGood: make_good}
EVENTS: Mapping[type[Event], Handler] = {ReductionsRevoked: on_reductions_revoked}
FOUR_EYES: Mapping[type[Command], Role] = {MakeGood: Role.APPROVER}
