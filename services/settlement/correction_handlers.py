"""What settlement does about mistakes: postings are corrected by their opposite, and disputes are opened and closed."""

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict

from services.kernel.actors import Role, require_role
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import (
    correction_store,
    corrections,
    dispute_store,
    disputes,
    market_store,
    store,
)
from services.settlement.corrections import REASON_LENGTH_MAX, AlreadyCorrected
from services.settlement.messages.holdings import CorrectPosting, PostingCorrected
from services.settlement.messages.market import (
    CloseDispute,
    DisputeClosed,
    ObjectToTrade,
    TradeDisputed,
)
from services.settlement.owners import require_speaker
from services.settlement.store import Wanted


async def correct_posting(tx: Transaction, command: CorrectPosting) -> Sequence[Event]:
    """Books the opposite of a posting; what it moved is there to go back, or nothing goes."""
    require_role(tx.actor, Role.REGISTRAR)
    corrections.require_correctable(command.posting)
    require_text("reason", command.reason, REASON_LENGTH_MAX)
    posted = await correction_store.get_posting(tx, command.posting)
    if posted is None:
        raise Unknown("posting", command.posting)
    name = corrections.posting_name(command.correction_id)
    opposite = corrections.opposite(posted, name, tx.effective_at)
    books = await store.lock_books(
        tx,
        accounts=opposite.accounts,
        instruments={leg.instrument for leg in opposite.credits},
        wanted=[Wanted(leg.source, leg.instrument, leg.tonnes) for leg in opposite.credits],
        cash=opposite.cash_keys,
    )
    earlier = await correction_store.get_correction_of(tx, command.posting)
    if earlier is not None:
        raise AlreadyCorrected(command.posting, earlier)
    blocks = corrections.book(opposite, books)
    assert tx.approved_by is not None  # a correction comes here only by its approval
    if not await correction_store.insert_correction(tx, command, opposite, tx.approved_by):
        raise AlreadyExists("correction", str(command.correction_id))
    await store.write_books(tx, books)
    return [
        PostingCorrected(
            correction_id=command.correction_id,
            posting=command.posting,
            reason=command.reason,
            ranges=books.ranges(blocks),
            amount_fen=opposite.amount_fen,
        )
    ]


async def object_to_trade(tx: Transaction, command: ObjectToTrade) -> Sequence[Event]:
    """A party disagrees with a trade, in time; the trade stands."""
    require_text("reason", command.reason, REASON_LENGTH_MAX)
    books = await store.lock_books(tx, [command.account], [])
    require_speaker(tx.actor, books.accounts.get(command.account), command.account)
    subject = f"{command.venue} {command.trade_id}"[:150]
    trade = await dispute_store.get_disputed_trade(tx, command.venue, command.trade_id)
    if trade is None or command.account not in trade.parties:
        raise Unknown("trade", subject)
    versions = await market_store.list_terms(tx, [command.venue])
    disputes.require_in_time(
        trade,
        versions.get((command.venue, trade.programme or ""), ()),
        await market_store.load_calendar(tx),
        tx.effective_at,
    )
    if not await dispute_store.insert_dispute(tx, command):
        raise AlreadyExists("dispute", f"{command.dispute_id} or {command.account} {subject}")
    return [TradeDisputed(**asdict(command))]


async def close_dispute(tx: Transaction, command: CloseDispute) -> Sequence[Event]:
    """Decides a dispute; one that is upheld is cured by a correction, which is an act of its own."""
    require_role(tx.actor, Role.REGISTRAR)
    require_text("explanation", command.explanation, REASON_LENGTH_MAX)
    read = await dispute_store.get_dispute(tx, command.dispute_id)
    if read is None:
        raise Unknown("dispute", str(command.dispute_id))
    # Whatever is said of a trade is said under the lock of a party's account: its events are numbered.
    await store.lock_books(tx, [read.account], [])
    locked = await dispute_store.get_dispute(tx, command.dispute_id)
    assert locked is not None  # nothing deletes disputes
    closed = disputes.closed(locked, command.outcome, tx.effective_at)
    await dispute_store.close_dispute(tx, closed, command.explanation)
    return [
        DisputeClosed(
            dispute_id=closed.dispute_id,
            venue=closed.venue,
            trade_id=closed.trade_id,
            outcome=closed.state,
            explanation=command.explanation,
        )
    ]


COMMANDS: Mapping[type[Command], Handler] = {
    CorrectPosting: correct_posting,
    ObjectToTrade: object_to_trade,
    CloseDispute: close_dispute,
}
FOUR_EYES: Mapping[type[Command], Role] = {CorrectPosting: Role.APPROVER}
