"""What the settlement bank reports: read at the door, and each report counted once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from services.kernel.actors import SYSTEM
from services.kernel.clocks import is_instant
from services.kernel.refusals import NotYetKnown, Refusal
from services.runtime import outbox
from services.runtime.consumer import Dead, Done, Later, Verdict
from services.runtime.deliveries import Delivery
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
from services.settlement import bank_store, cash, statements, store
from services.settlement.messages.cash import ReportedCash, ReportedStatement

REFERENCE_LENGTH_MAX = 100
_SIGNS = {"bank.deposit_reported": 1, "bank.withdrawal_reported": -1}
_STATEMENT = "bank.statement_reported"


@dataclass(frozen=True, slots=True)
class BankReport:
    """A message of the bank that can be read."""

    kind: str
    message_id: str
    digest: bytes
    data: ReportedCash | ReportedStatement
    age_seconds: float


def bank_work(pool: Pool) -> Callable[[Sequence[Delivery]], Awaitable[Sequence[Verdict]]]:
    """The work of the queue ``settlement.bank``."""

    async def work(deliveries: Sequence[Delivery]) -> Sequence[Verdict]:
        read = [_read(delivery) for delivery in deliveries]
        async with pool.acquire() as connection, connection.transaction():
            await _lock_accounts(connection, read)
            verdicts: list[Verdict] = []
            said: list[int] = []
            for report in read:
                is_behind = any(isinstance(verdict, Later) for verdict in verdicts)
                verdicts.append(
                    report
                    if isinstance(report, Dead)
                    else await _count(connection, report, said, is_behind)
                )
            await outbox.enqueue(connection, said)
            return verdicts

    return work


def _read(delivery: Delivery) -> BankReport | Dead:
    try:
        envelope = decode_envelope(delivery.body)
        if envelope.type not in (*_SIGNS, _STATEMENT) or delivery.user_id != "bank":
            raise Malformed(f"type {envelope.type} from user {delivery.user_id}")
        if not is_storable(envelope.data):
            raise Malformed(UNSTORABLE)
        is_statement = envelope.type == _STATEMENT
        data = msgspec.json.decode(
            envelope.data, type=ReportedStatement if is_statement else ReportedCash
        )
        _require_readable(data)
        content = digest(envelope.type, canonical(envelope.data))
    except (Malformed, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as malformed:
        return Dead(f"MALFORMED: {malformed}")
    return BankReport(envelope.type, envelope.id, content, data, delivery.age_seconds)


def _require_readable(data: ReportedCash | ReportedStatement) -> None:
    """Raises Malformed for an id that no event could name, or an instant that no calendar holds."""
    is_cash = isinstance(data, ReportedCash)
    name = "bank_reference" if is_cash else "statement_id"
    given = data.bank_reference if is_cash else data.statement_id
    if not 0 < len(given) <= REFERENCE_LENGTH_MAX or not given.isprintable():
        raise Malformed(f"{name} must have 1 to {REFERENCE_LENGTH_MAX} printable characters")
    if is_cash and not is_instant(data.booked_at):
        raise Malformed("booked_at must name its offset from UTC, and lie in the calendar")


async def _lock_accounts(connection: Connection, read: Sequence[BankReport | Dead]) -> None:
    """All accounts of the batch at once and in order: one by one as they come, trades might wait in a circle."""
    found = [one.data for one in read if isinstance(one, BankReport)]
    numbers = {data.account for data in found if isinstance(data, ReportedCash)}
    if numbers:
        now = datetime.now(UTC)
        await store.lock_books(Transaction(connection, "", SYSTEM, now, now), numbers, [])


async def _count(
    connection: Connection, report: BankReport, said: list[int], is_behind: bool
) -> Verdict:
    if isinstance(report.data, ReportedCash):
        return await _count_cash(connection, report, report.data, said)
    return await _count_statement(connection, report, report.data, said, is_behind)


async def _count_cash(
    connection: Connection, report: BankReport, reported: ReportedCash, said: list[int]
) -> Verdict:
    tx = Transaction(connection, report.message_id, SYSTEM, reported.booked_at, datetime.now(UTC))
    known = await bank_store.get_report(tx, reported.bank_reference)
    if known is not None:
        is_same = known.digest == report.digest
        return Done() if is_same else Dead("CONFLICT: known bank reference")
    try:
        async with connection.transaction():
            events = await cash.book(tx, reported, _SIGNS[report.kind], report.digest)
    except Refusal as refusal:
        is_early = report.age_seconds < EVENT_PATIENCE_SECONDS
        if isinstance(refusal, NotYetKnown) and is_early:
            return Later()
        events = await cash.reject(tx, reported, report.digest, refusal)
    said += await outbox.append(tx, events)
    return Done()


async def _count_statement(
    connection: Connection,
    report: BankReport,
    statement: ReportedStatement,
    said: list[int],
    is_behind: bool,
) -> Verdict:
    now = datetime.now(UTC)
    tx = Transaction(connection, report.message_id, SYSTEM, now, now)
    known = await bank_store.get_statement_digest(tx, statement.statement_id)
    if known is not None:
        return Done() if known == report.digest else Dead("CONFLICT: known statement")
    try:
        events = await statements.reconcile(tx, statement, report.digest, is_behind)
    except NotYetKnown:
        return Later()
    except Refusal as refusal:
        return Dead(f"{RefusalBody.of(refusal).code}: {refusal}")
    said += await outbox.append(tx, events)
    return Done()
