"""What the settlement bank reports: each reference is booked once, or rejected for people to look at."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import msgspec

from services.kernel.actors import SYSTEM
from services.kernel.clocks import is_instant
from services.kernel.money import FEN_MAX
from services.kernel.refusals import NotYetKnown, OutOfRange, Refusal
from services.runtime import outbox
from services.runtime.broker import Delivery
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.inbox import EVENT_PATIENCE_SECONDS
from services.runtime.messages import (
    UNSTORABLE,
    Malformed,
    RefusalBody,
    canonical,
    decode_envelope,
    digest,
    is_storable,
)
from services.runtime.postgres import Connection, Pool, Transaction
from services.settlement import market_store, store
from services.settlement.ledger import CashKey
from services.settlement.messages.cash import CashMoved, CashRejected, ReportedCash
from services.settlement.trades import CURRENCY, CurrencyNotSettled
from services.settlement.venues import VenueNotOpen

REFERENCE_LENGTH_MAX = 100
_SIGNS = {"bank.deposit_reported": 1, "bank.withdrawal_reported": -1}


def bank_work(pool: Pool) -> Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]:
    """The work of the queue ``settlement.bank``."""

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        async with pool.acquire() as connection, connection.transaction():
            said: list[int] = []
            verdicts = [await _report(connection, delivery, said) for delivery in deliveries]
            await outbox.enqueue(connection, said)
            return verdicts

    return work


async def _report(connection: Connection, delivery: Delivery, said: list[int]) -> Verdict:
    try:
        envelope = decode_envelope(delivery.body)
        if envelope.type not in _SIGNS or delivery.user_id != "bank":
            raise Malformed(f"type {envelope.type} from user {delivery.user_id}")
        if not is_storable(envelope.data):
            raise Malformed(UNSTORABLE)
        reported = msgspec.json.decode(envelope.data, type=ReportedCash)
        content = digest(envelope.type, canonical(envelope.data))
        _require_readable(reported)
    except (Malformed, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as malformed:
        return Dead(f"MALFORMED: {malformed}")
    now = datetime.now(UTC)
    tx = Transaction(connection, envelope.id, SYSTEM, reported.booked_at, now)
    known = await store.get_bank_report(tx, reported.bank_reference)
    if known is not None:
        return Done() if known.digest == content else Dead("CONFLICT: known bank reference")
    try:
        async with connection.transaction():
            said += await _book(tx, reported, _SIGNS[envelope.type], content)
    except NotYetKnown as unknown:
        if delivery.age_seconds < EVENT_PATIENCE_SECONDS:
            return Later()
        said += await _reject(tx, reported, content, unknown)
    except Refusal as refusal:
        said += await _reject(tx, reported, content, refusal)
    return Done()


def _require_readable(reported: ReportedCash) -> None:
    """Raises Malformed for a reference that no event could name, or an instant that no calendar holds."""
    reference = reported.bank_reference
    if not 0 < len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
        raise Malformed(
            f"bank_reference must have 1 to {REFERENCE_LENGTH_MAX} printable characters"
        )
    if not is_instant(reported.booked_at):
        raise Malformed("booked_at must name its offset from UTC, and lie in the calendar")


async def _book(tx: Transaction, reported: ReportedCash, sign: int, content: bytes) -> list[int]:
    """Books what the bank says happened; raises the refusal of what cannot be."""
    if not 0 < reported.amount_fen <= FEN_MAX:
        raise OutOfRange("amount_fen", str(reported.amount_fen), f"1 to {FEN_MAX}")
    if reported.currency != CURRENCY:
        raise CurrencyNotSettled(reported.currency, CURRENCY)
    if await market_store.get_venue(tx, reported.venue) is None:
        raise VenueNotOpen(reported.venue)
    key = CashKey(reported.account, reported.venue, reported.currency)
    books = await store.lock_books(tx, [reported.account], [], cash=[key])
    books.account(reported.account)
    amount_fen = sign * reported.amount_fen
    books.bank(f"cash/{reported.bank_reference}", key, amount_fen, tx.effective_at)
    await store.write_books(tx, books)
    await store.insert_bank_report(tx, reported.bank_reference, content, None)
    moved = CashMoved(
        bank_reference=reported.bank_reference,
        account=reported.account,
        venue=reported.venue,
        currency=reported.currency,
        amount_fen=amount_fen,
    )
    return await outbox.append(tx, [moved])


async def _reject(
    tx: Transaction, reported: ReportedCash, content: bytes, refusal: Refusal
) -> list[int]:
    body = RefusalBody.of(refusal)
    await store.insert_bank_report(tx, reported.bank_reference, content, body.code)
    rejected = CashRejected(
        bank_reference=reported.bank_reference,
        code=body.code,
        message=body.message,
        fields=body.fields,
    )
    return await outbox.append(tx, [rejected])
