"""What settlement does with transfers that are no trades, and with the days that end their offers."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import asdict

from services.kernel.actors import Actor, Role, require_operator, require_organisation, require_role
from services.kernel.blocks import Block
from services.kernel.clocks import market_day
from services.kernel.names import require_text
from services.kernel.refusals import AlreadyExists, OutOfRange, Unknown
from services.runtime.inbox import Handler
from services.runtime.messages import Command, Event
from services.runtime.postgres import Transaction
from services.settlement import obligation_handlers, store, transfer_store, transfers
from services.settlement.books import Books
from services.settlement.ledger import Bucket, Instrument, Place
from services.settlement.messages.holdings import (
    AcceptTransfer,
    ProposeTransfer,
    RefuseTransfer,
    TransferAccepted,
    TransferEnded,
    TransferProposed,
    WithdrawTransfer,
)
from services.settlement.messages.market import DayOpened, OpenDay
from services.settlement.owners import lock_own, require_giving, require_tonnes
from services.settlement.store import Wanted
from services.settlement.transfers import REASON_LENGTH_MAX, Step, Transfer


async def propose_transfer(tx: Transaction, command: ProposeTransfer) -> Sequence[Event]:
    """Holds an owner's credits for another holder, until the offer is decided or its last day is over."""
    require_tonnes(command.tonnes)
    transfers.require_offer(command, market_day(tx.effective_at))
    source = Place(command.from_account, Bucket.REGISTRY)
    instrument = Instrument(command.project, command.vintage)
    books = await lock_own(tx, source, instrument, command.tonnes, command.to_account)
    transfers.require_receiver(books.account(command.to_account))
    transfer = transfers.proposed(command, books.programme_of(instrument), tx.effective_at)
    if not await transfer_store.insert_transfer(tx, command, transfer.programme):
        raise AlreadyExists("transfer", str(command.transfer_id))
    _move(
        tx,
        books,
        transfer,
        transfers.offer_posting(transfer.transfer_id),
        transfer.kept,
        transfer.held,
    )
    await store.write_books(tx, books)
    return [TransferProposed(**asdict(command))]


async def accept_transfer(tx: Transaction, command: AcceptTransfer) -> Sequence[Event]:
    """The receiver takes the credits; both accounts are open."""
    offered, books = await _lock_transfer(tx, command.transfer_id)
    _require_party(tx.actor, books, offered, offered.to_account)
    accepted = transfers.decided(offered, Step.ACCEPT, tx.effective_at)
    transfers.require_receiver(books.account(offered.to_account))
    require_giving(books.account(offered.from_account))
    posting = transfers.posting(accepted.transfer_id)
    blocks = _move(tx, books, accepted, posting, accepted.held, accepted.given)
    await store.write_books(tx, books)
    await transfer_store.end_transfers(tx, [accepted], accepted.state, None)
    return [
        TransferAccepted(
            transfer_id=accepted.transfer_id,
            from_account=accepted.from_account,
            to_account=accepted.to_account,
            project=accepted.project,
            vintage=accepted.vintage,
            tonnes=accepted.tonnes,
            ranges=books.ranges(blocks),
        )
    ]


async def refuse_transfer(tx: Transaction, command: RefuseTransfer) -> Sequence[Event]:
    """The receiver does not want the credits."""
    offered, books = await _lock_transfer(tx, command.transfer_id)
    _require_party(tx.actor, books, offered, offered.to_account)
    return await _give_back(tx, books, offered, Step.REFUSE, command.reason)


async def withdraw_transfer(tx: Transaction, command: WithdrawTransfer) -> Sequence[Event]:
    """The giver takes the offer back, or a registrar or an authority: no offer hides credits from an order."""
    offered, books = await _lock_transfer(tx, command.transfer_id)
    if tx.actor.roles.isdisjoint((Role.REGISTRAR, Role.AUTHORITY)):
        _require_party(tx.actor, books, offered, offered.from_account)
    return await _give_back(tx, books, offered, Step.WITHDRAW, command.reason)


