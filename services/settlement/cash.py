"""Cash that comes and goes by the bank: booked, or rejected for people to look at."""

from collections.abc import Sequence

from services.kernel.clocks import CLOCK_LEEWAY
from services.kernel.money import FEN_MAX
from services.kernel.refusals import OutOfRange, Refusal
from services.runtime.messages import Event, RefusalBody
from services.runtime.postgres import Transaction
from services.settlement import bank_store, market_store, store
from services.settlement.ledger import CashKey
from services.settlement.messages.cash import CashMoved, CashRejected, ReportedCash
from services.settlement.trades import CURRENCY, CurrencyNotSettled
from services.settlement.venues import VenueNotOpen


async def book(
    tx: Transaction, reported: ReportedCash, sign: int, content: bytes
) -> Sequence[Event]:
    """Books what the bank says happened; raises the refusal of what cannot be."""
    if not 0 < reported.amount_fen <= FEN_MAX:
        raise OutOfRange("amount_fen", str(reported.amount_fen), f"1 to {FEN_MAX}")
    if reported.booked_at > tx.recorded_at + CLOCK_LEEWAY:
        expected = f"not after {tx.recorded_at.isoformat()}"
        raise OutOfRange("booked_at", reported.booked_at.isoformat(), expected)
    if reported.currency != CURRENCY:
        raise CurrencyNotSettled(reported.currency, CURRENCY)
    if await market_store.get_venue(tx, reported.venue) is None:
        raise VenueNotOpen(reported.venue)
    key = CashKey(reported.account, reported.venue, reported.currency)
    books = await store.lock_books(tx, [reported.account], [], cash=[key])
    books.account(reported.account)
    amount_fen = sign * reported.amount_fen
    if books.position(key).balance_fen + amount_fen > FEN_MAX:
        raise OutOfRange("amount_fen", str(reported.amount_fen), f"a balance of at most {FEN_MAX}")
    books.bank(f"cash/{reported.bank_reference}", key, amount_fen, tx.effective_at)
    await store.write_books(tx, books)
    await bank_store.insert_report(tx, reported.bank_reference, content, None)
    moved = CashMoved(
        bank_reference=reported.bank_reference,
        account=reported.account,
        venue=reported.venue,
        currency=reported.currency,
        amount_fen=amount_fen,
    )
    return [moved]


async def reject(
    tx: Transaction, reported: ReportedCash, content: bytes, refusal: Refusal
) -> Sequence[Event]:
    """Notes why the bank's report cannot be booked."""
    body = RefusalBody.of(refusal)
    await bank_store.insert_report(tx, reported.bank_reference, content, body.code)
    rejected = CashRejected(
        bank_reference=reported.bank_reference,
        code=body.code,
        message=body.message,
        fields=body.fields,
    )
    return [rejected]