async def open_day(tx: Transaction, command: OpenDay) -> Sequence[Event]:
    """Ends the offers whose last day is over, and says which obligations are overdue; a day may be opened again."""
    require_role(tx.actor, Role.REGISTRAR)
    today = market_day(tx.effective_at)
    if command.date != today:
        raise OutOfRange("date", command.date.isoformat(), f"{today}, the day in Beijing")
    read = await transfer_store.list_due_transfers(tx, today)
    books = await _lock_held(tx, read)
    locked = {transfer.transfer_id for transfer in read}
    due = [
        one
        for one in await transfer_store.list_due_transfers(tx, today)
        if one.transfer_id in locked
    ]
    for transfer in due:
        _release(tx, books, transfer)
    await store.write_books(tx, books)
    expired = [transfers.expired(transfer) for transfer in due]
    await transfer_store.end_transfers(tx, expired, transfers.State.EXPIRED, None)
    missed = await obligation_handlers.miss_deadlines(tx)
    return [DayOpened(date=today), *(_ended(transfer) for transfer in expired), *missed]


async def _lock_transfer(tx: Transaction, transfer_id: UUID) -> tuple[Transfer, Books]:
    """The transfer as it is under the locks of its accounts, and what is held for it; raises Unknown."""
    read = await transfer_store.get_transfer(tx, transfer_id)
    if read is None:
        raise Unknown("transfer", str(transfer_id))
    books = await _lock_held(tx, [read])
    locked = await transfer_store.get_transfer(tx, transfer_id)
    assert locked is not None  # nothing deletes transfers
    return locked, books


async def _lock_held(tx: Transaction, offered: Sequence[Transfer]) -> Books:
    """Locks givers and receivers with the credits that are held for these offers."""
    tonnes: dict[tuple[Place, Instrument], int] = {}
    for one in offered:
        key = one.held, one.instrument
        tonnes[key] = tonnes.get(key, 0) + one.tonnes
    return await store.lock_books(
        tx,
        accounts={number for one in offered for number in (one.from_account, one.to_account)},
        instruments={one.instrument for one in offered},
        wanted=[Wanted(place, what, quantity) for (place, what), quantity in tonnes.items()],
    )


def _require_party(actor: Actor, books: Books, offered: Transfer, number: str) -> None:
    """Raises a refusal unless the actor speaks for this account; to strangers no offer exists."""
    require_role(actor, Role.OWNER_OPERATOR)
    parties = [books.account(one) for one in (offered.from_account, offered.to_account)]
    if actor.organisation not in {party.organisation_id for party in parties}:
        raise Unknown("transfer", str(offered.transfer_id))
    account = books.account(number)
    require_organisation(actor, account.organisation_id)
    require_operator(actor, number, account.operators)


async def _give_back(
    tx: Transaction, books: Books, offered: Transfer, step: Step, reason: str
) -> Sequence[Event]:
    require_text("reason", reason, REASON_LENGTH_MAX)
    ended = transfers.decided(offered, step, tx.effective_at)
    _release(tx, books, ended)
    await store.write_books(tx, books)
    await transfer_store.end_transfers(tx, [ended], ended.state, reason)
    return [_ended(ended, reason)]


def _release(tx: Transaction, books: Books, transfer: Transfer) -> None:
    posting = transfers.offer_posting(transfer.transfer_id)
    _move(tx, books, transfer, posting, transfer.held, transfer.kept)


def _move(
    tx: Transaction, books: Books, transfer: Transfer, posting: str, source: Place, target: Place
) -> Sequence[Block]:
    return books.move(
        posting, transfer.instrument, source, target, transfer.tonnes, tx.effective_at
    )


def _ended(transfer: Transfer, reason: str | None = None) -> TransferEnded:
    return TransferEnded(transfer_id=transfer.transfer_id, state=transfer.state, reason=reason)


COMMANDS: Mapping[type[Command], Handler] = {
    ProposeTransfer: propose_transfer,
    AcceptTransfer: accept_transfer,
    RefuseTransfer: refuse_transfer,
    WithdrawTransfer: withdraw_transfer,
    OpenDay: open_day,
}
